//! A host made by hand, from what `docs/module-wire.md` says and nothing else: one that can lie.

use std::io::{IoSlice, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::{MmapOptions, MmapRaw};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

use crate::exerciser::INTERFACE;

/// Words before the first line.
const CONTROL_WORDS: usize = 96;
const HEAD: usize = 0;
const LINE_WORDS: usize = 8;
const LINE_BYTES: usize = 56;

/// Where the fields of a hello are.
pub const PROTOCOL: usize = 8;
pub const PAGE_BYTES: usize = 12;
pub const ENCODING: usize = 16;
pub const TO_WORKER_LINES: usize = 20;
pub const WORKER_WAIT: usize = 28;
pub const HASH: usize = 36;

/// A ring, as the host has it.
pub struct Ring {
    memory: MmapRaw,
    fd: OwnedFd,
    data: OwnedFd,
    space: OwnedFd,
    lines: u64,
    position: u64,
}

impl Ring {
    fn new(lines: u64) -> Self {
        let bell = || eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap();
        let fd = memory((CONTROL_WORDS + lines as usize * LINE_WORDS) * 8, true);
        let memory = MmapOptions::new().map_raw(&fd).unwrap();
        Self { memory, fd, data: bell(), space: bell(), lines, position: lines }
    }

    /// Words of the memory.
    pub fn words(&self) -> usize {
        self.memory.len() / 8
    }

    pub fn word(&self, index: usize) -> &AtomicU64 {
        assert!(index < self.words());
        // SAFETY: the word is inside the mapping, which is page aligned and lives as long as `self`; others access it
        // with atomics too.
        unsafe { AtomicU64::from_ptr(self.memory.as_mut_ptr().cast::<u64>().add(index)) }
    }

    fn tag_word(&self, position: u64) -> usize {
        CONTROL_WORDS + (position % self.lines) as usize * LINE_WORDS
    }

    /// Bytes of the largest record.
    pub fn capacity(&self) -> usize {
        self.lines as usize * LINE_BYTES
    }

    /// Where the next record goes.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Writes a record that says that it has `length` bytes, and wakes its reader. Nobody waits for room.
    pub fn push(&mut self, record: &[u8], length: u32) {
        let lines = record.len().div_ceil(LINE_BYTES).max(1) as u64;
        for (index, bytes) in record.chunks(8).enumerate() {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            let at = self.tag_word(self.position + (index / 7) as u64) + 1 + index % 7;
            // ORDERING: Relaxed: the tag publishes it.
            self.word(at).store(u64::from_le_bytes(word), Ordering::Relaxed);
        }
        let tag = self.position << 32 | u64::from(length);
        // ORDERING: Release: who sees the tag sees the record.
        self.word(self.tag_word(self.position)).store(tag, Ordering::Release);
        self.position += lines;
        self.wake();
    }

    /// Rings for the reader, whether it sleeps or not.
    pub fn wake(&self) {
        let _ = rustix::io::write(&self.data, &1u64.to_ne_bytes());
    }

    /// Throws away what has come, and makes room for more.
    pub fn drain(&mut self) {
        loop {
            // ORDERING: Acquire: the record is there with its tag. No fence is needed: the bell is always rung.
            let tag = self.word(self.tag_word(self.position)).load(Ordering::Acquire);
            if tag >> 32 != self.position & 0xffff_ffff {
                break;
            }
            self.position += (tag as u32 as usize).min(self.capacity()).div_ceil(LINE_BYTES).max(1) as u64;
        }
        // ORDERING: Release: read before it is given back.
        self.word(HEAD).store(self.position, Ordering::Release);
        let _ = rustix::io::write(&self.space, &1u64.to_ne_bytes());
    }
}

/// Memory for a ring.
pub fn memory(bytes: usize, sealed: bool) -> OwnedFd {
    let fd = memfd_create("raw", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
    ftruncate(&fd, bytes as u64).unwrap();
    if sealed {
        fcntl_add_seals(&fd, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL).unwrap();
    }
    fd
}

/// A host, and the worker that it started.
pub struct Host {
    pub socket: OwnedFd,
    pub to_worker: Ring,
    pub to_host: Ring,
    child: Child,
}

impl Host {
    pub fn start(program: &Path, lines: u64) -> Self {
        let flags = SocketFlags::CLOEXEC;
        let (socket, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap();
        let child = Command::new(program)
            .stdin(Stdio::from(theirs))
            .stderr(Stdio::piped())
            .env("ASAN_OPTIONS", "exitcode=99")
            .env("UBSAN_OPTIONS", "exitcode=98:print_stacktrace=1")
            .spawn()
            .unwrap();
        Self { socket, to_worker: Ring::new(lines), to_host: Ring::new(lines), child }
    }

    /// An offer that is right in everything.
    pub fn hello(&self) -> Vec<u8> {
        let mut hello = b"ringfnce".to_vec();
        let page_bytes = rustix::param::page_size() as u32;
        let lines = self.to_worker.lines as u32;
        for number in [3, page_bytes, 1, lines, lines, 1, 0] {
            hello.extend(u32::to_le_bytes(number));
        }
        hello.extend(INTERFACE.hash.to_le_bytes());
        let mut name = [0; 128];
        name[..INTERFACE.name.len()].copy_from_slice(INTERFACE.name.as_bytes());
        hello.extend(name);
        hello.extend(0x1234_5678_9abc_def0_u64.to_le_bytes());
        hello
    }

    /// The descriptors that go with it.
    pub fn hello_fds(&self) -> Vec<BorrowedFd<'_>> {
        let Self { to_worker: a, to_host: b, .. } = self;
        [&a.fd, &b.fd, &a.data, &a.space, &b.data, &b.space].map(AsFd::as_fd).to_vec()
    }

    /// Sends a packet. Returns whether somebody is there to take it.
    pub fn send(&self, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> bool {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(253))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(fds.is_empty() || control.push(SendAncillaryMessage::ScmRights(fds)));
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        sendmsg(&self.socket, &[IoSlice::new(bytes)], &mut control, flags).is_ok()
    }

    /// The worker's answer: `Ok` if it accepts, else its reason. `None` if there is none.
    pub fn answer(&self) -> Option<Result<(), String>> {
        let mut answer = [0; 300];
        let mut space = [MaybeUninit::uninit(); 64];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let got =
            recvmsg(&self.socket, &mut [IoSliceMut::new(&mut answer)], &mut control, RecvFlags::empty());
        let bytes = got.map_or(0, |message| message.bytes);
        if bytes == 0 {
            return None;
        }
        assert_eq!(bytes, 272);
        assert_eq!(answer[..12], *b"ringfnce\x03\0\0\0");
        assert_eq!(answer[16..24], INTERFACE.hash.to_le_bytes());
        let reason = answer[28..272].split(|&byte| byte == 0).next().unwrap();
        let reason = std::str::from_utf8(reason).unwrap().to_owned();
        match answer[24] {
            1 => Some(Ok(())),
            _ => Some(Err(reason)),
        }
    }

    /// Agrees with the worker.
    pub fn connect(program: &Path, lines: u64) -> Self {
        let host = Self::start(program, lines);
        assert!(host.send(&host.hello(), &host.hello_fds()));
        assert_eq!(host.answer(), Some(Ok(())));
        host
    }

    /// Whether the worker has hung up.
    pub fn is_alone(&self) -> bool {
        let mut polled = [PollFd::new(&self.socket, PollFlags::RDHUP)];
        poll(&mut polled, Some(&Default::default())).unwrap() != 0
    }

    /// Goes away, as a host does that is killed, and returns how the worker ended and what it said.
    pub fn vanish(self) -> (i32, String) {
        let Self { socket, mut child, .. } = self;
        drop(socket);
        let mut text = String::new();
        child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        let status = child.wait().unwrap();
        let code = status.code().unwrap_or_else(|| panic!("{status}: {text}"));
        assert!(code == 0 || code == 1, "{code}: {text}");
        assert_eq!(code == 0, text.is_empty(), "{code}: {text}");
        (code, text)
    }
}

/// A record: header and body.
pub fn record(kind: u8, fds: u8, number: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
    let mut record = vec![kind, fds];
    record.extend(number.to_le_bytes());
    record.extend(sequence.to_le_bytes());
    record.extend(body);
    record
}
