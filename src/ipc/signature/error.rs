//! Why keys and signatures cannot be used.

use std::io;
use std::path::PathBuf;

/// Why a key, or a folder of keys, cannot be used. `place` is its path, or says that it was given as text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It cannot be read.
    #[error("{place} cannot be read: {source}")]
    Unreadable {
        /// The key or folder.
        place: String,
        /// What the system said.
        source: io::Error,
    },
    /// It is something else.
    #[error("{place} is no {wanted}")]
    Kind {
        /// What was looked at.
        place: String,
        /// What it should be: a regular file, or a folder.
        wanted: &'static str,
    },
    /// No key is so long.
    #[error("{place} has more than {limit} bytes, which no key has")]
    TooLong {
        /// The key.
        place: String,
        /// The most that a key's file may have.
        limit: usize,
    },
    /// It belongs to somebody who could put another key in its place.
    #[error(
        "{place} belongs to user {owner}, who could change it: a trusted key and its folder must be root's or your own; `chown` it, or name another"
    )]
    Owner {
        /// The key or folder.
        place: String,
        /// Whose it is.
        owner: u32,
    },
    /// Others than its owner can write it.
    #[error("{place} can be written by others than its owner (mode {mode:04o}); mend it with `chmod go-w`")]
    Writable {
        /// The key or folder.
        place: String,
        /// Its permission bits.
        mode: u32,
    },
    /// Others than its owner can read a private key.
    #[error("{place} is a private key that others can read (mode {mode:04o}); mend it with `chmod 600`")]
    Exposed {
        /// The key.
        place: String,
        /// Its permission bits.
        mode: u32,
    },
    /// It is no ed25519 key in the form that is expected.
    #[error("{place} is no {wanted}: {problem}")]
    Malformed {
        /// The key.
        place: String,
        /// The form that is expected.
        wanted: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A public key for which everybody can make signatures.
    #[error(
        "{place} is a weak key, for which anybody can make signatures; make another with `ringfence keygen`"
    )]
    Weak {
        /// The key.
        place: String,
    },
    /// A key shall be written where there is something.
    #[error("{} exists, and no key is ever overwritten; name another file", path.display())]
    Exists {
        /// What is there.
        path: PathBuf,
    },
    /// A key cannot be written.
    #[error("{} cannot be written: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system has no random numbers for a key.
    #[error("the system gives no random numbers for a key: {0}")]
    Random(String),
}

impl KeyError {
    /// Whether there simply is no such key or folder.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Unreadable { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// Why a signature's file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// It cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The signature's file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is a folder, a pipe or a device.
    #[error("{} is no regular file", path.display())]
    NotAFile {
        /// The signature's file.
        path: PathBuf,
    },
    /// It has not the length of a signature.
    #[error("{} has {bytes} bytes, and a signature has 64", path.display())]
    Length {
        /// The signature's file.
        path: PathBuf,
        /// Its length.
        bytes: usize,
    },
    /// It cannot be written.
    #[error("{} cannot be written: {source}", path.display())]
    Unwritable {
        /// The signature's file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
