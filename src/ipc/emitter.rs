//! What a module's side sends: replies, and events from any thread.

use std::os::fd::AsFd;
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::event::PollFlags;
use rustix::io::Errno;

use super::channel::{Label, Outgoing, SendError};
use super::message::Kind;
use super::socket::Socket;
use super::wait::{Peer, Wake, wait};
use super::{CallError, Interface};
use crate::serialize::native::Encode;
use crate::shm::RingError;

/// Sends events to the host; clones share the connection.
#[derive(Debug, Clone)]
pub struct Emitter {
    outbox: Arc<Mutex<Outbox>>,
}

/// The sending end of a module's side.
#[derive(Debug)]
pub(super) struct Outbox {
    pub interface: &'static Interface,
    pub outgoing: Outgoing,
    pub socket: Arc<Socket>,
    /// Why nothing can be sent any more.
    pub failed: Option<CallError>,
}

impl Emitter {
    pub(super) fn new(outbox: Outbox) -> Self {
        Self { outbox: Arc::new(Mutex::new(outbox)) }
    }

    /// Sends event `number`. If the ring is full, waits until the host has made room.
    ///
    /// If the host cannot be reached, the event is lost and serving ends with the reason.
    pub fn emit<B: Encode + ?Sized>(&self, number: u16, body: &B) {
        let mut outbox = self.outbox.lock();
        let label = Label { kind: Kind::Event, number, sequence: 0 };
        if outbox.failed.is_none()
            && let Err(error) = outbox.send(label, body)
        {
            let event = outbox.interface.events.get(usize::from(number).wrapping_sub(1));
            tracing::error!(event, %error, "an event was lost");
            outbox.failed = Some(error);
        }
    }

    /// Sends a reply or a fault.
    pub(super) fn answer<B: Encode + ?Sized>(&self, label: Label, body: &B) -> Result<(), CallError> {
        self.outbox.lock().send(label, body)
    }

    /// Why nothing can be sent any more, if that is so.
    pub(super) fn failure(&self) -> Option<CallError> {
        self.outbox.lock().failed.clone()
    }
}

impl Outbox {
    fn send<B: Encode + ?Sized>(&mut self, label: Label, body: &B) -> Result<(), CallError> {
        let method = match label.kind {
            Kind::Event => {
                let index = usize::from(label.number).wrapping_sub(1);
                self.interface.events.get(index).copied().unwrap_or("?")
            }
            _ => self.interface.method_name(label.number),
        };
        loop {
            let sleep_on = match self.outgoing.try_send(&self.socket, label, body) {
                Ok(()) => return Ok(()),
                Err(SendError::Encode(source)) => return Err(CallError::Encode { method, source }),
                Err(SendError::Ring(RingError::Full { bytes, .. }))
                    if !self.outgoing.prepare_sleep(bytes) =>
                {
                    continue;
                }
                Err(SendError::Ring(RingError::Full { .. })) => (self.outgoing.space(), PollFlags::IN),
                Err(SendError::Ring(source)) => return Err(CallError::TooLarge { method, source }),
                Err(SendError::Fds { errno: Errno::AGAIN, .. }) => (self.socket.as_fd(), PollFlags::OUT),
                Err(SendError::Fds { count, errno }) => return Err(CallError::Fds { method, count, errno }),
            };
            let peer = Peer { socket: self.socket.as_fd(), process: None };
            let wake = wait(&[sleep_on], peer, None);
            self.outgoing.awake();
            if wake == Wake::Gone {
                return Err(CallError::Fds { method, count: 0, errno: Errno::PIPE });
            }
        }
    }
}
