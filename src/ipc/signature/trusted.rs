//! The keys whose signatures count.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use ed25519_dalek::VerifyingKey;
use ed25519_dalek::pkcs8::DecodePublicKey;
use rustix::fs::Dir;

use super::file::Opened;
use super::key::{KeyId, only_ours, open_key, read_key};
use super::{KeyError, RECORD_BYTES, Signature, message};

/// What a public key is.
const PUBLIC: &str = "public ed25519 key in PEM (SPKI), as `ringfence keygen` makes";

/// A key whose signatures count, and where it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey {
    key: VerifyingKey,
    place: String,
}

impl TrustedKey {
    /// By what the key is known.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId::of(&self.key)
    }

    /// Path of its file, or a word that it was given as text.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }
}

/// The keys whose signatures count. Whoever has one of them can let code run in the host's own process.
///
/// ```
/// use ringfence::ipc::signature::TrustedKeys;
///
/// let keys = TrustedKeys::none().add_pem(
///     "-----BEGIN PUBLIC KEY-----
/// MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
/// -----END PUBLIC KEY-----",
/// )?;
/// assert_eq!(keys.iter().count(), 1);
/// assert!(TrustedKeys::none().add_folder("/nowhere").unwrap_err().is_missing());
/// # Ok::<_, ringfence::ipc::signature::KeyError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct TrustedKeys {
    keys: Vec<TrustedKey>,
}

impl TrustedKeys {
    /// No signature counts.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// With the key in this text: SPKI in PEM, as `openssl pkey -pubout` prints it.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] or [`KeyError::Weak`].
    pub fn add_pem(mut self, pem: &str) -> Result<Self, KeyError> {
        self.add(pem, "a key given as text")?;
        Ok(self)
    }

    /// With the key in this file, which must be root's or this user's, and which nobody else may be able to write.
    ///
    /// # Errors
    /// [`KeyError`] if it cannot be read, others can change it, or it is no key.
    pub fn add_file(mut self, path: impl AsRef<Path>) -> Result<Self, KeyError> {
        self.add_at(rustix::fs::CWD, path.as_ref(), path.as_ref())?;
        Ok(self)
    }

    /// With the keys in this folder: those files in it whose names end in `.pub` and do not begin with a dot.
    ///
    /// The folder and each key must be root's or this user's, and nobody else may be able to write them. The folders above it
    /// need not be looked at: what others could put in its place would not be theirs either.
    ///
    /// # Errors
    /// [`KeyError`] if the folder cannot be read, others can change it or a key, or a file is no key. Then none is added.
    pub fn add_folder(mut self, path: impl AsRef<Path>) -> Result<Self, KeyError> {
        let path = path.as_ref();
        let place = path.display().to_string();
        let unreadable = |source| KeyError::Unreadable { place: place.clone(), source };
        let folder = Opened::at(rustix::fs::CWD, path).map_err(unreadable)?;
        if !folder.is_folder() {
            return Err(KeyError::Kind { place, wanted: "folder" });
        }
        only_ours(&folder, &place)?;
        let entries = Dir::read_from(&folder).map_err(|errno| unreadable(errno.into()))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|errno| unreadable(errno.into()))?;
            let name = entry.file_name().to_bytes();
            if name.ends_with(b".pub") && !name.starts_with(b".") {
                names.push(name.to_vec());
            }
        }
        names.sort();
        for name in names {
            let name = Path::new(OsStr::from_bytes(&name));
            self.add_at(&folder, name, &path.join(name))?;
        }
        Ok(self)
    }

    /// The keys, in the order in which they are tried.
    pub fn iter(&self) -> impl Iterator<Item = &TrustedKey> {
        self.keys.iter()
    }

    /// Whether no signature counts.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key that has signed this file with this record, if one has.
    ///
    /// The check is the strict one: nobody but the key's owner can make another signature of a file out of one.
    #[must_use]
    pub fn verify(
        &self,
        file: &[u8],
        record: &[u8; RECORD_BYTES],
        signature: &Signature,
    ) -> Option<&TrustedKey> {
        if self.is_empty() {
            return None;
        }
        let message = message(file, record);
        let signature = ed25519_dalek::Signature::from_bytes(&signature.to_bytes());
        self.keys.iter().find(|trusted| trusted.key.verify_strict(&message, &signature).is_ok())
    }

    fn add_at(&mut self, folder: impl std::os::fd::AsFd, path: &Path, whole: &Path) -> Result<(), KeyError> {
        let place = whole.display().to_string();
        let text = read_key(&open_key(folder, path, &place)?, &place)?;
        self.add(&text, &place)
    }

    fn add(&mut self, pem: &str, place: &str) -> Result<(), KeyError> {
        let key = VerifyingKey::from_public_key_pem(pem.trim()).map_err(|error| KeyError::Malformed {
            place: place.to_owned(),
            wanted: PUBLIC,
            problem: error.to_string(),
        })?;
        if key.is_weak() {
            return Err(KeyError::Weak { place: place.to_owned() });
        }
        if self.keys.iter().all(|known| known.key != key) {
            self.keys.push(TrustedKey { key, place: place.to_owned() });
        }
        Ok(())
    }
}
