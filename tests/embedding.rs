//! The examples of embedding, as programs: they end by themselves, and go on when their module is killed.

mod common;

use std::path::PathBuf;
use std::process::Command;

use common::{Host, exists, send, watchdog};
use rustix::process::Signal;

/// The executable of an example, built if need be: `cargo test --test embedding` does not do so by itself.
fn example(name: &str) -> PathBuf {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into()));
    cargo.args(["build", "--message-format=json", "--features=tokio", "--example", name]);
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).expect("cargo speaks UTF-8");
    let mut executables = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let is_it = message["target"]["name"] == name && message["target"]["kind"][0] == "example";
        message["executable"].as_str().filter(|_| is_it).map(PathBuf::from)
    });
    executables.next_back().expect("cargo says where it is")
}

/// Runs an example twice: left alone, and with its module killed in the midst.
fn runs_and_recovers(name: &str) {
    watchdog(|| {
        let program = example(name);
        let outcome = Host::program(&program, [""; 0]).run().expect(0);
        assert_eq!(outcome.stdout.lines().last(), Some("50 frames, 0 restarts"));
        assert_eq!(outcome.stdout.matches("its parameters are in buffer 1").count(), 50);

        let mut run = Host::program(&program, [""; 0]).start();
        let pid =
            |line: &str| line.strip_prefix("the module is process ").and_then(|pid| pid.parse::<u32>().ok());
        let worker = pid(run.line(1)).expect("the first line names the process");
        assert!(exists(worker));
        run.line(10);
        send(worker, Signal::KILL);
        let outcome = run.wait().expect(0);
        let text = &outcome.stdout;
        assert_eq!(text.lines().last(), Some("50 frames, 1 restarts"), "{text}");
        assert!(
            text.contains(&format!(
                "(pid {worker}) was killed by signal 9 (SIGKILL); the last call was computeParams"
            )),
            "{text}"
        );
        let second = text.lines().filter_map(pid).nth(1).expect("there is a second module");
        assert!(second != worker && !exists(worker) && !exists(second), "{text}");
    });
}

#[test]
fn poll_runs_and_recovers() {
    runs_and_recovers("embed");
}

#[test]
fn calloop_runs_and_recovers() {
    runs_and_recovers("embed_calloop");
}

#[test]
fn tokio_runs_and_recovers() {
    runs_and_recovers("embed_tokio");
}
