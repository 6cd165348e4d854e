//! Our own calls and messages.

use std::convert::Infallible;
use std::hint::black_box;
use std::time::{Duration, Instant};

use ringfence::bench::{FRAME_RATES, IDLE_TIMES, Pair, STREAM_RING, Samples, prepare_like};
use ringfence::interfaces::bench::{Bench, BenchEvent, Pod, Rival};
use ringfence::interfaces::rpi::PrepareParams;
use ringfence::ipc::{CallError, Mode, Options, WaitPolicy};
use ringfence::serialize::native::{Decoder, Encoder};

use super::{BATCHES, CACHE_LINE, EVENTFD, POLICIES, latencies, means};
use crate::book::Book;
use crate::{Failure, Plan, allocations};

fn options(policy: WaitPolicy) -> Options {
    Options::new().host_wait(policy).worker_wait(policy)
}

/// Calls and events to a worker process under one policy.
pub fn calls(plan: &Plan, book: &mut Book, policy: WaitPolicy, name: &str) -> Result<(), Failure> {
    let (calls, limit) = match policy {
        WaitPolicy::Block => (plan.calls / 20, Some(EVENTFD)),
        _ => (plan.calls, Some(CACHE_LINE)),
    };
    let mut pair = Pair::new(Mode::Isolated, &options(policy), Some(plan.cpus))?;
    book.latency("calls", &format!("64 B each way, {name}"), limit, &ping(&mut pair, calls)?);

    let params = prepare_like();
    let batches = latencies(calls / 4, || pair.proxy().prepare(&params).map(drop))?;
    book.latency("calls", &format!("4 + 10 controls, {name}"), limit, &batches);

    for (bytes, text) in [(4 << 10, "4 KiB"), (64 << 10, "64 KiB")] {
        let data = vec![1u8; bytes];
        let batches = latencies(calls / 20, || pair.proxy().bytes(&data).map(drop))?;
        book.latency("calls", &format!("{text} each way, {name}"), limit, &batches);
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
    book.latency("calls", &format!("one way and an event back, {name}"), limit, &batches);
    Ok(())
}

/// The smallest call in the other modes.
pub fn modes(plan: &Plan, book: &mut Book) -> Result<(), Failure> {
    let direct = [(Mode::Direct, WaitPolicy::Spin, "direct".to_owned())];
    let threaded = POLICIES.map(|(policy, name)| (Mode::Threaded, policy, format!("in a thread, {name}")));
    for (mode, policy, name) in direct.into_iter().chain(threaded) {
        let (calls, limit) = match policy {
            WaitPolicy::Block => (plan.calls / 20, Some(EVENTFD)),
            _ => (plan.calls, Some(CACHE_LINE)),
        };
        let mut pair = Pair::new(mode, &options(policy), Some(plan.cpus))?;
        book.latency("modes", &format!("64 B each way, {name}"), limit, &ping(&mut pair, calls)?);
        let params = prepare_like();
        let batches = latencies(calls / 4, || pair.proxy().prepare(&params).map(drop))?;
        book.latency("modes", &format!("4 + 10 controls, {name}"), limit, &batches);
    }
    Ok(())
}

fn ping(pair: &mut Pair, calls: u32) -> Result<Vec<Samples>, CallError> {
    let mut value = Pod::default();
    latencies(calls, || {
        value.a += 1;
        black_box(pair.proxy().ping(&value)?);
        Ok(())
    })
}

/// Messages one way, the module's handling of each included.
pub fn throughput(plan: &Plan, book: &mut Book) -> Result<(), Failure> {
    let isolated = POLICIES.map(|(policy, name)| (Mode::Isolated, policy, name.to_owned()));
    let threaded = [(Mode::Threaded, WaitPolicy::Spin, "in a thread, spin".to_owned())];
    for (mode, policy, name) in isolated.into_iter().chain(threaded) {
        for (bytes, text) in [(64, "64 B"), (1 << 10, "1 KiB"), (64 << 10, "64 KiB")] {
            let options = options(policy).ring_bytes(STREAM_RING, STREAM_RING);
            let mut pair = Pair::new(mode, &options, Some(plan.cpus))?;
            let data = vec![1u8; bytes];
            let batches = means(messages(plan, bytes), |messages| -> Result<(), Failure> {
                (0..messages).try_for_each(|_| pair.proxy().sink(&data))?;
                match pair.proxy().flush()? {
                    taken if taken == messages * bytes as u64 => Ok(()),
                    taken => Err(format!("{taken} bytes of {messages} × {bytes} arrived").into()),
                }
            })?;
            book.means("one way", &format!("{text} messages, {name}"), Some(bytes as u64), &batches);
        }
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
    book.means("encoding", ENCODE, None, &batches);
    let allocations = allocations::during(|| (0..1000).for_each(|_| encode(&mut bytes)));
    book.encode_allocations = Some(book.encode_allocations.unwrap_or(0) + allocations);
    let batches = means(things, |passes| -> Result<(), Infallible> {
        for _ in 0..passes {
            let decoded = Decoder::message::<PrepareParams>(black_box(&bytes), &mut []);
            black_box(decoded.expect("what was encoded can be decoded"));
        }
        Ok(())
    })?;
    book.means("encoding", DECODE, None, &batches);
    Ok(())
}

/// Names of the rows of [`encoding`].
pub const ENCODE: &str = "encode PrepareParams, 4 + 10 controls";
pub const DECODE: &str = "decode PrepareParams, 4 + 10 controls";

/// Setting up a connection, and the first call over it. The worker is this executable.
pub fn connecting(_: &Plan, book: &mut Book) -> Result<(), Failure> {
    for (mode, name) in [(Mode::Threaded, "a thread"), (Mode::Isolated, "a process")] {
        let (mut connected, mut replied) = (Vec::new(), Vec::new());
        for _ in 0..BATCHES {
            let start = Instant::now();
            let mut pair = Pair::new(mode, &Options::new(), None)?;
            let mut samples = Samples::new();
            samples.add(start.elapsed());
            connected.push(samples);
            pair.proxy().ping(&Pod::default())?;
            let mut samples = Samples::new();
            samples.add(start.elapsed());
            replied.push(samples);
        }
        book.latency("connecting", &format!("{name}, until it is connected"), None, &connected);
        book.latency("connecting", &format!("{name}, until its first reply"), None, &replied);
    }
    Ok(())
}

/// The smallest call after the host has done nothing for a while, beside a socket: the deeper a processor sleeps, the
/// longer it takes to wake up.
pub fn idle(plan: &Plan, book: &mut Book) -> Result<(), Failure> {
    let cpus = Some(plan.cpus);
    for (policy, name) in POLICIES {
        let mut pair = Pair::new(Mode::Isolated, &options(policy), cpus)?;
        for (idle, text) in IDLE_TIMES {
            let batches = batches_of(idle, |calls, samples| Ok(pair.ping_after(idle, calls, samples)?))?;
            book.latency("after idle time", &format!("{text} idle, {name}"), None, &batches);
        }
    }
    let mut pair = Pair::new(Mode::Isolated, &options(WaitPolicy::Block), cpus)?;
    for (idle, text) in IDLE_TIMES {
        let batches = batches_of(idle, |calls, samples| {
            Ok(pair.rival_after(Rival::SeqPacket, idle, calls, samples)?)
        })?;
        book.latency("after idle time", &format!("{text} idle, SOCK_SEQPACKET"), None, &batches);
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
            let mut pair = Pair::new(mode, &options(policy), Some(plan.cpus))?;
            let mut samples = Samples::new();
            let cost = pair.frame_loop(rate, FRAMES, &mut samples)?;
            let nanoseconds = |time: Duration| [time.as_nanos() as f64];
            book.latency("first call of a frame", &format!("{rate} fps, {name}"), None, &[samples]);
            let row = |side: &str| format!("CPU time of {side} a frame at {rate} fps, {name}");
            book.means("CPU time a frame", &row("both"), None, &nanoseconds(cost.both()));
            if mode == Mode::Isolated {
                book.means("CPU time a frame", &row("the host"), None, &nanoseconds(cost.host));
                book.means("CPU time a frame", &row("the module"), None, &nanoseconds(cost.module));
            }
        }
    }
    Ok(())
}

/// Frames of a frame loop that are measured.
const FRAMES: u32 = 16;
