//! A single-producer single-consumer ring of records.
//!
//! # Layout
//!
//! The memory is an array of 64-bit words: six control areas, each on 128 bytes of its own, then a
//! power of two of *lines* of eight words, a cache line each. The first word of a line is its *tag*;
//! the other seven carry payload. A record takes as many lines as its payload needs, at least one:
//!
//! ```text
//! line p     │ tag: p, length │ payload words 0..7  │   ◀ published last, with a release store
//! line p + 1 │ tag: p + 1, …  │ payload words 7..14 │
//! ```
//!
//! `p` is the record's *position*: lines since the beginning, the same number on both sides. A line is
//! reused once a lap, and its tag word is rewritten every time, so an old tag always names an older
//! position and can never be taken for the record that is due, whatever bytes the payload holds. The
//! consumer polls the tag of the line that comes next. A record of up to 56 bytes therefore costs one
//! cache-line transfer, and needs no index that both sides write.
//!
//! # Who writes what
//!
//! | word | written by | read by |
//! |---|---|---|
//! | head: lines consumed | consumer, seldom | producer, when its cached copy says full |
//! | consumer asleep | consumer raises it, either lowers it | producer, after each commit |
//! | producer asleep | producer raises it, either lowers it | consumer, after it moved the head |
//! | consumer fences for both | consumer, as it becomes busy or idle | producer, after each commit |
//! | producer is registered for barriers | producer, once | consumer, until it is |
//! | tags and payload | producer | consumer |
//! | counters, a line for each side | its side | anyone who is curious |
//! | when the doorbell was rung | producer | consumer, after a sleep |
//!
//! Both sides keep their own position in private memory. Neither operation blocks: a full ring is
//! [`RingError::Full`], an empty one is `None`.
//!
//! # Wake-ups
//!
//! Before it sleeps, a side raises its flag, fences, and looks once more; after it has published, the
//! other side fences and looks at the flag. One of the two sees the other (the store–load race that
//! acquire and release alone leave open), so no wake-up is lost.
//!
//! The producer's fence stands in the path of every record. Where both processes can, a consumer with much to do
//! between its sleeps runs it for the producer, before a sleep, with a [barrier](super::barrier) on all processors: it
//! says so in a word of its own, and a producer that has read that word leaves its fence out. One that has not yet
//! read it fences, which is never wrong. A consumer that has less to do withdraws, with one last barrier.

use super::words::LINE_WORDS;

mod consumer;
mod counters;
mod producer;

pub use consumer::{Consumer, Popped, Record};
pub use counters::{ReceivedCounters, RingCounters, SentCounters};
pub use producer::{Producer, Reservation};

/// Bytes of a line: a cache line on every machine this runs on.
pub const LINE_BYTES: usize = LINE_WORDS * 8;
/// Payload bytes of a line.
pub const LINE_PAYLOAD_BYTES: usize = LINE_BYTES - 8;
/// Payload words of a line.
const LINE_PAYLOAD_WORDS: usize = LINE_WORDS - 1;

/// Words between two control areas: 128 bytes, since processors fetch lines in pairs.
const CONTROL_STRIDE: usize = 16;
const HEAD: usize = 0;
const CONSUMER_ASLEEP: usize = CONTROL_STRIDE;
/// Whether the consumer runs the producer's fences for it.
const CONSUMER_FENCES: usize = CONSUMER_ASLEEP + 1;
const PRODUCER_ASLEEP: usize = 2 * CONTROL_STRIDE;
/// Whether barriers of the consumer reach the producer's process.
const PRODUCER_REGISTERED: usize = PRODUCER_ASLEEP + 1;
const PRODUCER_COUNTERS: usize = 3 * CONTROL_STRIDE;
const CONSUMER_COUNTERS: usize = 4 * CONTROL_STRIDE;
/// When the producer last rang the doorbell, in nanoseconds of the monotonic clock.
const RANG_AT: usize = 5 * CONTROL_STRIDE;
/// Words before the first line.
const CONTROL_WORDS: usize = 6 * CONTROL_STRIDE;

/// What the tag of a line says that continues a record.
const CONTINUED: u32 = u32::MAX;

/// Why a ring refused.
///
/// ```
/// use ringfence::shm::{Geometry, Producer, RingError, SharedMemory};
///
/// let geometry = Geometry::from_lines(2).expect("a power of two");
/// let memory = SharedMemory::create("example", geometry.memory_bytes())?;
/// let mut producer = Producer::new(memory.map()?, geometry);
/// assert_eq!(producer.reserve(200).err(), Some(RingError::TooLarge { bytes: 200, capacity: 112 }));
/// let _ = producer.reserve(100).expect("it is empty").commit();
/// assert_eq!(producer.reserve(1).err(), Some(RingError::Full { bytes: 1, needed: 1, free: 0 }));
/// # Ok::<_, ringfence::shm::MemoryError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RingError {
    /// The consumer has to make room first.
    #[error("the ring is full: a record of {bytes} bytes needs {needed} lines, {free} are free")]
    Full {
        /// Payload bytes of the record.
        bytes: usize,
        /// Lines it takes.
        needed: u64,
        /// Lines that are free.
        free: u64,
    },
    /// No emptiness of the ring would do.
    #[error("a record of {bytes} bytes exceeds the ring's {capacity}")]
    TooLarge {
        /// Payload bytes of the record.
        bytes: usize,
        /// The most that the ring holds.
        capacity: usize,
    },
    /// The peer published a position that cannot be.
    #[error("the peer says that it consumed up to line {head}, which is not within {earliest}..={latest}")]
    BadHead {
        /// The position published.
        head: u64,
        /// The position it published before.
        earliest: u64,
        /// The position up to which records were written.
        latest: u64,
    },
    /// The peer published a length that cannot be.
    #[error("the peer announces a record of {bytes} bytes, the ring holds {capacity}")]
    BadLength {
        /// The length announced.
        bytes: usize,
        /// The most that the ring holds.
        capacity: usize,
    },
    /// The peer published a line that continues a record where one must start.
    #[error("the peer continues a record at line {position}, where a record must start")]
    BadStart {
        /// Position of the line.
        position: u64,
    },
}

/// How many lines a ring has.
///
/// ```
/// use ringfence::shm::{Geometry, LINE_PAYLOAD_BYTES};
///
/// let ring = Geometry::for_payload(1000);
/// assert_eq!(ring.lines(), 32);
/// assert_eq!(ring.capacity(), 32 * LINE_PAYLOAD_BYTES);
/// assert_eq!(Geometry::from_lines(33), None, "it has to be a power of two");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Geometry {
    lines: u32,
}

impl Geometry {
    /// Fewest lines.
    pub const MIN_LINES: u32 = 2;
    /// Most lines: 1 GiB.
    pub const MAX_LINES: u32 = 1 << 24;

    /// A ring of exactly `lines` lines, or `None` if that is not a power of two within
    /// [`Geometry::MIN_LINES`] and [`Geometry::MAX_LINES`].
    #[must_use]
    pub fn from_lines(lines: u32) -> Option<Self> {
        let valid = lines.is_power_of_two() && (Self::MIN_LINES..=Self::MAX_LINES).contains(&lines);
        valid.then_some(Self { lines })
    }

    /// The smallest ring that holds a record of `bytes` payload bytes, at most the largest ring.
    #[must_use]
    pub fn for_payload(bytes: usize) -> Self {
        let lines = bytes.div_ceil(LINE_PAYLOAD_BYTES).min(Self::MAX_LINES as usize) as u32;
        Self { lines: lines.max(Self::MIN_LINES).next_power_of_two() }
    }

    /// Lines of the ring.
    #[must_use]
    pub fn lines(self) -> u32 {
        self.lines
    }

    /// Bytes of the largest record.
    #[must_use]
    pub fn capacity(self) -> usize {
        self.lines as usize * LINE_PAYLOAD_BYTES
    }

    /// Bytes of memory that the ring takes.
    #[must_use]
    pub fn memory_bytes(self) -> usize {
        self.memory_words() * 8
    }

    fn memory_words(self) -> usize {
        CONTROL_WORDS + self.lines as usize * LINE_WORDS
    }

    /// Position of the first record: a lap on, so that fresh, zeroed memory holds no tag that is due.
    fn start(self) -> u64 {
        u64::from(self.lines)
    }

    /// Lines that a record takes.
    fn lines_of(bytes: usize) -> u64 {
        bytes.div_ceil(LINE_PAYLOAD_BYTES).max(1) as u64
    }

    /// Index of the tag word of the line at `position`.
    fn tag_word(self, position: u64) -> usize {
        CONTROL_WORDS + (position & u64::from(self.lines - 1)) as usize * LINE_WORDS
    }
}

/// The tag word of the line at `position`.
fn tag(position: u64, length: u32) -> u64 {
    // The position modulo 2^32: a tag is rewritten every lap, so the last one is at most 2^24 lines old.
    position << 32 | u64::from(length)
}

/// Index in memory of payload word `index` of the record at `position`.
#[inline]
fn payload_word(geometry: Geometry, position: u64, index: usize) -> usize {
    let line = (index / LINE_PAYLOAD_WORDS) as u64;
    geometry.tag_word(position + line) + 1 + index % LINE_PAYLOAD_WORDS
}
