//! Who vouches for a module's file: keys, and signatures that lie beside what they sign.
//!
//! A signature is a file of 64 bytes, `FILE.sig` beside `FILE`: ed25519 (RFC 8032) over a few fixed bytes, the length of the
//! file, the file, and the record that a host reads out of it. Keys are PEM files as OpenSSL makes and reads them. The
//! [manager](super::manager) and the command line call this module; it must never know what a module is, nor how one runs.
//!
//! ```
//! use ringfence::ipc::signature::{SigningKey, TrustedKeys};
//!
//! let key = SigningKey::generate()?;
//! let (file, record) = (b"what a linker wrote", [7; 512]);
//! let signature = key.sign(file, &record);
//!
//! let keys = TrustedKeys::none().add_pem(&key.public_pem())?;
//! assert_eq!(keys.verify(file, &record, &signature).map(|key| key.id()), Some(key.id()));
//! assert!(keys.verify(b"something else", &record, &signature).is_none());
//! # Ok::<_, ringfence::ipc::signature::KeyError>(())
//! ```
#![forbid(unsafe_code)]

mod error;
mod file;
mod key;
mod trusted;

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

pub use error::{KeyError, SignatureError};
pub use key::{KeyId, SigningKey};
pub use trusted::{TrustedKey, TrustedKeys};

/// What is signed begins with this, so that no signature that was made for anything else is one of a module.
const CONTEXT: &[u8] = b"ringfence module signature 1\0";

/// Bytes of the record that is signed with the file.
pub const RECORD_BYTES: usize = 512;

/// The bytes over which a signature is made.
///
/// The length comes first, so that file and record cannot be cut at another place.
fn message(file: &[u8], record: &[u8; RECORD_BYTES]) -> Vec<u8> {
    let length = (file.len() as u64).to_le_bytes();
    [CONTEXT, &length, file, record].concat()
}

/// A signature of a module's file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; Signature::BYTES]);

impl Signature {
    /// Bytes of a signature, and of its file.
    pub const BYTES: usize = 64;

    /// The signature with these bytes, be it valid or not.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        self.0
    }

    /// Where the signature of `file` lies: `FILE.sig`.
    #[must_use]
    pub fn path_of(file: &Path) -> PathBuf {
        let mut path = OsString::from(file);
        path.push(".sig");
        path.into()
    }

    /// The signature that lies beside `file`; `None` if there is nothing.
    ///
    /// # Errors
    /// [`SignatureError`] if what lies there is no regular file of 64 bytes, or cannot be read. A link is followed, and
    /// one that leads nowhere cannot be read.
    pub fn beside(file: &Path) -> Result<Option<Self>, SignatureError> {
        let path = Self::path_of(file);
        let unreadable = |source| SignatureError::Unreadable { path: path.clone(), source };
        let opened = match file::Opened::at(rustix::fs::CWD, &path) {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err() => {
                return Ok(None);
            }
            Err(error) => return Err(unreadable(error)),
        };
        if !opened.is_regular() {
            return Err(SignatureError::NotAFile { path });
        }
        let bytes = opened.read(Self::BYTES + 1).map_err(unreadable)?;
        match bytes.as_slice().try_into() {
            Ok(bytes) => Ok(Some(Self(bytes))),
            Err(_) => Err(SignatureError::Length {
                path,
                bytes: bytes.len().max(usize::try_from(opened.bytes()).unwrap_or(usize::MAX)),
            }),
        }
    }

    /// Writes it beside `file`, in place of one that lies there, and returns where. Whoever looks meanwhile finds the old
    /// one or the new one, and never a part.
    ///
    /// # Errors
    /// [`SignatureError::Unwritable`].
    pub fn write_beside(&self, file: &Path) -> Result<PathBuf, SignatureError> {
        let path = Self::path_of(file);
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let write = || {
            let mut new = tempfile::Builder::new().prefix(".signature-").tempfile_in(folder)?;
            new.write_all(&self.0)?;
            new.as_file().set_permissions(PermissionsExt::from_mode(0o644))?;
            new.as_file().sync_all()?;
            new.persist(&path).map_err(|error| error.error)
        };
        match write() {
            Ok(_) => Ok(path),
            Err(source) => Err(SignatureError::Unwritable { path, source }),
        }
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests;
