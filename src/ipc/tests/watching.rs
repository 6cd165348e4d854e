//! Connections and those who watch them.

use std::os::fd::AsRawFd;
use std::sync::atomic::Ordering;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};

use super::*;
use crate::ipc::observe::{Direction, Encoding, MessageKind, Observed, Tracer};
use crate::ipc::status::layout;
use crate::serialize::native::Encoder;
use crate::shm::{Mapped, SharedMemory, Words};

const AWHILE: Duration = Duration::from_secs(30);

fn observe(id: ConnectionId) -> Observed {
    observe::connections_of(std::process::id()).into_iter().find(|it| it.id == id).expect("it is there")
}

/// What the tracer has, without the end.
fn records(tracer: &mut Tracer) -> Vec<(MessageKind, u32, u32, u16)> {
    tracer.map(|record| (record.kind, record.number, record.sequence, record.fds)).collect()
}

#[test]
fn an_observer_sees_what_a_connection_is() {
    in_both_modes(&Options::new().label("camera 3\u{1b}[2J").ring_bytes(7000, 900), |connection| {
        let observed = observe(connection.id());
        let is_thread = connection.mode() == Mode::Threaded;
        assert_eq!(observed.host_pid, std::process::id());
        assert_eq!((observed.mode, observed.worker_pid), (connection.mode(), connection.worker_pid()));
        assert_eq!((observed.interface.as_str(), observed.interface_hash), ("test.Echo", 0x1234));
        assert_eq!((observed.label.as_str(), observed.encoding), ("camera 3", Encoding::Native));
        assert_eq!(observed.component, if is_thread { "" } else { "echo" });
        assert_eq!(observed.methods.len(), INTERFACE.methods.len());
        for (number, method) in (1..).zip(INTERFACE.methods) {
            assert_eq!(observed.method_name(number), Some(method.name));
            assert_eq!(observed.methods[number as usize - 1].asynchronous, method.asynchronous);
        }
        let beyond = INTERFACE.methods.len() as u32 + 1;
        assert_eq!((observed.method_name(0), observed.method_name(beyond)), (None, None));
        assert_eq!(observed.events, INTERFACE.events);
        assert_eq!((observed.event_name(2), observed.event_name(3)), (Some("shouted"), None));
        let sample = observed.sample();
        assert_eq!(sample.to_module.unwrap().lines, 128);
        assert_eq!(sample.to_host.unwrap().capacity, 32 * 56);
        assert_eq!(observed.restarts(), 0);
        connection.note_restarts(4);
        assert_eq!(observed.restarts(), 4);
        assert!(observed.is_open());
    });
}

#[test]
fn an_observer_counts_as_the_host_does() {
    in_both_modes(&Options::new().queue_bytes(1000).on_flood(OnFlood::DropOldest), |connection| {
        let observed = observe(connection.id());
        assert_eq!(observed.sample().latency.count(), 0);
        echo(connection, b"not watched").unwrap();
        observed.watch_latency(AWHILE);
        for _ in 0..10 {
            echo(connection, b"watched").unwrap();
        }
        call(connection, SLEEP, 20).unwrap();
        call(connection, FLOOD, 50).unwrap();
        let (sample, counters) = (observed.sample(), connection.meter().read());
        assert_eq!(sample.counters.to_module.sent, counters.to_module.sent);
        assert_eq!(sample.counters.to_host.received, counters.to_host.received);
        assert_eq!(sample.counters.to_module.sent.records, 13);
        assert!(sample.counters.dropped_events > 0);
        assert_eq!(sample.counters.dropped_events, connection.dropped_events());
        assert_eq!(sample.latency.count(), 12);
        assert!(sample.latency.quantile_ns(1.0).unwrap() >= 20_000_000);
        assert!(sample.latency.quantile_ns(0.5) <= sample.latency.quantile_ns(0.99));
        assert!(sample.latency.mean_ns().unwrap() >= 20_000_000 / 12);
        // A failure is no return.
        assert!(call(connection, FAIL, 0).is_err());
        echo(connection, b"one more").unwrap();
        assert_eq!(observed.sample().latency.since(&sample.latency).count(), 1);
    });
}

#[test]
fn a_tracer_gets_what_went_over_the_connection() {
    in_both_modes(&Options::new(), |connection| {
        let observed = observe(connection.id());
        echo(connection, b"before").unwrap();
        let mut tracer = observed.trace(AWHILE).unwrap();
        assert_eq!(tracer.next(), None);
        let long = vec![7; 10_000];
        assert_eq!(echo(connection, &long).unwrap(), long);
        connection.cast(TELL, &5u32).unwrap();
        assert!(call(connection, FAIL, 0).is_err());
        let fds: Vec<SharedFd> = (0..3)
            .map(|_| SharedFd::from(OwnedFd::from(std::fs::File::open("/dev/null").unwrap())))
            .collect();
        connection.call(SWAP, &fds, |input| Vec::<SharedFd>::decode(input.fixed()?, input)).unwrap();
        let (call, reply) = (tracer.next().unwrap(), tracer.next().unwrap());
        let mut expected = Vec::new();
        Encoder::message(&long, &mut expected, &mut Vec::new()).unwrap();
        for (record, kind, direction) in
            [(&call, MessageKind::Call, Direction::ToModule), (&reply, MessageKind::Reply, Direction::ToHost)]
        {
            assert_eq!(
                (record.kind, record.direction(), record.number, record.sequence),
                (kind, direction, 1, 2)
            );
            assert_eq!((record.total_bytes as usize, record.is_whole()), (expected.len(), false));
            assert_eq!(record.payload, expected[..layout::TRACED_BYTES]);
        }
        assert!(call.at_ns <= reply.at_ns);
        // The event came at some time after its cast.
        let (events, others): (Vec<_>, Vec<_>) =
            records(&mut tracer).into_iter().partition(|record| record.0 == MessageKind::Event);
        assert_eq!(events, [(MessageKind::Event, 1, 0, 0)]);
        assert_eq!(
            others,
            [
                (MessageKind::Cast, 2, 3, 0),
                (MessageKind::Call, 4, 4, 0),
                (MessageKind::Fault, 4, 4, 0),
                (MessageKind::Call, 3, 5, 3),
                (MessageKind::Reply, 3, 5, 3),
            ]
        );
        assert_eq!(tracer.lost(), 0);
        assert_eq!(connection.next_event::<Told>().unwrap(), Some(Told(5)));
    });
}

#[test]
fn a_traced_message_is_decoded_as_the_module_did() {
    in_both_modes(&Options::new(), |connection| {
        let mut tracer = observe(connection.id()).trace(AWHILE).unwrap();
        let mut other = observe(connection.id()).trace(AWHILE).unwrap();
        echo(connection, b"over the wire").unwrap();
        for record in tracer.by_ref() {
            let mut input = Decoder::new(&record.payload, &mut []);
            let wire = input.fixed().unwrap();
            assert_eq!(Vec::<u8>::decode(wire, &mut input).unwrap(), b"over the wire");
            input.finish().unwrap();
        }
        assert_eq!(other.by_ref().count(), 2, "everybody gets everything");
    });
}

#[test]
fn a_tracer_that_is_too_slow_knows_what_it_missed() {
    in_both_modes(&Options::new(), |connection| {
        let mut tracer = observe(connection.id()).trace(AWHILE).unwrap();
        let rounds = 12_000;
        for _ in 0..rounds {
            echo(connection, b"quick").unwrap();
        }
        let got = records(&mut tracer).len() as u64;
        assert!(got > 1000 && tracer.lost() > 1000, "{got}, {} lost", tracer.lost());
        assert_eq!(got + tracer.lost(), 2 * rounds);
    });
}

#[test]
fn a_closed_connection_is_told_and_the_last_word_is_traced() {
    let (mut tracer, observed) = {
        let connection = Connection::threaded(&INTERFACE, &Options::new(), serve).unwrap();
        let observed = observe(connection.id());
        (observed.trace(AWHILE).unwrap(), observed)
    };
    assert_eq!(records(&mut tracer), [(MessageKind::Bye, 0, 0, 0)]);
    assert!(!observed.is_open());
    assert_eq!(observed.sample().counters.to_module.sent.records, 1);
    let id = observed.id;
    assert!(observe::connections().iter().all(|other| other.id != id));
}

/// The page of one of this process's connections, as somebody who writes to it would map it.
fn page(id: ConnectionId) -> (SharedMemory, Mapped) {
    for entry in std::fs::read_dir("/proc/self/fd").unwrap() {
        let path = entry.unwrap().path();
        let Ok(link) = std::fs::read_link(&path) else { continue };
        if link.as_os_str() != "/memfd:ringfence-status (deleted)" {
            continue;
        }
        let Ok(file) = std::fs::File::options().read(true).write(true).open(&path) else { continue };
        let Ok(memory) = SharedMemory::adopt(file.into(), layout::BYTES) else { continue };
        let page = memory.map_part(0, layout::BYTES).unwrap();
        if page.word(2).load(Ordering::Relaxed) == id.number() {
            return (memory, page);
        }
    }
    panic!("no page of {id}");
}

#[test]
fn wishes_lapse_and_absurd_ones_are_not_granted() {
    in_both_modes(&Options::new(), |connection| {
        let observed = observe(connection.id());
        let (_memory, page) = page(connection.id());
        for wish in [1, u64::MAX, u64::MAX / 2] {
            for word in [layout::LATENCY_UNTIL, layout::TRACE_UNTIL] {
                page.word(word).store(wish, Ordering::Relaxed);
            }
            echo(connection, b"in vain").unwrap();
            for word in [layout::LATENCY_UNTIL, layout::TRACE_UNTIL] {
                assert_eq!(page.word(word).load(Ordering::Relaxed), 0, "{wish} was not taken back");
            }
        }
        assert_eq!(observed.sample().latency.count(), 0);
        let mut tracer = observed.trace(Duration::from_millis(1)).unwrap();
        std::thread::sleep(Duration::from_millis(10));
        echo(connection, b"too late").unwrap();
        assert_eq!(tracer.next(), None);
        // Longer than a wish may be is a wish all the same.
        tracer.renew(Duration::MAX);
        echo(connection, b"in time").unwrap();
        assert_eq!(tracer.by_ref().count(), 2);
    });
}

#[test]
fn a_page_full_of_nonsense_disturbs_neither_host_nor_observer() {
    use rand::{RngExt, SeedableRng};
    let seed = 7;
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    in_both_modes(&Options::new(), |connection| {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let observed = observe(connection.id());
        let (_memory, page) = page(connection.id());
        let mut tracer = observed.trace(AWHILE).unwrap();
        let wishes = [layout::LATENCY_UNTIL, layout::TRACE_UNTIL];
        for round in 0..30u32 {
            observed.watch_latency(AWHILE);
            tracer.renew(AWHILE);
            for word in (0..layout::BYTES / 8).filter(|word| !wishes.contains(word)) {
                if round % 3 == 0 || random.random_range(0..8) == 0 {
                    page.word(word).store(random.random(), Ordering::Relaxed);
                }
            }
            for length in [0, 10, 5000] {
                assert_eq!(echo(connection, &vec![1; length]).unwrap().len(), length);
            }
            let sample = observed.sample();
            let _ = sample.latency.quantile_ns(0.5);
            let _ = sample.latency.mean_ns();
            let _ = observed.sample().latency.since(&sample.latency).quantile_ns(1.0);
            assert!(tracer.by_ref().take(20_000).count() < 20_000);
            let _ = observe::connections();
        }
    });
    // Nearly right ones: what is there is read, but for one word.
    let connection = Connection::threaded(&INTERFACE, &Options::new(), serve).unwrap();
    let (_memory, page) = page(connection.id());
    for _ in 0..2000 {
        let word = random.random_range(1..(layout::NAMES_AT + 200) / 8);
        let before = page.word(word).load(Ordering::Relaxed);
        page.word(word).store(random.random(), Ordering::Relaxed);
        if word % 16 == 0 {
            for observed in observe::connections_of(std::process::id()) {
                let _ = observed.sample();
                assert!(observed.methods.len() <= layout::NAMES_BYTES / 2);
                assert!(!observed.label.contains(char::is_control));
            }
        }
        page.word(word).store(before, Ordering::Relaxed);
    }
    assert_eq!(observe(connection.id()).interface, "test.Echo");
}

#[test]
fn what_only_looks_like_a_page_is_passed_over() {
    let connection = Connection::threaded(&INTERFACE, &Options::new(), serve).unwrap();
    let impostor = |bytes: usize, seals: SealFlags| {
        let fd = memfd_create(layout::NAME, MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC).unwrap();
        ftruncate(&fd, bytes as u64).unwrap();
        fcntl_add_seals(&fd, seals).unwrap();
        fd
    };
    let all = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    // Empty, one that could shrink, one of another size, and one that nobody may write to.
    let impostors = [
        impostor(layout::BYTES, all),
        impostor(layout::BYTES, SealFlags::GROW),
        impostor(4096, all),
        impostor(layout::BYTES, all | SealFlags::WRITE),
    ];
    let twice = rustix::io::fcntl_dupfd_cloexec(&page(connection.id()).0, 3).unwrap();
    let own = observe::connections_of(std::process::id());
    assert_eq!(own.iter().filter(|it| it.id == connection.id()).count(), 1, "{twice:?}");
    assert!(impostors.iter().all(|fd| fd.as_raw_fd() > 2));
}

#[test]
fn a_worker_does_not_have_the_page() {
    watchdog(|| {
        // Without a sandbox, so that we may look.
        let mut connection = isolated(&Options::new().sandbox(SandboxPolicy::off()));
        let observed = observe(connection.id());
        let _tracer = observed.trace(AWHILE).unwrap();
        echo(&mut connection, b"all is set up").unwrap();
        let pid = connection.worker_pid().unwrap();
        let links: Vec<_> = std::fs::read_dir(format!("/proc/{pid}/fd"))
            .unwrap()
            .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
            .collect();
        assert!(!links.is_empty());
        let of_status = |link: &&std::path::PathBuf| link.to_string_lossy().contains(layout::NAME);
        assert_eq!(links.iter().find(of_status), None);
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
        assert!(maps.contains(layout::RING_NAMES[0]) && !maps.contains(layout::NAME));
        assert!(observe::connections_of(pid).is_empty());
    });
}

#[test]
fn who_is_not_watched_pays_two_pages() {
    let connection = Connection::threaded(&INTERFACE, &Options::new(), serve).unwrap();
    let blocks = |id| {
        let file = std::fs::File::from(rustix::io::fcntl_dupfd_cloexec(&page(id).0, 3).unwrap());
        std::os::unix::fs::MetadataExt::blocks(&file.metadata().unwrap()) * 512
    };
    // To find the page, the test has looked at it through a mapping of the whole.
    assert!(blocks(connection.id()) <= 2 * 4096.max(rustix::param::page_size() as u64));
}
