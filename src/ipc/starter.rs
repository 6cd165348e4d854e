//! The thread that started a worker, whose end is the worker's too.

#![forbid(unsafe_code)]

use std::fs;
use std::io;

/// Flag of a thread that has begun to end (`PF_EXITING` of the kernel's `sched.h`). It is up before the kernel kills
/// what the thread has started.
const EXITING: u64 = 0x4;

/// A thread of this process, told from others that get its number later by the time of its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Starter {
    /// As `/proc` numbers it.
    thread: u64,
    /// In ticks since the machine was started.
    since: u64,
}

impl Starter {
    /// The thread that calls; `None` where `/proc` does not tell.
    pub fn this_thread() -> Option<Self> {
        let text = fs::read_to_string("/proc/thread-self/stat").ok()?;
        let thread = text.split(' ').next()?.parse().ok()?;
        let (_, since) = flags_and_start(&text)?;
        Some(Self { thread, since })
    }

    /// Whether it has ended, or is about to. What cannot be found out is taken for no.
    pub fn has_ended(&self) -> bool {
        match fs::read_to_string(format!("/proc/self/task/{}/stat", self.thread)) {
            Ok(text) => flags_and_start(&text)
                .is_some_and(|(flags, since)| since != self.since || flags & EXITING != 0),
            // The latter if it ends between opening and reading.
            Err(error) => {
                error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ESRCH)
            }
        }
    }
}

/// The fields 9 and 22 of proc_pid_stat(5). The second one, a name, may hold anything but ends with the last parenthesis.
fn flags_and_start(stat: &str) -> Option<(u64, u64)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let flags = fields.nth(6)?.parse().ok()?;
    Some((flags, fields.nth(12)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_known_while_it_lives_and_when_it_has_ended() {
        let here = Starter::this_thread().unwrap();
        assert!(!here.has_ended());
        let there = std::thread::spawn(|| Starter::this_thread().unwrap()).join().unwrap();
        assert_ne!(here, there);
        // Joined, a thread may still be on its way out of the kernel; that it is on it is known at once.
        assert!(there.has_ended());
        assert!(!here.has_ended());
        // Another one that has got its number.
        assert!(Starter { since: here.since + 1, ..here }.has_ended());
    }

    #[test]
    fn a_name_may_look_like_the_fields_after_it() {
        let fields = (3..=52).map(|number| number.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(flags_and_start(&format!("7 (a) 1 2 (b)) {fields}")), Some((9, 22)));
        assert_eq!(flags_and_start("7 (a) R 1"), None);
    }
}
