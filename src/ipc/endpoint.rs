//! The module's end of a connection: serves calls until the host is done.

use std::io::IsTerminal;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{FileType, Mode as FileMode, OFlags, fstat, open};
use rustix::net::{Shutdown, shutdown};
use rustix::process::{Signal, getpgrp, getpid, kill_process_group};
use rustix::thread::{SecureComputingMode, secure_computing_mode};

use super::channel::{Incoming, Label, Message};
use super::emitter::{Emitter, Outbox};
use super::handshake::{Accepted, accept};
use super::message::Kind;
use super::processors::share_one;
use super::socket::Socket;
use super::spans;
use super::wait::{Peer, Wake, wait};
use super::{CallError, HandshakeError, Interface, ProtocolError, ServeError};
use crate::serialize::native::{Decoder, Encode};
use crate::shm::Spinner;

/// How long a worker may go on after its host is gone, so that the module can end in an orderly way.
const ORPHAN_GRACE: Duration = Duration::from_secs(1);

/// The module's end of a connection, before the handshake.
#[derive(Debug)]
pub struct Endpoint {
    socket: Socket,
    /// Whether the host is another process.
    isolated: bool,
}

/// Serves one decoded call. Generated dispatchers implement it.
pub trait Dispatch {
    /// Reads the parameters of `method`, calls the module, and sends the reply, if the method has one.
    ///
    /// # Errors
    /// What reading, the module or sending says; the runtime reports it to the host.
    fn dispatch(&mut self, method: u16, input: Decoder<'_>, reply: Reply<'_>) -> Result<(), CallError>;
}

/// Sends the reply of one call.
#[derive(Debug)]
pub struct Reply<'a> {
    emitter: &'a Emitter,
    label: Label,
    sent: &'a mut bool,
}

impl Reply<'_> {
    /// Sends `results`.
    ///
    /// # Errors
    /// [`CallError`] if they are too long for the ring, or the host is gone.
    pub fn send<R: Encode + ?Sized>(self, results: &R) -> Result<(), CallError> {
        self.emitter.answer(Label { kind: Kind::Reply, ..self.label }, results)?;
        *self.sent = true;
        Ok(())
    }
}

impl Endpoint {
    /// The connection that a host left as this process's standard input.
    ///
    /// From now on the process ends when its host does, even if the module hangs.
    ///
    /// # Errors
    /// [`ServeError::System`] if standard input is no socket, as when a person starts a worker by hand.
    pub(super) fn from_stdin() -> Result<Self, ServeError> {
        let system = |call| move |errno| ServeError::System { call, errno };
        let stdin = std::io::stdin();
        let is_socket =
            fstat(&stdin).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Socket);
        if stdin.is_terminal() || !is_socket {
            return Err(ServeError::NotAWorker);
        }
        let socket = rustix::io::fcntl_dupfd_cloexec(&stdin, 3).map_err(system("fcntl(F_DUPFD_CLOEXEC)"))?;
        // The module may read its standard input: it shall find nothing there.
        let null = open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, FileMode::empty());
        rustix::stdio::dup2_stdin(null.map_err(system("open(/dev/null)"))?).map_err(system("dup2"))?;
        let host = rustix::io::fcntl_dupfd_cloexec(&socket, 3).map_err(system("fcntl(F_DUPFD_CLOEXEC)"))?;
        end_with_host(move || {
            // Neither asked for nor expected: only the hang-up ends this wait.
            wait(&[], Peer::socket(host.as_fd()), None);
        })?;
        Ok(Self { isolated: true, ..Self::from_socket(socket)? })
    }

    /// The connection behind this end of a socket pair.
    pub(super) fn from_socket(socket: OwnedFd) -> Result<Self, ServeError> {
        Ok(Self { socket: Socket::adopt(socket), isolated: false })
    }

    #[cfg(test)]
    pub(super) fn into_socket(self) -> Socket {
        self.socket
    }

    /// Agrees with the host on the interface, makes the module, and serves until the host is done.
    ///
    /// # Errors
    /// [`ServeError`] if the two do not fit together, or if the host breaks the rules. That the host
    /// is gone is no error.
    pub fn serve<D: Dispatch>(
        self,
        interface: &'static Interface,
        make: impl FnOnce(Emitter) -> D,
    ) -> Result<(), ServeError> {
        let accepted = match accept(&self.socket, interface) {
            Err(HandshakeError::Gone) => return Ok(()),
            result => result?,
        };
        let Accepted { mut incoming, outgoing, meter, wait, one_processor, connection } = accepted;
        let socket = Arc::new(self.socket);
        let _hang_up = HangUp(Arc::clone(&socket));
        // A thread may have other processors than the one that started it.
        let one_processor = if self.isolated { one_processor } else { share_one(None) };
        let spinner = || Spinner::new(wait, one_processor);
        let outbox = Outbox {
            connection,
            interface,
            outgoing,
            socket: Arc::clone(&socket),
            failed: None,
            for_room: spinner(),
            events: 0,
        };
        let emitter = Emitter::new(outbox, meter);
        let module = make(emitter.clone());
        serve_all(module, &mut incoming, &socket, &emitter, spinner())
    }
}

/// Ends this process a second after `wait_for_end` has returned, which waits for the end of the host.
pub(super) fn end_with_host(wait_for_end: impl FnOnce() + Send + 'static) -> Result<(), ServeError> {
    let watch = move || {
        wait_for_end();
        std::thread::sleep(ORPHAN_GRACE);
        // With whatever the module has started, if the host has given the worker a process group of its own.
        // In a sandbox it can start nothing, and end nobody.
        if getpgrp() == getpid() && !is_filtered() {
            let _ = kill_process_group(getpid(), Signal::KILL);
        }
        // No signal of its own ends the first process of a PID namespace, and no handler of the module's may delay this.
        // SAFETY: the process ends here.
        unsafe { libc::_exit(1) };
    };
    let watcher = std::thread::Builder::new().name("rf:watch-host".into()).spawn(watch);
    watcher.map(drop).map_err(|error| ServeError::System {
        call: "clone",
        errno: rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::AGAIN),
    })
}

/// Whether a filter judges this process's system calls.
fn is_filtered() -> bool {
    secure_computing_mode().is_ok_and(|mode| mode == SecureComputingMode::Filter)
}

/// Dropped, it tells the host that nothing more comes, even if the module panics: the module's own threads may
/// still hold the emitter, and with it the socket.
struct HangUp(Arc<Socket>);

impl Drop for HangUp {
    fn drop(&mut self) {
        let _ = shutdown(&*self.0, Shutdown::Both);
    }
}

/// Serves calls until the host is done; the module ends here.
fn serve_all<D: Dispatch>(
    mut module: D,
    incoming: &mut Incoming,
    socket: &Socket,
    emitter: &Emitter,
    mut spinner: Spinner,
) -> Result<(), ServeError> {
    let mut message = Message::default();
    while next(incoming, socket, &mut spinner, &mut message)? {
        let label = message.label()?;
        match label.kind {
            Kind::Call | Kind::Cast => serve_one(&mut module, label, &mut message, emitter, socket)?,
            Kind::Bye => break,
            kind => return Err(ProtocolError::Kind { kind: kind.number() }.into()),
        }
        match emitter.failure() {
            None => {}
            Some(error) if is_gone(socket) => {
                tracing::debug!(%error, "the host is gone");
                break;
            }
            Some(error) => return Err(ServeError::Undelivered(error)),
        }
    }
    Ok(())
}

/// Waits for the next message. `false` if the host is gone.
fn next(
    incoming: &mut Incoming,
    socket: &Socket,
    spinner: &mut Spinner,
    message: &mut Message,
) -> Result<bool, ServeError> {
    let mut gone = false;
    loop {
        if incoming.try_receive(socket, message)? {
            return Ok(true);
        }
        if gone {
            return Ok(false);
        }
        if !incoming.glance(spinner) {
            gone = incoming.wait(spinner, peer(socket), None) == Wake::Gone;
        }
    }
}

fn serve_one<D: Dispatch>(
    module: &mut D,
    label: Label,
    message: &mut Message,
    emitter: &Emitter,
    socket: &Socket,
) -> Result<(), ServeError> {
    let span = spans::are_on().then(|| {
        let method = emitter.interface().method_name(label.number);
        spans::serve(Some(emitter.connection()), method, label.sequence)
    });
    let mut replied = false;
    let reply = Reply { emitter, label, sent: &mut replied };
    let result = module.dispatch(label.number, message.body(), reply);
    if span.is_some() {
        spans::served();
    }
    let reason = match result {
        Ok(()) if replied || label.kind == Kind::Cast => return Ok(()),
        Ok(()) => "the method sent no reply".to_owned(),
        Err(error) if replied => {
            // A call has one answer; the host takes a second one for a lie.
            tracing::warn!(method = label.number, %error, "a call failed after its reply was sent");
            return Ok(());
        }
        Err(error) => error.to_string(),
    };
    tracing::warn!(method = label.number, reason, "a call failed");
    match emitter.answer(Label { kind: Kind::Fault, ..label }, reason.as_str()) {
        Ok(()) => Ok(()),
        // Nobody is left to be told.
        Err(_) if is_gone(socket) => Ok(()),
        Err(error) => Err(ServeError::Undelivered(error)),
    }
}

fn peer(socket: &Socket) -> Peer<'_> {
    Peer::socket(socket.as_fd())
}

pub(super) fn is_gone(socket: &Socket) -> bool {
    wait(&[], peer(socket), Some(Instant::now())) == Wake::Gone
}
