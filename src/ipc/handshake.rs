//! The first two packets: what the host offers, and what the worker says to it.
//!
//! The host sends a [`Hello`] with the rings and doorbells; the worker checks all of it and sends an
//! [`Answer`]. Whatever does not match is refused now, with one readable line on the host's side.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Instant;

use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::thread::{SecureComputingMode, no_new_privs, secure_computing_mode};
use zerocopy::byteorder::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::channel::{Incoming, Outgoing};
use super::printable::printable_line;
use super::socket::Socket;
use super::status::layout::RING_NAMES;
use super::wait::{Peer, Wake, wait};
use super::{ConnectionId, Interface, Layers, Meter};
use crate::shm::{Doorbell, Geometry, Mapped, MemoryError, SharedMemory, WaitPolicy};

/// What a handshake packet starts with.
const MAGIC: [u8; 8] = *b"ringfnce";
/// Version of everything that crosses the connection, rings included.
pub(super) const PROTOCOL: u32 = 3;
/// The native encoding.
pub(super) const NATIVE: u32 = 1;
/// Descriptors of a hello: two memories, and for each ring the doorbells of its two ends.
const HELLO_FDS: usize = 6;

/// What the host offers.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Hello {
    magic: [u8; 8],
    protocol: U32,
    page_bytes: U32,
    encoding: U32,
    to_worker_lines: U32,
    to_host_lines: U32,
    worker_wait: U32,
    /// 1 if host and worker have one processor between them. The worker may not be able to tell.
    one_processor: U32,
    interface_hash: U64,
    interface_name: [u8; 128],
    /// The connection's id, for the logs of both sides.
    connection: U64,
}

/// What the worker says to it.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Answer {
    magic: [u8; 8],
    protocol: U32,
    /// The layers of its sandbox that the worker can see, for the host to wonder about, not to rely on; a bit each.
    sandbox: U32,
    interface_hash: U64,
    /// 1 if the offer is accepted; else `reason` says why not.
    accepted: U32,
    reason: [u8; 244],
}

/// Why two ends do not fit together.
///
/// ```
/// use ringfence::ipc::{CallError, ConnectError, Connection, Dispatch, Endpoint, Interface, Options, Reply};
/// use ringfence::serialize::native::Decoder;
///
/// static OURS: Interface = Interface { name: "example.Doubler", hash: 2, methods: &[], events: &[] };
/// static THEIRS: Interface = Interface { name: "example.Doubler", hash: 1, methods: &[], events: &[] };
///
/// struct Older;
///
/// impl Dispatch for Older {
///     fn dispatch(&mut self, method: u16, _: Decoder<'_>, _: Reply<'_>) -> Result<(), CallError> {
///         Err(CallError::UnknownMethod { method })
///     }
/// }
///
/// let serve = |endpoint: Endpoint| endpoint.serve(&THEIRS, |_| Older);
/// let error = Connection::threaded(&OURS, &Options::new(), serve).unwrap_err();
/// assert!(matches!(error, ConnectError::Handshake { .. }));
/// assert!(error.to_string().ends_with("build both sides from the same mojom file"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The peer speaks something else altogether.
    #[error("its first packet of {bytes} bytes is no ringfence handshake")]
    Magic {
        /// Bytes that came.
        bytes: usize,
    },
    /// The peer was built with another version of the protocol.
    #[error(
        "it speaks protocol version {theirs}, this side speaks {ours}; build both from one ringfence release"
    )]
    Protocol {
        /// This side's.
        ours: u32,
        /// The peer's.
        theirs: u32,
    },
    /// The peer counts memory in other pages.
    #[error("its pages have {theirs} bytes, this side's {ours}")]
    PageSize {
        /// This side's.
        ours: u32,
        /// The peer's.
        theirs: u32,
    },
    /// The peer wants an encoding that this side does not know.
    #[error("it wants encoding {theirs}, this side knows {NATIVE} (native)")]
    Encoding {
        /// The number asked for.
        theirs: u32,
    },
    /// A ring of impossible size.
    #[error(
        "it offers a ring of {lines} lines; a power of two within {}..={} is needed",
        Geometry::MIN_LINES,
        Geometry::MAX_LINES
    )]
    Geometry {
        /// The lines offered.
        lines: u32,
    },
    /// A way of waiting that this side does not know.
    #[error("it asks for waiting policy {number}, which is none")]
    WaitPolicy {
        /// The number asked for.
        number: u32,
    },
    /// The interface is another one, or has changed.
    #[error(
        "it has interface {theirs} with hash {their_hash:#018x}, this side {ours} with {our_hash:#018x}; build both sides from the same mojom file"
    )]
    Interface {
        /// This side's name.
        ours: String,
        /// This side's hash.
        our_hash: u64,
        /// The peer's name.
        theirs: String,
        /// The peer's hash.
        their_hash: u64,
    },
    /// Descriptors are missing.
    #[error("{found} file descriptors came with the offer, {HELLO_FDS} are needed")]
    Fds {
        /// How many came.
        found: usize,
    },
    /// The memory offered is not safe to map.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The worker's own reason.
    #[error("it says: {reason}")]
    Refused {
        /// The reason.
        reason: String,
    },
    /// Nothing came in time.
    #[error(
        "it did not answer the handshake in time; allow more with `Options::handshake_deadline` if it legitimately takes longer"
    )]
    Late,
    /// The peer went away.
    #[error("it closed the connection during the handshake")]
    Gone,
    /// The socket failed.
    #[error("the socket failed: {errno}")]
    Socket {
        /// What the kernel said.
        errno: Errno,
    },
}

/// What a worker has of a connection once it has accepted.
#[derive(Debug)]
pub(super) struct Accepted {
    pub incoming: Incoming,
    pub outgoing: Outgoing,
    pub meter: Meter,
    pub wait: WaitPolicy,
    pub one_processor: bool,
    pub connection: ConnectionId,
}

/// What a host has of a connection once the worker has accepted.
#[derive(Debug)]
pub(super) struct Agreed {
    pub outgoing: Outgoing,
    pub incoming: Incoming,
    pub meter: Meter,
    /// The memories of the rings, the one to the worker first.
    pub rings: Vec<(SharedMemory, Geometry)>,
}

/// What both ends share of one ring.
struct Shared {
    memory: SharedMemory,
    geometry: Geometry,
    data: Doorbell,
    space: Doorbell,
}

impl Shared {
    fn create(name: &str, geometry: Geometry) -> Result<Self, HandshakeError> {
        let bell = || Doorbell::new().map_err(|errno| HandshakeError::Socket { errno });
        let memory = SharedMemory::create(name, geometry.memory_bytes())?;
        Ok(Self { memory, geometry, data: bell()?, space: bell()? })
    }

    fn adopt(lines: U32, memory: OwnedFd, data: OwnedFd, space: OwnedFd) -> Result<Self, HandshakeError> {
        let lines = lines.get();
        let geometry = Geometry::from_lines(lines).ok_or(HandshakeError::Geometry { lines })?;
        let memory = SharedMemory::adopt(memory, geometry.memory_bytes())?;
        Ok(Self { memory, geometry, data: Doorbell::adopt(data), space: Doorbell::adopt(space) })
    }

    fn into_incoming(
        self,
        connection: ConnectionId,
    ) -> Result<(Incoming, Arc<Mapped>, SharedMemory), MemoryError> {
        let mapped = Arc::new(self.memory.map()?);
        let incoming = Incoming::new(Arc::clone(&mapped), self.geometry, self.data, self.space, connection);
        Ok((incoming, mapped, self.memory))
    }

    fn into_outgoing(self) -> Result<(Outgoing, Arc<Mapped>, SharedMemory), MemoryError> {
        let mapped = Arc::new(self.memory.map()?);
        let outgoing = Outgoing::new(Arc::clone(&mapped), self.geometry, self.data, self.space);
        Ok((outgoing, mapped, self.memory))
    }
}

/// The host's side, before the worker has answered.
pub(super) struct Offer {
    connection: ConnectionId,
    to_worker: Shared,
    to_host: Shared,
}

impl Offer {
    /// Makes rings and sends them to the worker.
    pub fn send(
        socket: &Socket,
        connection: ConnectionId,
        interface: &Interface,
        to_worker: Geometry,
        to_host: Geometry,
        worker_wait: WaitPolicy,
        one_processor: bool,
    ) -> Result<Self, HandshakeError> {
        let to_worker = Shared::create(RING_NAMES[0], to_worker)?;
        let to_host = Shared::create(RING_NAMES[1], to_host)?;
        let hello = Hello {
            magic: MAGIC,
            protocol: PROTOCOL.into(),
            page_bytes: page_bytes().into(),
            encoding: NATIVE.into(),
            to_worker_lines: to_worker.geometry.lines().into(),
            to_host_lines: to_host.geometry.lines().into(),
            worker_wait: (worker_wait as u32).into(),
            one_processor: u32::from(one_processor).into(),
            interface_hash: interface.hash.into(),
            interface_name: text(interface.name),
            connection: connection.number().into(),
        };
        let fds = [
            to_worker.memory.as_fd(),
            to_host.memory.as_fd(),
            to_worker.data.as_fd(),
            to_worker.space.as_fd(),
            to_host.data.as_fd(),
            to_host.space.as_fd(),
        ];
        match socket.send(hello.as_bytes(), &fds) {
            Ok(()) => Ok(Self { connection, to_worker, to_host }),
            Err(Errno::PIPE | Errno::CONNRESET) => Err(HandshakeError::Gone),
            Err(errno) => Err(HandshakeError::Socket { errno }),
        }
    }

    /// Waits for the worker's answer.
    pub fn finish(
        self,
        socket: &Socket,
        peer: Peer<'_>,
        interface: &Interface,
        deadline: Instant,
    ) -> Result<Agreed, HandshakeError> {
        let answer: Answer = receive(socket, peer, Some(deadline))?.0;
        let theirs = answer.protocol.get();
        if theirs != PROTOCOL {
            return Err(HandshakeError::Protocol { ours: PROTOCOL, theirs });
        }
        if answer.accepted.get() != 1 {
            return Err(HandshakeError::Refused { reason: untext(&answer.reason) });
        }
        let their_hash = answer.interface_hash.get();
        if their_hash != interface.hash {
            return Err(HandshakeError::Interface {
                ours: interface.name.to_owned(),
                our_hash: interface.hash,
                theirs: "unknown".to_owned(),
                their_hash,
            });
        }
        if let Some(known) = peer.warden.map(|_| Layers::SECCOMP | Layers::NO_NEW_PRIVS) {
            let missing = known.difference(Layers::from_bits_truncate(answer.sandbox.get()));
            if !missing.is_empty() {
                // Its word counts for nothing; but if it is true, something is wrong with the host.
                tracing::warn!(%missing, "the worker does not see all layers of its sandbox");
            }
        }
        let geometries = (self.to_worker.geometry, self.to_host.geometry);
        let (outgoing, to_module, to_module_memory) = self.to_worker.into_outgoing()?;
        let (incoming, to_host, to_host_memory) = self.to_host.into_incoming(self.connection)?;
        let rings = vec![(to_module_memory, geometries.0), (to_host_memory, geometries.1)];
        Ok(Agreed { outgoing, incoming, meter: Meter::new(to_module, to_host), rings })
    }
}

/// The worker's side: waits for the offer, checks it, and answers.
pub(super) fn accept(socket: &Socket, interface: &Interface) -> Result<Accepted, HandshakeError> {
    let peer = Peer::socket(socket.as_fd());
    let result = receive(socket, peer, None).and_then(|(hello, fds)| check(&hello, fds, interface));
    let reason = result.as_ref().err().map(ToString::to_string);
    let answer = Answer {
        magic: MAGIC,
        protocol: PROTOCOL.into(),
        sandbox: visible_layers().bits().into(),
        interface_hash: interface.hash.into(),
        accepted: u32::from(reason.is_none()).into(),
        reason: text(reason.as_deref().unwrap_or_default()),
    };
    let sent = socket.send(answer.as_bytes(), &[]);
    let accepted = result?;
    sent.map_err(|errno| HandshakeError::Socket { errno })?;
    Ok(accepted)
}

/// What a worker sees of its sandbox.
fn visible_layers() -> Layers {
    let mut layers = Layers::empty();
    layers.set(Layers::NO_NEW_PRIVS, no_new_privs() == Ok(true));
    layers.set(Layers::SECCOMP, secure_computing_mode() == Ok(SecureComputingMode::Filter));
    layers
}

fn check(hello: &Hello, fds: Vec<OwnedFd>, interface: &Interface) -> Result<Accepted, HandshakeError> {
    let theirs = hello.protocol.get();
    if theirs != PROTOCOL {
        return Err(HandshakeError::Protocol { ours: PROTOCOL, theirs });
    }
    let (ours, theirs) = (page_bytes(), hello.page_bytes.get());
    if theirs != ours {
        return Err(HandshakeError::PageSize { ours, theirs });
    }
    let theirs = hello.encoding.get();
    if theirs != NATIVE {
        return Err(HandshakeError::Encoding { theirs });
    }
    let their_hash = hello.interface_hash.get();
    if their_hash != interface.hash {
        return Err(HandshakeError::Interface {
            ours: interface.name.to_owned(),
            our_hash: interface.hash,
            theirs: untext(&hello.interface_name),
            their_hash,
        });
    }
    let number = hello.worker_wait.get();
    let wait = WaitPolicy::from_number(number).ok_or(HandshakeError::WaitPolicy { number })?;
    let found = fds.len();
    let fds: [OwnedFd; HELLO_FDS] = fds.try_into().map_err(|_| HandshakeError::Fds { found })?;
    let [in_memory, out_memory, in_data, in_space, out_data, out_space] = fds;
    let connection = ConnectionId::from_number(hello.connection.get());
    let incoming =
        Shared::adopt(hello.to_worker_lines, in_memory, in_data, in_space)?.into_incoming(connection);
    let outgoing = Shared::adopt(hello.to_host_lines, out_memory, out_data, out_space)?.into_outgoing();
    let ((incoming, to_module, _), (outgoing, to_host, _)) = (incoming?, outgoing?);
    Ok(Accepted {
        incoming,
        outgoing,
        meter: Meter::new(to_module, to_host),
        wait,
        one_processor: hello.one_processor.get() == 1,
        connection,
    })
}

/// Waits for a packet that is a `T`.
fn receive<T: FromBytes + IntoBytes>(
    socket: &Socket,
    peer: Peer<'_>,
    deadline: Option<Instant>,
) -> Result<(T, Vec<OwnedFd>), HandshakeError> {
    let mut value = T::new_zeroed();
    // Once the peer is gone, what it sent before may still be there; once only.
    let mut gone = false;
    loop {
        match socket.receive(value.as_mut_bytes()) {
            Ok(Some(packet))
                if packet.bytes == size_of::<T>()
                    && !packet.truncated
                    && value.as_mut_bytes().starts_with(&MAGIC) =>
            {
                return Ok((value, packet.fds));
            }
            Ok(Some(packet)) => return Err(HandshakeError::Magic { bytes: packet.bytes }),
            Ok(None) | Err(Errno::CONNRESET) => return Err(HandshakeError::Gone),
            Err(Errno::AGAIN) if gone => return Err(HandshakeError::Gone),
            Err(Errno::AGAIN) => match wait(&[(socket.as_fd(), PollFlags::IN)], peer, deadline) {
                Wake::Ready => {}
                Wake::Gone => gone = true,
                Wake::Late => return Err(HandshakeError::Late),
            },
            Err(errno) => return Err(HandshakeError::Socket { errno }),
        }
    }
}

fn page_bytes() -> u32 {
    rustix::param::page_size() as u32
}

/// `text` cut to `N` bytes, zeroes after it.
pub(super) fn text<const N: usize>(text: &str) -> [u8; N] {
    let end = text.floor_char_boundary(N);
    let mut bytes = [0; N];
    bytes[..end].copy_from_slice(&text.as_bytes()[..end]);
    bytes
}

/// The text that [`text`] wrote; what is not printable is replaced, since a hostile peer may have written it.
pub(super) fn untext(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    printable_line(&String::from_utf8_lossy(&bytes[..end]))
}
