//! What the search came upon, and what is thought of it.

#![forbid(unsafe_code)]

use std::fmt;
use std::path::{Path, PathBuf};

use super::choice::Run;
use crate::ipc::Mode;
use crate::ipc::module::ModuleInfo;

/// Where something was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// It is linked into this program.
    Linked,
    /// In this file.
    File(PathBuf),
    /// It is this folder itself, of which no file could be looked at.
    Folder(PathBuf),
}

impl Origin {
    /// The path of the file or folder.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Linked => None,
            Self::File(path) | Self::Folder(path) => Some(path),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path() {
            Some(path) => path.display().fmt(f),
            None => f.write_str("linked in"),
        }
    }
}

/// How it stands with the signature of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureState {
    /// There is none.
    Missing,
    /// There is one, and no keys are trusted by which it could be judged.
    Unjudged,
    /// A trusted key has signed this very file.
    Valid {
        /// The key's [id](crate::ipc::signature::KeyId).
        key: crate::ipc::signature::KeyId,
        /// Where the key is from.
        place: String,
    },
    /// There is one, and it is no signature of this file by a trusted key.
    Invalid {
        /// What is wrong.
        reason: String,
    },
}

impl fmt::Display for SignatureState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("none"),
            Self::Unjudged => f.write_str("not judged, as no keys are trusted"),
            Self::Valid { key, place } => write!(f, "valid, by key {key} ({place})"),
            Self::Invalid { reason } => write!(f, "INVALID: {reason}"),
        }
    }
}

/// Something that the search came upon: a module, or a file or folder that was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub(super) origin: Origin,
    pub(super) info: Option<ModuleInfo>,
    pub(super) signature: Option<SignatureState>,
    pub(super) mode: Option<Mode>,
    pub(super) reason: String,
}

impl Candidate {
    /// Where it is.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What it says of itself, if it is a module.
    #[must_use]
    pub fn info(&self) -> Option<&ModuleInfo> {
        self.info.as_ref()
    }

    /// How it stands with its signature. What is linked in, and what was passed over before that, has none to be looked at.
    #[must_use]
    pub fn signature(&self) -> Option<&SignatureState> {
        self.signature.as_ref()
    }

    /// How it would run; `None` if it would not.
    #[must_use]
    pub fn mode(&self) -> Option<Mode> {
        self.mode
    }

    /// Why it would run so, or why it would not.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// A candidate, and how to run it, if it may run.
#[derive(Debug)]
pub(super) struct Examined {
    pub candidate: Candidate,
    pub run: Option<Run>,
}

impl Examined {
    /// Something that is not looked at further.
    pub(super) fn passed_over(origin: Origin, reason: impl Into<String>) -> Self {
        let candidate = Candidate { origin, info: None, signature: None, mode: None, reason: reason.into() };
        Self { candidate, run: None }
    }
}
