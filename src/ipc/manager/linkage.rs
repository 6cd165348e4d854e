//! Whether a module's libraries are those of the system, or some that no signature covers.

#![forbid(unsafe_code)]

use object::LittleEndian;
use object::elf::{
    DT_AUDIT, DT_AUXILIARY, DT_DEPAUDIT, DT_FILTER, DT_NEEDED, DT_NULL, DT_RPATH, DT_RUNPATH, DT_STRSZ,
    DT_STRTAB, FileHeader64,
};
use object::read::StringTable;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};

/// What a module's file says of its libraries that would have code loaded which its signature does not cover; nothing, if all
/// of them are found by name where the system keeps them.
pub(super) fn uncovered(bytes: &[u8]) -> Option<String> {
    match look(bytes) {
        Ok(found) => found,
        Err(_) => Some("has a dynamic section that cannot be read".to_owned()),
    }
}

fn look(bytes: &[u8]) -> object::Result<Option<String>> {
    let endian = LittleEndian;
    let header = FileHeader64::<LittleEndian>::parse(bytes)?;
    let segments = header.program_headers(endian, bytes)?;
    for segment in segments {
        let Some(entries) = segment.dynamic(endian, bytes)? else { continue };
        let entries = || entries.iter().take_while(|entry| entry.d_tag(endian) != DT_NULL);
        let value = |tag| entries().find(|entry| entry.d_tag(endian) == tag).map(|entry| entry.d_val(endian));
        let strings = value(DT_STRTAB).zip(value(DT_STRSZ)).and_then(|(address, length)| {
            let start = segments.iter().find_map(|segment| {
                let start = address.checked_sub(segment.p_vaddr(endian))?;
                (start < segment.p_filesz(endian)).then(|| segment.p_offset(endian).checked_add(start))?
            })?;
            Some(StringTable::new(bytes, start, start.checked_add(length)?))
        });
        let text = |offset: u64| {
            let text = u32::try_from(offset).ok().zip(strings)?;
            text.1.get(text.0).ok()
        };
        for entry in entries() {
            let named = match entry.d_tag(endian) {
                DT_RPATH => "a run path (DT_RPATH)",
                DT_RUNPATH => "a run path (DT_RUNPATH)",
                DT_FILTER | DT_AUXILIARY => "a library that it stands for (DT_FILTER, DT_AUXILIARY)",
                DT_AUDIT | DT_DEPAUDIT => "a library that watches it (DT_AUDIT)",
                DT_NEEDED => match text(entry.d_val(endian)) {
                    Some(name) if !name.contains(&b'/') => continue,
                    Some(_) => "a library by its path (DT_NEEDED)",
                    None => "a library by a name that cannot be read (DT_NEEDED)",
                },
                _ => continue,
            };
            let text = text(entry.d_val(endian)).map(String::from_utf8_lossy).unwrap_or_default();
            return Ok(Some(format!("names {named}: {:?}", text.chars().take(100).collect::<String>())));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::module::file_tests::{DYNAMIC, record, shared_object};

    /// A module with this entry in its dynamic section, in place of one that nobody needs who does not load it.
    fn with(tag: object::elf::DynamicTag, value: u64) -> Vec<u8> {
        let mut file = shared_object(&record());
        // The first entry: the table of hashes, DT_HASH.
        let entry = DYNAMIC;
        assert_eq!(file[entry..entry + 8], 4_u64.to_le_bytes());
        file[entry..entry + 8].copy_from_slice(&tag.0.to_le_bytes());
        file[entry + 8..entry + 16].copy_from_slice(&value.to_le_bytes());
        file
    }

    #[test]
    fn libraries_that_no_signature_covers_are_told() {
        assert_eq!(uncovered(&shared_object(&record())), None);
        assert_eq!(uncovered(&with(DT_NEEDED, 1)), None, "a library by its name");
        for (tag, word) in [
            (DT_RPATH, "DT_RPATH"),
            (DT_RUNPATH, "DT_RUNPATH"),
            (DT_FILTER, "DT_FILTER"),
            (DT_AUXILIARY, "DT_AUXILIARY"),
            (DT_AUDIT, "DT_AUDIT"),
            (DT_DEPAUDIT, "DT_AUDIT"),
        ] {
            let told = uncovered(&with(tag, 1)).unwrap();
            assert!(told.contains(word) && told.contains("\"ringfence_module_info\""), "{told}");
        }
        let mut by_path = with(DT_NEEDED, 1);
        let name = by_path.windows(9).position(|bytes| bytes == b"ringfence").unwrap();
        by_path[name] = b'/';
        let told = uncovered(&by_path).unwrap();
        assert!(told.contains("by its path (DT_NEEDED): \"/ingfence_module_info\""), "{told}");
        let told = uncovered(&with(DT_NEEDED, 1 << 20)).unwrap();
        assert!(told.contains("cannot be read"), "{told}");
    }

    #[test]
    fn nonsense_is_not_covered_and_no_panic() {
        assert!(uncovered(b"").is_some());
        let file = shared_object(&record());
        for length in 0..file.len() {
            let _ = uncovered(&file[..length]);
        }
        for at in 0..file.len() {
            let mut file = file.clone();
            file[at] = !file[at];
            let _ = uncovered(&file);
        }
    }
}
