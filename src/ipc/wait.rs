//! Sleeping until something happens, the peer is gone, or it is too late.

use std::os::fd::BorrowedFd;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// Why a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wake {
    /// A descriptor is ready. Or perhaps not: look.
    Ready,
    /// The peer has closed the socket or its process has ended.
    Gone,
    /// The deadline has passed.
    Late,
}

/// What tells that the peer is gone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer<'a> {
    /// The socket, which hangs up when the peer closes it or says that it will send no more.
    pub socket: BorrowedFd<'a>,
    /// The pidfd of the process, if it is one that we started.
    pub process: Option<BorrowedFd<'a>>,
}

/// Sleeps until one of at most two descriptors is ready, the peer is gone, or the deadline has passed.
pub(super) fn wait(fds: &[(BorrowedFd<'_>, PollFlags)], peer: Peer<'_>, deadline: Option<Instant>) -> Wake {
    let watched = fds.len() + if peer.process.is_some() { 2 } else { 1 };
    loop {
        let timeout = match deadline.map(|deadline| deadline.checked_duration_since(Instant::now())) {
            None => None,
            Some(None) => Some(Timespec { tv_sec: 0, tv_nsec: 0 }),
            Some(Some(left)) => Timespec::try_from(left).ok(),
        };
        let mut polled: [PollFd<'_>; 4] = std::array::from_fn(|index| match fds.get(index) {
            Some((fd, events)) => PollFd::from_borrowed_fd(*fd, *events),
            None if index == fds.len() => PollFd::from_borrowed_fd(peer.socket, PollFlags::RDHUP),
            None => PollFd::from_borrowed_fd(peer.process.unwrap_or(peer.socket), PollFlags::IN),
        });
        match poll(&mut polled[..watched], timeout.as_ref()) {
            Ok(0) => return Wake::Late,
            Ok(_) if polled[..fds.len()].iter().any(|fd| !fd.revents().is_empty()) => return Wake::Ready,
            Ok(_) => return Wake::Gone,
            Err(Errno::INTR) => {}
            // Nothing that could be waited for is left; the caller finds out when it looks.
            Err(_) => return Wake::Gone,
        }
    }
}
