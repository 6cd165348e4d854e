//! Events of a directly linked module, until their owner asks for them.

use std::collections::VecDeque;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use crate::shm::Doorbell;

/// Where a directly linked module leaves its events; clones share the queue.
///
/// A module may emit events from threads of its own, hence the lock.
pub struct EventQueue<E> {
    shared: Arc<Shared<E>>,
}

struct Shared<E> {
    events: Mutex<VecDeque<E>>,
    arrived: Condvar,
    bell: Doorbell,
    watched: AtomicBool,
}

impl<E> EventQueue<E> {
    /// An empty queue.
    pub(super) fn new(bell: Doorbell) -> Self {
        let shared = Shared {
            events: Mutex::default(),
            arrived: Condvar::new(),
            bell,
            watched: AtomicBool::new(false),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Adds an event.
    pub fn push(&self, event: E) {
        self.shared.events.lock().push_back(event);
        self.shared.arrived.notify_one();
        // ORDERING: Relaxed: the flag is raised before the owner looks at the queue and then polls;
        // the queue's lock orders both.
        if self.shared.watched.load(Ordering::Relaxed) {
            self.shared.bell.ring();
        }
    }

    /// Takes the oldest event.
    pub(super) fn pop(&self) -> Option<E> {
        let mut events = self.shared.events.lock();
        let event = events.pop_front();
        // ORDERING: Relaxed, as in `push`.
        if event.is_none() && self.shared.watched.load(Ordering::Relaxed) {
            self.shared.bell.clear();
        }
        event
    }

    /// Waits until there is an event, or until `deadline`. Returns whether there is one.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut events = self.shared.events.lock();
        while events.is_empty() {
            match deadline {
                None => self.shared.arrived.wait(&mut events),
                Some(deadline) if self.shared.arrived.wait_until(&mut events, deadline).timed_out() => break,
                Some(_) => {}
            }
        }
        !events.is_empty()
    }

    /// The descriptor that is readable while there are events.
    pub(super) fn watch(&self) -> BorrowedFd<'_> {
        let events = self.shared.events.lock();
        // ORDERING: Relaxed: the lock that is held orders it with `push` and `pop`.
        if !self.shared.watched.swap(true, Ordering::Relaxed) && !events.is_empty() {
            self.shared.bell.ring();
        }
        self.shared.bell.as_fd()
    }

    /// A second handle, for the module.
    pub(super) fn share(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<E> fmt::Debug for EventQueue<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventQueue").field("events", &self.shared.events.lock().len()).finish()
    }
}
