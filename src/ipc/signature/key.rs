//! The key that signs.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::spki::der::zeroize::Zeroize;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, KeypairBytes};
use ed25519_dalek::{SecretKey, Signer, VerifyingKey};
use sha2::{Digest, Sha256};

use super::file::Opened;
use super::{KeyError, RECORD_BYTES, Signature, message};

/// No key's file is longer, with all that people write around it.
pub(super) const MAX_BYTES: usize = 16 << 10;

/// What a private key is.
const PRIVATE: &str = "private ed25519 key in PEM (PKCS#8), as `ringfence keygen` makes";

/// By what a key is known: the SHA-256 of its public half, as `openssl pkey -pubin -outform DER | sha256sum` prints it.
/// Shown as its first 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; 32]);

impl KeyId {
    pub(super) fn of(key: &VerifyingKey) -> Self {
        let document = key.to_public_key_der().expect("a public key has a fixed form");
        Self(Sha256::digest(document.as_bytes()).into())
    }

    /// All of it.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..8].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// A private key. It is wiped from memory when it is dropped, and never shown.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// A new key, of the system's random numbers.
    ///
    /// # Errors
    /// [`KeyError::Random`] if the system has none.
    pub fn generate() -> Result<Self, KeyError> {
        let mut secret = SecretKey::default();
        getrandom::fill(&mut secret).map_err(|error| KeyError::Random(error.to_string()))?;
        let key = Self(ed25519_dalek::SigningKey::from_bytes(&secret));
        secret.zeroize();
        Ok(key)
    }

    /// The key in this text: PKCS#8 in PEM, as `openssl genpkey -algorithm ed25519` prints it.
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        Self::parse(pem, "the key given as text")
    }

    fn parse(pem: &str, place: &str) -> Result<Self, KeyError> {
        let malformed =
            |problem: String| KeyError::Malformed { place: place.to_owned(), wanted: PRIVATE, problem };
        ed25519_dalek::SigningKey::from_pkcs8_pem(pem.trim())
            .map(Self)
            .map_err(|error| malformed(error.to_string()))
    }

    /// The key in a file that nobody else can read.
    ///
    /// # Errors
    /// [`KeyError`] if it cannot be read, is somebody else's, can be read by others, or is no key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let place = path.display().to_string();
        let file = open_key(rustix::fs::CWD, path, &place)?;
        let mut text = read_key(&file, &place)?;
        let key = Self::parse(&text, &place);
        text.zeroize();
        // Others may read what is no private key, such as the public half.
        let (key, mode) = (key?, file.permissions());
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed { place, mode });
        }
        Ok(key)
    }

    /// Writes the private half to `private`, for its owner alone, and the public half to `public`, for everybody to read.
    ///
    /// # Errors
    /// [`KeyError::Exists`] if one of the files is there, [`KeyError::Unwritable`] if one cannot be made. Then neither is
    /// left behind.
    pub fn write(&self, private: &Path, public: &Path) -> Result<(), KeyError> {
        let mut text = self.private_pem();
        let written = create(private, 0o600, &text);
        text.zeroize();
        written?;
        create(public, 0o644, &self.public_pem()).inspect_err(|_| drop(fs::remove_file(private)))
    }

    /// PKCS#8 of its first version, without the public half: OpenSSL before 3.6 reads no other.
    fn private_pem(&self) -> String {
        let pair = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        let pem = pair.to_pkcs8_pem(LineEnding::LF).expect("a private key has a fixed form");
        pem.as_str().to_owned()
    }

    /// The public half in PEM (SPKI), for [`TrustedKeys::add_pem`](super::TrustedKeys::add_pem).
    #[must_use]
    pub fn public_pem(&self) -> String {
        self.0.verifying_key().to_public_key_pem(LineEnding::LF).expect("a public key has a fixed form")
    }

    /// By what the key is known.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId::of(&self.0.verifying_key())
    }

    /// Signs a module's file, and the record in it.
    #[must_use]
    pub fn sign(&self, file: &[u8], record: &[u8; RECORD_BYTES]) -> Signature {
        Signature::from_bytes(self.0.sign(&message(file, record)).to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.id())
    }
}

/// Opens a key that is root's or this user's, and that nobody else can write.
pub(super) fn open_key(folder: impl std::os::fd::AsFd, path: &Path, place: &str) -> Result<Opened, KeyError> {
    let file = Opened::at(folder, path)
        .map_err(|source| KeyError::Unreadable { place: place.to_owned(), source })?;
    if !file.is_regular() {
        return Err(KeyError::Kind { place: place.to_owned(), wanted: "regular file" });
    }
    only_ours(&file, place)?;
    Ok(file)
}

/// Whether nobody but root and this user can change it.
pub(super) fn only_ours(opened: &Opened, place: &str) -> Result<(), KeyError> {
    let (owner, mode) = (opened.owner(), opened.permissions());
    if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        return Err(KeyError::Owner { place: place.to_owned(), owner });
    }
    if mode & 0o022 != 0 {
        return Err(KeyError::Writable { place: place.to_owned(), mode });
    }
    Ok(())
}

/// The text in a key's file.
pub(super) fn read_key(file: &Opened, place: &str) -> Result<String, KeyError> {
    let unreadable = |source| KeyError::Unreadable { place: place.to_owned(), source };
    let bytes = file.read(MAX_BYTES + 1).map_err(unreadable)?;
    if bytes.len() > MAX_BYTES {
        return Err(KeyError::TooLong { place: place.to_owned(), limit: MAX_BYTES });
    }
    String::from_utf8(bytes).map_err(|_| KeyError::Malformed {
        place: place.to_owned(),
        wanted: "key in PEM",
        problem: "it is no text".to_owned(),
    })
}

/// Makes a file that is not there yet.
fn create(path: &Path, mode: u32, text: &str) -> Result<(), KeyError> {
    let unwritable = |source| KeyError::Unwritable { path: path.to_owned(), source };
    let new = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let file = new.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => KeyError::Exists { path: path.to_owned() },
        _ => unwritable(error),
    })?;
    let write = |mut file: File| file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    write(file).map_err(|error| {
        let _ = fs::remove_file(path);
        unwritable(error)
    })
}
