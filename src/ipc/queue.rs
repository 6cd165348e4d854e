//! Events of a directly linked module, until their owner asks for them.

use std::collections::VecDeque;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

use crate::shm::Doorbell;

/// The most events that are kept: as many as fit into the queue of a connection, unless its options say otherwise.
const MOST_KEPT: usize = 1 << 16;

/// Where a directly linked module leaves its events; clones share the queue.
///
/// It keeps 65,536 of them; then the oldest makes room for the newest, and is counted. There is nobody to cut off, and
/// a module that waited for room would wait for ever: it runs in the thread that should take the events.
///
/// A module may emit events from threads of its own, hence the lock.
///
/// ```
/// use ringfence::interfaces::vimc::IpaVimcEvent;
/// use ringfence::ipc::Backend;
/// use ringfence::serialize::Flags;
///
/// // What generated proxies do in mode `Direct`. This module is nothing but its first event.
/// let event = IpaVimcEvent::ParamsComputed { buffer_id: 1, flags: Flags::empty() };
/// let mut backend: Backend<(), IpaVimcEvent> = Backend::direct(|events| {
///     events.push(event);
///     Box::new(())
/// })?;
/// assert_eq!(backend.next_event()?, Some(event));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct EventQueue<E> {
    shared: Arc<Shared<E>>,
}

super::promise!(EventQueue<u32>: Send, Sync);

struct Shared<E> {
    kept: Mutex<Kept<E>>,
    arrived: Condvar,
    bell: Doorbell,
    watched: AtomicBool,
}

struct Kept<E> {
    events: VecDeque<E>,
    dropped: u64,
}

impl<E> EventQueue<E> {
    /// An empty queue.
    pub(super) fn new(bell: Doorbell) -> Self {
        let shared = Shared {
            kept: Mutex::new(Kept { events: VecDeque::new(), dropped: 0 }),
            arrived: Condvar::new(),
            bell,
            watched: AtomicBool::new(false),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Adds an event.
    pub fn push(&self, event: E) {
        let mut kept = self.shared.kept.lock();
        let oldest = if kept.events.len() < MOST_KEPT { None } else { kept.events.pop_front() };
        kept.dropped += u64::from(oldest.is_some());
        let is_first = oldest.is_some() && kept.dropped == 1;
        kept.events.push_back(event);
        drop(kept);
        if is_first {
            tracing::warn!(kept = MOST_KEPT, "events are dropped, as nobody takes them");
        }
        self.shared.arrived.notify_one();
        // ORDERING: Relaxed: the flag is raised before the owner looks at the queue and then polls;
        // the queue's lock orders both.
        if self.shared.watched.load(Ordering::Relaxed) {
            self.shared.bell.ring();
        }
    }

    /// Takes the oldest event.
    pub(super) fn pop(&self) -> Option<E> {
        let mut kept = self.shared.kept.lock();
        let event = kept.events.pop_front();
        // ORDERING: Relaxed, as in `push`.
        if event.is_none() && self.shared.watched.load(Ordering::Relaxed) {
            self.shared.bell.clear();
        }
        event
    }

    /// Waits until there is an event, or until `deadline`. Returns whether there is one.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut kept = self.shared.kept.lock();
        while kept.events.is_empty() {
            match deadline {
                None => self.shared.arrived.wait(&mut kept),
                Some(deadline) if self.shared.arrived.wait_until(&mut kept, deadline).timed_out() => break,
                Some(_) => {}
            }
        }
        !kept.events.is_empty()
    }

    /// Events that were dropped.
    pub(super) fn dropped(&self) -> u64 {
        self.shared.kept.lock().dropped
    }

    /// The descriptor that is readable while there are events.
    pub(super) fn watch(&self) -> BorrowedFd<'_> {
        let kept = self.shared.kept.lock();
        // ORDERING: Relaxed: the lock that is held orders it with `push` and `pop`.
        if !self.shared.watched.swap(true, Ordering::Relaxed) && !kept.events.is_empty() {
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
        f.debug_struct("EventQueue").field("events", &self.shared.kept.lock().events.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_events_make_room_and_are_counted() {
        let queue = EventQueue::new(Doorbell::new().unwrap());
        let module = queue.share();
        for number in 0..MOST_KEPT + 5 {
            module.push(number);
        }
        assert_eq!(queue.dropped(), 5);
        for number in 5..MOST_KEPT + 5 {
            assert_eq!(queue.pop(), Some(number));
        }
        assert_eq!(queue.pop(), None);
        module.push(7);
        assert_eq!((queue.pop(), queue.dropped()), (Some(7), 5));
    }
}
