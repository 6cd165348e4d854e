//! The first two packets of a connection, from a peer that knows them and lies.

use std::os::fd::OwnedFd;
use std::sync::LazyLock;
use std::time::Instant;

use ringfence::interfaces::rpi::INTERFACE;
use ringfence::ipc::fuzzing::{accept_offer, make_offer};
use ringfence::ipc::{HandshakeError, Options};
use ringfence::shm::{Geometry, WaitPolicy};

use crate::input::Input;
use crate::peer;

/// Where a hello says how many lines the ring to the worker has; the other one's follow.
const LINES_AT: usize = 20;
/// Rings above this size are announced, but there is no memory for them.
const MOST_LINES: u32 = 1 << 12;

/// What an honest host sends.
pub(crate) static HELLO: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let (ours, theirs) = peer::packets();
    let error = make_offer(ours, &INTERFACE, &options(), Instant::now()).expect_err("nobody answers");
    assert_eq!(error, HandshakeError::Late);
    peer::receive(&theirs).expect("an offer was made").0
});

/// What an honest worker says to it.
pub(crate) static ANSWER: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let (ours, theirs) = peer::packets();
    assert!(peer::send(&theirs, &HELLO, &right_descriptors(&HELLO)));
    accept_offer(ours, &INTERFACE).expect("the offer is right");
    peer::receive(&theirs).expect("it was answered").0
});

/// Small rings, and no time to lose.
pub(crate) fn options() -> Options {
    let at_once = std::time::Duration::ZERO;
    let options = Options::new().ring_bytes(16 << 10, 16 << 10).call_deadline(at_once).exit_deadline(at_once);
    options.host_wait(WaitPolicy::Block).worker_wait(WaitPolicy::Block)
}

/// Both sides of the handshake: no peer makes them panic, hang, or leave a descriptor open, and a worker answers what it
/// has made of the offer.
///
/// The first byte says which side; packets follow.
pub fn handshake(data: &[u8]) {
    // They open descriptors, which are not the input's.
    let _ = (&*HELLO, &*ANSWER);
    let mut input = Input(data);
    peer::leaking_nothing(|| match input.u8() % 2 {
        0 => worker(&mut input),
        _ => host(&mut input),
    });
}

fn worker(input: &mut Input<'_>) {
    let (ours, theirs) = peer::packets();
    send_packets(input, &theirs, &HELLO);
    let accepted = accept_offer(ours, &INTERFACE);
    match (&accepted, peer::receive(&theirs)) {
        (Ok(()), answer) => assert_eq!(answer.expect("an accepted offer is answered").0, *ANSWER),
        (Err(error), answer) => {
            assert!(!error.to_string().contains('\n'), "an error has to be one line: {error}");
            let answer = answer.expect("a refused offer is answered, too").0;
            assert!(answer.len() == ANSWER.len() && answer != *ANSWER, "{error}, but it said yes");
        }
    }
}

fn host(input: &mut Input<'_>) {
    let (ours, theirs) = peer::packets();
    send_packets(input, &theirs, &ANSWER);
    if let Err(error) = make_offer(ours, &INTERFACE, &options(), Instant::now()) {
        assert!(!error.to_string().contains('\n'), "an error has to be one line: {error}");
    }
}

/// Sends up to four packets that resemble `honest`, and says that there will be no more.
fn send_packets(input: &mut Input<'_>, socket: &OwnedFd, honest: &[u8]) {
    for _ in 0..4 {
        if input.is_empty() {
            break;
        }
        let shape = input.u8();
        let mut bytes = honest.to_vec();
        if shape & 1 != 0 {
            let length = usize::from(input.u16()) % 512;
            bytes = input.bytes(length).to_vec();
        }
        if shape & 2 != 0 && bytes.len() >= LINES_AT + 8 {
            for lines in bytes[LINES_AT..LINES_AT + 8].chunks_mut(4) {
                lines.copy_from_slice(&(1u32 << (input.u8() % 32)).to_le_bytes());
            }
        }
        for _ in 0..shape >> 2 & 3 {
            let at = usize::from(input.u8()) * 4;
            let word = input.u32().to_le_bytes();
            if let Some(old) = bytes.get_mut(at..at + 4) {
                old.copy_from_slice(&word);
            }
        }
        if shape & 16 != 0 {
            bytes.resize(usize::from(input.u16()) % 600, 0);
        }
        let fds = match shape >> 5 {
            0 => right_descriptors(&bytes),
            1 => Vec::new(),
            // The right ones, but for one.
            2..=5 => {
                let mut fds = right_descriptors(&bytes);
                let at = usize::from(input.u8()) % fds.len();
                fds[at] = peer::descriptor(input.u8(), bytes_of_ring(&bytes, at));
                fds
            }
            _ => {
                let count = input.u8() % 12;
                (0..count).map(|at| peer::descriptor(input.u8(), bytes_of_ring(&bytes, at.into()))).collect()
            }
        };
        peer::send(socket, &bytes, &fds);
    }
    peer::finish(socket);
}

/// Descriptors that fit to a hello: two memories, and doorbells.
pub(crate) fn right_descriptors(hello: &[u8]) -> Vec<OwnedFd> {
    (0..6).map(|at| peer::descriptor(u8::from(at >= 2), bytes_of_ring(hello, at))).collect()
}

/// Bytes of the memory that is due at this place.
fn bytes_of_ring(hello: &[u8], at: usize) -> usize {
    let lines = hello.get(LINES_AT + 4 * at.min(1)..).and_then(|rest| rest.first_chunk::<4>());
    let lines = lines.map(|lines| u32::from_le_bytes(*lines)).filter(|lines| *lines <= MOST_LINES);
    lines.and_then(Geometry::from_lines).map_or(4096, Geometry::memory_bytes)
}

/// Honest packets, one lie of each kind, and bytes that are no packets at all.
pub(crate) fn seeds() -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for (name, side) in [("worker", 0), ("host", 1)] {
        let mut add = |what: &str, script: &[u8]| {
            seeds.push((format!("{name}-{what}"), [&[side], script].concat()));
        };
        add("nothing", &[]);
        add("honest", &[0]);
        add("none", &[1 << 5]);
        add("twice", &[0, 0]);
        add("noise", &[1 | 1 << 5, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        add("lines", &[2, 5, 9]);
        add("huge", &[2, 24, 31]);
        add("short", &[16, 20, 0]);
        for word in 2..10 {
            add(&format!("word-{word}"), &[1 << 2, word, 2, 0, 0, 0]);
        }
        for kind in 2..12 {
            add(&format!("memory-{kind}"), &[2 << 5, 0, kind]);
        }
        add("bell", &[2 << 5, 3, 8]);
        add("many", &[6 << 5, 11, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    }
    seeds
}
