//! What goes wrong, in one line and with an exit code.

use std::fmt::Display;
use std::process::ExitCode;

/// Why the command ends without having done its work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// What the user gave cannot be used: exit code 2.
    #[error("{0}")]
    Input(String),
    /// The work itself failed: exit code 1.
    #[error("{0}")]
    Work(String),
}

impl Failure {
    /// The user's input is at fault.
    pub fn input(what: impl Display) -> Self {
        Self::Input(what.to_string())
    }

    /// The work failed.
    pub fn work(what: impl Display) -> Self {
        Self::Work(what.to_string())
    }

    /// The exit code that tells which it was.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Input(_) => ExitCode::from(2),
            Self::Work(_) => ExitCode::FAILURE,
        }
    }
}
