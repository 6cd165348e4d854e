//! The rivals: other ways for two processes to exchange messages.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair};
use rustix::thread::futex;

use crate::interfaces::bench::Rival;
use crate::serialize::SharedFd;
use crate::shm::{Mapped, MemoryError, SharedMemory, Words};

/// Bytes of the memory that the cache line and the futex lie in.
const MEMORY_BYTES: usize = 4096;
/// Most bytes of a message.
const MESSAGE_BYTES: usize = 64 << 10;
/// Bytes of the header that libcamera sends before each message.
const LIBCAMERA_HEADER_BYTES: usize = 8;

/// Why a rival does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LaneError {
    /// A system call failed.
    #[error("{0}")]
    System(#[from] Errno),
    /// The memory is not what it should be.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// A descriptor is missing.
    #[error("a descriptor is missing")]
    NoFd,
    /// The other side knows more rivals.
    #[error("there is no rival of number {0} in this build; host and worker have to be of one")]
    UnknownRival(i32),
}

/// One side of a rival.
#[derive(Debug)]
pub struct Lane {
    kind: Kind,
    /// What to wait for and what to write; on one line, the two sides take turns in counting it up.
    turn: u64,
    message: Vec<u8>,
}

#[derive(Debug)]
enum Kind {
    CacheLine {
        memory: Mapped,
        /// Whether to tell the processor that it only looks: it then waits a little before it looks again.
        pauses: bool,
    },
    Futex(Mapped),
    Eventfd {
        ours: OwnedFd,
        theirs: OwnedFd,
    },
    SeqPacket(OwnedFd),
    LibcameraSocket(OwnedFd),
}

impl Kind {
    fn in_memory(rival: Rival, memory: Mapped) -> Self {
        match rival {
            Rival::Futex => Self::Futex(memory),
            _ => Self::CacheLine { memory, pauses: rival == Rival::CacheLine },
        }
    }
}

impl Lane {
    /// The host's side of a new `rival` for messages of `bytes` bytes, and two descriptors for the other side.
    ///
    /// # Errors
    /// [`LaneError`] if the kernel refuses.
    pub fn host(rival: Rival, bytes: usize) -> Result<(Self, SharedFd, SharedFd), LaneError> {
        let flags = SocketFlags::CLOEXEC;
        let (kind, here, there) = match rival {
            Rival::CacheLine | Rival::CacheLineEager | Rival::Futex => {
                let memory = SharedMemory::create("ringfence-bench", MEMORY_BYTES)?;
                let fd = memory.as_fd().try_clone_to_owned().map_err(|_| Errno::MFILE)?;
                (Kind::in_memory(rival, memory.map()?), fd.into(), SharedFd::none())
            }
            Rival::Eventfd => {
                let (ours, theirs) = (eventfd(0, EventfdFlags::CLOEXEC)?, eventfd(0, EventfdFlags::CLOEXEC)?);
                let clone = |fd: &OwnedFd| fd.try_clone().map_err(|_| Errno::MFILE);
                let fds = (clone(&theirs)?, clone(&ours)?);
                (Kind::Eventfd { ours, theirs }, fds.0.into(), fds.1.into())
            }
            Rival::SeqPacket => {
                let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
                (Kind::SeqPacket(ours), theirs.into(), SharedFd::none())
            }
            Rival::LibcameraSocket => {
                let flags = flags | SocketFlags::NONBLOCK;
                let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::DGRAM, flags, None)?;
                (Kind::LibcameraSocket(ours), theirs.into(), SharedFd::none())
            }
            Rival::Unknown(number) => return Err(LaneError::UnknownRival(number)),
        };
        Ok((Self::new(kind, bytes, 0), here, there))
    }

    /// The worker's side, of what [`Lane::host`] returned.
    ///
    /// # Errors
    /// [`LaneError`] if the descriptors are not what they should be.
    pub fn worker(rival: Rival, bytes: usize, here: &SharedFd, there: &SharedFd) -> Result<Self, LaneError> {
        let own = |fd: &SharedFd| -> Result<OwnedFd, LaneError> {
            let fd = fd.get().ok_or(LaneError::NoFd)?;
            Ok(fd.try_clone_to_owned().map_err(|_| Errno::MFILE)?)
        };
        let kind = match rival {
            Rival::CacheLine | Rival::CacheLineEager | Rival::Futex => {
                Kind::in_memory(rival, SharedMemory::adopt(own(here)?, MEMORY_BYTES)?.map()?)
            }
            Rival::Eventfd => Kind::Eventfd { ours: own(here)?, theirs: own(there)? },
            Rival::SeqPacket => Kind::SeqPacket(own(here)?),
            Rival::LibcameraSocket => Kind::LibcameraSocket(own(here)?),
            Rival::Unknown(number) => return Err(LaneError::UnknownRival(number)),
        };
        Ok(Self::new(kind, bytes, 1))
    }

    fn new(kind: Kind, bytes: usize, turn: u64) -> Self {
        Self { kind, turn, message: vec![0; bytes.min(MESSAGE_BYTES)] }
    }

    /// Sends a message and waits for one.
    ///
    /// # Errors
    /// [`LaneError`] if the other side is gone.
    pub fn round_trip(&mut self) -> Result<(), LaneError> {
        self.send()?;
        self.receive()
    }

    /// Waits for a message and sends it back.
    ///
    /// # Errors
    /// [`LaneError`] if the other side is gone.
    pub fn echo(&mut self) -> Result<(), LaneError> {
        self.receive()?;
        self.send()
    }

    /// Sends a message; waits for room if there is none, which only sockets need.
    ///
    /// # Errors
    /// [`LaneError`] if the other side is gone.
    pub fn send(&mut self) -> Result<(), LaneError> {
        match &mut self.kind {
            // ORDERING: Release and Acquire, as a message would need them.
            Kind::CacheLine { memory, .. } => memory.word(0).store(self.turn + 1, Ordering::Release),
            Kind::Futex(memory) => {
                memory.futex(0).store(self.turn as u32 + 1, Ordering::Release);
                futex::wake(memory.futex(0), futex::Flags::empty(), 1)?;
            }
            Kind::Eventfd { theirs, .. } => {
                rustix::io::write(theirs, &1u64.to_ne_bytes())?;
            }
            Kind::SeqPacket(socket) => {
                send(socket, &self.message, SendFlags::NOSIGNAL)?;
            }
            Kind::LibcameraSocket(socket) => {
                let mut header = [0; LIBCAMERA_HEADER_BYTES];
                header[..4].copy_from_slice(&(self.message.len() as u32).to_le_bytes());
                send(&*socket, &header, SendFlags::NOSIGNAL)?;
                send(socket, &self.message, SendFlags::NOSIGNAL)?;
            }
        }
        self.turn += 2;
        Ok(())
    }

    /// Waits for a message. Only sockets keep several: with anything else, the two sides take turns.
    ///
    /// # Errors
    /// [`LaneError`] if the other side is gone.
    pub fn receive(&mut self) -> Result<(), LaneError> {
        // After the host's turn `n` the worker writes `n + 1`, and the other way round.
        let due = self.turn;
        match &mut self.kind {
            // ORDERING: Acquire in both, see `send`.
            Kind::CacheLine { memory, pauses: true } => {
                while memory.word(0).load(Ordering::Acquire) != due {
                    std::hint::spin_loop();
                }
            }
            Kind::CacheLine { memory, pauses: false } => {
                while memory.word(0).load(Ordering::Acquire) != due {}
            }
            Kind::Futex(memory) => loop {
                let seen = memory.futex(0).load(Ordering::Acquire);
                if seen == due as u32 {
                    break;
                }
                match futex::wait(memory.futex(0), futex::Flags::empty(), seen, None) {
                    Ok(()) | Err(Errno::AGAIN | Errno::INTR) => {}
                    Err(errno) => return Err(errno.into()),
                }
            },
            Kind::Eventfd { ours, .. } => {
                let mut count = [0; 8];
                rustix::io::retry_on_intr(|| rustix::io::read(&*ours, &mut count))?;
            }
            Kind::SeqPacket(socket) => {
                recv_exact(socket, &mut self.message)?;
            }
            Kind::LibcameraSocket(socket) => {
                let mut header = [0; LIBCAMERA_HEADER_BYTES];
                wait_readable(socket)?;
                recv_exact(socket, &mut header)?;
                wait_readable(socket)?;
                recv_exact(socket, &mut self.message)?;
            }
        }
        Ok(())
    }
}

fn wait_readable(socket: &OwnedFd) -> Result<(), Errno> {
    rustix::io::retry_on_intr(|| poll(&mut [PollFd::new(socket, PollFlags::IN)], None)).map(drop)
}

fn recv_exact(socket: &OwnedFd, buffer: &mut [u8]) -> Result<(), Errno> {
    let (bytes, _) = rustix::io::retry_on_intr(|| recv(socket, &mut *buffer, RecvFlags::empty()))?;
    if bytes == buffer.len() { Ok(()) } else { Err(Errno::CONNRESET) }
}
