//! The whole comparison: limits of the machine, rivals, and calls in every policy and mode, in turns.

use std::hint::black_box;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::pair::{Pair, PairError, prepare_like};
use super::processors::{Place, pin};
use super::rows::{Comparison, Unit};
use super::samples::Samples;
use crate::interfaces::bench::{Bench, BenchEvent, Pod, Prepare, Rival};
use crate::ipc::{CallError, Mode, Options, WaitPolicy};
use crate::serialize::native::{Decoder, Encoder};

/// How much to measure.
///
/// ```no_run
/// use ringfence::bench::{Comparison, Place, Plan, ratio_text};
///
/// // Of a program that gives `bench::COMPONENT` to `run_if_worker`, or has `ringfence-worker` beside it.
/// let plan = Plan { rounds: 1, quick_calls: 10_000, place: Place::choose(), frames: 30 };
/// let comparison = Comparison::measure(&plan, |row| eprintln!("{row} …"))?;
/// for row in comparison.rows() {
///     println!("{}: {}", row.name, comparison.ratio(row).map_or("-".to_owned(), ratio_text));
/// }
/// # Ok::<_, ringfence::bench::PairError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Rounds in which everything has its turn; medians are over these.
    pub rounds: u32,
    /// Round trips of something that takes well under a microsecond, in each round. Slower things get fewer.
    pub quick_calls: u32,
    /// Where host and module run.
    pub place: Place,
    /// Frames of a pass of the frame loop.
    pub frames: u32,
}

/// A limit of the machine, and the name of its row: how long a cache line takes to another processor and back.
///
/// Measured with and without a `pause` between two looks at it, of which the lower counts: [`Pair::cache_line`].
pub const CACHE_LINE: &str = "cache line to and fro";
/// A limit of the machine: how long it takes to wake another processor, and to be woken by it.
pub const EVENTFD: &str = "eventfd to and fro";
/// A limit of the machine: how fast one core copies what its own cache holds.
pub const MEMCPY: &str = "memcpy of 64 KiB";

/// The policies by name.
pub const POLICIES: [(WaitPolicy, &str); 3] =
    [(WaitPolicy::Spin, "spin"), (WaitPolicy::Adaptive, "adaptive"), (WaitPolicy::Block, "block")];
/// How long a host does nothing before a call, and what that is called: the longer, the deeper a processor sleeps.
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
/// Bytes of messages that go one way.
pub const MESSAGE_SIZES: [(usize, &str); 3] = [(64, "64 B"), (1 << 10, "1 KiB"), (64 << 10, "64 KiB")];
/// Payload bytes of a ring for streams: more than a core's own cache, so that lines wait for their reader in the cache
/// that both share. Read out of the other core's own cache they come at a third of the rate.
pub const STREAM_RING: usize = 4 << 20;

/// Batches in which a call and its limit take turns.
const BATCHES: u32 = 4;

impl Comparison {
    /// Measures everything that `plan` says, and tells `progress` what is under way.
    ///
    /// # Errors
    /// [`PairError`] if there is no worker, or it ends.
    pub fn measure(plan: &Plan, mut progress: impl FnMut(&str)) -> Result<Self, PairError> {
        let mut all = Self::default();
        for round in 0..plan.rounds {
            all.round = round;
            let mut tell = |what: &str| progress(&format!("round {} of {}: {what}", round + 1, plan.rounds));
            for (policy, name) in POLICIES {
                tell(name);
                all.calls(plan, Mode::Isolated, policy, name)?;
            }
            tell("other modes");
            all.calls(plan, Mode::Direct, WaitPolicy::Block, "direct")?;
            all.calls(plan, Mode::Threaded, WaitPolicy::Spin, "in a thread, spin")?;
            tell("limits and rivals");
            all.rivals(plan)?;
            all.copy(plan);
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

    /// Calls and events, and the limit of their way to wait.
    fn calls(&mut self, plan: &Plan, mode: Mode, policy: WaitPolicy, name: &str) -> Result<(), PairError> {
        let (calls, limit) = match policy {
            WaitPolicy::Block if mode != Mode::Direct => (plan.quick_calls / 20, EVENTFD),
            _ => (plan.quick_calls, CACHE_LINE),
        };
        let mut pair = Pair::new(mode, &both_wait(policy), plan.place)?;
        pair.ping(calls / 10, &mut Samples::new())?;
        let (mut own, mut limits) = (Samples::new(), Samples::new());
        for _ in 0..BATCHES {
            pair.ping(calls / BATCHES, &mut own)?;
            match (mode, policy) {
                // Without a processor each, two sides that look without sleeping take turns at the system's leisure.
                (Mode::Isolated, WaitPolicy::Spin) if plan.place != Place::Shared => {
                    pair.cache_line(calls / BATCHES, &mut limits)?;
                }
                (Mode::Isolated, WaitPolicy::Block) => {
                    pair.rival(Rival::Eventfd, 64, calls / BATCHES, &mut limits)?;
                }
                _ => {}
            }
        }
        if limits.count() > 0 {
            self.latency("limits", limit, None, &limits);
        }
        self.latency("calls", &format!("64 bytes each way, {name}"), Some(limit), &own);

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

    fn rivals(&mut self, plan: &Plan) -> Result<(), PairError> {
        let mut pair = quiet_pair(plan)?;
        for (group, name, rival, limit) in [
            ("limits", "futex to and fro", Rival::Futex, None),
            ("sockets, 64 bytes", "Unix SOCK_SEQPACKET", Rival::SeqPacket, Some(EVENTFD)),
            ("sockets, 64 bytes", "libcamera's framing", Rival::LibcameraSocket, Some(EVENTFD)),
        ] {
            let mut samples = Samples::new();
            pair.rival(rival, 64, plan.quick_calls / 20, &mut samples)?;
            self.latency(group, name, limit, &samples);
        }
        Ok(())
    }

    fn copy(&mut self, plan: &Plan) {
        if let Place::Pinned { host, .. } = plan.place {
            // Pinning only steadies the numbers.
            let _ = pin(host);
        }
        let (bytes, passes) = (64 << 10, 2000u32);
        // Into several targets in turn, as messages do not land in the same place; all fit a core's own cache.
        let source = vec![1u8; bytes];
        let mut target = vec![0u8; 8 * bytes];
        let start = Instant::now();
        for pass in 0..passes as usize {
            target[pass % 8 * bytes..][..bytes].copy_from_slice(black_box(&source));
            black_box(&mut target);
        }
        let rate = f64::from(passes) * bytes as f64 / start.elapsed().as_secs_f64();
        self.value("limits", MEMCPY, Unit::BytesPerSecond, None, rate);
    }

    fn throughput(&mut self, plan: &Plan) -> Result<(), PairError> {
        let rate = |bytes: usize, messages: u64, start: Instant| {
            messages as f64 * bytes as f64 / start.elapsed().as_secs_f64()
        };
        for (bytes, text) in MESSAGE_SIZES {
            let messages = (u64::from(plan.quick_calls) * 64 * 20 / bytes as u64).clamp(2000, 2_000_000);
            let data = vec![1u8; bytes];
            for (policy, name) in POLICIES {
                let options = both_wait(policy).ring_bytes(STREAM_RING, 256 << 10);
                let mut pair = Pair::new(Mode::Isolated, &options, plan.place)?;
                let mut pass = |messages: u64| -> Result<f64, PairError> {
                    let start = Instant::now();
                    for _ in 0..messages {
                        pair.proxy().sink(&data)?;
                    }
                    let taken = pair.proxy().flush()?;
                    debug_assert_eq!(taken, messages * bytes as u64);
                    Ok(rate(bytes, messages, start))
                };
                pass(messages / 10)?;
                let (name, rate) = (format!("messages of {text}, {name}"), pass(messages)?);
                self.value("one way", &name, Unit::BytesPerSecond, Some(MEMCPY), rate);
            }
            let mut pair = quiet_pair(plan)?;
            // A socket takes as long for a small message as for a large one.
            let messages = (messages / 20).max(1000);
            pair.rival_one_way(Rival::SeqPacket, bytes as u32, messages / 10)?;
            let start = Instant::now();
            pair.rival_one_way(Rival::SeqPacket, bytes as u32, messages)?;
            let (name, rate) = (format!("messages of {text}, SOCK_SEQPACKET"), rate(bytes, messages, start));
            self.value("one way", &name, Unit::BytesPerSecond, Some(MEMCPY), rate);
        }
        Ok(())
    }

    fn encoding(&mut self, plan: &Plan) {
        const COPY: &str = "copy of as many bytes";
        let params = prepare_like();
        let (mut bytes, mut copy, mut fds) = (Vec::new(), Vec::new(), Vec::new());
        let mut each = |name: &str, limit, once: &mut dyn FnMut(&mut Vec<u8>)| {
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
            self.latency("encoding", name, limit, &samples);
        };
        each("encode 4 + 10 controls", Some(COPY), &mut |bytes| {
            let encoded = Encoder::message(black_box(&params), bytes, &mut fds);
            encoded.expect("the parameters fit a message");
        });
        each("decode 4 + 10 controls", Some(COPY), &mut |bytes| {
            let decoded = Decoder::message::<Prepare>(black_box(bytes), &mut []);
            black_box(decoded.expect("what was encoded can be decoded"));
        });
        each(COPY, None, &mut |bytes| {
            copy.clear();
            copy.extend_from_slice(black_box(bytes));
            black_box(&mut copy);
        });
    }

    /// Setting up a connection, beside what the system takes for a thread and a process that do nothing.
    fn connecting(&mut self) -> Result<(), PairError> {
        const THREAD: &str = "a thread that does nothing";
        const PROCESS: &str = "a process that does nothing: `true`";
        const TIMES: u32 = 5;
        for (mode, name, limit) in
            [(Mode::Threaded, "a thread", THREAD), (Mode::Isolated, "a process", PROCESS)]
        {
            let mut samples = Samples::new();
            for _ in 0..TIMES {
                let start = Instant::now();
                let mut pair = Pair::new(mode, &Options::new(), Place::Free)?;
                pair.proxy().ping(&Pod::default())?;
                samples.add(start.elapsed());
            }
            self.latency("connecting", &format!("{name}, up to its first reply"), Some(limit), &samples);
        }
        let mut samples = Samples::new();
        // Whoever has no `true` has no row of it.
        let _ = samples.take(TIMES, || Command::new("true").stdin(Stdio::null()).status().map(drop));
        if samples.count() > 0 {
            self.latency("connecting", PROCESS, None, &samples);
        }
        let mut samples = Samples::new();
        if samples.take(TIMES, || std::thread::spawn(|| {}).join()).is_ok() {
            self.latency("connecting", THREAD, None, &samples);
        }
        Ok(())
    }

    /// The smallest call after the host has done nothing for a while, beside a socket.
    fn idle_times(&mut self, plan: &Plan) -> Result<(), PairError> {
        const SOCKET: &str = "SOCK_SEQPACKET";
        let mut pair = quiet_pair(plan)?;
        for (idle, text) in IDLE_TIMES {
            let mut samples = Samples::new();
            pair.rival_after(Rival::SeqPacket, idle, idle_calls(idle), &mut samples)?;
            self.latency("after idle time", &format!("{text} idle, {SOCKET}"), None, &samples);
        }
        for (policy, name) in POLICIES {
            let mut pair = Pair::new(Mode::Isolated, &both_wait(policy), plan.place)?;
            for (idle, text) in IDLE_TIMES {
                let mut samples = Samples::new();
                pair.ping_after(idle, idle_calls(idle), &mut samples)?;
                let limit = format!("{text} idle, {SOCKET}");
                self.latency("after idle time", &format!("{text} idle, {name}"), Some(&limit), &samples);
            }
        }
        Ok(())
    }

    /// A camera's traffic at its pace, as [`Pair::frame_loop`] has it: CPU time of both sides a frame, and how long the
    /// first call of a frame takes, which finds the module asleep.
    fn frame_loops(&mut self, plan: &Plan) -> Result<(), PairError> {
        let isolated = POLICIES.map(|(policy, name)| (Mode::Isolated, policy, name));
        for rate in FRAME_RATES {
            for (mode, policy, name) in
                [(Mode::Direct, WaitPolicy::Block, "direct")].into_iter().chain(isolated)
            {
                let mut pair = Pair::new(mode, &both_wait(policy), plan.place)?;
                let mut samples = Samples::new();
                let cost = pair.frame_loop(rate, plan.frames, &mut samples)?.both().as_nanos() as f64;
                let limit = |what: &str| (mode != Mode::Direct).then(|| format!("{what}{rate} fps, direct"));
                let (group, row) = ("CPU time a frame", format!("{rate} fps, {name}"));
                self.value(group, &row, Unit::CpuPerFrame, limit("").as_deref(), cost);
                let (group, row) = ("first call of a frame", format!("first call, {rate} fps, {name}"));
                self.latency(group, &row, limit("first call, ").as_deref(), &samples);
            }
        }
        Ok(())
    }
}

fn both_wait(policy: WaitPolicy) -> Options {
    Options::new().host_wait(policy).worker_wait(policy)
}

/// A pair whose own connection does not look while something else is measured.
fn quiet_pair(plan: &Plan) -> Result<Pair, PairError> {
    Pair::new(Mode::Isolated, &both_wait(WaitPolicy::Block), plan.place)
}

/// Calls after so long an idle time: enough for a median, over all rounds, in less than half a second.
fn idle_calls(idle: Duration) -> u32 {
    match idle.as_micros() {
        0..=100 => 400,
        101..=1000 => 50,
        1001..=10_000 => 10,
        _ => 2,
    }
}
