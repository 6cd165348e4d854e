//! What went over a connection, readable on both of its sides.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::shm::{Mapped, RingCounters};

/// Counts of a connection, as of one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConnectionCounters {
    /// The ring to the module: calls.
    pub to_module: RingCounters,
    /// The ring to the host: replies and events.
    pub to_host: RingCounters,
    /// Events that the host dropped as [`OnFlood`](super::OnFlood) says. Known to the host alone.
    pub dropped_events: u64,
}

/// Reads a connection's counters, from any thread, without disturbing anybody.
///
/// ```
/// use ringfence::interfaces::vimc::{IpaVimc, IpaVimcProxy};
/// use ringfence::ipc::Options;
/// use ringfence::vimc::Vimc;
///
/// let mut module = IpaVimcProxy::threaded(&Options::new(), Vimc::new)?;
/// let meter = module.connection().expect("it has rings").meter();
/// module.start()?;
/// let counters = std::thread::spawn(move || meter.read()).join().expect("reading does not panic");
/// assert_eq!((counters.to_module.sent.records, counters.to_host.received.records), (1, 1));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Meter {
    pub(super) to_module: Arc<Mapped>,
    pub(super) to_host: Arc<Mapped>,
    dropped_events: Arc<AtomicU64>,
}

super::promise!(Meter: Send, Sync);

impl Meter {
    pub(super) fn new(to_module: Arc<Mapped>, to_host: Arc<Mapped>) -> Self {
        Self { to_module, to_host, dropped_events: Arc::default() }
    }

    /// Counts an event that was dropped.
    pub(super) fn count_dropped(&self) {
        // ORDERING: Relaxed: a count, which orders nothing.
        self.dropped_events.fetch_add(1, Ordering::Relaxed);
    }

    /// Events that were dropped so far.
    pub(super) fn dropped_events(&self) -> u64 {
        // ORDERING: Relaxed, as in `count_dropped`.
        self.dropped_events.load(Ordering::Relaxed)
    }

    /// The counts as they are now.
    #[must_use]
    pub fn read(&self) -> ConnectionCounters {
        ConnectionCounters {
            to_module: RingCounters::read(&self.to_module),
            to_host: RingCounters::read(&self.to_host),
            dropped_events: self.dropped_events(),
        }
    }
}
