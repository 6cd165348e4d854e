//! What a worker program does beside serving: find its connection, log, and say why it ends.

use std::process::ExitCode;

use rustix::process::{getpgrp, getpid, setpgid};

use super::Endpoint;
use crate::ipc::ServeError;

/// Status of a program that was not started by a host, and of one whose connection failed, as of libcamera's own.
const FAILURE: u8 = 1;

/// The whole of a worker program that a libcamera host starts: serves the host that the arguments name until it is
/// done. `serve` is given the connection; generated code has a `serve_libcamera` to pass it to.
///
/// Call it first in `main`, as [`Endpoint::from_args`] says. The process gets a process group of its own, so that a
/// Ctrl-C in the host's terminal reaches the host alone, which then ends its workers.
///
/// The status is 0 if the host has ended the connection, or itself; 1 if there is none, or if it failed, with the
/// reason on standard error.
///
/// ```no_run
/// use std::process::ExitCode;
/// use ringfence::interfaces::vimc;
/// use ringfence::ipc::libcamera;
/// use ringfence::vimc::Vimc;
///
/// fn main() -> ExitCode {
///     libcamera::log_to_stderr();
///     libcamera::run(|host| vimc::serve_libcamera(host, Vimc::new))
/// }
/// ```
#[must_use = "the worker has to end with this exit code"]
pub fn run(serve: impl FnOnce(Endpoint) -> Result<(), ServeError>) -> ExitCode {
    let endpoint = match Endpoint::from_args() {
        Ok(endpoint) => endpoint,
        Err(error) => {
            let program = std::env::args_os().next().unwrap_or_default();
            eprintln!("{}: {error}", program.display());
            return ExitCode::from(FAILURE);
        }
    };
    own_group();
    tracing::info!(
        module = %endpoint.module().display(),
        "serving a module that is built in; the one that the host names is not loaded"
    );
    match serve(endpoint) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("the worker ends: {error}");
            ExitCode::from(FAILURE)
        }
    }
}

/// Makes this process the first of a process group, so that signals to the host's do not reach it.
pub(super) fn own_group() {
    // A host like ours has seen to that, and its sandbox forbids the call. The leader of a session cannot, and need not.
    if getpgrp() != getpid() {
        let _ = setpgid(None, None);
    }
}
