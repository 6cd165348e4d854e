//! The generic worker: serves the component that its host asks for. A host starts it; people have no use for it.

use std::process::ExitCode;

use ringfence::ipc::run_if_worker;
use ringfence::rpi::worker::{COMPONENTS, Role, log_to_stderr};

fn main() -> ExitCode {
    log_to_stderr(Role::Worker);
    run_if_worker(COMPONENTS).unwrap_or_else(|| {
        eprintln!(
            "ringfence-worker is started by a host, such as `ringfence run`, which tells it what to serve"
        );
        ExitCode::from(2)
    })
}
