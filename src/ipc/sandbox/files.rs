//! The file-system fence: Landlock rules for the files that a worker may read.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetError, Scope,
};

use super::libraries::{self, needed};

/// The newest version of Landlock whose rights are all denied; a kernel that knows fewer denies those.
const NEWEST: ABI = ABI::V7;

/// What every program may read: devices without memory, the linker's list, and how to write dates and texts.
const COMMON: [&str; 5] =
    ["/dev/urandom", libraries::CACHE, "/etc/localtime", "/usr/share/zoneinfo", "/usr/lib/locale"];

/// Files that a worker needs.
#[derive(Debug)]
pub(super) struct Files<'a> {
    /// The program, and what else it loads: modules.
    pub program: &'a Path,
    pub modules: &'a [PathBuf],
    /// Modules that it has already, whose libraries it needs.
    pub passed: &'a [PathBuf],
    /// Files and folders of the worker and of the policy.
    pub reads: &'a [&'a [PathBuf]],
    pub library_path: Option<&'a OsStr>,
}

impl Files<'_> {
    /// The rules, for a thread to put itself under; `None` if the kernel has no Landlock.
    pub fn ruleset(&self) -> Result<Option<OwnedFd>, RulesetError> {
        let mut rules = Rules(
            Ruleset::default()
                .handle_access(AccessFs::from_all(NEWEST))?
                .handle_access(AccessNet::from_all(NEWEST))?
                .scope(Scope::from_all(NEWEST))?
                .create()?,
        );
        let modules = [self.modules, self.passed].concat();
        let needed = needed(self.program, &modules, self.library_path);
        let (read, run) = (AccessFs::ReadFile, AccessFs::ReadFile | AccessFs::Execute);
        rules.allow("/dev/null", read | AccessFs::WriteFile)?;
        for path in COMMON {
            rules.allow(path, read | AccessFs::ReadDir)?;
        }
        rules.allow(self.program, run)?;
        for path in &needed.interpreters {
            rules.allow(path, run)?;
        }
        for path in needed.libraries.iter().chain(self.modules) {
            rules.allow(path, read.into())?;
        }
        for path in self.reads.iter().copied().flatten() {
            rules.allow(path, read | AccessFs::ReadDir)?;
        }
        Ok(rules.0.into())
    }
}

struct Rules(RulesetCreated);

impl Rules {
    /// Allows `access` to what is at `path`, if anything is.
    fn allow(&mut self, path: impl AsRef<Path>, access: BitFlags<AccessFs>) -> Result<(), RulesetError> {
        let Ok(fd) = PathFd::new(path.as_ref()) else {
            tracing::debug!(path = %path.as_ref().display(), "a worker could read it if it existed");
            return Ok(());
        };
        // A file has no entries to list.
        let access = if path.as_ref().is_dir() { access } else { access & AccessFs::from_file(NEWEST) };
        (&mut self.0).add_rule(PathBeneath::new(fd, access)).map(drop)
    }
}
