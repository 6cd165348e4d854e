//! What a hostile worker does, one thing each, and how that has to end for the host.

use std::time::Duration;

use ringfence::ipc::{CallError, Exit, ProtocolError};
use ringfence::serialize::native::Problem;
use ringfence::shm::RingError;
use rustix::fs::{FallocateFlags, fallocate, ftruncate};
use rustix::net::{Shutdown, shutdown};
use rustix::process::{Signal, getpid, kill_process};

use super::stage::{
    CALL, CONSUMER_ASLEEP, CONSUMER_FENCES, CONTINUED, EVENT, FAULT, HEAD, PRODUCER_ASLEEP,
    PRODUCER_REGISTERED, RANG_AT, REPLY, Stage, message, params_computed, reply, ring, send, send_wrong_fds,
};

/// What the worker does once it was called, and the first error that the host has to have, if any.
pub struct Script {
    pub name: &'static str,
    /// Whether what comes of it comes at once, and not at a deadline.
    pub is_quick: bool,
    pub act: fn(&mut Stage, &[u8]),
    pub ends: fn(Option<&CallError>) -> bool,
}

macro_rules! is_quick {
    () => {
        true
    };
    (late) => {
        false
    };
}

macro_rules! scripts {
    ($($(($hint:ident))? $name:literal: $act:expr => $ends:expr;)*) => {
        /// All of them.
        pub const SCRIPTS: &[Script] =
            &[$(Script { name: $name, is_quick: is_quick!($($hint)?), act: $act, ends: $ends }),*];
    };
}

scripts! {
    "a record longer than the ring": |stage, _| stage.announce(stage.answers.lines as u32 * 56 + 1)
        => |error| matches!(lie(error), Some(RingError::BadLength { .. }));
    "a record of almost 4 GiB": |stage, _| stage.announce(CONTINUED - 1)
        => |error| matches!(lie(error), Some(RingError::BadLength { .. }));
    "a record that is continued and never began": |stage, _| stage.announce(CONTINUED)
        => |error| matches!(lie(error), Some(RingError::BadStart { .. }));
    (late) "a record whose other lines are missing": |stage, call| {
        stage.announce(stage.answers.lines as u32 * 56);
        stage.answers.position += stage.answers.lines;
        stage.say(&reply(call));
    } => |error| error.is_some();
    "an empty record": |stage, _| stage.say(&[])
        => |error| protocol(error) == Some(&ProtocolError::Header { bytes: 0 });
    "half a header": |stage, _| stage.say(&[REPLY, 0, 3, 0])
        => |error| protocol(error) == Some(&ProtocolError::Header { bytes: 4 });
    "a kind that there is not": |stage, _| stage.say(&message(77, 0, 3, 1, &[]))
        => |error| protocol(error) == Some(&ProtocolError::Kind { kind: 77 });
    "a call to the host": |stage, _| stage.say(&message(CALL, 0, 3, 1, &[]))
        => |error| protocol(error) == Some(&ProtocolError::Kind { kind: CALL });
    "room for more calls than were sent": |stage, call| {
        stage.calls.store(HEAD, stage.calls.position + 10_000);
        stage.say(&reply(call));
    } => |error| matches!(lie(error), Some(RingError::BadHead { .. }));
    (late) "room that is taken back": |stage, call| {
        stage.say(&reply(call));
        for _ in 0..20 {
            while stage.calls.pop().is_none() {
                std::thread::sleep(Duration::from_micros(100));
            }
        }
        std::thread::sleep(Duration::from_millis(20));
        stage.calls.store(HEAD, stage.calls.lines + 1);
    } => |error| error.is_none_or(|error| matches!(lie(Some(error)), Some(RingError::BadHead { .. })) || late(error));
    "sleep flags without meaning": |stage, call| {
        for memory in [&stage.calls, &stage.answers] {
            for flag in [CONSUMER_ASLEEP, CONSUMER_FENCES, PRODUCER_ASLEEP, PRODUCER_REGISTERED, RANG_AT] {
                memory.store(flag, u64::MAX);
            }
        }
        stage.say(&reply(call));
        serve(stage);
    } => |error| error.is_none();
    "counters that cannot be": |stage, call| {
        for index in 48..96 {
            stage.calls.store(index, u64::MAX - index as u64);
            stage.answers.store(index, 1 << 63 | index as u64);
        }
        stage.say(&reply(call));
        serve(stage);
    } => |error| error.is_none();
    "rings made smaller": |stage, call| {
        for memory in [&stage.calls, &stage.answers] {
            // Sealed: neither may work.
            if ftruncate(&memory.memfd, 4096).is_ok() || ftruncate(&memory.memfd, 1 << 20).is_ok() {
                std::process::exit(99);
            }
        }
        stage.say(&reply(call));
        serve(stage);
    } => |error| error.is_none();
    (late) "holes in the rings": |stage, _| {
        for memory in [&stage.calls, &stage.answers] {
            let all = memory.words() as u64 * 8;
            let _ = fallocate(&memory.memfd, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, 0, all);
        }
    } => |error| error.is_some_and(late);
    "a reply that nobody asked for": |stage, _| stage.say(&message(REPLY, 0, 3, 77, &[0; 8]))
        => |error| protocol(error) == Some(&ProtocolError::Unasked { sequence: 77 });
    "a fault that nobody asked for": |stage, _| stage.say(&message(FAULT, 0, 3, 77, &[0; 8]))
        => |error| protocol(error) == Some(&ProtocolError::Unasked { sequence: 77 });
    "a reply to call zero": |stage, _| stage.say(&message(REPLY, 0, 3, 0, &[0; 8]))
        => |error| protocol(error) == Some(&ProtocolError::Unasked { sequence: 0 });
    "two replies": |stage, call| {
        stage.say(&reply(call));
        stage.say(&reply(call));
    } => |error| matches!(protocol(error), Some(ProtocolError::Unasked { .. }));
    "a reply and a fault": |stage, call| {
        stage.say(&reply(call));
        stage.say(&[&[FAULT], &reply(call)[1..]].concat());
    } => |error| matches!(protocol(error), Some(ProtocolError::Unasked { .. }));
    "a reply before its call": |stage, call| {
        stage.say(&reply(call));
        let next = stage.await_call();
        let mut early = reply(&next);
        early[4] += 1;
        stage.say(&early);
    } => |error| matches!(protocol(error), Some(ProtocolError::Unasked { .. }));
    "a reply that is too short": |stage, call| {
        stage.say(&reply(call)[..9]);
        serve(stage);
    }
        => |error| matches!(error, Some(CallError::Decode(_)));
    "a reply that is too long": |stage, call| {
        stage.say(&[reply(call), vec![7; 500]].concat());
        serve(stage);
    }
        => |error| matches!(error, Some(CallError::Decode(_)));
    "a fault whose reason lies about its length": |stage, call| {
        let [_, fds, low, high, ..] = *call else { return };
        let header = [&[FAULT, fds, low, high], &call[4..8]].concat();
        stage.say(&[header, vec![0xff; 16]].concat());
        serve(stage);
    } => |error| matches!(error, Some(CallError::Fault { .. }));
    (late) "no reply": |_, _| {}
        => |error| error.is_some_and(late);
    (late) "a reply that does not ring": |stage, call| stage.answers.push(&reply(call))
        => |error| error.is_none_or(late);
    (late) "doorbells rung without pause": |stage, _| loop {
        for bell in [&stage.answers.data, &stage.calls.space, &stage.answers.space, &stage.calls.data] {
            ring(bell);
        }
    } => |error| error.is_some_and(late);
    "doorbells that are full": |stage, call| {
        for bell in [&stage.answers.data, &stage.calls.space, &stage.answers.space, &stage.calls.data] {
            let _ = rustix::io::write(bell, &(u64::MAX - 1).to_ne_bytes());
        }
        stage.calls.store(CONSUMER_ASLEEP, 1);
        stage.say(&reply(call));
        serve(stage);
    } => |error| error.is_none();
    (late) "a tag that comes and goes": |stage, _| loop {
        let due = stage.answers.tag_word(stage.answers.position);
        stage.answers.tag(16);
        stage.answers.store(due, 0);
    } => |error| error.is_some();
    "a flood of events": |stage, _| loop {
        if stage.answers.has_room() {
            stage.say(&params_computed(1));
        }
    } => |error| matches!(protocol(error), Some(ProtocolError::Flood { .. }));
    (late) "a flood of events without pause": |stage, _| {
        let event = params_computed(1);
        ring(&stage.answers.data);
        loop {
            if stage.answers.has_room() {
                stage.answers.push(&event);
            }
        }
    } => |error| error.is_some();
    (late) "a flood of events that laps the host": |stage, _| loop {
        stage.say(&params_computed(1));
    } => |error| error.is_some();
    "an event that there is not": |stage, call| {
        stage.say(&reply(call));
        stage.say(&message(EVENT, 0, 60_000, 0, &[0; 8]));
        serve(stage);
    } => |error| matches!(error, Some(CallError::UnknownEvent { event: 60_000 }));
    "an event that is too short": |stage, call| {
        stage.say(&message(EVENT, 0, 1, 0, &[]));
        stage.say(&reply(call));
        serve(stage);
    } => |error| matches!(error, Some(CallError::Decode(_)));
    "descriptors that nothing announces": |stage, call| {
        send_wrong_fds(&stage.socket, &[0; 8], 30);
        send_wrong_fds(&stage.socket, &[], 3);
        stage.say(&reply(call));
        serve(stage);
    } => |error| error.is_none();
    "descriptors of another message": |stage, _| {
        send_wrong_fds(&stage.socket, &99u64.to_le_bytes(), 1);
        stage.say(&message(EVENT, 1, 1, 0, &[0; 8]));
    } => |error| protocol(error) == Some(&ProtocolError::Fds { announced: 1, delivered: 1 });
    "too many descriptors": |stage, _| {
        send_wrong_fds(&stage.socket, &stage.answers.position.to_le_bytes(), 60);
        stage.say(&message(EVENT, 1, 1, 0, &[0; 8]));
    } => |error| protocol(error) == Some(&ProtocolError::Fds { announced: 1, delivered: 60 });
    "descriptors that do not come": |stage, _| stage.say(&message(EVENT, 200, 1, 0, &[0; 8]))
        => |error| protocol(error) == Some(&ProtocolError::Fds { announced: 200, delivered: 0 });
    "a packet that is cut short": |stage, _| {
        send_wrong_fds(&stage.socket, &stage.answers.position.to_le_bytes()[..3], 2);
        stage.say(&message(EVENT, 2, 1, 0, &[0; 8]));
    } => |error| protocol(error) == Some(&ProtocolError::Fds { announced: 2, delivered: 2 });
    "a packet that is too long": |stage, _| {
        let position = stage.answers.position.to_le_bytes();
        send_wrong_fds(&stage.socket, &[&position[..], &[0; 100]].concat(), 2);
        stage.say(&message(EVENT, 2, 1, 0, &[0; 8]));
    } => |error| protocol(error).is_none_or(|error| matches!(error, ProtocolError::Fds { .. })) && error.is_some();
    "descriptors of the wrong kind": |stage, call| {
        send_wrong_fds(&stage.socket, &stage.answers.position.to_le_bytes(), 12);
        stage.say(&message(EVENT, 12, 1, 0, &[0; 8]));
        stage.say(&reply(call));
        serve(stage);
    } => |error| matches!(problem(error), Some(Problem::SurplusFds { .. }));
    "a reply with descriptors": |stage, call| {
        send_wrong_fds(&stage.socket, &stage.answers.position.to_le_bytes(), 6);
        let mut reply = reply(call);
        reply[1] = 6;
        stage.say(&reply);
        serve(stage);
    } => |error| matches!(problem(error), Some(Problem::SurplusFds { .. }));
    "nothing more to write": |stage, _| {
        let _ = shutdown(&stage.socket, Shutdown::Write);
    }
        => |error| matches!(error, Some(CallError::Died(_)));
    "nothing more to read": |stage, call| {
        let _ = shutdown(&stage.socket, Shutdown::Read);
        stage.say(&reply(call));
        serve(stage);
    } => |error| error.is_none();
    (late) "nothing more to write, and events without pause": |stage, _| {
        let _ = shutdown(&stage.socket, Shutdown::Write);
        loop {
            stage.say(&params_computed(1));
        }
    } => |error| error.is_some();
    "a socket full of packets": |stage, call| {
        for _ in 0..1000 {
            send(&stage.socket, &[0; 100], &[]);
        }
        stage.say(&reply(call));
        serve(stage);
    } => |error| error.is_none();
    (late) "a process that stops itself": |_, _| {
        let _ = kill_process(getpid(), Signal::STOP);
    }
        => |error| error.is_some_and(late);
    "a process that aborts": |_, _| std::process::abort()
        => |error| matches!(error, Some(CallError::Died(death)) if death.exit == Exit::Signal(6));
    "a reply and the end": |stage, call| {
        stage.say(&reply(call));
        std::process::exit(3);
    } => |error| matches!(error, Some(CallError::Died(death)) if death.exit == Exit::Status(3));
}

/// How long the host is held by [`BLOCKING`].
pub const HELD: Duration = Duration::from_millis(400);

/// What only a sandbox stops: the flags of a doorbell belong to both sides. Whoever rings one that was made blocking, and
/// is full, waits until somebody silences it. No system call rings an eventfd without regard to its flags.
pub const BLOCKING: Script = Script {
    name: "a doorbell that blocks",
    is_quick: false,
    act: |stage, call| {
        rustix::io::ioctl_fionbio(&stage.calls.data, false).unwrap();
        rustix::io::write(&stage.calls.data, &(u64::MAX - 1).to_ne_bytes()).unwrap();
        stage.calls.store(CONSUMER_ASLEEP, 1);
        stage.say(&reply(call));
        std::thread::sleep(HELD);
        let _ = rustix::io::read(&stage.calls.data, &mut [0; 8]);
    },
    ends: |_| true,
};

/// Serves what comes as an honest module would.
fn serve(stage: &mut Stage) {
    loop {
        let call = stage.await_call();
        stage.say(&reply(&call));
    }
}

fn protocol(error: Option<&CallError>) -> Option<&ProtocolError> {
    if let Some(CallError::Protocol(error)) = error { Some(error) } else { None }
}

fn lie(error: Option<&CallError>) -> Option<&RingError> {
    if let Some(ProtocolError::Ring(error)) = protocol(error) { Some(error) } else { None }
}

fn problem(error: Option<&CallError>) -> Option<&Problem> {
    if let Some(CallError::Decode(error)) = error { Some(error.problem()) } else { None }
}

fn late(error: &CallError) -> bool {
    matches!(error, CallError::Deadline { .. })
}
