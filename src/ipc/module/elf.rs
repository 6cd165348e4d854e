//! Finds a module's record in the bytes of its file, by the symbols that the dynamic linker would use.
//!
//! Nothing in the file is trusted: each offset and length is compared with the bytes at hand. What a section table says
//! is not looked at, since the dynamic linker does not, either.

#![forbid(unsafe_code)]

use object::LittleEndian;
use object::elf::{
    DT_GNU_HASH, DT_HASH, DT_NULL, DT_STRSZ, DT_STRTAB, DT_SYMTAB, Dyn64, ET_DYN, FileHeader64, PT_LOAD,
    ProgramHeader64, STB_GLOBAL, STB_GNU_UNIQUE, STB_WEAK, STT_FUNC, STT_OBJECT, STV_DEFAULT, STV_PROTECTED,
    Sym64,
};
use object::read::elf::{Dyn, FileHeader, GnuHashTable, HashTable, ProgramHeader, Sym};

use super::abi::{INFO_SYMBOL, RECORD_BYTES, SERVE_SYMBOL};

/// The machine that this library is built for, as ELF numbers it.
#[cfg(target_arch = "x86_64")]
const MACHINE: u16 = 62;
/// The machine that this library is built for, as ELF numbers it.
#[cfg(target_arch = "aarch64")]
const MACHINE: u16 = 183;

/// `ELFCLASS64`.
const CLASS_64: u8 = 2;
/// `ELFDATA2LSB`.
const LITTLE_ENDIAN: u8 = 1;

type Header = FileHeader64<LittleEndian>;
type Segment = ProgramHeader64<LittleEndian>;
type Entry = Dyn64<LittleEndian>;
type Symbol = Sym64<LittleEndian>;

/// Why a file is no shared object of this machine with the symbols of a module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ElfError {
    /// It is something else.
    #[error("it is no ELF file")]
    NotElf,
    /// It is for machines of 32 bits.
    #[error("it is a file for 32 bits, and this host has 64; build it for this machine")]
    Class,
    /// It is for machines of the other byte order.
    #[error("it is big-endian, and this host is not; build it for this machine")]
    BigEndian,
    /// It is for another machine.
    #[error(
        "it is for machine {found} of the ELF specification, and this host is {MACHINE}; build it for this machine"
    )]
    Machine {
        /// The number of the machine.
        found: u16,
    },
    /// It is a program without a symbol of a shared object, an object file, a core dump.
    #[error("it is no shared object")]
    NotShared,
    /// It contradicts itself, or ends too early.
    #[error("{0} is damaged or missing")]
    Damaged(&'static str),
    /// A symbol is missing.
    #[error("it exports no {kind} `{name}`; a module does, by `ringfence::export_module!` or `ringfence.h`")]
    NoSymbol {
        /// What it should be.
        kind: &'static str,
        /// The symbol.
        name: &'static str,
    },
    /// The record is too short.
    #[error("its `{INFO_SYMBOL}` has {found} bytes, and needs {RECORD_BYTES}")]
    Short {
        /// Bytes of it.
        found: u64,
    },
    /// The record is not in the file, or in two places at once.
    #[error("its `{INFO_SYMBOL}` does not lie in one segment of the file; it has to be initialised data")]
    NotInFile,
}

/// The record in the shared object of these bytes, not yet looked at. The function of a module is there too.
pub(super) fn find_record(bytes: &[u8]) -> Result<[u8; RECORD_BYTES], ElfError> {
    let dynamic = Dynamic::read(bytes)?;
    let serve = dynamic.symbol(SERVE_SYMBOL, |kind| kind == STT_FUNC);
    let info = dynamic.symbol(INFO_SYMBOL, |kind| kind == STT_OBJECT);
    let info = info.ok_or(ElfError::NoSymbol { kind: "data", name: INFO_SYMBOL })?;
    serve.ok_or(ElfError::NoSymbol { kind: "function", name: SERVE_SYMBOL })?;
    let found = info.st_size(LittleEndian);
    if found < RECORD_BYTES as u64 {
        return Err(ElfError::Short { found });
    }
    let record = dynamic.image.at(info.st_value(LittleEndian)).and_then(<[u8]>::first_chunk);
    record.copied().ok_or(ElfError::NotInFile)
}

/// What will be in memory, as far as it comes from the file.
#[derive(Clone, Copy)]
struct Image<'a> {
    bytes: &'a [u8],
    segments: &'a [Segment],
}

impl<'a> Image<'a> {
    /// The bytes from this address to the end of what its segment has in the file. Nothing if two segments claim it: which
    /// one wins is up to whoever loads them.
    fn at(self, address: u64) -> Option<&'a [u8]> {
        let loaded = self.segments.iter().filter(|segment| segment.p_type(LittleEndian) == PT_LOAD);
        let mut claims = loaded.filter(|segment| {
            let start = segment.p_vaddr(LittleEndian);
            let end = start.saturating_add(segment.p_memsz(LittleEndian));
            (start..end).contains(&address)
        });
        let (Some(segment), None) = (claims.next(), claims.next()) else { return None };
        let skipped = usize::try_from(address - segment.p_vaddr(LittleEndian)).ok()?;
        segment.data(LittleEndian, self.bytes).ok()?.get(skipped..)
    }
}

/// The dynamic linker's view of a shared object.
struct Dynamic<'a> {
    image: Image<'a>,
    symbols: &'a [Symbol],
    strings: &'a [u8],
}

impl<'a> Dynamic<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, ElfError> {
        // Checked here, for a clear word on each.
        let Some([0x7f, b'E', b'L', b'F', class, order, ..]) = bytes.first_chunk::<16>() else {
            return Err(ElfError::NotElf);
        };
        if *class != CLASS_64 {
            return Err(ElfError::Class);
        }
        if *order != LITTLE_ENDIAN {
            return Err(ElfError::BigEndian);
        }
        let header = Header::parse(bytes).map_err(|_| ElfError::Damaged("its header"))?;
        let found = header.e_machine(LittleEndian).0;
        if found != MACHINE {
            return Err(ElfError::Machine { found });
        }
        if header.e_type(LittleEndian) != ET_DYN {
            return Err(ElfError::NotShared);
        }
        let segments = header.program_headers(LittleEndian, bytes);
        let segments = segments.map_err(|_| ElfError::Damaged("its table of segments"))?;
        let image = Image { bytes, segments };
        let entries: &[Entry] = segments
            .iter()
            .find_map(|segment| segment.dynamic(LittleEndian, bytes).transpose())
            .and_then(Result::ok)
            .ok_or(ElfError::Damaged("its dynamic section"))?;
        let value = |tag| {
            let mut entries = entries.iter().take_while(|entry| entry.d_tag(LittleEndian) != DT_NULL);
            entries.find(|entry| entry.d_tag(LittleEndian) == tag).map(|entry| entry.d_val(LittleEndian))
        };
        let table = |tag| value(tag).and_then(|address| image.at(address));
        let strings = table(DT_STRTAB)
            .zip(value(DT_STRSZ))
            .and_then(|(bytes, length)| bytes.get(..usize::try_from(length).ok()?))
            .ok_or(ElfError::Damaged("its table of names"))?;
        // No entry says how many symbols there are, but both kinds of hash tables imply it.
        let count = match (table(DT_GNU_HASH), table(DT_HASH)) {
            (Some(bytes), _) => GnuHashTable::<Header>::parse(LittleEndian, bytes)
                .ok()
                .and_then(|hashes| hashes.symbol_table_length(LittleEndian)),
            (None, Some(bytes)) => HashTable::<Header>::parse(LittleEndian, bytes)
                .ok()
                .map(|hashes| hashes.symbol_table_length()),
            (None, None) => None,
        };
        let symbols = count
            .zip(table(DT_SYMTAB))
            .and_then(|(count, bytes)| object::pod::slice_from_bytes(bytes, count as usize).ok())
            .ok_or(ElfError::Damaged("its table of symbols"))?
            .0;
        Ok(Self { image, symbols, strings })
    }

    /// The exported symbol of this name and kind.
    fn symbol(&self, name: &str, is_kind: impl Fn(object::elf::SymbolType) -> bool) -> Option<&'a Symbol> {
        // Not read to its end before it is compared: millions of symbols could share one name of megabytes.
        let is_named = |symbol: &Symbol| {
            let start = usize::try_from(symbol.st_name(LittleEndian)).ok()?;
            self.strings.get(start..)?.strip_prefix(name.as_bytes())?.first().map(|byte| *byte == 0)
        };
        self.symbols.iter().find(|symbol| {
            !symbol.is_undefined(LittleEndian)
                && is_kind(symbol.st_type())
                && [STB_GLOBAL, STB_WEAK, STB_GNU_UNIQUE].contains(&symbol.st_bind())
                && [STV_DEFAULT, STV_PROTECTED].contains(&symbol.st_visibility())
                && is_named(symbol) == Some(true)
        })
    }
}
