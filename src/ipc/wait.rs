//! Sleeping until something happens, the peer is gone, or it is too late.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::sandbox::Warden;

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
    /// Who judges its system calls, which wait until we do.
    pub warden: Option<&'a Warden>,
}

impl<'a> Peer<'a> {
    /// A peer that nothing but its socket tells of.
    pub fn socket(socket: BorrowedFd<'a>) -> Self {
        Self { socket, process: None, warden: None }
    }
}

/// Sleeps until one of at most two descriptors is ready, the peer is gone, or the deadline has passed. Meanwhile the
/// peer's system calls are judged; if one is forbidden, the peer is killed, and gone.
pub(super) fn wait(fds: &[(BorrowedFd<'_>, PollFlags)], peer: Peer<'_>, deadline: Option<Instant>) -> Wake {
    let (process, warden) = (fds.len() + 1, fds.len() + 1 + usize::from(peer.process.is_some()));
    let watched = warden + usize::from(peer.warden.is_some());
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        let mut polled: [PollFd<'_>; 5] = std::array::from_fn(|index| match (fds.get(index), peer.warden) {
            (Some((fd, events)), _) => PollFd::from_borrowed_fd(*fd, *events),
            (None, Some(judge)) if index == warden => PollFd::from_borrowed_fd(judge.as_fd(), PollFlags::IN),
            (None, _) if index == process => {
                PollFd::from_borrowed_fd(peer.process.unwrap_or(peer.socket), PollFlags::IN)
            }
            (None, _) => PollFd::from_borrowed_fd(peer.socket, PollFlags::RDHUP),
        });
        match poll(&mut polled[..watched], timeout.as_ref()) {
            Ok(0) => return Wake::Late,
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            // Nothing that could be waited for is left; the caller finds out when it looks.
            Err(_) => return Wake::Gone,
        }
        let is_ready = |polled: &[PollFd<'_>]| polled.iter().any(|fd| !fd.revents().is_empty());
        let (ours, others) = polled.split_at(fds.len());
        let (theirs, calls) = others.split_at(warden - fds.len());
        if let (Some(judge), true) = (peer.warden, is_ready(calls))
            && judge.attend()
        {
            return Wake::Gone;
        }
        if is_ready(ours) {
            return Wake::Ready;
        }
        // The kernel hangs up when nobody is left whose calls could be judged.
        if is_ready(theirs) || calls.iter().any(|fd| fd.revents().contains(PollFlags::HUP)) {
            return Wake::Gone;
        }
        // A peer that makes call after call does not put off the deadline.
        if left.is_some_and(|left| left.is_zero()) {
            return Wake::Late;
        }
    }
}
