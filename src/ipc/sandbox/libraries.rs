//! Which files a program needs to start: its interpreter, and the libraries that its dynamic linker will look for.
//!
//! The search follows ld.so(8), with one difference: where the linker takes the first file that fits, all of that name
//! are found here. A few files more may be read than are; none that has to be is missing.
//!
//! A module is not trusted, and what its file says of its needs is what the module wants. So it gets libraries and nothing
//! else: no interpreter, which only what is executed has, and no file that is not a shared object, whatever its name.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use object::Endianness;
use object::elf::{
    DT_NEEDED, DT_NULL, DT_RPATH, DT_RUNPATH, DT_STRSZ, DT_STRTAB, ET_DYN, FileHeader64, PT_DYNAMIC,
};
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::read::{ReadCache, ReadRef, StringTable};

/// The dynamic linker's list of libraries.
pub(super) const CACHE: &str = "/etc/ld.so.cache";
/// Where libraries are, whatever the cache says: on most systems, and on Debian.
const FOLDERS: [&str; 4] = ["/lib", "/usr/lib", "/lib64", "/usr/lib64"];
/// The C library loads it by itself when a thread is cancelled.
const UNWINDER: &str = "libgcc_s.so.1";
/// The most files looked into; a chain of libraries longer than that is no accident.
const MAX_FILES: usize = 512;
/// The most libraries that a file names, and the most folders in which it wants them looked for. No more are looked at: a
/// module's file can name millions.
const MAX_NAMES: usize = 512;
/// The most paths that are looked at for all of them.
const MAX_LOOKS: usize = 1 << 16;

/// What a program needs to start.
#[derive(Debug, Default)]
pub(super) struct Needed {
    /// What the kernel runs: the interpreter of the program, and of a script the one in its first line.
    pub interpreters: BTreeSet<PathBuf>,
    /// What the dynamic linker reads.
    pub libraries: BTreeSet<PathBuf>,
}

/// Finds what `program` needs to be executed and `modules` to be loaded, given the worker's `LD_LIBRARY_PATH`.
///
/// What cannot be read, or is no ELF file, needs nothing: whoever loads it will say what is wrong with it.
pub(super) fn needed(program: &Path, modules: &[PathBuf], library_path: Option<&OsStr>) -> Needed {
    let mut search =
        Search { cache: Cache::read(), library_path: folders(library_path), ..Search::default() };
    let modules = modules.iter().map(|module| (module.clone(), Use::Loaded));
    search.waiting.extend(modules.chain([(program.to_owned(), Use::Executed)]));
    search.want(OsStr::new(UNWINDER), &[]);
    while let Some(file) = search.waiting.pop()
        && search.seen.len() < MAX_FILES
    {
        if search.seen.insert(file.clone()) {
            search.look_into(&file.0, file.1);
        }
    }
    search.needed
}

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    /// The kernel runs it, and what it names as its interpreter.
    Executed,
    /// The dynamic linker loads it.
    Loaded,
}

#[derive(Default)]
struct Search {
    cache: Cache,
    library_path: Vec<PathBuf>,
    seen: BTreeSet<(PathBuf, Use)>,
    waiting: Vec<(PathBuf, Use)>,
    /// Names that were looked for where everybody's are.
    wanted: BTreeSet<OsString>,
    /// Paths that were looked at.
    looks: usize,
    needed: Needed,
}

impl Search {
    fn look_into(&mut self, path: &Path, purpose: Use) {
        let Ok(mut file) = File::open(path) else { return };
        let mut start = [0; 256];
        let Ok(length) = file.read(&mut start) else { return };
        if let Some(line) = start[..length].strip_prefix(b"#!") {
            if purpose == Use::Loaded {
                return;
            }
            let line = line.split(|&byte| byte == b'\n').next().unwrap_or_default();
            let mut words = line.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty());
            if let Some(interpreter) = words.next() {
                self.interpreter(interpreter);
            }
        } else if let Some(elf) = Elf::read(&ReadCache::new(file)) {
            if let (Some(interpreter), Use::Executed) = (&elf.interpreter, purpose) {
                self.interpreter(interpreter);
            }
            let origin = path.parent().unwrap_or(Path::new("/"));
            let own = elf.search.iter().flat_map(|list| folders(Some(&with_origin(list, origin))));
            let own: Vec<PathBuf> = own.take(MAX_NAMES).collect();
            for name in &elf.needed {
                self.want(OsStr::from_bytes(name), &own);
            }
        }
    }

    fn interpreter(&mut self, path: &[u8]) {
        let path = PathBuf::from(OsStr::from_bytes(path));
        self.needed.interpreters.insert(path.clone());
        self.waiting.push((path, Use::Executed));
    }

    /// Finds the library of this name, `own` being where the one who asks wants it looked for.
    fn want(&mut self, name: &OsStr, own: &[PathBuf]) {
        let is_path = name.as_bytes().contains(&b'/');
        // As a rule everybody wants the same few.
        if !is_path && own.is_empty() && !self.wanted.insert(name.to_owned()) {
            return;
        }
        let mut found = Vec::new();
        if is_path {
            found.push(PathBuf::from(name));
        } else {
            let folders = own.iter().chain(&self.library_path).map(PathBuf::as_path);
            let folders = folders.chain(FOLDERS.iter().map(Path::new));
            found.extend(folders.map(|folder| folder.join(name)));
            found.extend(self.cache.paths(name.as_bytes()));
        }
        found.truncate(MAX_LOOKS - self.looks);
        self.looks += found.len();
        for path in found.into_iter().filter(|path| is_shared_object(path)) {
            if self.needed.libraries.insert(path.clone()) {
                self.waiting.push((path, Use::Loaded));
            }
        }
    }
}

/// Whether it is what a dynamic linker would load: neither a key nor a dump of some process's memory.
pub(super) fn is_shared_object(path: &Path) -> bool {
    // Whether it is a file comes first: to open a pipe could wait for ever.
    let file = path.is_file().then(|| File::open(path).ok()).flatten();
    file.is_some_and(|file| {
        let data = ReadCache::new(file);
        FileHeader64::<Endianness>::parse(&data)
            .and_then(|header| Ok(header.e_type(header.endian()?)))
            .is_ok_and(|kind| kind == ET_DYN)
    })
}

/// What an ELF file says of its needs.
#[derive(Default)]
struct Elf {
    interpreter: Option<Vec<u8>>,
    needed: Vec<Vec<u8>>,
    /// `DT_RPATH` and `DT_RUNPATH`.
    search: Vec<Vec<u8>>,
}

impl Elf {
    fn read<'data>(data: impl ReadRef<'data>) -> Option<Self> {
        let header = FileHeader64::<Endianness>::parse(data).ok()?;
        let endian = header.endian().ok()?;
        let segments = header.program_headers(endian, data).ok()?;
        let interpreter =
            segments.iter().find_map(|segment| segment.interpreter(endian, data).ok().flatten());
        let mut elf = Self { interpreter: interpreter.map(<[u8]>::to_vec), ..Self::default() };
        // Of several the dynamic linker takes the last.
        let dynamic = segments.iter().rev().find(|segment| segment.p_type(endian) == PT_DYNAMIC);
        if let Some(Ok(Some(entries))) = dynamic.map(|segment| segment.dynamic(endian, data)) {
            let end = entries.iter().position(|entry| entry.d_tag(endian) == DT_NULL);
            let entries = &entries[..end.unwrap_or(entries.len())];
            let value = |tag| {
                let entry = entries.iter().find(|entry| entry.d_tag(endian) == tag);
                entry.map(|entry| entry.d_val(endian))
            };
            let (address, bytes) = (value(DT_STRTAB)?, value(DT_STRSZ)?);
            let strings = segments.iter().find_map(|segment| {
                let start = address.checked_sub(segment.p_vaddr(endian))?;
                let inside = start.checked_add(bytes)? <= segment.p_filesz(endian);
                inside.then(|| segment.p_offset(endian).checked_add(start))?
            });
            let start = strings?;
            let strings = StringTable::new(data, start, start.checked_add(bytes)?);
            for entry in entries {
                let list = match entry.d_tag(endian) {
                    DT_NEEDED => &mut elf.needed,
                    DT_RPATH | DT_RUNPATH => &mut elf.search,
                    _ => continue,
                };
                if list.len() == MAX_NAMES {
                    continue;
                }
                let offset = u32::try_from(entry.d_val(endian)).ok();
                list.extend(offset.and_then(|offset| strings.get(offset).ok()).map(<[u8]>::to_vec));
            }
        }
        Some(elf)
    }
}

/// The folders of a list with colons. An empty one would be the current folder, which no worker needs.
fn folders(list: Option<&OsStr>) -> Vec<PathBuf> {
    let list = list.map(OsStr::as_bytes).unwrap_or_default();
    let parts = list.split(|byte| matches!(byte, b':' | b';')).filter(|part| !part.is_empty());
    parts.map(|part| PathBuf::from(OsStr::from_bytes(part))).collect()
}

/// `$ORIGIN` is the folder of the file that says it.
fn with_origin(list: &[u8], origin: &Path) -> std::ffi::OsString {
    let list = String::from_utf8_lossy(list);
    let origin = origin.to_string_lossy();
    list.replace("${ORIGIN}", &origin).replace("$ORIGIN", &origin).into()
}

/// The dynamic linker's cache: names and paths.
#[derive(Default)]
struct Cache {
    bytes: Vec<u8>,
}

impl Cache {
    /// What the cache starts with, on every system since glibc 2.2.
    const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
    /// Bytes before the first entry: the magic, a count, bytes of the strings, and 20 bytes of no use here.
    const HEADER: usize = 48;
    /// Bytes of an entry: flags, offsets of name and path from the start of the cache, and 12 bytes of no use here.
    const ENTRY: usize = 24;

    fn read() -> Self {
        Self { bytes: fs::read(CACHE).unwrap_or_default() }
    }

    /// The paths of the libraries of this name, of every kind.
    fn paths(&self, name: &[u8]) -> Vec<PathBuf> {
        // Older systems put the cache of the time before it in front.
        let Some(start) = self.bytes.windows(Self::MAGIC.len()).position(|bytes| bytes == Self::MAGIC) else {
            return Vec::new();
        };
        let cache = &self.bytes[start..];
        let number = |offset: usize| {
            let bytes = cache.get(offset..)?.first_chunk()?;
            Some(u32::from_ne_bytes(*bytes) as usize)
        };
        let text = |offset: usize| cache.get(offset..)?.split(|&byte| byte == 0).next();
        let count = number(Self::MAGIC.len()).unwrap_or(0).min(cache.len() / Self::ENTRY);
        let entry = |index: usize| {
            let offset = Self::HEADER + index * Self::ENTRY;
            let path = text(number(offset + 8)?)?;
            (text(number(offset + 4)?)? == name).then(|| PathBuf::from(OsStr::from_bytes(path)))
        };
        (0..count).filter_map(entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_needs_its_interpreter_and_the_c_library() {
        let own = std::env::current_exe().unwrap();
        let needed = needed(&own, &[], None);
        assert!(!needed.interpreters.is_empty(), "{needed:?}");
        let has = |name| needed.libraries.iter().any(|path| path.file_name() == Some(OsStr::new(name)));
        assert!(has("libc.so.6") && has(UNWINDER), "{needed:?}");
        assert!(needed.libraries.iter().all(|path| path.is_file()));
    }

    /// What the dynamic linker itself would load.
    #[test]
    fn nothing_that_the_dynamic_linker_loads_is_missing() {
        let own = std::env::current_exe().unwrap();
        let needed = needed(&own, &[], std::env::var_os("LD_LIBRARY_PATH").as_deref());
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let ours: BTreeSet<PathBuf> = needed
            .libraries
            .iter()
            .chain(&needed.interpreters)
            .map(|path| fs::canonicalize(path).unwrap())
            .collect();
        let loaded = maps.lines().filter_map(|line| line.split_whitespace().nth(5));
        let loaded: BTreeSet<&Path> = loaded.filter(|path| path.contains(".so")).map(Path::new).collect();
        assert!(!loaded.is_empty());
        for library in loaded {
            assert!(ours.contains(library), "{} is not among {ours:?}", library.display());
        }
    }

    #[test]
    fn the_interpreter_of_a_script_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("script");
        fs::write(&script, "#! /bin/sh -e\nexit\n").unwrap();
        let needed = needed(&script, &[], None);
        assert!(needed.interpreters.contains(Path::new("/bin/sh")), "{needed:?}");
        assert!(needed.interpreters.len() > 1, "the shell has one, too: {needed:?}");
    }

    /// What a module's file asks for is what the module wants to read.
    #[test]
    fn a_module_cannot_name_a_file_that_it_wants_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let (script, secret) = (folder.path().join("script"), folder.path().join("secret"));
        fs::write(&script, format!("#!{}\n", secret.display())).unwrap();
        // A program's interpreter, as a module's file can name one, too.
        let (program, own) = (Path::new(""), std::env::current_exe().unwrap());
        for module in [script, own] {
            let needed = needed(program, &[module], None);
            assert!(needed.interpreters.is_empty(), "{needed:?}");
        }
        fs::write(&secret, "a key").unwrap();
        let mut search = Search::default();
        search.want(secret.as_os_str(), &[]);
        search.want(OsStr::new("secret"), &[folder.path().to_owned()]);
        assert!(search.needed.libraries.is_empty(), "{:?}", search.needed);
        // As a dump of a process's memory begins; a library differs in one byte.
        let mut dump = fs::read(std::env::current_exe().unwrap()).unwrap();
        dump.truncate(64);
        dump[16] = 4;
        fs::write(&secret, &dump).unwrap();
        search.want(secret.as_os_str(), &[]);
        assert!(search.needed.libraries.is_empty(), "{:?}", search.needed);
        dump[16] = 3;
        fs::write(&secret, dump).unwrap();
        search.want(secret.as_os_str(), &[]);
        assert!(search.needed.libraries.contains(&secret), "{:?}", search.needed);
    }

    /// As many as a file has room for, each with another name of the greatest length.
    #[test]
    fn a_module_that_names_libraries_without_end_costs_little() {
        const COUNT: usize = 4 << 20;
        let mut file = vec![0; 64 + 2 * 56];
        file[..16].copy_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
        let mut put = |at: usize, value: &[u8]| file[at..at + value.len()].copy_from_slice(value);
        put(16, &3u16.to_le_bytes());
        put(20, &1u32.to_le_bytes());
        put(32, &64u64.to_le_bytes());
        put(52, &64u16.to_le_bytes());
        put(54, &56u16.to_le_bytes());
        put(56, &2u16.to_le_bytes());
        let (dynamic, bytes) = (64 + 2 * 56, 16 * (COUNT + 3));
        let strings = dynamic + bytes;
        let names = "/".repeat(4000) + &"a\0".repeat(1 << 20);
        for (segment, kind, start, length) in [(0, 1u32, 0, strings + names.len()), (1, 2, dynamic, bytes)] {
            put(64 + 56 * segment, &kind.to_le_bytes());
            for (word, value) in [(1, start), (2, start), (3, start), (4, length), (5, length)] {
                put(64 + 56 * segment + 8 * word, &(value as u64).to_le_bytes());
            }
        }
        let mut entry =
            |tag: u64, value: usize| file.extend([tag, value as u64].map(u64::to_le_bytes).concat());
        entry(5, strings);
        entry(10, names.len());
        (0..COUNT).for_each(|index| entry(1, index % (names.len() / 2)));
        entry(0, 0);
        file.extend(names.as_bytes());
        let elf = Elf::read(&*file).unwrap();
        assert_eq!(elf.needed.len(), MAX_NAMES, "no more are read");
        let mut search = Search::default();
        for number in 0..2 * MAX_LOOKS {
            search.want(OsStr::new(&format!("/no/such/library/{number}")), &[]);
        }
        assert_eq!(search.looks, MAX_LOOKS, "no more are looked for");
    }

    #[test]
    fn the_origin_is_the_folder_of_the_file() {
        let list = with_origin(b"$ORIGIN/../lib:/opt:${ORIGIN}", Path::new("/a/b"));
        assert_eq!(folders(Some(&list)), ["/a/b/../lib", "/opt", "/a/b"].map(PathBuf::from));
    }

    #[test]
    fn nonsense_needs_only_what_the_c_library_loads() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("nonsense");
        for bytes in [&b""[..], b"\x7fELF", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff", b"#!"] {
            fs::write(&file, bytes).unwrap();
            let (found, nothing) = (needed(&file, &[], None), needed(Path::new(""), &[], None));
            assert_eq!((found.interpreters, found.libraries), (nothing.interpreters, nothing.libraries));
        }
    }
}
