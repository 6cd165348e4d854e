//! Watching connections, one's own and those of other processes of the same user, without their owners' doing.
//!
//! Each host keeps a page about each of its connections in an anonymous memfd. [`connections`] finds those of all processes
//! that this one may look into, by their descriptors in `/proc`. From then on an [`Observed`] reads what the host and both
//! ends of the rings count, as often as one likes; nobody is stopped or woken for that. Two things cost the host something,
//! so it does them only while somebody asks: to [take the time of calls](Observed::watch_latency), and to
//! [keep what goes over the connection](Observed::trace).
//!
//! Whatever is read may have been written by anybody who runs as the same user: it is checked, so that it can mislead a
//! reader but not hurt one. Texts are printable.
//!
//! ```
//! use std::time::Duration;
//!
//! use ringfence::bench::{Pair, Place};
//! use ringfence::interfaces::bench::{Bench, Pod};
//! use ringfence::ipc::observe::{self, Direction, MessageKind};
//! use ringfence::ipc::{Mode, Options};
//!
//! let mut pair = Pair::new(Mode::Threaded, &Options::new().label("bench 0"), Place::Free)?;
//! let proxy = pair.proxy();
//! let id = proxy.connection().expect("a thread is behind a connection").id();
//!
//! // Here it is our own process; it could be any of this user's.
//! let observed = observe::connections().into_iter().find(|it| it.id == id).expect("it is open");
//! assert_eq!((observed.host_pid, observed.label.as_str()), (std::process::id(), "bench 0"));
//!
//! observed.watch_latency(Duration::from_secs(10));
//! let mut tracer = observed.trace(Duration::from_secs(10))?;
//! proxy.ping(&Pod::default())?;
//!
//! let sample = observed.sample();
//! assert_eq!((sample.counters.to_module.sent.records, sample.latency.count()), (1, 1));
//! let (call, reply) = (tracer.next().expect("it was called"), tracer.next().expect("it replied"));
//! assert_eq!((call.kind, call.direction()), (MessageKind::Call, Direction::ToModule));
//! assert_eq!(observed.method_name(call.number), Some("ping"));
//! assert_eq!((reply.kind, reply.sequence), (MessageKind::Reply, call.sequence));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod describe;
mod discover;
mod sample;
mod tracer;

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::status::layout::{CLOSED, LATENCY_UNTIL, LONGEST_WISH, RESTARTS, STATUS_BYTES, TRACE_BYTES};
use super::status::monotonic_ns;
use super::{ConnectionId, Mode};
use crate::shm::{Mapped, MemoryError, SharedMemory, TapeReader, Words};

pub use discover::{connections, connections_of};
pub use sample::{Latency, RingSample, Sample};
pub use tracer::{Direction, MessageKind, TraceRecord, Tracer};

/// The longest time for which latencies or a trace can be asked at once: a minute.
pub const LONGEST: Duration = LONGEST_WISH;

/// How messages of a connection are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// The native encoding, over rings.
    Native,
    /// libcamera's encoding, up to its version 0.5, over a socket.
    Libcamera1,
    /// libcamera's encoding since then, over a socket.
    Libcamera2,
}

impl Encoding {
    /// Its name, as `ringfence wire` knows it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Libcamera1 => "libcamera-1",
            Self::Libcamera2 => "libcamera-2",
        }
    }
}

/// A method, as an observer knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedMethod {
    /// Its mojom name.
    pub name: String,
    /// Whether it is one way: without a reply.
    pub asynchronous: bool,
}

/// A connection that was found.
///
/// It stays readable when the connection is closed, or its host has ended; the counts then stand still.
#[derive(Debug)]
#[non_exhaustive]
pub struct Observed {
    /// What both of its sides call it.
    pub id: ConnectionId,
    /// Process id of the host, as this process sees it.
    pub host_pid: u32,
    /// Process id of the worker as the host sees it, if the module has a process of its own.
    pub worker_pid: Option<u32>,
    /// How the module runs; never [`Mode::Direct`].
    pub mode: Mode,
    /// Full mojom name of the interface.
    pub interface: String,
    /// Hash of the interface.
    pub interface_hash: u64,
    /// How messages are encoded.
    pub encoding: Encoding,
    /// What the worker serves: a component's name, or a module's path. Empty for a thread.
    pub component: String,
    /// What the host calls the connection ([`Options::label`](super::Options::label)); often empty.
    pub label: String,
    /// The methods, numbered from 1 in this order.
    pub methods: Vec<ObservedMethod>,
    /// The events, numbered from 1 in this order.
    pub events: Vec<String>,
    /// When the connection was made, in nanoseconds of the monotonic clock.
    pub since_ns: u64,
    /// The memfd of the page, and where the host has it.
    memory: SharedMemory,
    found_at: discover::FoundAt,
    page: Arc<Mapped>,
    rings: Option<[RingMemory; 2]>,
}

/// The memory of one ring, which is read and never mapped.
#[derive(Debug)]
struct RingMemory {
    memory: SharedMemory,
    lines: u32,
}

impl Observed {
    /// How often the module was started anew before, as far as its host tells.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        word(&self.page, RESTARTS)
    }

    /// Whether the host still has the connection open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        word(&self.page, CLOSED) == 0 && self.found_at.is_still_there()
    }

    /// What was counted so far.
    #[must_use]
    pub fn sample(&self) -> Sample {
        sample::take(&self.page, self.rings.as_ref())
    }

    /// Asks the host to take the time of calls for so long, and no longer than [`LONGEST`]. Whoever goes on looking asks
    /// again before that. Costs the host two readings of the clock a call.
    pub fn watch_latency(&self, duration: Duration) {
        wish(&self.page, LATENCY_UNTIL, duration);
    }

    /// Asks the host to keep what goes over the connection for so long, and no longer than [`LONGEST`]. The tracer gets
    /// what comes from now on.
    ///
    /// # Errors
    /// [`MemoryError`] if the trace cannot be mapped here. That the host has no memory for one is not told: there are no
    /// records then.
    pub fn trace(&self, duration: Duration) -> Result<Tracer, MemoryError> {
        let area = self.memory.map_part(STATUS_BYTES, TRACE_BYTES)?;
        let tracer = Tracer::new(Arc::clone(&self.page), TapeReader::new(area), self.encoding);
        tracer.renew(duration);
        Ok(tracer)
    }

    /// Name of the method of this number, if there is one.
    #[must_use]
    pub fn method_name(&self, number: u32) -> Option<&str> {
        self.methods.get(usize::try_from(number).ok()?.checked_sub(1)?).map(|method| method.name.as_str())
    }

    /// Name of the event of this number, if there is one.
    #[must_use]
    pub fn event_name(&self, number: u32) -> Option<&str> {
        self.events.get(usize::try_from(number).ok()?.checked_sub(1)?).map(String::as_str)
    }
}

/// Looks at the memory behind a descriptor that claims to be a connection's page.
///
/// # Errors
/// [`MemoryError`] if it is not sealed as it should be, or cannot be mapped.
fn map_page(fd: OwnedFd) -> Result<(SharedMemory, Mapped), MemoryError> {
    let memory = SharedMemory::adopt(fd, super::status::layout::BYTES)?;
    let page = memory.map_part(0, STATUS_BYTES)?;
    Ok((memory, page))
}

fn word(page: &Mapped, index: usize) -> u64 {
    // ORDERING: Relaxed: each word stands for itself.
    page.word(index).load(Ordering::Relaxed)
}

/// Says until when something is wanted, unless somebody wants it for longer.
fn wish(page: &Mapped, index: usize, duration: Duration) {
    let duration = duration.min(LONGEST).as_nanos() as u64;
    // ORDERING: Relaxed: seen late, it is granted late.
    page.word(index).fetch_max(monotonic_ns() + duration, Ordering::Relaxed);
}
