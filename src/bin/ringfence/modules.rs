//! `ringfence modules`: which modules are there, and how each would run.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};
use ringfence::ipc::manager::{Candidate, Manager, ModulePolicy, Origin, SignatureState};
use ringfence::ipc::signature::TrustedKeys;
use serde_json::{Value, json};

use crate::failure::{Failure, printable_line};
use crate::output::{print, print_json};
use crate::verify::KEYS;

/// Columns of the table.
const WIDTH: u16 = 100;

/// Where to look.
#[derive(Debug, Args)]
#[command(after_help = "RINGFENCE_MODULE_PATH may name more folders, with colons between them.")]
pub struct ModulesArgs {
    /// Folder to look into before those of RINGFENCE_MODULE_PATH and those built in; may be given several times
    #[arg(long, value_name = "DIR")]
    pub path: Vec<PathBuf>,
    /// Folder with the public keys that are trusted, instead of /etc/ringfence/keys
    #[arg(long, value_name = "DIR")]
    pub keys: Option<PathBuf>,
    /// Print one JSON object instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Looks, and runs nothing.
pub fn modules(args: &ModulesArgs) -> Result<ExitCode, Failure> {
    let policy = ModulePolicy::new().trusted_keys(keys(args.keys.as_deref())?);
    let manager = args.path.iter().fold(Manager::new(policy), Manager::folder);
    let candidates = manager.scan();
    if args.json {
        let (modules, skipped): (Vec<_>, Vec<_>) =
            candidates.iter().partition(|candidate| candidate.mode().is_some());
        print_json(&json!({
            "modules": modules.into_iter().map(as_json).collect::<Vec<_>>(),
            "skipped": skipped.into_iter().map(as_json).collect::<Vec<_>>(),
        }))?;
    } else {
        print(&as_text(&candidates))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The keys that are trusted: none, if nobody names any and there is no folder of them.
fn keys(folder: Option<&Path>) -> Result<TrustedKeys, Failure> {
    match TrustedKeys::none().add_folder(folder.unwrap_or(Path::new(KEYS))) {
        Err(error) if folder.is_none() && error.is_missing() => Ok(TrustedKeys::none()),
        keys => keys.map_err(Failure::input),
    }
}

fn as_text(candidates: &[Candidate]) -> String {
    let mut text = String::new();
    let modules =
        candidates.iter().filter_map(|candidate| Some((candidate, candidate.info()?, candidate.mode()?)));
    for (candidate, info, mode) in modules {
        let signature = candidate.signature().map_or_else(|| "none".to_owned(), SignatureState::to_string);
        let (first, last) = (info.pipeline_versions.start(), info.pipeline_versions.end());
        let versions =
            if first == last { format!("version {first}") } else { format!("versions {first} to {last}") };
        let mut table = table();
        for (what, value) in [
            ("  pipeline", format!("{}, {versions}", info.pipeline)),
            ("  interface", format!("{}, hash {:#018x}", info.interface, info.interface_hash)),
            ("  signature", signature),
            ("  mode", format!("{mode}: {}", candidate.reason())),
        ] {
            table.add_row([what, &printable_line(&value)]);
        }
        let title = printable_line(&format!("{info} ({})", candidate.origin()));
        text += &format!("{title}\n{}\n\n", trimmed(&table));
    }
    if text.is_empty() {
        text += "no modules were found\n\n";
    }
    let skipped: Vec<_> = candidates.iter().filter(|candidate| candidate.mode().is_none()).collect();
    if !skipped.is_empty() {
        text += "passed over\n";
        for candidate in skipped {
            let mut table = table();
            table.add_row(["   ", &printable_line(candidate.reason())]);
            let title = printable_line(&candidate.origin().to_string());
            text += &format!("  {title}\n{}\n", trimmed(&table));
        }
    }
    text
}

fn table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    table
}

/// The table without spaces at the ends of its lines.
fn trimmed(table: &Table) -> String {
    table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn as_json(candidate: &Candidate) -> Value {
    let info = candidate.info();
    let signature = candidate.signature().map(|signature| {
        let (state, key) = match signature {
            SignatureState::Missing => ("missing", None),
            SignatureState::Unjudged => ("unjudged", None),
            SignatureState::Valid { key, .. } => ("valid", Some(key.to_string())),
            _ => ("invalid", None),
        };
        json!({ "state": state, "key": key })
    });
    json!({
        "path": candidate.origin().path().map(|path| path.display().to_string()),
        "is_folder": matches!(candidate.origin(), Origin::Folder(_)),
        "name": info.map(|info| &info.name),
        "version": info.map(|info| info.version.to_string()),
        "pipeline": info.map(|info| &info.pipeline),
        "pipeline_versions": info.map(|info| [info.pipeline_versions.start(), info.pipeline_versions.end()]),
        "interface": info.map(|info| &info.interface),
        "interface_hash": info.map(|info| format!("{:#018x}", info.interface_hash)),
        "signature": signature,
        "mode": candidate.mode().map(|mode| mode.to_string()),
        "reason": candidate.reason(),
    })
}
