//! Descriptions of failures, and the wall that no panic passes.

use std::any::Any;
use std::ffi::{CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use ringfence::ipc::{CallError, ConnectError, InterfaceError};

use crate::status::rf_exit;
use crate::status::rf_status::{self, *};

/// Why something failed. It never changes, so that any number of threads may read it.
#[derive(Debug)]
pub struct rf_error {
    status: rf_status,
    message: CString,
    exit: (rf_exit, i32),
}

impl rf_error {
    /// An error with this message.
    pub(crate) fn new(status: rf_status, message: impl Into<String>) -> Self {
        // What workers wrote is in there: a zero byte would end it.
        let message = CString::new(message.into().replace('\0', "\u{fffd}")).unwrap_or_default();
        Self { status, message, exit: (rf_exit::RF_EXIT_NONE, 0) }
    }

    /// The caller's mistake.
    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::new(RF_ERROR_ARGUMENT, message)
    }

    /// What [`rf_error_message`] says.
    pub(crate) fn text(&self) -> String {
        self.message.to_string_lossy().into_owned()
    }

    /// Whether another thread was in the way.
    pub(crate) fn is_busy(&self) -> bool {
        self.status == RF_ERROR_BUSY
    }

    /// Our own mistake.
    pub(crate) fn panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        Self::new(RF_ERROR_INTERNAL, format!("ringfence has a bug: {}", text.unwrap_or("it panicked")))
    }
}

impl From<CallError> for rf_error {
    fn from(error: CallError) -> Self {
        let exit = match &error {
            CallError::Died(death) => rf_exit::of(&death.exit),
            _ => (rf_exit::RF_EXIT_NONE, 0),
        };
        Self { exit, ..Self::new((&error).into(), error.to_string()) }
    }
}

impl From<ConnectError> for rf_error {
    fn from(error: ConnectError) -> Self {
        let exit = match &error {
            ConnectError::Died(death) => rf_exit::of(&death.exit),
            _ => (rf_exit::RF_EXIT_NONE, 0),
        };
        Self { exit, ..Self::new((&error).into(), error.to_string()) }
    }
}

impl From<InterfaceError> for rf_error {
    fn from(error: InterfaceError) -> Self {
        Self::argument(format!("rf_interface: {error}"))
    }
}

/// Does `work`, lets no panic out, and leaves a description of a failure where the caller wants it.
///
/// # Safety
/// `error` is NULL or can be written to.
pub(crate) unsafe fn guarded(
    error: *mut *mut rf_error,
    work: impl FnOnce() -> Result<rf_status, rf_error>,
) -> rf_status {
    // Nothing is used again that a panic may have left half done: see `Inner::broken`.
    let result =
        catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| Err(rf_error::panic(&*payload)));
    let (status, failure) = match result {
        Ok(status) => (status, None),
        Err(failure) => (failure.status, Some(failure)),
    };
    if !error.is_null() {
        let failure = failure.map_or(std::ptr::null_mut(), |failure| Box::into_raw(Box::new(failure)));
        // SAFETY: the caller's promise. It may be uninitialised, so nothing is dropped.
        unsafe { error.write(failure) };
    }
    status
}

/// Does `work` for a function that has nobody to tell of a failure.
pub(crate) fn quietly<T>(otherwise: T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(otherwise)
}

/// The number of an error; RF_OK for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_error_status(error: *const rf_error) -> rf_status {
    // SAFETY: NULL, or an error of ours that the caller has not freed.
    unsafe { error.as_ref() }.map_or(RF_OK, |error| error.status)
}

/// What happened, where, and how to mend it: UTF-8, one line, but for the last words of a worker that died, which follow
/// on lines of their own. Belongs to the error; never NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_error_message(error: *const rf_error) -> *const c_char {
    // SAFETY: as in `rf_error_status`.
    unsafe { error.as_ref() }.map_or(c"no error", |error| &error.message).as_ptr()
}

/// How the worker ended, if the error is RF_ERROR_DIED. `number`, if it is not NULL, gets the exit status or the signal, or
/// zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_error_exit(error: *const rf_error, number: *mut i32) -> rf_exit {
    // SAFETY: as in `rf_error_status`.
    let (exit, its) = unsafe { error.as_ref() }.map_or((rf_exit::RF_EXIT_NONE, 0), |error| error.exit);
    if !number.is_null() {
        // SAFETY: the caller lets us write there.
        unsafe { number.write(its) };
    }
    exit
}

/// Frees an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_error_free(error: *mut rf_error) {
    if !error.is_null() {
        // SAFETY: it came from `Box::into_raw` in `guarded`, and the caller frees it once.
        drop(unsafe { Box::from_raw(error) });
    }
}
