//! The doorbell: an eventfd that wakes a peer which has said that it sleeps.

use std::io::IoSliceMut;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{EventfdFlags, eventfd};
use rustix::io::{Errno, ReadWriteFlags, preadv2, read, write};

/// An eventfd that one process sleeps on and the other rings.
///
/// Whether to ring is decided by the sleep flags in the rings ([`super::Reservation::commit`],
/// [`super::Consumer::release`]); the doorbell itself only carries the wake-up. Ringing twice is
/// one wake-up, ringing with nobody asleep is a wake-up kept for later.
///
/// ```
/// use ringfence::shm::Doorbell;
/// use rustix::event::{PollFd, PollFlags, Timespec, poll};
///
/// let bell = Doorbell::new()?;
/// let is_rung = |bell: &Doorbell| {
///     poll(&mut [PollFd::new(bell, PollFlags::IN)], Some(&Timespec::default())).map(|ready| ready == 1)
/// };
/// assert!(!is_rung(&bell)?);
/// bell.ring();
/// assert!(is_rung(&bell)?);
/// bell.clear();
/// assert!(!is_rung(&bell)?);
/// # Ok::<_, rustix::io::Errno>(())
/// ```
#[derive(Debug)]
pub struct Doorbell {
    fd: OwnedFd,
}

impl Doorbell {
    /// A new doorbell, silent.
    ///
    /// # Errors
    /// What `eventfd2` says, such as a process out of descriptors.
    pub fn new() -> Result<Self, Errno> {
        Ok(Self { fd: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)? })
    }

    /// Takes a descriptor that a peer says is an eventfd.
    ///
    /// If it is something else, ringing and clearing it do nothing useful and hurt only the peer.
    #[must_use]
    pub fn adopt(fd: OwnedFd) -> Self {
        Self { fd }
    }

    /// Rings: whoever polls the doorbell wakes up.
    pub fn ring(&self) {
        // The write fails only if the counter is full (then the peer is being woken already) or if
        // the peer passed something that is no eventfd (then it misses its own wake-ups).
        let _ = write(&self.fd, &1u64.to_ne_bytes());
    }

    /// Silences the doorbell before the next sleep.
    pub fn clear(&self) {
        let mut count = [0; 8];
        // Not left to O_NONBLOCK: that belongs to the open file, which the peer shares and could change, and
        // a silent doorbell would then block for ever. The offset says that there is none.
        let nowait = preadv2(&self.fd, &mut [IoSliceMut::new(&mut count)], u64::MAX, ReadWriteFlags::NOWAIT);
        if matches!(nowait, Err(Errno::OPNOTSUPP | Errno::NOSYS)) {
            // A kernel before 5.7.
            let _ = read(&self.fd, &mut count);
        }
    }
}

impl AsFd for Doorbell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
