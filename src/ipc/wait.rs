//! Sleeping until something happens, the peer is gone, or it is too late.

use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::sandbox::Warden;
use super::stderr::Stderr;

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
    /// Its standard error, which it may wait for us to read.
    pub stderr: Option<&'a Stderr>,
}

impl<'a> Peer<'a> {
    /// A peer that nothing but its socket tells of.
    pub fn socket(socket: BorrowedFd<'a>) -> Self {
        Self { socket, process: None, warden: None, stderr: None }
    }
}

/// Sleeps until one of at most two descriptors is ready, the peer is gone, or the deadline has passed. Meanwhile the
/// peer's system calls are judged, and a little of its standard error is taken each time that there is some; if a call is
/// forbidden, the peer is killed, and gone.
pub(super) fn wait(fds: &[(BorrowedFd<'_>, PollFlags)], peer: Peer<'_>, deadline: Option<Instant>) -> Wake {
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        let end = [Some((peer.socket, PollFlags::RDHUP)), peer.process.map(|fd| (fd, PollFlags::IN))];
        let calls = peer.warden.map(|warden| (warden.as_fd(), PollFlags::IN));
        let lines = peer.stderr.and_then(Stderr::fd).map(|fd| (fd, PollFlags::IN));
        let mut polled = Polled::new(peer.socket);
        let ours = polled.add(fds.iter().copied());
        let end = polled.add(end.into_iter().flatten());
        let calls = polled.add(calls);
        let lines = polled.add(lines);
        match poll(&mut polled.fds[..polled.count], timeout.as_ref()) {
            Ok(0) => return Wake::Late,
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            // Nothing that could be waited for is left; the caller finds out when it looks.
            Err(_) => return Wake::Gone,
        }
        if let (Some(stderr), true) = (peer.stderr, polled.is_ready(&lines)) {
            stderr.look();
        }
        if let (Some(judge), true) = (peer.warden, polled.is_ready(&calls))
            && judge.attend()
        {
            return Wake::Gone;
        }
        if polled.is_ready(&ours) {
            return Wake::Ready;
        }
        // The kernel hangs up when nobody is left whose calls could be judged.
        if polled.is_ready(&end) || polled.has_hung_up(calls) {
            return Wake::Gone;
        }
        // A peer that makes call after call, or writes line after line, does not put off the deadline.
        if left.is_some_and(|left| left.is_zero()) {
            return Wake::Late;
        }
    }
}

/// What is waited for, in groups.
struct Polled<'a> {
    fds: [PollFd<'a>; 6],
    count: usize,
}

impl<'a> Polled<'a> {
    /// None yet; `any` fills the room.
    fn new(any: BorrowedFd<'a>) -> Self {
        Self { fds: std::array::from_fn(|_| PollFd::from_borrowed_fd(any, PollFlags::empty())), count: 0 }
    }

    /// Adds a group.
    fn add(&mut self, fds: impl IntoIterator<Item = (BorrowedFd<'a>, PollFlags)>) -> Range<usize> {
        let start = self.count;
        for (fd, events) in fds {
            self.fds[self.count] = PollFd::from_borrowed_fd(fd, events);
            self.count += 1;
        }
        start..self.count
    }

    /// Whether one of the group is ready.
    fn is_ready(&self, group: &Range<usize>) -> bool {
        self.fds[group.clone()].iter().any(|fd| !fd.revents().is_empty())
    }

    /// Whether one of the group has hung up.
    fn has_hung_up(&self, group: Range<usize>) -> bool {
        self.fds[group].iter().any(|fd| fd.revents().contains(PollFlags::HUP))
    }
}
