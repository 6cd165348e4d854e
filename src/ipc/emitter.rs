//! What a module's side sends: replies, and events from any thread.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_utils::CachePadded;
use parking_lot::Mutex;
use rustix::event::PollFlags;
use rustix::io::Errno;

use super::channel::{Label, Outgoing, SendError};
use super::endpoint::is_gone;
use super::message::Kind;
use super::socket::Socket;
use super::spans;
use super::wait::{Peer, Wake, wait};
use super::{CallError, ConnectionId, Interface, Meter};
use crate::serialize::native::Encode;
use crate::shm::{RingError, Spinner, WaitPolicy};

/// Sends events to the host; clones share the connection.
#[derive(Debug, Clone)]
pub struct Emitter {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    outbox: Mutex<Outbox>,
    /// Whether `Outbox::failed` says something, to be seen without the lock: after each call, while the module's
    /// own threads may be fighting for the lock beside it.
    has_failed: CachePadded<AtomicBool>,
    meter: Meter,
    connection: ConnectionId,
    interface: &'static Interface,
}

/// The sending end of a module's side.
#[derive(Debug)]
pub(super) struct Outbox {
    pub connection: ConnectionId,
    pub interface: &'static Interface,
    pub outgoing: Outgoing,
    pub socket: Arc<Socket>,
    /// Why nothing can be sent any more.
    pub failed: Option<CallError>,
    pub for_room: Spinner,
    /// Events that were sent.
    pub events: u64,
}

impl Emitter {
    pub(super) fn new(outbox: Outbox, meter: Meter) -> Self {
        let shared = Shared {
            connection: outbox.connection,
            interface: outbox.interface,
            outbox: Mutex::new(outbox),
            has_failed: CachePadded::new(AtomicBool::new(false)),
            meter,
        };
        Self { shared: Arc::new(shared) }
    }

    /// What the host calls the connection.
    #[must_use]
    pub fn connection(&self) -> ConnectionId {
        self.shared.connection
    }

    /// Reads what went over the connection.
    #[must_use]
    pub fn meter(&self) -> Meter {
        self.shared.meter.clone()
    }

    /// Sends event `number`. If the ring is full, waits until the host has made room.
    ///
    /// If the host cannot be reached, the event is lost and serving ends with the reason.
    pub fn emit<B: Encode + ?Sized>(&self, number: u16, body: &B) {
        let mut outbox = self.shared.outbox.lock();
        let label = Label { kind: Kind::Event, number, sequence: 0 };
        if outbox.failed.is_some() {
            return;
        }
        if let Err(error) = outbox.send(label, body) {
            tracing::error!(event = outbox.interface.event_name(number), %error, "an event was lost");
            outbox.failed = Some(error);
            // ORDERING: Relaxed: whoever sees it takes the lock, which orders the rest.
            self.shared.has_failed.store(true, Ordering::Relaxed);
            return;
        }
        outbox.events += 1;
        if spans::are_on() {
            spans::emitted(outbox.connection, outbox.interface.event_name(number), outbox.events);
        }
    }

    /// Writes over the whole ring to the host, and wakes it: what a hostile module could do, to test hosts with. `word` is
    /// given the position of the next record.
    #[doc(hidden)]
    pub fn scribble(&self, word: impl FnMut(u64) -> u64) {
        self.shared.outbox.lock().outgoing.scribble(word);
    }

    /// What is served.
    pub(super) fn interface(&self) -> &'static Interface {
        self.shared.interface
    }

    /// Sends a reply or a fault.
    pub(super) fn answer<B: Encode + ?Sized>(&self, label: Label, body: &B) -> Result<(), CallError> {
        self.shared.outbox.lock().send(label, body)
    }

    /// Why nothing can be sent any more, if that is so.
    pub(super) fn failure(&self) -> Option<CallError> {
        // ORDERING: Relaxed, as in `emit`.
        let has_failed = self.shared.has_failed.load(Ordering::Relaxed);
        has_failed.then(|| self.shared.outbox.lock().failed.clone()).flatten()
    }
}

impl Outbox {
    fn send<B: Encode + ?Sized>(&mut self, label: Label, body: &B) -> Result<(), CallError> {
        let method = match label.kind {
            Kind::Event => self.interface.event_name(label.number),
            _ => self.interface.method_name(label.number),
        };
        loop {
            let sleep_on = match self.outgoing.try_send(&self.socket, label, body) {
                Ok(()) => return Ok(()),
                Err(SendError::Encode(source)) => return Err(CallError::Encode { method, source }),
                Err(SendError::Ring(RingError::Full { bytes, .. })) => {
                    if self.outgoing.glance(&mut self.for_room, bytes) {
                        continue;
                    }
                    if self.for_room.policy() == WaitPolicy::Spin {
                        // Not asleep: a glance at the peer between two rounds of looking.
                        if is_gone(&self.socket) {
                            return Err(CallError::Fds { method, count: 0, errno: Errno::PIPE });
                        }
                        continue;
                    }
                    if !self.outgoing.prepare_sleep(bytes) {
                        continue;
                    }
                    (self.outgoing.space(), PollFlags::IN)
                }
                Err(SendError::Ring(source @ RingError::TooLarge { .. })) => {
                    return Err(CallError::TooLarge { method, source });
                }
                Err(SendError::Ring(lie)) => {
                    return Err(CallError::Protocol(Arc::new(lie.into())));
                }
                Err(SendError::Fds { errno: Errno::AGAIN, .. }) => (self.socket.as_fd(), PollFlags::OUT),
                Err(SendError::Fds { count, errno }) => return Err(CallError::Fds { method, count, errno }),
            };
            let peer = Peer::socket(self.socket.as_fd());
            let wake = wait(&[sleep_on], peer, None);
            self.outgoing.awake();
            if wake == Wake::Gone {
                return Err(CallError::Fds { method, count: 0, errno: Errno::PIPE });
            }
        }
    }
}
