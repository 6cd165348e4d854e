//! Hosts that lie, scribble and vanish, before a worker that watches itself: no harm may be done to it.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering;

use ringfence::serialize::native::Encoder;

use crate::compile::{sanitized_worker, worker};
use crate::exercise::everything;
use crate::raw::{ENCODING, HASH, Host, PAGE_BYTES, PROTOCOL, TO_WORKER_LINES, WORKER_WAIT, memory, record};
use crate::{Random, watchdog};

const CALL: u8 = 1;
const CAST: u8 = 2;
const BYE: u8 = 6;
const PING: u16 = 1;
const REPEAT: u16 = 3;
const FLOOD: u16 = 6;

#[test]
fn each_wrong_offer_is_refused_with_its_reason() {
    let Some(program) = sanitized_worker() else { return };
    let refused = |change: &dyn Fn(&Host, &mut Vec<u8>)| {
        watchdog(|| {
            let host = Host::start(program, 16);
            let mut hello = host.hello();
            change(&host, &mut hello);
            assert!(host.send(&hello, &host.hello_fds()));
            let reason = host.answer().unwrap().unwrap_err();
            assert_eq!(host.vanish(), (1, format!("exerciser: {reason}\n")));
            reason
        })
    };
    let number = |at: usize, value: u32| {
        refused(&move |_: &Host, hello: &mut Vec<u8>| hello[at..at + 4].copy_from_slice(&value.to_le_bytes()))
    };
    assert_eq!(
        number(PROTOCOL, 2),
        "it speaks protocol version 2, this side speaks 3; build both from one ringfence release"
    );
    let page_bytes = rustix::param::page_size();
    assert_eq!(number(PAGE_BYTES, 65537), format!("its pages have 65537 bytes, this side's {page_bytes}"));
    assert_eq!(number(ENCODING, 2), "it wants encoding 2, this side knows 1 (native)");
    for lines in [0, 1, 17, 1 << 25, u32::MAX] {
        let expected =
            format!("it offers a ring of {lines} lines; a power of two within 2..=16777216 is needed");
        assert_eq!(number(TO_WORKER_LINES, lines), expected);
    }
    assert_eq!(number(TO_WORKER_LINES, 32), "the memory of a ring of 32 lines does not have 2816 bytes");
    assert_eq!(number(WORKER_WAIT, 3), "it asks for waiting policy 3, which is none");
    assert!(number(HASH, 7).starts_with("it has interface test.ExerciserInterface with hash 0x"));
    assert_eq!(number(0, 7), "its first packet of 180 bytes is no ringfence handshake");
    assert_eq!(
        refused(&|_, hello| hello.truncate(179)),
        "its first packet does not have the 180 bytes of a handshake"
    );
    assert_eq!(
        refused(&|_, hello| hello.push(0)),
        "its first packet does not have the 180 bytes of a handshake"
    );
    assert_eq!(
        refused(&|_, hello| hello.truncate(11)),
        "its first packet of 11 bytes is no ringfence handshake"
    );
}

#[test]
fn descriptors_that_are_not_what_they_should_be_are_refused_before_they_are_mapped() {
    let Some(program) = sanitized_worker() else { return };
    let bytes = (96 + 16 * 8) * 8;
    let (unsealed, short) = (memory(bytes, false), memory(bytes - 8, true));
    let null = OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
    for (place, fd, reason) in [
        (0, &unsealed, "the memory of a ring is not sealed against shrinking and growing (seals 0)"),
        (1, &unsealed, "the memory of a ring is not sealed against shrinking and growing (seals 0)"),
        (0, &short, "the memory of a ring of 16 lines does not have 1792 bytes"),
        (1, &short, "the memory of a ring of 16 lines does not have 1792 bytes"),
        (0, &null, "the memory of a ring is not sealed against shrinking and growing (seals 0)"),
    ] {
        watchdog(|| {
            let host = Host::start(program, 16);
            let mut fds = host.hello_fds();
            fds[place] = fd.as_fd();
            assert!(host.send(&host.hello(), &fds));
            assert_eq!(host.answer(), Some(Err(reason.to_owned())));
            host.vanish();
        });
    }
    for count in [0, 1, 5] {
        watchdog(|| {
            let host = Host::start(program, 16);
            assert!(host.send(&host.hello(), &host.hello_fds()[..count]));
            let reason = format!("{count} file descriptors came with the offer, 6 are needed");
            assert_eq!(host.answer(), Some(Err(reason)));
            host.vanish();
        });
    }
}

#[test]
fn a_host_that_says_good_bye_or_vanishes_is_no_failure() {
    let Some(program) = worker() else { return };
    watchdog(|| {
        // Before a word, after the handshake, after Bye.
        assert_eq!(Host::start(program, 16).vanish().0, 0);
        assert_eq!(Host::connect(program, 16).vanish().0, 0);
        let mut host = Host::connect(program, 16);
        let bye = record(BYE, 0, 0, 0, &[0; 8]);
        host.to_worker.push(&bye, 16);
        while !host.is_alone() {
            std::thread::yield_now();
        }
        assert_eq!(host.vanish().0, 0);
        // While all of its threads wait for room.
        let mut host = Host::connect(program, 16);
        let parameters = [4u32, 1000, 50].map(u32::to_le_bytes).concat();
        let flood = record(CAST, 0, FLOOD, 1, &[&parameters[..], &[0; 4]].concat());
        host.to_worker.push(&flood, 24);
        // ORDERING: Relaxed: a flag that stands for itself. It is that of a producer that sleeps.
        while host.to_host.word(32).load(Ordering::Relaxed) == 0 {
            std::thread::yield_now();
        }
        assert_eq!(host.vanish().0, 0);
    });
}

#[test]
fn doorbells_that_are_none_do_not_keep_a_worker_from_its_end() {
    let Some(program) = sanitized_worker() else { return };
    // One that would block for ever, one that is always ready, one that cannot be read.
    let (silent, _writer) = rustix::pipe::pipe().unwrap();
    let ready = OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
    let folder = OwnedFd::from(std::fs::File::open("/").unwrap());
    for fd in [silent, ready, folder] {
        watchdog(|| {
            let mut host = Host::start(program, 16);
            let mut fds = host.hello_fds();
            fds[2..].fill(fd.as_fd());
            assert!(host.send(&host.hello(), &fds));
            assert_eq!(host.answer(), Some(Ok(())));
            let parameters = [1u32, 1000, 50].map(u32::to_le_bytes).concat();
            let flood = record(CAST, 0, FLOOD, 1, &[&parameters[..], &[0; 4]].concat());
            host.to_worker.push(&flood, 24);
            assert_eq!(host.vanish().0, 0);
        });
    }
}

#[test]
fn random_offers_are_refused_or_served() {
    let Some(program) = sanitized_worker() else { return };
    let mut random = Random::new();
    for _ in 0..60 {
        watchdog(|| {
            let host = Host::start(program, 16);
            let mut hello = host.hello();
            let length = hello.len();
            for _ in 0..=random.below(3) {
                hello[random.below(44)] = random.next() as u8;
            }
            if random.below(4) == 0 {
                hello.resize(1 + random.below(2 * length), 0xff);
            }
            assert!(host.send(&hello, &host.hello_fds()[..random.below(7)]));
            let accepted = host.answer().is_some_and(|answer| answer.is_ok());
            let (code, text) = host.vanish();
            assert_eq!((code, text.lines().count()), if accepted { (0, 0) } else { (1, 1) }, "{text}");
        });
    }
}

#[test]
fn no_garbage_in_the_rings_does_harm() {
    let Some(program) = sanitized_worker() else { return };
    let mut random = Random::new();
    for _ in 0..60 {
        watchdog(|| {
            let kind = random.below(6);
            let lines = if kind == 5 { 64 } else { [2, 16, 64][random.below(3)] };
            let mut host = Host::connect(program, lines);
            for _ in 0..200 {
                if host.is_alone() {
                    break;
                }
                burst(&mut host, kind, &mut random);
                host.to_worker.wake();
            }
            host.vanish();
        });
    }
}

fn burst(host: &mut Host, kind: usize, random: &mut Random) {
    let capacity = host.to_worker.capacity();
    match kind {
        // Anything anywhere, tags that are due among it.
        0 => {
            for ring in [&host.to_worker, &host.to_host] {
                for index in 0..ring.words() {
                    let word = match random.below(3) {
                        0 => random.next(),
                        1 => {
                            (ring.position() + random.below(4) as u64) << 32
                                | random.below(capacity + 9) as u64
                        }
                        _ => random.below(300) as u64,
                    };
                    // ORDERING: Relaxed: there is no order in it.
                    ring.word(index).store(word, Ordering::Relaxed);
                }
            }
        }
        // A record that is longer or shorter than it says, or one that cannot be.
        1 => {
            let length = random.below(capacity + 1);
            let bytes = random.bytes(length);
            let said = [random.below(2 * capacity), random.next() as usize, length][random.below(3)];
            host.to_worker.push(&bytes, said as u32);
        }
        // A message with random parameters, in which small numbers are frequent, as in those that are right.
        2 | 3 => {
            let mut body = Vec::new();
            for _ in 0..random.below(capacity / 8) {
                let number =
                    if random.below(2) == 0 { random.below(80) as u32 } else { random.next() as u32 };
                body.extend(number.to_le_bytes());
            }
            let method = random.below(13) as u16;
            // A flood of as many events as that would last.
            let method = if method == FLOOD { PING } else { method };
            let (message, fds) = match kind {
                2 => (CALL + random.below(2) as u8, 0),
                _ => (random.next() as u8, random.below(2) as u8 * random.next() as u8),
            };
            body.truncate(capacity - 8);
            let bytes = record(message, fds, method, 1, &body);
            host.to_worker.push(&bytes, bytes.len() as u32);
            host.to_host.drain();
        }
        // Descriptors that were not announced, or others; and a host that read what was never written.
        4 => {
            let null = std::fs::File::open("/dev/null").unwrap();
            let tag = [host.to_worker.position(), random.next()][random.below(2)].to_le_bytes();
            let fds = vec![null.as_fd(); random.below(4)];
            let length = [8, random.below(9)][random.below(2)];
            host.send(&tag[..length], &fds);
            let bytes = record(CALL, random.below(4) as u8, PING, 1, &[0; 8]);
            host.to_worker.push(&bytes, bytes.len() as u32);
            if random.below(4) == 0 {
                // ORDERING: Relaxed, as there.
                host.to_host.word(0).store(random.next(), Ordering::Relaxed);
            }
        }
        // Parameters that are right but for a bit or two.
        _ => {
            let (mut body, mut none) = (Vec::new(), Vec::new());
            Encoder::message(&everything(random), &mut body, &mut none).unwrap();
            let place = random.below(body.len());
            body[place] ^= 1 << random.below(8);
            let bytes = record(CALL, 0, REPEAT, 1, &body);
            host.to_worker.push(&bytes, bytes.len() as u32);
            host.to_host.drain();
        }
    }
}
