//! The command line of `ringfence wire`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use ringfence_wire::{Role, Wire};

use crate::failure::Failure;

/// What to do with the wire.
#[derive(Debug, Subcommand)]
pub enum WireCommand {
    /// Turn values, a line of JSON each, into bytes
    Encode(EncodeArgs),
    /// Turn bytes into values, or a recorded session into lines that can be read
    Decode(DecodeArgs),
}

/// Which values, and in which encoding.
#[derive(Debug, Args)]
pub struct ValueArgs {
    /// Interface files that define the type
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub mojom: Vec<PathBuf>,
    /// Folder in which to look for imported files; those beside the interface files are found without
    #[arg(short = 'I', long, value_name = "DIR")]
    pub include: Vec<PathBuf>,
    /// Type of the values, such as `uint32`, `array<string>` or `ipa.RPi.PrepareParams`
    #[arg(long = "type", value_name = "T")]
    pub ty: String,
    /// Encoding
    #[arg(long, value_enum)]
    pub wire: WireName,
    /// Who writes: it decides about the handles of info maps
    #[arg(long, value_enum, default_value_t = RoleName::Proxy)]
    pub role: RoleName,
    /// Bytes as mere hexadecimal digits, instead of as an object
    #[arg(long)]
    pub hex: bool,
}

/// How to encode.
#[derive(Debug, Args)]
pub struct EncodeArgs {
    #[command(flatten)]
    pub values: ValueArgs,
    /// Print one JSON object a value, as happens without `--hex`
    #[arg(long, conflicts_with = "hex")]
    pub json: bool,
    /// Files with a value on each line, instead of standard input
    #[arg(value_name = "INPUT")]
    pub files: Vec<PathBuf>,
}

/// How to decode.
#[derive(Debug, Args)]
pub struct DecodeArgs {
    /// Interface files that define the type
    #[arg(long, num_args = 1.., value_name = "FILE", requires = "ty")]
    pub mojom: Vec<PathBuf>,
    /// Interface file of a recorded session, which is then read
    #[arg(long, value_name = "FILE", conflicts_with_all = ["mojom", "ty", "role", "hex"])]
    pub interface: Option<PathBuf>,
    /// Folder in which to look for imported files; those beside the interface files are found without
    #[arg(short = 'I', long, value_name = "DIR")]
    pub include: Vec<PathBuf>,
    /// Type of the values, such as `uint32`, `array<string>` or `ipa.RPi.PrepareParams`
    #[arg(long = "type", value_name = "T", requires = "mojom")]
    pub ty: Option<String>,
    /// Encoding
    #[arg(long, value_enum)]
    pub wire: WireName,
    /// Who has written: it decides about the handles of info maps
    #[arg(long, value_enum, default_value_t = RoleName::Proxy)]
    pub role: RoleName,
    /// Bytes as mere hexadecimal digits, instead of as an object
    #[arg(long)]
    pub hex: bool,
    /// Of a session, one JSON object a message instead of a line that can be read; values are JSON always
    #[arg(long)]
    pub json: bool,
    /// Files with bytes, or a datagram of the session, on each line, instead of standard input
    #[arg(value_name = "INPUT")]
    pub files: Vec<PathBuf>,
}

/// What is to be decoded.
#[derive(Debug)]
pub enum DecodeSource<'a> {
    /// Values of a type.
    Values(ValueArgs),
    /// A recorded session.
    Session {
        /// The interface file.
        interface: &'a Path,
        /// Where to look for imported files.
        include: &'a [PathBuf],
    },
}

impl DecodeArgs {
    /// What is to be decoded, if that has been said.
    pub fn source(&self) -> Result<DecodeSource<'_>, Failure> {
        match (&self.interface, &self.ty) {
            (Some(interface), _) => Ok(DecodeSource::Session { interface, include: &self.include }),
            (None, Some(ty)) => Ok(DecodeSource::Values(ValueArgs {
                mojom: self.mojom.clone(),
                include: self.include.clone(),
                ty: ty.clone(),
                wire: self.wire,
                role: self.role,
                hex: self.hex,
            })),
            (None, None) => Err(Failure::input(
                "say what to decode: `--mojom FILE --type T` for values, `--interface FILE` for a recorded session",
            )),
        }
    }
}

/// [`Wire`] by its name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WireName {
    /// This project's own
    Native,
    /// libcamera's up to release 0.5
    #[value(name = "libcamera-1")]
    Libcamera1,
    /// libcamera's newest
    #[value(name = "libcamera-2")]
    Libcamera2,
}

impl From<WireName> for Wire {
    fn from(name: WireName) -> Self {
        match name {
            WireName::Native => Self::Native,
            WireName::Libcamera1 => Self::Libcamera1,
            WireName::Libcamera2 => Self::Libcamera2,
        }
    }
}

/// [`Role`] by its name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleName {
    /// The host: handles 1, 3, 5…
    Proxy,
    /// The worker: handles 2, 4, 6…
    Worker,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Proxy => Self::Proxy,
            RoleName::Worker => Self::Worker,
        }
    }
}
