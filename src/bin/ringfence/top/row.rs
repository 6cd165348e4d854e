//! What a connection did between two looks.
//!
//! Some counts are written by workers that nobody trusts: here they become figures to look at, and decide nothing.

use std::cmp::Ordering;

use clap::ValueEnum;
use ringfence::ipc::observe::Latency;
use ringfence::ipc::{ConnectionCounters, RingCounters};
use serde::Serialize;

use super::process::ticks_a_second;
use crate::target::Identity;

/// What was counted up to one moment.
#[derive(Debug, Clone)]
pub struct Moment {
    pub at_ns: u64,
    pub counters: ConnectionCounters,
    /// Lines of the rings to the module and to the host, if there are rings.
    pub lines: [Option<u32>; 2],
    pub latency: Latency,
    pub restarts: u64,
    /// Processor time of both sides, in clock ticks.
    pub host_ticks: Option<u64>,
    pub worker_ticks: Option<u64>,
}

/// A connection and its rates.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Row {
    #[serde(flatten)]
    pub identity: Identity,
    /// Calls that returned, a second.
    pub calls_per_s: f64,
    pub to_module: Flow,
    pub to_host: Flow,
    pub latency_ns: Percentiles,
    /// Events that the host dropped, since the connection was made.
    pub dropped_events: u64,
    /// How often the module was started anew.
    pub restarts: u64,
    /// Percent of one processor, all threads and connections of the process together.
    pub host_cpu_percent: Option<f64>,
    pub worker_cpu_percent: Option<f64>,
}

/// One way of a connection.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Flow {
    pub messages_per_s: f64,
    pub bytes_per_s: f64,
    /// Messages that wait in the ring.
    pub queued: Option<u64>,
    /// The most of the ring that was seen in use, since the connection was made.
    pub peak_fill_percent: Option<f64>,
    /// Of the messages of this interval, those for which nobody had to be woken. Nothing without messages.
    pub wake_ups_elided_percent: Option<f64>,
}

/// How long the calls of the interval took, in nanoseconds; nothing without calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    pub p50: Option<u64>,
    pub p99: Option<u64>,
    pub p999: Option<u64>,
}

impl Row {
    /// The rates from `before` to `after`.
    pub fn between(identity: Identity, before: &Moment, after: &Moment) -> Self {
        let seconds = (after.at_ns.saturating_sub(before.at_ns).max(1)) as f64 / 1e9;
        let latency = after.latency.since(&before.latency);
        let quantile = |part| latency.quantile_ns(part);
        let cpu = |before: Option<u64>, after: Option<u64>| {
            let used = after?.saturating_sub(before?) as f64 / ticks_a_second() as f64;
            Some(round(100.0 * used / seconds))
        };
        let flow = |of: fn(&ConnectionCounters) -> &RingCounters, lines| {
            Flow::between(of(&before.counters), of(&after.counters), lines, seconds)
        };
        Self {
            identity,
            calls_per_s: round(latency.count() as f64 / seconds),
            to_module: flow(|counters| &counters.to_module, after.lines[0]),
            to_host: flow(|counters| &counters.to_host, after.lines[1]),
            latency_ns: Percentiles { p50: quantile(0.5), p99: quantile(0.99), p999: quantile(0.999) },
            dropped_events: after.counters.dropped_events,
            restarts: after.restarts,
            host_cpu_percent: cpu(before.host_ticks, after.host_ticks),
            worker_cpu_percent: cpu(before.worker_ticks, after.worker_ticks),
        }
    }

    /// Messages both ways.
    pub fn messages_per_s(&self) -> f64 {
        self.to_module.messages_per_s + self.to_host.messages_per_s
    }

    /// Bytes both ways.
    pub fn bytes_per_s(&self) -> f64 {
        self.to_module.bytes_per_s + self.to_host.bytes_per_s
    }

    /// Both sides together.
    pub fn cpu_percent(&self) -> f64 {
        // A thread's time is its host's already.
        self.host_cpu_percent.unwrap_or(0.0) + self.worker_cpu_percent.unwrap_or(0.0)
    }

    /// The fuller ring's.
    pub fn fill_percent(&self) -> Option<f64> {
        let fills = [self.to_module.peak_fill_percent, self.to_host.peak_fill_percent];
        fills.into_iter().flatten().reduce(f64::max)
    }
}

impl Flow {
    fn between(before: &RingCounters, after: &RingCounters, lines: Option<u32>, seconds: f64) -> Self {
        let records = after.sent.records.wrapping_sub(before.sent.records);
        let bytes = after.sent.bytes.wrapping_sub(before.sent.bytes);
        let woken = after.sent.wake_ups.wrapping_sub(before.sent.wake_ups);
        let percent = |part: u64, whole: u64| {
            (whole != 0).then(|| round((100.0 * part as f64 / whole as f64).clamp(0.0, 100.0)))
        };
        Self {
            messages_per_s: round(records as f64 / seconds),
            bytes_per_s: round(bytes as f64 / seconds),
            // Both ends are read one after the other, and may have moved meanwhile.
            queued: lines.map(|_| after.sent.records.saturating_sub(after.received.records)),
            peak_fill_percent: lines.and_then(|lines| percent(after.sent.high_water_lines, lines.into())),
            wake_ups_elided_percent: lines.and_then(|_| percent(records.saturating_sub(woken), records)),
        }
    }
}

/// To three digits behind the point: more are noise.
fn round(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// What rows are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sort {
    /// Messages a second, both ways
    Messages,
    /// Bytes a second, both ways
    Bytes,
    /// 99th percentile of the time of a call
    Latency,
    /// Processor time of both sides
    Cpu,
    /// Process id of the host
    Pid,
    /// Use of the fuller ring
    Use,
}

impl Sort {
    /// What people read.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Bytes => "bytes",
            Self::Latency => "latency",
            Self::Cpu => "CPU",
            Self::Pid => "process",
            Self::Use => "use of the rings",
        }
    }
}

/// The greatest first, but the lowest process id first; `reverse` turns that around. Equal ones do not jump about.
pub fn sort(rows: &mut [Row], by: Sort, reverse: bool) {
    let place = |row: &Row| (row.identity.host_pid, row.identity.connection.clone());
    let descending = |one: f64, other: f64| other.total_cmp(&one);
    rows.sort_by(|one, other| {
        let order = match by {
            Sort::Messages => descending(one.messages_per_s(), other.messages_per_s()),
            Sort::Bytes => descending(one.bytes_per_s(), other.bytes_per_s()),
            Sort::Latency => other.latency_ns.p99.cmp(&one.latency_ns.p99),
            Sort::Cpu => descending(one.cpu_percent(), other.cpu_percent()),
            Sort::Use => descending(one.fill_percent().unwrap_or(-1.0), other.fill_percent().unwrap_or(-1.0)),
            Sort::Pid => Ordering::Equal,
        };
        let order = order.then_with(|| place(one).cmp(&place(other)));
        if reverse { order.reverse() } else { order }
    });
}

#[cfg(test)]
mod tests {
    use ringfence::ipc::{ReceivedCounters, SentCounters};

    use super::*;

    fn counters(records: u64, bytes: u64, wake_ups: u64, received: u64) -> RingCounters {
        let sent = SentCounters {
            records,
            bytes,
            wake_ups,
            wake_ups_elided: records.wrapping_sub(wake_ups),
            high_water_lines: 32,
            ..SentCounters::default()
        };
        RingCounters { sent, received: ReceivedCounters { records: received, ..ReceivedCounters::default() } }
    }

    #[test]
    fn rates_are_of_the_time_between() {
        let flow =
            Flow::between(&counters(100, 1000, 100, 100), &counters(300, 5000, 150, 297), Some(128), 2.0);
        assert_eq!((flow.messages_per_s, flow.bytes_per_s), (100.0, 2000.0));
        assert_eq!((flow.queued, flow.peak_fill_percent), (Some(3), Some(25.0)));
        assert_eq!(flow.wake_ups_elided_percent, Some(75.0));
    }

    #[test]
    fn without_messages_or_rings_there_is_nothing_to_tell() {
        let same = counters(5, 5, 5, 5);
        assert_eq!(Flow::between(&same, &same, Some(128), 1.0).wake_ups_elided_percent, None);
        let flow = Flow::between(&same, &counters(6, 9, 5, 6), None, 1.0);
        assert_eq!((flow.queued, flow.peak_fill_percent, flow.wake_ups_elided_percent), (None, None, None));
        assert_eq!(flow.messages_per_s, 1.0);
    }

    /// A worker may write anything into what it counts.
    #[test]
    fn lies_are_survived() {
        for lie in [0, 1, u64::MAX / 2, u64::MAX] {
            let liar = counters(lie, lie, u64::MAX - lie, lie.wrapping_add(7));
            for (before, after) in [(liar, counters(1, 1, 1, 1)), (counters(1, 1, 1, 1), liar), (liar, liar)]
            {
                let flow = Flow::between(&before, &after, Some(1), 1e-9);
                assert!(flow.messages_per_s.is_finite() && flow.bytes_per_s >= 0.0);
                assert!(flow.wake_ups_elided_percent.is_none_or(|percent| (0.0..=100.0).contains(&percent)));
                assert!(flow.peak_fill_percent.is_none_or(|percent| (0.0..=100.0).contains(&percent)));
            }
        }
    }

    #[test]
    fn the_busiest_come_first() {
        let row = |pid, messages_per_s, p99| Row {
            identity: Identity { host_pid: pid, ..Identity::default() },
            to_host: Flow { messages_per_s, ..Flow::default() },
            latency_ns: Percentiles { p99, ..Percentiles::default() },
            ..Row::default()
        };
        let mut rows = [row(3, 5.0, None), row(1, 9.0, Some(10)), row(2, 5.0, Some(20))];
        let mut pids = |by, reverse| {
            sort(&mut rows, by, reverse);
            rows.iter().map(|row| row.identity.host_pid).collect::<Vec<_>>()
        };
        assert_eq!(pids(Sort::Messages, false), [1, 2, 3]);
        assert_eq!(pids(Sort::Messages, true), [3, 2, 1]);
        assert_eq!(pids(Sort::Latency, false), [2, 1, 3]);
        assert_eq!(pids(Sort::Pid, false), [1, 2, 3]);
    }
}
