//! What isolation costs beside the machine's limits and beside other ways from one process to another.
//!
//! Ratios are what counts here, and a ratio of two numbers from different minutes says little: clocks and
//! neighbours change. Criterion alone would measure one thing to its end and then the next. So everything is
//! measured first, in turns: short batches, a round of all, and the next round begins elsewhere in the list.
//! Then criterion is handed the batches, for its statistics and to compare with earlier runs, and the medians of
//! the rounds are held against the bars of [`bars`].
//!
//! The other process is this executable once more: [`ringfence::ipc::run_if_worker`] makes it serve what it is
//! measured with, ours or a rival. Host and worker are pinned to a processor each.

mod allocations;
mod bars;
mod book;
mod host;
mod measure;
mod report;
mod ways;
mod worker;

/// How the host tells the worker which way to serve.
#[allow(dead_code, missing_docs)]
mod rivals {
    include!(concat!(env!("OUT_DIR"), "/rivals.rs"));
}

use std::process::ExitCode;

use ringfence::bench::{Place, allowed_processors};
use ringfence::ipc::{Component, run_if_worker};

use book::Book;

/// What goes wrong in a bench is only ever told.
type Failure = Box<dyn std::error::Error + Send + Sync>;

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

const COMPONENTS: [Component; 2] = [
    Component { name: ringfence::bench::COMPONENT, serve: ringfence::bench::serve },
    Component { name: worker::COMPONENT, serve: worker::serve },
];

/// How much to measure.
struct Plan {
    rounds: u32,
    /// Calls a round of what takes well under a microsecond; slower things get fewer.
    calls: u32,
    /// Frames of a frame loop.
    frames: u32,
    /// Processors of host and worker.
    processors: (u32, u32),
}

impl Plan {
    fn place(&self) -> Place {
        Place::Pinned { host: self.processors.0, module: self.processors.1 }
    }
}

fn main() -> ExitCode {
    if let Some(code) = run_if_worker(&COMPONENTS) {
        return code;
    }
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| args.iter().any(|arg| arg == flag);
    let [host, worker, ..] = allowed_processors()[..] else {
        eprintln!(
            "isolation: needs two processors, as both sides look at the same time; nothing is measured"
        );
        return ExitCode::SUCCESS;
    };
    // Without `--bench`, cargo only wants to see that it runs.
    let quick = !has("--bench") || has("--quick") || has("--list") || has("--test");
    let (rounds, calls, frames) = if quick { (1, 2000, 4) } else { (15, 40_000, 32) };
    let plan = Plan { rounds, calls, frames, processors: (host, worker) };

    let mut book = Book::default();
    book.tick = book::clock_tick();
    measure::all(&plan, &mut book);
    // Quick, criterion would repeat each until it is content; but nothing is left to be repeated.
    if !has("--quick") {
        report::criterion(&book);
    }
    let verdicts = bars::evaluate(&book);
    report::print(&book, &verdicts);
    match report::write(&plan, &book, &verdicts) {
        Ok(path) => println!("\nwrote {}", path.display()),
        Err(error) => {
            eprintln!("isolation: the summary could not be written: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
