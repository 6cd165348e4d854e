//! A host's end, and a worker that says anything.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use ringfence::interfaces::rpi::{INTERFACE, IpaRPiEvent};
use ringfence::ipc::CallError;
use ringfence::ipc::fuzzing::{connection, libcamera_connection};
use ringfence::serialize::SharedFd;
use ringfence::serialize::libcamera::Version;

use super::Said;
use crate::handshake::{ANSWER, options};
use crate::input::Input;
use crate::libcamera_socket::send_message;
use crate::peer;
use crate::rings::Rings;

/// A host over rings. The input is a sequence of operations: what the worker says, and what the host does.
pub fn over_rings(input: &mut Input<'_>) {
    let (ours, theirs) = peer::packets();
    assert!(peer::send(&theirs, &ANSWER, &[] as &[OwnedFd]));
    let mut host = connection(ours, &INTERFACE, &options()).expect("the answer is right");
    let (hello, fds) = peer::receive(&theirs).expect("an offer was made");
    let rings = Rings::adopt(&hello, fds);
    let mut producer = rings.to_host();
    let mut worker = Some(theirs);
    let mut calls = 0;
    while !input.is_empty() {
        match (input.u8() % 8, &worker) {
            (0, Some(worker)) => {
                rings.say(&mut producer, worker, &Said::read(input));
            }
            // About the next call.
            (1, Some(worker)) => {
                rings.say(&mut producer, worker, &Said { sequence: calls + 1, ..Said::read(input) });
            }
            (2, _) => {
                calls += 1;
                let method = u16::from(input.u8() % 10);
                look(host.call(method, &0u32, |body| body.claim(1).map(drop).or(Ok(()))));
            }
            (3, _) => {
                calls += 1;
                look(host.cast(u16::from(input.u8() % 10), &vec![SharedFd::default(); 2]));
            }
            (4, _) => look(host.next_event::<IpaRPiEvent>()),
            (5, _) => look(host.wait(Some(Instant::now()))),
            (6, _) => {
                let _ = host.as_fd();
            }
            (7, _) if input.u8().is_multiple_of(8) => worker = None,
            _ => {}
        }
    }
}

/// A host over libcamera's socket, likewise.
pub fn over_libcameras_socket(input: &mut Input<'_>) {
    let (ours, theirs) = peer::datagrams();
    let version = if input.u8().is_multiple_of(2) { Version::V2 } else { Version::V1 };
    let mut host = libcamera_connection::<IpaRPiEvent>(ours, &INTERFACE, &options(), version);
    let mut calls = 0;
    while !input.is_empty() {
        match input.u8() % 7 {
            0 => {
                let said = Said::read(input);
                send_message(&theirs, &said.datagram(), &said.descriptors());
            }
            1 => {
                let said = Said { sequence: calls + 1, ..Said::read(input) };
                send_message(&theirs, &said.datagram(), &said.descriptors());
            }
            2 => {
                calls += 1;
                look(host.call(u16::from(input.u8() % 10), &0u32, |_| Ok(())));
            }
            3 => {
                calls += 1;
                look(host.cast(u16::from(input.u8() % 10), &0u32));
            }
            4 => look(host.next_event()),
            5 => look(host.wait(Some(Instant::now()))),
            _ => {
                let _ = host.as_fd();
                // Room for what the host says.
                while peer::receive(&theirs).is_some() {}
            }
        }
    }
}

/// Whatever it is, it is no panic, and an error is one line.
fn look<T>(result: Result<T, CallError>) {
    if let Err(error) = result {
        assert!(!error.to_string().contains('\n'), "an error has to be one line: {error}");
    }
}
