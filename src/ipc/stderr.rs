//! What a worker writes to its standard error: logged line by line, and the last of it kept.
//!
//! No thread reads it. Whoever waits for the worker takes a little of it whenever there is some, and so does an owner who
//! is woken by the connection's descriptor. The worker's end blocks when the pipe is full: nothing is lost, and a worker that
//! writes while nobody looks waits until somebody does. (Otherwise a worker in Rust would panic, as `eprintln!` does when it
//! fails.) It must never know what the worker is for.

#![forbid(unsafe_code)]

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::{Errno, read};
use rustix::pipe::{PipeFlags, pipe_with};

use super::printable::{printable_line, printable_lines};

/// Bytes that are kept.
const KEPT_BYTES: usize = 4096;
/// Longest line that is logged as one.
const LINE_BYTES: usize = 1024;
/// Bytes that are taken at a time: a worker that never stops must not keep its host, which logs each line.
const LOOK_BYTES: usize = 1024;

/// The host's end of a worker's standard error.
#[derive(Debug)]
pub(super) struct Stderr {
    pipe: OwnedFd,
    pid: Cell<u32>,
    ended: Cell<bool>,
    text: RefCell<Text>,
    /// Tells an owner who sleeps that there is something to read.
    watched_by: OnceCell<Arc<OwnedFd>>,
}

#[derive(Debug, Default)]
struct Text {
    /// What has come of a line that has not ended.
    line: Vec<u8>,
    tail: VecDeque<u8>,
}

/// What a look has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Some,
    Nothing,
    End,
}

impl Stderr {
    /// A pipe, and the worker's end of it.
    pub fn new() -> Result<(Self, OwnedFd), Errno> {
        let (pipe, theirs) = pipe_with(PipeFlags::CLOEXEC)?;
        // Of our end alone: the two do not share it.
        fcntl_setfl(&pipe, OFlags::NONBLOCK)?;
        let own = Self {
            pipe,
            pid: Cell::new(0),
            ended: Cell::new(false),
            text: RefCell::default(),
            watched_by: OnceCell::new(),
        };
        Ok((own, theirs))
    }

    /// Says whose it is, for the log.
    pub fn is_of(&self, pid: u32) {
        self.pid.set(pid);
    }

    /// Makes `epoll` readable while there is something to take, for as long as there may be.
    pub fn watch(&self, epoll: &Arc<OwnedFd>) -> Result<(), Errno> {
        if !self.ended.get() {
            epoll::add(&**epoll, &self.pipe, epoll::EventData::new_u64(0), epoll::EventFlags::IN)?;
            let _ = self.watched_by.set(Arc::clone(epoll));
        }
        Ok(())
    }

    /// What to sleep on; nothing once it has ended, as its end would be seen for ever.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        (!self.ended.get()).then(|| self.pipe.as_fd())
    }

    /// Takes a little of what is there, and never waits.
    pub fn look(&self) {
        self.take();
    }

    /// Takes what is there, but nothing that comes after `deadline`.
    pub fn drain(&self, deadline: Instant) {
        while self.take() == Found::Some && Instant::now() < deadline {}
    }

    /// The tail, once the pipe has ended; or what there is at `deadline`, should a descendant of the worker keep the pipe
    /// open.
    pub fn finish(&self, deadline: Instant) -> String {
        loop {
            self.drain(deadline);
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(fd) = self.fd().filter(|_| !left.is_zero()) else { break };
            // Interrupted or not, the clock is looked at.
            let _ = poll(
                &mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)],
                Timespec::try_from(left).ok().as_ref(),
            );
        }
        let mut text = self.text.borrow_mut();
        text.end_line(self.pid.get());
        printable_lines(&String::from_utf8_lossy(text.tail.make_contiguous()))
    }

    fn take(&self) -> Found {
        if self.ended.get() {
            return Found::End;
        }
        let mut bytes = [0; LOOK_BYTES];
        match read(&self.pipe, &mut bytes) {
            Ok(count @ 1..) => {
                self.text.borrow_mut().add(&bytes[..count], self.pid.get());
                Found::Some
            }
            Err(Errno::AGAIN | Errno::INTR) => Found::Nothing,
            Ok(0) | Err(_) => {
                self.text.borrow_mut().end_line(self.pid.get());
                self.ended.set(true);
                // To close it would not do: a copy of this process may have it open.
                if let Some(epoll) = self.watched_by.get() {
                    let _ = epoll::delete(&**epoll, &self.pipe);
                }
                Found::End
            }
        }
    }
}

impl Text {
    fn add(&mut self, bytes: &[u8], pid: u32) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let mut piece = piece;
            while !piece.is_empty() {
                let (now, later) = piece.split_at(piece.len().min(LINE_BYTES - self.line.len()));
                self.line.extend(now);
                piece = later;
                if self.line.ends_with(b"\n") || self.line.len() == LINE_BYTES {
                    self.end_line(pid);
                }
            }
        }
    }

    /// What has come of a line is one.
    fn end_line(&mut self, pid: u32) {
        if self.line.is_empty() {
            return;
        }
        let line = String::from_utf8_lossy(&self.line);
        tracing::info!(target: "ringfence::worker", pid, "{}", printable_line(line.trim_end()));
        self.tail.extend(&self.line);
        self.line.clear();
        let surplus = self.tail.len().saturating_sub(KEPT_BYTES);
        self.tail.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    fn pair() -> (Stderr, std::fs::File) {
        let (stderr, theirs) = Stderr::new().unwrap();
        (stderr, theirs.into())
    }

    #[test]
    fn the_last_lines_are_kept_whole() {
        let (stderr, mut theirs) = pair();
        let long = "x".repeat(3 * LINE_BYTES);
        write!(theirs, "{long}\n\none\ntwo").unwrap();
        drop(theirs);
        let tail = stderr.finish(soon());
        assert_eq!(tail, format!("{long}\n\none\ntwo"));
        assert_eq!(stderr.fd().map(|_| ()), None);
    }

    #[test]
    fn a_look_is_short_and_never_waits() {
        let (stderr, mut theirs) = pair();
        stderr.look();
        theirs.write_all(&[b'\n'; 10 * LOOK_BYTES]).unwrap();
        stderr.look();
        assert_eq!(rustix::io::ioctl_fionread(&stderr.pipe).unwrap(), 9 * LOOK_BYTES as u64);
        stderr.drain(soon());
        assert_eq!(rustix::io::ioctl_fionread(&stderr.pipe).unwrap(), 0);
        assert!(stderr.fd().is_some());
        // Somebody else holds the worker's end: what there is has to do.
        assert_eq!(stderr.finish(Instant::now()).len(), KEPT_BYTES);
    }

    #[test]
    fn an_owner_is_woken_by_lines_and_not_by_their_end() {
        let (stderr, mut theirs) = pair();
        let epoll = Arc::new(epoll::create(epoll::CreateFlags::CLOEXEC).unwrap());
        stderr.watch(&epoll).unwrap();
        let is_readable =
            || poll(&mut [PollFd::new(&epoll, PollFlags::IN)], Some(&Timespec::default())).unwrap() == 1;
        assert!(!is_readable());
        theirs.write_all(b"a line\n").unwrap();
        assert!(is_readable());
        stderr.look();
        assert!(!is_readable());
        // A copy of this process may hold our end too, and would keep it watched.
        let _copy = stderr.pipe.try_clone().unwrap();
        drop(theirs);
        assert!(is_readable());
        stderr.look();
        assert!(!is_readable());
    }
}
