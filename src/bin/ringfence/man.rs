//! `ringfence man`: the manual, made of what the command line says of itself.

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command};
use clap_mangen::Man;
use serde_json::json;

use crate::cli;
use crate::failure::Failure;
use crate::output::{print, print_json};

/// Which pages, and where to.
#[derive(Debug, Args)]
#[command(after_help = "To read a page: ringfence man --page run | man -l -\n\
                        To install all: ringfence man ~/.local/share/man/man1")]
pub struct ManArgs {
    /// Folder for all pages, a file each, instead of one page on standard output
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    /// The page of a command, such as `run` or `wire-decode`, instead of the program's
    #[arg(long, value_name = "COMMAND", conflicts_with = "dir")]
    page: Option<String>,
    /// Print one JSON object: the files that were written, or the page
    #[arg(long)]
    json: bool,
}

/// A page of the manual.
struct Page {
    /// Such as `ringfence-run.1`.
    file: String,
    text: String,
}

/// Prints a page, or writes all of them.
pub fn man(args: &ManArgs) -> Result<ExitCode, Failure> {
    let pages = pages(cli::command())?;
    match &args.dir {
        Some(dir) => {
            let refuse = |path: &PathBuf, error| Failure::input(format!("{}: {error}", path.display()));
            fs::create_dir_all(dir).map_err(|error| refuse(dir, error))?;
            let mut written = Vec::new();
            for page in &pages {
                let path = dir.join(&page.file);
                fs::write(&path, &page.text).map_err(|error| refuse(&path, error))?;
                written.push(path.display().to_string());
            }
            if args.json {
                print_json(&json!({ "written": written }))?;
            } else {
                print(&written.iter().map(|path| format!("wrote {path}\n")).collect::<String>())?;
            }
        }
        None => {
            let page = chosen(&pages, args.page.as_deref())?;
            if args.json {
                print_json(&json!({ "file": page.file, "text": page.text }))?;
            } else {
                print(&page.text)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The page of this command, or of the program.
fn chosen<'a>(pages: &'a [Page], command: Option<&str>) -> Result<&'a Page, Failure> {
    let name = command.map_or_else(
        || "ringfence".to_owned(),
        |command| format!("ringfence-{}", command.trim_start_matches("ringfence-").replace(' ', "-")),
    );
    pages.iter().find(|page| page.file == format!("{name}.1")).ok_or_else(|| {
        let known: Vec<_> = pages.iter().filter_map(|page| page.file.strip_prefix("ringfence-")).collect();
        let known = known.join(", ").replace(".1", "");
        Failure::input(format!("there is no page {name}; there are {known}"))
    })
}

/// The page of the program, and that of each command.
fn pages(command: Command) -> Result<Vec<Page>, Failure> {
    // Each command has `--help`; that there is a `help` too needs no page of its own for each.
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    let mut commands = vec![command];
    while let Some(command) = commands.pop() {
        let subcommands = command.get_subcommands().filter(|sub| !sub.is_hide_set());
        commands.extend(subcommands.cloned());
        let version = env!("CARGO_PKG_VERSION");
        let man = Man::new(command).manual("ringfence").source(format!("ringfence {version}"));
        let mut text = Vec::new();
        man.render(&mut text).map_err(Failure::work)?;
        pages.push(Page { file: man.get_filename(), text: ascii(&String::from_utf8_lossy(&text)) });
    }
    pages.sort_by(|one, other| one.file.cmp(&other.file));
    Ok(pages)
}

/// What is not ASCII as typesetters name it, since not all of them read UTF-8.
fn ascii(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() {
            escaped.push(character);
        } else {
            let _ = write!(escaped, "\\[u{:04X}]", u32::from(character));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_with_its_options() {
        let pages = pages(cli::command()).unwrap();
        for (page, says) in [("ringfence.1", "\\-\\-frames"), ("ringfence-wire-decode.1", "\\-\\-interface")]
        {
            let page = pages.iter().find(|known| known.file == page).unwrap();
            assert!(page.text.contains(says), "{}", page.text);
        }
        assert!(pages.iter().all(|page| page.text.is_ascii()));
        assert_eq!(ascii("1, 3…"), "1, 3\\[u2026]");
        assert_eq!(chosen(&pages, Some("wire decode")).unwrap().file, "ringfence-wire-decode.1");
        assert_eq!(chosen(&pages, None).unwrap().file, "ringfence.1");
        let error = chosen(&pages, Some("walk")).err().unwrap().to_string();
        assert!(error.contains("there is no page ringfence-walk; there are bench, "), "{error}");
    }
}
