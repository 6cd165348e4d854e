//! What was counted up to one moment.

use std::ops::RangeInclusive;

use super::{RingMemory, word};
use crate::ipc::ConnectionCounters;
use crate::ipc::status::latency::{BUCKETS, times_of};
use crate::ipc::status::layout::{DROPPED_EVENTS, LATENCY_BUCKETS, LATENCY_COUNT, LATENCY_SUM, TRAFFIC};
use crate::ipc::status::monotonic_ns;
use crate::shm::{Geometry, Mapped, RingCounters};

/// Counts of a connection, as of one moment. All grow from the connection's beginning on, and wrap after 2⁶⁴; what happened
/// within some time is the difference of two samples.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sample {
    /// When it was taken, in nanoseconds of the monotonic clock.
    pub at_ns: u64,
    /// What went over the connection. Over libcamera's socket the host alone counts: what it sent
    /// (`to_module.sent.records` and `bytes`), and what it took (`to_host.received.records` and `to_host.sent`).
    pub counters: ConnectionCounters,
    /// The ring to the module, if there are rings.
    pub to_module: Option<RingSample>,
    /// The ring to the host.
    pub to_host: Option<RingSample>,
    /// How long calls took that were watched.
    pub latency: Latency,
}

/// The shape of a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RingSample {
    /// Lines of 64 bytes; a record takes one for each 56 of its bytes.
    pub lines: u32,
    /// Bytes of the longest record.
    pub capacity: usize,
}

/// How long calls took while somebody [watched](super::Observed::watch_latency), in buckets of which each is at most 1/32 of
/// its time wide. All that took longer than four and a half minutes are in the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latency {
    counts: Vec<u64>,
    sum_ns: u64,
}

impl Latency {
    /// No calls.
    fn empty() -> Self {
        Self { counts: vec![0; BUCKETS], sum_ns: 0 }
    }

    /// Calls.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The mean, in nanoseconds; `None` without calls.
    #[must_use]
    pub fn mean_ns(&self) -> Option<u64> {
        self.sum_ns.checked_div(self.count())
    }

    /// The time within which this part of all calls returned, in nanoseconds: 0.5 is the median, 1 the longest. Told by the upper
    /// end of its bucket; `None` without calls.
    #[must_use]
    pub fn quantile_ns(&self, part: f64) -> Option<u64> {
        let count = self.count();
        let rank = ((part.clamp(0.0, 1.0) * count as f64).ceil() as u64).clamp(1, count.max(1));
        let mut below = 0u64;
        self.buckets().find_map(|(times, count)| {
            below = below.saturating_add(count);
            (below >= rank).then_some(*times.end())
        })
    }

    /// The buckets that are not empty: their times in nanoseconds, and how many calls took so long; the shortest first.
    pub fn buckets(&self) -> impl Iterator<Item = (RangeInclusive<u64>, u64)> {
        let taken = self.counts.iter().enumerate().filter(|(_, count)| **count != 0);
        taken.map(|(bucket, count)| (times_of(bucket), *count))
    }

    /// The calls since an earlier sample.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let counts = self.counts.iter().zip(&earlier.counts);
        Self {
            counts: counts.map(|(now, then)| now.saturating_sub(*then)).collect(),
            sum_ns: self.sum_ns.wrapping_sub(earlier.sum_ns),
        }
    }
}

pub(super) fn take(page: &Mapped, rings: Option<&[RingMemory; 2]>) -> Sample {
    let mut counters =
        ConnectionCounters { dropped_events: word(page, DROPPED_EVENTS), ..Default::default() };
    if let Some([to_module, to_host]) = rings {
        counters.to_module = count(to_module);
        counters.to_host = count(to_host);
    } else {
        let [sent, sent_bytes, received, received_bytes] =
            [0, 1, 2, 3].map(|index| word(page, TRAFFIC + index));
        (counters.to_module.sent.records, counters.to_module.sent.bytes) = (sent, sent_bytes);
        (counters.to_host.sent.records, counters.to_host.sent.bytes) = (received, received_bytes);
        counters.to_host.received.records = received;
    }
    let mut latency = Latency::empty();
    // The buckets have no memory before there is a call in them, and to look would give them some.
    if word(page, LATENCY_COUNT) != 0 {
        latency.sum_ns = word(page, LATENCY_SUM);
        for (bucket, count) in latency.counts.iter_mut().enumerate() {
            *count = word(page, LATENCY_BUCKETS + bucket);
        }
    }
    let [to_module, to_host] = match rings {
        Some(rings) => [0, 1].map(|index| shape(rings[index].lines)),
        None => [None; 2],
    };
    Sample { at_ns: monotonic_ns(), counters, to_module, to_host, latency }
}

fn count(ring: &RingMemory) -> RingCounters {
    let mut start = [0; RingCounters::BYTES];
    // A ring has more bytes than that, and does not shrink.
    ring.memory.peek(&mut start).map(|()| RingCounters::parse(&start)).unwrap_or_default()
}

fn shape(lines: u32) -> Option<RingSample> {
    Geometry::from_lines(lines).map(|geometry| RingSample { lines, capacity: geometry.capacity() })
}
