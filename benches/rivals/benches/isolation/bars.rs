//! The bars: what ringfence promises, relative to the machine and to its rivals.

use crate::book::Book;
use crate::measure::ours::{DECODE, ENCODE};
use crate::measure::rivals::{ICEORYX2, IPC_CHANNEL, LIBCAMERA, RTRB, SEQ_PACKET};
use crate::measure::{CACHE_LINE, EVENTFD, MEMCPY};

/// One bar and how it stands.
pub struct Verdict {
    pub name: &'static str,
    /// The bar in words.
    pub bar: &'static str,
    /// What is held against it; `None` if something needed could not be measured.
    pub value: Option<f64>,
    /// The bound, in the same unit.
    pub bound: Option<f64>,
    /// Whether `value` must be at most the bound, not at least.
    pub at_most: bool,
}

impl Verdict {
    /// Whether the bar is met; `None` if that could not be measured.
    pub fn is_met(&self) -> Option<bool> {
        let (value, bound) = (self.value?, self.bound?);
        Some(if self.at_most { value <= bound } else { value >= bound })
    }
}

const SPIN: &str = "64 B each way, spin";
const ADAPTIVE: &str = "64 B each way, adaptive";
const BLOCK: &str = "64 B each way, block";

/// Holds the book against every bar.
pub fn evaluate(book: &Book) -> Vec<Verdict> {
    let p50 = |name| book.row(name).map(|row| row.nanoseconds()).filter(|value| value.is_finite());
    let rate = |name| book.row(name).and_then(|row| row.rate()).filter(|value| value.is_finite());
    let divide = |one: Option<f64>, other: Option<f64>| Some(one? / other?);
    let least = |values: &[Option<f64>]| {
        values.iter().copied().try_fold(f64::INFINITY, |least, value| Some(least.min(value?)))
    };
    let at_most = |name, bar, value, bound| Verdict { name, bar, value, bound, at_most: true };
    let at_least = |name, bar, value, bound| Verdict { name, bar, value, bound: Some(bound), at_most: false };
    let small = "64 B messages, spin";
    vec![
        at_most(
            "call, spin: median, ns",
            "at most 2.0 × cache line + 100 ns",
            p50(SPIN),
            p50(CACHE_LINE).map(|limit| 2.0 * limit + 100.0),
        ),
        at_most(
            "call, spin: p99.9, ns",
            "at most 10 × its own median",
            book.row(SPIN).and_then(|row| book.quantile(row, 0.999)),
            p50(SPIN).map(|median| 10.0 * median),
        ),
        at_most(
            "call, spin: to iceoryx2 request-response",
            "at most half of its median",
            divide(p50(SPIN), p50(ICEORYX2)),
            Some(0.5),
        ),
        at_most(
            "call, adaptive: to spin",
            "at most 1.2 × spin, back to back",
            divide(p50(ADAPTIVE), p50(SPIN)),
            Some(1.2),
        ),
        at_most(
            "call, block: to eventfd",
            "at most 1.15 × eventfd",
            divide(p50(BLOCK), p50(EVENTFD)),
            Some(1.15),
        ),
        at_most(
            "call, block: median, ns",
            "below every socket rival",
            p50(BLOCK),
            least(&[p50(SEQ_PACKET), p50(LIBCAMERA), p50(IPC_CHANNEL)]),
        ),
        at_least(
            "libcamera's framing to call, spin",
            "at least 40 × faster",
            divide(p50(LIBCAMERA), p50(SPIN)),
            40.0,
        ),
        at_least(
            "libcamera's framing to call, block",
            "at least 1.25 × faster",
            divide(p50(LIBCAMERA), p50(BLOCK)),
            1.25,
        ),
        at_least(
            "one way, 64 B: to rtrb between threads",
            "at least 0.8 × its throughput",
            divide(rate(small), rate(RTRB)),
            0.8,
        ),
        at_least(
            "one way, 64 B: to SOCK_SEQPACKET",
            "at least 15 × its throughput",
            divide(rate(small), rate("64 B messages, SOCK_SEQPACKET")),
            15.0,
        ),
        at_least(
            "one way, 64 KiB: to memcpy",
            "at least 0.35 × its throughput",
            divide(rate("64 KiB messages, spin"), rate(MEMCPY)),
            0.35,
        ),
        at_most(
            "encode + decode PrepareParams, ns",
            "at most 400 ns",
            p50(ENCODE).zip(p50(DECODE)).map(|(encode, decode)| encode + decode),
            Some(400.0),
        ),
        at_most(
            "CPU time a frame at 30 fps over direct, ns",
            "at most 150 µs, adaptive",
            p50("CPU time of both a frame at 30 fps, adaptive")
                .zip(p50("CPU time of both a frame at 30 fps, direct"))
                .map(|(isolated, direct)| isolated - direct),
            Some(150_000.0),
        ),
        at_most(
            "encode PrepareParams: allocations",
            "none",
            book.encode_allocations.map(|count| count as f64),
            Some(0.0),
        ),
    ]
}
