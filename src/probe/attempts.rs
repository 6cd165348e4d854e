//! The list of what is tried.

use std::os::fd::BorrowedFd;

use rustix::io::Errno;

use super::ground::Ground;
use super::{buffers, files, processes, system};

/// When an attempt is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// As the module is loaded: files may still be read and programs mapped, but not these.
    Loading,
    /// In a call to the module.
    Serving,
}

/// What an attempt needs to succeed where there is no sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: it succeeds anywhere.
    Nothing,
    /// Privileges, or a setting or a part of the kernel that not every system has.
    Favour,
    /// It cannot succeed: what it tries to break holds without a sandbox.
    Impossible,
}

/// Something that a worker may not do.
#[derive(Clone, Copy)]
pub struct Attempt {
    /// A short name.
    pub name: &'static str,
    /// What is tried.
    pub what: &'static str,
    /// When.
    pub stage: Stage,
    /// What it takes where there is no sandbox.
    pub need: Need,
    /// Errors which show that the kernel would have done it: the attempt is made with arguments that do no harm.
    pub(super) reached: &'static [Errno],
    pub(super) run: Run,
}

/// Makes an attempt on this ground and this buffer.
pub(super) type Run = fn(&Ground, BorrowedFd<'_>) -> Result<(), Errno>;

impl std::fmt::Debug for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attempt")
            .field("name", &self.name)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

impl Attempt {
    pub(super) const fn new(name: &'static str, what: &'static str, run: Run) -> Self {
        Self { name, what, stage: Stage::Serving, need: Need::Nothing, reached: &[], run }
    }

    pub(super) const fn reached(self, errnos: &'static [Errno]) -> Self {
        Self { reached: errnos, ..self }
    }

    pub(super) const fn needs(self, need: Need) -> Self {
        Self { need, ..self }
    }
}

/// Everything that is tried: all of it in a call, and what concerns files and programs as the module is loaded, too.
///
/// ```
/// use ringfence::probe::{Need, Stage, attempts};
///
/// let (loading, serving): (Vec<_>, Vec<_>) =
///     attempts().into_iter().partition(|attempt| attempt.stage == Stage::Loading);
/// assert!(!loading.is_empty() && loading.len() < serving.len());
/// assert!(serving.iter().any(|attempt| attempt.need == Need::Nothing));
/// ```
#[must_use]
pub fn attempts() -> Vec<Attempt> {
    let serving = [files::ATTEMPTS, processes::ATTEMPTS, buffers::ATTEMPTS, system::ATTEMPTS].concat();
    let loading = [files::ATTEMPTS, processes::ATTEMPTS].concat();
    let loading = loading.into_iter().map(|attempt| Attempt { stage: Stage::Loading, ..attempt });
    loading.chain(serving).collect()
}
