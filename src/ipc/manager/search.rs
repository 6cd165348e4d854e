//! The files in the folders of the search path.

#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What was found in a folder.
pub(super) enum Found {
    /// A file that could be a module.
    File(PathBuf),
    /// The folder's files, or the rest of them, cannot be looked at.
    Nothing { folder: PathBuf, reason: String },
}

/// What is in the folders, with the number of the folder: those that are named, those of a variable, each perhaps with the
/// reason why it does not count, and those built in. Of two of the same name the first counts.
pub(super) fn places(
    named: &[PathBuf],
    variable: Vec<(PathBuf, Option<&'static str>)>,
    built_in: &[&str],
) -> impl Iterator<Item = (usize, Found)> {
    let named = named.iter().map(|folder| (folder.clone(), None));
    let built_in = built_in.iter().map(|folder| (PathBuf::from(folder), None));
    let mut seen = BTreeSet::new();
    let folders: Vec<_> =
        named.chain(variable).chain(built_in).filter(|(folder, _)| seen.insert(folder.clone())).collect();
    folders.into_iter().enumerate().flat_map(|(number, (folder, ignored))| {
        let found = match ignored {
            Some(reason) => vec![Found::Nothing { folder, reason: reason.to_owned() }],
            None => files(&folder),
        };
        found.into_iter().map(move |found| (number, found))
    })
}

/// The files of a folder that could be modules, by name.
fn files(folder: &Path) -> Vec<Found> {
    let nothing = |error: &io::Error| Found::Nothing {
        folder: folder.to_owned(),
        reason: match error.kind() {
            io::ErrorKind::NotFound => "there is no such folder".to_owned(),
            _ => format!("the folder cannot be read: {error}"),
        },
    };
    let entries = match folder.read_dir() {
        Ok(entries) => entries,
        Err(error) => return vec![nothing(&error)],
    };
    let (mut paths, mut failure) = (Vec::new(), None);
    for entry in entries {
        match entry {
            Ok(entry) => {
                let name = entry.file_name();
                if name.as_bytes().ends_with(b".so") && !name.as_bytes().starts_with(b".") {
                    paths.push(entry.path());
                }
            }
            // The next would say the same, for ever.
            Err(error) => {
                failure = Some(nothing(&error));
                break;
            }
        }
    }
    if paths.is_empty() && failure.is_none() {
        let reason = "no file in it has a name that ends in .so".to_owned();
        failure = Some(Found::Nothing { folder: folder.to_owned(), reason });
    }
    paths.sort();
    paths.into_iter().map(Found::File).chain(failure).collect()
}
