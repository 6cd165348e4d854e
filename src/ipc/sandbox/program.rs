//! What is started as a worker.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A program to be started, and what it needs.
#[derive(Debug, Clone, Default)]
pub(in crate::ipc) struct Program {
    /// Its path; looked for in `PATH` if there is no slash in it.
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
        let folders = env::var_os("PATH").unwrap_or_default();
        let found =
            env::split_paths(&folders).map(|folder| folder.join(&self.path)).find(|path| path.is_file());
        found.unwrap_or_else(|| Path::new(".").join(&self.path))
    }

    /// The value of one of its variables.
    pub(super) fn variable(&self, name: &str) -> Option<&OsStr> {
        let found = self.variables.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_os_str())
    }
}
