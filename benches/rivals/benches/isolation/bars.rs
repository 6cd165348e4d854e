//! The bars: what ringfence promises, relative to the machine and to its rivals.

use ringfence::bench::{CACHE_LINE, EVENTFD, MEMCPY};

use crate::book::{self, Book};
use crate::measure::ours::{DECODE, ENCODE};
use crate::measure::rivals::{ICEORYX2, IPC_CHANNEL, LIBCAMERA, RTRB, SEQ_PACKET};

/// One bar and how it stands.
pub struct Verdict {
    pub name: &'static str,
    /// The bar in words.
    pub bar: &'static str,
    /// What is held against it; `None` if something needed could not be measured.
    pub value: Option<f64>,
    /// The bound, in the same unit.
    pub bound: f64,
    /// Whether `value` must be at most the bound, not at least.
    pub at_most: bool,
}

impl Verdict {
    /// Whether the bar is met; `None` if that could not be measured.
    pub fn is_met(&self) -> Option<bool> {
        let value = self.value?;
        Some(if self.at_most { value <= self.bound } else { value >= self.bound })
    }
}

const SPIN: &str = "64 B each way, spin";
const ADAPTIVE: &str = "64 B each way, adaptive";
const BLOCK: &str = "64 B each way, block";

/// Holds the book against every bar. Whatever compares two rows does so round by round, and takes the median of that.
pub fn evaluate(book: &Book) -> Vec<Verdict> {
    let with = |one, other, combine: fn(f64, f64) -> f64| {
        book.row(one)?.rounds.with(&book.row(other)?.rounds, combine)
    };
    let ratio = |one, other| book::ratio(book.row(one)?, book.row(other)?);
    let worst = |ratios: &[Option<f64>]| {
        ratios.iter().copied().try_fold(0.0, |worst, ratio| Some(f64::max(worst, ratio?)))
    };
    let at_most = |name, bar, value, bound| Verdict { name, bar, value, bound, at_most: true };
    let at_least = |name, bar, value, bound| Verdict { name, bar, value, bound, at_most: false };
    let small = "64 B messages, spin";
    vec![
        at_most(
            "call, spin: over 2.0 × cache line, ns",
            "at most 100 ns",
            with(SPIN, CACHE_LINE, |call, line| call - 2.0 * line),
            100.0,
        ),
        at_most(
            "call, spin: p99.9 to its own median",
            "at most 10 × its own median",
            book.row(SPIN).and_then(|row| Some(book.quantile(row, 0.999)? / row.nanoseconds())),
            10.0,
        ),
        at_most(
            "call, spin: to iceoryx2 request-response",
            "at most half of its median",
            ratio(SPIN, ICEORYX2),
            0.5,
        ),
        at_most("call, adaptive: to spin", "at most 1.2 × spin, back to back", ratio(ADAPTIVE, SPIN), 1.2),
        at_most("call, block: to eventfd", "at most 1.15 × eventfd", ratio(BLOCK, EVENTFD), 1.15),
        at_most(
            "call, block: to the fastest socket rival",
            "below every socket rival",
            worst(&[ratio(BLOCK, SEQ_PACKET), ratio(BLOCK, LIBCAMERA), ratio(BLOCK, IPC_CHANNEL)]),
            1.0,
        ),
        at_least("libcamera's framing to call, spin", "at least 40 × faster", ratio(LIBCAMERA, SPIN), 40.0),
        at_least(
            "libcamera's framing to call, block",
            "at least 1.25 × faster",
            ratio(LIBCAMERA, BLOCK),
            1.25,
        ),
        at_least(
            "one way, 64 B: to rtrb between threads",
            "at least 0.8 × its throughput",
            ratio(small, RTRB),
            0.8,
        ),
        at_least(
            "one way, 64 B: to SOCK_SEQPACKET",
            "at least 15 × its throughput",
            ratio(small, "64 B messages, SOCK_SEQPACKET"),
            15.0,
        ),
        at_least(
            "one way, 64 KiB: to memcpy",
            "at least 0.35 × its throughput",
            ratio("64 KiB messages, spin", MEMCPY),
            0.35,
        ),
        at_most(
            "encode + decode PrepareParams, ns",
            "at most 400 ns",
            with(ENCODE, DECODE, |encode, decode| encode + decode),
            400.0,
        ),
        at_most(
            "CPU time a frame at 30 fps over direct, ns",
            "at most 150 µs, adaptive",
            with(
                "CPU time of both a frame at 30 fps, adaptive",
                "CPU time of both a frame at 30 fps, direct",
                |isolated, direct| isolated - direct,
            ),
            150_000.0,
        ),
        at_most(
            "encode PrepareParams: allocations",
            "none",
            book.encode_allocations.map(|count| count as f64),
            0.0,
        ),
    ]
}
