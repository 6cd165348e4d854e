//! The worker's side of a connection, done by hand: the handshake, and both rings as words that anything can be
//! written to. Layouts are those of `src/ipc/handshake.rs` and `src/shm/ring/mod.rs`.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use memmap2::{MmapOptions, MmapRaw};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

/// Lines consumed, written by the consumer.
pub const HEAD: usize = 0;
pub const CONSUMER_ASLEEP: usize = 16;
pub const CONSUMER_FENCES: usize = 17;
pub const PRODUCER_ASLEEP: usize = 32;
pub const PRODUCER_REGISTERED: usize = 33;
pub const RANG_AT: usize = 80;
/// Words before the first line.
pub const CONTROL_WORDS: usize = 96;
/// What a tag says of a line that continues a record.
pub const CONTINUED: u32 = u32::MAX;

const LINE_WORDS: usize = 8;
const PAYLOAD_WORDS: usize = LINE_WORDS - 1;

/// Kinds of messages.
pub const CALL: u8 = 1;
pub const REPLY: u8 = 3;
pub const FAULT: u8 = 4;
pub const EVENT: u8 = 5;

/// One ring, and where this side is in it.
pub struct Ring {
    memory: MmapRaw,
    pub memfd: OwnedFd,
    /// Rung for whoever reads.
    pub data: OwnedFd,
    /// Rung for whoever waits for room.
    pub space: OwnedFd,
    pub lines: u64,
    pub position: u64,
}

/// What a worker has to work with.
pub struct Stage {
    pub socket: OwnedFd,
    /// To the worker.
    pub calls: Ring,
    /// To the host.
    pub answers: Ring,
}

/// What was sent first: enough of it to answer.
pub struct Hello {
    bytes: Vec<u8>,
    fds: Vec<OwnedFd>,
}

impl Stage {
    /// Takes the host's offer.
    pub fn offer() -> (OwnedFd, Hello) {
        let socket = rustix::io::fcntl_dupfd_cloexec(std::io::stdin(), 3).unwrap();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(16))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut bytes = vec![0; 1024];
        rustix::io::ioctl_fionbio(&socket, false).unwrap();
        let mut into = [IoSliceMut::new(&mut bytes)];
        let length = recvmsg(&socket, &mut into, &mut control, RecvFlags::CMSG_CLOEXEC).unwrap().bytes;
        bytes.truncate(length);
        let mut fds = Vec::new();
        for part in control.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = part {
                fds.extend(rights);
            }
        }
        assert_eq!(fds.len(), 6, "the handshake has changed");
        (socket, Hello { bytes, fds })
    }

    /// Agrees to everything.
    pub fn accept(socket: OwnedFd, hello: Hello) -> Self {
        let answer = hello.answer();
        let stage = Self::map(socket, &hello.bytes, hello.fds);
        send(&stage.socket, &answer, &[]);
        stage
    }

    fn map(socket: OwnedFd, hello: &[u8], fds: Vec<OwnedFd>) -> Self {
        let [calls, answers, calls_data, calls_space, answers_data, answers_space] = fds.try_into().unwrap();
        let lines = |at: usize| u32::from_le_bytes(hello[at..at + 4].try_into().unwrap());
        Self {
            socket,
            calls: Ring::map(calls, calls_data, calls_space, lines(20)),
            answers: Ring::map(answers, answers_data, answers_space, lines(24)),
        }
    }

    /// Waits for the next call that is waited for, and takes it.
    pub fn await_call(&mut self) -> Vec<u8> {
        loop {
            match self.calls.pop() {
                Some(record) if record[0] == CALL => return record,
                Some(_) => {}
                None => std::thread::sleep(Duration::from_micros(200)),
            }
        }
    }

    /// Says that there is a record of this length, and wakes the host.
    pub fn announce(&mut self, length: u32) {
        self.answers.tag(length);
        ring(&self.answers.data);
    }

    /// Puts a message into the host's ring, and wakes the host.
    pub fn say(&mut self, record: &[u8]) {
        self.answers.push(record);
        ring(&self.answers.data);
    }
}

impl Hello {
    /// The answer of an honest worker, which has neither a sandbox nor a reason to refuse.
    pub fn answer(&self) -> [u8; 272] {
        let mut answer = [0; 272];
        // Magic and version, then the interface's hash, which stands before its name of 128 bytes and the connection's id.
        answer[..12].copy_from_slice(&self.bytes[..12]);
        let hash = self.bytes.len() - 144;
        answer[16..24].copy_from_slice(&self.bytes[hash..hash + 8]);
        answer[24] = 1;
        answer
    }
}

impl Ring {
    fn map(memfd: OwnedFd, data: OwnedFd, space: OwnedFd, lines: u32) -> Self {
        let lines = u64::from(lines);
        let bytes = (CONTROL_WORDS + lines as usize * LINE_WORDS) * 8;
        let memory = MmapOptions::new().len(bytes).map_raw(&memfd).unwrap();
        Self { memory, memfd, data, space, lines, position: lines }
    }

    /// Words of the whole memory.
    pub fn words(&self) -> usize {
        self.memory.len() / 8
    }

    pub fn word(&self, index: usize) -> &AtomicU64 {
        assert!(index < self.words());
        // SAFETY: the word lies in the mapping, which is aligned to pages and lives as long as `self`. It is never
        // looked at but through atomics.
        unsafe { &*self.memory.as_ptr().cast::<AtomicU64>().add(index) }
    }

    pub fn load(&self, index: usize) -> u64 {
        // ORDERING: Acquire: as strong as an honest consumer's.
        self.word(index).load(Ordering::Acquire)
    }

    pub fn store(&self, index: usize, value: u64) {
        // ORDERING: Release: as strong as an honest producer's.
        self.word(index).store(value, Ordering::Release);
    }

    /// Where the tag of the line at `position` is.
    pub fn tag_word(&self, position: u64) -> usize {
        CONTROL_WORDS + (position & (self.lines - 1)) as usize * LINE_WORDS
    }

    /// Writes the tag of the line that is due.
    pub fn tag(&self, length: u32) {
        self.store(self.tag_word(self.position), self.position << 32 | u64::from(length));
    }

    /// Takes the next record, as an honest consumer would, and gives its room back at once.
    pub fn pop(&mut self) -> Option<Vec<u8>> {
        let tag = self.load(self.tag_word(self.position));
        if tag >> 32 != self.position & u64::from(u32::MAX) {
            return None;
        }
        let bytes = (tag as u32 as usize).min(self.lines as usize * PAYLOAD_WORDS * 8);
        let mut record: Vec<u8> =
            (0..bytes.div_ceil(8)).flat_map(|index| self.load(self.payload(index)).to_ne_bytes()).collect();
        record.truncate(bytes);
        self.position += lines_of(bytes);
        self.store(HEAD, self.position);
        if self.load(PRODUCER_ASLEEP) != 0 {
            self.store(PRODUCER_ASLEEP, 0);
            ring(&self.space);
        }
        Some(record)
    }

    /// Puts a record in as an honest producer would, but without looking whether there is room.
    pub fn push(&mut self, record: &[u8]) {
        for (index, bytes) in record.chunks(8).enumerate().take(self.lines as usize * PAYLOAD_WORDS) {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            self.store(self.payload(index), u64::from_ne_bytes(word));
        }
        let lines = lines_of(record.len()).min(self.lines);
        for line in self.position + 1..self.position + lines {
            self.store(self.tag_word(line), line << 32 | u64::from(CONTINUED));
        }
        self.tag(record.len() as u32);
        self.position += lines;
    }

    /// Whether the host has made room for a record of up to a line.
    pub fn has_room(&self) -> bool {
        self.position - self.load(HEAD).max(self.lines) < self.lines
    }

    fn payload(&self, index: usize) -> usize {
        self.tag_word(self.position + (index / PAYLOAD_WORDS) as u64) + 1 + index % PAYLOAD_WORDS
    }
}

fn lines_of(bytes: usize) -> u64 {
    bytes.div_ceil(PAYLOAD_WORDS * 8).max(1) as u64
}

/// Rings a doorbell.
pub fn ring(bell: &OwnedFd) {
    let _ = rustix::io::write(bell, &1u64.to_ne_bytes());
}

/// Sends a packet. That the host is gone or does not listen is no concern of a hostile worker's.
pub fn send(socket: &OwnedFd, bytes: &[u8], fds: &[BorrowedFd<'_>]) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(64))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() {
        assert!(control.push(SendAncillaryMessage::ScmRights(fds)));
    }
    let _ = sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL | SendFlags::DONTWAIT);
}

/// Descriptors of every wrong kind, over and over: a file that has shrunk, memory without seals, an eventfd, a pipe, a
/// directory, the socket itself.
pub fn wrong_fds(socket: &OwnedFd, count: usize) -> Vec<OwnedFd> {
    let make = |index: usize| -> OwnedFd {
        match index % 6 {
            0 => {
                let file = tempfile::tempfile().unwrap();
                file.set_len(1 << 20).unwrap();
                file.set_len(1).unwrap();
                file.into()
            }
            1 => rustix::fs::memfd_create("unsealed", rustix::fs::MemfdFlags::CLOEXEC).unwrap(),
            2 => rustix::event::eventfd(7, rustix::event::EventfdFlags::empty()).unwrap(),
            3 => std::io::pipe().unwrap().0.into(),
            4 => std::fs::File::open("/").unwrap().into(),
            _ => rustix::io::fcntl_dupfd_cloexec(socket, 3).unwrap(),
        }
    };
    (0..count).map(make).collect()
}

/// Sends a packet with so many of them.
pub fn send_wrong_fds(socket: &OwnedFd, bytes: &[u8], count: usize) {
    let fds = wrong_fds(socket, count);
    send(socket, bytes, &fds.iter().map(AsFd::as_fd).collect::<Vec<_>>());
}

/// A message: what goes before the body, then the body.
pub fn message(kind: u8, fds: u8, number: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
    let [number_low, number_high] = number.to_le_bytes();
    [&[kind, fds, number_low, number_high][..], &sequence.to_le_bytes(), body].concat()
}

/// The reply of `start` to this call: 0.
pub fn reply(call: &[u8]) -> Vec<u8> {
    [&[REPLY, 0], &call[2..8], &[0; 8]].concat()
}

/// The event that parameters are ready in this buffer.
pub fn params_computed(buffer: u32) -> Vec<u8> {
    message(EVENT, 0, 1, 0, &[buffer.to_le_bytes(), [0; 4]].concat())
}
