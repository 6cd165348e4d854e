//! `rpi-stress`: cameras that run in one process while their workers are killed, stopped and made to misbehave, and the
//! account of every frame at the end.
//!
//! The program is its own worker: the algorithms of the Raspberry Pi behind a wrapper that misbehaves when it is told to.

mod camera;
mod cli;
#[allow(dead_code, reason = "`ringfence` fails in more ways")]
#[path = "../ringfence/failure.rs"]
mod failure;
mod faults;
#[path = "../ringfence/interrupt.rs"]
mod interrupt;
#[path = "../ringfence/output.rs"]
mod output;
mod report;
mod resources;
mod run;
mod sabotage;
mod scene;
mod worker;

use std::process::ExitCode;

use ringfence::ipc::{is_worker, run_if_worker};
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

fn main() -> ExitCode {
    log_to_stderr();
    if let Some(code) = run_if_worker(&[worker::COMPONENT]) {
        return code;
    }
    match cli::parse().and_then(|args| run::run(&args)) {
        Ok(code) => code,
        Err(failure) => {
            if !matches!(failure, Failure::Unread) {
                eprintln!("error: {failure}");
            }
            failure.exit_code()
        }
    }
}

/// Frames are lost by the hundred here, on purpose: unless `RUST_LOG` asks for it, nobody wants to read of each.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("off"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    if is_worker() { log.without_time().with_target(false).init() } else { log.init() }
}
