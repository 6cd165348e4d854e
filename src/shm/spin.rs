//! How long to look before sleeping.

use std::time::{Duration, Instant};

/// How a side waits for its peer.
///
/// ```
/// use ringfence::ipc::{Options, WaitPolicy};
///
/// // A pipeline handler with a core to spare, and a module without one.
/// let options = Options::new().host_wait(WaitPolicy::Spin).worker_wait(WaitPolicy::Block);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u32)]
pub enum WaitPolicy {
    /// Look at the ring without ever sleeping. Lowest latency, one processor busy.
    Spin = 0,
    /// Look for as long as the recent past says that it pays, then sleep.
    #[default]
    Adaptive = 1,
    /// Sleep at once. Least CPU time, one wake-up a message.
    Block = 2,
}

impl WaitPolicy {
    /// The policy with this wire number, if there is one.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Spin),
            1 => Some(Self::Adaptive),
            2 => Some(Self::Block),
            _ => None,
        }
    }
}

/// Looks before a clock is read for the first time: some microseconds, in which an awake peer has answered
/// a simple call. A clock would cost as much as the rest of such a wait.
const LOOKS_WITHOUT_CLOCK: u32 = 256;

/// Looks between two readings of the clock.
const LOOKS_PER_CLOCK: u32 = 64;

/// What a wake-up is taken to cost before any was measured: what it costs on a virtual machine.
const FIRST_WAKE_UP: Duration = Duration::from_micros(50);

/// Bounds of the budget, whatever is measured.
const SHORTEST_BUDGET: Duration = Duration::from_micros(10);
const LONGEST_BUDGET: Duration = Duration::from_micros(200);

/// How often looking is tried again although it did not pay lately, to notice when the peer becomes quick:
/// once in so many waits.
const PROBE_EVERY: u32 = 64;

/// A glance takes about an eighth of what a wake-up costs both sides: so one in eight has to spare a sleep.
const FEWEST_HITS: u32 = HITS / 8;

/// Glances of which each was a hit.
const HITS: u32 = 1 << 10;

/// Decides how long to look, from how long recent waits took and what recent wake-ups cost.
///
/// Looking for as long as a wake-up costs is at most twice as bad as the best that could have been done
/// with hindsight (Karlin, Manasse, McGeoch and Owicki, "Competitive randomized algorithms for nonuniform
/// problems", 1994). If waits have become longer than that, looking is a waste, and the side sleeps at once.
///
/// But messages come in bursts: after a frame's worth of them, nothing comes until the next frame. The average wait is
/// long then, though most are short, so a glance is judged by itself: by how many were enough lately.
///
/// ```
/// use std::time::Duration;
/// use ringfence::shm::{Spinner, WaitPolicy};
///
/// let mut spinner = Spinner::new(WaitPolicy::Adaptive, false);
/// assert!(spinner.begin(), "at first it looks");
/// for _ in 0..40 {
///     spinner.learn(Duration::from_millis(33));
/// }
/// assert!(!spinner.begin(), "after waits of a frame each it sleeps at once");
/// ```
#[derive(Debug)]
pub struct Spinner {
    policy: WaitPolicy,
    /// Smoothed length of recent waits, each counted as at most [`Spinner::ceiling`].
    typical: Duration,
    /// Smoothed cost of recent wake-ups.
    wake_up: Duration,
    waits: u32,
    /// How many of [`HITS`] recent glances were enough, smoothed.
    hits: u32,
}

impl Spinner {
    /// A spinner with this policy. If host and module share one processor, it never looks, since the
    /// peer could not answer meanwhile.
    #[must_use]
    pub fn new(policy: WaitPolicy, share_one_processor: bool) -> Self {
        let policy = if share_one_processor { WaitPolicy::Block } else { policy };
        Self { policy, typical: Duration::ZERO, wake_up: FIRST_WAKE_UP, waits: 0, hits: HITS }
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> WaitPolicy {
        self.policy
    }

    /// How long to look before a sleep, if at all.
    fn budget(&self) -> Duration {
        self.wake_up.clamp(SHORTEST_BUDGET, LONGEST_BUDGET)
    }

    /// The longest that a wait counts for: long enough to say that looking did not pay, short enough to be
    /// outweighed by some quick ones.
    fn ceiling(&self) -> Duration {
        4 * self.budget()
    }

    /// Whether looking has paid lately.
    fn pays(&self) -> bool {
        match self.policy {
            WaitPolicy::Spin => true,
            WaitPolicy::Block => false,
            WaitPolicy::Adaptive => self.typical <= self.budget(),
        }
    }

    /// Begins a long wait. Returns whether to look: because it has paid lately, or to try it again.
    pub fn begin(&mut self) -> bool {
        self.waits = self.waits.wrapping_add(1);
        self.pays() || (self.policy == WaitPolicy::Adaptive && self.waits.is_multiple_of(PROBE_EVERY))
    }

    /// Looks a few times, without a clock, if that has been enough lately or to try it again. Returns whether `ready`
    /// said yes.
    #[inline]
    pub fn glance(&mut self, mut ready: impl FnMut() -> bool) -> bool {
        if !self.is_worth_a_glance() {
            return false;
        }
        let hit = (0..LOOKS_WITHOUT_CLOCK).any(|_| {
            std::hint::spin_loop();
            ready()
        });
        // An eighth of the newest, as in `learn`.
        self.hits = self.hits - self.hits / 8 + if hit { HITS / 8 } else { 0 };
        hit
    }

    #[inline]
    fn is_worth_a_glance(&self) -> bool {
        match self.policy {
            WaitPolicy::Spin => true,
            WaitPolicy::Block => false,
            WaitPolicy::Adaptive => self.hits >= FEWEST_HITS || self.waits.is_multiple_of(PROBE_EVERY),
        }
    }

    /// Looks until `ready` says yes, the budget is spent or `deadline` has come. Returns whether `ready` said yes.
    pub fn look(&self, start: Instant, deadline: Option<Instant>, ready: impl Fn() -> bool) -> bool {
        let until = deadline.map_or(start + self.budget(), |deadline| deadline.min(start + self.budget()));
        loop {
            for _ in 0..LOOKS_PER_CLOCK {
                if ready() {
                    return true;
                }
                std::hint::spin_loop();
            }
            if Instant::now() >= until {
                return false;
            }
        }
    }

    /// Tells the spinner that a wait ended at once.
    #[inline]
    pub fn learn_quick(&mut self) {
        self.typical = self.typical * 7 / 8;
    }

    /// Tells the spinner how long a wait took, sleep included.
    pub fn learn(&mut self, waited: Duration) {
        // An eighth of the newest: some eight waits to change one's mind.
        self.typical = self.typical * 7 / 8 + waited.min(self.ceiling()) / 8;
    }

    /// Tells the spinner what a wake-up cost: from the ring of the doorbell to the end of the sleep.
    pub fn learn_wake_up(&mut self, cost: Duration) {
        self.wake_up = self.wake_up * 7 / 8 + cost.min(LONGEST_BUDGET) / 8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adaptive() -> Spinner {
        Spinner::new(WaitPolicy::Adaptive, false)
    }

    #[test]
    fn a_camera_at_thirty_frames_a_second_sleeps_at_once() {
        let mut spinner = adaptive();
        let looked = (0..1000)
            .filter(|_| {
                let mut looked = false;
                spinner.glance(|| {
                    looked = true;
                    false
                });
                looked |= spinner.begin();
                spinner.learn(Duration::from_millis(33));
                looked
            })
            .count();
        // A handful until it is clear, then the probes.
        assert!(looked < 20 + 2 * 1000 / PROBE_EVERY as usize, "{looked}");
    }

    #[test]
    fn what_follows_at_once_within_a_frame_is_caught_by_a_glance() {
        let mut spinner = adaptive();
        for _ in 0..1000 {
            assert!(spinner.glance(|| true), "one in two is enough");
            spinner.learn_quick();
            assert!(!spinner.glance(|| false));
            spinner.begin();
            spinner.learn(Duration::from_millis(33));
        }
        assert!(!spinner.pays(), "the long ones are too many to look for longer");
    }

    #[test]
    fn quick_answers_are_worth_looking_for_again_soon_after_slow_ones() {
        let mut spinner = adaptive();
        for _ in 0..100 {
            spinner.begin();
            spinner.learn(Duration::from_secs(1));
        }
        assert!((0..PROBE_EVERY).any(|_| spinner.begin()), "never tries again");
        for _ in 0..16 {
            spinner.learn_quick();
        }
        assert!(spinner.begin());
    }

    #[test]
    fn the_budget_follows_the_cost_of_wake_ups_within_bounds() {
        let mut spinner = adaptive();
        for _ in 0..100 {
            spinner.learn_wake_up(Duration::from_micros(25));
        }
        assert!((24..=26).contains(&spinner.budget().as_micros()), "{:?}", spinner.budget());
        for _ in 0..100 {
            spinner.learn_wake_up(Duration::from_secs(9));
        }
        assert!(spinner.budget() > LONGEST_BUDGET * 99 / 100, "{:?}", spinner.budget());
        for _ in 0..100 {
            spinner.learn_wake_up(Duration::ZERO);
        }
        assert_eq!(spinner.budget(), SHORTEST_BUDGET);
    }

    #[test]
    fn one_processor_leaves_nothing_to_look_for() {
        for policy in [WaitPolicy::Spin, WaitPolicy::Adaptive, WaitPolicy::Block] {
            assert_eq!(Spinner::new(policy, true).policy(), WaitPolicy::Block);
        }
    }
}
