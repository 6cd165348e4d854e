//! What is started as a worker.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ipc::elevated::is_elevated;

/// Where the system keeps programs.
const SYSTEM: &str = "/usr/local/bin:/usr/bin:/bin";

/// A program to be started, and what it needs.
#[derive(Debug, Clone, Default)]
pub(in crate::ipc) struct Program {
    /// Its path; looked for in `PATH` if there is no slash in it, or where the system keeps programs if `PATH` is not ours.
    pub path: PathBuf,
    /// What it is told to be called.
    pub name: Option<OsString>,
    pub args: Vec<OsString>,
    /// The whole of its environment.
    pub variables: Vec<(OsString, OsString)>,
    /// The files of modules that it loads, whose libraries it needs too.
    pub modules: Vec<PathBuf>,
    /// Files and folders that it reads.
    pub reads: Vec<PathBuf>,
    /// The file of a module that it loads from this descriptor, which has the same number there. It needs the libraries of
    /// that, too.
    pub passed: Option<Arc<OwnedFd>>,
    /// Whether libraries of it try to start processes and to connect by themselves, and do without.
    pub bold: bool,
}

impl Program {
    /// The path to execute.
    pub(super) fn file(&self) -> PathBuf {
        if self.path.as_os_str().as_bytes().contains(&b'/') {
            return self.path.clone();
        }
        self.file_in(env::var_os("PATH").filter(|_| !is_elevated()).as_deref())
    }

    fn file_in(&self, folders: Option<&OsStr>) -> PathBuf {
        let folders = folders.unwrap_or(OsStr::new(SYSTEM));
        let found =
            env::split_paths(folders).map(|folder| folder.join(&self.path)).find(|path| path.is_file());
        // Not what lies in the current folder, which may be anybody's. That there is no such program is found when it is started.
        found.unwrap_or_else(|| Path::new("/nowhere").join(&self.path))
    }

    /// The value of one of its variables.
    pub(super) fn variable(&self, name: &str) -> Option<&OsStr> {
        let found = self.variables.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_os_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_looked_for_where_the_list_says_and_nowhere_else() {
        let at = |name: &str, list: Option<&str>| {
            let program = Program { path: name.into(), ..Program::default() };
            program.file_in(list.map(OsStr::new))
        };
        assert!(at("sh", Some("/nowhere:/bin")).starts_with("/bin"));
        assert!(["/usr/bin/sh", "/bin/sh"].iter().any(|path| at("sh", None) == Path::new(path)));
        // The folder in which tests run has one.
        assert!(Path::new("Cargo.toml").is_file());
        for list in [None, Some("/nowhere")] {
            assert!(!at("Cargo.toml", list).is_file());
        }
    }
}
