//! Single values. Every line stands for itself: what one has sent is unknown to the next.

use std::path::PathBuf;

use ringfence_mojom::model::Model;
use ringfence_wire::{Codec, Decoded, Subject};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::args::ValueArgs;
use super::{LineError, complain, each_line, from_hex, to_hex};
use crate::catalog::check;
use crate::failure::Failure;
use crate::output::{print, print_json};

/// The most descriptors that one message can have.
const MAX_FDS: usize = 253;

/// What a line of bytes has; whatever else it has is ignored.
#[derive(Debug, Deserialize)]
struct Line {
    /// Hexadecimal digits.
    bytes: String,
    /// Descriptors that came with them; if nothing is said, as many as the bytes need.
    fds: Option<usize>,
    /// For a list that is sent again, the info map that was sent before.
    infomap: Option<Json>,
}

fn prepare(args: &ValueArgs) -> Result<(Model, Subject), Failure> {
    let model = check(&args.mojom, &args.include)?;
    let subject = Subject::parse(&model, &args.ty).map_err(Failure::input)?;
    Ok((model, subject))
}

/// Encodes the values on the lines, and returns how many of them could not be.
pub fn encode(args: &ValueArgs, files: &[PathBuf]) -> Result<usize, Failure> {
    let (model, subject) = prepare(args)?;
    each_line(files, |_, text| {
        let value: Json = serde_json::from_str(text).map_err(LineError::fault)?;
        let mut codec = Codec::new(&model, args.wire.into());
        let encoded = codec.encode(args.role.into(), &subject, &value).map_err(LineError::fault)?;
        let bytes = to_hex(&encoded.bytes);
        if args.hex {
            print(&(bytes + "\n"))?;
        } else {
            print_json(&json!({ "bytes": bytes, "fds": encoded.fds }))?;
        }
        Ok(())
    })
}

/// Decodes the bytes on the lines, and returns how many of them could not be.
pub fn decode(args: &ValueArgs, files: &[PathBuf]) -> Result<usize, Failure> {
    let (model, subject) = prepare(args)?;
    each_line(files, |place, text| {
        let line: Line = if args.hex {
            Line { bytes: text.to_owned(), fds: None, infomap: None }
        } else {
            serde_json::from_str(text).map_err(LineError::fault)?
        };
        let bytes = from_hex(&line.bytes)?;
        let decoded = decode_line(args, &model, &subject, &line, &bytes)?;
        for remark in &decoded.remarks {
            complain("warning", place, remark);
        }
        print_json(&decoded.value)?;
        Ok(())
    })
}

fn decode_line(
    args: &ValueArgs,
    model: &Model,
    subject: &Subject,
    line: &Line,
    bytes: &[u8],
) -> Result<Decoded, LineError> {
    let mut fds = line.fds.unwrap_or(0);
    loop {
        let mut codec = Codec::new(model, args.wire.into());
        if let Some(map) = &line.infomap {
            codec.remember(args.role.into(), map).map_err(LineError::fault)?;
        }
        match codec.decode(subject, bytes, fds) {
            Err(error) if line.fds.is_none() && fds < MAX_FDS && error.is_missing_descriptor() => fds += 1,
            result => return result.map_err(LineError::fault),
        }
    }
}
