//! Why calls, connections and serving fail.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;

use super::module::ModuleError;
use super::{Death, HandshakeError, SandboxError};
use crate::serialize::native::{DecodeError, EncodeError};
use crate::shm::{MemoryError, RingError};

/// Why a call, or the delivery of an event, failed.
///
/// A module's own method may return [`CallError::Module`]; everything else the runtime says.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The module has ended. Every later call says the same.
    #[error("{0}")]
    Died(Arc<Death>),
    /// The module broke the rules of the connection and was cut off. Every later call says the same.
    #[error("the module was cut off: {0}")]
    Protocol(Arc<ProtocolError>),
    /// The reply did not come in time. The connection stays usable and a late reply is dropped, unless the module shows
    /// no sign of life within [`super::Options::grace`].
    #[error(
        "{method} did not return within {waited:?}; allow more with `Options::method_deadline` or `deadline_of_next_call` if it legitimately takes longer"
    )]
    Deadline {
        /// The method.
        method: &'static str,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The ring had no room: at once or until the deadline, as [`super::OnFull`] says.
    #[error(
        "{method} was not sent: {source}; the module is too slow, or a larger ring is needed (`Options::ring_bytes`)"
    )]
    Full {
        /// The method.
        method: &'static str,
        /// The numbers.
        source: RingError,
    },
    /// The message is longer than the ring.
    #[error("{method} was not sent: {source}; a larger ring is needed (`Options::ring_bytes`)")]
    TooLarge {
        /// The method.
        method: &'static str,
        /// The numbers.
        source: RingError,
    },
    /// The message is longer than the socket lets pass.
    #[error("{method} was not sent: {bytes} bytes exceed the {limit} that the socket takes at once")]
    TooLong {
        /// The method.
        method: &'static str,
        /// Bytes of the message.
        bytes: usize,
        /// The most.
        limit: usize,
    },
    /// The socket had no room: at once or until the deadline, as [`super::OnFull`] says.
    #[error("{method} was not sent: the module does not read what is sent to it")]
    Congested {
        /// The method.
        method: &'static str,
    },
    /// The parameters cannot be sent.
    #[error("{method} was not sent: {source}")]
    Encode {
        /// The method.
        method: &'static str,
        /// Why.
        source: EncodeError,
    },
    /// The descriptors could not be sent.
    #[error("{method} was not sent: its {count} file descriptors were refused: {errno}")]
    Fds {
        /// The method.
        method: &'static str,
        /// Descriptors in the message.
        count: usize,
        /// What the kernel said.
        errno: Errno,
    },
    /// Parameters, results or an event could not be read.
    #[error("malformed message: {0}")]
    Decode(#[from] DecodeError),
    /// The module's side refused a call: it could not read it, or the method returned an error.
    #[error("{method} failed in the module: {message}")]
    Fault {
        /// The method.
        method: &'static str,
        /// What the module's side said.
        message: String,
    },
    /// No method has this number.
    #[error("no method has number {method}")]
    UnknownMethod {
        /// The number.
        method: u16,
    },
    /// No event has this number.
    #[error("no event has number {event}")]
    UnknownEvent {
        /// The number.
        event: u16,
    },
    /// A module's own reason to fail.
    #[error("{0}")]
    Module(String),
}

/// How a peer broke the rules of the connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// Its ring is inconsistent.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// A message is shorter than its header.
    #[error("a message of {bytes} bytes is shorter than its header")]
    Header {
        /// Bytes of the message.
        bytes: usize,
    },
    /// A message of a kind that its sender may not send.
    #[error("a message of kind {kind} cannot come from there")]
    Kind {
        /// The number of the kind.
        kind: u8,
    },
    /// The descriptors of a message did not come, or others did.
    #[error("a message announces {announced} file descriptors, the socket delivered {delivered} for it")]
    Fds {
        /// Announced in the message.
        announced: usize,
        /// Delivered by the socket.
        delivered: usize,
    },
    /// A reply that no call waits for, nor any that was given up.
    #[error("a reply to call {sequence} came, but no reply is due")]
    Unasked {
        /// Number of the call that it claims to answer.
        sequence: u32,
    },
    /// A datagram that should say how long the next one is, and does not.
    #[error(
        "a datagram of {bytes} bytes and {fds} file descriptors came where 8 bytes should announce a message"
    )]
    Announcement {
        /// Bytes of the datagram.
        bytes: usize,
        /// Descriptors that came with it.
        fds: usize,
    },
    /// A message is announced that cannot be.
    #[error("a message of {bytes} bytes is announced; 8 to {limit} are possible")]
    AnnouncedLength {
        /// Bytes announced.
        bytes: usize,
        /// The most.
        limit: usize,
    },
    /// A datagram is not as long as the one before announced.
    #[error("a message of {announced} bytes is announced, and one of {delivered}{} came", if *.truncated { " or more" } else { "" })]
    Length {
        /// Bytes announced.
        announced: usize,
        /// Bytes that came.
        delivered: usize,
        /// Whether there were more, of bytes or of descriptors.
        truncated: bool,
    },
    /// A reply to another method than the one that was called.
    #[error("call {sequence} of method {method} was answered for method {found}")]
    OtherMethod {
        /// Number of the call.
        sequence: u32,
        /// The method that was called.
        method: u32,
        /// The method in the reply.
        found: u32,
    },
    /// More events than anybody wants to keep.
    #[error(
        "more than {limit} bytes of events were sent that nobody asked for yet; call `dispatch` more often, allow more with `Options::queue_bytes`, or let events be dropped with `Options::on_flood`"
    )]
    Flood {
        /// The most that is kept, in bytes.
        limit: usize,
    },
}

/// Why a connection could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// No worker program was found.
    #[error("no worker program for {component:?}: looked at {}; give the component to `ringfence::ipc::run_if_worker` in `main`, name a worker in RINGFENCE_WORKER, or put `ringfence-worker` beside the executable", tried.join(", "))]
    NoWorker {
        /// What should be served.
        component: String,
        /// Where a program was looked for.
        tried: Vec<String>,
    },
    /// The worker program could not be started.
    #[error("the worker {} could not be started: {source}", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The worker could not be confined.
    #[error("the worker {} was not started: {source}", program.display())]
    Sandbox {
        /// The program.
        program: PathBuf,
        /// Why.
        source: SandboxError,
    },
    /// Rings could not be made.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// A system call failed.
    #[error("{call} failed: {errno}")]
    System {
        /// The system call.
        call: &'static str,
        /// What the kernel said.
        errno: Errno,
    },
    /// The handshake failed.
    #[error("the module of {interface} was refused: {source}")]
    Handshake {
        /// Full name of the interface.
        interface: &'static str,
        /// Why.
        source: HandshakeError,
    },
    /// The module is none that this host could load.
    #[error(transparent)]
    Module(#[from] ModuleError),
    /// The module ended before it answered.
    #[error("{0}")]
    Died(Death),
    /// A manager has chosen the module for another interface.
    #[error(
        "{module} was not chosen for {wanted}: {problem}; let the manager find one for the proxy's own `INTERFACE`"
    )]
    OtherInterface {
        /// The module.
        module: String,
        /// Full name of the interface that is asked for.
        wanted: &'static str,
        /// What is different.
        problem: String,
    },
}

/// Why serving a connection ended, other than by the host's wish.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Standard input is no connection.
    #[error("this program is a worker: a host starts it, with a socket as its standard input")]
    NotAWorker,
    /// The arguments of the program are not those of a libcamera worker.
    #[error(
        "this program is a libcamera worker: a host starts it, with the path of a module and the number of a socket as its arguments ({problem})"
    )]
    NotALibcameraWorker {
        /// What is wrong with them.
        problem: &'static str,
    },
    /// The handshake failed.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// A system call failed.
    #[error("{call} failed: {errno}")]
    System {
        /// The system call.
        call: &'static str,
        /// What the kernel said.
        errno: Errno,
    },
    /// Rings could not be mapped.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The host broke the rules of the connection.
    #[error("the host broke the protocol: {0}")]
    Protocol(#[from] ProtocolError),
    /// A reply or an event could not be delivered.
    #[error("the host takes no messages: {0}")]
    Undelivered(CallError),
    /// The module could not be loaded.
    #[error(transparent)]
    Load(#[from] ModuleError),
    /// A loaded module did not serve well.
    #[error("the module {module} says: {reason}")]
    Module {
        /// Its name and version.
        module: String,
        /// Its own reason.
        reason: String,
    },
}
