//! Files that are modules, and files that are not, whatever their bytes.

use std::fs;
use std::os::fd::AsFd;

use proptest::prelude::*;
use rustix::fs::{CWD, mkfifoat};
use rustix::io::pwrite;
use tempfile::TempDir;

use super::*;
use crate::ipc::Interface;
use crate::ipc::module::abi::{Description, INFO_SYMBOL, Record, SERVE_SYMBOL};
use crate::ipc::module::elf::ElfError;

const INTERFACE: Interface = Interface { name: "example.Interface", hash: 42, methods: &[], events: &[] };

/// The record of some module.
pub fn record() -> [u8; RECORD_BYTES] {
    let module = Description {
        name: "example",
        version: (1, 2, 3),
        pipeline: "example/one",
        pipeline_versions: (1, 1),
        interface: &INTERFACE,
        loads_until: "",
    };
    Record::describing(&module).to_bytes()
}

/// Bytes of an ELF header, of a segment, and of a symbol.
const HEADER: usize = 64;
const SEGMENT: usize = 56;
const SYMBOL: usize = 24;
/// Where the parts of a shared object made by [`shared_object`] are, in the file and in memory alike.
pub const DYNAMIC: usize = HEADER + 3 * SEGMENT;
const SYMBOLS: usize = DYNAMIC + 6 * 16;
const HASHES: usize = SYMBOLS + 3 * SYMBOL;
const STRINGS: usize = HASHES + 6 * 4;

/// A shared object that says this of itself, with as much in it as it takes to find that out; it cannot be loaded.
pub fn shared_object(record: &[u8]) -> Vec<u8> {
    let strings = format!("\0{INFO_SYMBOL}\0{SERVE_SYMBOL}\0");
    let info = (STRINGS + strings.len()).next_multiple_of(8);
    let end = info + record.len();
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let machine = if cfg!(target_arch = "x86_64") { 62u16 } else { 183 };
    file.extend([3, machine].map(u16::to_le_bytes).concat());
    file.extend(1u32.to_le_bytes());
    file.extend([0, HEADER as u64, 0].map(u64::to_le_bytes).concat());
    file.extend(0u32.to_le_bytes());
    file.extend([HEADER, SEGMENT, 3, 64, 0, 0].map(|number| (number as u16).to_le_bytes()).concat());
    // All of it is loaded; what is dynamic; and an unused entry.
    for (kind, start, bytes) in [(1u32, 0, end), (2, DYNAMIC, 6 * 16), (0, info, record.len())] {
        file.extend([kind, 4].map(u32::to_le_bytes).concat());
        file.extend(
            [start, start, start, bytes, bytes, 8].map(|number| (number as u64).to_le_bytes()).concat(),
        );
    }
    let entries = [(4, HASHES), (5, STRINGS), (6, SYMBOLS), (10, strings.len()), (11, SYMBOL), (0, 0)];
    file.extend(entries.into_iter().flat_map(|(tag, value)| [tag, value as u64]).flat_map(u64::to_le_bytes));
    for (name, kind, at, bytes) in
        [(0u32, 0u8, 0, 0), (1, 0x11, info, record.len()), (2 + INFO_SYMBOL.len() as u32, 0x12, HEADER, 8)]
    {
        file.extend(name.to_le_bytes());
        file.extend([kind, 0, u8::from(kind != 0), 0]);
        file.extend([at, bytes].map(|number| (number as u64).to_le_bytes()).concat());
    }
    file.extend([1u32, 3, 1, 0, 2, 0].map(u32::to_le_bytes).concat());
    file.extend(strings.as_bytes());
    file.resize(info, 0);
    file.extend(record);
    file
}

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn read(&self, bytes: &[u8]) -> Result<ModuleFile, ModuleError> {
        let path = self.0.path().join("module.so");
        fs::write(&path, bytes).unwrap();
        ModuleFile::read(path)
    }

    #[track_caller]
    fn refused(&self, bytes: &[u8], problem: ElfError) {
        match self.read(bytes) {
            Err(ModuleError::Elf { problem: found, .. }) => assert_eq!(found, problem),
            other => panic!("{other:?} instead of {problem}"),
        }
    }
}

fn changed(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = shared_object(&record());
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

/// To compare each with what is looked for takes no longer because they are long.
#[test]
fn millions_of_symbols_with_one_long_name_are_looked_through() {
    const COUNT: usize = 1 << 20;
    const LONG: usize = 24 << 20;
    let mut file = shared_object(&record());
    let symbols = file.len().next_multiple_of(8);
    file.resize(symbols, 0);
    let symbol = &file[SYMBOLS + 2 * SYMBOL..][..SYMBOL];
    // A function whose name begins at the start of the table.
    let symbol = [&0u32.to_le_bytes(), &symbol[4..]].concat();
    file.extend(symbol.repeat(COUNT));
    let hashes = file.len();
    file.extend([1u32, COUNT as u32].map(u32::to_le_bytes).concat());
    let strings = file.len();
    file.resize(strings + LONG, b'x');
    let end = file.len() as u64;
    let mut put = |at: usize, value: u64| file[at..at + 8].copy_from_slice(&value.to_le_bytes());
    // What the segment has in the file, and in memory.
    put(HEADER + 32, end);
    put(HEADER + 40, end);
    for (entry, value) in [(0, hashes), (1, strings), (2, symbols), (3, LONG)] {
        put(DYNAMIC + 16 * entry + 8, value as u64);
    }
    Place::new().refused(&file, ElfError::NoSymbol { kind: "data", name: INFO_SYMBOL });
}

#[test]
fn a_module_is_found_in_its_file() {
    let place = Place::new();
    let bytes = shared_object(&record());
    let module = place.read(&bytes).unwrap();
    assert_eq!(module.info().to_string(), "example 1.2.3");
    assert_eq!(module.record(), &record());
    assert_eq!(module.bytes(), bytes);
    assert_eq!(module.digest(), <[u8; 32]>::from(Sha256::digest(&bytes)));
    assert_eq!(module.path(), place.0.path().join("module.so"));
    module.fits(&INTERFACE).unwrap();
    let error = module.fits(&Interface { hash: 43, ..INTERFACE }).unwrap_err();
    assert!(matches!(&error, ModuleError::Misfit { .. }), "{error}");
    assert!(error.to_string().contains("module.so"), "{error}");
}

#[test]
fn what_becomes_of_the_file_does_not_matter_and_nobody_changes_the_copy() {
    let place = Place::new();
    let bytes = shared_object(&record());
    let module = place.read(&bytes).unwrap();
    fs::write(module.path(), b"something else").unwrap();
    assert_eq!(module.bytes(), bytes);
    assert_eq!(pwrite(&module, b"x", 0), Err(Errno::PERM));
    assert_eq!(rustix::fs::ftruncate(&module, 0), Err(Errno::PERM));
    assert_eq!(rustix::fs::ftruncate(&module, 1 << 20), Err(Errno::PERM));
    assert_eq!(fcntl_add_seals(&module, SealFlags::FUTURE_WRITE), Err(Errno::PERM));
    assert!(fcntl_get_seals(&module).unwrap().contains(SEALS));
    assert!(rustix::io::fcntl_getfd(&module).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
}

#[test]
fn only_a_sealed_copy_is_taken_from_a_host() {
    let place = Place::new();
    let bytes = shared_object(&record());
    let module = place.read(&bytes).unwrap();
    let adopted = ModuleFile::adopt(module.as_fd().try_clone_to_owned().unwrap()).unwrap();
    assert_eq!((adopted.info(), adopted.bytes()), (module.info(), &bytes[..]));
    let file = File::open(module.path()).unwrap();
    assert!(matches!(ModuleFile::adopt(file.into()), Err(ModuleError::NotSealed { .. })));
    let memory = memfd_create("unsealed", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
    pwrite(&memory, &bytes, 0).unwrap();
    fcntl_add_seals(&memory, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL).unwrap();
    assert!(matches!(ModuleFile::adopt(memory), Err(ModuleError::NotSealed { .. })));
}

#[test]
fn only_a_regular_file_is_read() {
    let place = Place::new();
    let pipe = place.0.path().join("pipe");
    mkfifoat(CWD, &pipe, Mode::RWXU).unwrap();
    for path in [pipe.as_path(), place.0.path(), Path::new("/dev/zero")] {
        assert!(matches!(ModuleFile::read(path), Err(ModuleError::NotAFile { .. })), "{}", path.display());
    }
    let error = ModuleFile::read(place.0.path().join("none")).unwrap_err();
    assert!(matches!(&error, ModuleError::File { source, .. } if source.kind() == io::ErrorKind::NotFound));
    assert!(error.to_string().contains("/none"), "{error}");
}

#[test]
fn a_file_without_end_is_refused() {
    let place = Place::new();
    let path = place.0.path().join("module.so");
    File::create(&path).unwrap().set_len(MAX_BYTES + 1).unwrap();
    let error = ModuleFile::read(&path).unwrap_err();
    assert!(matches!(&error, ModuleError::TooLarge { limit: MAX_BYTES, .. }), "{error}");
}

#[test]
fn each_thing_that_is_wrong_with_a_file_has_its_word() {
    let place = Place::new();
    let record_bytes = record();
    for bytes in [&b""[..], b"\x7fELF", b"#!/bin/sh\n", &[0; 4096]] {
        place.refused(bytes, ElfError::NotElf);
    }
    place.refused(&changed(4, &[1]), ElfError::Class);
    place.refused(&changed(5, &[2]), ElfError::BigEndian);
    place.refused(&changed(18, &[243, 0]), ElfError::Machine { found: 243 });
    place.refused(&changed(16, &[2, 0]), ElfError::NotShared);
    place.refused(&changed(32, &u64::MAX.to_le_bytes()), ElfError::Damaged("its table of segments"));
    place.refused(&shared_object(&record_bytes)[..HEADER], ElfError::Damaged("its table of segments"));
    place.refused(&changed(HEADER + SEGMENT, &[0]), ElfError::Damaged("its dynamic section"));
    place.refused(&changed(DYNAMIC + 24, &[0xff; 8]), ElfError::Damaged("its table of names"));
    place.refused(&changed(DYNAMIC + 56, &[0xff; 8]), ElfError::Damaged("its table of names"));
    place.refused(&changed(DYNAMIC + 8, &[0xff; 8]), ElfError::Damaged("its table of symbols"));
    place.refused(&changed(DYNAMIC + 40, &[0xff; 8]), ElfError::Damaged("its table of symbols"));
    place.refused(&changed(HASHES + 4, &[0xff; 4]), ElfError::Damaged("its table of symbols"));
    place.refused(&shared_object(&record_bytes[..511]), ElfError::Short { found: 511 });
    let no_info = ElfError::NoSymbol { kind: "data", name: INFO_SYMBOL };
    let info = SYMBOLS + SYMBOL;
    place.refused(&changed(STRINGS + 1, b"R"), no_info.clone());
    // A function, a local symbol, a hidden one, and one of somewhere else.
    for (at, byte) in [(4, 0x12), (4, 0x01), (5, 2), (6, 0)] {
        place.refused(&changed(info + at, &[byte]), no_info.clone());
    }
    let no_serve = ElfError::NoSymbol { kind: "function", name: SERVE_SYMBOL };
    place.refused(&changed(info + SYMBOL + 4, &[0x11]), no_serve);
    // Beyond the file, across its end, and in two segments.
    place.refused(&changed(info + 8, &[0xff; 8]), ElfError::NotInFile);
    let file = shared_object(&record_bytes);
    place.refused(&changed(info + 8, &(file.len() as u64 - 511).to_le_bytes()), ElfError::NotInFile);
    // What a segment has in memory alone, and what two segments claim.
    place.refused(&changed(HEADER + 32, &(file.len() as u64 - 1).to_le_bytes()), ElfError::NotInFile);
    place.refused(&changed(HEADER + 2 * SEGMENT, &[1]), ElfError::NotInFile);
}

#[test]
fn libraries_of_the_system_are_no_modules() {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mut libraries: Vec<_> = maps.lines().filter_map(|line| line.split_whitespace().nth(5)).collect();
    libraries.retain(|path| path.contains(".so"));
    libraries.dedup();
    assert!(!libraries.is_empty());
    for path in libraries {
        match ModuleFile::read(path) {
            Err(ModuleError::Elf { problem: ElfError::NoSymbol { name, .. }, .. }) => {
                assert_eq!(name, INFO_SYMBOL)
            }
            other => panic!("{path}: {other:?}"),
        }
    }
}

proptest! {
    /// A file of the system with so many of its bytes changed, and cut off somewhere.
    #[test]
    fn no_file_breaks_it(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        near_start in any::<bool>(),
        length in any::<prop::sample::Index>(),
        whole in any::<bool>(),
    ) {
        let mut file = shared_object(&record());
        let places = if near_start { STRINGS } else { file.len() };
        for (at, byte) in changes {
            file[at.index(places)] = byte;
        }
        if !whole {
            file.truncate(length.index(file.len()));
        }
        let _ = find_record(&file);
    }

    /// The numbers that matter most are large, or zero, or of each other's places.
    #[test]
    fn no_numbers_break_it(words in proptest::collection::vec((8..STRINGS / 8, prop_oneof![
        Just(0), Just(u64::MAX), Just(1 << 63), 0..2048u64, any::<u64>(),
    ]), 1..6)) {
        let mut file = shared_object(&record());
        for (word, value) in words {
            file[8 * word..8 * word + 8].copy_from_slice(&value.to_le_bytes());
        }
        let _ = find_record(&file);
    }
}
