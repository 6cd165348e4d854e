//! `ringfence`: runs a virtual Raspberry Pi camera whose algorithms live in another process, measures what that costs, and
//! records and reads what goes over the wire.

mod bars;
mod bench;
mod catalog;
mod cli;
mod completions;
mod doctor;
mod failure;
mod frame_record;
mod inspect;
mod interrupt;
mod keygen;
mod libcamera;
mod machine;
mod man;
mod modules;
mod output;
mod plot;
mod relay;
mod run;
mod sandbox_probe;
mod sign;
mod summary;
mod target;
mod top;
mod trace;
mod verify;
mod vimc;
mod wire;

use std::process::ExitCode;

use ringfence::ipc::run_if_worker;
use ringfence::rpi;

use crate::failure::Failure;

fn main() -> ExitCode {
    // One binary can be shipped: it is its own worker where there is no other.
    rpi::worker::log_to_stderr(rpi::worker::Role::of_this_process());
    if let Some(code) = run_if_worker(rpi::worker::COMPONENTS) {
        return code;
    }
    let result = cli::parse().and_then(|command| match command {
        cli::Command::Run(args) => run::run(&args),
        cli::Command::Bench(args) => bench::bench(&args),
        cli::Command::Vimc(args) => vimc::session(&args),
        cli::Command::Relay(args) => relay::run(args),
        cli::Command::SandboxProbe(args) => sandbox_probe::probe(&args),
        cli::Command::Doctor(args) => doctor::doctor(&args),
        cli::Command::Modules(args) => modules::modules(&args),
        cli::Command::Keygen(args) => keygen::keygen(&args),
        cli::Command::Sign(args) => sign::sign(&args),
        cli::Command::Verify(args) => verify::verify(&args),
        cli::Command::Inspect(args) => inspect::inspect(&args),
        cli::Command::Top(args) => top::top(&args),
        cli::Command::Trace(args) => trace::trace(&args),
        cli::Command::Wire(command) => wire::wire(&command),
        cli::Command::Completions(args) => completions::completions(&args),
        cli::Command::Man(args) => man::man(&args),
    });
    match result {
        Ok(code) => code,
        Err(failure) => {
            match &failure {
                Failure::Unread => {}
                Failure::Interface(report) => eprintln!("{report}"),
                failure => eprintln!("error: {failure}"),
            }
            failure.exit_code()
        }
    }
}
