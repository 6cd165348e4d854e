//! What went through a ring, counted by its two ends in the ring's own memory.
//!
//! Each end has a line that only it writes, so counting costs no line transfer. Anyone who maps the ring can
//! read the counts. What the peer counted is the peer's word: good for display, never for a decision.

use super::super::words::{Ordering, Words};
use super::{CONSUMER_COUNTERS, CONTROL_WORDS, PRODUCER_COUNTERS};

/// Counts of both ends, as of one moment. All wrap after 2⁶⁴.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RingCounters {
    /// What the producer counted.
    pub sent: SentCounters,
    /// What the consumer counted.
    pub received: ReceivedCounters,
}

/// What a producer counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SentCounters {
    /// Records.
    pub records: u64,
    /// Payload bytes in them.
    pub bytes: u64,
    /// Records for which the consumer had to be woken.
    pub wake_ups: u64,
    /// Records for which it was awake.
    pub wake_ups_elided: u64,
    /// Times that the producer slept for want of room.
    pub full: u64,
    /// Most lines that were seen in use. Looked at now and then only, so short peaks may be missed.
    pub high_water_lines: u64,
}

/// What a consumer counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReceivedCounters {
    /// Records.
    pub records: u64,
    /// Waits that looking ended.
    pub looks: u64,
    /// Waits that led to a sleep.
    pub sleeps: u64,
    /// Sleeps that ended without a record.
    pub spurious: u64,
    /// What the last wake-up cost, in nanoseconds: from the ring of the doorbell to the end of the sleep.
    pub last_wake_up_ns: u64,
}

impl RingCounters {
    /// Bytes at the start of a ring's memory in which its counts are.
    pub const BYTES: usize = CONTROL_WORDS * 8;

    /// Reads the counts out of a ring's memory.
    pub fn read<M: Words>(memory: &M) -> Self {
        // ORDERING: Relaxed: each count stands for itself.
        Self::of(|index| memory.word(index).load(Ordering::Relaxed))
    }

    /// Reads the counts out of a copy of the start of a ring's memory.
    #[must_use]
    pub fn parse(bytes: &[u8; Self::BYTES]) -> Self {
        let words = bytes.as_chunks::<8>().0;
        Self::of(|index| u64::from_ne_bytes(words[index]))
    }

    fn of(word: impl Fn(usize) -> u64) -> Self {
        let sent = |index| word(PRODUCER_COUNTERS + index);
        let received = |index| word(CONSUMER_COUNTERS + index);
        Self {
            sent: SentCounters {
                records: sent(0),
                bytes: sent(1),
                wake_ups: sent(2),
                // Not counted for itself: it is all the others.
                wake_ups_elided: sent(0).wrapping_sub(sent(2)),
                full: sent(3),
                high_water_lines: sent(4),
            },
            received: ReceivedCounters {
                records: received(0),
                looks: received(1),
                sleeps: received(2),
                spurious: received(3),
                last_wake_up_ns: received(4),
            },
        }
    }
}

impl SentCounters {
    /// Publishes the counts that change with every record.
    #[inline]
    pub(super) fn publish<M: Words>(&self, memory: &M) {
        // ORDERING: Relaxed, as in `RingCounters::read`.
        memory.word(PRODUCER_COUNTERS).store(self.records, Ordering::Relaxed);
        memory.word(PRODUCER_COUNTERS + 1).store(self.bytes, Ordering::Relaxed);
    }

    /// Publishes the others.
    pub(super) fn publish_rest<M: Words>(&self, memory: &M) {
        for (index, count) in [self.wake_ups, self.full, self.high_water_lines].into_iter().enumerate() {
            // ORDERING: Relaxed, as in `RingCounters::read`.
            memory.word(PRODUCER_COUNTERS + 2 + index).store(count, Ordering::Relaxed);
        }
    }
}

impl ReceivedCounters {
    /// Publishes the counts that change with every record.
    #[inline]
    pub(super) fn publish<M: Words>(&self, memory: &M) {
        // ORDERING: Relaxed, as in `RingCounters::read`.
        memory.word(CONSUMER_COUNTERS).store(self.records, Ordering::Relaxed);
        memory.word(CONSUMER_COUNTERS + 1).store(self.looks, Ordering::Relaxed);
    }

    /// Publishes the others.
    pub(super) fn publish_rest<M: Words>(&self, memory: &M) {
        let counts = [self.sleeps, self.spurious, self.last_wake_up_ns];
        for (index, count) in counts.into_iter().enumerate() {
            // ORDERING: Relaxed, as in `RingCounters::read`.
            memory.word(CONSUMER_COUNTERS + 2 + index).store(count, Ordering::Relaxed);
        }
    }
}
