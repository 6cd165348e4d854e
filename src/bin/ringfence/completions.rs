//! `ringfence completions`: a script that lets a shell complete the command line.

use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;
use serde_json::json;

use crate::cli;
use crate::failure::Failure;
use crate::output::{print, print_json};

/// For which shell.
#[derive(Debug, Args)]
#[command(
    after_help = "bash:  ringfence completions bash > ~/.local/share/bash-completion/completions/ringfence\n\
                        zsh:   ringfence completions zsh > a file called _ringfence in a folder of $fpath\n\
                        fish:  ringfence completions fish > ~/.config/fish/completions/ringfence.fish"
)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
    /// Print one JSON object with the script in it
    #[arg(long)]
    json: bool,
}

/// Prints the script.
pub fn completions(args: &CompletionsArgs) -> Result<ExitCode, Failure> {
    let script = script(args.shell, cli::command());
    if args.json {
        print_json(&json!({ "shell": args.shell.to_string(), "script": script }))?;
    } else {
        print(&script)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn script(shell: Shell, mut command: Command) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "ringfence", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_shell_is_told_every_command() {
        for shell in Shell::value_variants() {
            let script = script(*shell, cli::command());
            for command in cli::command().get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell} does not know {}", command.get_name());
            }
        }
    }
}
