//! What came of an attempt.

use std::fmt;

use nix::errno::Errno;

use crate::ipc::Exit;

/// `SIGSYS`, by which a filter kills.
const SIGSYS: i32 = 31;

/// What came of an attempt.
///
/// ```
/// use ringfence::probe::{Outcome, Stop};
///
/// let outcome = Outcome::Stopped(Stop::Forbidden { call: "ptrace".to_owned() });
/// assert!(outcome.is_stopped());
/// assert_eq!(outcome.to_string(), "killed for the system call ptrace");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Something stopped it.
    Stopped(Stop),
    /// It got through, and how that is known.
    Through(String),
    /// It cannot be told.
    Unclear(String),
}

/// What stopped an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// The host killed the worker for this system call.
    Forbidden {
        /// Its name.
        call: String,
    },
    /// The kernel killed the worker by this signal.
    Signal(i32),
    /// The attempt failed with this error, and the worker went on.
    Refused(i32),
}

impl Outcome {
    /// Whether something stopped it.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        matches!(self, Self::Stopped(_))
    }

    /// The worker answered with an error number, or 0. These errors show that the kernel would have done it.
    pub(super) fn of_answer(error: i32, reached: &[rustix::io::Errno]) -> Self {
        match error {
            0 => Self::Through("it worked".to_owned()),
            error if reached.iter().any(|errno| errno.raw_os_error() == error) => {
                Self::Through(format!("it reached the kernel, which said {:?}", Errno::from_raw(error)))
            }
            error => Self::Stopped(Stop::Refused(error)),
        }
    }

    /// The worker ended.
    pub(super) fn of_end(exit: &Exit) -> Self {
        match exit {
            Exit::Forbidden { call } => Self::Stopped(Stop::Forbidden { call: call.clone() }),
            Exit::Signal(signal) => Self::Stopped(Stop::Signal(*signal)),
            // `/bin/true`, or whatever else it became.
            Exit::Status(0) => Self::Through("the worker became another program".to_owned()),
            other => Self::Unclear(format!("the worker {other}")),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped(stop) => write!(f, "{stop}"),
            Self::Through(how) | Self::Unclear(how) => f.write_str(how),
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forbidden { call } => write!(f, "killed for the system call {call}"),
            Self::Signal(SIGSYS) => f.write_str("killed by the filter of system calls"),
            Self::Signal(signal) => write!(f, "killed by signal {signal}"),
            Self::Refused(error) => {
                let errno = Errno::from_raw(*error);
                let by = match errno {
                    Errno::EACCES => "not among the files that it may read",
                    Errno::EPERM => "refused",
                    Errno::ENOSYS => "a call that it does not get to know",
                    Errno::ENOENT | Errno::ESRCH => "nothing that it can see",
                    Errno::ENOMEM | Errno::EMFILE | Errno::EAGAIN => "beyond its limit",
                    _ => errno.desc(),
                };
                write!(f, "{errno:?}: {by}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_that_stop_it_stop_it() {
        let reached = [rustix::io::Errno::FAULT];
        assert!(!Outcome::of_answer(0, &reached).is_stopped());
        assert!(!Outcome::of_answer(Errno::EFAULT as i32, &reached).is_stopped());
        let stopped = Outcome::of_answer(Errno::EACCES as i32, &reached);
        assert_eq!(stopped.to_string(), "EACCES: not among the files that it may read");
        assert!(stopped.is_stopped());
    }

    #[test]
    fn an_end_is_told_apart() {
        let forbidden = Outcome::of_end(&Exit::Forbidden { call: "ptrace".to_owned() });
        assert_eq!(forbidden.to_string(), "killed for the system call ptrace");
        assert!(Outcome::of_end(&Exit::Signal(SIGSYS)).is_stopped());
        assert!(matches!(Outcome::of_end(&Exit::Status(0)), Outcome::Through(_)));
        assert!(matches!(Outcome::of_end(&Exit::Status(1)), Outcome::Unclear(_)));
        assert!(matches!(Outcome::of_end(&Exit::Closed), Outcome::Unclear(_)));
    }
}
