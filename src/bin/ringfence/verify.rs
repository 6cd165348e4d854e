//! `ringfence verify`: whether somebody trusted has signed modules.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use ringfence::ipc::module::ModuleFile;
use ringfence::ipc::signature::{Signature, TrustedKeys};
use serde_json::json;

use crate::failure::{Failure, printable_line};
use crate::output::{print, print_json};

/// What to verify.
#[derive(Debug, Args)]
#[command(after_help = "Succeeds only if every file has a valid signature in FILE.sig.")]
pub struct VerifyArgs {
    /// The modules
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Folder with the public keys that are trusted, instead of /etc/ringfence/keys
    #[arg(long, value_name = "DIR", conflicts_with = "key")]
    pub keys: Option<PathBuf>,
    /// The one public key that is trusted
    #[arg(long, value_name = "NAME.pub")]
    pub key: Option<PathBuf>,
    /// Print one JSON object a file instead of lines
    #[arg(long)]
    pub json: bool,
}

/// Where the keys are that are trusted, unless somebody names others.
pub const KEYS: &str = "/etc/ringfence/keys";

/// Looks at each file. Fails if one has no valid signature.
pub fn verify(args: &VerifyArgs) -> Result<ExitCode, Failure> {
    let none = TrustedKeys::none();
    let (keys, place) = match (&args.key, &args.keys) {
        (Some(key), _) => (none.add_file(key), key.as_path()),
        (None, keys) => {
            let folder = keys.as_deref().unwrap_or(Path::new(KEYS));
            (none.add_folder(folder), folder)
        }
    };
    let is_default = args.key.is_none() && args.keys.is_none();
    if is_default && !place.exists() {
        let lacks = format!("there is no {KEYS}; name the keys to trust with --keys DIR or --key FILE");
        return Err(Failure::input(lacks));
    }
    let keys = keys.map_err(Failure::input)?;
    if keys.is_empty() {
        return Err(Failure::input(format!(
            "there are no keys in {}; put public keys there, with names that end in .pub",
            place.display()
        )));
    }
    let mut all = true;
    for file in &args.files {
        let verified = verify_file(file, &keys);
        all &= verified.is_ok();
        let name = file.display().to_string();
        match (verified, args.json) {
            (Ok(Verified { module, key, place }), true) => print_json(&json!({
                "file": name, "valid": true, "module": module, "key": key, "trusted_by": place,
            }))?,
            (Err(reason), true) => print_json(&json!({ "file": name, "valid": false, "reason": reason }))?,
            (Ok(Verified { module, key, place }), false) => {
                let line = format!("{name}: valid: {module}, signed by key {key} ({place})");
                print(&(printable_line(&line) + "\n"))?;
            }
            (Err(reason), false) => {
                print(&(printable_line(&format!("{name}: NOT VALID: {reason}")) + "\n"))?;
            }
        }
    }
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A signature that holds.
struct Verified {
    module: String,
    key: String,
    place: String,
}

fn verify_file(file: &Path, keys: &TrustedKeys) -> Result<Verified, String> {
    let module = ModuleFile::read(file).map_err(|error| error.to_string())?;
    let signature = Signature::beside(file).map_err(|error| error.to_string())?;
    let signature = signature
        .ok_or_else(|| format!("it is not signed: there is no {}", Signature::path_of(file).display()))?;
    let key = keys.verify(module.bytes(), module.record(), &signature).ok_or(
        "no trusted key has made its signature for this file: the file was changed, or somebody else has signed it",
    )?;
    Ok(Verified {
        module: module.info().to_string(),
        key: key.id().to_string(),
        place: key.place().to_owned(),
    })
}
