//! Connections: made, used by one thread at a time, closed.

use std::os::fd::{AsFd, AsRawFd};
use std::time::Instant;

use parking_lot::Mutex;
use ringfence::ipc::{Connection, Interface};
use ringfence::serialize::SharedFd;
use ringfence::serialize::native::Opaque;

use crate::argument::{object, object_mut, time};
use crate::error::{guarded, quietly, rf_error};
use crate::interface::rf_interface;
use crate::message::{rf_body, rf_message};
use crate::options::rf_options;
use crate::status::rf_status::{self, *};
use crate::worker::rf_worker;

/// A connection to a component in a worker process.
#[derive(Debug)]
pub struct rf_connection {
    /// Never waited for: whoever finds it locked is told.
    inner: Mutex<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    interface: &'static Interface,
    pub(crate) connection: Connection,
    /// Descriptors of the message at hand; kept for its memory.
    fds: Vec<SharedFd>,
    /// Set while something is being done: found set, a panic has ended it half way.
    broken: bool,
}

impl rf_connection {
    /// Does `work` with the connection, unless another thread does, or a panic has left it unusable.
    ///
    /// # Safety
    /// The pointer is NULL, or leads to a connection that is not closed meanwhile.
    pub(crate) unsafe fn with<T>(
        connection: *const Self,
        work: impl FnOnce(&mut Inner) -> Result<T, rf_error>,
    ) -> Result<T, rf_error> {
        // SAFETY: the caller's promise.
        let this = unsafe { object(connection, "connection") }?;
        let Some(mut inner) = this.inner.try_lock() else {
            return Err(rf_error::new(RF_ERROR_BUSY, "another thread is using the connection"));
        };
        if std::mem::replace(&mut inner.broken, true) {
            return Err(rf_error::new(
                RF_ERROR_INTERNAL,
                "the connection is lost, as ringfence had a bug in an earlier call",
            ));
        }
        let result = work(&mut inner);
        inner.fds.clear();
        inner.broken = false;
        result
    }
}

impl Inner {
    /// The number of a method that is called in the right way.
    fn method(&self, number: u32, one_way: bool) -> Result<u16, rf_error> {
        let Interface { name, methods, .. } = self.interface;
        let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        let Some(method) = index.and_then(|index| methods.get(index)) else {
            let count = methods.len();
            return Err(rf_error::argument(format!("method {number}: {name} has 1 to {count}")));
        };
        match (method.asynchronous, one_way) {
            (true, false) => Err(format!("{} has no reply: use rf_cast()", method.name)),
            (false, true) => Err(format!("{} has a reply: use rf_call()", method.name)),
            // There are no more methods than that.
            _ => Ok(number as u16),
        }
        .map_err(rf_error::argument)
    }
}

/// Starts a worker and connects to it. `options` may be NULL: the defaults. `connection` gets the connection, or NULL after
/// a failure.
///
/// The worker ends with the connection, and with this process, however it ends. What it writes to its standard error
/// goes to the log (rf_log_to()), and the last of it into RF_ERROR_DIED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_connect(
    interface: *const rf_interface,
    worker: *const rf_worker,
    options: *const rf_options,
    connection: *mut *mut rf_connection,
    error: *mut *mut rf_error,
) -> rf_status {
    // SAFETY: the caller's promises: every pointer is NULL or leads to what the header says.
    unsafe {
        guarded(error, || {
            if connection.is_null() {
                return Err(rf_error::argument("connection is NULL"));
            }
            // It may be uninitialised.
            connection.write(std::ptr::null_mut());
            let interface = rf_interface::read(interface)?;
            let worker = object(worker, "worker")?.build()?;
            let options =
                options.as_ref().map_or_else(|| Ok(rf_options::default_options()), rf_options::build)?;
            let made = Connection::isolated(interface, &options, worker)?;
            let inner = Inner { interface, connection: made, fds: Vec::new(), broken: false };
            connection.write(Box::into_raw(Box::new(rf_connection { inner: Mutex::new(inner) })));
            Ok(RF_OK)
        })
    }
}

/// Asks the worker to end, waits as long as rf_options_exit_deadline() says, kills it if need be, and frees the connection.
/// Messages and errors that came from it stay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_close(connection: *mut rf_connection) {
    if !connection.is_null() {
        // SAFETY: it came from `rf_connect`, and the caller closes it once, when nobody uses it any more.
        quietly((), || drop(unsafe { Box::from_raw(connection) }));
    }
}

/// Calls a method and waits for its reply.
///
/// `method` counts from 1, as in the interface, and must not be one way. `request` may be NULL: nothing. `deadline` is how
/// long this call may take, waiting for room included; 0: as long as the options say. `reply` gets the reply, and is empty
/// after a failure; if it is NULL, the reply is thrown away. The request may lie in the message that gets the reply.
///
/// No event is delivered meanwhile: those that come are kept for rf_next_event().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_call(
    connection: *mut rf_connection,
    method: u32,
    request: *const rf_body,
    deadline: u64,
    reply: *mut rf_message,
    error: *mut *mut rf_error,
) -> rf_status {
    // SAFETY: the caller's promises: every pointer is NULL or leads to what the header says.
    unsafe {
        guarded(error, || {
            let result = rf_connection::with(connection, |inner| {
                let number = inner.method(method, false)?;
                let bytes = rf_body::read(request, &mut inner.fds)?;
                if deadline != 0 {
                    inner.connection.deadline_of_next_call(time(deadline));
                }
                inner.connection.call(number, &Opaque { bytes, fds: &inner.fds }, |body| {
                    // The request was sent: nobody reads any more what may lie in here.
                    match reply.as_mut() {
                        Some(reply) => reply.read(number, body),
                        None => {
                            let _ = body.rest();
                        }
                    }
                    Ok(())
                })?;
                Ok(RF_OK)
            });
            if result.is_err()
                && let Some(reply) = reply.as_mut()
            {
                reply.clear();
            }
            result
        })
    }
}

/// Calls a one-way method: sends it, and does not wait until it is carried out. It waits for room in the ring at most, as
/// long as `deadline` says; 0: as long as the options say.
///
/// That it was sent does not mean that the component could do it. If it refuses, rf_next_event() says so with
/// RF_ERROR_REFUSED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_cast(
    connection: *mut rf_connection,
    method: u32,
    request: *const rf_body,
    deadline: u64,
    error: *mut *mut rf_error,
) -> rf_status {
    // SAFETY: the caller's promises: every pointer is NULL or leads to what the header says.
    unsafe {
        guarded(error, || {
            rf_connection::with(connection, |inner| {
                let number = inner.method(method, true)?;
                let bytes = rf_body::read(request, &mut inner.fds)?;
                if deadline != 0 {
                    inner.connection.deadline_of_next_call(time(deadline));
                }
                inner.connection.cast(number, &Opaque { bytes, fds: &inner.fds })?;
                Ok(RF_OK)
            })
        })
    }
}

/// Takes the next event, if one is there: RF_OK, or RF_NOTHING. It does not wait. `message` gets the event, and is empty
/// otherwise.
///
/// RF_ERROR_REFUSED is about an earlier rf_cast(), in its place among the events. RF_ERROR_DIED comes when all events that
/// the worker had sent were taken.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_next_event(
    connection: *mut rf_connection,
    message: *mut rf_message,
    error: *mut *mut rf_error,
) -> rf_status {
    // SAFETY: the caller's promises: every pointer is NULL or leads to what the header says.
    unsafe {
        guarded(error, || {
            let message = object_mut(message, "message")?;
            message.clear();
            let event = rf_connection::with(connection, |inner| {
                Ok(inner.connection.next_event_with(|number, body| {
                    message.read(number, body);
                    Ok(())
                })?)
            });
            Ok(if event?.is_some() { RF_OK } else { RF_NOTHING })
        })
    }
}

/// Waits until rf_next_event() has something to say, at most `timeout`; 0 only looks. RF_OK if it has, RF_NOTHING if the
/// time is over.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_wait(
    connection: *mut rf_connection,
    timeout: u64,
    error: *mut *mut rf_error,
) -> rf_status {
    // SAFETY: the caller's promises: every pointer is NULL or leads to what the header says.
    unsafe {
        guarded(error, || {
            rf_connection::with(connection, |inner| {
                let deadline = Instant::now().checked_add(time(timeout));
                Ok(if inner.connection.wait(deadline)? { RF_OK } else { RF_NOTHING })
            })
        })
    }
}

/// A descriptor that is readable (POLLIN) when rf_next_event() has something to say, the end of the worker included: for
/// poll(), epoll or an event loop. When it is, call rf_next_event() until it says RF_NOTHING, which may be at once: now and
/// then it is readable for nothing, as after a call that had to wait. It belongs to the connection; do nothing but wait on
/// it. -1 for NULL, or if the connection is in use by another thread.
///
/// A program that never asks for it saves a little with every event.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_fd(connection: *mut rf_connection) -> i32 {
    quietly(-1, || {
        // SAFETY: the caller's promise.
        let fd = unsafe { rf_connection::with(connection, |inner| Ok(inner.connection.as_fd().as_raw_fd())) };
        fd.unwrap_or(-1)
    })
}

/// 1 as long as nothing is known that would make a call impossible; else 0. It looks at nothing but what was found before:
/// the end of a worker is found by what is called next, and makes rf_fd() readable. 1 too while another thread uses it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_is_connected(connection: *mut rf_connection) -> i32 {
    quietly(0, || {
        // SAFETY: the caller's promise.
        match unsafe { rf_connection::with(connection, |inner| Ok(inner.connection.failure().is_none())) } {
            Ok(connected) => i32::from(connected),
            Err(error) => i32::from(error.is_busy()),
        }
    })
}

/// Process id of the worker. Once it has died, the number may be another process's. 0 for NULL, or if the connection is in
/// use by another thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_worker_pid(connection: *mut rf_connection) -> i32 {
    quietly(0, || {
        // SAFETY: the caller's promise.
        let pid = unsafe { rf_connection::with(connection, |inner| Ok(inner.connection.worker_pid())) };
        pid.ok().flatten().map_or(0, u32::cast_signed)
    })
}

/// The layers of the worker's sandbox that are in force, RF_LAYER_* added up. 0 for NULL, or if the connection is in use by
/// another thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_layers(connection: *mut rf_connection) -> u32 {
    quietly(0, || {
        // SAFETY: the caller's promise.
        let layers = unsafe { rf_connection::with(connection, |inner| Ok(inner.connection.layers())) };
        layers.map_or(0, |layers| layers.bits())
    })
}
