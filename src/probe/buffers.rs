//! Attempts on a buffer that the host shares with the worker, and on its descriptor, whose flags are the host's, too.

use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::fs::{FallocateFlags, FlockOperation, OFlags, SealFlags};
use rustix::io::Errno;

use super::attempts::{Attempt, Need};
use super::call::{call, tried};

pub(super) const ATTEMPTS: &[Attempt] = &[
    Attempt::new("unseal", "unseal and shrink a shared buffer", |_, buffer| rustix::fs::ftruncate(buffer, 0))
        .needs(Need::Impossible),
    Attempt::new("seal", "seal a shared buffer against the host's writing", |_, buffer| {
        rustix::fs::fcntl_add_seals(buffer, SealFlags::FUTURE_WRITE)
    })
    .needs(Need::Impossible),
    Attempt::new("punch-hole", "punch a hole into a shared buffer", |_, buffer| {
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        rustix::fs::fallocate(buffer, flags, 0, 4096)
    }),
    Attempt::new("punch-mapping", "punch a hole into a mapped buffer", |_, buffer| {
        // PROT_READ | PROT_WRITE, MAP_SHARED; MADV_REMOVE.
        let address = call("mmap", &[0, 4096, 3, 1, number(buffer), 0])?;
        tried("madvise", &[address, 4096, 9])
    }),
    Attempt::new(
        "set-flags",
        "change flags of a descriptor that the host has, too (F_SETFL)",
        |_, buffer| rustix::fs::fcntl_setfl(buffer, OFlags::NONBLOCK),
    ),
    Attempt::new("set-nonblocking", "the same by another way (FIONBIO)", |_, buffer| {
        rustix::io::ioctl_fionbio(buffer, true)
    }),
    Attempt::new("lease", "take a lock on a shared buffer", |_, buffer| {
        rustix::fs::flock(buffer, FlockOperation::NonBlockingLockExclusive)
    }),
    // TIOCSTI: there is no terminal, which the kernel says once it looks.
    Attempt::new("terminal-input", "type into the terminal (TIOCSTI)", |_, buffer| {
        tried("ioctl", &[number(buffer), 0x5412, 0])
    })
    .reached(&[Errno::NOTTY, Errno::INVAL]),
];

fn number(fd: BorrowedFd<'_>) -> usize {
    usize::try_from(fd.as_raw_fd()).unwrap_or(usize::MAX)
}
