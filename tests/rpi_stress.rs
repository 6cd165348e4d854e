//! `rpi-stress` from the command line to its report.

mod common;

use common::{Host, Outcome, watchdog};
use rustix::process::Signal;
use serde_json::Value;

const FAULTS: [&str; 7] = ["kill", "stop", "stall", "garbage", "slow", "fdleak", "oom"];

fn stress(args: &[&str]) -> Host {
    Host::program(env!("CARGO_BIN_EXE_rpi-stress"), args)
}

/// The report of a run that has to be in order.
#[track_caller]
fn report(outcome: &Outcome) -> Value {
    let [report] = &outcome.objects()[..] else { panic!("not one object: {}", outcome.stdout) };
    assert_eq!(report["passed"], true, "{report:#}");
    assert!(
        report["host_errors"].as_array().unwrap().is_empty() && report["unexplained"] == Value::Array(vec![])
    );
    let frames = &report["frames"];
    let number = |name: &str| frames[name].as_u64().unwrap();
    assert_eq!(number("queued"), number("processed") + number("lost"), "{frames}");
    let by_cause: u64 =
        frames["lost_by_cause"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(by_cause, number("lost"), "{frames}");
    let cameras = report["cameras"].as_array().unwrap();
    for name in ["queued", "processed", "lost"] {
        let sum: u64 = cameras.iter().map(|camera| camera[name].as_u64().unwrap()).sum();
        assert_eq!(sum, number(name), "{name}: {report:#}");
    }
    for (fault, seen) in report["faults"].as_object().unwrap() {
        let number = |name: &str| seen[name].as_u64().unwrap();
        assert_eq!(number("injected"), number("detected") + number("borne"), "{fault}: {seen}");
        assert_eq!(number("detected"), number("recovered"), "{fault}: {seen}");
    }
    let resources = &report["resources"];
    assert_eq!(resources["leaked"], false, "{resources}");
    for name in ["descriptors", "processes", "mappings", "threads"] {
        assert_eq!(resources["baseline"][name], resources["end"][name], "{name}: {resources}");
    }
    report.clone()
}

#[test]
fn every_frame_is_accounted_for_whatever_happens_to_workers() {
    watchdog(|| {
        let args = ["--cameras", "2", "--frames", "500", "--rate", "9", "--seed", "5", "--timeout", "400"];
        let args = [&args[..], &["--seconds", "200", "--json"]].concat();
        let outcome = stress(&args).run().expect(0);
        let report = report(&outcome);
        for fault in FAULTS {
            assert!(
                report["faults"][fault]["injected"].as_u64().is_some_and(|count| count > 0),
                "{fault}: {report:#}"
            );
        }
        // Nobody survives these.
        for fault in ["kill", "stop", "stall", "oom"] {
            assert_eq!(report["faults"][fault]["borne"], 0, "{fault}: {report:#}");
        }
        let lost = report["frames"]["lost_by_cause"].as_object().unwrap();
        for cause in ["died", "timed-out", "cut-off", "failed"] {
            assert!(lost[cause].as_u64().unwrap() > 0, "{report:#}");
        }
        assert!(!lost.contains_key("host") && !lost.contains_key("outage"), "{report:#}");
        assert!(
            report["cameras"]
                .as_array()
                .unwrap()
                .iter()
                .all(|camera| camera["restarts"].as_u64().unwrap() > 5)
        );
        assert!(outcome.stderr.is_empty(), "{}", outcome.stderr);
    });
}

#[test]
fn a_seed_replays_the_faults_of_a_run() {
    watchdog(|| {
        let run = |seed: &str, spare: &[&str]| {
            let args =
                ["--cameras", "2", "--frames", "200", "--seed", seed, "--faults", "kill,oom", "--rate", "6"];
            let report = report(&stress(&[&args[..], &["--json"], spare].concat()).run().expect(0));
            ["kill", "oom"].map(|fault| report["faults"][fault]["injected"].clone())
        };
        let first = run("11", &[]);
        assert_eq!(first, run("11", &["--spare"]));
        assert_ne!(first, run("12", &[]));
    });
}

#[test]
fn without_faults_nothing_is_lost() {
    watchdog(|| {
        let outcome = stress(&["--faults", "none", "--frames", "150", "--cameras", "2"]).run().expect(0);
        for words in ["camera", "whole frame", "300 frames queued", "0 lost (none)", "passed"] {
            assert!(outcome.stdout.contains(words), "{words:?} is missing in:\n{}", outcome.stdout);
        }
        assert!(outcome.stderr.is_empty(), "{}", outcome.stderr);
    });
}

#[test]
fn an_interrupt_ends_it_with_the_report_so_far() {
    watchdog(|| {
        let run = stress(&["--seconds", "100000", "--rate", "5", "--faults", "kill,slow", "--json"]).start();
        run.worker();
        std::thread::sleep(std::time::Duration::from_secs(3));
        run.signal(Signal::INT);
        let outcome = run.wait().expect(130);
        let report = report(&outcome);
        assert_eq!(report["interrupted"], true);
        assert!(report["frames"]["processed"].as_u64().unwrap() > 0);
    });
}

#[test]
fn wrong_arguments_are_told_in_one_line() {
    watchdog(|| {
        for args in [
            ["--faults", "love"],
            ["--rate", "13"],
            ["--seconds", "0"],
            ["--cameras", "0"],
            ["--minutes", "-1"],
        ] {
            let outcome = stress(&args).run().expect(2);
            assert_eq!(outcome.complaints().len(), 1, "{}", outcome.stderr);
        }
    });
}
