//! What the environment says of modules, and whether it may.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::ipc::elevated::is_elevated;

/// Names folders with modules.
const PATH_VARIABLE: &str = "RINGFENCE_MODULE_PATH";
/// Isolates all modules.
pub(super) const FORCE_VARIABLE: &str = "RINGFENCE_FORCE_ISOLATION";

/// Why folders of the variable do not count.
const IGNORED: &str =
    "RINGFENCE_MODULE_PATH does not count in a program that runs with more rights than its caller";

/// What the environment says.
#[derive(Debug, Clone, Default)]
pub(super) struct Environment {
    pub path: Option<OsString>,
    pub forced: Option<OsString>,
    /// Whether whoever started this program has fewer rights than it has.
    pub is_elevated: bool,
}

impl Environment {
    pub(super) fn of_this_process() -> Self {
        Self {
            path: env::var_os(PATH_VARIABLE),
            forced: env::var_os(FORCE_VARIABLE),
            is_elevated: is_elevated(),
        }
    }

    /// The folders that it names, each with the reason why it does not count, if it does not.
    pub(super) fn folders(&self) -> Vec<(PathBuf, Option<&'static str>)> {
        let list = self.path.as_deref().map(OsStr::as_bytes).unwrap_or_default();
        // An empty one would be the current folder, which nobody means.
        let names = list.split(|byte| *byte == b':').filter(|name| !name.is_empty());
        names.map(|name| (OsStr::from_bytes(name).into(), self.is_elevated.then_some(IGNORED))).collect()
    }

    /// Whether all modules are to be isolated. Since it only tightens, it counts whoever says it.
    pub(super) fn forces_isolation(&self) -> bool {
        self.forced.as_ref().is_some_and(|value| !value.is_empty() && value != "0")
    }
}
