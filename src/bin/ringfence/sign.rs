//! `ringfence sign`: signs modules.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use ringfence::ipc::module::ModuleFile;
use ringfence::ipc::signature::SigningKey;
use serde_json::json;

use crate::failure::{Failure, printable_line};
use crate::output::{print, print_json};

/// What to sign.
#[derive(Debug, Args)]
#[command(
    after_help = "The signature of FILE is written to FILE.sig, in place of one that is there. Only modules can be signed."
)]
pub struct SignArgs {
    /// The modules
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The private key, as `ringfence keygen` or OpenSSL makes
    #[arg(long, value_name = "NAME.key")]
    pub key: PathBuf,
    /// Print one JSON object a file instead of lines
    #[arg(long)]
    pub json: bool,
}

/// Signs what can be signed. Fails if something cannot.
pub fn sign(args: &SignArgs) -> Result<ExitCode, Failure> {
    let key = SigningKey::read(&args.key).map_err(Failure::input)?;
    let mut all = true;
    for file in &args.files {
        let signed = sign_file(file, &key);
        all &= signed.is_ok();
        match (signed, args.json) {
            (Ok((path, module)), true) => print_json(&json!({
                "file": file.display().to_string(),
                "signed": true,
                "signature": path.display().to_string(),
                "module": module,
                "key": key.id().to_string(),
            }))?,
            (Err(reason), true) => {
                print_json(
                    &json!({ "file": file.display().to_string(), "signed": false, "reason": reason }),
                )?;
            }
            (Ok((path, module)), false) => {
                let line = format!("{}: signature of {module} by key {}", path.display(), key.id());
                print(&(printable_line(&line) + "\n"))?;
            }
            (Err(reason), false) => eprintln!("error: not signed: {}", printable_line(&reason)),
        }
    }
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where the signature is, and of which module; or why there is none.
fn sign_file(file: &Path, key: &SigningKey) -> Result<(PathBuf, String), String> {
    let module = ModuleFile::read(file).map_err(|error| error.to_string())?;
    let signature = key.sign(module.bytes(), module.record());
    let path = signature.write_beside(file).map_err(|error| error.to_string())?;
    Ok((path, module.info().to_string()))
}
