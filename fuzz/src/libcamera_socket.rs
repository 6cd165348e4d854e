//! What takes messages from libcamera's socket.

use std::os::fd::OwnedFd;

use ringfence::ipc::fuzzing::{Receiver, Taken};
use ringfence::serialize::native::MAX_FDS;

use crate::input::Input;
use crate::peer;
use crate::seeds::{bytes, fds, golden};

/// Each costs a few system calls.
const MOST_OPERATIONS: usize = 64;
/// Bytes of a message before its body, the least there can be.
const HEADER_BYTES: usize = 8;

/// The receiver: whatever datagrams come with whatever descriptors, it neither panics nor hangs nor leaves a descriptor
/// open, and takes proper messages as they were sent.
///
/// The input is a sequence of operations: things that the peer sends, and what the receiver does in between.
pub fn libcamera_socket(data: &[u8]) {
    peer::leaking_nothing(|| exercise(&mut Input(data)));
}

fn exercise(input: &mut Input<'_>) {
    let (ours, theirs) = peer::datagrams();
    let mut receiver = Receiver::new(ours);
    // Whether all that was sent so far were proper messages, and all of them were taken.
    let mut in_step = true;
    for _ in 0..MOST_OPERATIONS {
        if input.is_empty() {
            break;
        }
        match input.u8() % 7 {
            0 => {
                let (bytes, fds) = proper(input);
                if !send_message(&theirs, &bytes, &fds) {
                    in_step = false;
                } else if in_step {
                    let taken = receiver.take().expect("it is proper").expect("it was sent");
                    assert_taken(&taken, &bytes, fds.len());
                    assert!(receiver.take().expect("nothing more was sent").is_none());
                }
                continue;
            }
            // Announced wrongly: with more bytes, more descriptors, or both.
            1 => {
                let lie = input.u8();
                let (bytes, fds) = proper(input);
                let announced = (bytes.len() as u32 + u32::from(lie & 3), fds.len() as u8 + (lie >> 2 & 3));
                peer::send(&theirs, &announcement(announced.0, announced.1, [lie, 0, 0]), &[] as &[OwnedFd]);
                peer::send(&theirs, &bytes, &fds);
            }
            2 => {
                // Too long now and then; there is memory for the others, which takes its time.
                let length = if input.u8() == 0 { input.u32() % (5 << 20) } else { input.u16().into() };
                peer::send(&theirs, &announcement(length, 0, [0; 3]), &[] as &[OwnedFd]);
            }
            // Anything.
            3 => {
                let length = usize::from(input.u16()) % 4096;
                let fds = descriptors(input);
                peer::send(&theirs, input.bytes(length), &fds);
            }
            4 => {
                let count = usize::from(input.u8()).min(MAX_FDS);
                let null = peer::descriptor(8, 0);
                peer::send(&theirs, input.bytes(8), &vec![&null; count]);
            }
            5 => {
                peer::send(&theirs, &[], &descriptors(input));
            }
            _ => drain(&mut receiver, 1),
        }
        in_step = false;
    }
    // The kernel holds a dozen or so.
    drain(&mut receiver, 1000);
    assert!(receiver.take().is_ok_and(|taken| taken.is_none()), "the socket is empty");
}

/// Takes messages, at most so many, until there are no more.
fn drain(receiver: &mut Receiver, most: usize) {
    for _ in 0..most {
        match receiver.take() {
            Ok(Some(taken)) => {
                assert!(taken.bytes >= HEADER_BYTES && taken.fds <= MAX_FDS, "{taken:?}");
            }
            Ok(None) => return,
            Err(error) => assert!(!error.to_string().contains('\n'), "an error has to be one line: {error}"),
        }
    }
}

/// See [`descriptors`].
const NULLS: u8 = 65;

/// A message as it should be, with descriptors.
fn proper(input: &mut Input<'_>) -> (Vec<u8>, Vec<OwnedFd>) {
    let length = usize::from(input.u16()) % 4096;
    let fds = descriptors(input);
    let mut bytes = input.bytes(length).to_vec();
    bytes.resize(bytes.len().max(HEADER_BYTES), 0);
    (bytes, fds)
}

/// Up to four descriptors, by a number: of [`NULLS`] and `n`, they are `n` of a harmless kind.
fn descriptors(input: &mut Input<'_>) -> Vec<OwnedFd> {
    let kinds = input.u8();
    (0..kinds % 5).map(|at| peer::descriptor((kinds >> 3) + at, 64)).collect()
}

/// Announces and sends a message; tells whether there was room for both.
pub(crate) fn send_message(socket: &OwnedFd, bytes: &[u8], fds: &[OwnedFd]) -> bool {
    let announcement = announcement(bytes.len() as u32, fds.len() as u8, [0; 3]);
    peer::send(socket, &announcement, &[] as &[OwnedFd]) && peer::send(socket, bytes, fds)
}

fn announcement(bytes: u32, fds: u8, reserved: [u8; 3]) -> [u8; 8] {
    let [a, b, c, d] = bytes.to_le_bytes();
    let [e, f, g] = reserved;
    [a, b, c, d, fds, e, f, g]
}

fn assert_taken(taken: &Taken, sent: &[u8], fds: usize) {
    let word = |at: usize| u32::from_le_bytes(*sent[at..].first_chunk().expect("there is a header"));
    assert_eq!((taken.number, taken.cookie), (word(0), word(4)));
    assert_eq!((taken.bytes, taken.fds), (sent.len(), fds));
}

/// Messages of recorded sessions, each as libcamera sent it, and one of each other operation.
pub(crate) fn seeds() -> Vec<(String, Vec<u8>)> {
    /// Messages of each session.
    const MESSAGES: usize = 12;
    let mut seeds = Vec::new();
    for session in ["libcamera-1-rpi-session", "libcamera-2-rpi-session"] {
        let mut seed = Vec::new();
        // Every other datagram announces.
        for line in golden(&format!("{session}.jsonl")).iter().skip(1).step_by(2).take(MESSAGES) {
            let datagram = bytes(line);
            seed.push(0);
            seed.extend((datagram.len() as u16).to_le_bytes());
            seed.push(NULLS + fds(line));
            seed.extend(datagram);
        }
        seeds.push((session.to_owned(), seed));
    }
    for lie in [1, 4, 5] {
        let seed = [&[1, lie, 9, 0, NULLS + 2], &[7; 9][..], &[6]].concat();
        seeds.push((format!("announced-{lie}"), seed));
    }
    for operation in 2..7u8 {
        let mut seed = Vec::new();
        for round in 0..4u8 {
            seed.extend([operation, 9 + round, 0, 2 | round << 4, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 6]);
        }
        seeds.push((format!("operation-{operation}"), seed));
    }
    seeds
}
