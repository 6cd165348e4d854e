//! What went over a connection, readable on both of its sides.

use std::sync::Arc;

use crate::shm::{Mapped, RingCounters};

/// Counts of both rings of a connection, as of one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConnectionCounters {
    /// The ring to the module: calls.
    pub to_module: RingCounters,
    /// The ring to the host: replies and events.
    pub to_host: RingCounters,
}

/// Reads a connection's counters, from any thread, without disturbing anybody.
#[derive(Debug, Clone)]
pub struct Meter {
    pub(super) to_module: Arc<Mapped>,
    pub(super) to_host: Arc<Mapped>,
}

impl Meter {
    /// The counts as they are now.
    #[must_use]
    pub fn read(&self) -> ConnectionCounters {
        ConnectionCounters {
            to_module: RingCounters::read(&self.to_module),
            to_host: RingCounters::read(&self.to_host),
        }
    }
}
