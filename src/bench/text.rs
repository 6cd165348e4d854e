//! Measured values as people read them.

/// A time, of nanoseconds.
#[must_use]
pub fn time_text(nanoseconds: f64) -> String {
    match nanoseconds {
        _ if nanoseconds >= 1e6 => format!("{:.2} ms", nanoseconds / 1e6),
        _ if nanoseconds >= 1e4 => format!("{:.1} µs", nanoseconds / 1e3),
        _ => format!("{nanoseconds:.0} ns"),
    }
}

/// A throughput, of bytes a second.
#[must_use]
pub fn rate_text(rate: f64) -> String {
    if rate >= 1e9 { format!("{:.2} GB/s", rate / 1e9) } else { format!("{:.0} MB/s", rate / 1e6) }
}

/// A ratio, with three digits that tell.
///
/// ```
/// use ringfence::bench::{rate_text, ratio_text, time_text};
///
/// assert_eq!((ratio_text(3.14159), rate_text(12.5e9)), ("3.14".to_owned(), "12.50 GB/s".to_owned()));
/// println!("{}", time_text(1234.0));
/// ```
#[must_use]
pub fn ratio_text(ratio: f64) -> String {
    let digits = match ratio.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        0.1.. => 3,
        0.01.. => 4,
        _ => 5,
    };
    format!("{ratio:.digits$}")
}
