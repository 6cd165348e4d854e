//! The file-system fence: Landlock rules for the files that a worker may read.

use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
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
        for path in self.modules {
            rules.allow(path, read.into())?;
        }
        for library in needed.libraries.iter().filter_map(|path| open_shared_object(path)) {
            rules.allow_opened(library, read.into())?;
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
        self.allow_opened(fd, access)
    }

    fn allow_opened(&mut self, fd: PathFd, access: BitFlags<AccessFs>) -> Result<(), RulesetError> {
        (&mut self.0).add_rule(PathBeneath::new(fd, access)).map(drop)
    }
}

/// What is at `path`, if it is a shared object. Judged once it is open: whoever can write to the folder could have put something
/// else there since it was found.
fn open_shared_object(path: &Path) -> Option<PathFd> {
    let fd = PathFd::new(path).ok()?;
    let opened = PathBuf::from(format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd()));
    libraries::is_shared_object(&opened).then_some(fd)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_is_no_shared_object_any_more_is_not_to_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let (secret, library) = (folder.path().join("secret"), folder.path().join("library.so"));
        fs::write(&secret, "a key").unwrap();
        symlink(std::env::current_exe().unwrap(), &library).unwrap();
        assert!(open_shared_object(&library).is_some());
        fs::remove_file(&library).unwrap();
        symlink(&secret, &library).unwrap();
        assert!(open_shared_object(&library).is_none());
        assert!(open_shared_object(folder.path()).is_none());
        assert!(open_shared_object(&folder.path().join("missing")).is_none());
    }
}
