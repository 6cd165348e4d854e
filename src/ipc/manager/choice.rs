//! A module that was chosen, with all that it takes to run it.

#![forbid(unsafe_code)]

use std::path::PathBuf;

use super::{Candidate, Linked, Origin, SignatureState};
use crate::ipc::module::{ModuleFile, ModuleInfo};
use crate::ipc::{Mode, Worker};

/// How a module runs, with what that needs.
#[derive(Debug, Clone)]
pub(in crate::ipc) enum Run {
    /// As an object of this program.
    Direct(Linked),
    /// In a thread, which loads this copy.
    Threaded(ModuleFile),
    /// In this worker.
    Isolated(Worker),
}

impl Run {
    pub(super) fn mode(&self) -> Mode {
        match self {
            Self::Direct(_) => Mode::Direct,
            Self::Threaded(_) => Mode::Threaded,
            Self::Isolated(_) => Mode::Isolated,
        }
    }
}

/// A module that a [`Manager`](super::Manager) has chosen, and how it runs. A generated proxy's `open` runs it, as often as
/// one likes: what runs is what was chosen, even if its file has changed.
#[derive(Debug, Clone)]
pub struct Choice {
    pub(super) candidate: Candidate,
    info: ModuleInfo,
    run: Run,
}

impl Choice {
    pub(super) fn new(candidate: Candidate, run: Run) -> Self {
        let info = candidate.info.clone().expect("what may run says what it is");
        Self { candidate, info, run }
    }

    /// How it runs.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.run.mode()
    }

    /// Why it runs so.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.candidate.reason()
    }

    /// What the module says of itself, or what the program says of what it has linked in.
    #[must_use]
    pub fn info(&self) -> &ModuleInfo {
        &self.info
    }

    /// Where it is from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        self.candidate.origin()
    }

    /// How it stands with its signature; `None` for what is linked in.
    #[must_use]
    pub fn signature(&self) -> Option<&SignatureState> {
        self.candidate.signature()
    }

    /// Lets the worker read this file, or what is in this folder and below it, if the module is isolated. In this process
    /// it can read whatever the process can.
    #[must_use]
    pub fn reads(mut self, path: impl Into<PathBuf>) -> Self {
        if let Run::Isolated(worker) = self.run {
            self.run = Run::Isolated(worker.reads(path));
        }
        self
    }

    /// How it runs, with what that needs.
    pub(in crate::ipc) fn run(&self) -> &Run {
        &self.run
    }
}
