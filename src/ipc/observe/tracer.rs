//! Following what goes over a connection.

use std::sync::Arc;
use std::time::Duration;

use zerocopy::FromBytes;

use super::{Encoding, wish};
use crate::ipc::message::Kind;
use crate::ipc::status::layout::{TRACE_UNTIL, TraceHeader};
use crate::shm::{Mapped, TapeReader};

/// Records that make no sense, of which so many are passed over at a time.
const MOST_NONSENSE: usize = 1024;

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the host to the module.
    ToModule,
    /// From the module to the host.
    ToHost,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageKind {
    /// To the module: a call that is waited for.
    Call,
    /// To the module: a call without a reply.
    Cast,
    /// To the host: the results of a call.
    Reply,
    /// To the host: a call or cast that failed. Its body is a string that says why.
    Fault,
    /// To the host: an event.
    Event,
    /// To the module: the host is done with it.
    Bye,
}

/// A message that went over a connection, as its host saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TraceRecord {
    /// When the host had sent it, or took it, in nanoseconds of the monotonic clock.
    pub at_ns: u64,
    /// What it is.
    pub kind: MessageKind,
    /// Number of the method, or of the event.
    pub number: u32,
    /// Number of the call, which is its reply's, too; 0 for an event.
    pub sequence: u32,
    /// File descriptors that went with it.
    pub fds: u16,
    /// Bytes of its whole body.
    pub total_bytes: u32,
    /// The body, or its first 4096 bytes.
    pub payload: Vec<u8>,
    /// How that is encoded.
    pub encoding: Encoding,
}

impl TraceRecord {
    /// Which way it went.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        match self.kind {
            MessageKind::Call | MessageKind::Cast | MessageKind::Bye => Direction::ToModule,
            MessageKind::Reply | MessageKind::Fault | MessageKind::Event => Direction::ToHost,
        }
    }

    /// Whether the payload is the whole body.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.payload.len() == self.total_bytes as usize
    }

    fn parse(bytes: &[u8], encoding: Encoding) -> Option<Self> {
        let (header, payload) = TraceHeader::ref_from_prefix(bytes).ok()?;
        let total_bytes = header.total_bytes.get();
        if payload.len() > total_bytes as usize {
            return None;
        }
        Some(Self {
            at_ns: header.at_ns.get(),
            kind: match Kind::from_number(header.kind)? {
                Kind::Call => MessageKind::Call,
                Kind::Cast => MessageKind::Cast,
                Kind::Reply => MessageKind::Reply,
                Kind::Fault => MessageKind::Fault,
                Kind::Event => MessageKind::Event,
                Kind::Bye => MessageKind::Bye,
            },
            number: header.number.get(),
            sequence: header.sequence.get(),
            fds: header.fds.get(),
            total_bytes,
            payload: payload.to_vec(),
            encoding,
        })
    }
}

/// Follows what goes over a connection; made by [`Observed::trace`](super::Observed::trace). Several may follow one.
///
/// It is an iterator that ends for now: `None` says that nothing new has come, and a later look may find more. Nobody is
/// woken, so whoever waits looks every few milliseconds. The host keeps the last mebibyte, some thousand messages; who looks too
/// seldom misses some, which are [counted](Tracer::lost).
#[derive(Debug)]
pub struct Tracer {
    page: Arc<Mapped>,
    tape: TapeReader<Mapped>,
    encoding: Encoding,
    record: Vec<u8>,
}

impl Tracer {
    pub(super) fn new(page: Arc<Mapped>, tape: TapeReader<Mapped>, encoding: Encoding) -> Self {
        Self { page, tape, encoding, record: Vec::new() }
    }

    /// Asks the host to go on for so long from now, and no longer than [`LONGEST`](super::LONGEST).
    pub fn renew(&self, duration: Duration) {
        wish(&self.page, TRACE_UNTIL, duration);
    }

    /// Messages that were missed since the tracer was made, as this one was too slow, as far as later ones have told.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.tape.lost()
    }
}

impl Iterator for Tracer {
    type Item = TraceRecord;

    fn next(&mut self) -> Option<TraceRecord> {
        for _ in 0..MOST_NONSENSE {
            if !self.tape.read(&mut self.record) {
                return None;
            }
            let record = TraceRecord::parse(&self.record, self.encoding);
            if record.is_some() {
                return record;
            }
        }
        None
    }
}
