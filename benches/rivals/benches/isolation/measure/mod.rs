//! What is measured, and in which turns.

mod limits;
pub mod ours;
pub mod rivals;

use std::time::Instant;

use ringfence::bench::{POLICIES, Samples};
use ringfence::ipc::Mode;

use crate::book::Book;
use crate::rivals::Way;
use crate::{Failure, Plan};

/// Batches that a round of one thing is measured in.
const BATCHES: u32 = 4;

/// The same for what is timed many at a time: more and shorter ones, so that most are spared by the scheduler.
const LONG_BATCHES: u32 = 8;

/// What takes long has its turn in every so many rounds only: of fifteen, five are left.
const SELDOM: u32 = 3;

type Measure = dyn Fn(&Plan, &mut Book) -> Result<(), Failure>;

/// One turn of one thing, or of a few that share a worker.
struct Turn {
    name: String,
    /// It has its turn in every so many rounds.
    every: u32,
    measure: Box<Measure>,
}

fn turn(
    name: impl Into<String>,
    measure: impl Fn(&Plan, &mut Book) -> Result<(), Failure> + 'static,
) -> Turn {
    Turn { name: name.into(), every: 1, measure: Box::new(measure) }
}

impl Turn {
    fn seldom(self) -> Self {
        Self { every: SELDOM, ..self }
    }
}

/// Everything, in an order that puts side by side what is compared.
fn turns() -> Vec<Turn> {
    let calls = |mode, index: usize| {
        let policy = POLICIES[index];
        turn(format!("calls, {mode:?}, {}", policy.1), move |plan, book| {
            ours::calls(plan, book, mode, policy)
        })
    };
    let one_way = |mode, index: usize| {
        let policy = POLICIES[index];
        turn(format!("one way, {mode:?}, {}", policy.1), move |plan, book| {
            ours::throughput(plan, book, mode, policy)
        })
    };
    let rival =
        |name: &'static str, way| turn(name, move |plan, book| rivals::round_trips(plan, book, way, name));
    vec![
        rival(rivals::ICEORYX2, Way::Iceoryx2Request),
        calls(Mode::Isolated, 0),
        calls(Mode::Isolated, 1),
        rival("iceoryx2, publish-subscribe", Way::Iceoryx2Publish),
        rival("shmem-ipc, spin", Way::ShmemIpcSpin),
        calls(Mode::Direct, 0),
        calls(Mode::Threaded, 0),
        calls(Mode::Threaded, 1),
        calls(Mode::Threaded, 2),
        rival(rivals::IPC_CHANNEL, Way::IpcChannel),
        calls(Mode::Isolated, 2),
        turn("futex", limits::futex),
        rival("iceoryx2, publish-subscribe and events", Way::Iceoryx2Event),
        rival("shmem-ipc, block", Way::ShmemIpcBlock),
        one_way(Mode::Direct, 0),
        one_way(Mode::Threaded, 0),
        one_way(Mode::Threaded, 1),
        one_way(Mode::Threaded, 2),
        one_way(Mode::Isolated, 2),
        one_way(Mode::Isolated, 1),
        turn("one way, sockets", rivals::socket_throughput),
        one_way(Mode::Isolated, 0),
        turn("one way, between threads", rivals::between_threads),
        turn("one way, memory", limits::copy),
        turn("one way, rings", rivals::throughput),
        turn("encoding", ours::encoding),
        turn("connecting", ours::connecting),
        turn("after idle time", ours::idle),
        turn("frames", ours::frames).seldom(),
    ]
}

/// Measures everything in turns; what fails is noted and left out.
pub fn all(plan: &Plan, book: &mut Book) {
    let turns = turns();
    for round in 0..plan.rounds {
        eprintln!("isolation: round {} of {}", round + 1, plan.rounds);
        book.round = round;
        let mut clock = Samples::new();
        let _: Result<(), Failure> = clock.take(plan.calls, || Ok(()));
        book.set_clock(&clock);
        // A drift over a round favours nobody if each begins elsewhere.
        let first = round as usize * turns.len() / plan.rounds as usize;
        for turn in turns[first..].iter().chain(&turns[..first]).filter(|turn| round % turn.every == 0) {
            if let Err(failure) = (turn.measure)(plan, book) {
                let note = format!("{}: {failure}", turn.name);
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
