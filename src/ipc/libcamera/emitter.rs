//! What a worker sends: replies, and events from any thread.

use std::collections::VecDeque;
use std::fmt;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::event::PollFlags;
use rustix::io::Errno;

use super::Event;
use super::channel::{Channel, SendError};
use crate::ipc::wait::{Peer, Wake, wait};
use crate::ipc::{CallError, Interface};
use crate::serialize::libcamera::{ControlSerializer, Encode};

/// Sends events to a libcamera host; clones share the connection.
///
/// Events of a call wait until its reply was sent.
pub struct Emitter<E> {
    shared: Arc<Shared<E>>,
}

struct Shared<E> {
    interface: &'static Interface,
    outbox: Arc<Mutex<Outbox>>,
    held: Mutex<Held<E>>,
}

/// Events that wait for a reply to go first.
struct Held<E> {
    events: VecDeque<E>,
    /// Whether they have to wait. From the start, as no event may come before the first reply.
    holding: bool,
}

/// The sending end of a worker. Messages are put together in the order in which they are sent, as each can only be
/// understood after those before it.
pub(super) struct Outbox {
    pub channel: Channel,
    pub controls: ControlSerializer,
    /// The pidfd of the host.
    pub host: Arc<OwnedFd>,
    /// Why nothing can be sent any more.
    pub failed: Option<CallError>,
}

crate::ipc::promise!(Emitter<u32>: Send, Sync);

impl<E> Clone for Emitter<E> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<E> fmt::Debug for Emitter<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emitter").field("interface", &self.shared.interface.name).finish_non_exhaustive()
    }
}

impl<E: Event> Emitter<E> {
    pub(super) fn new(interface: &'static Interface, outbox: Arc<Mutex<Outbox>>) -> Self {
        let held = Mutex::new(Held { events: VecDeque::new(), holding: true });
        Self { shared: Arc::new(Shared { interface, outbox, held }) }
    }

    /// Sends an event, or keeps it until the call that is being served has its reply. If the socket is full, waits
    /// until the host has read from it.
    ///
    /// If the host cannot be reached, the event is lost and serving ends with the reason.
    pub fn push(&self, event: E) {
        // Held until the event is sent, so that events stay in order.
        let mut held = self.shared.held.lock();
        if held.holding {
            held.events.push_back(event);
        } else {
            self.send(&event);
        }
    }

    /// Makes events wait for the reply of a call that begins.
    pub(super) fn hold(&self) {
        self.shared.held.lock().holding = true;
    }

    /// Sends the events that have waited.
    pub(super) fn release(&self) {
        let mut held = self.shared.held.lock();
        held.holding = false;
        while let Some(event) = held.events.pop_front() {
            self.send(&event);
        }
    }

    fn send(&self, event: &E) {
        let number = event.number();
        let index = usize::from(number).wrapping_sub(1);
        let name = self.shared.interface.events.get(index).copied().unwrap_or("?");
        let mut outbox = self.shared.outbox.lock();
        if outbox.failed.is_none()
            && let Err(error) = outbox.send(number.into(), 0, name, event)
        {
            tracing::error!(event = name, %error, "an event was lost");
            // What cannot be expressed leaves the connection as it was.
            if !matches!(error, CallError::Encode { .. } | CallError::TooLong { .. }) {
                outbox.failed = Some(error);
            }
        }
    }
}

impl Outbox {
    /// Sends a message, waiting for room as long as the host lives.
    pub fn send<B: Encode + ?Sized>(
        &mut self,
        number: u32,
        cookie: u32,
        name: &'static str,
        body: &B,
    ) -> Result<(), CallError> {
        let mut result = self.channel.send(number, cookie, body, &mut self.controls);
        loop {
            let is_due = match result {
                Ok(()) => return Ok(()),
                Err(SendError::Full) => self.channel.is_due(),
                Err(SendError::Due) => true,
                Err(SendError::Encode(source)) => return Err(CallError::Encode { method: name, source }),
                Err(SendError::TooLong { bytes, limit }) => {
                    return Err(CallError::TooLong { method: name, bytes, limit });
                }
                Err(SendError::Gone) => {
                    return Err(CallError::Fds { method: name, count: 0, errno: Errno::PIPE });
                }
                Err(SendError::System { fds: count, errno }) => {
                    return Err(CallError::Fds { method: name, count, errno });
                }
            };
            let peer = Peer::socket(self.host.as_fd());
            if wait(&[(self.channel.as_fd(), PollFlags::OUT)], peer, None) == Wake::Gone
                || host_is_gone(&self.host)
            {
                return Err(CallError::Fds { method: name, count: 0, errno: Errno::PIPE });
            }
            result = if is_due {
                self.channel.flush()
            } else {
                self.channel.send(number, cookie, body, &mut self.controls)
            };
        }
    }
}

/// Whether the process of this pidfd has ended.
pub(super) fn host_is_gone(host: &OwnedFd) -> bool {
    let peer = Peer::socket(host.as_fd());
    wait(&[(host.as_fd(), PollFlags::IN)], peer, Some(std::time::Instant::now())) == Wake::Ready
}
