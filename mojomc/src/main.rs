//! `mojomc`: the interface compiler for the command line.
//!
//! This program reads arguments and prints; [`ringfence_mojom`] does the work. `docs/mojomc.md` describes it.

#![forbid(unsafe_code)]

mod cli;
mod commands;
mod dump;
mod output;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let output = output::Output::new(cli.message_format, cli.color);
    match commands::run(&cli, &output) {
        Ok(commands::Verdict::Good) => ExitCode::SUCCESS,
        Ok(commands::Verdict::Bad) => ExitCode::from(1),
        Err(diagnostics) => {
            output.diagnostics(&diagnostics);
            ExitCode::from(1)
        }
    }
}
