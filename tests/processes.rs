//! Host and worker as processes: whoever is killed, stopped or interrupted, the other ends in order and nothing is left.

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use common::{Host, Outcome, Running, exists, seed, send, stop, until, watchdog};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rustix::process::{Pid, Signal, kill_process_group};

/// Checks that a run ended because its worker was killed, and says so in one line.
#[track_caller]
fn assert_told_of_kill(outcome: &Outcome, worker: u32) -> String {
    assert_eq!(outcome.code, Some(1), "signal {:?}: {}", outcome.signal, outcome.stderr);
    outcome.nothing_left();
    let complaints = outcome.complaints();
    let [line] = complaints[..] else { panic!("not one line:\n{}", outcome.stderr) };
    for word in ["error: ", &format!("(pid {worker})"), "was killed by signal 9 (SIGKILL)"] {
        assert!(line.contains(word), "{word:?} is missing in: {line}");
    }
    line.to_owned()
}

/// Checks that a run ended in order before its time: with files for the frames that it took, and a summary of them.
#[track_caller]
fn assert_interrupted(outcome: &Outcome) {
    assert_eq!(outcome.code, Some(130), "signal {:?}: {}", outcome.signal, outcome.stderr);
    outcome.nothing_left();
    let (frames, summary) = outcome.report();
    assert_eq!(summary["frames"], frames.len());
    if !frames.is_empty() {
        for name in ["first.png", "last.png"] {
            image::open(outcome.file(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        assert!(outcome.file("convergence.svg").exists());
    }
}

fn executable(pid: u32) -> PathBuf {
    std::fs::read_link(format!("/proc/{pid}/exe")).expect("the process lives")
}

/// A folder with an executable file in it. It is written by another process: were it open for writing here while
/// another test starts a child, the child would hold it open too, and it could not be executed.
fn install(from: &Path, name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let status = Command::new("cp").arg(from).arg(&path).status().expect("cp runs");
    assert!(status.success());
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    (folder, path)
}

/// A shell script as an executable.
fn script(text: &str) -> (tempfile::TempDir, PathBuf) {
    let source = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(source.path(), format!("#!/bin/sh\n{text}\n")).unwrap();
    install(source.path(), "worker")
}

#[test]
fn a_worker_killed_in_the_middle_of_a_run_ends_it_with_the_reason() {
    watchdog(|| {
        // At full speed a frame is under way; at one a second the host sleeps.
        for pace in ["max", "1"] {
            let args = ["--frames", "1000000", "--fps", pace, "--size", "64x48", "--json", "--restarts", "0"];
            let mut run = Host::new(args).start();
            run.line(2);
            let worker = run.worker();
            send(worker, Signal::KILL);
            let outcome = run.wait();
            let line = assert_told_of_kill(&outcome, worker);
            assert!(
                line.contains("the last call was prepareIsp")
                    || line.contains("the last call was processStats"),
                "{line}"
            );
            assert!(!exists(worker), "a zombie is left");
            assert!(outcome.objects().iter().all(|object| object.get("summary").is_none()));
        }
    });
}

#[test]
fn a_worker_killed_at_any_moment_is_one_message() {
    watchdog(|| {
        let mut random = ChaCha8Rng::seed_from_u64(seed());
        for _ in 0..20 {
            // From before the handshake to well into the run.
            let moment = Duration::from_micros(random.random_range(0..60_000));
            let run = Host::endless(&["--restarts", "0"]).start();
            let worker = run.worker();
            std::thread::sleep(moment);
            send(worker, Signal::KILL);
            eprintln!("killed after {moment:?}");
            assert_told_of_kill(&run.wait(), worker);
            assert!(!exists(worker), "a zombie is left");
        }
    });
}

#[test]
fn a_host_killed_at_any_moment_leaves_no_worker() {
    watchdog(|| {
        let mut random = ChaCha8Rng::seed_from_u64(seed());
        for _ in 0..10 {
            let moment = Duration::from_micros(random.random_range(0..60_000));
            let run = Host::endless(&[]).start();
            let worker = run.worker();
            std::thread::sleep(moment);
            run.signal(Signal::KILL);
            let outcome = run.wait();
            assert_eq!(outcome.signal, Some(9));
            until(|| outcome.processes().is_empty());
            eprintln!("the host was killed after {moment:?}, worker {worker} is gone");
        }
    });
}

#[test]
fn a_worker_that_hangs_does_not_outlive_a_killed_host() {
    watchdog(|| {
        // Stopped, the worker cannot do anything about it.
        let mut run = Host::endless(&[]).start();
        run.line(3);
        let worker = run.worker();
        stop(worker);
        run.signal(Signal::KILL);
        let outcome = run.wait();
        until(|| outcome.processes().is_empty());
    });
}

#[test]
fn interrupted_runs_end_in_order() {
    watchdog(|| {
        for signal in [Signal::INT, Signal::TERM] {
            for mode in ["direct", "threaded", "isolated"] {
                let mut run = Host::endless(&["--mode", mode]).start();
                run.line(4);
                run.signal(signal);
                let outcome = run.wait();
                assert_interrupted(&outcome);
                assert!(outcome.complaints().is_empty(), "{}", outcome.stderr);
                assert!(outcome.report().0.len() >= 4);
            }
        }
    });
}

#[test]
fn the_terminals_interrupt_ends_host_and_worker_in_order() {
    watchdog(|| {
        let mut run = Host::endless(&[]).start();
        run.line(4);
        // As a terminal does it: to the whole foreground group.
        let group = Pid::from_raw(run.pid().cast_signed()).unwrap();
        kill_process_group(group, Signal::INT).unwrap();
        let outcome = run.wait();
        assert_interrupted(&outcome);
        assert!(outcome.complaints().is_empty(), "{}", outcome.stderr);
    });
}

#[test]
fn an_interrupt_at_any_moment_leaves_nothing() {
    watchdog(|| {
        let mut random = ChaCha8Rng::seed_from_u64(seed());
        for _ in 0..15 {
            let moment = Duration::from_micros(random.random_range(0..40_000));
            let run = Host::endless(&[]).start();
            std::thread::sleep(moment);
            run.signal(Signal::INT);
            eprintln!("interrupted after {moment:?}");
            let outcome = run.wait();
            match outcome.signal {
                // Nothing was begun yet.
                Some(2) => assert_eq!(outcome.stdout, ""),
                _ => assert_interrupted(&outcome),
            }
            outcome.nothing_left();
        }
    });
}

#[test]
fn a_second_interrupt_ends_at_once() {
    watchdog(|| {
        let mut run = Host::endless(&[]).start();
        run.line(2);
        stop(run.worker());
        // The host waits for the worker now, and takes no notice of the first one until the frame is given up.
        std::thread::sleep(Duration::from_millis(100));
        run.signal(Signal::INT);
        std::thread::sleep(Duration::from_millis(100));
        let worker = run.worker();
        run.signal(Signal::INT);
        let outcome = run.wait();
        assert_eq!(outcome.code, Some(130), "{}", outcome.stderr);
        send(worker, Signal::CONT);
        until(|| outcome.processes().is_empty());
    });
}

/// A run whose worker has been stopped in the middle, once the host has given up a frame.
fn stalled(frames: u32) -> (Running, u32) {
    let mut run = Host::small(frames, &["--restarts", "0"]).start();
    let taken = 5;
    run.line(taken);
    let worker = run.worker();
    stop(worker);
    let mut line = taken;
    loop {
        line += 1;
        let frame: serde_json::Value = serde_json::from_str(run.line(line)).unwrap();
        if frame["complete"] == false {
            return (run, worker);
        }
    }
}

/// Checks that a stalled run says what was lost.
#[track_caller]
fn assert_told_of_loss(outcome: &Outcome) {
    let (frames, summary) = outcome.report();
    let lost: Vec<_> = frames.iter().filter(|frame| frame["complete"] == false).collect();
    assert_eq!(summary["lost"], lost.len());
    for frame in lost {
        let words = format!("WARN frame {} is lost: the IPA did not complete ", frame["frame"]);
        assert!(outcome.stderr.contains(&words), "{words:?} is missing in:\n{}", outcome.stderr);
    }
}

#[test]
fn a_worker_that_stalls_loses_frames_and_catches_up() {
    watchdog(|| {
        let (run, worker) = stalled(400);
        send(worker, Signal::CONT);
        let outcome = run.wait().expect(0);
        let (frames, _) = outcome.report();
        assert_eq!(frames.len(), 400);
        assert_eq!(frames[399]["complete"], true);
        assert_told_of_loss(&outcome);
        let [luma, target] = ["mean_luma", "luma_target"].map(|name| frames[399][name].as_f64().unwrap());
        assert!((luma / target - 1.0).abs() < 0.05, "the loop is closed again: luma {luma}, target {target}");
    });
}

#[test]
fn an_interrupt_ends_a_run_whose_worker_hangs() {
    watchdog(|| {
        let (run, worker) = stalled(u32::MAX);
        run.signal(Signal::INT);
        let outcome = run.wait();
        // It could not be stopped in order, which is told; what was taken is kept all the same.
        assert_eq!(outcome.code, Some(1), "signal {:?}: {}", outcome.signal, outcome.stderr);
        outcome.nothing_left();
        assert!(!exists(worker), "a zombie is left");
        assert!(outcome.stderr.contains("error: stop did not return within 5"), "{}", outcome.stderr);
        assert!(outcome.file("last.png").exists() && outcome.file("convergence.svg").exists());
    });
}

#[test]
fn one_binary_is_enough() {
    watchdog(|| {
        let (_folder, alone) = install(Path::new(env!("CARGO_BIN_EXE_ringfence")), "ringfence");
        let args = ["--frames", "1000000", "--fps", "max", "--size", "64x48", "--json"];
        let mut run = Host::program(&alone, args).start();
        run.line(3);
        let worker = run.worker();
        assert_eq!(executable(worker), executable(run.pid()));
        let name = std::fs::read_to_string(format!("/proc/{worker}/comm")).unwrap();
        assert_eq!(name, "rf:rpi\n");
        run.signal(Signal::INT);
        let outcome = run.wait();
        assert_interrupted(&outcome);
        assert!(outcome.stderr.contains("the program is its own worker"), "{}", outcome.stderr);
    });
}

#[test]
fn the_program_is_its_own_worker_and_another_one_can_be_named() {
    watchdog(|| {
        let own = Path::new(env!("CARGO_BIN_EXE_ringfence")).canonicalize().unwrap();
        let beside = Path::new(env!("CARGO_BIN_EXE_ringfence-worker")).canonicalize().unwrap();
        let (_folder, elsewhere) = install(&beside, "my-worker");
        for (named, expected) in [(None, &own), (Some(""), &own), (elsewhere.to_str(), &elsewhere)] {
            let host = Host::endless(&[]);
            let host = match named {
                Some(path) => host.env("RINGFENCE_WORKER", path),
                None => host,
            };
            let mut run = host.start();
            run.line(1);
            assert_eq!(executable(run.worker()), *expected);
            run.signal(Signal::TERM);
            assert_interrupted(&run.wait());
        }
    });
}

/// For scripts as workers: in a sandbox they could start no program.
const UNCONFINED: &[&str] = &["--sandbox", "off"];

#[test]
fn a_worker_that_writes_a_megabyte_of_errors_blocks_nobody() {
    watchdog(|| {
        let worker = env!("CARGO_BIN_EXE_ringfence-worker");
        let flood = "head -c 1048576 /dev/zero | tr '\\0' x >&2; echo >&2; echo \"$0 is done\" >&2";
        let (_folder, path) = script(&format!("{flood}; exec {worker}"));
        let outcome = Host::small(5, UNCONFINED).env("RINGFENCE_WORKER", &path).run().expect(0);
        assert_eq!(outcome.report().1["frames"], 5);
        assert!(outcome.stderr.len() > 1 << 20 && outcome.stderr.contains("worker is done"));

        // Only the tail is kept for the message of its end.
        let (_folder, path) = script(&format!("{flood}; exit 3"));
        let outcome = Host::small(5, UNCONFINED).env("RINGFENCE_WORKER", &path).run().expect(1);
        let (_, message) = outcome.stderr.split_once("error: ").expect("an error");
        assert!(
            message.contains("exited with status 3; it had not been called; its last words:"),
            "{message}"
        );
        assert!(message.ends_with("worker is done\n") && message.len() < 5000, "{} bytes", message.len());
    });
}

#[test]
fn tracing_everything_disturbs_nothing() {
    watchdog(|| {
        let outcome = Host::small(20, &[]).env("RUST_LOG", "trace").run().expect(0);
        assert_eq!(outcome.report().1["lost"], 0);
    });
}
