//! Why a worker could not be confined.

use rustix::io::Errno;

use super::{FilterError, Layers};

/// Why a worker could not be confined as the policy demands. It was not started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The kernel does not offer what the policy insists on.
    #[error(
        "the policy insists on {missing}, which this system does not offer; use a kernel that does, or lower the demand with `SandboxPolicy::minimum` or `SandboxPolicy::best_effort`"
    )]
    Missing {
        /// What is not to be had.
        missing: Layers,
    },
    /// A step failed in the worker's process, before it ran the program.
    #[error(
        "{call} failed in the worker's process: {errno}; `SandboxPolicy::best_effort` does without the layer, if that will do"
    )]
    Step {
        /// The system call.
        call: &'static str,
        /// What the kernel said.
        errno: Errno,
    },
    /// The file-system rules could not be made.
    #[error("the Landlock rules could not be made: {0}")]
    Files(#[from] landlock::RulesetError),
    /// There is no filter of system calls for this machine.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// A system call of the host failed.
    #[error("{call} failed: {errno}")]
    System {
        /// The system call.
        call: &'static str,
        /// What the kernel said.
        errno: Errno,
    },
    /// The worker's process ended before it ran its program, and said nothing.
    #[error("the worker's process ended before it ran its program")]
    Silent,
    /// The worker's process said nothing sensible in time.
    #[error("the worker's process did not come to run its program within {seconds} s")]
    Late {
        /// How long it was waited for.
        seconds: u64,
    },
    /// The program's name, an argument or a variable cannot be passed on.
    #[error("{text:?} contains a zero byte, which no argument or variable can")]
    ZeroByte {
        /// What it is.
        text: std::ffi::OsString,
    },
}
