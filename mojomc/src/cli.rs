//! The arguments.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// Checks, formats, compares and compiles interfaces in mojom, the dialect that libcamera speaks.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit status: 0 if all is well, 1 if something is wrong with a file, 2 for wrong arguments."
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,

    /// Looks for imported files in DIR too; may be repeated. The core types are found without
    #[arg(short = 'I', long = "include", value_name = "DIR", global = true)]
    pub includes: Vec<PathBuf>,

    /// How to tell what is wrong: for people, or one JSON object a line
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, global = true)]
    pub message_format: MessageFormat,

    /// When to use colours
    #[arg(long, value_enum, value_name = "WHEN", default_value_t, global = true)]
    pub color: Color,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tells what is wrong with files
    Check {
        /// Interface files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Compiles a file to Rust
    Rust {
        /// Interface file
        file: PathBuf,

        /// Where to write the Rust source, instead of standard output
        #[arg(short, long, value_name = "OUT")]
        output: Option<PathBuf>,

        /// The path of the crate `ringfence` in the generated code
        #[arg(long, value_name = "PATH", default_value = "::ringfence")]
        runtime: String,

        /// Where the Rust types of an imported mojom module are, such as `shared=crate::shared`; may be repeated
        #[arg(long = "extern", value_name = "MODULE=PATH", value_parser = parse_extern)]
        externs: Vec<(String, String)>,
    },
    /// Formats files in place
    Fmt {
        /// Interface files; `-` formats standard input to standard output
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,

        /// Changes nothing, but names the files that are not formatted and exits with 1 if there are any
        #[arg(long)]
        check: bool,
    },
    /// Prints what a file and those it imports mean, as JSON
    Dump {
        /// Interface file
        file: PathBuf,
    },
    /// Tells whether builds of two versions of a file understand each other
    Compat {
        /// The version that is in use
        old: PathBuf,

        /// The version that shall replace it
        new: PathBuf,

        /// The encodings that matter for the exit status
        #[arg(long, value_enum, value_name = "ENCODING", default_values_t = [Encoding::Native, Encoding::Libcamera])]
        encoding: Vec<Encoding>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum MessageFormat {
    #[default]
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Encoding {
    Native,
    Libcamera,
}

fn parse_extern(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((module, path)) if !module.is_empty() && !path.is_empty() => Ok((module.into(), path.into())),
        _ => Err("write MODULE=PATH, such as `shared=crate::shared`".into()),
    }
}
