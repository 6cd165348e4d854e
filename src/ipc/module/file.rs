//! A module as a host has it: a sealed copy of its file.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use memmap2::{Mmap, MmapOptions};
use rustix::fs::{
    FileType, MemfdFlags, Mode, OFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, memfd_create,
    open,
};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use sha2::{Digest, Sha256};

use super::abi::RECORD_BYTES;
use super::elf::find_record;
use super::{ModuleError, ModuleInfo};
use crate::ipc::Interface;

/// The most bytes that a module may have: 256 MiB.
const MAX_BYTES: u64 = 256 << 20;
/// A copy that nobody can change, whoever has a descriptor of it.
const SEALS: SealFlags =
    SealFlags::WRITE.union(SealFlags::GROW).union(SealFlags::SHRINK).union(SealFlags::SEAL);

/// A module as a host has it: a sealed copy of its file, and what the module says of itself.
///
/// The file is opened once, and copied to memory that nobody can change any more. Whoever checks the module (its
/// [`digest`](Self::digest), a signature) checks the [`bytes`](Self::bytes) of that copy, and that copy is what is loaded,
/// here or in a worker: no one can put another file in its place in between. As the copy lies in no folder, `$ORIGIN` in
/// the module's run path leads nowhere: a module is self-contained, or uses libraries of the system.
///
/// Clones are the same copy.
///
/// ```no_run
/// use ringfence::ipc::module::ModuleFile;
/// use ringfence::ipc::{Options, Worker};
/// # use ringfence::interfaces::rpi::IpaRPiProxy;
///
/// let module = ModuleFile::read("/usr/lib/ringfence/modules/rpi.so")?;
/// println!("{} for {}", module.info(), module.info().pipeline);
/// let ipa = IpaRPiProxy::isolated(&Options::new(), &Worker::loading(&module))?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ModuleFile {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    /// Of its own, since those who start a worker share it.
    fd: Arc<OwnedFd>,
    bytes: Mmap,
    record: [u8; RECORD_BYTES],
    info: ModuleInfo,
    digest: OnceLock<[u8; 32]>,
}

impl ModuleFile {
    /// Copies the file at `path`, and finds out what module it is. No code of it runs.
    ///
    /// # Errors
    /// [`ModuleError`] if it cannot be read, has more than 256 MiB, or is no module for this machine.
    pub fn read(path: impl Into<PathBuf>) -> Result<Self, ModuleError> {
        let path = path.into();
        let file = open_file(&path)?;
        match copy(&file, &path) {
            Ok(fd) => Self::of(path, fd),
            Err(error) => Err(error),
        }
    }

    /// The module of which somebody else made this sealed copy.
    pub(super) fn adopt(fd: OwnedFd) -> Result<Self, ModuleError> {
        let path = PathBuf::from(link(&fd));
        // What is no memfd has no seals at all.
        if !fcntl_get_seals(&fd).is_ok_and(|seals| seals.contains(SEALS)) {
            return Err(ModuleError::NotSealed { path });
        }
        Self::of(path, fd)
    }

    fn of(path: PathBuf, fd: OwnedFd) -> Result<Self, ModuleError> {
        let bytes = match map(&fd) {
            Ok(bytes) => bytes,
            Err(source) => return Err(ModuleError::File { path, source }),
        };
        let record = match find_record(&bytes) {
            Ok(record) => record,
            Err(problem) => return Err(ModuleError::Elf { path, problem }),
        };
        let info = match ModuleInfo::parse(&record) {
            Ok(info) => info,
            Err(problem) => return Err(ModuleError::Record { path, problem }),
        };
        let inner = Inner { path, fd: Arc::new(fd), bytes, record, info, digest: OnceLock::new() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Where the file was. What is there now may be another one.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// What the module says of itself.
    #[must_use]
    pub fn info(&self) -> &ModuleInfo {
        &self.inner.info
    }

    /// The record in which it says so.
    #[must_use]
    pub fn record(&self) -> &[u8; RECORD_BYTES] {
        &self.inner.record
    }

    /// The whole of the copy. Nobody can change it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.inner.bytes
    }

    /// SHA-256 of the copy, computed when it is first asked for.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        *self.inner.digest.get_or_init(|| Sha256::digest(self.bytes()).into())
    }

    /// Compares what the module says of itself with what a host wants that calls `interface`, before anything is loaded.
    ///
    /// # Errors
    /// [`ModuleError::Misfit`] tells what is different.
    pub fn fits(&self, interface: &Interface) -> Result<(), ModuleError> {
        let misfit = |problem| ModuleError::Misfit { path: self.path().to_owned(), problem };
        self.info().fits(interface).map_err(misfit)
    }

    /// Where the copy can be opened by path, in this process.
    pub(super) fn link(&self) -> String {
        link(&self.inner.fd)
    }

    /// The copy's descriptor, for whoever needs it longer than this lives. Its number is none of a standard stream.
    pub(in crate::ipc) fn descriptor(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.inner.fd)
    }
}

impl fmt::Debug for ModuleFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { path, fd, info, .. } = &*self.inner;
        f.debug_struct("ModuleFile")
            .field("path", path)
            .field("fd", fd)
            .field("info", info)
            .finish_non_exhaustive()
    }
}

impl AsFd for ModuleFile {
    /// The sealed copy.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.fd.as_fd()
    }
}

fn link(fd: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

/// Opens a file, and nothing else: opening a pipe could wait for ever, and a terminal could become this process's.
fn open_file(path: &Path) -> Result<File, ModuleError> {
    let failed = |errno: Errno| ModuleError::File { path: path.to_owned(), source: errno.into() };
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = open(path, flags, Mode::empty()).map_err(failed)?;
    let kind = FileType::from_raw_mode(fstat(&file).map_err(failed)?.st_mode);
    if kind != FileType::RegularFile {
        return Err(ModuleError::NotAFile { path: path.to_owned() });
    }
    Ok(file.into())
}

/// Copies it to sealed memory. It may grow meanwhile.
fn copy(file: &File, path: &Path) -> Result<OwnedFd, ModuleError> {
    let failed = |call| move |errno| ModuleError::Copy { path: path.to_owned(), call, errno };
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 do not know the flag that also forbids executing the memory as a program.
    let memory = memfd_create("ringfence-module", flags | MemfdFlags::NOEXEC_SEAL)
        .or_else(|_| memfd_create("ringfence-module", flags))
        .map_err(failed("memfd_create"))?;
    // A worker finds it at the same number, which must be none of a standard stream.
    let memory = fcntl_dupfd_cloexec(&memory, 3).map_err(failed("fcntl(F_DUPFD_CLOEXEC)"))?;
    let mut memory = File::from(memory);
    let copied = io::copy(&mut file.take(MAX_BYTES + 1), &mut memory);
    match copied {
        Ok(bytes) if bytes > MAX_BYTES => {
            return Err(ModuleError::TooLarge { path: path.to_owned(), limit: MAX_BYTES });
        }
        Ok(_) => {}
        Err(source) => return Err(ModuleError::File { path: path.to_owned(), source }),
    }
    fcntl_add_seals(&memory, SEALS).map_err(failed("fcntl(F_ADD_SEALS)"))?;
    Ok(memory.into())
}

/// Maps sealed memory for reading. A private mapping, as kernels before 6.7 refuse a shared one of what can never be
/// written to.
fn map(fd: &OwnedFd) -> io::Result<Mmap> {
    // SAFETY: the seals see to it that neither the content nor the length of the memory ever changes.
    unsafe { MmapOptions::new().map_copy_read_only(fd) }
}

#[cfg(test)]
pub(in crate::ipc) mod tests;
