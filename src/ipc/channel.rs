//! Messages through the rings, with their descriptors through the socket.

use std::cell::Cell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::io::Errno;
use zerocopy::{FromBytes, IntoBytes};

use super::message::{HEADER_BYTES, Header, Kind};
use super::socket::Socket;
use super::spans;
use super::status::monotonic_ns;
use super::wait::{Peer, Wake, wait};
use super::{ConnectionId, ProtocolError};
use crate::serialize::SharedFd;
use crate::serialize::native::{Decoder, Encode, EncodeError, Encoder, Sink};
use crate::shm::{
    Consumer, Doorbell, Geometry, Mapped, Producer, Record, Reservation, RingError, Spinner, WaitPolicy,
};

/// The end of a ring that sends messages.
#[derive(Debug)]
pub(super) struct Outgoing {
    ring: Producer<Arc<Mapped>>,
    /// Rung for the receiver.
    data: Doorbell,
    /// Rung for us, when we sleep for want of room.
    space: Doorbell,
    /// Descriptors of the message at hand; kept for its memory.
    fds: Vec<SharedFd>,
    stage: Stage,
}

/// Why a message was not sent. Nothing of it was.
#[derive(Debug)]
pub(super) enum SendError {
    Ring(RingError),
    Encode(EncodeError),
    Fds { count: usize, errno: Errno },
}

/// What goes before a message's body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Label {
    pub kind: Kind,
    pub number: u16,
    pub sequence: u32,
}

/// Messages up to this size that nobody waits for are put together in private memory and copied into the ring at
/// once. That lets a stream of them be a fifth denser, since each piece placed by itself has its line to find; but a
/// single one arrives some 20 ns later, so calls and replies are written in place.
const STAGED_BYTES: usize = 256;

/// Where small messages are put together, header and all.
#[derive(Debug)]
struct Stage([u8; STAGED_BYTES]);

impl Sink for Stage {
    #[inline]
    fn put(&mut self, offset: usize, bytes: &[u8]) {
        self.0[HEADER_BYTES + offset..][..bytes.len()].copy_from_slice(bytes);
    }
}

/// The body of a message in its ring.
struct Body<'r, 'a>(&'r mut Reservation<'a, Arc<Mapped>>);

impl Sink for Body<'_, '_> {
    fn put(&mut self, offset: usize, bytes: &[u8]) {
        self.0.put(HEADER_BYTES + offset, bytes);
    }
}

impl Outgoing {
    pub fn new(memory: Arc<Mapped>, geometry: Geometry, data: Doorbell, space: Doorbell) -> Self {
        Self {
            ring: Producer::new(memory, geometry),
            data,
            space,
            fds: Vec::new(),
            stage: Stage([0; STAGED_BYTES]),
        }
    }

    /// Sends a message, or nothing at all.
    pub fn try_send<T: Encode + ?Sized>(
        &mut self,
        socket: &Socket,
        label: Label,
        body: &T,
    ) -> Result<(), SendError> {
        let bytes = HEADER_BYTES + Encoder::<Vec<u8>>::measure(body).map_err(SendError::Encode)?;
        let mut reservation = self.ring.reserve(bytes).map_err(SendError::Ring)?;
        let staged = bytes <= STAGED_BYTES && matches!(label.kind, Kind::Cast | Kind::Event);
        let encoded = if staged {
            Encoder::message(body, &mut self.stage, &mut self.fds)
        } else {
            Encoder::message(body, &mut Body(&mut reservation), &mut self.fds)
        };
        let result = encoded.map_err(SendError::Encode).and_then(|()| {
            // The descriptors go first: whoever sees the message finds them waiting.
            send_fds(socket, reservation.position(), &self.fds)?;
            let header = Header {
                kind: label.kind.number(),
                fds: self.fds.len() as u8,
                number: label.number.into(),
                sequence: label.sequence.into(),
            };
            if staged {
                self.stage.0[..HEADER_BYTES].copy_from_slice(header.as_bytes());
                reservation.put(0, &self.stage.0[..bytes]);
            } else {
                reservation.put(0, header.as_bytes());
            }
            Ok(reservation.commit())
        });
        self.fds.clear();
        if result? {
            self.ring.note_ring(monotonic_ns());
            self.data.ring();
        }
        Ok(())
    }

    /// Writes nonsense over the ring.
    pub fn scribble(&self, word: impl FnMut(u64) -> u64) {
        self.ring.scribble(word);
        self.data.ring();
    }

    /// Wakes the receiver for nothing.
    #[cfg(test)]
    pub fn ring_for_nothing(&self) {
        self.data.ring();
    }

    /// Looks for room for a message of `bytes` for a moment, if that has paid lately. Returns whether there is.
    pub fn glance(&mut self, spinner: &mut Spinner, bytes: usize) -> bool {
        spinner.glance(|| self.ring.has_room(bytes))
    }

    /// Says that the sender is about to sleep until a message of `bytes` fits; `false` if it fits already.
    pub fn prepare_sleep(&mut self, bytes: usize) -> bool {
        self.ring.prepare_sleep(bytes)
    }

    /// What to sleep on.
    pub fn space(&self) -> BorrowedFd<'_> {
        self.space.as_fd()
    }

    /// After the sleep.
    pub fn awake(&self) {
        self.ring.awake();
        self.space.clear();
    }
}

fn send_fds(socket: &Socket, position: u64, fds: &[SharedFd]) -> Result<(), SendError> {
    if fds.is_empty() {
        return Ok(());
    }
    let borrowed: Vec<BorrowedFd<'_>> = fds.iter().filter_map(SharedFd::get).collect();
    let sent = socket.send(&position.to_le_bytes(), &borrowed);
    sent.map_err(|errno| SendError::Fds { count: borrowed.len(), errno })
}

/// The end of a ring that receives messages.
#[derive(Debug)]
pub(super) struct Incoming {
    ring: Consumer<Arc<Mapped>>,
    /// Rung for us, when we sleep.
    data: Doorbell,
    /// Rung for the sender.
    space: Doorbell,
    /// Whether the doorbell may have been rung for a sleep that is over.
    stale: Cell<bool>,
    /// For the log.
    connection: ConnectionId,
}

/// What a kept message counts for beside its bytes.
pub(super) const KEPT_WEIGHT: usize = 256;
/// What a descriptor of a kept message counts for, in bytes. A process has a thousand or so.
pub(super) const FD_WEIGHT: usize = 64 << 10;

/// A message in private memory.
#[derive(Debug, Default)]
pub(super) struct Message {
    record: Record,
    fds: Vec<Option<OwnedFd>>,
}

impl Message {
    /// What goes before the body, with the kind's number.
    fn header(&self) -> Result<&Header, ProtocolError> {
        let bytes = self.record.bytes();
        let short = |_| ProtocolError::Header { bytes: bytes.len() };
        Header::ref_from_prefix(bytes).map(|(header, _)| header).map_err(short)
    }

    /// What goes before the body.
    pub fn label(&self) -> Result<Label, ProtocolError> {
        let header = self.header()?;
        let kind = Kind::from_number(header.kind).ok_or(ProtocolError::Kind { kind: header.kind })?;
        Ok(Label { kind, number: header.number.get(), sequence: header.sequence.get() })
    }

    /// A decoder of the body.
    pub fn body(&mut self) -> Decoder<'_> {
        Decoder::new(&self.record.bytes()[HEADER_BYTES..], &mut self.fds)
    }

    /// What it counts for while it is kept, in bytes. More than it has, as a message of a few bytes takes
    /// memory too, and descriptors are scarcer than memory.
    pub fn weight(&self) -> usize {
        self.record.bytes().len() + KEPT_WEIGHT + self.fds.len() * FD_WEIGHT
    }

    /// Moves the message at hand into `spare` or the other way round, so that what is kept takes about
    /// [`Message::weight`]: a small message may lie in memory that was made for a large one.
    pub fn take(&mut self, mut spare: Self) -> Self {
        if self.record.allocated() <= 2 * self.record.bytes().len() + KEPT_WEIGHT {
            return std::mem::replace(self, spare);
        }
        spare.record.copy_from(&self.record);
        std::mem::swap(&mut spare.fds, &mut self.fds);
        spare
    }

    /// Bytes of memory behind it.
    #[cfg(test)]
    pub fn allocated(&self) -> usize {
        self.record.allocated()
    }

    /// The body's bytes, and how many descriptors came with it.
    pub fn contents(&self) -> (&[u8], usize) {
        (self.record.bytes().get(HEADER_BYTES..).unwrap_or_default(), self.fds.len())
    }

    /// Closes the descriptors that nobody claimed.
    pub fn close_fds(&mut self) {
        self.fds.clear();
    }
}

impl Incoming {
    pub fn new(
        memory: Arc<Mapped>,
        geometry: Geometry,
        data: Doorbell,
        space: Doorbell,
        connection: ConnectionId,
    ) -> Self {
        Self { ring: Consumer::new(memory, geometry), data, space, stale: Cell::new(false), connection }
    }

    /// Takes the next message, if there is one. Descriptors of the message that was in `message` before
    /// and that nobody claimed are closed.
    pub fn try_receive(&mut self, socket: &Socket, message: &mut Message) -> Result<bool, ProtocolError> {
        let Some(popped) = self.ring.pop(&mut message.record)? else { return Ok(false) };
        if popped.wake_producer {
            self.space.ring();
        }
        message.fds.clear();
        let announced = usize::from(message.header()?.fds);
        if announced != 0 {
            receive_fds(socket, popped.position, announced, &mut message.fds)?;
        }
        Ok(true)
    }

    /// Looks for the next message for a moment, if that has paid lately. Returns whether it has come.
    #[inline]
    pub fn glance(&mut self, spinner: &mut Spinner) -> bool {
        let seen = spinner.glance(|| self.ring.is_ready());
        if seen {
            self.ring.count_look();
            spinner.learn_quick();
        }
        seen
    }

    /// Waits for the next message, after a glance; [`Wake::Ready`] only means that it pays to look.
    #[cold]
    pub fn wait(&mut self, spinner: &mut Spinner, peer: Peer<'_>, deadline: Option<Instant>) -> Wake {
        let start = Instant::now();
        self.release();
        if spinner.begin() && spinner.look(start, deadline, || self.ring.is_ready()) {
            self.ring.count_look();
            spinner.learn(start.elapsed());
            return Wake::Ready;
        }
        if spinner.policy() == WaitPolicy::Spin {
            // Not asleep: a glance at the peer and the clock between two rounds of looking.
            return match wait(&[], peer, Some(start)) {
                Wake::Late if deadline.is_none_or(|deadline| Instant::now() < deadline) => Wake::Ready,
                wake => wake,
            };
        }
        self.settle();
        if !self.prepare_sleep() {
            return Wake::Ready;
        }
        let is_told = spans::are_on();
        if is_told {
            spans::asleep(self.connection);
        }
        let wake = match wait(&[(self.data(), PollFlags::IN)], peer, deadline) {
            // A doorbell that is rung for nothing, over and over, must not put off the deadline.
            Wake::Ready if !self.ring.is_ready() && is_past(deadline) => Wake::Late,
            wake => wake,
        };
        self.awake();
        if is_told {
            spans::awake(self.connection, wake);
        }
        if let Some(cost) = self.ring.count_sleep(wake == Wake::Ready, monotonic_ns()) {
            spinner.learn_wake_up(Duration::from_nanos(cost));
        }
        spinner.learn(start.elapsed());
        wake
    }

    /// Gives the sender all the room there is.
    pub fn release(&self) {
        if self.ring.release() {
            self.space.ring();
        }
    }

    /// Says that the receiver is about to sleep; `false` if there is a message already. The sender has all the room there
    /// is: it may itself sleep until it has.
    pub fn prepare_sleep(&self) -> bool {
        self.release();
        let asleep = self.ring.prepare_sleep();
        self.stale.set(self.stale.get() || asleep);
        asleep
    }

    /// What to sleep on.
    pub fn data(&self) -> BorrowedFd<'_> {
        self.data.as_fd()
    }

    /// After the sleep. The doorbell is silenced before the next one.
    pub fn awake(&self) {
        self.ring.awake();
    }

    /// Silences the doorbell before a sleep if it was left rung by the last one, when the message that had come was more
    /// urgent than silence.
    pub fn settle(&self) {
        if self.stale.get() {
            self.hush();
        }
    }

    /// Silences the doorbell, for a sleep that goes on elsewhere or is about to begin.
    pub fn hush(&self) {
        self.data.clear();
        self.stale.set(false);
    }

    /// Wakes whoever sleeps on [`Incoming::data`].
    pub fn nudge(&self) {
        self.data.ring();
        self.stale.set(true);
    }
}

fn receive_fds(
    socket: &Socket,
    position: u64,
    announced: usize,
    into: &mut Vec<Option<OwnedFd>>,
) -> Result<(), ProtocolError> {
    let mut tag = [0; 8];
    let packet = match socket.receive(&mut tag) {
        Ok(Some(packet)) => packet,
        Ok(None) | Err(_) => return Err(ProtocolError::Fds { announced, delivered: 0 }),
    };
    let delivered = packet.fds.len();
    let is_tag = packet.bytes == tag.len() && !packet.truncated && u64::from_le_bytes(tag) == position;
    if !is_tag || delivered != announced {
        return Err(ProtocolError::Fds { announced, delivered });
    }
    into.extend(packet.fds.into_iter().map(Some));
    Ok(())
}

fn is_past(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| Instant::now() >= deadline)
}
