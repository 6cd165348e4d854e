//! Workers that do not keep to libcamera's protocol: every call ends with an error, and no descriptor is left behind.

use std::io::{ErrorKind, IoSlice};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use ringfence::interfaces::vimc::{IpaVimc, IpaVimcProxy};
use ringfence::ipc::libcamera::{Version, Worker};
use ringfence::ipc::{CallError, Exit, OnFlood, Options, ProtocolError};
use ringfence::serialize::native::Problem;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{SendAncillaryBuffer, SendFlags, SocketAddrUnix, sendmsg_addr};

mod common;
#[path = "common/datagrams.rs"]
mod datagrams;

use common::watchdog;
use datagrams::{announcement, datagram, inherited, receive, send};

/// Names what a worker does wrong to the process that plays it.
const SCRIPT: &str = "RINGFENCE_TEST_SCRIPT";
/// Names a socket to that process that is none of its business.
const OTHER_SOCKET: &str = "RINGFENCE_TEST_OTHER_SOCKET";

/// A reply of `start` whose result is 0.
fn reply(call: &[u8]) -> Vec<u8> {
    [&call[..8], &[0; 4]].concat()
}

fn event(number: u32, body: &[u8]) -> Vec<u8> {
    [&number.to_le_bytes()[..], &[0; 4], body].concat()
}

/// What goes with an event that a buffer is ready.
const A_BUFFER: [u8; 16] = [4, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];

type Script = fn(&OwnedFd, Vec<u8>);

/// A script's name, the script, and whether an error is the one that it has to end in.
type Scripted = (&'static str, Script, fn(&CallError) -> bool);

/// What is done once `start` was called, and how that has to end.
const SCRIPTS: [Scripted; 20] = [
    ("an empty datagram", |socket, _| datagram(socket, &[], 0), announces_wrongly),
    ("a short announcement", |socket, _| datagram(socket, &[12, 0, 0, 0], 0), announces_wrongly),
    ("a long announcement", |socket, _| datagram(socket, &[8; 9], 0), announces_wrongly),
    (
        "an announcement with descriptors",
        |socket, _| datagram(socket, &announcement(12, 3), 3),
        announces_wrongly,
    ),
    (
        "a message of 4 GiB",
        |socket, _| datagram(socket, &announcement(usize::MAX, 0), 0),
        |error| matches!(protocol(error), Some(ProtocolError::AnnouncedLength { .. })),
    ),
    (
        "a message without a header",
        |socket, _| datagram(socket, &announcement(7, 0), 0),
        |error| matches!(protocol(error), Some(ProtocolError::AnnouncedLength { bytes: 7, .. })),
    ),
    (
        "a truncated message",
        |socket, call| {
            datagram(socket, &announcement(100, 2), 0);
            datagram(socket, &reply(&call), 2);
        },
        |error| matches!(protocol(error), Some(ProtocolError::Length { announced: 100, delivered: 12, .. })),
    ),
    (
        "a message that is longer than announced",
        |socket, call| {
            datagram(socket, &announcement(10, 2), 0);
            datagram(socket, &reply(&call), 2);
        },
        |error| matches!(protocol(error), Some(ProtocolError::Length { truncated: true, .. })),
    ),
    (
        "surplus descriptors",
        |socket, call| {
            datagram(socket, &announcement(12, 1), 0);
            datagram(socket, &reply(&call), 5);
        },
        |error| matches!(protocol(error), Some(ProtocolError::Fds { announced: 1, delivered: 5 })),
    ),
    (
        "missing descriptors",
        |socket, call| {
            datagram(socket, &announcement(12, 5), 0);
            datagram(socket, &reply(&call), 1);
        },
        |error| matches!(protocol(error), Some(ProtocolError::Fds { announced: 5, delivered: 1 })),
    ),
    (
        "descriptors that nothing claims",
        |socket, call| send(socket, &reply(&call), 4),
        |error| matches!(problem(error), Some(Problem::SurplusFds { count: 4, used: 0 })),
    ),
    (
        "a cookie that no call has",
        |socket, mut call| {
            call[4] = 77;
            send(socket, &reply(&call), 3);
        },
        |error| matches!(protocol(error), Some(ProtocolError::Unasked { sequence: 77 })),
    ),
    (
        "a reply for another method",
        |socket, mut call| {
            call[0] = 9;
            send(socket, &reply(&call), 3);
        },
        |error| matches!(protocol(error), Some(ProtocolError::OtherMethod { method: 3, found: 9, .. })),
    ),
    (
        "a reply that is too short",
        |socket, call| send(socket, &reply(&call)[..9], 0),
        |error| matches!(problem(error), Some(Problem::Beyond { needed: 4, left: 1, .. })),
    ),
    (
        "a reply that is too long",
        |socket, call| send(socket, &[reply(&call), vec![0]].concat(), 0),
        |error| matches!(problem(error), Some(Problem::Trailing { bytes: 1 })),
    ),
    (
        "two replies",
        |socket, call| {
            send(socket, &reply(&call), 0);
            send(socket, &reply(&call), 2);
            receive(socket);
        },
        |error| matches!(protocol(error), Some(ProtocolError::Unasked { .. })),
    ),
    (
        "an event that there is not",
        |socket, call| {
            send(socket, &event(70_000, &[]), 3);
            send(socket, &reply(&call), 0);
        },
        |error| matches!(error, CallError::UnknownEvent { .. }),
    ),
    (
        "an event whose table lies",
        |socket, call| {
            send(socket, &event(1, &[255, 255, 255, 255, 4, 0, 0, 0, 1, 0, 0, 0]), 2);
            send(socket, &reply(&call), 0);
        },
        |error| matches!(problem(error), Some(Problem::Beyond { .. })),
    ),
    (
        "a flood of events",
        |socket, _| {
            loop {
                send(socket, &event(1, &A_BUFFER), 0);
            }
        },
        |error| matches!(protocol(error), Some(ProtocolError::Flood { .. })),
    ),
    (
        "no reply",
        |socket, _| drop(receive(socket)),
        |error| matches!(error, CallError::Deadline { method: "start", .. }),
    ),
];

/// What tries a host's patience.
const PATIENCE: [(&str, Script); 4] = [
    ("a datagram to somebody else", |socket, _| {
        let other = SocketAddrUnix::new(std::env::var(OTHER_SOCKET).unwrap()).unwrap();
        let (mut control, bytes) = (SendAncillaryBuffer::default(), [IoSlice::new(b"for you")]);
        sendmsg_addr(socket, &other, &bytes, &mut control, SendFlags::empty()).unwrap();
    }),
    ("no replies", |socket, _| {
        loop {
            receive(socket);
        }
    }),
    ("a hundred events", |socket, call| {
        for _ in 0..100 {
            send(socket, &event(1, &A_BUFFER), 0);
        }
        send(socket, &reply(&call), 0);
    }),
    ("every other reply", |socket, _| {
        loop {
            let (call, _) = receive(socket);
            send(socket, &reply(&call), 0);
            receive(socket);
        }
    }),
];

fn protocol(error: &CallError) -> Option<&ProtocolError> {
    if let CallError::Protocol(error) = error { Some(error) } else { None }
}

fn problem(error: &CallError) -> Option<&Problem> {
    if let CallError::Decode(error) = error { Some(error.problem()) } else { None }
}

fn announces_wrongly(error: &CallError) -> bool {
    matches!(protocol(error), Some(ProtocolError::Announcement { .. }))
}

/// Plays the worker, if this process was started as one.
#[test]
fn hostile_worker() {
    let Some(name) = std::env::var(SCRIPT).ok() else { return };
    let socket = inherited();
    let (call, _) = receive(&socket);
    let lies = SCRIPTS.iter().map(|(known, script, _)| (known, script));
    let (_, script) =
        lies.chain(PATIENCE.iter().map(|(n, s)| (n, s))).find(|(known, _)| **known == name).unwrap();
    script(&socket, call);
    // The end of the process would be noticed first.
    std::thread::sleep(Duration::from_secs(60));
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Starts a worker that plays `script`, calls `start` and whatever else brings the error out, and returns it.
fn provoke(script: &str) -> CallError {
    let mut proxy = connect(script, Duration::from_secs(2));
    proxy.start().err().or_else(|| proxy.next_event().err()).or_else(|| proxy.stop().err()).expect("an error")
}

fn connect(script: &str, deadline: Duration) -> IpaVimcProxy {
    connect_with(script, &Options::new().call_deadline(deadline).queue_bytes(500_000))
}

fn connect_with(script: &str, options: &Options) -> IpaVimcProxy {
    let worker = Worker::new(std::env::current_exe().unwrap(), "hostile_worker", Version::V2)
        .env(SCRIPT, script)
        .env("RUST_TEST_NOCAPTURE", "1");
    IpaVimcProxy::libcamera(options, &worker).unwrap()
}

/// Runs a test, unless this process is there to play a worker.
fn as_host(test: impl FnOnce()) {
    if std::env::var_os(SCRIPT).is_none() {
        watchdog(test);
    }
}

#[test]
fn whatever_a_worker_does_a_call_ends_and_nothing_is_left_open() {
    as_host(|| {
        // The first one starts what stays for as long as the process.
        provoke("a short announcement");
        let baseline = open_descriptors();
        for (name, _, is_expected) in SCRIPTS {
            let error = provoke(name);
            assert!(is_expected(&error), "{name}: {error}");
            // The thread that follows the worker's standard error closes its end a moment later.
            common::until(|| open_descriptors() <= baseline);
        }
    });
}

/// A datagram socket would send to any socket that has a name, such as that of the system's log.
#[test]
fn a_worker_reaches_no_socket_but_its_hosts() {
    as_host(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let other = UnixDatagram::bind(&path).unwrap();
        other.set_nonblocking(true).unwrap();
        let worker = Worker::new(std::env::current_exe().unwrap(), "hostile_worker", Version::V2)
            .env(SCRIPT, "a datagram to somebody else")
            .env(OTHER_SOCKET, path)
            .env("RUST_TEST_NOCAPTURE", "1");
        let mut proxy = IpaVimcProxy::libcamera(&Options::new(), &worker).unwrap();
        // It comes to us.
        let error = proxy.start().unwrap_err();
        assert!(announces_wrongly(&error), "{error}");
        assert_eq!(other.recv(&mut [0; 9]).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

fn is_wedged(error: &CallError) -> bool {
    matches!(error, CallError::Died(death) if death.exit == Exit::Wedged)
}

#[test]
fn a_worker_that_never_answers_is_killed() {
    as_host(|| {
        let options =
            Options::new().call_deadline(Duration::from_millis(1)).grace(Duration::from_millis(200));
        let mut proxy = connect_with("no replies", &options);
        let error = loop {
            match proxy.start().unwrap_err() {
                // Congested while the worker has not begun to read, or does not get to run.
                CallError::Deadline { .. } | CallError::Congested { .. } => {}
                error => break error,
            }
        };
        assert!(is_wedged(&error), "{error}");
        assert!(is_wedged(&proxy.next_event().unwrap_err()));
    });
}

#[test]
fn whoever_never_calls_again_is_woken_when_a_worker_is_wedged() {
    as_host(|| {
        let options = Options::new().grace(Duration::from_millis(200));
        let mut proxy = connect_with("no replies", &options);
        proxy.deadline_of_next_call(Duration::from_millis(1));
        let error = proxy.start().unwrap_err();
        assert!(matches!(error, CallError::Deadline { .. }), "{error}");
        common::stop(proxy.libcamera_connection().unwrap().worker_pid().unwrap());
        poll(&mut [PollFd::new(&proxy, PollFlags::IN)], None).unwrap();
        let error = proxy.next_event().unwrap_err();
        assert!(is_wedged(&error), "{error}");
    });
}

#[test]
fn events_are_dropped_as_the_options_say() {
    as_host(|| {
        for on_flood in [OnFlood::DropOldest, OnFlood::DropNewest] {
            // Ten events of 24 bytes, each of which counts for 256 more.
            let mut proxy =
                connect_with("a hundred events", &Options::new().queue_bytes(10 * 280).on_flood(on_flood));
            assert_eq!(proxy.start().unwrap(), 0);
            assert_eq!(proxy.dropped_events(), 90);
            let kept = std::iter::from_fn(|| proxy.next_event().unwrap()).count();
            assert_eq!(kept, 10);
        }
    });
}

#[test]
fn an_endless_flood_does_not_put_off_the_deadline() {
    as_host(|| {
        for on_flood in [OnFlood::DropOldest, OnFlood::DropNewest] {
            let options =
                Options::new().call_deadline(Duration::from_millis(50)).grace(Duration::from_millis(100));
            let mut proxy = connect_with("a flood of events", &options.queue_bytes(2800).on_flood(on_flood));
            let error = std::iter::repeat_with(|| proxy.start().unwrap_err())
                .find(|error| !matches!(error, CallError::Deadline { .. } | CallError::Congested { .. }))
                .unwrap();
            assert!(is_wedged(&error), "{error}");
        }
    });
}

#[test]
fn a_worker_that_answers_now_and_then_is_kept() {
    as_host(|| {
        let mut proxy = connect("every other reply", Duration::from_millis(30));
        let mut served = 0;
        while served < 65 {
            match proxy.start() {
                Ok(0) => served += 1,
                Err(CallError::Deadline { .. } | CallError::Congested { .. }) => {}
                other => panic!("after {served} replies: {other:?}"),
            }
        }
    });
}
