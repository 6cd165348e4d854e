//! The run: cameras in threads, and who watches them.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::camera::{self, Outcome, Stage};
use crate::cli::Args;
use crate::failure::Failure;
use crate::interrupt::{INTERRUPTED, stop_flag};
use crate::output::{print, print_json};
use crate::report::Report;
use crate::resources::Resources;

/// Between two looks at how far the cameras are.
const GLANCE: Duration = Duration::from_millis(50);

/// Runs the cameras, and tells what became of their frames.
pub fn run(args: &Args) -> Result<ExitCode, Failure> {
    let stop = stop_flag()?;
    let stage = Stage {
        stop,
        gate: Barrier::new(args.cameras as usize + 1),
        finished: AtomicU64::new(0),
        frames: AtomicU64::new(0),
        faults: AtomicU64::new(0),
    };
    let (outcomes, resources, interrupted) = std::thread::scope(|scope| {
        let start = |number| {
            let (args, stage) = (&*args, &stage);
            let thread = std::thread::Builder::new().name(format!("camera {number}"));
            thread
                .spawn_scoped(scope, move || camera::run(args, number, stage))
                .expect("threads can be started")
        };
        let threads: Vec<_> = (0..args.cameras).map(start).collect();
        stage.gate.wait();
        let baseline = Resources::now();
        stage.gate.wait();
        let interrupted = watch(args, &stage);
        stage.gate.wait();
        let end = Resources::settled(&baseline);
        stage.gate.wait();
        let outcomes: Vec<Outcome> =
            threads.into_iter().map(|thread| thread.join().expect("a camera's panics are caught")).collect();
        (outcomes, [baseline, end], interrupted)
    });
    let report = Report::new(args, &outcomes, resources, interrupted);
    if args.json {
        print_json(&report)?;
    } else {
        print(&report.text())?;
    }
    Ok(match (report.passed, interrupted) {
        (false, _) => ExitCode::FAILURE,
        (true, true) => ExitCode::from(INTERRUPTED),
        (true, false) => ExitCode::SUCCESS,
    })
}

/// Waits until all cameras have come to their end, which is when the time is up. Returns whether somebody ended them
/// before.
fn watch(args: &Args, stage: &Stage) -> bool {
    let (start, duration) = (Instant::now(), args.duration());
    let bar = progress_bar(duration, args.json);
    let mut interrupted = false;
    // ORDERING: Relaxed, here and below: a flag and numbers to look at, each by itself.
    while stage.finished.load(Ordering::Relaxed) < args.cameras.into() {
        if start.elapsed() < duration {
            interrupted |= stage.stop.load(Ordering::Relaxed);
        } else {
            stage.stop.store(true, Ordering::Relaxed);
        }
        bar.set_position(start.elapsed().as_secs());
        let [frames, faults] = [&stage.frames, &stage.faults].map(|count| count.load(Ordering::Relaxed));
        bar.set_message(format!("{frames} frames, {faults} faults"));
        std::thread::sleep(GLANCE);
    }
    bar.finish_and_clear();
    interrupted
}

fn progress_bar(duration: Duration, json: bool) -> ProgressBar {
    if json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:32} {pos}/{len} s  {msg}");
    ProgressBar::new(duration.as_secs()).with_style(style.expect("the template is valid"))
}
