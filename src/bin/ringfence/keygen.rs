//! `ringfence keygen`: a pair of keys with which modules are signed.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use ringfence::ipc::signature::{KeyError, SigningKey};
use serde_json::json;

use crate::failure::{Failure, printable_line};
use crate::output::{print, print_json};

/// What to make.
#[derive(Debug, Args)]
#[command(
    after_help = "Keep NAME.key to yourself. Put NAME.pub into /etc/ringfence/keys of the machines whose hosts shall trust \
                        what it has signed."
)]
pub struct KeygenArgs {
    /// Path of the two files, without the endings `.key` and `.pub`; neither may be there
    #[arg(long, default_value = "ringfence", value_name = "NAME")]
    pub out: PathBuf,
    /// Print one JSON object instead of lines
    #[arg(long)]
    pub json: bool,
}

/// Makes the pair, and overwrites nothing.
pub fn keygen(args: &KeygenArgs) -> Result<ExitCode, Failure> {
    if args.out.file_name().is_none() {
        return Err(Failure::input(format!(
            "{} is no name for a file; give one to `--out`",
            args.out.display()
        )));
    }
    let with = |ending: &str| {
        let mut path = OsString::from(&args.out);
        path.push(ending);
        PathBuf::from(path)
    };
    let (private, public) = (with(".key"), with(".pub"));
    let key = SigningKey::generate().map_err(Failure::work)?;
    key.write(&private, &public).map_err(|error| match error {
        KeyError::Exists { .. } => Failure::input(error),
        error => Failure::work(error),
    })?;
    if args.json {
        print_json(&json!({
            "key": private.display().to_string(),
            "public": public.display().to_string(),
            "id": key.id().to_string(),
        }))?;
    } else {
        let name = |path: &PathBuf| printable_line(&path.display().to_string());
        print(&format!(
            "{}: signs modules; keep it to yourself\n{}: key {}, for the machines that shall trust it\n",
            name(&private),
            name(&public),
            key.id()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}
