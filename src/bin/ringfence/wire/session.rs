//! Recorded sessions: a datagram a line, in the order in which somebody between host and worker saw them.

use std::path::{Path, PathBuf};

use ringfence_wire::{Datagram, Session, Side};
use serde::Deserialize;
use serde_json::json;

use super::args::DecodeArgs;
use super::text::Printer;
use super::{LineError, each_line, from_hex};
use crate::catalog::check;
use crate::failure::{Failure, printable};
use crate::output::{print, print_json};

/// A line of a recording.
#[derive(Debug, Deserialize)]
struct Line {
    from: Side,
    /// Hexadecimal digits.
    bytes: String,
    #[serde(default)]
    fds: usize,
}

/// Prints the messages of a session, and returns how many lines of it could not be understood. These are told where
/// they are, between the messages around them.
pub fn decode(args: &DecodeArgs, interface: &Path, include: &[PathBuf]) -> Result<usize, Failure> {
    let model = check(&[interface.to_owned()], include)?;
    let mut session = Session::new(&model, args.wire.into()).map_err(Failure::input)?;
    let printer = Printer::new(&model, session.interface(), args.wire.into());
    let mut misunderstood = 0;
    let faults = each_line(&args.files, |place, text| {
        let line: Line = serde_json::from_str(text).map_err(LineError::fault)?;
        let datagram = Datagram { bytes: from_hex(&line.bytes)?, fds: line.fds };
        match session.datagram(line.from, &datagram) {
            Ok(None) => {}
            Ok(Some(message)) if args.json => print_json(&message)?,
            Ok(Some(message)) => print(&printer.message(&message))?,
            Err(error) => {
                misunderstood += 1;
                let error = error.to_string();
                if args.json {
                    print_json(&json!({ "from": line.from, "place": place, "error": error }))?;
                } else {
                    let text = format!("{place}: {error}");
                    print(&format!("{:<6}  error  {}\n", line.from.to_string(), printable(&text)))?;
                }
            }
        }
        Ok(())
    })?;
    for side in session.unfinished() {
        let remark = "the recording ends between the two datagrams of a message";
        if args.json {
            print_json(&json!({ "from": side, "remark": remark }))?;
        } else {
            print(&format!("{:<6}  end    {remark}\n", side.to_string()))?;
        }
    }
    Ok(faults + misunderstood)
}
