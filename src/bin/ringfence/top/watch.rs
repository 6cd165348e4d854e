//! Looks at all connections, again and again.

use std::collections::BTreeMap;
use std::time::Duration;

use ringfence::ipc::ConnectionId;
use ringfence::ipc::observe::{self, Observed};

use super::process::ticks;
use super::row::{Moment, Row};
use crate::target::Identity;

/// The connections that were there at the last look.
#[derive(Debug)]
pub struct Watch {
    pid: Option<u32>,
    /// For how long hosts take the time of calls after a look: they must not stop before the next one.
    wish: Duration,
    seen: BTreeMap<ConnectionId, Seen>,
}

/// A connection, and what it had counted.
#[derive(Debug)]
struct Seen {
    observed: Observed,
    identity: Identity,
    last: Moment,
}

impl Watch {
    /// Nothing was seen so far. `pid` is that of the only process to look at, if it is one.
    pub fn new(pid: Option<u32>, interval: Duration) -> Self {
        Self { pid, wish: 2 * interval + Duration::from_secs(2), seen: BTreeMap::new() }
    }

    /// What every connection has done since the last look: those that are new have nothing to tell yet, those that ended
    /// are gone.
    pub fn look(&mut self) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut before = std::mem::take(&mut self.seen);
        for found in observe::connections() {
            let id = found.id;
            // What was found first stays: its memory is mapped already.
            let known = before.remove(&id);
            let (observed, identity, last) = match known {
                Some(Seen { observed, identity, last }) => (observed, identity, Some(last)),
                None => {
                    let identity = Identity::of(&found);
                    (found, identity, None)
                }
            };
            if !observed.is_open() || !self.wants(&identity) {
                continue;
            }
            observed.watch_latency(self.wish);
            let now = moment(&observed);
            if let Some(last) = &last {
                rows.push(Row::between(identity.clone(), last, &now));
            }
            self.seen.insert(id, Seen { observed, identity, last: now });
        }
        rows
    }

    fn wants(&self, identity: &Identity) -> bool {
        self.pid.is_none_or(|pid| identity.host_pid == pid || identity.worker_pid == Some(pid))
    }
}

fn moment(observed: &Observed) -> Moment {
    let sample = observed.sample();
    Moment {
        at_ns: sample.at_ns,
        counters: sample.counters,
        lines: [sample.to_module, sample.to_host].map(|ring| ring.map(|ring| ring.lines)),
        latency: sample.latency,
        restarts: observed.restarts(),
        host_ticks: ticks(observed.host_pid),
        worker_ticks: observed.worker_pid.and_then(ticks),
    }
}
