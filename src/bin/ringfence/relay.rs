//! `ringfence relay`: stands between a libcamera host and a worker, and records what crosses.

use std::fs::File;
use std::io::Write;
use std::process::ExitCode;

use ringfence::ipc::libcamera::{RelayError, relay, shell_status};
use serde::Serialize;

use crate::cli::RelayArgs;
use crate::failure::Failure;

/// A line of the record.
#[derive(Debug, Serialize)]
struct Datagram {
    from: String,
    /// In hexadecimal.
    bytes: String,
    fds: usize,
}

/// Relays until the host or the worker ends; the exit code is the worker's.
pub fn run(args: RelayArgs) -> Result<ExitCode, Failure> {
    let path = args.record;
    // Nothing is kept back: a host ends its workers by SIGKILL.
    let mut file = File::create(&path)
        .map_err(|error| Failure::input(format!("--record {}: {error}", path.display())))?;
    let mut worker = args.worker.into_iter();
    let program = worker.next().ok_or_else(|| Failure::input("name a worker after `--`"))?;
    let record = |from: ringfence::ipc::libcamera::Origin, bytes: &[u8], fds| {
        let bytes = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut line = serde_json::to_string(&Datagram { from: from.to_string(), bytes, fds })?;
        line.push('\n');
        file.write_all(line.as_bytes())
    };
    match relay(program, worker.collect(), record) {
        Ok(status) => Ok(ExitCode::from(shell_status(status))),
        Err(error @ (RelayError::Host(_) | RelayError::Spawn { .. })) => Err(Failure::input(error)),
        Err(error) => Err(Failure::work(error)),
    }
}
