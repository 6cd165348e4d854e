//! Anonymous shared memory: created, reserved and sealed by the host, checked by whoever maps it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{
    FallocateFlags, MemfdFlags, SealFlags, fallocate, fcntl_add_seals, fcntl_get_seals, fstat, ftruncate,
    memfd_create,
};
use rustix::io::{Errno, pread};

use super::words::Mapped;

/// The seals of a memfd, as the kernel reports them.
pub type Seals = SealFlags;

/// Why shared memory could not be made or was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// A system call failed while the memory was set up.
    #[error("shared memory of {bytes} bytes: {call} failed: {errno}")]
    System {
        /// The system call.
        call: &'static str,
        /// Size asked for, in bytes.
        bytes: usize,
        /// What the kernel said.
        errno: Errno,
    },
    /// The descriptor is not a memfd, so it can carry no seals and could shrink under a reader.
    #[error(
        "the descriptor is not a sealable memfd ({errno}); it could shrink while it is mapped, so it is refused"
    )]
    NotSealable {
        /// What the kernel said.
        errno: Errno,
    },
    /// The memfd could still change its size.
    #[error(
        "the memfd carries the seals {found:?} but must carry at least {required:?}, else its owner could shrink it while it is mapped"
    )]
    MissingSeals {
        /// Seals found.
        found: Seals,
        /// Seals demanded.
        required: Seals,
    },
    /// The memfd has another size than was announced.
    #[error("the memfd is {found} bytes long, announced were {announced}")]
    WrongSize {
        /// Size announced by the peer, in bytes.
        announced: u64,
        /// Size found, in bytes.
        found: u64,
    },
}

/// Seals that the host sets and everybody else demands.
const REQUIRED_SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);

/// A sealed memfd of fixed size, not yet mapped.
#[derive(Debug)]
pub struct SharedMemory {
    fd: OwnedFd,
    bytes: usize,
}

impl SharedMemory {
    /// Creates zeroed memory of `bytes` bytes, reserves its pages and seals its size.
    ///
    /// Pages are reserved now, so that a full tmpfs or memory limit is an error here rather than a
    /// `SIGBUS` at the first write.
    ///
    /// # Errors
    /// [`MemoryError::System`] if the kernel refuses.
    pub fn create(name: &str, bytes: usize) -> Result<Self, MemoryError> {
        let memory = Self::create_sparse(name, bytes)?;
        memory.reserve(0, bytes)?;
        Ok(memory)
    }

    /// Creates zeroed memory of `bytes` bytes and seals its size. It has no pages yet: whoever writes to a part has
    /// [reserved](SharedMemory::reserve) it before.
    ///
    /// # Errors
    /// [`MemoryError::System`] if the kernel refuses.
    pub fn create_sparse(name: &str, bytes: usize) -> Result<Self, MemoryError> {
        let system = |call| move |errno| MemoryError::System { call, bytes, errno };
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        // Kernels before 6.3 do not know the flag that also forbids executing the memory.
        let fd = memfd_create(name, flags | MemfdFlags::NOEXEC_SEAL)
            .or_else(|_| memfd_create(name, flags))
            .map_err(system("memfd_create"))?;
        ftruncate(&fd, bytes as u64).map_err(system("ftruncate"))?;
        fcntl_add_seals(&fd, REQUIRED_SEALS).map_err(system("fcntl(F_ADD_SEALS)"))?;
        Ok(Self { fd, bytes })
    }

    /// Gives `bytes` bytes from `offset` their pages.
    ///
    /// # Errors
    /// [`MemoryError::System`] if there is not so much memory.
    pub fn reserve(&self, offset: usize, bytes: usize) -> Result<(), MemoryError> {
        fallocate(&self.fd, FallocateFlags::empty(), offset as u64, bytes as u64)
            .map_err(|errno| MemoryError::System { call: "fallocate", bytes, errno })
    }

    /// Reads from the start of the memory without mapping it, so that it cannot be written by mistake.
    ///
    /// # Errors
    /// [`MemoryError::System`] if the kernel refuses, or the memory is shorter.
    pub fn peek(&self, bytes: &mut [u8]) -> Result<(), MemoryError> {
        let length = bytes.len();
        let failed = |errno| MemoryError::System { call: "pread", bytes: length, errno };
        match pread(&self.fd, bytes, 0) {
            Ok(read) if read == length => Ok(()),
            Ok(_) => Err(failed(Errno::NODATA)),
            Err(errno) => Err(failed(errno)),
        }
    }

    /// The number by which the kernel knows it.
    ///
    /// # Errors
    /// [`MemoryError::System`] if the kernel does not tell.
    pub fn inode(&self) -> Result<u64, MemoryError> {
        let stat = fstat(&self.fd);
        stat.map(|stat| stat.st_ino).map_err(|errno| MemoryError::System {
            call: "fstat",
            bytes: self.bytes,
            errno,
        })
    }

    /// Takes a descriptor from the peer after checking its seals and its size.
    ///
    /// # Errors
    /// [`MemoryError::NotSealable`], [`MemoryError::MissingSeals`] or [`MemoryError::WrongSize`].
    pub fn adopt(fd: OwnedFd, announced: usize) -> Result<Self, MemoryError> {
        let found = fcntl_get_seals(&fd).map_err(|errno| MemoryError::NotSealable { errno })?;
        if !found.contains(REQUIRED_SEALS) {
            return Err(MemoryError::MissingSeals { found, required: REQUIRED_SEALS });
        }
        let stat =
            fstat(&fd).map_err(|errno| MemoryError::System { call: "fstat", bytes: announced, errno })?;
        let found = u64::try_from(stat.st_size).unwrap_or(0);
        if found != announced as u64 {
            return Err(MemoryError::WrongSize { announced: announced as u64, found });
        }
        Ok(Self { fd, bytes: announced })
    }

    /// Size in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Maps the memory, shared and writable, with its page tables filled in.
    ///
    /// # Errors
    /// [`MemoryError::System`] if the kernel refuses.
    pub fn map(&self) -> Result<Mapped, MemoryError> {
        self.map_with(MmapOptions::new().len(self.bytes).populate(), self.bytes)
    }

    /// Maps `bytes` bytes from `offset`, shared and writable. Pages come as they are touched.
    ///
    /// # Errors
    /// [`MemoryError::System`] if the kernel refuses, or the part does not lie within.
    pub fn map_part(&self, offset: usize, bytes: usize) -> Result<Mapped, MemoryError> {
        if offset.checked_add(bytes).is_none_or(|end| end > self.bytes) {
            return Err(MemoryError::System { call: "mmap", bytes, errno: Errno::INVAL });
        }
        self.map_with(MmapOptions::new().offset(offset as u64).len(bytes), bytes)
    }

    fn map_with(&self, options: &MmapOptions, bytes: usize) -> Result<Mapped, MemoryError> {
        let raw: MmapRaw = options.map_raw(&self.fd).map_err(|error| MemoryError::System {
            call: "mmap",
            bytes,
            errno: Errno::from_io_error(&error).unwrap_or(Errno::INVAL),
        })?;
        Ok(Mapped::new(raw))
    }
}

impl AsFd for SharedMemory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
