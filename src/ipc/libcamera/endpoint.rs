//! The end of a worker that a libcamera host has started: serves calls until the host is done.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::event::{EventfdFlags, PollFlags, eventfd};
use rustix::io::FdFlags;
use rustix::net::SocketType;
use rustix::net::sockopt::socket_type;
use rustix::process::{PidfdFlags, Signal, getppid, parent_process_death_signal, pidfd_open};

use super::channel::{Channel, Message};
use super::emitter::{Emitter, Outbox, host_is_gone};
use super::{EXIT, Event, RESETS, Version};
use crate::ipc::endpoint::end_with_host;
use crate::ipc::socket::Socket;
use crate::ipc::spans;
use crate::ipc::wait::{Peer, wait};
use crate::ipc::{CallError, Interface, ServeError};
use crate::serialize::libcamera::{ControlSerializer, DecodeError, Decoder, Encode, Role};

/// How long libcamera's proxy waits for a reply. What comes later it takes for an event.
const PATIENCE_OF_LIBCAMERA: Duration = Duration::from_secs(2);

/// A worker's end of a connection that a libcamera host has made.
#[derive(Debug)]
pub struct Endpoint {
    socket: Socket,
    /// Readable when the host has ended, if it is this process that has to notice: a pidfd.
    host: OwnedFd,
    version: Version,
    reply_within: Duration,
    module: PathBuf,
}

/// What a libcamera host leaves to a program that it starts as a worker.
pub(super) struct Inherited {
    /// Our end of the connection.
    pub socket: Socket,
    /// Readable when the host has ended, if it is this process that has to notice: a pidfd.
    pub host: OwnedFd,
}

impl Inherited {
    /// Takes the socket of this number, and looks who the parent is.
    pub fn take(number: RawFd) -> Result<Self, ServeError> {
        let wrong = |problem| ServeError::NotALibcameraWorker { problem };
        let system = |call| move |errno| ServeError::System { call, errno };
        if number < 3 {
            return Err(wrong("the number is that of a standard stream"));
        }
        // SAFETY: it is only used until the end of this function, to look at what it is and to duplicate it; were it
        // closed meanwhile, the system calls would fail.
        let theirs = unsafe { BorrowedFd::borrow_raw(number) };
        // The second kind is what our own hosts give to a worker in a sandbox.
        if !matches!(socket_type(theirs), Ok(SocketType::DGRAM | SocketType::SEQPACKET)) {
            return Err(wrong("the number is not that of a datagram or packet socket"));
        }
        let socket = rustix::io::fcntl_dupfd_cloexec(theirs, 3).map_err(system("fcntl(F_DUPFD_CLOEXEC)"))?;
        // Nothing that the module starts shall have it.
        rustix::io::fcntl_setfd(theirs, FdFlags::CLOEXEC).map_err(system("fcntl(F_SETFD)"))?;
        let host = if parent_process_death_signal() == Ok(Some(Signal::KILL)) {
            // Nobody needs to watch: the kernel ends this process with its host.
            eventfd(0, EventfdFlags::CLOEXEC).map_err(system("eventfd2"))?
        } else {
            let parent = getppid().ok_or(wrong("the host is in another PID namespace"))?;
            let host = pidfd_open(parent, PidfdFlags::empty()).map_err(system("pidfd_open"))?;
            if getppid() != Some(parent) {
                return Err(wrong("the host has ended"));
            }
            host
        };
        Ok(Self { socket: Socket::adopt(socket), host })
    }
}

/// Serves one call. Generated dispatchers implement it.
pub trait Dispatch {
    /// Reads the parameters of `method`, calls the module, and sends the reply, if the method has one.
    ///
    /// # Errors
    /// What reading, the module or sending says. There is no way to tell the host, so it is logged.
    fn dispatch(&mut self, method: u16, call: Call<'_>) -> Result<(), CallError>;
}

impl Endpoint {
    /// The connection that a libcamera host has left to this process, as the arguments of the program say: the path
    /// of a module, and the number of a socket.
    ///
    /// From now on the process ends when its host does, even if the module hangs: the host is the parent process.
    /// Call it first in `main`, while no other part of the program can have opened a descriptor that has this
    /// number by chance.
    ///
    /// # Errors
    /// [`ServeError::NotALibcameraWorker`] if the arguments are others, as when a person starts a worker by hand.
    pub fn from_args() -> Result<Self, ServeError> {
        let wrong = |problem| ServeError::NotALibcameraWorker { problem };
        let [_, module, socket]: [OsString; 3] =
            Vec::from_iter(std::env::args_os()).try_into().map_err(|_| wrong("there are not two"))?;
        let number = socket.to_str().and_then(|text| text.parse().ok());
        Self::inherited(number.ok_or(wrong("the second is no number"))?, &module)
    }

    /// As [`Endpoint::from_args`], given what the arguments are.
    ///
    /// # Errors
    /// Likewise.
    pub fn inherited(number: RawFd, module: impl AsRef<OsStr>) -> Result<Self, ServeError> {
        let Inherited { socket, host } = Inherited::take(number)?;
        let watched = host.try_clone().map_err(|error| ServeError::System {
            call: "dup",
            errno: rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::MFILE),
        })?;
        end_with_host(move || {
            wait(&[(watched.as_fd(), PollFlags::IN)], Peer::socket(watched.as_fd()), None);
        })?;
        Ok(Self::new(socket, host, module.as_ref().into()))
    }

    /// The connection over this datagram socket to a host that has ended once `host` is readable, as its pidfd is then:
    /// for a program that has both from elsewhere.
    ///
    /// Only between calls does anybody look whether the host is there: a module that hangs outlives it.
    #[must_use]
    pub fn over(socket: OwnedFd, host: OwnedFd) -> Self {
        Self::new(Socket::adopt(socket), host, PathBuf::new())
    }

    pub(super) fn new(socket: Socket, host: OwnedFd, module: PathBuf) -> Self {
        Self { socket, host, version: Version::V2, reply_within: PATIENCE_OF_LIBCAMERA, module }
    }

    /// Speaks to a host of this version, if it is not [`Version::V2`].
    #[must_use]
    pub fn version(self, version: Version) -> Self {
        Self { version, ..self }
    }

    /// How long a call may take before its reply is no longer sent: 2 s if nothing else is said. libcamera's proxy waits
    /// as long, and takes what comes later for an event.
    #[must_use]
    pub fn reply_within(self, patience: Duration) -> Self {
        Self { reply_within: patience, ..self }
    }

    /// The module that the host wants to be loaded, which a worker that has its module built in need not heed.
    #[must_use]
    pub fn module(&self) -> &Path {
        &self.module
    }

    /// Makes the module and serves it until the host is done.
    ///
    /// # Errors
    /// [`ServeError`] if the host breaks the rules of the connection, or takes no messages. That it is gone is no
    /// error.
    pub fn serve<E: Event, D: Dispatch>(
        self,
        interface: &'static Interface,
        make: impl FnOnce(Emitter<E>) -> D,
    ) -> Result<(), ServeError> {
        let Self { socket, host, version, reply_within, .. } = self;
        let receiving = socket.try_clone().map_err(|errno| ServeError::System { call: "dup", errno })?;
        let host = Arc::new(host);
        let outbox = Arc::new(Mutex::new(Outbox {
            channel: Channel::new(socket),
            controls: ControlSerializer::new(version, Role::Worker),
            host: Arc::clone(&host),
            failed: None,
        }));
        let emitter = Emitter::new(interface, Arc::clone(&outbox));
        let mut server = Server {
            interface,
            module: make(emitter.clone()),
            emitter,
            outbox,
            incoming: Channel::new(receiving),
            host,
            reply_within,
        };
        server.run()
    }
}

/// What serves.
struct Server<E, D> {
    interface: &'static Interface,
    module: D,
    emitter: Emitter<E>,
    outbox: Arc<Mutex<Outbox>>,
    /// The same socket, to receive: whoever waits for messages does not keep others from sending.
    incoming: Channel,
    host: Arc<OwnedFd>,
    reply_within: Duration,
}

impl<E: Event, D: Dispatch> Server<E, D> {
    fn run(&mut self) -> Result<(), ServeError> {
        let mut message = Message::default();
        while self.next(&mut message)? {
            if message.number() == EXIT {
                break;
            }
            self.serve(&mut message);
            message.fds.clear();
            let failed = self.outbox.lock().failed.take();
            match failed {
                None => {}
                Some(error) if host_is_gone(&self.host) => {
                    tracing::debug!(%error, "the host is gone");
                    break;
                }
                Some(error) => return Err(ServeError::Undelivered(error)),
            }
        }
        Ok(())
    }

    /// Waits for the next message. `false` if the host is gone.
    fn next(&mut self, message: &mut Message) -> Result<bool, ServeError> {
        loop {
            if self.incoming.try_receive(message)? {
                return Ok(true);
            }
            if self.incoming.has_ended() || host_is_gone(&self.host) {
                return Ok(false);
            }
            let peer = Peer { process: Some(self.host.as_fd()), ..Peer::socket(self.host.as_fd()) };
            wait(&[(self.incoming.as_fd(), PollFlags::IN)], peer, None);
        }
    }

    fn serve(&mut self, message: &mut Message) {
        let received = Instant::now();
        let number = message.number();
        let method = u16::try_from(number).unwrap_or(u16::MAX);
        let known = usize::from(method).checked_sub(1).and_then(|index| self.interface.methods.get(index));
        let Some(known) = known else {
            tracing::error!(number, "the host calls a method that there is not; it gets no reply");
            return;
        };
        if !known.asynchronous {
            self.emitter.hold();
        }
        if known.name == RESETS {
            self.outbox.lock().controls.reset();
        }
        let span = spans::are_on().then(|| spans::serve(None, known.name, message.cookie()));
        let mut replied = false;
        let call = Call {
            message,
            outbox: &self.outbox,
            name: known.name,
            deadline: received + self.reply_within,
            replied: &mut replied,
        };
        match self.module.dispatch(method, call) {
            Ok(()) => {}
            Err(error) if known.asynchronous || replied => {
                tracing::error!(method = known.name, %error, "a call failed");
            }
            Err(error) => tracing::error!(method = known.name, %error, "a call failed; it gets no reply"),
        }
        if span.is_some() {
            spans::served();
        }
        self.emitter.release();
    }
}

/// A call that is being served.
pub struct Call<'a> {
    message: &'a mut Message,
    outbox: &'a Mutex<Outbox>,
    name: &'static str,
    /// When it is too late for a reply.
    deadline: Instant,
    replied: &'a mut bool,
}

impl Call<'_> {
    /// Reads the parameters, which `read` takes from the message.
    ///
    /// # Errors
    /// [`CallError::Decode`] if they are malformed.
    pub fn read<R>(
        &mut self,
        read: impl FnOnce(&mut Decoder<'_>) -> Result<R, DecodeError>,
    ) -> Result<R, CallError> {
        let mut outbox = self.outbox.lock();
        let mut body = self.message.body(&mut outbox.controls);
        let parameters = read(&mut body)?;
        body.finish()?;
        Ok(parameters)
    }

    /// The results of the module, or `otherwise` if it failed: the host cannot be told of a failure, but would
    /// wait for a reply.
    pub fn results<R>(&self, results: Result<R, CallError>, otherwise: R) -> R {
        results.unwrap_or_else(|error| {
            tracing::error!(method = self.name, %error, "a call failed; its reply holds nothing");
            otherwise
        })
    }

    /// Sends the reply.
    ///
    /// # Errors
    /// [`CallError`] if it cannot be sent.
    pub fn reply<R: Encode + ?Sized>(self, results: &R) -> Result<(), CallError> {
        if Instant::now() >= self.deadline {
            tracing::error!(method = self.name, "a call took too long; its reply is not sent any more");
            return Ok(());
        }
        let mut outbox = self.outbox.lock();
        let (number, cookie) = (self.message.number(), self.message.cookie());
        let result = outbox.send(number, cookie, self.name, results);
        *self.replied = result.is_ok();
        if let Err(error) = &result
            && !matches!(error, CallError::Encode { .. } | CallError::TooLong { .. })
        {
            outbox.failed = Some(error.clone());
        }
        result
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("method", &self.name).finish_non_exhaustive()
    }
}
