//! A host's end of a connection: how it comes into being and how it ends. Calls and events have files of their own.

mod calls;
mod events;

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFlags, epoll};
use rustix::io::Errno;

use super::channel::{Channel, Message, SendError};
use super::{EXIT, Event, Version, Worker};
use crate::ipc::options::FOREVER;
use crate::ipc::process::Module;
use crate::ipc::socket::Socket;
use crate::ipc::wait::{Peer, Wake, wait};
use crate::ipc::watchdog::Watchdog;
use crate::ipc::{CallError, ConnectError, Interface, LAST_BREATH, Layers, OnFlood, Options, ProtocolError};
use crate::serialize::libcamera::{ControlSerializer, Encode, EncodeError, Encoder, Role};
use crate::shm::Doorbell;

/// Messages that are taken at a time. A socket keeps fewer than three hundred datagrams of whoever sends with the kernel's
/// usual buffer.
const PUMP_LIMIT: usize = 1024;

/// A host's end of a connection to a worker of libcamera's kind.
///
/// Generated proxies use it. Of the [`Options`], those about deadlines, full connections, events, sandbox and nursery
/// apply.
/// Dropped, it asks the worker to end, waits for [`Options::exit_deadline`], and then kills it.
pub struct Connection<E> {
    interface: &'static Interface,
    options: Options,
    channel: Channel,
    module: Module,
    version: Version,
    controls: ControlSerializer,
    /// What the worker goes by until it has answered these calls of `configure`, the oldest first.
    before_reset: VecDeque<(u32, ControlSerializer)>,
    /// The message at hand.
    message: Message,
    /// Events that came, read as they came: later messages can only be understood after them.
    queue: VecDeque<Queued<E>>,
    queued_bytes: usize,
    cookie: u32,
    /// How long the next call may take, and the one at hand, if it has a deadline of its own.
    next_deadline: Option<Duration>,
    own_deadline: Option<Duration>,
    watchdog: Watchdog,
    dropped_events: u64,
    last_call: Option<&'static str>,
    /// The method whose first reply says that the module is loaded, if it is not yet.
    loads_in: Option<String>,
    /// The first call of it, once it was sent.
    loading_call: Option<u32>,
    /// Why there will be no more calls.
    failed: Option<CallError>,
    /// Readable when there is something to do; asked for with `as_fd`.
    epoll: Arc<OwnedFd>,
    /// In `epoll`, for events that are kept.
    bell: Doorbell,
    watched: Cell<bool>,
}

crate::ipc::promise!(Connection<u32>: Send, !Sync);

/// An event that is kept.
struct Queued<E> {
    event: Result<E, CallError>,
    /// What keeping it costs.
    weight: usize,
}

impl<E: Event> Connection<E> {
    /// Starts `worker` and connects to it. The worker ends with the calling *thread*, unless there is an
    /// [`Options::nursery`].
    ///
    /// # Errors
    /// [`ConnectError`] if there is no such program, or the process is out of descriptors. A worker that ends at once,
    /// say because it cannot load its module, is only noticed by the first call.
    pub fn start(
        interface: &'static Interface,
        options: &Options,
        worker: &Worker,
    ) -> Result<Self, ConnectError> {
        let system = |call| move |errno| ConnectError::System { call, errno };
        let (socket, theirs) = Socket::confined_pair().map_err(system("socketpair"))?;
        let process = worker.start(theirs, &options.sandbox, options.nursery.as_ref())?;
        let mut connection =
            Self::new(interface, options, worker.version(), socket, Module::Process(process))
                .map_err(system("epoll_create1"))?;
        // A method that there is not is never answered, and would put off the seal for ever.
        let exists = |name: &&str| interface.methods.iter().any(|method| method.name == *name);
        match worker.loading_method().filter(exists) {
            Some(method) => connection.loads_in = Some(method.to_owned()),
            None => connection.module.seal(),
        }
        Ok(connection)
    }

    /// The connection to `module` over `socket`.
    pub(super) fn new(
        interface: &'static Interface,
        options: &Options,
        version: Version,
        socket: Socket,
        mut module: Module,
    ) -> Result<Self, Errno> {
        let watched = Doorbell::new().and_then(|bell| {
            let watchdog = Watchdog::new(options.grace)?;
            Ok((watch(&socket, &module, &bell, &watchdog)?, bell, watchdog))
        });
        let (epoll, bell, watchdog) = match watched {
            Ok(watched) => watched,
            Err(errno) => {
                module.end(socket.as_fd(), Instant::now());
                return Err(errno);
            }
        };
        Ok(Self {
            interface,
            options: options.clone(),
            channel: Channel::new(socket),
            module,
            version,
            controls: ControlSerializer::new(version, Role::Host),
            before_reset: VecDeque::new(),
            message: Message::default(),
            queue: VecDeque::new(),
            queued_bytes: 0,
            cookie: 0,
            next_deadline: None,
            own_deadline: None,
            watchdog,
            dropped_events: 0,
            last_call: None,
            loads_in: None,
            loading_call: None,
            failed: None,
            epoll,
            bell,
            watched: Cell::new(false),
        })
    }

    /// The encoding that the worker speaks.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Process id of the worker.
    #[must_use]
    pub fn worker_pid(&self) -> Option<u32> {
        self.module.pid()
    }

    /// The layers of the worker's sandbox that are in force.
    #[must_use]
    pub fn layers(&self) -> Layers {
        self.module.layers()
    }

    /// CPU time that the worker process has used so far. `None` once it has ended.
    #[must_use]
    pub fn worker_cpu_time(&self) -> Option<Duration> {
        // Whatever sets it has reaped the worker too: the number may be another process's by now.
        self.failed.is_none().then(|| self.module.cpu_time())?
    }

    /// Gives the next call or cast this much time, whatever [`Options`] say, waiting for room included.
    pub fn deadline_of_next_call(&mut self, deadline: Duration) {
        self.next_deadline = Some(deadline.min(FOREVER));
    }

    /// Events that were dropped as [`Options::on_flood`] says.
    #[must_use]
    pub const fn dropped_events(&self) -> u64 {
        self.dropped_events
    }

    /// Takes the next message as the one at hand, if there is one.
    fn receive(&mut self) -> Result<bool, CallError> {
        if self.failed.is_some() {
            return Ok(false);
        }
        self.channel.try_receive(&mut self.message).map_err(|error| self.cut_off(error))
    }

    /// What to sleep on for messages.
    fn news(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        (!self.channel.has_ended()).then(|| (self.channel.as_fd(), PollFlags::IN))
    }

    fn peer(&self) -> Peer<'_> {
        self.module.peer(self.channel.as_fd())
    }

    /// The worker is gone: finds out how it ended, and remembers.
    fn bury(&mut self) -> CallError {
        let deadline = Instant::now() + LAST_BREATH;
        let death = self.module.death(self.channel.as_fd(), deadline, self.interface.name, self.last_call);
        self.failed.insert(CallError::Died(Arc::new(death))).clone()
    }

    /// Ends a worker that has had its grace time; `failed` says so then.
    fn watch_over(&mut self) {
        if self.failed.is_some() || !self.watchdog.is_due() {
            return;
        }
        // An answer may lie there; other messages may have kept the worker waiting for room.
        let Ok(came) = self.pump() else { return };
        if !self.watchdog.is_due() || came != 0 && self.watchdog.extend() {
            return;
        }
        self.wedge();
    }

    /// The worker shows no sign of life: ends it, and remembers.
    fn wedge(&mut self) -> CallError {
        let death = self.module.wedge(self.channel.as_fd(), self.interface.name, self.last_call);
        self.failed.insert(CallError::Died(Arc::new(death))).clone()
    }

    /// Says why there will be no more calls, if that is so.
    fn check(&self) -> Result<(), CallError> {
        match &self.failed {
            None => Ok(()),
            Some(error) => Err(error.clone()),
        }
    }

    /// How long a call of this method may take.
    fn deadline_of(&self, method: &str) -> Duration {
        self.own_deadline.unwrap_or_else(|| self.options.deadline_of(method))
    }

    /// The worker broke the rules: ends it, and remembers.
    fn cut_off(&mut self, error: ProtocolError) -> CallError {
        self.module.end(self.channel.as_fd(), Instant::now());
        self.failed.insert(CallError::Protocol(Arc::new(error))).clone()
    }
}

impl<E> Connection<E> {
    /// Makes the descriptor readable if there is something to do, for an owner who sleeps on it.
    fn rearm(&self) {
        if self.watched.get() && (!self.queue.is_empty() || self.failed.is_some()) {
            self.bell.ring();
        }
    }
}

impl<E> AsFd for Connection<E> {
    /// The descriptor that is readable when [`Connection::next_event`] has something to say or to do: it also judges the
    /// worker's system calls and reads its standard error, and may then find no event.
    fn as_fd(&self) -> BorrowedFd<'_> {
        if !self.watched.replace(true) {
            self.rearm();
        }
        self.epoll.as_fd()
    }
}

impl<E> Drop for Connection<E> {
    fn drop(&mut self) {
        let asked = self.failed.is_none() && {
            self.cookie = next_cookie(self.cookie);
            self.channel.send(EXIT, self.cookie, &Nothing, &mut self.controls).is_ok()
        };
        // A worker that was not asked has no reason to end.
        let patience = if asked { self.options.exit_deadline } else { Duration::ZERO };
        self.module.end(self.channel.as_fd(), Instant::now() + patience);
    }
}

impl<E> fmt::Debug for Connection<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("interface", &self.interface.name)
            .field("version", &self.version)
            .field("worker", &self.module.pid())
            .field("events", &self.queue.len())
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

/// The body of a message without one.
struct Nothing;

impl Encode for Nothing {
    fn encode(&self, _: &mut Encoder<'_>) -> Result<(), EncodeError> {
        Ok(())
    }
}

/// Zero is kept for events.
fn next_cookie(cookie: u32) -> u32 {
    cookie.checked_add(1).unwrap_or(1)
}

/// An epoll instance over all that can happen.
fn watch(
    socket: &Socket,
    module: &Module,
    bell: &Doorbell,
    watchdog: &Watchdog,
) -> Result<Arc<OwnedFd>, Errno> {
    let epoll = Arc::new(epoll::create(epoll::CreateFlags::CLOEXEC)?);
    let any = epoll::EventData::new_u64(0);
    epoll::add(&*epoll, socket, any, epoll::EventFlags::IN)?;
    epoll::add(&*epoll, bell, any, epoll::EventFlags::IN)?;
    epoll::add(&*epoll, watchdog, any, epoll::EventFlags::IN)?;
    module.watch(&epoll)?;
    Ok(epoll)
}
