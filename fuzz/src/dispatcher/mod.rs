//! Both ends of a connection after the handshake: what a worker makes of any calls, and a host of any replies and events.

mod host;
mod module;
mod worker;

use std::os::fd::OwnedFd;

use crate::input::Input;
use crate::peer;
use crate::seeds::{bytes, fds, golden};

/// Whatever the peer says, in the native encoding or libcamera's: no panic, no hang, no descriptor left open. A worker
/// answers no call twice, and none that was not made.
///
/// The first byte says which end, and of what; what the peer says follows.
pub fn dispatcher(data: &[u8]) {
    // They open descriptors, which are not the input's.
    let _ = (&*crate::handshake::HELLO, &*crate::handshake::ANSWER);
    let mut input = Input(data);
    peer::leaking_nothing(|| match input.u8() % 6 {
        0 => worker::over_rings(&mut input),
        1 => worker::over_libcameras_socket(&mut input, worker::Interface::Rpi),
        2 => worker::over_libcameras_socket(&mut input, worker::Interface::OldRpi),
        3 => worker::over_libcameras_socket(&mut input, worker::Interface::Vimc),
        4 => host::over_rings(&mut input),
        _ => host::over_libcameras_socket(&mut input),
    });
}

/// What one end says to the other.
pub(crate) struct Said<'a> {
    pub(crate) kind: u8,
    pub(crate) fds: u8,
    pub(crate) number: u16,
    pub(crate) sequence: u32,
    pub(crate) body: &'a [u8],
}

impl<'a> Said<'a> {
    /// Numbers are mostly small, as those of methods, kinds and calls are.
    fn read(input: &mut Input<'a>) -> Self {
        let (shape, kind) = (input.u8(), input.u8());
        let number = if shape & 1 == 0 { u16::from(input.u8()) } else { input.u16() };
        let sequence = if shape & 2 == 0 { u32::from(input.u8()) } else { input.u32() };
        let length = input.u16();
        Self { kind, fds: shape >> 2 & 7, number, sequence, body: input.bytes(usize::from(length) % 4096) }
    }

    /// As [`Said::read`] reads it.
    fn write(&self, out: &mut Vec<u8>) {
        let [low, high] = (self.body.len() as u16).to_le_bytes();
        out.extend([self.fds << 2, self.kind, self.number as u8, self.sequence as u8, low, high]);
        out.extend(self.body);
    }

    pub(crate) fn descriptors(&self) -> Vec<OwnedFd> {
        (0..self.fds).map(|at| peer::descriptor(8 + at % 4, 64)).collect()
    }

    /// The message as libcamera sends it.
    fn datagram(&self) -> Vec<u8> {
        [&u32::from(self.number).to_le_bytes()[..], &self.sequence.to_le_bytes(), self.body].concat()
    }
}

/// Calls and replies of every method, and the beginnings of recorded sessions.
pub(crate) fn seeds() -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for (name, end) in [("rings-worker", 0u8), ("rings-host", 4), ("socket-host", 5)] {
        let mut every = vec![end];
        if end == 5 {
            every.push(0);
        }
        for number in 1..10u8 {
            if end >= 4 {
                every.extend([2, number]);
            }
            for kind in 1..=6 {
                if end >= 4 {
                    every.push(kind % 2);
                }
                let said =
                    Said { kind, fds: 0, number: number.into(), sequence: number.into(), body: &[0; 24] };
                said.write(&mut every);
            }
            if end >= 4 {
                every.extend([4, 5]);
            }
        }
        seeds.push((name.to_owned(), every));
    }
    for fds in [2, 6, 7] {
        let said = Said { kind: 1, fds, number: 5, sequence: 1, body: &[0; 8] };
        let mut seed = vec![0];
        said.write(&mut seed);
        seeds.push((format!("rings-worker-descriptors-{fds}"), seed));
        let mut seed = vec![4, 0];
        Said { kind: 5, ..said }.write(&mut seed);
        seed.extend([4, 4]);
        seeds.push((format!("rings-host-descriptors-{fds}"), seed));
    }
    // Five messages are all that the kernel keeps.
    for (file, from, end, name) in [
        ("libcamera-2-rpi-session.jsonl", "host", 1u8, "socket-worker"),
        ("libcamera-1-rpi-session.jsonl", "host", 2, "socket-worker-old"),
        ("libcamera-2-vimc-session.jsonl", "host", 3, "socket-worker-vimc"),
        ("libcamera-2-rpi-session.jsonl", "worker", 5, "socket-host-events"),
    ] {
        let lines = golden(file);
        let messages: Vec<_> = lines.iter().skip(1).step_by(2).filter(|line| line["from"] == from).collect();
        for (at, chunk) in messages.chunks(5).take(4).enumerate() {
            let mut seed = vec![end];
            if end == 5 {
                seed.push(0);
            }
            for line in chunk {
                let datagram = bytes(line);
                if end == 5 {
                    seed.push(0);
                }
                let said = Said {
                    kind: 0,
                    fds: fds(line),
                    number: u16::from(datagram[0]),
                    sequence: u32::from(datagram[4]),
                    body: &datagram[8..],
                };
                said.write(&mut seed);
                if end == 5 {
                    seed.extend([4, 4]);
                }
            }
            seeds.push((format!("{name}-{at}"), seed));
        }
    }
    seeds
}
