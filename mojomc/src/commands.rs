//! What the commands do.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use ringfence_mojom::compat::{self, Change, Effect, Effects};
use ringfence_mojom::format::format_text;
use ringfence_mojom::model::Model;
use ringfence_mojom::{Checked, Code, Config, Diagnostic, Diagnostics, configure};
use serde_json::{Value, json};

use crate::cli::{Cli, Command, Encoding, MessageFormat};
use crate::dump;
use crate::output::{Output, print};

/// What came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Good,
    /// Files differ from what they should be; which ones was printed.
    Bad,
}

pub fn run(cli: &Cli, output: &Output) -> Result<Verdict, Diagnostics> {
    let config = cli.includes.iter().fold(configure(), |config, directory| config.include(directory));
    match &cli.command {
        Command::Check { files } => {
            checked(&config, files, output)?;
        }
        Command::Rust { file, output: target, runtime, externs } => {
            let externs = externs.iter();
            let config = externs.fold(config.runtime_path(runtime), |config, (module, path)| {
                config.extern_module(module, path)
            });
            rust(&config, file, target.as_deref(), output)?;
        }
        Command::Fmt { files, check } => return fmt(files, *check, output),
        Command::Dump { file } => {
            let model = checked(&config, &[file], output)?;
            print(&format!("{:#}\n", dump::model(&model)))?;
        }
        Command::Compat { old, new, encoding } => return compare(&config, old, new, encoding, output),
    }
    Ok(Verdict::Good)
}

/// What the files mean, once the warnings are printed.
fn checked(config: &Config, files: &[impl AsRef<Path>], output: &Output) -> Result<Model, Diagnostics> {
    let Checked { model, warnings, .. } = config.check(files)?;
    output.diagnostics(&warnings);
    Ok(model)
}

fn rust(config: &Config, file: &Path, target: Option<&Path>, output: &Output) -> Result<(), Diagnostics> {
    let generated = config.generate(file)?;
    output.diagnostics(&generated.warnings);
    match target {
        Some(path) => write(path, &generated.code),
        None => print(&generated.code),
    }
}

/// Formats all files that can be; what is wrong with others comes at the end.
fn fmt(files: &[PathBuf], check: bool, output: &Output) -> Result<Verdict, Diagnostics> {
    let mut verdict = Verdict::Good;
    for file in files {
        match fmt_file(file, check) {
            Ok(true) => {}
            Ok(false) => verdict = Verdict::Bad,
            Err(diagnostics) => {
                output.diagnostics(&diagnostics);
                verdict = Verdict::Bad;
            }
        }
    }
    Ok(verdict)
}

/// Formats a file; returns `false` if it only was to be checked and is not formatted.
fn fmt_file(file: &Path, check: bool) -> Result<bool, Diagnostics> {
    let is_stdin = file == Path::new("-");
    let name = if is_stdin { Path::new("<standard input>") } else { file };
    let text = if is_stdin { read_stdin() } else { std::fs::read_to_string(file) };
    let text = text.map_err(|error| {
        Diagnostic::about(Code::FileUnreadable, name, format!("the file cannot be read: {error}"))
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

fn write(path: &Path, text: &str) -> Result<(), Diagnostics> {
    std::fs::write(path, text).map_err(|error| {
        Diagnostic::about(Code::CannotWrite, path, format!("the file cannot be written: {error}")).into()
    })
}

fn compare(
    config: &Config,
    old: &Path,
    new: &Path,
    encodings: &[Encoding],
    output: &Output,
) -> Result<Verdict, Diagnostics> {
    let (old, new) = (checked(config, &[old], output)?, checked(config, &[new], output)?);
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
            let hash = |model: &Model| model.interface_hash(model.last()).map(|hash| format!("{hash:#018x}"));
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
