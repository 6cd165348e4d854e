//! What tells a slow module from a wedged one: calls that were given up, and how long their answers may still take.
//!
//! Both kinds of connection hold one. It only keeps the time and the numbers; ending the module is up to them.

use std::ops::RangeInclusive;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

/// Runs from the deadline of a call that was given up until the module shows that it lives.
///
/// Answers are such a sign. Events are not: a thread of the module may emit them for ever while the one that serves
/// calls is stuck.
#[derive(Debug)]
pub(super) struct Watchdog {
    grace: Duration,
    /// Readable once the grace time has passed, for owners who sleep on the connection's descriptor.
    timer: OwnedFd,
    /// When the module is wedged. Nothing is ever done about the timer while this is `None`.
    due: Option<Instant>,
    /// When a module is wedged that takes no messages.
    stuck: Option<Instant>,
    /// The oldest and the newest call that were given up and may still be answered. A module serves one call after
    /// the other: whichever it answers, those before will have no answer any more.
    awaited: Option<RangeInclusive<u32>>,
    /// Whether it has been given a second grace time.
    extended: bool,
}

impl Watchdog {
    pub fn new(grace: Duration) -> Result<Self, Errno> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Self { grace, timer, due: None, stuck: None, awaited: None, extended: false })
    }

    /// A call was given up at its deadline.
    pub fn abandoned(&mut self, call: u32) {
        let oldest = self.awaited.as_ref().map_or(call, |awaited| *awaited.start());
        self.awaited = Some(oldest..=call);
        if self.due.is_none() {
            self.start();
        }
    }

    /// A message found no room until its deadline.
    pub fn refused(&mut self) {
        self.stuck.get_or_insert(Instant::now() + self.grace);
    }

    /// A message found room.
    #[inline]
    pub fn taken(&mut self) {
        if self.stuck.is_some() {
            self.stuck = None;
        }
    }

    /// Whether no message has found room for the grace time; to be asked by whoever looks for room.
    pub fn is_stuck(&self) -> bool {
        self.stuck.is_some_and(|stuck| Instant::now() >= stuck)
    }

    /// The latest call was answered.
    #[inline]
    pub fn answered(&mut self) {
        if self.due.is_some() {
            self.awaited = None;
            self.stop();
        }
    }

    /// An answer to another call came. Returns whether it was one that had been given up.
    pub fn answered_late(&mut self, call: u32) -> bool {
        let Some(awaited) = self.awaited.take() else { return false };
        let (oldest, newest) = (*awaited.start(), *awaited.end());
        // Numbers start again after the last.
        if call.wrapping_sub(oldest) > newest.wrapping_sub(oldest) {
            self.awaited = Some(awaited);
            return false;
        }
        if call == newest {
            self.stop();
        } else {
            self.awaited = Some(call.wrapping_add(1)..=newest);
            self.start();
        }
        true
    }

    /// Whether the grace time has passed.
    #[inline]
    pub fn is_due(&self) -> bool {
        self.due.is_some_and(|due| Instant::now() >= due)
    }

    /// Whether the module gets a second grace time, as it does once: when the host had left messages unread, it may
    /// have waited for room.
    pub fn extend(&mut self) -> bool {
        let extend = !self.extended;
        if extend {
            self.start();
            self.extended = true;
        }
        extend
    }

    /// When to wake up, for somebody who would sleep until `deadline`.
    pub fn before(&self, deadline: Option<Instant>) -> Option<Instant> {
        sooner(self.due, deadline)
    }

    /// When to wake up, for somebody who would wait for room until `deadline`.
    pub fn before_room(&self, deadline: Option<Instant>) -> Option<Instant> {
        sooner(self.stuck, self.before(deadline))
    }

    fn start(&mut self) {
        self.due = Some(Instant::now() + self.grace);
        self.extended = false;
        // A timer of zero would never expire.
        self.set(self.grace.max(Duration::from_nanos(1)));
    }

    #[cold]
    fn stop(&mut self) {
        self.due = None;
        self.set(Duration::ZERO);
    }

    fn set(&self, after: Duration) {
        let it_value = Timespec::try_from(after).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 });
        let time = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
        // Neither the descriptor nor the time can be wrong.
        let _ = timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &time);
    }
}

fn sooner(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

impl AsFd for Watchdog {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.timer.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watchdog() -> Watchdog {
        Watchdog::new(Duration::from_secs(3600)).unwrap()
    }

    #[test]
    fn answers_are_due_for_calls_that_were_given_up_and_once_each() {
        let mut watchdog = watchdog();
        assert!(!watchdog.answered_late(1));
        watchdog.abandoned(3);
        watchdog.abandoned(5);
        assert!(!watchdog.answered_late(2) && !watchdog.answered_late(6) && !watchdog.answered_late(0));
        assert!(watchdog.answered_late(3) && watchdog.due.is_some());
        assert!(!watchdog.answered_late(3));
        assert!(watchdog.answered_late(5) && watchdog.due.is_none());
        assert!(!watchdog.answered_late(5));
        // Those before the one that is answered will have no answer any more.
        watchdog.abandoned(7);
        watchdog.abandoned(8);
        assert!(watchdog.answered_late(8) && !watchdog.answered_late(7) && watchdog.due.is_none());
    }

    #[test]
    fn numbers_may_start_again() {
        let mut watchdog = watchdog();
        watchdog.abandoned(u32::MAX);
        watchdog.abandoned(2);
        assert!(!watchdog.answered_late(u32::MAX - 1) && !watchdog.answered_late(3));
        assert!(watchdog.answered_late(u32::MAX) && watchdog.answered_late(2));
    }

    #[test]
    fn a_module_that_takes_messages_again_owes_its_answers_all_the_same() {
        let mut watchdog = Watchdog::new(Duration::ZERO).unwrap();
        watchdog.refused();
        assert!(watchdog.is_stuck() && !watchdog.is_due());
        watchdog.taken();
        assert!(!watchdog.is_stuck());
        watchdog.abandoned(1);
        watchdog.taken();
        assert!(watchdog.is_due());
        watchdog.answered();
        assert!(watchdog.due.is_none() && !watchdog.answered_late(1));
    }

    #[test]
    fn a_second_grace_time_is_given_once() {
        let mut watchdog = Watchdog::new(Duration::ZERO).unwrap();
        watchdog.abandoned(1);
        assert!(watchdog.is_due() && watchdog.extend() && !watchdog.extend());
        watchdog.abandoned(2);
        assert!(!watchdog.extend());
        assert!(watchdog.answered_late(1) && watchdog.extend());
    }
}
