//! What the commands do.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use ringfence_mojom::compat::{self, Change, Effect, Effects};
use ringfence_mojom::format::format_text;
use ringfence_mojom::{Config, configure};
use serde_json::{Value, json};

use crate::cli::{Cli, Command, Encoding, MessageFormat};
use crate::dump;
use crate::output::{Failure, Output, print};

/// What came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Good,
    /// Files differ from what they should be; which ones was printed.
    Bad,
}

pub fn run(cli: &Cli, output: &Output) -> Result<Verdict, Failure> {
    let config = cli.includes.iter().fold(configure(), |config, directory| config.include(directory));
    match &cli.command {
        Command::Check { files } => {
            config.check(files)?;
        }
        Command::Rust { file, output, runtime, externs } => {
            rust(config, file, output.as_deref(), runtime, externs)?;
        }
        Command::Fmt { files, check } => return fmt(files, *check, output),
        Command::Dump { file } => {
            let model = config.check(&[file])?;
            print(&format!("{:#}\n", dump::model(&model)))?;
        }
        Command::Compat { old, new, encoding } => return compare(&config, old, new, encoding, output),
    }
    Ok(Verdict::Good)
}

fn rust(
    config: Config,
    file: &Path,
    output: Option<&Path>,
    runtime: &str,
    externs: &[(String, String)],
) -> Result<(), Failure> {
    let config = externs
        .iter()
        .fold(config.runtime_path(runtime), |config, (module, path)| config.extern_module(module, path));
    let text = config.generate(file)?;
    match output {
        Some(path) => write(path, &text),
        None => print(&text),
    }
}

/// Formats all files that can be; what is wrong with others comes at the end.
fn fmt(files: &[PathBuf], check: bool, output: &Output) -> Result<Verdict, Failure> {
    let mut verdict = Verdict::Good;
    for file in files {
        match fmt_file(file, check) {
            Ok(true) => {}
            Ok(false) => verdict = Verdict::Bad,
            Err(failure) => {
                output.failure(&failure);
                verdict = Verdict::Bad;
            }
        }
    }
    Ok(verdict)
}

/// Formats a file; returns `false` if it only was to be checked and is not formatted.
fn fmt_file(file: &Path, check: bool) -> Result<bool, Failure> {
    let is_stdin = file == Path::new("-");
    let name = if is_stdin { Path::new("<standard input>") } else { file };
    let text = if is_stdin { read_stdin() } else { std::fs::read_to_string(file) };
    let text = text.map_err(|error| Failure::File {
        path: name.to_owned(),
        message: format!("the file cannot be read: {error}"),
    })?;
    let formatted = format_text(name, &text)?;
    if check {
        if formatted != text {
            print(&format!("{}\n", name.display()))?;
        }
        return Ok(formatted == text);
    }
    if is_stdin {
        print(&formatted)?;
    } else if formatted != text {
        write(file, &formatted)?;
    }
    Ok(true)
}

fn read_stdin() -> std::io::Result<String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| Failure::File {
        path: path.to_owned(),
        message: format!("the file cannot be written: {error}"),
    })
}

fn compare(
    config: &Config,
    old: &Path,
    new: &Path,
    encodings: &[Encoding],
    output: &Output,
) -> Result<Verdict, Failure> {
    let (old, new) = (config.check(&[old])?, config.check(&[new])?);
    let report = compat::compare((&old, old.last()), (&new, new.last()));
    let all = report.effects();
    match output.format {
        MessageFormat::Text => {
            let mut text = String::new();
            for change in &report.changes {
                let _ = writeln!(text, "{}: {change}", kind(change));
            }
            let source = if all.source { "may have to change" } else { "can stay" };
            let _ = writeln!(
                text,
                "native encoding: {}; libcamera's encoding: {}; source code: {source}",
                all.native, all.libcamera
            );
            print(&text)?;
        }
        MessageFormat::Json => {
            let hash = |model: &ringfence_mojom::model::Model| {
                model.interface_hash(model.last()).map(|hash| format!("{hash:#018x}"))
            };
            let changes = report.changes.iter().map(change).collect::<Vec<_>>();
            let object = json!({
                "native": all.native.to_string(),
                "libcamera": all.libcamera.to_string(),
                "source": all.source,
                "hash": { "old": hash(&old), "new": hash(&new) },
                "changes": changes,
            });
            print(&format!("{object}\n"))?;
        }
    }
    let is_bad = encodings.iter().any(|encoding| match encoding {
        Encoding::Native => all.native > Effect::None,
        Encoding::Libcamera => all.libcamera > Effect::None,
    });
    Ok(if is_bad { Verdict::Bad } else { Verdict::Good })
}

/// The first word about a change: the worst that it does, and to which encodings.
fn kind(change: &Change) -> String {
    let Effects { native, libcamera, source } = change.effects;
    match (native, libcamera) {
        (Effect::None, Effect::None) if source => "source only".to_owned(),
        (Effect::None, Effect::None) => "note".to_owned(),
        (native, libcamera) if native == libcamera => native.to_string(),
        (native, Effect::None) => format!("{native} (native)"),
        (Effect::None, libcamera) => format!("{libcamera} (libcamera)"),
        (native, libcamera) => format!("{native} (native), {libcamera} (libcamera)"),
    }
}

fn change(change: &Change) -> Value {
    let Effects { native, libcamera, source } = change.effects;
    json!({
        "item": change.item,
        "message": change.message,
        "native": native.to_string(),
        "libcamera": libcamera.to_string(),
        "source": source,
    })
}
