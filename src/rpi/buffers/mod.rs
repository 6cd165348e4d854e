//! Buffers for statistics that two processes share: the best kind of memory that the machine gives.
//!
//! The pipeline allocates a [`SharedBuffer`] and passes its descriptor; the algorithms' side maps it as a
//! [`MappedBuffer`]. Neither ever makes a reference to the shared bytes: they are copied in and out.
//!
//! Tried in this order, and what was refused is remembered with the reason:
//! 1. a dma-buf from a heap under `/dev/dma_heap`: `system` (cached pages), `linux,cma` and `reserved` (contiguous
//!    memory, under its two usual names), then any others by name;
//! 2. a dma-buf that `/dev/udmabuf` makes of a sealed memfd;
//! 3. a sealed memfd.

mod ioctl;
mod mapping;

use std::fmt;
use std::fs::OpenOptions;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{
    FallocateFlags, MemfdFlags, SealFlags, SeekFrom, fallocate, fcntl_add_seals, fcntl_get_seals, ftruncate,
    memfd_create, seek,
};
use rustix::io::{Errno, pread, retry_on_intr};

use ioctl::{Access, allocate, create_udmabuf, synchronised};
use mapping::Mapping;

/// Heaps in the order in which they are tried.
const HEAPS: [&str; 3] = ["system", "linux,cma", "reserved"];

/// A multiple of every page size that Linux uses.
const LARGEST_PAGE: usize = 65_536;

/// Why a buffer could not be made, mapped or accessed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BufferError {
    /// No bytes were asked for.
    #[error("a shared buffer must have at least one byte")]
    Empty,
    /// The kernel refused.
    #[error("a shared buffer of {bytes} bytes: {call} failed: {errno}")]
    System {
        /// The system call.
        call: &'static str,
        /// Size of the buffer, in bytes.
        bytes: usize,
        /// What the kernel said.
        #[source]
        errno: Errno,
    },
    /// The descriptor is shorter than the plane that was announced.
    #[error("a plane of {length} bytes at {offset} exceeds the buffer's {found} bytes")]
    TooShort {
        /// Start of the plane, in bytes.
        offset: u64,
        /// Length of the plane, in bytes.
        length: usize,
        /// Size of the buffer, in bytes.
        found: u64,
    },
    /// The plane does not start on a word.
    #[error("a plane cannot start at {offset}; its offset must be a multiple of 8")]
    Misaligned {
        /// Start of the plane, in bytes.
        offset: u64,
    },
    /// The other side has made the buffer smaller since it was announced.
    #[error("bytes up to {end} of a buffer are to be read, and it has shrunk to {found}")]
    Shrunk {
        /// Where the access would have ended, in bytes.
        end: u64,
        /// Where the buffer ends now, in bytes.
        found: u64,
    },
    /// An access beyond the end.
    #[error("an access of {length} bytes at {offset} exceeds the buffer's {bytes} bytes")]
    Range {
        /// Start of the access, in bytes.
        offset: usize,
        /// Length of the access, in bytes.
        length: usize,
        /// Size of the buffer, in bytes.
        bytes: usize,
    },
}

/// What a buffer is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BufferKind {
    /// A dma-buf from this heap.
    DmaHeap(PathBuf),
    /// A dma-buf made of a memfd by the udmabuf device.
    Udmabuf,
    /// A memfd: fine between processes, of no use to a device.
    Memfd,
}

impl fmt::Display for BufferKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DmaHeap(path) => write!(formatter, "dma-buf from {}", path.display()),
            Self::Udmabuf => formatter.write_str("dma-buf of a memfd (udmabuf)"),
            Self::Memfd => formatter.write_str("memfd"),
        }
    }
}

/// A better kind of memory that was not to be had, and why. Displays as one line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The device.
    pub device: PathBuf,
    /// What was tried.
    pub call: &'static str,
    /// What the kernel said.
    pub errno: Errno,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} failed: {}", self.device.display(), self.call, self.errno)
    }
}

/// Shared memory that this side made and may write.
///
/// ```
/// use ringfence::rpi::buffers::{MappedBuffer, SharedBuffer};
/// let mut buffer = SharedBuffer::allocate("statistics", 10_824)?;
/// println!("{}", buffer.kind());
/// let mapped = MappedBuffer::map(&buffer, 0, 10_824)?;
/// buffer.write(100, b"bytes")?;
/// let mut copy = [0; 5];
/// mapped.read_into(100, &mut copy)?;
/// assert_eq!(&copy, b"bytes");
/// # Ok::<(), ringfence::rpi::buffers::BufferError>(())
/// ```
#[derive(Debug)]
pub struct SharedBuffer {
    fd: OwnedFd,
    kind: BufferKind,
    refusals: Vec<Refusal>,
    mapping: Mapping,
}

impl SharedBuffer {
    /// Allocates zeroed memory of at least `bytes` bytes; `name` shows up in `/proc/*/maps` where it is a memfd.
    ///
    /// # Errors
    /// [`BufferError::Empty`], or [`BufferError::System`] if not even a memfd could be had.
    pub fn allocate(name: &str, bytes: usize) -> Result<Self, BufferError> {
        Self::allocate_from(Path::new("/dev"), name, bytes)
    }

    fn allocate_from(devices: &Path, name: &str, bytes: usize) -> Result<Self, BufferError> {
        if bytes == 0 {
            return Err(BufferError::Empty);
        }
        let mut refusals = Vec::new();
        let mut attempt =
            |device: PathBuf, kind: BufferKind, make: &dyn Fn(BorrowedFd<'_>) -> Made| match from_device(
                &device, bytes, make,
            ) {
                Ok((fd, mapping)) => Some((fd, kind, mapping)),
                Err((call, errno)) => {
                    refusals.push(Refusal { device, call, errno });
                    None
                }
            };
        let made = heaps(&devices.join("dma_heap"))
            .into_iter()
            .find_map(|heap| {
                attempt(heap.clone(), BufferKind::DmaHeap(heap), &|device| {
                    allocate(device, bytes).map_err(|errno| ("ioctl(DMA_HEAP_IOCTL_ALLOC)", errno))
                })
            })
            .or_else(|| {
                attempt(devices.join("udmabuf"), BufferKind::Udmabuf, &|device| {
                    let whole = bytes.next_multiple_of(LARGEST_PAGE);
                    let memfd = sealed_memfd(name, whole)?;
                    create_udmabuf(device, memfd.as_fd(), whole)
                        .map_err(|errno| ("ioctl(UDMABUF_CREATE)", errno))
                })
            });
        let (fd, kind, mapping) = match made {
            Some(made) => made,
            None => {
                let system = |(call, errno)| BufferError::System { call, bytes, errno };
                let fd = sealed_memfd(name, bytes).map_err(system)?;
                let mapping = map(fd.as_fd(), bytes).map_err(system)?;
                (fd, BufferKind::Memfd, mapping)
            }
        };
        Ok(Self { fd, kind, refusals, mapping })
    }

    /// What the buffer is made of.
    #[must_use]
    pub fn kind(&self) -> &BufferKind {
        &self.kind
    }

    /// The better kinds that were refused, in the order in which they were tried.
    #[must_use]
    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    /// Size in bytes, as asked for.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.mapping.bytes()
    }

    /// Copies `source` to `offset`.
    ///
    /// # Errors
    /// [`BufferError::Range`] if it does not fit; [`BufferError::System`] if a dma-buf could not be synchronised.
    pub fn write(&mut self, offset: usize, source: &[u8]) -> Result<(), BufferError> {
        check_range(self.mapping.bytes(), offset, source.len())?;
        let Self { fd, kind, mapping, .. } = self;
        if *kind == BufferKind::Memfd {
            mapping.write(offset, source);
            return Ok(());
        }
        let bytes = mapping.bytes();
        synchronised(fd, Access::Write, || mapping.write(offset, source)).map_err(sync_error(bytes))
    }

    /// Copies from `offset` into `target`.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn read_into(&self, offset: usize, target: &mut [u8]) -> Result<(), BufferError> {
        let dma_buf = (self.kind != BufferKind::Memfd).then_some(&self.fd);
        read(&self.mapping, dma_buf, offset, target)
    }
}

impl AsFd for SharedBuffer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Shared memory that another side made: a read-only view of one plane.
///
/// A dma-buf keeps its size, and so does a memfd that is sealed against shrinking: those are mapped. Whatever else it
/// is could shrink at any moment, and then a mapping would raise `SIGBUS`; so it is read from by a system call, which
/// fails instead, with [`BufferError::Shrunk`].
///
/// ```
/// use ringfence::rpi::camera::{BufferError, MappedBuffer, SharedBuffer};
///
/// let buffer = SharedBuffer::allocate("example", 4096)?;
/// let plane = MappedBuffer::map(&buffer, 1024, 2048)?;
/// let mut start = [1; 16];
/// plane.read_into(0, &mut start)?;
/// assert_eq!(start, [0; 16]);
/// assert!(matches!(MappedBuffer::map(&buffer, 1024, 4096), Err(BufferError::TooShort { .. })));
/// # Ok::<_, BufferError>(())
/// ```
#[derive(Debug)]
pub struct MappedBuffer {
    access: Source,
    bytes: usize,
}

/// How a buffer is read that another side made.
#[derive(Debug)]
enum Source {
    /// A sealed memfd.
    Memory(Mapping),
    /// A dma-buf, whose accesses have to be bracketed.
    DmaBuf(Mapping, OwnedFd),
    /// Anything that may shrink, and where in it the plane starts.
    File(OwnedFd, u64),
}

impl MappedBuffer {
    /// Maps `length` bytes from `offset` (a multiple of 8) of a memfd, dma-buf or file.
    ///
    /// # Errors
    /// [`BufferError::Empty`], [`BufferError::Misaligned`], [`BufferError::TooShort`] with the numbers, or
    /// [`BufferError::System`] if the kernel refuses.
    pub fn map(fd: impl AsFd, offset: u64, length: usize) -> Result<Self, BufferError> {
        let fd = fd.as_fd();
        let system = |call| move |errno| BufferError::System { call, bytes: length, errno };
        if length == 0 {
            return Err(BufferError::Empty);
        }
        if !offset.is_multiple_of(8) {
            return Err(BufferError::Misaligned { offset });
        }
        // Of a dma-buf, seeking to its end is the one way to learn its size.
        let found = seek(fd, SeekFrom::End(0)).map_err(system("lseek"))?;
        let end = offset.checked_add(length as u64).filter(|end| *end <= found);
        if end.is_none() {
            return Err(BufferError::TooShort { offset, length, found });
        }
        let mapping = || Mapping::new(fd, offset, length, false).map_err(errno_of).map_err(system("mmap"));
        let own = || fd.try_clone_to_owned().map_err(errno_of).map_err(system("fcntl(F_DUPFD_CLOEXEC)"));
        // A seal stays for ever.
        let access = if fcntl_get_seals(fd).is_ok_and(|seals| seals.contains(SealFlags::SHRINK)) {
            Source::Memory(mapping()?)
        } else if synchronised(fd, Access::Read, || ()).is_ok() {
            Source::DmaBuf(mapping()?, own()?)
        } else {
            Source::File(own()?, offset)
        };
        Ok(Self { access, bytes: length })
    }

    /// Size in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Copies from `offset` into `target`. The other side may write meanwhile: judge the copy, not the memory.
    ///
    /// # Errors
    /// [`BufferError::Range`] if it exceeds the plane; [`BufferError::Shrunk`] if the buffer no longer has the bytes;
    /// [`BufferError::System`] if a dma-buf could not be synchronised or a file not be read.
    pub fn read_into(&self, offset: usize, target: &mut [u8]) -> Result<(), BufferError> {
        match &self.access {
            Source::Memory(mapping) => read(mapping, None, offset, target),
            Source::DmaBuf(mapping, fd) => read(mapping, Some(fd), offset, target),
            Source::File(fd, start) => {
                check_range(self.bytes, offset, target.len())?;
                read_file(fd, start + offset as u64, target)
            }
        }
    }
}

/// A step's result: a descriptor, or the call that failed and why.
type Made = Result<OwnedFd, (&'static str, Errno)>;

/// Opens a device, lets it make a buffer, and maps that.
fn from_device(
    device: &Path,
    bytes: usize,
    make: &dyn Fn(BorrowedFd<'_>) -> Made,
) -> Result<(OwnedFd, Mapping), (&'static str, Errno)> {
    let device =
        OpenOptions::new().read(true).write(true).open(device).map_err(|error| ("open", errno_of(error)))?;
    let fd = make(device.as_fd())?;
    let mapping = map(fd.as_fd(), bytes)?;
    Ok((fd, mapping))
}

fn map(fd: BorrowedFd<'_>, bytes: usize) -> Result<Mapping, (&'static str, Errno)> {
    Mapping::new(fd, 0, bytes, true).map_err(|error| ("mmap", errno_of(error)))
}

/// The heaps to try, in order. If the directory cannot be listed, the first is named all the same, so that there
/// is a refusal to show.
fn heaps(directory: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> =
        std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.file_name()).collect();
    found.sort();
    if found.is_empty() {
        found.push(HEAPS[0].into());
    }
    let rank = |name: &std::ffi::OsString| HEAPS.iter().position(|heap| name == heap).unwrap_or(HEAPS.len());
    found.sort_by_key(rank);
    found.into_iter().map(|name| directory.join(name)).collect()
}

/// A memfd whose size is fixed for ever and whose pages are there.
fn sealed_memfd(name: &str, bytes: usize) -> Made {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 do not know the flag that also forbids executing the memory.
    let fd = memfd_create(name, flags | MemfdFlags::NOEXEC_SEAL)
        .or_else(|_| memfd_create(name, flags))
        .map_err(|errno| ("memfd_create", errno))?;
    ftruncate(&fd, bytes as u64).map_err(|errno| ("ftruncate", errno))?;
    // A full tmpfs is an error now rather than a SIGBUS at the first write.
    fallocate(&fd, FallocateFlags::empty(), 0, bytes as u64).map_err(|errno| ("fallocate", errno))?;
    // Not against writing: udmabuf refuses memory that is.
    let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    fcntl_add_seals(&fd, seals).map_err(|errno| ("fcntl(F_ADD_SEALS)", errno))?;
    Ok(fd)
}

fn check_range(bytes: usize, offset: usize, length: usize) -> Result<(), BufferError> {
    match offset.checked_add(length) {
        Some(end) if end <= bytes => Ok(()),
        _ => Err(BufferError::Range { offset, length, bytes }),
    }
}

fn read(
    mapping: &Mapping,
    dma_buf: Option<&OwnedFd>,
    offset: usize,
    target: &mut [u8],
) -> Result<(), BufferError> {
    check_range(mapping.bytes(), offset, target.len())?;
    match dma_buf {
        None => mapping.read(offset, target),
        Some(fd) => synchronised(fd, Access::Read, || mapping.read(offset, target))
            .map_err(sync_error(mapping.bytes()))?,
    }
    Ok(())
}

/// Reads all of `target` from `position` on.
fn read_file(fd: &OwnedFd, position: u64, target: &mut [u8]) -> Result<(), BufferError> {
    let length = target.len();
    let mut done = 0;
    while done < length {
        let read = retry_on_intr(|| pread(fd, &mut target[done..], position + done as u64));
        match read.map_err(|errno| BufferError::System { call: "pread", bytes: length, errno })? {
            0 => {
                return Err(BufferError::Shrunk {
                    end: position + length as u64,
                    found: position + done as u64,
                });
            }
            more => done += more,
        }
    }
    Ok(())
}

fn sync_error(bytes: usize) -> impl Fn(Errno) -> BufferError {
    move |errno| BufferError::System { call: "ioctl(DMA_BUF_IOCTL_SYNC)", bytes, errno }
}

fn errno_of(error: std::io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or(Errno::INVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory of fake devices: plain files, which refuse every ioctl.
    fn devices(names: &[&str]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("dma_heap")).unwrap();
        for name in names {
            std::fs::write(directory.path().join(name), b"").unwrap();
        }
        directory
    }

    #[test]
    fn memfds_carry_bytes_from_one_side_to_the_other() {
        let empty = devices(&[]);
        let mut buffer = SharedBuffer::allocate_from(empty.path(), "test", 10_824).unwrap();
        assert_eq!((buffer.kind(), buffer.bytes()), (&BufferKind::Memfd, 10_824));
        let mapped = MappedBuffer::map(&buffer, 0, 10_824).unwrap();
        let pattern: Vec<u8> = (0..10_824).map(|index| (index * 31 % 251) as u8).collect();
        buffer.write(0, &pattern).unwrap();
        let mut copy = vec![0; 10_824];
        mapped.read_into(0, &mut copy).unwrap();
        assert_eq!(copy, pattern);

        // Every alignment of start and length, neighbours untouched.
        for start in 0..17 {
            for length in 0..19 {
                buffer.write(0, &[0xaa; 64]).unwrap();
                buffer.write(start, &pattern[..length]).unwrap();
                let mut expected = [0xaa; 64];
                expected[start..start + length].copy_from_slice(&pattern[..length]);
                let mut copy = [0; 64];
                mapped.read_into(0, &mut copy).unwrap();
                assert_eq!(copy, expected);
                let mut part = vec![0; length];
                buffer.read_into(start, &mut part).unwrap();
                assert_eq!(part, pattern[..length]);
            }
        }
    }

    #[test]
    fn planes_may_start_later_and_end_on_any_byte() {
        let empty = devices(&[]);
        let mut buffer = SharedBuffer::allocate_from(empty.path(), "test", 5001).unwrap();
        buffer.write(4096, b"page").unwrap();
        buffer.write(4998, b"end").unwrap();
        let mapped = MappedBuffer::map(&buffer, 8, 4993).unwrap();
        let mut copy = [0; 4];
        mapped.read_into(4088, &mut copy).unwrap();
        assert_eq!(&copy, b"page");
        mapped.read_into(4990, &mut copy[..3]).unwrap();
        assert_eq!(&copy[..3], b"end");
    }

    #[test]
    fn what_shrinks_is_an_error_and_no_signal() {
        let memfd = || memfd_create("test", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
        let full = |fd: OwnedFd| {
            rustix::io::pwrite(&fd, &[5; 10_000], 0).unwrap();
            fd
        };
        let sealed_against_growth = full(memfd());
        fcntl_add_seals(&sealed_against_growth, SealFlags::GROW).unwrap();
        for fd in [full(memfd()), sealed_against_growth, full(tempfile::tempfile().unwrap().into())] {
            let mapped = MappedBuffer::map(&fd, 8, 9000).unwrap();
            let mut copy = [0; 100];
            mapped.read_into(8900, &mut copy).unwrap();
            assert_eq!(copy, [5; 100]);
            assert!(matches!(mapped.read_into(8901, &mut copy), Err(BufferError::Range { bytes: 9000, .. })));
            ftruncate(&fd, 8950).unwrap();
            let error = mapped.read_into(8900, &mut copy).unwrap_err();
            assert!(matches!(error, BufferError::Shrunk { end: 9008, found: 8950 }), "{error}");
            mapped.read_into(0, &mut copy).unwrap();
        }
    }

    #[test]
    fn what_was_refused_is_told_in_order() {
        let fakes = devices(&[
            "dma_heap/zoo",
            "dma_heap/linux,cma",
            "dma_heap/system",
            "dma_heap/reserved",
            "udmabuf",
        ]);
        let buffer = SharedBuffer::allocate_from(fakes.path(), "test", 100).unwrap();
        let tried: Vec<_> = buffer
            .refusals()
            .iter()
            .map(|refusal| refusal.device.file_name().unwrap().to_str().unwrap())
            .collect();
        assert_eq!(tried, ["system", "linux,cma", "reserved", "zoo", "udmabuf"]);
        assert!(buffer.refusals()[0].to_string().contains("DMA_HEAP_IOCTL_ALLOC"));
        assert!(buffer.refusals()[4].to_string().contains("UDMABUF_CREATE"));

        let empty = devices(&[]);
        let buffer = SharedBuffer::allocate_from(empty.path(), "test", 100).unwrap();
        let refusals = buffer.refusals();
        assert!(refusals.len() == 2 && refusals.iter().all(|refusal| refusal.errno == Errno::NOENT));
        assert!(refusals[1].to_string().contains("udmabuf: open failed"), "{}", refusals[1]);
    }

    #[test]
    fn whatever_this_machine_has_works() {
        let mut buffer = SharedBuffer::allocate("test", 20_000).unwrap();
        println!("{}, refused: {:?}", buffer.kind(), buffer.refusals());
        buffer.write(12_345, b"round trip").unwrap();
        let mapped = MappedBuffer::map(&buffer, 0, 20_000).unwrap();
        let mut copy = [0; 10];
        mapped.read_into(12_345, &mut copy).unwrap();
        assert_eq!(&copy, b"round trip");
    }

    #[test]
    fn bounds_are_kept_and_told() {
        let mut buffer = SharedBuffer::allocate("test", 100).unwrap();
        assert!(matches!(
            buffer.write(98, b"abc"),
            Err(BufferError::Range { offset: 98, length: 3, bytes: 100 })
        ));
        assert!(matches!(buffer.read_into(usize::MAX, &mut [0; 2]), Err(BufferError::Range { .. })));
        assert!(matches!(SharedBuffer::allocate("test", 0), Err(BufferError::Empty)));
        assert!(matches!(MappedBuffer::map(&buffer, 0, 0), Err(BufferError::Empty)));
        assert!(matches!(MappedBuffer::map(&buffer, 4, 8), Err(BufferError::Misaligned { offset: 4 })));
        let huge = 1 << 20;
        assert!(
            matches!(MappedBuffer::map(&buffer, 0, huge), Err(BufferError::TooShort { length, .. }) if length == huge)
        );
        assert!(matches!(MappedBuffer::map(&buffer, u64::MAX - 7, 100), Err(BufferError::TooShort { .. })));
        let (pipe, _other) = std::io::pipe().unwrap();
        assert!(matches!(MappedBuffer::map(pipe, 0, 8), Err(BufferError::System { call: "lseek", .. })));
    }
}
