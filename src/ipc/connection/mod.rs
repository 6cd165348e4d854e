//! The host's end of a connection: how it comes into being and how it ends. Calls and events have files of their own.

mod calls;
mod events;

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rustix::event::{PollFlags, epoll};
use rustix::io::Errno;
use rustix::net::{Shutdown, shutdown};
use rustix::process::Pid;

use crate::ipc::channel::{Incoming, Label, Message, Outgoing, SendError};
use crate::ipc::handshake::{Agreed, HandshakeError, Offer};
use crate::ipc::message::Kind;
use crate::ipc::nursery;
use crate::ipc::options::FOREVER;
use crate::ipc::printable::printable_line;
use crate::ipc::process::{Module, Process};
use crate::ipc::processors::share_one;
use crate::ipc::socket::Socket;
use crate::ipc::spans;
use crate::ipc::status::{About, Status, monotonic_ns};
use crate::ipc::wait::{Peer, Wake, wait};
use crate::ipc::watchdog::Watchdog;
use crate::ipc::{
    CallError, ConnectError, ConnectionId, Endpoint, Event, Interface, LAST_BREATH, Layers, Meter, Mode,
    OnFlood, OnFull, Options, ProtocolError, ServeError, Worker,
};
use crate::serialize::SharedFd;
use crate::serialize::native::{DecodeError, Decoder, Encode, Encoder};
use crate::shm::{RingError, Spinner, WaitPolicy};

/// Bytes of a module's own reason for a failure that are shown.
const LONGEST_REASON: usize = 4096;
/// Messages kept for their memory.
const SPARE_MESSAGES: usize = 32;

/// The host's end of a connection to a module in a thread or a process.
///
/// Generated proxies use it; a pipeline sees it through their `connection()`. Dropped, it asks the
/// module to end, waits for [`Options::exit_deadline`], and then kills a process that has not.
#[derive(Debug)]
pub struct Connection {
    id: ConnectionId,
    interface: &'static Interface,
    options: Options,
    socket: Socket,
    module: Module,
    outgoing: Outgoing,
    incoming: Incoming,
    meter: Meter,
    /// What observers see.
    status: Status,
    /// Where messages are encoded once more for them; kept for its memory.
    copy: (Vec<u8>, Vec<SharedFd>),
    /// For replies, for events and for room: they come after different times, and looking may pay for one and not
    /// for another.
    for_reply: Spinner,
    for_event: Spinner,
    for_room: Spinner,
    /// Durations of calls, in nanoseconds, if they are recorded.
    latency: Option<Box<Histogram<u64>>>,
    /// The message at hand.
    message: Message,
    /// Events that came while a call was waited for.
    queue: VecDeque<Message>,
    queued_bytes: usize,
    spare: Vec<Message>,
    /// How long calls of each method may take, and the next call, and the one at hand, if it has a deadline of its own.
    deadlines: Box<[Duration]>,
    next_deadline: Option<Duration>,
    own_deadline: Option<Duration>,
    sequence: u32,
    /// Events that came.
    events: u64,
    watchdog: Watchdog,
    last_call: Option<&'static str>,
    /// The method whose first reply says that the module is loaded, if it is not yet.
    loads_in: Option<u16>,
    /// The first call of it, once it was sent.
    loading_call: Option<u32>,
    /// Why there will be no more calls.
    failed: Option<CallError>,
    /// Readable when there is something to do; asked for with `as_fd`.
    epoll: OwnedFd,
    watched: std::cell::Cell<bool>,
}

impl Connection {
    /// Runs `serve` in a thread of its own.
    ///
    /// # Errors
    /// [`ConnectError`] if the rings cannot be made or the handshake fails.
    pub fn threaded(
        interface: &'static Interface,
        options: &Options,
        serve: impl FnOnce(Endpoint) -> Result<(), ServeError> + Send + 'static,
    ) -> Result<Self, ConnectError> {
        let (socket, theirs) = pair()?;
        let name = format!("rf:{}", interface.name.rsplit('.').next().unwrap_or_default());
        let thread =
            std::thread::Builder::new().name(name).spawn(move || serve(Endpoint::from_socket(theirs)?));
        let thread = thread.map_err(|source| ConnectError::Spawn { program: "(thread)".into(), source })?;
        tracing::info!(interface = interface.name, mode = %Mode::Threaded, "connecting");
        Self::establish(interface, options, socket, Module::Thread(Some(thread)))
    }

    /// Starts `worker` and connects to it.
    ///
    /// # Errors
    /// [`ConnectError`] if there is no such program, if it cannot be started, or if the handshake fails.
    pub fn isolated(
        interface: &'static Interface,
        options: &Options,
        worker: &Worker,
    ) -> Result<Self, ConnectError> {
        let program = worker.prepare(&options.sandbox)?;
        let (socket, theirs) = pair()?;
        let (path, policy) = (program.path.clone(), options.sandbox.clone());
        let process = nursery::run(move || Process::spawn(&program, &policy, theirs));
        let process = process.map_err(|source| ConnectError::Spawn { program: path, source })??;
        tracing::info!(interface = interface.name, mode = %Mode::Isolated, "connecting");
        let mut connection = Self::establish(interface, options, socket, Module::Process(process))?;
        let loads_in = worker
            .loading_method()
            .and_then(|name| interface.methods.iter().position(|method| method.name == name));
        connection.status.set_component(worker.served());
        match loads_in {
            Some(index) => connection.loads_in = u16::try_from(index + 1).ok(),
            None => connection.module.seal(),
        }
        Ok(connection)
    }

    pub(super) fn establish(
        interface: &'static Interface,
        options: &Options,
        socket: Socket,
        mut module: Module,
    ) -> Result<Self, ConnectError> {
        let deadline = Instant::now() + options.handshake_deadline;
        let peer = module.peer(socket.as_fd());
        let worker = module.pid().and_then(|pid| Pid::from_raw(pid.cast_signed()));
        let one_processor = share_one(worker);
        let (to_worker, to_host) = (options.to_worker, options.to_host);
        let id = ConnectionId::draw();
        let offer =
            Offer::send(&socket, id, interface, to_worker, to_host, options.worker_wait, one_processor);
        let rings = offer.and_then(|offer| offer.finish(&socket, peer, interface, deadline));
        let Agreed { outgoing, incoming, meter, rings } = match rings {
            Ok(rings) => rings,
            Err(source) => {
                // A worker that went away has a better reason to tell than that it is gone.
                if source == HandshakeError::Gone {
                    let deadline = Instant::now() + LAST_BREATH;
                    let death = module.death(socket.as_fd(), deadline, interface.name, None);
                    return Err(ConnectError::Died(death));
                }
                module.end(socket.as_fd(), Instant::now());
                return Err(ConnectError::Handshake { interface: interface.name, source });
            }
        };
        let system = |call| move |errno| ConnectError::System { call, errno };
        let about = About {
            id,
            interface,
            mode: module.mode(),
            worker_pid: module.pid(),
            encoding: 1,
            component: "",
            label: &options.label,
        };
        let watched = Watchdog::new(options.grace).map_err(system("timerfd_create")).and_then(|watchdog| {
            let epoll = watch(&incoming, &socket, &module, &watchdog).map_err(system("epoll_create1"))?;
            Ok((watchdog, epoll, Status::create(&about, rings)?))
        });
        let (watchdog, epoll, status) = match watched {
            Ok(watched) => watched,
            Err(error) => {
                module.end(socket.as_fd(), Instant::now());
                return Err(error);
            }
        };
        Ok(Self {
            id,
            interface,
            options: options.clone(),
            socket,
            module,
            outgoing,
            incoming,
            meter,
            status,
            copy: Default::default(),
            for_reply: Spinner::new(options.host_wait, one_processor),
            for_event: Spinner::new(options.host_wait, one_processor),
            for_room: Spinner::new(options.host_wait, one_processor),
            message: Message::default(),
            queue: VecDeque::new(),
            queued_bytes: 0,
            spare: Vec::new(),
            deadlines: interface.methods.iter().map(|method| options.deadline_of(method.name)).collect(),
            sequence: 0,
            events: 0,
            next_deadline: None,
            own_deadline: None,
            watchdog,
            last_call: None,
            loads_in: None,
            loading_call: None,
            failed: None,
            latency: None,
            epoll,
            watched: std::cell::Cell::new(false),
        })
    }

    /// What the connection is called, here, in the module's process, and by whoever watches.
    #[must_use]
    pub fn id(&self) -> ConnectionId {
        self.id
    }

    /// How the module runs.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.module.mode()
    }

    /// Process id of the worker, if the module has a process of its own.
    #[must_use]
    pub fn worker_pid(&self) -> Option<u32> {
        self.module.pid()
    }

    /// The layers of the worker's sandbox that are in force; none if the module has no process of its own.
    #[must_use]
    pub fn layers(&self) -> Layers {
        self.module.layers()
    }

    /// CPU time that the worker process has used so far. `None` once it has ended.
    #[must_use]
    pub fn worker_cpu_time(&self) -> Option<Duration> {
        // Whatever sets it has reaped the worker too: the number may be another process's by now.
        if self.failed.is_some() {
            return None;
        }
        self.module.cpu_time()
    }

    /// Reads what went over the connection; from any thread, for as long as one likes.
    #[must_use]
    pub fn meter(&self) -> Meter {
        self.meter.clone()
    }

    /// Begins or ends to record how long calls take. Recording costs two readings of the clock a call.
    pub fn record_latency(&mut self, on: bool) {
        self.latency = on.then(|| Box::new(Histogram::new(3).expect("three digits are allowed")));
    }

    /// How long calls that returned took, in nanoseconds, since [`Connection::record_latency`] began to record.
    #[must_use]
    pub fn latency(&self) -> Option<&Histogram<u64>> {
        self.latency.as_deref()
    }

    /// Gives the next call or cast this much time, whatever [`Options`] say, waiting for room included.
    pub fn deadline_of_next_call(&mut self, deadline: Duration) {
        self.next_deadline = Some(deadline.min(FOREVER));
    }

    /// Tells whoever [watches](crate::ipc::observe) how often the module was started anew before.
    pub fn note_restarts(&self, restarts: u64) {
        self.status.set_restarts(restarts);
    }

    /// Events that were dropped as [`Options::on_flood`] says.
    #[must_use]
    pub fn dropped_events(&self) -> u64 {
        self.meter.dropped_events()
    }

    fn peer(&self) -> Peer<'_> {
        self.module.peer(self.socket.as_fd())
    }

    /// Takes the next message as the one at hand, if there is one.
    fn receive(&mut self) -> Result<bool, CallError> {
        if self.failed.is_some() {
            return Ok(false);
        }
        let came = self.incoming.try_receive(&self.socket, &mut self.message);
        let came = came.map_err(|error| self.cut_off(error))?;
        if came && self.status.wants_trace() {
            self.trace_received();
        }
        Ok(came)
    }

    /// Puts the message at hand on the tape of whoever watches.
    #[cold]
    fn trace_received(&mut self) {
        if let (Ok(label), Some(now)) = (self.message.label(), self.status.trace_time()) {
            let (body, fds) = self.message.contents();
            self.status.trace(now, label.kind, label.number.into(), label.sequence, fds, body);
        }
    }

    /// Puts a message that was sent on the tape of whoever watches: encoded once more, since nothing is read from where the
    /// module could have changed it.
    #[cold]
    #[inline(never)]
    fn trace_sent<T: Encode + ?Sized>(&mut self, label: Label, body: &T) {
        let Some(now) = self.status.trace_time() else { return };
        let (bytes, fds) = &mut self.copy;
        bytes.clear();
        if Encoder::message(body, bytes, fds).is_ok() {
            self.status.trace(now, label.kind, label.number.into(), label.sequence, fds.len(), bytes);
        }
        // They would stay open.
        fds.clear();
    }

    fn label(&mut self) -> Result<Label, CallError> {
        self.message.label().map_err(|error| self.cut_off(error))
    }

    /// An answer came. If it is that of the call in which the module is loaded, or of a later one, the module is loaded: that the
    /// answer says something else, or was given up, is no reason to let it open more.
    fn answered(&mut self, call: u32) {
        let is_loaded = |loading: &mut u32| call.wrapping_sub(*loading) <= u32::MAX / 2;
        if self.loading_call.take_if(is_loaded).is_some() {
            self.module.seal();
        }
    }

    /// Bytes of memory behind the events that are kept.
    #[cfg(test)]
    pub(super) fn kept_memory(&self) -> usize {
        self.queue.iter().map(Message::allocated).sum()
    }

    /// The module is gone: finds out how it ended, and remembers.
    fn bury(&mut self) -> CallError {
        let deadline = Instant::now() + LAST_BREATH;
        let death = self.module.death(self.socket.as_fd(), deadline, self.interface.name, self.last_call);
        self.failed.insert(CallError::Died(Arc::new(death))).clone()
    }

    /// Ends a module that has had its grace time; `failed` says so then.
    fn watch_over(&mut self) {
        if self.failed.is_some() || !self.watchdog.is_due() {
            return;
        }
        // An answer may lie there; other messages may have kept the module waiting for room.
        let Ok(came) = self.pump() else { return };
        if !self.watchdog.is_due() || came != 0 && self.watchdog.extend() {
            return;
        }
        self.wedge();
    }

    /// The module shows no sign of life: ends it, and remembers.
    fn wedge(&mut self) -> CallError {
        let death = self.module.wedge(self.socket.as_fd(), self.interface.name, self.last_call);
        self.failed.insert(CallError::Died(Arc::new(death))).clone()
    }

    /// The module broke the rules: ends it, and remembers.
    fn cut_off(&mut self, error: ProtocolError) -> CallError {
        let _ = shutdown(&self.socket, Shutdown::Write);
        self.module.end(self.socket.as_fd(), Instant::now());
        self.failed.insert(CallError::Protocol(Arc::new(error))).clone()
    }
}

impl AsFd for Connection {
    /// The descriptor that is readable when [`Connection::next_event`] has something to say.
    fn as_fd(&self) -> BorrowedFd<'_> {
        if !self.watched.replace(true) {
            self.rearm();
        }
        self.epoll.as_fd()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.failed.is_none() {
            let label = Label { kind: Kind::Bye, number: 0, sequence: 0 };
            // If it does not fit, the end of the socket says the same.
            if self.outgoing.try_send(&self.socket, label, &0u8).is_ok() && self.status.wants_trace() {
                self.trace_sent(label, &0u8);
            }
            let _ = shutdown(&self.socket, Shutdown::Write);
        }
        self.module.end(self.socket.as_fd(), Instant::now() + self.options.exit_deadline);
    }
}

fn pair() -> Result<(Socket, OwnedFd), ConnectError> {
    Socket::pair().map_err(|errno| ConnectError::System { call: "socketpair", errno })
}

/// An epoll instance over all that can happen.
fn watch(
    incoming: &Incoming,
    socket: &Socket,
    module: &Module,
    watchdog: &Watchdog,
) -> Result<OwnedFd, Errno> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let any = epoll::EventData::new_u64(0);
    epoll::add(&epoll, incoming.data(), any, epoll::EventFlags::IN)?;
    epoll::add(&epoll, socket, any, epoll::EventFlags::RDHUP)?;
    epoll::add(&epoll, watchdog, any, epoll::EventFlags::IN)?;
    for fd in [module.pidfd(), module.calls()].into_iter().flatten() {
        epoll::add(&epoll, fd, any, epoll::EventFlags::IN)?;
    }
    Ok(epoll)
}
