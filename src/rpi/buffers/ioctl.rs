//! The three ioctls of dma-bufs: allocation from a heap, making one of a memfd, and bracketing CPU access.
//!
//! Layouts and numbers are those of the kernel's `linux/dma-heap.h`, `linux/udmabuf.h` and `linux/dma-buf.h`.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::fs::OFlags;
use rustix::io::{Errno, Result};
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, Setter, Updater, ioctl, opcode};

/// `struct dma_heap_allocation_data`.
#[repr(C)]
struct HeapAllocation {
    len: u64,
    fd: u32,
    fd_flags: u32,
    heap_flags: u64,
}

/// `DMA_HEAP_IOCTL_ALLOC`.
const HEAP_ALLOC: Opcode = opcode::read_write::<HeapAllocation>(b'H', 0);

/// Allocates a dma-buf of at least `bytes` bytes from an open heap.
pub(super) fn allocate(heap: BorrowedFd<'_>, bytes: usize) -> Result<OwnedFd> {
    let fd_flags = (OFlags::RDWR | OFlags::CLOEXEC).bits();
    let mut data = HeapAllocation { len: bytes as u64, fd: u32::MAX, fd_flags, heap_flags: 0 };
    // SAFETY: the opcode's argument is a `dma_heap_allocation_data`, whose layout `HeapAllocation` has; it lives
    // beyond the call. A descriptor that is no heap refuses the opcode.
    unsafe { ioctl(heap, Updater::<HEAP_ALLOC, HeapAllocation>::new(&mut data))? };
    own(data.fd as i32)
}

/// `struct udmabuf_create`.
#[repr(C)]
struct UdmabufCreate {
    memfd: u32,
    flags: u32,
    offset: u64,
    size: u64,
}

/// `UDMABUF_CREATE`: unlike most, it answers with a descriptor as its return value.
struct CreateUdmabuf(UdmabufCreate);

// SAFETY: the opcode's argument is a `udmabuf_create`, whose layout `UdmabufCreate` has; the kernel reads it and
// writes nothing, and its return value is handed on as the number that it is.
unsafe impl Ioctl for CreateUdmabuf {
    type Output = i32;
    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        opcode::write::<UdmabufCreate>(b'u', 0x42)
    }

    fn as_ptr(&mut self) -> *mut std::ffi::c_void {
        (&raw mut self.0).cast()
    }

    unsafe fn output_from_ptr(output: IoctlOutput, _: *mut std::ffi::c_void) -> Result<i32> {
        Ok(output)
    }
}

/// Makes a dma-buf of the first `bytes` bytes, whole pages, of a memfd that is sealed against shrinking.
pub(super) fn create_udmabuf(device: BorrowedFd<'_>, memfd: BorrowedFd<'_>, bytes: usize) -> Result<OwnedFd> {
    const CLOEXEC: u32 = 1;
    let create =
        UdmabufCreate { memfd: memfd.as_raw_fd() as u32, flags: CLOEXEC, offset: 0, size: bytes as u64 };
    // SAFETY: see the implementation of `Ioctl`. A descriptor that is not the udmabuf device refuses the opcode.
    own(unsafe { ioctl(device, CreateUdmabuf(create))? })
}

/// Takes a descriptor that the kernel has just made.
fn own(fd: i32) -> Result<OwnedFd> {
    if fd < 0 {
        return Err(Errno::BADF);
    }
    // SAFETY: the kernel made this descriptor for the call that has just returned; nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Direction of a CPU access, as bits of `DMA_BUF_IOCTL_SYNC`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Access {
    Read = 1,
    Write = 2,
}

/// `DMA_BUF_IOCTL_SYNC`; its argument is `struct dma_buf_sync`, one 64-bit word.
const SYNC: Opcode = opcode::write::<u64>(b'b', 0);

/// Runs `copy` as a CPU access to a dma-buf, so that caches are coherent with devices.
pub(super) fn synchronised<T>(dma_buf: impl AsFd, access: Access, copy: impl FnOnce() -> T) -> Result<T> {
    const END: u64 = 4;
    let sync = |flags: u64| {
        loop {
            // SAFETY: the opcode's argument is one 64-bit word, which the kernel only reads. A descriptor that is no
            // dma-buf refuses the opcode.
            match unsafe { ioctl(&dma_buf, Setter::<SYNC, u64>::new(flags)) } {
                Err(Errno::INTR | Errno::AGAIN) => {}
                result => return result,
            }
        }
    };
    sync(access as u64)?;
    let result = copy();
    sync(access as u64 | END)?;
    Ok(result)
}
