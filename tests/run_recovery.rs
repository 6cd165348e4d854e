//! `ringfence run` whose workers are killed: it goes on, says what was lost, and gives up in the end.

mod common;
#[path = "common/libcamera.rs"]
mod package;

use common::{Host, exists, send, until, watchdog};
use package::Package;
use rustix::process::Signal;

/// How far the brightness may be off after a restart.
const TOLERANCE: f64 = 0.03;

/// Checks that a run went on after so many kills, and says so.
fn run_and_kill(args: &[&str], kills: usize) {
    let mut run = Host::endless(args).start();
    let mut line = 0;
    for _ in 0..kills {
        line += 80;
        run.line(line);
        let worker = run.worker();
        send(worker, Signal::KILL);
        until(|| !exists(worker));
    }
    // The last one is being started, at least.
    run.worker();
    run.line(line + 80);
    run.signal(Signal::INT);
    let outcome = run.wait().expect(130);
    let (frames, summary) = outcome.report();
    assert_eq!(summary["frames"], frames.len());
    for (number, frame) in frames.iter().enumerate() {
        assert_eq!(frame["frame"], number);
        assert_eq!(frame["complete"] == true, frame["lost"].is_null(), "{frame}");
    }
    let lost: Vec<_> = frames.iter().filter(|frame| frame["complete"] == false).collect();
    assert_eq!((&summary["restarts"], &summary["lost"]), (&kills.into(), &lost.len().into()));
    let mut counted = 0;
    for (cause, count) in summary["lost_by_cause"].as_object().unwrap() {
        let told = lost.iter().filter(|frame| frame["lost"] == *cause).count();
        assert_eq!(*count, told, "{cause}: {summary}");
        match cause.as_str() {
            "died" => assert!(told <= kills, "{summary}"),
            // The first restart is immediate, the others are waited for.
            "outage" => assert!(frames[..160].iter().all(|frame| frame["lost"] != "outage")),
            _ => panic!("{summary}"),
        }
        counted += told;
    }
    assert_eq!(counted, lost.len());
    let luma = |frame: &serde_json::Value| frame["mean_luma"].as_f64().unwrap();
    for frame in &frames[80..] {
        let ratio = luma(frame) / luma(&frames[79]);
        assert!((ratio - 1.0).abs() < TOLERANCE, "the brightness jumps by {ratio}: {frame}");
    }
}

#[test]
fn a_run_goes_on_after_its_worker_was_killed() {
    watchdog(|| {
        run_and_kill(&[], 3);
        if Package::find().is_some() {
            run_and_kill(&["--ipa", "libcamera"], 2);
        }
    });
}

#[test]
fn a_run_whose_worker_is_killed_too_often_says_why_it_ends() {
    watchdog(|| {
        let mut run = Host::endless(&["--restarts", "1"]).start();
        let mut line = 0;
        let mut worker = 0;
        for _ in 0..2 {
            line += 20;
            run.line(line);
            until(|| run.worker() != worker);
            worker = run.worker();
            send(worker, Signal::KILL);
            until(|| !exists(worker));
        }
        let outcome = run.wait().expect(1);
        let error = outcome.stderr.lines().find(|line| line.starts_with("error: ")).expect("an error");
        for words in ["1 restarts within 60s", &format!("(pid {worker}) was killed by signal 9 (SIGKILL)")] {
            assert!(error.contains(words), "{words:?} is missing in: {error}");
        }
    });
}
