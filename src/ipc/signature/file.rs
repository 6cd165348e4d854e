//! Small files from places where others may put anything: opened once, never waited for, judged by the descriptor.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, openat};

/// What was opened, and what the system says of it.
#[derive(Debug)]
pub(super) struct Opened {
    file: File,
    stat: Stat,
}

impl Opened {
    /// Opens what is at `path`, seen from `folder`. A pipe without a writer is no reason to wait.
    pub(super) fn at(folder: impl AsFd, path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = openat(folder, path, flags, Mode::empty())?;
        let stat = fstat(&file)?;
        Ok(Self { file: file.into(), stat })
    }

    pub(super) fn is_regular(&self) -> bool {
        FileType::from_raw_mode(self.stat.st_mode) == FileType::RegularFile
    }

    pub(super) fn is_folder(&self) -> bool {
        FileType::from_raw_mode(self.stat.st_mode) == FileType::Directory
    }

    /// Whose it is.
    pub(super) fn owner(&self) -> u32 {
        self.stat.st_uid
    }

    /// Its permission bits. With access lists the bits of the group are the most that anybody named in one may do.
    pub(super) fn permissions(&self) -> u32 {
        self.stat.st_mode & 0o7777
    }

    /// Its length.
    pub(super) fn bytes(&self) -> u64 {
        u64::try_from(self.stat.st_size).unwrap_or(0)
    }

    /// Its first bytes, at most `limit`.
    pub(super) fn read(&self, limit: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        (&self.file).take(limit as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl AsFd for Opened {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
