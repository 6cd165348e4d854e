//! The host's side of a connection's page.

use std::sync::atomic::Ordering;

use zerocopy::IntoBytes;

use super::layout::*;
use super::{latency, monotonic_ns};
use crate::ipc::handshake::text;
use crate::ipc::message::Kind;
use crate::ipc::{ConnectionId, Interface, Mode};
use crate::shm::{Geometry, Mapped, MemoryError, SharedMemory, TapeWriter, Words};

/// What is told of a connection once.
#[derive(Debug)]
pub struct About<'a> {
    pub id: ConnectionId,
    pub interface: &'static Interface,
    pub mode: Mode,
    pub worker_pid: Option<u32>,
    /// 1: native, 2: libcamera-1, 3: libcamera-2.
    pub encoding: u32,
    pub component: &'a str,
    pub label: &'a str,
}

/// A connection's page. Dropped, it says that the connection is closed.
#[derive(Debug)]
pub struct Status {
    memory: SharedMemory,
    /// Kept open for observers.
    _rings: Vec<SharedMemory>,
    page: Mapped,
    /// Whether the buckets have pages; `None` if nobody has asked, or if there was no memory.
    buckets: Reserved<()>,
    tape: Reserved<TapeWriter<Mapped>>,
    /// The record at hand; kept for its memory.
    record: Vec<u8>,
}

/// Memory that is only had when it is asked for.
#[derive(Debug)]
enum Reserved<T> {
    NotYet,
    There(T),
    Refused,
}

impl Status {
    /// Makes the page. `rings` are the memories of the connection's rings, the one to the module first.
    pub fn create(about: &About<'_>, rings: Vec<(SharedMemory, Geometry)>) -> Result<Self, MemoryError> {
        let memory = SharedMemory::create_sparse(NAME, BYTES)?;
        let (names, bytes) = names(about.interface);
        memory.reserve(0, NAMES_AT + bytes.len())?;
        let page = memory.map_part(0, STATUS_BYTES)?;
        let mut description = Description {
            magic: 0.into(),
            version: VERSION.into(),
            mode: if about.mode == Mode::Isolated { 2 } else { 1 }.into(),
            connection: about.id.number().into(),
            host_pid: std::process::id().into(),
            worker_pid: about.worker_pid.unwrap_or(0).into(),
            interface_hash: about.interface.hash.into(),
            encoding: about.encoding.into(),
            names_bytes: (bytes.len() as u32).into(),
            ring_inodes: [0.into(); 2],
            ring_lines: [0.into(); 2],
            since_ns: monotonic_ns().into(),
            names: names.map(Into::into),
            reserved: 0.into(),
            interface: text(about.interface.name),
            component: text(about.component),
            label: text(about.label),
        };
        for (index, (ring, geometry)) in rings.iter().enumerate().take(2) {
            description.ring_inodes[index] = ring.inode()?.into();
            description.ring_lines[index] = geometry.lines().into();
        }
        put(&page, 0, description.as_bytes());
        put(&page, NAMES_AT / 8, &bytes);
        // ORDERING: Release: an observer that loads the magic with Acquire sees what was stored before.
        page.word(0).store(MAGIC, Ordering::Release);
        Ok(Self {
            memory,
            _rings: rings.into_iter().map(|(ring, _)| ring).collect(),
            page,
            buckets: Reserved::NotYet,
            tape: Reserved::NotYet,
            record: Vec::new(),
        })
    }

    /// Whether somebody may want latencies.
    #[inline]
    pub fn wants_latency(&self) -> bool {
        // ORDERING: Relaxed: a wish that is seen late is granted late.
        self.page.word(LATENCY_UNTIL).load(Ordering::Relaxed) != 0
    }

    /// Whether somebody may want a trace.
    #[inline]
    pub fn wants_trace(&self) -> bool {
        // ORDERING: Relaxed, as in `wants_latency`.
        self.page.word(TRACE_UNTIL).load(Ordering::Relaxed) != 0
    }

    /// Records how long a call took that has ended now, if somebody still wants to know.
    #[cold]
    pub fn record_latency(&mut self, ns: u64, now: u64) {
        if !self.grants(LATENCY_UNTIL, now) {
            return;
        }
        if matches!(self.buckets, Reserved::NotYet) {
            let reserved = self.memory.reserve(LATENCY_BUCKETS * 8, latency::BUCKETS * 8);
            self.buckets = Reserved::from(reserved, "latencies");
        }
        if matches!(self.buckets, Reserved::There(())) {
            // ORDERING: Relaxed: counts, each for itself. What they were is of no interest here, so nobody who writes
            // to them can do harm.
            self.page.word(LATENCY_BUCKETS + latency::bucket_of(ns)).fetch_add(1, Ordering::Relaxed);
            self.page.word(LATENCY_SUM).fetch_add(ns, Ordering::Relaxed);
            self.page.word(LATENCY_COUNT).fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The time, if a message is to be traced now.
    #[cold]
    pub fn trace_time(&mut self) -> Option<u64> {
        let now = monotonic_ns();
        if !self.grants(TRACE_UNTIL, now) {
            return None;
        }
        if matches!(self.tape, Reserved::NotYet) {
            let tape = self.memory.reserve(STATUS_BYTES, TRACE_BYTES).and_then(|()| {
                let area = self.memory.map_part(STATUS_BYTES, TRACE_BYTES)?;
                Ok(TapeWriter::new(area))
            });
            self.tape = Reserved::from(tape, "a trace");
        }
        matches!(self.tape, Reserved::There(_)).then_some(now)
    }

    /// Puts a message on the tape.
    pub fn trace(&mut self, at_ns: u64, kind: Kind, number: u32, sequence: u32, fds: usize, body: &[u8]) {
        let Reserved::There(tape) = &mut self.tape else { return };
        let header = TraceHeader {
            at_ns: at_ns.into(),
            sequence: sequence.into(),
            number: number.into(),
            total_bytes: u32::try_from(body.len()).unwrap_or(u32::MAX).into(),
            fds: u16::try_from(fds).unwrap_or(u16::MAX).into(),
            kind: kind.number(),
            reserved: 0,
        };
        self.record.clear();
        self.record.extend_from_slice(header.as_bytes());
        self.record.extend_from_slice(&body[..body.len().min(TRACED_BYTES)]);
        tape.write(&self.record);
    }

    /// Says how often the module was started anew before.
    pub fn set_restarts(&self, restarts: u64) {
        self.set(RESTARTS, restarts);
    }

    /// Says how many events were dropped.
    pub fn set_dropped_events(&self, dropped: u64) {
        self.set(DROPPED_EVENTS, dropped);
    }

    /// Says what the worker serves.
    pub fn set_component(&self, component: &str) {
        let component: [u8; 128] = text(component);
        put(&self.page, std::mem::offset_of!(Description, component) / 8, &component);
    }

    /// Says how many messages and bytes went to the module, and came from it.
    pub fn set_traffic(&self, traffic: [u64; 4]) {
        for (word, count) in (TRAFFIC..).zip(traffic) {
            self.set(word, count);
        }
    }

    fn set(&self, word: usize, value: u64) {
        // ORDERING: Relaxed: each stands for itself.
        self.page.word(word).store(value, Ordering::Relaxed);
    }

    /// Whether the wish in this word is one to be granted now. One that is over, or nonsense, is taken back, so that it
    /// costs nothing more.
    fn grants(&self, wish: usize, now: u64) -> bool {
        let word = self.page.word(wish);
        // ORDERING: Relaxed, as in `wants_latency`; a wish that was renewed meanwhile stays.
        let until = word.load(Ordering::Relaxed);
        let granted = until > now && until - now <= LONGEST_WISH.as_nanos() as u64;
        if !granted {
            let _ = word.compare_exchange(until, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
        granted
    }
}

impl Drop for Status {
    fn drop(&mut self) {
        self.set(CLOSED, 1);
    }
}

impl<T> Reserved<T> {
    fn from(result: Result<T, MemoryError>, what: &str) -> Self {
        match result {
            Ok(there) => Self::There(there),
            Err(error) => {
                tracing::warn!("nobody can watch {what} of this connection: {error}");
                Self::Refused
            }
        }
    }
}

/// Stores whole words, the last one filled up with zeroes.
fn put(page: &Mapped, first: usize, bytes: &[u8]) {
    for (word, chunk) in page.words(first, bytes.len().div_ceil(8)).iter().zip(bytes.chunks(8)) {
        let mut whole = [0; 8];
        whole[..chunk.len()].copy_from_slice(chunk);
        // ORDERING: Relaxed: the Release store of the magic publishes it, or it stands for itself.
        word.store(u64::from_ne_bytes(whole), Ordering::Relaxed);
    }
}

/// As many names as there is room for, and how many of them are of methods and of events.
fn names(interface: &Interface) -> ([u16; 2], Vec<u8>) {
    let mut counts = [0; 2];
    let mut bytes = Vec::new();
    let methods = interface.methods.iter().map(|method| (0, method.name, method.asynchronous));
    let events = interface.events.iter().map(|event| (1, *event, false));
    for (kind, name, asynchronous) in methods.chain(events) {
        let name = &name.as_bytes()[..name.floor_char_boundary(u8::MAX.into())];
        if bytes.len() + size_of::<NameHeader>() + name.len() > NAMES_BYTES {
            break;
        }
        let header = NameHeader { asynchronous: asynchronous.into(), bytes: name.len() as u8 };
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(name);
        counts[kind] += 1;
    }
    (counts, bytes)
}
