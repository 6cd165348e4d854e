//! What any ELF file says of itself.

use std::fmt::Write;

use object::Endianness;
use object::elf::{
    DT_NEEDED, DT_RPATH, DT_RUNPATH, DT_STRSZ, DT_STRTAB, EM_386, EM_AARCH64, EM_ARM, EM_RISCV, EM_X86_64,
    ET_DYN, ET_EXEC, ET_REL, FileHeader32, FileHeader64,
};
use object::read::elf::{Dyn, ElfFile, FileHeader, ProgramHeader};
use object::read::{FileKind, Object, ObjectSection, ObjectSymbol, StringTable};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// What a file is made of.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// Its size.
    pub bytes: usize,
    /// SHA-256, in hexadecimal.
    pub sha256: String,
    /// `shared object`, `program`, `object file` or `other`.
    pub kind: &'static str,
    /// Such as `x86_64`.
    pub architecture: String,
    /// Libraries that it is linked to.
    pub needed: Vec<String>,
    /// Where it wants them to be looked for.
    pub run_paths: Vec<String>,
    /// What libcamera reads out of its modules.
    #[serde(skip)]
    pub libcamera: Option<LibcameraInfo>,
}

/// `ipaModuleInfo`: what libcamera's modules export.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct LibcameraInfo {
    /// Version of the module's interface to its loader; libcamera knows 1 alone.
    pub api: i32,
    /// Version of the pipeline handler that it belongs to.
    pub pipeline_version: u32,
    /// What libcamera's struct has for a name: that of the pipeline handler, or of the module.
    pub name: String,
}

impl LibcameraInfo {
    /// The symbol.
    const SYMBOL: &'static str = "ipaModuleInfo";
    /// Bytes of its content: two numbers and the name.
    const BYTES: usize = 264;

    fn parse(bytes: &[u8], endian: Endianness) -> Option<Self> {
        let bytes = bytes.first_chunk::<{ Self::BYTES }>()?;
        let word = |at: usize| {
            let word = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
            if endian == Endianness::Big { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
        };
        let name = bytes[8..].split(|byte| *byte == 0).next().unwrap_or_default();
        let name = String::from_utf8_lossy(name).into_owned();
        Some(Self { api: word(0).cast_signed(), pipeline_version: word(4), name })
    }
}

impl Facts {
    /// The facts of the file with these bytes.
    ///
    /// # Errors
    /// Why it is no ELF file.
    pub fn of(bytes: &[u8]) -> Result<Self, String> {
        match FileKind::parse(bytes) {
            Ok(FileKind::Elf64) => Self::read::<FileHeader64<Endianness>>(bytes),
            Ok(FileKind::Elf32) => Self::read::<FileHeader32<Endianness>>(bytes),
            _ => Err("it is no ELF file, so it is no module".to_owned()),
        }
    }

    fn read<H: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Result<Self, String> {
        let damaged = |error: object::Error| format!("the ELF file is damaged: {error}");
        let file = ElfFile::<H>::parse(bytes).map_err(damaged)?;
        let (header, endian) = (file.elf_header(), file.endian());
        let mut facts = Self {
            bytes: bytes.len(),
            sha256: hexadecimal(&Sha256::digest(bytes)),
            kind: match header.e_type(endian) {
                ET_DYN => "shared object",
                ET_EXEC => "program",
                ET_REL => "object file",
                _ => "other",
            },
            architecture: match header.e_machine(endian) {
                EM_X86_64 => "x86_64".to_owned(),
                EM_AARCH64 => "aarch64".to_owned(),
                EM_386 => "x86".to_owned(),
                EM_ARM => "arm".to_owned(),
                EM_RISCV => "riscv".to_owned(),
                other => format!("machine {}", other.0),
            },
            needed: Vec::new(),
            run_paths: Vec::new(),
            libcamera: symbol(&file, LibcameraInfo::SYMBOL)
                .and_then(|bytes| LibcameraInfo::parse(bytes, endian)),
        };
        facts.read_dynamic::<H>(bytes, &file).map_err(damaged)?;
        Ok(facts)
    }

    /// Reads what the dynamic linker reads, which needs no sections.
    fn read_dynamic<H: FileHeader<Endian = Endianness>>(
        &mut self,
        bytes: &[u8],
        file: &ElfFile<'_, H>,
    ) -> object::Result<()> {
        let endian = file.endian();
        let segments = file.elf_program_headers();
        for segment in segments {
            let Some(entries) = segment.dynamic(endian, bytes)? else { continue };
            let value = |tag| {
                let entry = entries.iter().find(|entry| entry.d_tag(endian) == tag);
                entry.map(|entry| entry.d_val(endian).into())
            };
            let (Some(address), Some(length)): (Option<u64>, Option<u64>) =
                (value(DT_STRTAB), value(DT_STRSZ))
            else {
                continue;
            };
            let start = segments.iter().find_map(|segment| {
                let start = address.checked_sub(segment.p_vaddr(endian).into())?;
                let inside = start.checked_add(length)? <= segment.p_filesz(endian).into();
                inside.then(|| segment.p_offset(endian).into().checked_add(start))?
            });
            let Some(end) = start.and_then(|start| start.checked_add(length)) else { continue };
            let strings = StringTable::new(bytes, end - length, end);
            for entry in entries {
                let list = match entry.d_tag(endian) {
                    DT_NEEDED => &mut self.needed,
                    DT_RPATH | DT_RUNPATH => &mut self.run_paths,
                    _ => continue,
                };
                let offset = u32::try_from(entry.d_val(endian).into()).ok();
                let text = offset.and_then(|offset| strings.get(offset).ok());
                list.extend(text.map(|text| String::from_utf8_lossy(text).into_owned()));
            }
        }
        Ok(())
    }
}

/// The initial content of a data object among the dynamic symbols.
fn symbol<'a, H: FileHeader<Endian = Endianness>>(file: &ElfFile<'a, H>, name: &str) -> Option<&'a [u8]> {
    let symbol = file.dynamic_symbols().find(|symbol| symbol.name() == Ok(name))?;
    let section = file.section_by_index(symbol.section_index()?).ok()?;
    section.data_range(symbol.address(), symbol.size()).ok()?
}

/// Bytes as digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_program_tells_what_it_is_linked_to() {
        let bytes = fs::read("/proc/self/exe").unwrap();
        let facts = Facts::of(&bytes).unwrap();
        assert_eq!((facts.bytes, facts.architecture.as_str()), (bytes.len(), std::env::consts::ARCH));
        assert!(facts.needed.iter().any(|library| library.starts_with("libc.so")), "{facts:?}");
        assert_eq!(facts.libcamera, None);
    }

    #[test]
    fn what_is_no_elf_file_is_told() {
        for bytes in [&b""[..], b"#!/bin/sh\n", b"\x7fELF"] {
            assert!(Facts::of(bytes).is_err());
        }
    }

    /// Whatever is cut off or changed: an answer, and no panic.
    #[test]
    fn damaged_files_are_survived() {
        let mut bytes = fs::read("/proc/self/exe").unwrap();
        for length in [16, 63, 64, 65, 300, 4096, bytes.len() / 2, bytes.len() - 1] {
            let _ = Facts::of(&bytes[..length]);
        }
        bytes.truncate(1 << 16);
        for at in 0..1024 {
            for value in [0x00, 0x7f, 0xff] {
                let old = std::mem::replace(&mut bytes[at], value);
                let _ = Facts::of(&bytes);
                bytes[at] = old;
            }
        }
    }

    #[test]
    fn what_libcamera_s_modules_export_has_two_numbers_and_a_name() {
        let mut bytes = [0; LibcameraInfo::BYTES];
        bytes[..8].copy_from_slice(&[1, 0, 0, 0, 2, 0, 0, 0]);
        bytes[8..12].copy_from_slice(b"vimc");
        let expected = LibcameraInfo { api: 1, pipeline_version: 2, name: "vimc".to_owned() };
        assert_eq!(LibcameraInfo::parse(&bytes, Endianness::Little), Some(expected));
        assert_eq!(LibcameraInfo::parse(&bytes[..263], Endianness::Little), None);
        let full = [b'x'; LibcameraInfo::BYTES];
        assert_eq!(LibcameraInfo::parse(&full, Endianness::Little).unwrap().name.len(), 256);
    }
}
