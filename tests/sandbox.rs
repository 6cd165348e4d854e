//! The sandbox as a worker meets it: what it may not do is stopped, and would not be without it.

mod common;

use std::collections::BTreeSet;
use std::process::Command;

use ringfence::ipc::SandboxPolicy;
use ringfence::probe::{Attempt, Finding, Need, Outcome, Probe, Stage, Stop, attempts};
use serde_json::Value;

use common::watchdog;

const WORKER: &str = env!("CARGO_BIN_EXE_ringfence-worker");

fn findings(policy: SandboxPolicy, wanted: impl Fn(&Attempt) -> bool) -> Vec<Finding> {
    let probe = Probe::new(policy).program(WORKER);
    let attempts = attempts().into_iter().filter(wanted);
    attempts
        .map(|attempt| probe.run(&attempt).unwrap_or_else(|error| panic!("{attempt:?}: {error}")))
        .collect()
}

fn told(findings: &[Finding]) -> String {
    let line = |Finding { attempt, outcome, .. }: &Finding| {
        format!("{:?} {}: {outcome:?}\n", attempt.stage, attempt.name)
    };
    findings.iter().map(line).collect()
}

#[test]
fn everything_is_stopped() {
    watchdog(|| {
        let mut findings = findings(SandboxPolicy::strict(), |_| true);
        assert!(findings.len() >= 100, "{}", findings.len());
        findings.retain(|finding| !finding.outcome.is_stopped());
        assert!(findings.is_empty(), "{}", told(&findings));
    });
}

#[test]
fn best_effort_stops_as_much_here() {
    watchdog(|| {
        let some = ["open-passwd", "exec", "fork-bomb", "tcp-connect", "set-flags", "make-executable", "x32"];
        let mut findings = findings(SandboxPolicy::best_effort(), |attempt| some.contains(&attempt.name));
        assert!(findings.len() >= some.len());
        findings.retain(|finding| !finding.outcome.is_stopped());
        assert!(findings.is_empty(), "{}", told(&findings));
    });
}

/// Without a sandbox the attempts succeed: it is not for want of trying that nothing gets through.
#[test]
fn without_a_sandbox_the_same_gets_through() {
    watchdog(|| {
        let mut findings = findings(SandboxPolicy::off(), |attempt| attempt.need == Need::Nothing);
        assert!(findings.len() >= 60, "{}", findings.len());
        findings.retain(|finding| !matches!(finding.outcome, Outcome::Through(_)));
        // Not every user may do as much, even without a sandbox.
        if rustix::process::geteuid().is_root() {
            assert!(findings.is_empty(), "{}", told(&findings));
        }
        eprintln!("stopped without a sandbox:\n{}", told(&findings));
    });
}

#[test]
fn the_call_that_ended_a_worker_is_named() {
    watchdog(|| {
        for (name, call) in [
            ("tcp-connect", "socket"),
            ("exec", "execve"),
            ("fork-bomb", "clone"),
            ("ptrace", "ptrace"),
            ("set-flags", "fcntl"),
            ("punch-mapping", "madvise"),
            ("map-executable", "mmap"),
            ("mkdir", "mkdirat"),
            ("io-uring", "io_uring_setup"),
        ] {
            let findings = findings(SandboxPolicy::strict(), |attempt| {
                (attempt.name, attempt.stage) == (name, Stage::Serving)
            });
            let stop = Outcome::Stopped(Stop::Forbidden { call: call.to_owned() });
            assert_eq!(
                findings.iter().map(|finding| &finding.outcome).collect::<Vec<_>>(),
                [&stop],
                "{name}"
            );
        }
    });
}

#[test]
fn attempts_have_names_of_their_own() {
    let mut seen = BTreeSet::new();
    for attempt in attempts() {
        assert!(seen.insert((attempt.name, attempt.stage == Stage::Loading)), "{}", attempt.name);
    }
}

fn command(arguments: &[&str]) -> (i32, Value, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_ringfence")).args(arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let json = serde_json::from_str(&text).unwrap_or(Value::Null);
    (output.status.code().unwrap_or(-1), json, text)
}

#[test]
fn the_command_line_says_what_stopped_what() {
    watchdog(|| {
        let (code, json, _) = command(&["sandbox-probe", "--json"]);
        let attempts = json["attempts"].as_array().unwrap();
        assert_eq!((code, json["stopped"].as_u64()), (0, Some(attempts.len() as u64)), "{json}");
        let find = |name: &str, stage: &str| {
            attempts.iter().find(|attempt| attempt["name"] == name && attempt["stage"] == stage).unwrap()
        };
        assert_eq!(find("ptrace", "serving")["outcome"], "killed for the system call ptrace");
        assert_eq!(find("open-passwd", "loading")["stopped"], true);
        assert!(json["layers"].as_array().unwrap().iter().any(|layer| layer == "landlock"), "{json}");

        let (code, json, _) = command(&["sandbox-probe", "--json", "--policy", "off"]);
        assert_eq!((code, json["policy"].as_str()), (1, Some("off")), "{json}");
        assert!(!json["layers"].as_array().unwrap().iter().any(|layer| layer == "seccomp"), "{json}");
    });
}

#[test]
fn the_doctor_finds_what_the_workers_use() {
    watchdog(|| {
        let (code, json, _) = command(&["doctor", "--json"]);
        let checks = json["checks"].as_array().unwrap();
        let missing = checks.iter().any(|check| check["state"] == "required");
        assert_eq!((code == 0, json["strict"].as_bool()), (!missing, Some(!missing)), "{json}");
        // What a worker's sandbox has, the doctor must have found, and the other way round.
        let (_, probe, _) = command(&["sandbox-probe", "--json", "--policy", "best-effort"]);
        let layers = probe["layers"].as_array().unwrap();
        for (check, layer) in [
            ("Landlock", "landlock"),
            ("seccomp", "seal"),
            ("user namespace", "user-ns"),
            ("network namespace", "net-ns"),
            ("IPC namespace", "ipc-ns"),
            ("UTS namespace", "uts-ns"),
            ("PID namespace", "pid-ns"),
        ] {
            let found = checks.iter().find(|found| found["name"] == check).unwrap();
            let held = layers.iter().any(|held| held == layer);
            assert_eq!(found["state"] == "ok", held, "{check}: {found} {layers:?}");
        }
        let (_, _, text) = command(&["doctor"]);
        for check in checks {
            let name = check["name"].as_str().unwrap();
            let line = text.lines().find(|line| line.get(11..).is_some_and(|line| line.starts_with(name)));
            let line = line.unwrap_or_else(|| panic!("{name} is not told: {text}"));
            assert_eq!(line.contains("MISSING"), check["state"] == "required", "{line}");
            assert!(line.contains(check["found"].as_str().unwrap()), "{line}");
        }
    });
}
