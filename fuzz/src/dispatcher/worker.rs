//! A worker's end, and a host that says anything.

use std::collections::BTreeMap;

use ringfence::interfaces::{libcamera_0_0_3 as old, rpi, vimc};
use ringfence::ipc::fuzzing::{endpoint, libcamera_endpoint};
use ringfence::serialize::SharedFd;
use ringfence::serialize::libcamera::Version;
use ringfence::shm::{Consumer, Record};

use super::Said;
use super::module::{OldRpi, Rpi, Vimc};
use crate::handshake::{HELLO, right_descriptors};
use crate::input::Input;
use crate::libcamera_socket::send_message;
use crate::peer;
use crate::rings::Rings;

/// Kinds of messages, as the header of each has them.
const CALL: u8 = 1;
const REPLY: u8 = 3;
const FAULT: u8 = 4;
const EVENT: u8 = 5;

/// A worker over rings: all is said before it looks, and then the host is gone.
pub fn over_rings(input: &mut Input<'_>) {
    let (ours, theirs) = peer::packets();
    let fds = right_descriptors(&HELLO);
    assert!(peer::send(&theirs, &HELLO, &fds));
    let rings = Rings::adopt(&HELLO, fds);
    let mut producer = rings.to_worker();
    let mut calls = BTreeMap::<u32, u32>::new();
    while !input.is_empty() {
        let said = Said::read(input);
        if !rings.say(&mut producer, &theirs, &said) {
            break;
        }
        if said.kind == CALL {
            *calls.entry(said.sequence).or_default() += 1;
        }
    }
    peer::finish(&theirs);
    let served = rpi::serve(endpoint(ours), |events| Rpi { events, buffers: Vec::new() });
    if let Err(error) = served {
        assert!(!error.to_string().contains('\n'), "an error has to be one line: {error}");
    }
    let mut consumer: Consumer<_> = rings.at_host();
    let mut record = Record::default();
    while consumer.pop(&mut record).expect("a worker keeps the rules").is_some() {
        let header: [u8; 8] = *record.bytes().first_chunk().expect("every message has a header");
        let [kind, _, _, _, sequence @ ..] = header;
        match kind {
            REPLY | FAULT => match calls.get_mut(&u32::from_le_bytes(sequence)) {
                Some(left @ 1..) => *left -= 1,
                // Casts that fail are reported, too.
                _ => assert_eq!(kind, FAULT, "a reply to no call"),
            },
            other => assert_eq!(other, EVENT, "a worker says no such thing"),
        }
    }
}

/// Whose module it is.
pub enum Interface {
    /// The newest of the Raspberry Pi.
    Rpi,
    /// That of libcamera 0.0.3.
    OldRpi,
    /// The virtual camera's.
    Vimc,
}

/// A worker over libcamera's socket, likewise; the kernel keeps a handful of messages.
pub fn over_libcameras_socket(input: &mut Input<'_>, interface: Interface) {
    let (ours, theirs) = peer::datagrams();
    while !input.is_empty() {
        let said = Said::read(input);
        if !send_message(&theirs, &said.datagram(), &said.descriptors()) {
            break;
        }
    }
    // A process that has ended: readable, as nobody writes to the pipe.
    let host = peer::descriptor(10, 0);
    let served = match interface {
        Interface::Rpi => rpi::serve_libcamera(libcamera_endpoint(ours, host, Version::V2), |events| Rpi {
            events,
            buffers: Vec::new(),
        }),
        Interface::OldRpi => {
            old::rpi::serve_libcamera(libcamera_endpoint(ours, host, Version::V1), |events| OldRpi {
                events,
                buffers: Vec::new(),
            })
        }
        Interface::Vimc => vimc::serve_libcamera(libcamera_endpoint(ours, host, Version::V2), |events| {
            Vimc { events, trace: SharedFd::default(), buffers: Vec::new() }
        }),
    };
    if let Err(error) = served {
        assert!(!error.to_string().contains('\n'), "an error has to be one line: {error}");
    }
    while let Some((bytes, fds)) = peer::receive(&theirs) {
        assert!(!bytes.is_empty() && fds.is_empty(), "no result or event of the module has descriptors");
    }
}
