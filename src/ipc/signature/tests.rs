//! Files, records, signatures and keys that were tampered with, and OpenSSL's opinion.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use proptest::prelude::*;
use rustix::fs::{CWD, Gid, Mode, Uid, chown, mkfifoat};
use sha2::Digest as _;
use tempfile::tempdir;

use super::*;

fn key() -> SigningKey {
    SigningKey::generate().unwrap()
}

fn trusting(key: &SigningKey) -> TrustedKeys {
    TrustedKeys::none().add_pem(&key.public_pem()).unwrap()
}

fn record() -> [u8; RECORD_BYTES] {
    std::array::from_fn(|index| index as u8)
}

#[test]
fn each_bit_of_file_record_and_signature_counts() {
    let (key, file, record) = (key(), *b"a file of some forty bytes, for example.", record());
    let (keys, signature) = (trusting(&key), key.sign(&file, &record));
    assert!(keys.verify(&file, &record, &signature).is_some());
    for bit in 0..file.len() * 8 {
        let mut file = file;
        file[bit / 8] ^= 1 << (bit % 8);
        assert!(keys.verify(&file, &record, &signature).is_none(), "bit {bit} of the file");
    }
    for bit in 0..record.len() * 8 {
        let mut record = record;
        record[bit / 8] ^= 1 << (bit % 8);
        assert!(keys.verify(&file, &record, &signature).is_none(), "bit {bit} of the record");
    }
    for bit in 0..Signature::BYTES * 8 {
        let mut bytes = signature.to_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let signature = Signature::from_bytes(bytes);
        assert!(keys.verify(&file, &record, &signature).is_none(), "bit {bit} of the signature");
    }
}

#[test]
fn what_is_cut_or_moved_is_another_file() {
    let (key, file, record) = (key(), b"the file".as_slice(), record());
    let (keys, signature) = (trusting(&key), key.sign(file, &record));
    let mut longer = file.to_vec();
    longer.push(record[0]);
    let mut shifted = record;
    shifted.rotate_left(1);
    assert!(keys.verify(&file[..7], &record, &signature).is_none());
    assert!(keys.verify(&longer, &record, &signature).is_none());
    assert!(keys.verify(&longer, &shifted, &signature).is_none());
    assert!(keys.verify(b"", &record, &signature).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_changed_byte_anywhere_in_a_large_file_counts(at in any::<prop::sample::Index>(), change in 1_u8..) {
        static LARGE: std::sync::LazyLock<(TrustedKeys, Vec<u8>, Signature)> = std::sync::LazyLock::new(|| {
            let key = key();
            let file: Vec<u8> = (0..300_000_u32).flat_map(|number| (number ^ number << 7).to_le_bytes()).collect();
            (trusting(&key), file.clone(), key.sign(&file, &record()))
        });
        let (keys, file, signature) = &*LARGE;
        let mut changed = file.clone();
        changed[at.index(file.len())] ^= change;
        prop_assert!(keys.verify(&changed, &record(), signature).is_none());
        prop_assert!(keys.verify(file, &record(), signature).is_some());
    }

    #[test]
    fn no_text_is_taken_for_a_key_nor_makes_a_panic(text in "\\PC{0,200}") {
        prop_assert!(TrustedKeys::none().add_pem(&text).is_err());
        prop_assert!(SigningKey::from_pem(&text).is_err());
    }
}

#[test]
fn only_the_keys_that_are_trusted_count_and_it_is_told_which() {
    let (one, two, other, record) = (key(), key(), key(), record());
    let keys = trusting(&one).add_pem(&two.public_pem()).unwrap().add_pem(&two.public_pem()).unwrap();
    assert_eq!(keys.iter().map(TrustedKey::id).collect::<Vec<_>>(), [one.id(), two.id()]);
    let by = |key: &SigningKey| keys.verify(b"x", &record, &key.sign(b"x", &record)).map(TrustedKey::id);
    assert_eq!((by(&one), by(&two), by(&other)), (Some(one.id()), Some(two.id()), None));
    assert!(TrustedKeys::none().verify(b"x", &record, &one.sign(b"x", &record)).is_none());
}

/// The neutral element is a valid point: a signature of zeros, or nearly so, fits many messages under it.
#[test]
fn weak_keys_are_refused() {
    let mut bytes = [0; 32];
    bytes[0] = 1;
    let der = [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..], &bytes].concat();
    let pem = ed25519_dalek::pkcs8::Document::try_from(der.as_slice()).unwrap();
    let pem = pem.to_pem("PUBLIC KEY", Default::default()).unwrap();
    let error = TrustedKeys::none().add_pem(&pem).unwrap_err();
    assert!(matches!(error, KeyError::Weak { .. }), "{error}");
}

#[test]
fn keys_survive_their_files_and_are_never_overwritten() {
    let folder = tempdir().unwrap();
    let (private, public) = (folder.path().join("a.key"), folder.path().join("a.pub"));
    let key = key();
    key.write(&private, &public).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&private), 0o600);
    assert_eq!(mode(&public) & 0o133, 0);
    assert_eq!(SigningKey::read(&private).unwrap().id(), key.id());
    let keys = TrustedKeys::none().add_file(&public).unwrap();
    assert_eq!(keys.iter().next().unwrap().id(), key.id());
    assert!(!format!("{key:?}").contains("PRIVATE"), "{key:?}");

    let before = fs::read(&private).unwrap();
    let other = self::key();
    assert!(matches!(other.write(&private, &public), Err(KeyError::Exists { path }) if path == private));
    let unused = folder.path().join("b.key");
    assert!(matches!(other.write(&unused, &public), Err(KeyError::Exists { path }) if path == public));
    assert!(!unused.exists(), "half a pair is left");
    assert_eq!(fs::read(&private).unwrap(), before);
    symlink("nowhere", &unused).unwrap();
    assert!(matches!(other.write(&unused, &folder.path().join("b.pub")), Err(KeyError::Exists { .. })));
}

#[test]
fn private_keys_that_others_can_read_are_refused() {
    let folder = tempdir().unwrap();
    let (private, public) = (folder.path().join("a.key"), folder.path().join("a.pub"));
    key().write(&private, &public).unwrap();
    for mode in [0o640, 0o604, 0o644, 0o610] {
        fs::set_permissions(&private, PermissionsExt::from_mode(mode)).unwrap();
        assert!(matches!(SigningKey::read(&private), Err(KeyError::Exposed { .. })), "{mode:o}");
    }
    fs::set_permissions(&private, PermissionsExt::from_mode(0o400)).unwrap();
    SigningKey::read(&private).unwrap();
    assert!(matches!(SigningKey::read(&public), Err(KeyError::Malformed { .. })), "it is the other half");
    assert!(SigningKey::read(&folder.path().join("none")).unwrap_err().is_missing());
    assert!(matches!(SigningKey::read(folder.path()), Err(KeyError::Kind { .. })));
}

#[test]
fn of_a_folder_the_keys_are_taken_and_nothing_else() {
    let folder = tempdir().unwrap();
    let (one, two, hidden) = (key(), key(), key());
    one.write(&folder.path().join("one.key"), &folder.path().join("one.pub")).unwrap();
    two.write(&folder.path().join("two.key"), &folder.path().join("two.pub")).unwrap();
    fs::write(folder.path().join(".hidden.pub"), hidden.public_pem()).unwrap();
    fs::write(folder.path().join("readme.txt"), "no key").unwrap();
    let keys = TrustedKeys::none().add_folder(folder.path()).unwrap();
    assert_eq!(keys.iter().map(TrustedKey::id).collect::<Vec<_>>(), [one.id(), two.id()]);
    assert!(keys.iter().next().unwrap().place().ends_with("/one.pub"));
}

#[test]
fn keys_and_folders_that_others_could_change_are_refused() {
    let folder = tempdir().unwrap();
    let public = folder.path().join("a.pub");
    key().write(&folder.path().join("a.key"), &public).unwrap();
    let refused = || {
        let error = TrustedKeys::none().add_folder(folder.path()).unwrap_err();
        assert!(error.to_string().contains(folder.path().to_str().unwrap()), "{error}");
        error
    };
    for mode in [0o777, 0o775, 0o757, 0o1777] {
        fs::set_permissions(folder.path(), PermissionsExt::from_mode(mode)).unwrap();
        assert!(matches!(refused(), KeyError::Writable { .. }), "{mode:o}");
    }
    fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    for mode in [0o666, 0o664, 0o646] {
        fs::set_permissions(&public, PermissionsExt::from_mode(mode)).unwrap();
        assert!(matches!(refused(), KeyError::Writable { .. }), "{mode:o}");
        assert!(matches!(TrustedKeys::none().add_file(&public), Err(KeyError::Writable { .. })));
    }
    fs::set_permissions(&public, PermissionsExt::from_mode(0o644)).unwrap();
    TrustedKeys::none().add_folder(folder.path()).unwrap();
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let give = |path: &Path, user| chown(path, Some(Uid::from_raw(user)), None::<Gid>).unwrap();
    give(&public, 12345);
    assert!(matches!(refused(), KeyError::Owner { owner: 12345, .. }));
    give(&public, 0);
    give(folder.path(), 12345);
    assert!(matches!(refused(), KeyError::Owner { owner: 12345, .. }));
}

#[test]
fn what_is_no_key_is_refused_and_said_to_be() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.pub");
    let told = || TrustedKeys::none().add_folder(folder.path()).unwrap_err().to_string();
    let private = folder.path().join("a.key");
    key().write(&private, &folder.path().join("good")).unwrap();
    let pem = fs::read_to_string(folder.path().join("good")).unwrap();
    let contents = [
        Vec::new(),
        b"\xff\xfe".to_vec(),
        b"ssh-ed25519 AAAA".to_vec(),
        fs::read(&private).unwrap(),
        pem[..pem.len() / 2].into(),
        pem.replace('M', "!").into(),
        pem.replacen("PUBLIC KEY", "CERTIFICATE", 2).into(),
        vec![b'x'; 1 << 20],
    ];
    for content in contents {
        fs::write(&path, &content).unwrap();
        let told = told();
        assert!(told.contains("a.pub") && told.len() < 500 && !told.contains('\n'), "{told}");
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(told().contains("is no regular file"), "{}", told());
    fs::remove_dir(&path).unwrap();
    mkfifoat(CWD, &path, Mode::from_raw_mode(0o644)).unwrap();
    assert!(told().contains("is no regular file"), "{}", told());
    fs::remove_file(&path).unwrap();
    symlink("/dev/zero", &path).unwrap();
    assert!(TrustedKeys::none().add_folder(folder.path()).is_err());
    assert!(matches!(TrustedKeys::none().add_folder(&private), Err(KeyError::Kind { .. })));
}

#[test]
fn signatures_lie_beside_their_files() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("a.so");
    let path = folder.path().join("a.so.sig");
    assert_eq!(Signature::beside(&file).unwrap(), None);
    let (first, second) = (key().sign(b"1", &record()), key().sign(b"2", &record()));
    assert_eq!(first.write_beside(&file).unwrap(), path);
    assert_eq!(second.write_beside(&file).unwrap(), path);
    assert_eq!(Signature::beside(&file).unwrap(), Some(second));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    assert!(first.write_beside(Path::new("/proc/nowhere/a.so")).is_err());
}

#[test]
fn what_is_no_signature_is_an_error_and_nobody_waits_for_it() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("a.so");
    let path = folder.path().join("a.so.sig");
    let told = || Signature::beside(&file).unwrap_err().to_string();
    for length in [0, 1, 63, 65, 1 << 20] {
        fs::write(&path, vec![0; length]).unwrap();
        assert!(told().ends_with(&format!("has {length} bytes, and a signature has 64")), "{}", told());
    }
    // A file of 64 TiB, if the file system has such.
    let huge = fs::File::create(&path).unwrap();
    let length = [1_u64 << 46, 1 << 33].into_iter().find(|length| huge.set_len(*length).is_ok()).unwrap();
    assert!(told().contains(&format!("has {length} bytes")), "{}", told());
    fs::remove_file(&path).unwrap();

    mkfifoat(CWD, &path, Mode::from_raw_mode(0o644)).unwrap();
    assert!(told().contains("is no regular file"), "{}", told());
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(told().contains("is no regular file"), "{}", told());
    fs::remove_dir(&path).unwrap();
    for target in ["/dev/zero", "nowhere", "a.so.sig"] {
        symlink(target, &path).unwrap();
        assert!(Signature::beside(&file).is_err(), "{target}");
        fs::remove_file(&path).unwrap();
    }
    // A link to a signature is as good as the signature.
    let signature = key().sign(b"1", &record());
    fs::write(folder.path().join("elsewhere"), signature.to_bytes()).unwrap();
    symlink("elsewhere", &path).unwrap();
    assert_eq!(Signature::beside(&file).unwrap(), Some(signature));
}

fn openssl(args: &[&str], folder: &Path) -> Option<Vec<u8>> {
    let run = Command::new("openssl").args(args).current_dir(folder).stdin(Stdio::null()).output();
    let output = run.ok()?;
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

/// OpenSSL makes keys that we read, reads those that we make, and agrees about signatures and names of keys.
#[test]
fn openssl_agrees() {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    if openssl(&["version"], folder.path()).is_none() {
        eprintln!("skipped: there is no openssl");
        return;
    }
    let openssl = |args: &str| openssl(&args.split(' ').collect::<Vec<_>>(), folder.path()).unwrap();
    openssl("genpkey -algorithm ed25519 -out theirs.key");
    openssl("pkey -in theirs.key -pubout -out theirs.pub");
    fs::set_permissions(at("theirs.key"), PermissionsExt::from_mode(0o600)).unwrap();
    key().write(&at("ours.key"), &at("ours.pub")).unwrap();
    let file = b"a file".as_slice();
    fs::write(at("message"), message(file, &record())).unwrap();
    for name in ["theirs", "ours"] {
        let key = SigningKey::read(&at(&format!("{name}.key"))).unwrap();
        let keys = TrustedKeys::none().add_file(at(&format!("{name}.pub"))).unwrap();
        assert_eq!(keys.iter().next().unwrap().id(), key.id());
        let der = openssl(&format!("pkey -in {name}.key -pubout -outform DER"));
        assert_eq!(KeyId::to_bytes(key.id())[..], sha2::Sha256::digest(&der)[..]);

        fs::write(at("signature"), key.sign(file, &record()).to_bytes()).unwrap();
        openssl(&format!("pkeyutl -verify -pubin -inkey {name}.pub -rawin -in message -sigfile signature"));
        openssl(&format!("pkeyutl -sign -inkey {name}.key -rawin -in message -out {name}.signature"));
        let signature = fs::read(at(&format!("{name}.signature"))).unwrap().try_into().unwrap();
        assert!(keys.verify(file, &record(), &Signature::from_bytes(signature)).is_some());
    }
}
