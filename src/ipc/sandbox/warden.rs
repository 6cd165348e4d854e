//! Judges a worker's system calls on behalf of its host, whenever that waits for the worker.

use std::cell::OnceCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::process::{Signal, pidfd_send_signal};

use super::notice::{Listener, Verdict};
use crate::ipc::Exit;

/// Calls that are judged before the host looks at anything else, and the time after which no further one is. A call can
/// take long to judge: the worker may have made its memory hard to look into.
const CALLS_AT_ONCE: usize = 64;
const TIME_AT_ONCE: Duration = Duration::from_millis(1);
/// Number of the signal that `abort` raises.
const SIGABRT: i32 = 6;

/// Judges the calls that the filter does not decide by itself, and kills a worker that makes a forbidden one.
///
/// It works when it is attended to: a call that waits to be judged waits until the host does.
#[derive(Debug)]
pub(in crate::ipc) struct Warden {
    listener: Listener,
    pidfd: OwnedFd,
    /// Why it has killed the worker.
    cause: OnceCell<Exit>,
}

impl Warden {
    /// Judges the calls of the process of this pidfd.
    pub(super) fn new(listener: Listener, pidfd: OwnedFd) -> Self {
        Self { listener, pidfd, cause: OnceCell::new() }
    }

    /// Judges the calls that wait. Returns whether the worker has been killed.
    pub fn attend(&self) -> bool {
        let start = Instant::now();
        for _ in 0..CALLS_AT_ONCE {
            if self.cause.get().is_some() {
                return true;
            }
            let cause = match self.listener.attend() {
                Ok(Verdict::Nothing) => return false,
                Ok(Verdict::Answered) if start.elapsed() >= TIME_AT_ONCE => return false,
                Ok(Verdict::Answered) => continue,
                Ok(Verdict::Forbidden(call)) => Exit::Forbidden { call: call.to_string() },
                Ok(Verdict::Aborted) => Exit::Signal(SIGABRT),
                Err(error) => {
                    // Nobody can judge it any more.
                    tracing::error!(%error, "the worker's system calls cannot be judged; it is killed");
                    Exit::Closed
                }
            };
            let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
            let _ = self.cause.set(cause);
        }
        false
    }

    /// Lets the worker open no more files, and map nothing executable.
    pub fn seal(&self) {
        self.listener.seal();
    }

    /// Why the worker was killed, if it was.
    pub fn cause(&self) -> Option<&Exit> {
        self.cause.get()
    }
}

impl AsFd for Warden {
    /// Readable when a call waits to be judged.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}
