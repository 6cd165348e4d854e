//! Where things lie in a connection's page. Observers of other builds rely on it: whoever changes it changes [`VERSION`].
//!
//! | bytes | what | written by |
//! |---|---|---|
//! | 0 | [`Description`], its magic last | host, once |
//! | 1024 | [`LATENCY_UNTIL`], [`TRACE_UNTIL`] | observers |
//! | 1152 | [`RESTARTS`] and other counts | host |
//! | 1536 | names of methods, then of events | host, once |
//! | 8192 | buckets of the latencies, once they were asked for | host |
//! | 65536 | the [tape](crate::shm::TapeWriter) of what went over the connection, once it was asked for | host |

use std::time::Duration;

use zerocopy::byteorder::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::latency::BUCKETS;

/// What the memfd is called.
pub const NAME: &str = "ringfence-status";
/// What the memfds of the rings are called, the one to the module first.
pub const RING_NAMES: [&str; 2] = ["ringfence-to-worker", "ringfence-to-host"];

/// The first word, once the description is whole.
pub const MAGIC: u64 = u64::from_le_bytes(*b"ringstat");
/// Version of all of this.
pub const VERSION: u32 = 1;

/// Bytes of the page; few of them have memory behind them.
pub const STATUS_BYTES: usize = 64 << 10;
/// Bytes of the tape, which follows.
pub const TRACE_BYTES: usize = 1 << 20;
/// Bytes of the whole.
pub const BYTES: usize = STATUS_BYTES + TRACE_BYTES;

/// Word: until when latencies are wanted, in nanoseconds of the monotonic clock; 0 if they are not.
pub const LATENCY_UNTIL: usize = 128;
/// Word: until when messages are to be traced, likewise.
pub const TRACE_UNTIL: usize = 129;
/// The farthest that a wish may lie ahead. What lies farther is nonsense.
pub const LONGEST_WISH: Duration = Duration::from_secs(60);

/// Word: how often the module was started anew before.
pub const RESTARTS: usize = 144;
/// Word: events that the host has dropped.
pub const DROPPED_EVENTS: usize = 145;
/// Word: 1 once the host has closed the connection.
pub const CLOSED: usize = 146;
/// Words: messages and bytes to the module, and to the host. Those of rings are counted in the rings.
pub const TRAFFIC: usize = 147;
/// Word: times of calls that were added up, in nanoseconds.
pub const LATENCY_SUM: usize = 160;
/// Word: how many.
pub const LATENCY_COUNT: usize = 161;

/// Byte at which the names start.
pub const NAMES_AT: usize = 1536;
/// Most bytes of them.
pub const NAMES_BYTES: usize = 6 << 10;
/// Word of the first bucket of the latencies.
pub const LATENCY_BUCKETS: usize = 1024;

const _: () =
    assert!(size_of::<Description>() <= LATENCY_UNTIL * 8 && NAMES_AT + NAMES_BYTES <= LATENCY_BUCKETS * 8);
const _: () = assert!((LATENCY_BUCKETS + BUCKETS) * 8 <= STATUS_BYTES);

/// What the connection is.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct Description {
    /// [`MAGIC`].
    pub magic: U64,
    /// [`VERSION`].
    pub version: U32,
    /// 1: threaded, 2: isolated.
    pub mode: U32,
    /// The connection's id.
    pub connection: U64,
    /// The host's process id, as it sees itself.
    pub host_pid: U32,
    /// The worker's, as the host sees it; 0 if there is none.
    pub worker_pid: U32,
    /// The interface's hash.
    pub interface_hash: U64,
    /// 1: native, 2: libcamera-1, 3: libcamera-2.
    pub encoding: U32,
    /// Bytes of names.
    pub names_bytes: U32,
    /// Inodes of the memories of the rings, the one to the module first; 0 if there are none.
    pub ring_inodes: [U64; 2],
    /// Lines of the rings.
    pub ring_lines: [U32; 2],
    /// When the connection was made, in nanoseconds of the monotonic clock.
    pub since_ns: U64,
    /// How many of the names are of methods, and how many are of events.
    pub names: [U16; 2],
    /// Zero.
    pub reserved: U32,
    /// Full name of the interface.
    pub interface: [u8; 128],
    /// What the worker serves; empty in a thread.
    pub component: [u8; 128],
    /// What the host calls the connection.
    pub label: [u8; 128],
}

/// In front of each name: 1 if the method has no reply, and the bytes of the name.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct NameHeader {
    /// 1 for a method without a reply.
    pub asynchronous: u8,
    /// Bytes of the name, which follow.
    pub bytes: u8,
}

/// In front of each message's bytes on the tape.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct TraceHeader {
    /// When the host sent or took it, in nanoseconds of the monotonic clock.
    pub at_ns: U64,
    /// Number of the call; 0 for an event.
    pub sequence: U32,
    /// Number of the method or event.
    pub number: U32,
    /// Bytes of the whole body, of which the first [`TRACED_BYTES`] follow.
    pub total_bytes: U32,
    /// Descriptors that came with it.
    pub fds: U16,
    /// A message's kind, as on the wire.
    pub kind: u8,
    /// Zero.
    pub reserved: u8,
}

/// Bytes of a body that are kept on the tape.
pub const TRACED_BYTES: usize = 4096;
