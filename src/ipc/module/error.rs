//! Why a file is no module that could be used.

use std::io;
use std::path::PathBuf;

use rustix::io::Errno;

use super::{ElfError, Misfit, RecordError};

/// Why a file is no module that could be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModuleError {
    /// The file cannot be read.
    #[error("the module {} cannot be read: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is a folder, a pipe, a device.
    #[error("the module {} is no regular file", path.display())]
    NotAFile {
        /// What is there.
        path: PathBuf,
    },
    /// It is larger than any module.
    #[error("the module {} has more than {limit} bytes, the most that a module may have", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most, in bytes.
        limit: u64,
    },
    /// The sealed copy could not be made.
    #[error("the module {} cannot be copied: {call} failed: {errno}", path.display())]
    Copy {
        /// The file.
        path: PathBuf,
        /// The system call.
        call: &'static str,
        /// What the kernel said.
        errno: Errno,
    },
    /// The descriptor that a host has passed on is no sealed copy.
    #[error("{} is no sealed copy of a module, which a host has to pass on", path.display())]
    NotSealed {
        /// The descriptor.
        path: PathBuf,
    },
    /// It is no shared object of this machine with the symbols of a module.
    #[error("{} is no module for this host: {problem}", path.display())]
    Elf {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: ElfError,
    },
    /// What it says of itself makes no sense.
    #[error("the record of the module {} is malformed: {problem}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: RecordError,
    },
    /// It is a module, but not the one that the host wants.
    #[error("the module {} does not fit: {problem}", path.display())]
    Misfit {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        problem: Misfit,
    },
    /// The dynamic linker refuses it.
    #[error("the module {} cannot be loaded: {reason}", path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// What the dynamic linker said.
        reason: String,
    },
    /// What was loaded says something else of itself than the file did.
    #[error("the module {} has another record once it is loaded than in its file; it is not used", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
}
