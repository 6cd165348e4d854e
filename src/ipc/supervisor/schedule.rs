//! When a worker may be started again: back-off and budget. Time comes in as a value; nothing here looks at a clock.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How often and how fast a worker is started again.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    /// Restarts that are allowed within the window.
    pub budget: u32,
    /// For so long a failure counts.
    pub window: Duration,
    /// Before the second restart within the window; the first one is immediate.
    pub first: Duration,
    /// Before any restart, at most.
    pub longest: Duration,
    /// The failures that count, the oldest first. No more of them than the budget.
    recent: VecDeque<Instant>,
}

impl Schedule {
    pub fn new(budget: u32, window: Duration, first: Duration, longest: Duration) -> Self {
        Self { budget, window, first, longest, recent: VecDeque::new() }
    }

    /// A worker has failed at `now`: when the next one may be started. `None` if the budget is used up.
    pub fn next(&mut self, now: Instant) -> Option<Instant> {
        let window = self.window;
        while self.recent.front().is_some_and(|failure| now.saturating_duration_since(*failure) >= window) {
            self.recent.pop_front();
        }
        let earlier = u32::try_from(self.recent.len()).unwrap_or(u32::MAX);
        if earlier >= self.budget {
            return None;
        }
        self.recent.push_back(now);
        Some(now + self.delay(earlier))
    }

    /// The wait after a failure, by the number of failures before it that count.
    fn delay(&self, earlier: u32) -> Duration {
        match earlier {
            0 => Duration::ZERO,
            _ => self.first.saturating_mul(1u32 << (earlier - 1).min(31)).min(self.longest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn waits_double_from_nothing_up_to_the_longest() {
        let mut schedule = Schedule::new(100, 3600 * SECOND, 50 * MS, SECOND);
        let now = Instant::now();
        let waits: Vec<u128> = (0..8).map(|_| (schedule.next(now).unwrap() - now).as_millis()).collect();
        assert_eq!(waits, [0, 50, 100, 200, 400, 800, 1000, 1000]);
        // However many: no overflow.
        for _ in 8..100 {
            assert_eq!(schedule.next(now), Some(now + SECOND));
        }
        assert_eq!(schedule.next(now), None);
    }

    #[test]
    fn failures_are_forgotten_after_the_window() {
        let mut schedule = Schedule::new(2, 10 * SECOND, 50 * MS, SECOND);
        let start = Instant::now();
        assert_eq!(schedule.next(start), Some(start));
        assert_eq!(schedule.next(start + 4 * SECOND), Some(start + 4 * SECOND + 50 * MS));
        assert_eq!(schedule.next(start + 10 * SECOND - MS), None, "two within the window are the budget");
        let later = start + 10 * SECOND;
        assert_eq!(schedule.next(later), Some(later + 50 * MS), "the first is forgotten, the second is not");
        assert_eq!(schedule.next(later), None);
        let much_later = start + 100 * SECOND;
        assert_eq!(schedule.next(much_later), Some(much_later), "after a quiet time all begins anew");
    }

    #[test]
    fn no_budget_is_no_restart() {
        let mut schedule = Schedule::new(0, SECOND, MS, SECOND);
        assert_eq!(schedule.next(Instant::now()), None);
    }
}
