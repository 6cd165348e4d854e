//! What is measured, and in which turns.

mod limits;
pub mod ours;
pub mod rivals;

pub use limits::{CACHE_LINE, EVENTFD, MEMCPY};

use std::time::Instant;

use ringfence::bench::Samples;
use ringfence::ipc::WaitPolicy;

use crate::book::Book;
use crate::rivals::Way;
use crate::{Failure, Plan};

/// Batches that a round of one thing is measured in.
const BATCHES: u32 = 4;

/// The same for what is timed many at a time: more and shorter ones, so that most are spared by the scheduler.
const LONG_BATCHES: u32 = 8;

const POLICIES: [(WaitPolicy, &str); 3] =
    [(WaitPolicy::Spin, "spin"), (WaitPolicy::Adaptive, "adaptive"), (WaitPolicy::Block, "block")];

/// One turn of one thing, or of a few that share a worker.
type Turn = (String, Box<dyn Fn(&Plan, &mut Book) -> Result<(), Failure>>);

fn turn(name: &str, measure: impl Fn(&Plan, &mut Book) -> Result<(), Failure> + 'static) -> Turn {
    (name.to_owned(), Box::new(measure))
}

/// Everything, in an order that puts side by side what is compared.
fn turns() -> Vec<Turn> {
    let calls = |index: usize| {
        let (policy, name) = POLICIES[index];
        turn(&format!("calls, {name}"), move |plan, book| ours::calls(plan, book, policy, name))
    };
    let rival =
        |name: &'static str, way| turn(name, move |plan, book| rivals::round_trips(plan, book, way, name));
    vec![
        rival(rivals::ICEORYX2, Way::Iceoryx2Request),
        turn("limits", limits::limits),
        calls(0),
        calls(1),
        rival("iceoryx2, publish-subscribe", Way::Iceoryx2Publish),
        rival("shmem-ipc, spin", Way::ShmemIpcSpin),
        turn("modes", ours::modes),
        rival(rivals::IPC_CHANNEL, Way::IpcChannel),
        turn("sockets", rivals::sockets),
        calls(2),
        rival("iceoryx2, publish-subscribe and events", Way::Iceoryx2Event),
        rival("shmem-ipc, block", Way::ShmemIpcBlock),
        turn("one way, sockets", rivals::socket_throughput),
        turn("one way", ours::throughput),
        turn("one way, between threads", rivals::between_threads),
        turn("one way, memory", limits::copy),
        turn("one way, rings", rivals::throughput),
        turn("encoding", ours::encoding),
        turn("connecting", ours::connecting),
        turn("after idle time", ours::idle),
        turn("frames", ours::frames),
    ]
}

/// Measures everything in turns; what fails is noted and left out.
pub fn all(plan: &Plan, book: &mut Book) {
    let turns = turns();
    for round in 0..plan.rounds {
        eprintln!("isolation: round {} of {}", round + 1, plan.rounds);
        let mut clock = Samples::new();
        let _: Result<(), Failure> = clock.take(plan.calls, || Ok(()));
        book.set_clock(&clock);
        // A drift over a round favours nobody if each begins elsewhere.
        let first = round * turns.len() / plan.rounds;
        for (name, measure) in turns[first..].iter().chain(&turns[..first]) {
            if let Err(failure) = measure(plan, book) {
                let note = format!("{name}: {failure}");
                if !book.left_out.contains(&note) {
                    eprintln!("isolation: left out: {note}");
                    book.left_out.push(note);
                }
            }
        }
    }
}

/// Times `calls` calls of `once`, each for itself, in batches; some more go ahead to warm up.
fn latencies<E>(calls: u32, mut once: impl FnMut() -> Result<(), E>) -> Result<Vec<Samples>, E> {
    (0..calls / 10).try_for_each(|_| once())?;
    (0..BATCHES)
        .map(|_| {
            let mut samples = Samples::new();
            samples.take(calls / BATCHES, &mut once)?;
            Ok(samples)
        })
        .collect()
}

/// Times batches of `things` things, which `batch` does; the first is to warm up. Returns nanoseconds a thing.
fn means<E>(things: u64, mut batch: impl FnMut(u64) -> Result<(), E>) -> Result<Vec<f64>, E> {
    batch(things / 10 + 1)?;
    (0..LONG_BATCHES)
        .map(|_| {
            let start = Instant::now();
            batch(things)?;
            Ok(start.elapsed().as_nanos() as f64 / things as f64)
        })
        .collect()
}
