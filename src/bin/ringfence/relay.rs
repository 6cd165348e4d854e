//! `ringfence relay`: stands between a libcamera host and a worker, and records what crosses.

use std::fs::File;
use std::io::Write;
use std::process::ExitCode;

use ringfence::ipc::libcamera::{Origin, RelayError, relay, shell_status};
use serde::Serialize;

use crate::cli::RelayArgs;
use crate::failure::Failure;
use crate::output::print_json;

/// A line of the record.
#[derive(Debug, Serialize)]
struct Datagram {
    from: String,
    /// In hexadecimal.
    bytes: String,
    fds: usize,
}

/// What crossed one way.
#[derive(Debug, Default, Serialize)]
struct Crossed {
    datagrams: u64,
    bytes: u64,
    fds: u64,
}

/// What is told in the end.
#[derive(Debug, Default, Serialize)]
struct Summary {
    /// As a shell would tell it: 128 and the number of the signal that ended the worker, if one did.
    worker_status: u8,
    from_host: Crossed,
    from_worker: Crossed,
}

/// Relays until the host or the worker ends; the exit code is the worker's.
pub fn run(args: RelayArgs) -> Result<ExitCode, Failure> {
    let path = args.record;
    // Nothing is kept back: a host ends its workers by SIGKILL.
    let mut file = File::create(&path)
        .map_err(|error| Failure::input(format!("--record {}: {error}", path.display())))?;
    let mut worker = args.worker.into_iter();
    let program = worker.next().ok_or_else(|| Failure::input("name a worker after `--`"))?;
    let mut summary = Summary::default();
    let record = |from: Origin, bytes: &[u8], fds: usize| {
        let crossed = match from {
            Origin::Host => &mut summary.from_host,
            Origin::Worker => &mut summary.from_worker,
        };
        crossed.datagrams += 1;
        crossed.bytes += bytes.len() as u64;
        crossed.fds += fds as u64;
        let bytes = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut line = serde_json::to_string(&Datagram { from: from.to_string(), bytes, fds })?;
        line.push('\n');
        file.write_all(line.as_bytes())
    };
    match relay(program, worker.collect(), record) {
        Ok(status) => {
            summary.worker_status = shell_status(status);
            if args.json {
                print_json(&summary)?;
            }
            Ok(ExitCode::from(summary.worker_status))
        }
        Err(error @ (RelayError::Host(_) | RelayError::Spawn { .. })) => Err(Failure::input(error)),
        Err(error) => Err(Failure::work(error)),
    }
}
