//! Our own calls and messages.

use std::convert::Infallible;
use std::hint::black_box;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ringfence::bench::{
    CACHE_LINE, EVENTFD, FRAME_RATES, IDLE_TIMES, MESSAGE_SIZES, POLICIES, Pair, Place, STREAM_RING, Samples,
    prepare_like,
};
use ringfence::interfaces::bench::{Bench, BenchEvent, Pod, Rival};
use ringfence::interfaces::rpi::PrepareParams;
use ringfence::ipc::{CallError, Mode, Options, WaitPolicy};
use ringfence::serialize::native::{Decoder, Encoder};

use super::limits::quiet_pair;
use super::rivals::{LIBCAMERA, ROUND_TRIPS, SEQ_PACKET};
use super::{BATCHES, LONG_BATCHES, latencies, means};
use crate::book::Book;
use crate::{Failure, Plan, allocations};

fn options(policy: WaitPolicy) -> Options {
    Options::new().host_wait(policy).worker_wait(policy)
}

/// What rows of this mode and policy are called.
fn way_name(mode: Mode, policy: &str) -> String {
    match mode {
        Mode::Direct => "direct".to_owned(),
        Mode::Threaded => format!("in a thread, {policy}"),
        Mode::Isolated => policy.to_owned(),
    }
}

/// Calls and events in one mode under one policy. With the smallest to a worker process, the limit of their way to wait
/// has its turns, batch by batch, and with those that block, sockets too.
pub fn calls(
    plan: &Plan,
    book: &mut Book,
    mode: Mode,
    (policy, name): (WaitPolicy, &str),
) -> Result<(), Failure> {
    let group = match mode {
        Mode::Direct => "calls, linked in",
        Mode::Threaded => "calls to a thread",
        Mode::Isolated => "calls",
    };
    let (calls, limit) = match policy {
        WaitPolicy::Block if mode != Mode::Direct => (plan.calls / 20, EVENTFD),
        _ => (plan.calls, CACHE_LINE),
    };
    let name = way_name(mode, name);
    let mut pair = Pair::new(mode, &options(policy), plan.place())?;

    pair.ping(calls / 10, &mut Samples::new())?;
    let beside: &[(&'static str, &str, Option<&str>, Rival)] = match (mode, policy) {
        (Mode::Isolated, WaitPolicy::Spin) => &[("limits", CACHE_LINE, None, Rival::CacheLine)],
        (Mode::Isolated, WaitPolicy::Block) => &[
            ("limits", EVENTFD, None, Rival::Eventfd),
            (ROUND_TRIPS, SEQ_PACKET, Some(EVENTFD), Rival::SeqPacket),
            (ROUND_TRIPS, LIBCAMERA, Some(EVENTFD), Rival::LibcameraSocket),
        ],
        _ => &[],
    };
    let (mut own, mut others) = (Vec::new(), vec![Vec::new(); beside.len()]);
    let batch = calls / LONG_BATCHES;
    for _ in 0..LONG_BATCHES {
        let mut samples = Samples::new();
        pair.ping(batch, &mut samples)?;
        own.push(samples);
        for (&(.., rival), batches) in beside.iter().zip(&mut others) {
            let mut samples = Samples::new();
            match rival {
                Rival::CacheLine => pair.cache_line(batch, &mut samples)?,
                _ => pair.rival(rival, 64, batch, &mut samples)?,
            }
            batches.push(samples);
        }
    }
    for (&(group, name, limit, _), batches) in beside.iter().zip(&others) {
        book.latency(group, name, limit, batches);
    }
    book.latency(group, &format!("64 B each way, {name}"), Some(limit), &own);

    let params = prepare_like();
    let batches = latencies(calls / 4, || pair.proxy().prepare(&params).map(drop))?;
    book.latency(group, &format!("4 + 10 controls, {name}"), Some(limit), &batches);

    for (bytes, text) in [(4 << 10, "4 KiB"), (64 << 10, "64 KiB")] {
        let data = vec![1u8; bytes];
        let batches = latencies(calls / 20, || pair.proxy().bytes(&data).map(drop))?;
        book.latency(group, &format!("{text} each way, {name}"), Some(limit), &batches);
    }

    let value = Pod::default();
    let batches = latencies(calls / 4, || -> Result<(), CallError> {
        let proxy = pair.proxy();
        proxy.tell(&value)?;
        while !matches!(proxy.next_event()?, Some(BenchEvent::Told { .. })) {
            proxy.wait(None)?;
        }
        Ok(())
    })?;
    book.latency(group, &format!("one way and an event back, {name}"), Some(limit), &batches);
    Ok(())
}

/// Messages one way in one mode under one policy, the module's handling of each included.
///
/// Linked in, a message is a reference to what the host has, whatever its size: only the smallest is told.
pub fn throughput(
    plan: &Plan,
    book: &mut Book,
    mode: Mode,
    (policy, name): (WaitPolicy, &str),
) -> Result<(), Failure> {
    let sizes = if mode == Mode::Direct { &MESSAGE_SIZES[..1] } else { &MESSAGE_SIZES[..] };
    for &(bytes, text) in sizes {
        let options = options(policy).ring_bytes(STREAM_RING, STREAM_RING);
        let mut pair = Pair::new(mode, &options, plan.place())?;
        let data = vec![1u8; bytes];
        let batches = means(messages(plan, bytes), |messages| -> Result<(), Failure> {
            (0..messages).try_for_each(|_| pair.proxy().sink(black_box(&data)))?;
            match pair.proxy().flush()? {
                taken if taken == messages * bytes as u64 => Ok(()),
                taken => Err(format!("{taken} bytes of {messages} × {bytes} arrived").into()),
            }
        })?;
        book.messages("one way", &format!("{text} messages, {}", way_name(mode, name)), bytes, &batches);
    }
    Ok(())
}

/// Messages of this size in a batch: some milliseconds of them, and many times what a ring holds.
pub fn messages(plan: &Plan, bytes: usize) -> u64 {
    let bytes = bytes as u64;
    (u64::from(plan.calls) / (bytes / 256 + 1)).max(4 * STREAM_RING as u64 / bytes)
}

/// Encoding and decoding of what a frame needs, without the way.
pub fn encoding(plan: &Plan, book: &mut Book) -> Result<(), Failure> {
    let lists = prepare_like();
    let params = PrepareParams {
        sensor_controls: lists.sensor_controls,
        request_controls: lists.request_controls,
        ..PrepareParams::default()
    };
    let (mut bytes, mut fds) = (Vec::new(), Vec::new());
    let things = u64::from(plan.calls);
    let mut encode = |bytes: &mut Vec<u8>| {
        Encoder::message(black_box(&params), bytes, &mut fds).expect("the parameters fit a message");
        black_box(bytes);
    };
    let batches = means(things, |passes| -> Result<(), Infallible> {
        (0..passes).for_each(|_| encode(&mut bytes));
        Ok(())
    })?;
    book.means("encoding", ENCODE, Some(COPY), &batches);
    let allocations = allocations::during(|| (0..1000).for_each(|_| encode(&mut bytes)));
    book.encode_allocations = Some(book.encode_allocations.unwrap_or(0) + allocations);
    let batches = means(things, |passes| -> Result<(), Infallible> {
        for _ in 0..passes {
            let decoded = Decoder::message::<PrepareParams>(black_box(&bytes), &mut []);
            black_box(decoded.expect("what was encoded can be decoded"));
        }
        Ok(())
    })?;
    book.means("encoding", DECODE, Some(COPY), &batches);
    let mut copy = Vec::new();
    let batches = means(things, |passes| -> Result<(), Infallible> {
        for _ in 0..passes {
            copy.clear();
            copy.extend_from_slice(black_box(&bytes));
            black_box(&mut copy);
        }
        Ok(())
    })?;
    book.means("encoding", COPY, None, &batches);
    Ok(())
}

/// Names of the rows of [`encoding`].
pub const ENCODE: &str = "encode PrepareParams, 4 + 10 controls";
pub const DECODE: &str = "decode PrepareParams, 4 + 10 controls";
const COPY: &str = "copy of as many bytes";

/// Setting up a connection, and the first call over it, beside what the system takes for a thread and a process that do
/// nothing. The worker is this executable.
pub fn connecting(_: &Plan, book: &mut Book) -> Result<(), Failure> {
    const GROUP: &str = "connecting";
    const THREAD: &str = "a thread that does nothing";
    const PROCESS: &str = "a process that does nothing: `true`";
    for (mode, name, limit) in [(Mode::Threaded, "a thread", THREAD), (Mode::Isolated, "a process", PROCESS)]
    {
        let (mut connected, mut replied) = (Vec::new(), Vec::new());
        for _ in 0..BATCHES {
            let start = Instant::now();
            let mut pair = Pair::new(mode, &Options::new(), Place::Free)?;
            connected.push(one(start.elapsed()));
            pair.proxy().ping(&Pod::default())?;
            replied.push(one(start.elapsed()));
        }
        book.latency(GROUP, &format!("{name}, until it is connected"), Some(limit), &connected);
        book.latency(GROUP, &format!("{name}, until its first reply"), Some(limit), &replied);
    }
    let (mut threads, mut processes) = (Vec::new(), Vec::new());
    for _ in 0..BATCHES {
        let start = Instant::now();
        std::thread::spawn(|| {}).join().map_err(|_| "a thread that does nothing panicked")?;
        threads.push(one(start.elapsed()));
        let start = Instant::now();
        Command::new("true").stdin(Stdio::null()).status()?;
        processes.push(one(start.elapsed()));
    }
    book.latency(GROUP, THREAD, None, &threads);
    book.latency(GROUP, PROCESS, None, &processes);
    Ok(())
}

fn one(latency: Duration) -> Samples {
    let mut samples = Samples::new();
    samples.add(latency);
    samples
}

/// The smallest call after the host has done nothing for a while, beside a socket: the deeper a processor sleeps, the
/// longer it takes to wake up.
pub fn idle(plan: &Plan, book: &mut Book) -> Result<(), Failure> {
    const GROUP: &str = "after idle time";
    let socket = |text: &str| format!("{text} idle, SOCK_SEQPACKET");
    let mut pair = quiet_pair(plan)?;
    for (idle, text) in IDLE_TIMES {
        let batches = batches_of(idle, |calls, samples| {
            Ok(pair.rival_after(Rival::SeqPacket, idle, calls, samples)?)
        })?;
        book.latency(GROUP, &socket(text), None, &batches);
    }
    for (policy, name) in POLICIES {
        let mut pair = Pair::new(Mode::Isolated, &options(policy), plan.place())?;
        for (idle, text) in IDLE_TIMES {
            let batches = batches_of(idle, |calls, samples| Ok(pair.ping_after(idle, calls, samples)?))?;
            book.latency(GROUP, &format!("{text} idle, {name}"), Some(&socket(text)), &batches);
        }
    }
    Ok(())
}

/// Batches of as many calls as take some twenty milliseconds with the idle time before each, but one at least.
fn batches_of(
    idle: Duration,
    mut batch: impl FnMut(u32, &mut Samples) -> Result<(), Failure>,
) -> Result<Vec<Samples>, Failure> {
    let calls = (Duration::from_millis(20).as_micros() / idle.as_micros().max(20)).max(1) as u32;
    let once = |_| {
        let mut samples = Samples::new();
        batch(calls, &mut samples)?;
        Ok(samples)
    };
    (0..BATCHES / 2).map(once).collect()
}

/// A camera's traffic at its pace: what a frame costs in CPU time on both sides, and how long its first call takes,
/// which finds the module asleep.
pub fn frames(plan: &Plan, book: &mut Book) -> Result<(), Failure> {
    let isolated = POLICIES.map(|(policy, name)| (Mode::Isolated, policy, name));
    for rate in FRAME_RATES {
        for (mode, policy, name) in [(Mode::Direct, WaitPolicy::Spin, "direct")].into_iter().chain(isolated) {
            let mut pair = Pair::new(mode, &options(policy), plan.place())?;
            let mut samples = Samples::new();
            let cost = pair.frame_loop(rate, plan.frames, &mut samples)?;
            let is_direct = mode == Mode::Direct;
            let first = |name: &str| format!("{rate} fps, {name}");
            let limit = (!is_direct).then(|| first("direct"));
            book.latency("first call of a frame", &first(name), limit.as_deref(), &[samples]);
            let cpu = |side: &str, name: &str| format!("CPU time of {side} a frame at {rate} fps, {name}");
            let mut row = |side, limit: Option<String>, time: Duration| {
                let nanoseconds = [time.as_nanos() as f64];
                book.means("CPU time a frame", &cpu(side, name), limit.as_deref(), &nanoseconds);
            };
            row("both", (!is_direct).then(|| cpu("both", "direct")), cost.both());
            if !is_direct {
                row("the host", None, cost.host);
                row("the module", None, cost.module);
            }
        }
    }
    Ok(())
}
