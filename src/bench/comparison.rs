//! The whole comparison: limits of the machine, rivals, and calls in every policy and mode, in turns.

use std::time::{Duration, Instant};

use super::lane::LaneError;
use super::pair::{Pair, PairError, prepare_like};
use super::samples::Samples;
use crate::interfaces::bench::{Bench, BenchEvent, Pod, Prepare, Rival};
use crate::ipc::{CallError, Mode, Options, WaitPolicy};
use crate::serialize::native::{Decoder, Encoder};

/// How much to measure.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Rounds in which everything has its turn; medians are over these.
    pub rounds: u32,
    /// Round trips of something that takes well under a microsecond, in each round. Slower things get fewer.
    pub quick_calls: u32,
    /// Processors of host and module, if they are to be pinned.
    pub cpus: Option<(u32, u32)>,
    /// How long a pass of the frame loop lasts.
    pub frame_loop: Duration,
}

/// What a row is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds: less is better.
    Nanoseconds,
    /// Bytes a second: more is better.
    BytesPerSecond,
    /// Nanoseconds of CPU time a frame, of both sides: less is better.
    CpuPerFrame,
}

/// One thing that was measured.
#[derive(Debug, Clone)]
pub struct Row {
    /// Which part of the comparison it belongs to.
    pub group: &'static str,
    /// What it is.
    pub name: String,
    /// What it is measured in.
    pub unit: Unit,
    /// Name of the row that it is compared with: a limit of the machine.
    pub limit: Option<&'static str>,
    /// One value a round: medians, for latencies.
    rounds: Vec<f64>,
    /// All latencies of all rounds.
    samples: Samples,
}

impl Row {
    /// Median of the rounds.
    #[must_use]
    pub fn value(&self) -> f64 {
        let mut sorted = self.rounds.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
    }

    /// A quantile of all latencies, in nanoseconds; `None` if it is no latency.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<u64> {
        (self.samples.count() > 0).then(|| self.samples.quantile(quantile))
    }
}

/// All rows.
#[derive(Debug, Clone, Default)]
pub struct Comparison {
    rows: Vec<Row>,
}

/// The limits that rows are compared with.
pub const CACHE_LINE: &str = "cache line to and fro";
/// As [`CACHE_LINE`].
pub const EVENTFD: &str = "eventfd to and fro";
/// As [`CACHE_LINE`].
pub const MEMCPY: &str = "memcpy of 64 KiB";
/// As [`CACHE_LINE`]: a frame loop that is linked in.
pub const DIRECT_FRAMES: &str = "30 fps, direct";

const POLICIES: [(WaitPolicy, &str); 3] =
    [(WaitPolicy::Spin, "spin"), (WaitPolicy::Adaptive, "adaptive"), (WaitPolicy::Block, "block")];
/// How long the host does nothing before a call, in the sweep.
/// How long a host does nothing before a call, and what that is called: a processor sleeps deeper, the longer.
pub const IDLE_TIMES: [(Duration, &str); 6] = [
    (Duration::ZERO, "0"),
    (Duration::from_micros(10), "10 µs"),
    (Duration::from_micros(100), "100 µs"),
    (Duration::from_millis(1), "1 ms"),
    (Duration::from_millis(10), "10 ms"),
    (Duration::from_millis(100), "100 ms"),
];
/// Frames a second.
pub const FRAME_RATES: [u32; 3] = [30, 60, 120];

impl Comparison {
    /// Measures everything that `plan` says, and tells `progress` what is under way.
    ///
    /// # Errors
    /// [`PairError`] if there is no worker, or it ends.
    pub fn measure(plan: &Plan, mut progress: impl FnMut(&str)) -> Result<Self, PairError> {
        let mut all = Self::default();
        for round in 1..=plan.rounds {
            let mut tell = |what: &str| progress(&format!("round {round} of {}: {what}", plan.rounds));
            tell("limits and rivals");
            all.limits(plan)?;
            for (policy, name) in POLICIES {
                tell(name);
                all.calls(plan, policy, name)?;
            }
            tell("modes");
            all.modes(plan)?;
            tell("throughput");
            all.throughput(plan)?;
            tell("encoding");
            all.encoding(plan);
            tell("connecting");
            all.connecting()?;
            tell("idle times");
            all.idle_times(plan)?;
            tell("frame loops");
            all.frame_loops(plan)?;
        }
        Ok(all)
    }

    /// The rows, in the order in which they were first measured.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The row of this name.
    #[must_use]
    pub fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// How a row stands to its limit: above 1 it is so many times slower, or so much of the throughput.
    #[must_use]
    pub fn ratio(&self, row: &Row) -> Option<f64> {
        Some(row.value() / self.row(row.limit?)?.value())
    }

    fn entry(
        &mut self,
        group: &'static str,
        name: &str,
        unit: Unit,
        limit: Option<&'static str>,
    ) -> &mut Row {
        let index = self.rows.iter().position(|row| row.name == name).unwrap_or_else(|| {
            let (name, rounds, samples) = (name.to_owned(), Vec::new(), Samples::new());
            self.rows.push(Row { group, name, unit, limit, rounds, samples });
            self.rows.len() - 1
        });
        &mut self.rows[index]
    }

    fn latency(&mut self, group: &'static str, name: &str, limit: Option<&'static str>, samples: &Samples) {
        let row = self.entry(group, name, Unit::Nanoseconds, limit);
        row.rounds.push(samples.p50() as f64);
        row.samples.merge(samples);
    }

    fn limits(&mut self, plan: &Plan) -> Result<(), PairError> {
        let mut pair = Pair::new(Mode::Isolated, &Options::new(), plan.cpus)?;
        let slow = plan.quick_calls / 20;
        for (group, name, rival, calls, limit) in [
            ("limits", CACHE_LINE, Rival::CacheLine, plan.quick_calls, None),
            ("limits", EVENTFD, Rival::Eventfd, slow, None),
            ("limits", "futex to and fro", Rival::Futex, slow, None),
            ("sockets, 64 bytes", "Unix SOCK_SEQPACKET", Rival::SeqPacket, slow, Some(EVENTFD)),
            ("sockets, 64 bytes", "libcamera's framing", Rival::LibcameraSocket, slow, Some(EVENTFD)),
        ] {
            let mut samples = Samples::new();
            pair.rival(rival, 64, calls, &mut samples)?;
            self.latency(group, name, limit, &samples);
        }
        let (bytes, passes) = (64 << 10, 2000u32);
        // Into several targets in turn, as messages do not land in the same place; all fit a core's own cache.
        let source = vec![1u8; bytes];
        let mut target = vec![0u8; 8 * bytes];
        let start = Instant::now();
        for pass in 0..passes as usize {
            target[pass % 8 * bytes..][..bytes].copy_from_slice(std::hint::black_box(&source));
            std::hint::black_box(&mut target);
        }
        let rate = f64::from(passes) * bytes as f64 / start.elapsed().as_secs_f64();
        self.entry("limits", MEMCPY, Unit::BytesPerSecond, None).rounds.push(rate);
        Ok(())
    }

    fn calls(&mut self, plan: &Plan, policy: WaitPolicy, name: &str) -> Result<(), PairError> {
        let options = Options::new().host_wait(policy).worker_wait(policy);
        let (calls, limit) = match policy {
            WaitPolicy::Block => (plan.quick_calls / 20, EVENTFD),
            _ => (plan.quick_calls, CACHE_LINE),
        };
        let mut pair = Pair::new(Mode::Isolated, &options, plan.cpus)?;
        pair.ping(calls / 10, &mut Samples::new())?;

        let mut samples = Samples::new();
        pair.ping(calls, &mut samples)?;
        self.latency("calls", &format!("64 bytes each way, {name}"), Some(limit), &samples);

        let params = prepare_like();
        let mut samples = Samples::new();
        samples.take(calls / 5, || pair.proxy().prepare(&params).map(drop))?;
        self.latency("calls", &format!("4 + 10 controls, {name}"), Some(limit), &samples);

        for (bytes, text) in [(4 << 10, "4 KiB"), (64 << 10, "64 KiB")] {
            let data = vec![1u8; bytes];
            let mut samples = Samples::new();
            samples.take(calls / 20, || pair.proxy().bytes(&data).map(drop))?;
            self.latency("calls", &format!("{text} each way, {name}"), Some(limit), &samples);
        }

        let value = Pod::default();
        let mut samples = Samples::new();
        samples.take(calls / 5, || -> Result<(), CallError> {
            let proxy = pair.proxy();
            proxy.tell(&value)?;
            while !matches!(proxy.next_event()?, Some(BenchEvent::Told { .. })) {
                proxy.wait(None)?;
            }
            Ok(())
        })?;
        self.latency("calls", &format!("one way and an event back, {name}"), Some(limit), &samples);
        Ok(())
    }

    fn modes(&mut self, plan: &Plan) -> Result<(), PairError> {
        let options = Options::new().host_wait(WaitPolicy::Spin).worker_wait(WaitPolicy::Spin);
        for (mode, name) in [(Mode::Direct, "direct"), (Mode::Threaded, "threaded, spin")] {
            let mut pair = Pair::new(mode, &options, plan.cpus)?;
            pair.ping(plan.quick_calls / 10, &mut Samples::new())?;
            let mut samples = Samples::new();
            pair.ping(plan.quick_calls, &mut samples)?;
            self.latency("calls", &format!("64 bytes each way, {name}"), Some(CACHE_LINE), &samples);
        }
        Ok(())
    }

    fn throughput(&mut self, plan: &Plan) -> Result<(), PairError> {
        let options = Options::new().host_wait(WaitPolicy::Spin).worker_wait(WaitPolicy::Spin);
        let options = options.ring_bytes(STREAM_RING, 256 << 10);
        for (bytes, text) in [(64, "64 B"), (1 << 10, "1 KiB"), (64 << 10, "64 KiB")] {
            let mut pair = Pair::new(Mode::Isolated, &options, plan.cpus)?;
            let messages = (u64::from(plan.quick_calls) * 64 * 20 / bytes).clamp(2000, 2_000_000);
            let data = vec![1u8; bytes as usize];
            let mut pass = |messages: u64| -> Result<f64, PairError> {
                let start = Instant::now();
                for _ in 0..messages {
                    pair.proxy().sink(&data)?;
                }
                let taken = pair.proxy().flush()?;
                debug_assert_eq!(taken, messages * bytes);
                Ok((messages * bytes) as f64 / start.elapsed().as_secs_f64())
            };
            pass(messages / 10)?;
            let rate = pass(messages)?;
            let name = format!("messages of {text}");
            self.entry("one way", &name, Unit::BytesPerSecond, Some(MEMCPY)).rounds.push(rate);
            let name = format!("SOCK_SEQPACKET, {text}");
            let rate = socket_throughput(bytes as usize, messages / 20)?;
            self.entry("one way", &name, Unit::BytesPerSecond, Some(MEMCPY)).rounds.push(rate);
        }
        Ok(())
    }

    fn encoding(&mut self, plan: &Plan) {
        let params = prepare_like();
        let (mut bytes, mut fds) = (Vec::new(), Vec::new());
        let mut each = |name: &str, once: &mut dyn FnMut(&mut Vec<u8>)| {
            // Far below what a clock resolves, so a batch at a time.
            const BATCH: u32 = 200;
            let mut samples = Samples::new();
            for _ in 0..plan.quick_calls / BATCH {
                let start = Instant::now();
                for _ in 0..BATCH {
                    once(&mut bytes);
                }
                samples.add(start.elapsed() / BATCH);
            }
            self.latency("encoding", name, None, &samples);
        };
        each("encode 4 + 10 controls", &mut |bytes| {
            let encoded = Encoder::message(std::hint::black_box(&params), bytes, &mut fds);
            encoded.expect("the parameters fit a message");
        });
        each("decode 4 + 10 controls", &mut |bytes| {
            let decoded = Decoder::message::<Prepare>(std::hint::black_box(bytes), &mut []);
            std::hint::black_box(decoded.expect("what was encoded can be decoded"));
        });
    }

    fn connecting(&mut self) -> Result<(), PairError> {
        for (mode, name) in [(Mode::Threaded, "a thread"), (Mode::Isolated, "a process")] {
            let mut samples = Samples::new();
            for _ in 0..5 {
                let start = Instant::now();
                let mut pair = Pair::new(mode, &Options::new(), None)?;
                pair.proxy().ping(&Pod::default())?;
                samples.add(start.elapsed());
            }
            self.latency("connecting", &format!("{name}, up to its first reply"), None, &samples);
        }
        Ok(())
    }

    fn idle_times(&mut self, plan: &Plan) -> Result<(), PairError> {
        for (policy, name) in POLICIES {
            let options = Options::new().host_wait(policy).worker_wait(policy);
            let mut pair = Pair::new(Mode::Isolated, &options, plan.cpus)?;
            for (idle, text) in IDLE_TIMES {
                let mut samples = Samples::new();
                pair.ping_after(idle, idle_calls(idle), &mut samples)?;
                self.latency("after idle time", &format!("{text} idle, {name}"), None, &samples);
            }
        }
        let mut pair = Pair::new(Mode::Isolated, &Options::new(), plan.cpus)?;
        for (idle, text) in IDLE_TIMES {
            let mut samples = Samples::new();
            pair.rival_after(Rival::SeqPacket, idle, idle_calls(idle), &mut samples)?;
            self.latency("after idle time", &format!("{text} idle, SOCK_SEQPACKET"), None, &samples);
        }
        Ok(())
    }

    /// CPU time of both sides for a camera's traffic: a frame is two calls of the size of `prepareIsp` and
    /// `processStats`, each answered by events.
    fn frame_loops(&mut self, plan: &Plan) -> Result<(), PairError> {
        let modes = POLICIES.map(|(policy, name)| (Mode::Isolated, policy, name));
        for rate in FRAME_RATES {
            for (mode, policy, name) in [(Mode::Direct, WaitPolicy::Block, "direct")].into_iter().chain(modes)
            {
                let options = Options::new().host_wait(policy).worker_wait(policy);
                let mut pair = Pair::new(mode, &options, plan.cpus)?;
                let frames = (plan.frame_loop.as_secs_f64() * f64::from(rate)) as u32;
                let cost = pair.frame_loop(rate, frames.max(5), &mut Samples::new())?;
                let limit = (mode != Mode::Direct && rate == 30).then_some(DIRECT_FRAMES);
                let row =
                    self.entry("CPU time a frame", &format!("{rate} fps, {name}"), Unit::CpuPerFrame, limit);
                row.rounds.push(cost.both().as_nanos() as f64);
            }
        }
        Ok(())
    }
}

fn idle_calls(idle: Duration) -> u32 {
    match idle.as_micros() {
        0..=100 => 500,
        101..=1000 => 100,
        1001..=10_000 => 20,
        _ => 4,
    }
}

/// Payload bytes of a ring for streams: more than a core's own cache, so that lines wait for their reader in the cache
/// that both share. Read out of the other core's own cache they come at a third of the rate.
pub const STREAM_RING: usize = 4 << 20;

/// Bytes a second through a Unix socket between two threads, each message for itself.
fn socket_throughput(bytes: usize, messages: u64) -> Result<f64, LaneError> {
    use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair};

    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    let data = vec![1u8; bytes];
    let start = Instant::now();
    let received = std::thread::scope(|scope| {
        let receiver = scope.spawn(move || -> Result<(), rustix::io::Errno> {
            let mut buffer = vec![0u8; bytes];
            for _ in 0..messages {
                recv(&theirs, &mut buffer, RecvFlags::empty())?;
            }
            Ok(())
        });
        for _ in 0..messages {
            if let Err(errno) = send(&ours, &data, SendFlags::NOSIGNAL) {
                drop(ours);
                let _ = receiver.join();
                return Err(errno);
            }
        }
        receiver.join().expect("the receiver does not panic")
    });
    received?;
    Ok(messages as f64 * bytes as f64 / start.elapsed().as_secs_f64())
}
