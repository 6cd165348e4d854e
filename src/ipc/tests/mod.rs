//! Connections to threads and processes: honest, slow, dying and lying ones.

mod deadlines;
mod flood;
mod hostile;
mod sandbox;
mod stderr;
mod threads;
#[cfg(feature = "tokio")]
mod tokio;
mod watching;

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::channel::Label;
use super::handshake::accept;
use super::message::Kind;
use super::*;
use crate::serialize::SharedFd;
use crate::serialize::native::{Decode, Decoder, Encoder, Opaque, OpaqueBuf};

static INTERFACE: Interface = Interface {
    name: "test.Echo",
    hash: 0x1234,
    methods: &[
        Method { name: "echo", asynchronous: false },
        Method { name: "tell", asynchronous: true },
        Method { name: "swap", asynchronous: false },
        Method { name: "fail", asynchronous: false },
        Method { name: "sleep", asynchronous: false },
        Method { name: "die", asynchronous: false },
        Method { name: "flood", asynchronous: false },
        Method { name: "refuse", asynchronous: true },
        Method { name: "shout", asynchronous: true },
        Method { name: "mutter", asynchronous: false },
        Method { name: "mumble", asynchronous: true },
        Method { name: "hush", asynchronous: false },
    ],
    events: &["told", "shouted"],
};
const ECHO: u16 = 1;
const TELL: u16 = 2;
const SWAP: u16 = 3;
const FAIL: u16 = 4;
const SLEEP: u16 = 5;
const DIE: u16 = 6;
const FLOOD: u16 = 7;
const REFUSE: u16 = 8;
const SHOUT: u16 = 9;
const MUTTER: u16 = 10;
const MUMBLE: u16 = 11;
const HUSH: u16 = 12;

#[derive(Debug, PartialEq)]
struct Told(u32);

impl Event for Told {
    fn decode(number: u16, input: &mut Decoder<'_>) -> Result<Self, CallError> {
        match number {
            1 => Ok(Self(u32::decode(input.fixed()?, input)?)),
            2 => Ok(Self(Vec::<u8>::decode(input.fixed()?, input)?.len() as u32)),
            event => Err(CallError::UnknownEvent { event }),
        }
    }
}

struct Echo(Emitter);

impl Dispatch for Echo {
    fn dispatch(&mut self, method: u16, mut input: Decoder<'_>, reply: Reply<'_>) -> Result<(), CallError> {
        fn read<T: Decode>(input: &mut Decoder<'_>) -> Result<T, CallError> {
            Ok(T::decode(input.fixed()?, input)?)
        }
        match method {
            ECHO => reply.send(&read::<Vec<u8>>(&mut input)?),
            TELL => {
                self.0.emit(1, &read::<u32>(&mut input)?);
                Ok(())
            }
            SHOUT => {
                self.0.emit(2, &vec![0u8; read::<u32>(&mut input)? as usize]);
                Ok(())
            }
            SWAP => {
                let mut fds = read::<Vec<SharedFd>>(&mut input)?;
                fds.reverse();
                reply.send(&fds)
            }
            FAIL | REFUSE => Err(CallError::Module("on purpose".into())),
            SLEEP => {
                std::thread::sleep(Duration::from_millis(u64::from(read::<u32>(&mut input)?)));
                reply.send(&0u8)
            }
            DIE => match read::<u32>(&mut input)? {
                0 => panic!("asked to"),
                1 => std::process::abort(),
                _ => std::process::exit(7),
            },
            FLOOD => {
                for number in 0..read::<u32>(&mut input)? {
                    self.0.emit(1, &number);
                }
                reply.send(&0u8)
            }
            MUTTER => {
                stderr::write(read::<u32>(&mut input)?);
                reply.send(&0u8)
            }
            MUMBLE => {
                let bytes = read::<u32>(&mut input)?;
                stderr::write(bytes);
                self.0.emit(1, &bytes);
                Ok(())
            }
            HUSH => {
                stderr::close();
                reply.send(&0u8)
            }
            method => Err(CallError::UnknownMethod { method }),
        }
    }
}

fn serve(endpoint: Endpoint) -> Result<(), ServeError> {
    endpoint.serve(&INTERFACE, Echo)
}

const COMPONENTS: [Component; 2] =
    [Component { name: "echo", serve }, Component { name: "captive", serve: sandbox::serve }];

/// Not a test: what this executable does when it is started as a worker.
#[test]
fn worker_entry() {
    if run_if_worker(&COMPONENTS).is_some() {
        std::process::exit(0);
    }
}

/// Ends the whole run, loudly, if a test hangs.
fn watchdog(test: impl FnOnce()) {
    let (done, running) = std::sync::mpsc::channel::<()>();
    let name = std::thread::current().name().unwrap_or("?").to_owned();
    std::thread::spawn(move || {
        if running.recv_timeout(Duration::from_secs(60)) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            eprintln!("{name} hangs");
            std::process::abort();
        }
    });
    test();
    drop(done);
}

fn worker() -> Worker {
    let own = std::env::current_exe().unwrap();
    Worker::component("echo").program(own).args(["--exact", "ipc::tests::worker_entry", "--nocapture"])
}

fn isolated(options: &Options) -> Connection {
    Connection::isolated(&INTERFACE, options, &worker()).unwrap()
}

/// Runs `test` with a module in a thread and with one in a process.
fn in_both_modes(options: &Options, test: impl Fn(&mut Connection)) {
    watchdog(|| {
        test(&mut Connection::threaded(&INTERFACE, options, serve).unwrap());
        test(&mut isolated(options));
    });
}

fn echo(connection: &mut Connection, bytes: &[u8]) -> Result<Vec<u8>, CallError> {
    connection.call(ECHO, bytes, |input| Vec::decode(input.fixed()?, input))
}

fn call(connection: &mut Connection, method: u16, number: u32) -> Result<u8, CallError> {
    connection.call(method, &number, |input| u8::decode(input.fixed()?, input))
}

fn events(connection: &mut Connection) -> Vec<u32> {
    std::iter::from_fn(|| connection.next_event::<Told>().unwrap()).map(|event| event.0).collect()
}

#[test]
fn calls_return_what_was_sent() {
    in_both_modes(&Options::new(), |connection| {
        for length in [0, 1, 47, 48, 49, 1000, 250_000] {
            let bytes: Vec<u8> = (0..length).map(|index| index as u8).collect();
            assert_eq!(echo(connection, &bytes).unwrap(), bytes);
        }
    });
}

/// A module that answers with the connection's id, whatever it is asked.
struct WhoAmI(Emitter);

impl Dispatch for WhoAmI {
    fn dispatch(&mut self, _: u16, _: Decoder<'_>, reply: Reply<'_>) -> Result<(), CallError> {
        reply.send(&self.0.connection().number())
    }
}

#[test]
fn both_sides_know_the_connection_by_the_same_id() {
    watchdog(|| {
        let connect = || {
            Connection::threaded(&INTERFACE, &Options::new(), |endpoint| endpoint.serve(&INTERFACE, WhoAmI))
                .unwrap()
        };
        let (mut one, other) = (connect(), connect());
        let theirs = one.call(ECHO, &0u8, |input| u64::decode(input.fixed()?, input)).unwrap();
        assert_eq!(ConnectionId::from_number(theirs), one.id());
        assert_ne!(one.id(), other.id());
        assert_ne!(theirs, 0);
    });
}

#[test]
fn every_policy_works_on_either_side() {
    for host in [WaitPolicy::Spin, WaitPolicy::Adaptive, WaitPolicy::Block] {
        for worker in [WaitPolicy::Spin, WaitPolicy::Adaptive, WaitPolicy::Block] {
            in_both_modes(&Options::new().host_wait(host).worker_wait(worker), |connection| {
                for round in 0..200u8 {
                    assert_eq!(echo(connection, &[round]).unwrap(), [round]);
                }
            });
        }
    }
}

#[test]
fn events_are_kept_in_order_and_never_delivered_inside_a_call() {
    in_both_modes(&Options::new(), |connection| {
        for number in 0..100 {
            connection.cast(TELL, &number).unwrap();
        }
        echo(connection, b"behind them").unwrap();
        assert_eq!(events(connection), (0..100).collect::<Vec<_>>());
        connection.cast(TELL, &7u32).unwrap();
        assert!(connection.wait(None).unwrap());
        assert_eq!(events(connection), [7]);
        assert!(!connection.wait(Some(Instant::now() + Duration::from_millis(20))).unwrap());
    });
}

#[test]
fn more_events_than_the_rings_hold_block_nobody() {
    in_both_modes(&Options::new().ring_bytes(1024, 1024), |connection| {
        assert_eq!(call(connection, FLOOD, 10_000).unwrap(), 0);
        assert_eq!(events(connection), (0..10_000).collect::<Vec<_>>());
        // Casts and their events at once, in rings that hold a few of either.
        for number in 0..10_000u32 {
            connection.cast(TELL, &number).unwrap();
        }
        echo(connection, b"").unwrap();
        assert_eq!(events(connection), (0..10_000).collect::<Vec<_>>());
    });
}

#[test]
fn a_flood_that_nobody_asked_for_is_cut_off() {
    watchdog(|| {
        let mut connection = isolated(&Options::new().queue_bytes(10_000));
        let error = call(&mut connection, FLOOD, u32::MAX).unwrap_err();
        assert!(
            matches!(&error, CallError::Protocol(error) if matches!(**error, ProtocolError::Flood { limit: 10_000 }))
        );
        assert!(matches!(echo(&mut connection, b""), Err(CallError::Protocol(_))));
    });
}

/// A descriptor of a file with this content.
fn file(text: &str) -> SharedFd {
    let file = tempfile::tempfile().unwrap();
    rustix::io::write(&file, text.as_bytes()).unwrap();
    OwnedFd::from(file).into()
}

fn content(fd: &SharedFd) -> String {
    let mut text = [0; 16];
    let length = rustix::io::pread(fd.get().unwrap(), &mut text, 0).unwrap();
    String::from_utf8_lossy(&text[..length]).into_owned()
}

#[test]
fn descriptors_arrive_with_their_message() {
    in_both_modes(&Options::new(), |connection| {
        for _ in 0..20 {
            let fds = vec![file("first"), SharedFd::none(), file("third")];
            let back =
                connection.call(SWAP, &fds, |input| Vec::<SharedFd>::decode(input.fixed()?, input)).unwrap();
            assert_eq!(back.iter().map(SharedFd::is_valid).collect::<Vec<_>>(), [true, false, true]);
            assert_eq!(content(&back[0]), "third");
        }
        let many = vec![file("many"); 254];
        let error = connection.call(SWAP, &many, |_| Ok(())).unwrap_err();
        assert!(error.to_string().contains("254 file descriptors"), "{error}");
        echo(connection, b"still there").unwrap();
    });
}

#[test]
fn opaque_messages_are_those_of_generated_code() {
    in_both_modes(&Options::new(), |connection| {
        let (mut bytes, mut fds) = (Vec::new(), Vec::new());
        let files: Vec<SharedFd> = ["one", "two"].map(file).into();
        Encoder::message(&files, &mut bytes, &mut fds).unwrap();
        let request = Opaque { bytes: &bytes, fds: &fds };
        let mut reply = connection.call(SWAP, &request, |input| Ok(OpaqueBuf::from(input))).unwrap();
        let mut came: Vec<Option<OwnedFd>> = reply.fds.drain(..).map(Some).collect();
        let swapped = Decoder::message::<Vec<SharedFd>>(&reply.bytes, &mut came).unwrap();
        assert_eq!(swapped.iter().map(content).collect::<Vec<_>>(), ["two", "one"]);

        connection.cast(TELL, &Opaque::new(&[7, 0, 0, 0, 0, 0, 0, 0])).unwrap();
        assert!(connection.wait(None).unwrap());
        let event = connection.next_event::<OpaqueEvent>().unwrap().unwrap();
        assert_eq!((event.number, event.body.bytes.as_slice()), (1, [7, 0, 0, 0, 0, 0, 0, 0].as_slice()));

        // What the module cannot read is its refusal, and no reason to end anything.
        let error = connection.call(ECHO, &Opaque::new(b"odd"), |_| Ok(())).unwrap_err();
        assert!(matches!(error, CallError::Fault { .. }), "{error}");
        connection.cast(TELL, &7u32).unwrap();
        assert!(connection.wait(None).unwrap());
        let error =
            connection.next_event_with(|number, _| Err::<(), _>(CallError::UnknownEvent { event: number }));
        assert!(matches!(error, Err(CallError::UnknownEvent { event: 1 })));
        assert!(connection.next_event::<Told>().unwrap().is_none());
        assert!(connection.failure().is_none());
    });
}

#[test]
fn a_message_larger_than_the_ring_is_refused_with_both_sizes() {
    in_both_modes(&Options::new().ring_bytes(4096, 8192), |connection| {
        let error = echo(connection, &[0; 10_000]).unwrap_err().to_string();
        assert!(
            error.contains("echo was not sent: a record of 10016 bytes exceeds the ring's 7168"),
            "{error}"
        );
        echo(connection, &[0; 4000]).unwrap();
    });
}

#[test]
fn a_full_ring_fails_at_once_or_at_the_deadline() {
    watchdog(|| {
        let options = Options::new().ring_bytes(500, 500).call_deadline(Duration::from_millis(50));
        for on_full in [OnFull::Fail, OnFull::Wait] {
            let mut connection = isolated(&options.clone().on_full(on_full));
            let error = call(&mut connection, SLEEP, 400).unwrap_err();
            assert!(matches!(error, CallError::Deadline { method: "sleep", .. }), "{error}");
            let error = (0..100).find_map(|number: u32| connection.cast(TELL, &number).err()).unwrap();
            assert!(matches!(error, CallError::Full { method: "tell", .. }), "{error}");
        }
    });
}

#[test]
fn a_late_reply_is_dropped() {
    watchdog(|| {
        let mut connection = isolated(&Options::new().method_deadline("sleep", Duration::from_millis(20)));
        assert!(matches!(call(&mut connection, SLEEP, 100), Err(CallError::Deadline { .. })));
        assert_eq!(echo(&mut connection, b"mine").unwrap(), b"mine");
        assert_eq!(events(&mut connection), [0u32; 0]);
    });
}

#[test]
fn failures_in_the_module_are_told() {
    in_both_modes(&Options::new(), |connection| {
        let error = call(connection, FAIL, 0).unwrap_err().to_string();
        assert_eq!(error, "fail failed in the module: on purpose");
        let error = call(connection, 99, 0).unwrap_err().to_string();
        assert_eq!(error, "? failed in the module: no method has number 99");
        connection.cast(REFUSE, &0u32).unwrap();
        assert!(connection.wait(None).unwrap());
        let error = connection.next_event::<Told>().unwrap_err().to_string();
        assert_eq!(error, "refuse failed in the module: on purpose");
        let error =
            connection.call(ECHO, &[1u8][..], |input| bool::decode(input.fixed()?, input)).unwrap_err();
        assert!(matches!(error, CallError::Decode(_)), "{error}");
        echo(connection, b"still there").unwrap();
    });
}

#[test]
fn death_ends_a_call_at_once_and_says_how() {
    watchdog(|| {
        for (how, exit) in [(0, Exit::Status(101)), (1, Exit::Signal(6)), (2, Exit::Status(7))] {
            let mut connection = isolated(&Options::new().call_deadline(Duration::from_secs(3600)));
            let CallError::Died(death) = call(&mut connection, DIE, how).unwrap_err() else {
                panic!("no death")
            };
            assert_eq!((&death.exit, death.last_call), (&exit, Some("die")));
            if how == 0 {
                assert!(death.stderr.contains("asked to"), "{death}");
            }
            assert!(matches!(echo(&mut connection, b""), Err(CallError::Died(_))));
            assert!(matches!(connection.cast(TELL, &1u32), Err(CallError::Died(_))));
            assert!(matches!(connection.next_event::<Told>(), Err(CallError::Died(_))));
        }
        let mut connection = Connection::threaded(&INTERFACE, &Options::new(), serve).unwrap();
        let error = call(&mut connection, DIE, 0).unwrap_err().to_string();
        assert!(
            error.starts_with("the threaded module of test.Echo panicked: asked to; the last call was die"),
            "{error}"
        );
    });
}

#[test]
fn a_killed_worker_is_noticed_while_idle_and_leaves_no_zombie() {
    watchdog(|| {
        let mut connection = isolated(&Options::new());
        let fd = connection.as_fd().try_clone_to_owned().unwrap();
        let pid = connection.worker_pid().unwrap();
        let kill = rustix::process::Pid::from_raw(pid as i32).unwrap();
        rustix::process::kill_process(kill, rustix::process::Signal::KILL).unwrap();
        poll(&mut [PollFd::new(&fd, PollFlags::IN)], None).unwrap();
        let CallError::Died(death) = connection.next_event::<Told>().unwrap_err() else { panic!("no death") };
        assert_eq!(death.exit, Exit::Signal(9));
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "a zombie is left");
    });
}

#[test]
fn a_dropped_connection_ends_its_worker_even_if_it_hangs() {
    watchdog(|| {
        let gone = |pid: u32| !std::path::Path::new(&format!("/proc/{pid}")).exists();
        let connection = isolated(&Options::new());
        let pid = connection.worker_pid().unwrap();
        drop(connection);
        assert!(gone(pid));

        let options =
            Options::new().call_deadline(Duration::from_millis(10)).exit_deadline(Duration::from_millis(50));
        let mut connection = isolated(&options);
        let pid = connection.worker_pid().unwrap();
        call(&mut connection, SLEEP, 3_600_000).unwrap_err();
        drop(connection);
        assert!(gone(pid));
    });
}

#[test]
fn the_descriptor_wakes_an_event_loop() {
    in_both_modes(&Options::new(), |connection| {
        let fd = connection.as_fd().try_clone_to_owned().unwrap();
        let readable = |timeout| {
            let timeout = Timespec { tv_sec: timeout, tv_nsec: 0 };
            poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&timeout)).unwrap() == 1
        };
        for number in 0..50 {
            assert_eq!(events(connection), [0u32; 0]);
            assert!(!readable(0));
            connection.cast(TELL, &number).unwrap();
            assert!(readable(30));
            assert_eq!(events(connection), [number]);
        }
        // An event that a call picked up is announced all the same.
        connection.cast(TELL, &1u32).unwrap();
        echo(connection, b"").unwrap();
        assert!(readable(30));
        assert_eq!(events(connection), [1]);
        // The call itself leaves nothing behind.
        echo(connection, b"").unwrap();
        assert_eq!(events(connection), [0u32; 0]);
        assert!(!readable(0));
    });
}

#[test]
fn interfaces_that_differ_do_not_meet() {
    static OTHER: Interface = Interface { name: "test.Other", hash: 0x9999, ..INTERFACE };
    watchdog(|| {
        let error = Connection::isolated(&OTHER, &Options::new(), &worker()).unwrap_err().to_string();
        assert_eq!(
            error,
            "the module of test.Other was refused: it says: it has interface test.Other with hash 0x0000000000009999, \
             this side test.Echo with 0x0000000000001234; build both sides from the same mojom file"
        );
    });
}

#[test]
fn a_program_that_is_no_worker_is_an_error_with_its_words() {
    watchdog(|| {
        let connect =
            |worker: Worker| Connection::isolated(&INTERFACE, &Options::new(), &worker).unwrap_err();
        let error = connect(Worker::component("echo").program("/nonexistent/worker"));
        assert!(matches!(&error, ConnectError::Spawn { .. }), "{error}");
        let words =
            Worker::component("echo").program("/bin/sh").args(["-c", "echo no such thing >&2; exit 3"]);
        let ConnectError::Died(death) = connect(words) else { panic!("no death") };
        assert_eq!((death.exit, death.stderr.as_str()), (Exit::Status(3), "no such thing\n"));
        let error = connect(worker().renamed("nothing")).to_string();
        assert!(error.contains("this worker has no component \"nothing\"; it has echo, captive"), "{error}");
        let silent = Worker::component("echo").program("/bin/sleep").args(["3600"]);
        let options = Options::new().handshake_deadline(Duration::from_millis(50));
        let error = Connection::isolated(&INTERFACE, &options, &silent).unwrap_err().to_string();
        assert!(error.contains("did not answer the handshake in time"), "{error}");
    });
}

#[test]
fn an_idle_connection_uses_no_processor_and_no_wake_ups() {
    watchdog(|| {
        let mut connection = isolated(&Options::new());
        echo(&mut connection, b"awake").unwrap();
        let pid = connection.worker_pid().unwrap();
        let switches = || {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
            let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches")).unwrap();
            line.split_whitespace().last().unwrap().parse::<u64>().unwrap()
        };
        // Until it has looked long enough, and sleeps.
        let mut before = switches();
        loop {
            std::thread::sleep(Duration::from_millis(100));
            match switches() {
                same if same == before => break,
                later => before = later,
            }
        }
        let used = connection.worker_cpu_time().unwrap();
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(switches(), before, "an idle worker woke up");
        assert_eq!(connection.worker_cpu_time().unwrap(), used, "an idle worker used the processor");
    });
}

/// The module sleeps until its large event fits, which it does not before the host gives back the line of the reply; the
/// host sleeps until its casts fit.
#[test]
fn a_host_that_waits_for_room_has_given_all_of_its_own() {
    let options = Options::new().ring_bytes(896, 896).call_deadline(Duration::from_secs(30));
    in_both_modes(&options, |connection| {
        echo(connection, b"read, and its line not yet given back").unwrap();
        connection.cast(SHOUT, &860u32).unwrap();
        for number in 0..100u32 {
            connection.cast(TELL, &number).unwrap();
        }
        let expected: Vec<u32> = std::iter::once(860).chain(0..100).collect();
        let mut told = Vec::new();
        while told.len() < expected.len() {
            assert!(connection.wait(Some(Instant::now() + Duration::from_secs(30))).unwrap(), "{told:?}");
            told.extend(events(connection));
        }
        assert_eq!(told, expected);
    });
}

#[test]
fn an_owner_who_sleeps_on_the_descriptor_has_given_all_room_back() {
    // A host that does not sleep leaves no doorbell rung behind, which would wake the owner by chance.
    let options = Options::new().ring_bytes(896, 896).host_wait(WaitPolicy::Spin);
    in_both_modes(&options, |connection| {
        connection.as_fd();
        // Silences the descriptor.
        assert!(events(connection).is_empty());
        echo(connection, b"its line is not given back by reading it").unwrap();
        connection.cast(SHOUT, &860u32).unwrap();
        let mut told = Vec::new();
        while told.is_empty() {
            let timeout = Timespec { tv_sec: 30, tv_nsec: 0 };
            let ready = poll(&mut [PollFd::new(connection, PollFlags::IN)], Some(&timeout)).unwrap();
            assert_eq!(ready, 1, "nobody woke: {told:?}");
            told.extend(events(connection));
        }
        assert_eq!(told, [860]);
    });
}

/// Neither a reply nor the events before it ring for a host that is awake, whether or not its owner will sleep on the
/// descriptor later.
#[test]
fn events_before_a_reply_cost_no_wake_up() {
    let options = Options::new().host_wait(WaitPolicy::Spin).worker_wait(WaitPolicy::Spin);
    in_both_modes(&options, |connection| {
        // One processor falls back to blocking, which rings.
        let spins = std::thread::available_parallelism().is_ok_and(|count| count.get() > 1);
        for watched in [false, true] {
            if watched {
                connection.as_fd();
            }
            let before = connection.meter().read().to_host.sent;
            for _ in 0..100 {
                call(connection, FLOOD, 10).unwrap();
            }
            let after = connection.meter().read().to_host.sent;
            assert_eq!(after.records - before.records, 1100);
            assert!(!spins || after.wake_ups == before.wake_ups, "watched: {watched}, {after:?}");
            assert_eq!(events(connection).len(), 1000);
        }
    });
}

#[test]
fn what_goes_over_a_connection_is_counted() {
    in_both_modes(&Options::new(), |connection| {
        assert!(connection.latency().is_none());
        connection.record_latency(true);
        for number in 0..10 {
            connection.cast(TELL, &number).unwrap();
        }
        for _ in 0..5 {
            echo(connection, b"counted").unwrap();
        }
        assert_eq!(connection.latency().unwrap().len(), 5);
        let counters = connection.meter().read();
        let (calls, answers) = (counters.to_module, counters.to_host);
        assert_eq!((calls.sent.records, calls.received.records), (15, 15));
        assert_eq!((answers.sent.records, answers.received.records), (15, 15));
        // Eight bytes of header and eight of a number; an echo has a span and its bytes.
        assert_eq!(calls.sent.bytes, 10 * 16 + 5 * 24);
        // A module that has had nothing to do for long enough sleeps; whoever wakes it counts that.
        let rung = |connection: &Connection| connection.meter().read().to_module.sent.wake_ups;
        let before = rung(connection);
        while rung(connection) == before {
            std::thread::sleep(Duration::from_millis(20));
            connection.cast(TELL, &0u32).unwrap();
        }
    });
}
