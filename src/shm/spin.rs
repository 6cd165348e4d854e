//! How long to look before sleeping.

use std::time::{Duration, Instant};

use crossbeam_utils::Backoff;

/// How a side waits for its peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u32)]
pub enum WaitPolicy {
    /// Look at the ring without ever sleeping. Lowest latency, one core busy.
    Spin = 0,
    /// Look for as long as the recent past says that it pays, then sleep.
    #[default]
    Adaptive = 1,
    /// Sleep at once. Least CPU, one wake-up a message.
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

/// The longest that [`WaitPolicy::Adaptive`] looks before it sleeps: twice what a sleep and a
/// wake-up cost on a virtual machine (some 50 µs), the classic bound at which spinning costs at
/// most twice what sleeping at once would have cost.
const LONGEST_SPIN: Duration = Duration::from_micros(100);

/// How often a wait that did not pay is tried again regardless, so that the spinner notices when
/// its peer becomes quick: once in this many waits.
const PROBE_EVERY: u32 = 64;

/// Spins for a budget that it learns from how long its waits took.
#[derive(Debug)]
pub struct Spinner {
    policy: WaitPolicy,
    /// Smoothed duration of recent waits, each counted as at most `4 * LONGEST_SPIN`.
    typical: Duration,
    waits: u32,
}

impl Spinner {
    /// A spinner with this policy. With one usable CPU it never spins, since the peer could not
    /// run meanwhile.
    #[must_use]
    pub fn new(policy: WaitPolicy) -> Self {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let policy = if cpus == 1 { WaitPolicy::Block } else { policy };
        Self { policy, typical: Duration::ZERO, waits: 0 }
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> WaitPolicy {
        self.policy
    }

    /// How long to look this time; `None` is for ever.
    fn budget(&mut self) -> Option<Duration> {
        match self.policy {
            WaitPolicy::Spin => None,
            WaitPolicy::Block => Some(Duration::ZERO),
            WaitPolicy::Adaptive => {
                self.waits = self.waits.wrapping_add(1);
                if self.typical <= LONGEST_SPIN || self.waits.is_multiple_of(PROBE_EVERY) {
                    Some(LONGEST_SPIN)
                } else {
                    Some(Duration::ZERO)
                }
            }
        }
    }

    /// Looks until `ready` says yes, the budget is spent, or `limit` has come. Returns whether
    /// `ready` said yes. In [`WaitPolicy::Spin`] it returns `false` now and then, so that its
    /// caller can look after sockets and deadlines.
    pub fn spin(&mut self, limit: Option<Instant>, mut ready: impl FnMut() -> bool) -> bool {
        let budget = self.budget().unwrap_or(LONGEST_SPIN);
        if budget.is_zero() {
            return ready();
        }
        let start = Instant::now();
        let backoff = Backoff::new();
        loop {
            // Clocks cost as much as many looks: look often, read the clock seldom.
            for _ in 0..128 {
                if ready() {
                    return true;
                }
                std::hint::spin_loop();
            }
            let now = Instant::now();
            if now - start >= budget || limit.is_some_and(|limit| now >= limit) {
                return false;
            }
            if self.policy == WaitPolicy::Adaptive && backoff.is_completed() {
                // Let a peer that shares this core run.
                std::thread::yield_now();
            } else {
                backoff.spin();
            }
        }
    }

    /// Tells the spinner how long a whole wait took, sleep included.
    pub fn learn(&mut self, waited: Duration) {
        // An eighth of the newest wait: some eight waits to change one's mind.
        let waited = waited.min(4 * LONGEST_SPIN);
        self.typical = self.typical * 7 / 8 + waited / 8;
    }
}
