//! Settings of a connection.

use std::time::Duration;

use super::SandboxPolicy;
use crate::shm::{Geometry, WaitPolicy};

/// The longest deadline, a century: a clock cannot express `Duration::MAX` from now.
pub(super) const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// What a call does when the ring to the module is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnFull {
    /// Wait for room until the call's deadline.
    #[default]
    Wait,
    /// Fail at once with [`super::CallError::Full`].
    Fail,
}

/// What happens to events that exceed [`Options::queue_bytes`], as nobody asks for those that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnFlood {
    /// The module is cut off, with [`super::ProtocolError::Flood`].
    #[default]
    CutOff,
    /// The oldest that are kept make room. An event that is too large by itself is dropped.
    DropOldest,
    /// Those that come are dropped until there is room again.
    DropNewest,
}

/// Settings of a connection, to be changed one by one.
///
/// ```
/// use std::time::Duration;
/// use ringfence::ipc::{OnFull, Options, WaitPolicy};
///
/// let options = Options::new()
///     .call_deadline(Duration::from_secs(1))
///     .method_deadline("init", Duration::from_secs(10))
///     .host_wait(WaitPolicy::Spin)
///     .on_full(OnFull::Fail);
/// ```
#[derive(Debug, Clone)]
pub struct Options {
    pub(super) to_worker: Geometry,
    pub(super) to_host: Geometry,
    pub(super) call_deadline: Duration,
    pub(super) method_deadlines: Vec<(String, Duration)>,
    pub(super) grace: Duration,
    pub(super) handshake_deadline: Duration,
    pub(super) exit_deadline: Duration,
    pub(super) host_wait: WaitPolicy,
    pub(super) worker_wait: WaitPolicy,
    pub(super) on_full: OnFull,
    pub(super) on_flood: OnFlood,
    pub(super) queue_bytes: usize,
    pub(super) sandbox: SandboxPolicy,
    pub(super) label: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            to_worker: Geometry::for_payload(256 << 10),
            to_host: Geometry::for_payload(256 << 10),
            call_deadline: Duration::from_secs(5),
            method_deadlines: Vec::new(),
            // A healthy worker is late by so much only on a machine that is beyond use, and whoever waited for its
            // deadline before has long lost the frame.
            grace: Duration::from_secs(1),
            handshake_deadline: Duration::from_secs(10),
            exit_deadline: Duration::from_millis(500),
            host_wait: WaitPolicy::default(),
            worker_wait: WaitPolicy::default(),
            on_full: OnFull::default(),
            on_flood: OnFlood::default(),
            queue_bytes: 16 << 20,
            sandbox: SandboxPolicy::strict(),
            label: String::new(),
        }
    }
}

impl Options {
    /// The defaults: rings for 256 KiB each way, calls of at most 5 s, adaptive waiting.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes that the ring to the module and the ring from it shall hold, rounded up. No message can be longer.
    #[must_use]
    pub fn ring_bytes(mut self, to_worker: usize, to_host: usize) -> Self {
        self.to_worker = Geometry::for_payload(to_worker);
        self.to_host = Geometry::for_payload(to_host);
        self
    }

    /// How long a call may take, waiting for room included. See also [`super::Connection::deadline_of_next_call`].
    #[must_use]
    pub fn call_deadline(mut self, deadline: Duration) -> Self {
        self.call_deadline = deadline.min(FOREVER);
        self
    }

    /// How long calls of the method of this mojom name may take.
    #[must_use]
    pub fn method_deadline(mut self, method: &str, deadline: Duration) -> Self {
        self.method_deadlines.push((method.to_owned(), deadline.min(FOREVER)));
        self
    }

    /// How long a module may go on without a sign of life after a call has passed its deadline: 1 s, unless said
    /// otherwise. Then it is *wedged*: a worker is killed, a thread's connection closed, and
    /// [`Exit::Wedged`](super::Exit::Wedged) reported.
    ///
    /// A sign is an answer, also to a call that was given up. Where the host had left messages unread meanwhile, the module may have waited for room: it is given
    /// a second grace time. An owner who sleeps on the connection's descriptor is woken. A module is also wedged if a call
    /// or cast finds no room so long after another found none until its deadline.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace.min(FOREVER);
        self
    }

    /// How long a worker may take from its start until it has answered the handshake.
    #[must_use]
    pub fn handshake_deadline(mut self, deadline: Duration) -> Self {
        self.handshake_deadline = deadline.min(FOREVER);
        self
    }

    /// How long a module may take to end when its proxy is dropped, before its process is killed.
    #[must_use]
    pub fn exit_deadline(mut self, deadline: Duration) -> Self {
        self.exit_deadline = deadline.min(FOREVER);
        self
    }

    /// How the host waits for replies.
    #[must_use]
    pub fn host_wait(mut self, policy: WaitPolicy) -> Self {
        self.host_wait = policy;
        self
    }

    /// How the module waits for calls.
    #[must_use]
    pub fn worker_wait(mut self, policy: WaitPolicy) -> Self {
        self.worker_wait = policy;
        self
    }

    /// What a call does when the ring to the module is full.
    #[must_use]
    pub fn on_full(mut self, on_full: OnFull) -> Self {
        self.on_full = on_full;
        self
    }

    /// What happens to events that exceed [`Options::queue_bytes`].
    #[must_use]
    pub fn on_flood(mut self, on_flood: OnFlood) -> Self {
        self.on_flood = on_flood;
        self
    }

    /// Bytes of events that may be kept while nobody asks for them. What happens to more is up to
    /// [`Options::on_flood`].
    ///
    /// An event counts for 256 bytes more than it has, and a descriptor for 64 KiB: what keeping them costs.
    #[must_use]
    pub fn queue_bytes(mut self, bytes: usize) -> Self {
        self.queue_bytes = bytes;
        self
    }

    /// What a worker process may do: [`SandboxPolicy::strict`] if nothing else is said.
    #[must_use]
    pub fn sandbox(mut self, policy: SandboxPolicy) -> Self {
        self.sandbox = policy;
        self
    }

    /// What the connection is called to whoever [watches](super::observe) it, such as `camera 0`; up to 128 bytes.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// How long a call of the method of this name may take.
    pub(super) fn deadline_of(&self, method: &str) -> Duration {
        let own = self.method_deadlines.iter().rev().find(|(name, _)| name == method);
        own.map_or(self.call_deadline, |(_, deadline)| *deadline)
    }
}
