//! `ringfence wire`: what goes over a connection, to bytes and back, given nothing but the interface file.
//!
//! `values.rs` does single values and `session.rs` recorded sessions; `text.rs` makes lines of messages that people
//! can read, with the names of controls from `names.rs`. The work itself is done by the package `ringfence-wire`.

pub mod args;
mod names;
mod session;
pub mod text;
mod values;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::process::ExitCode;

use self::args::{DecodeSource, WireCommand};
use crate::failure::{Failure, printable};

/// Does what the command says. Lines that cannot be used are told on standard error, and make the exit code 1.
pub fn wire(command: &WireCommand) -> Result<ExitCode, Failure> {
    let faults = match command {
        WireCommand::Encode(args) => values::encode(&args.values, &args.files)?,
        WireCommand::Decode(args) => match args.source()? {
            DecodeSource::Values(source) => values::decode(&source, &args.files)?,
            DecodeSource::Session { interface, include } => session::decode(args, interface, include)?,
        },
    };
    Ok(if faults == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Goes through the lines of all files, or of standard input if there are none, but for empty ones, and returns how
/// many of them `line` could not use. `line` is given the line's place for messages, and its text.
fn each_line(
    files: &[PathBuf],
    mut line: impl FnMut(&str, &str) -> Result<(), LineError>,
) -> Result<usize, Failure> {
    let mut faults = 0;
    let mut all = |name: &str, input: &mut dyn BufRead| -> Result<(), Failure> {
        for (index, bytes) in input.split(b'\n').enumerate() {
            let place = format!("{name}line {}", index + 1);
            let bytes = bytes.map_err(|error| Failure::input(format!("{place}: {error}")))?;
            let used = match str::from_utf8(&bytes).map(str::trim) {
                Ok("") => continue,
                Ok(text) => line(&place, text),
                Err(error) => Err(LineError::fault(error)),
            };
            match used {
                Ok(()) => {}
                Err(LineError::Fault(fault)) => {
                    faults += 1;
                    complain("error", &place, &fault);
                }
                Err(LineError::Output(failure)) => return Err(failure),
            }
        }
        Ok(())
    };
    if files.is_empty() {
        all("", &mut io::stdin().lock())?;
    }
    for path in files {
        let file =
            File::open(path).map_err(|error| Failure::input(format!("{}: {error}", path.display())))?;
        all(&format!("{}, ", path.display()), &mut BufReader::new(file))?;
    }
    Ok(faults)
}

/// Why a line is passed over, or the work ends.
enum LineError {
    /// The line cannot be used; the next one may be.
    Fault(String),
    /// Nothing can be printed any more.
    Output(Failure),
}

impl From<Failure> for LineError {
    fn from(failure: Failure) -> Self {
        Self::Output(failure)
    }
}

impl LineError {
    fn fault(what: impl ToString) -> Self {
        Self::Fault(what.to_string())
    }
}

/// Tells something about a line, on standard error.
fn complain(what: &str, place: &str, text: &str) {
    eprintln!("{what}: {}", printable(&format!("{place}: {text}")));
}

/// The bytes that these digits are, two a byte; blanks between them do not matter.
fn from_hex(text: &str) -> Result<Vec<u8>, LineError> {
    let mut digits = Vec::with_capacity(text.len());
    for character in text.chars().filter(|character| !character.is_whitespace()) {
        let digit = character.to_digit(16);
        let digit =
            digit.ok_or_else(|| LineError::fault(format!("`{character}` is no hexadecimal digit")))?;
        digits.push(digit as u8);
    }
    match digits.as_chunks() {
        (pairs, []) => Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect()),
        _ => Err(LineError::fault(format!("{} hexadecimal digits are half a byte too many", digits.len()))),
    }
}

/// The bytes as digits.
fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
