//! Connections of other processes, seen from here.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use common::{until, watchdog};
use ringfence::bench::{COMPONENT, Pair, Place};
use ringfence::interfaces::bench::{Bench, BenchProxy, Pod};
use ringfence::ipc::observe::{self, MessageKind, Observed};
use ringfence::ipc::{Mode, Options, Worker};
use ringfence::serialize::native::{Decode, Decoder};

/// Says that this process is a host, and of what kind.
const HOST: &str = "RINGFENCE_TEST_OBSERVED_HOST";
const AWHILE: Duration = Duration::from_secs(30);

/// Not a test: a host in a process of its own, which calls its module once for each line that it reads.
#[test]
fn host_entry() {
    let Some(mode) = std::env::var_os(HOST) else { return };
    let options = Options::new().label("another's");
    let worker = Worker::component(COMPONENT).program(env!("CARGO_BIN_EXE_ringfence-worker"));
    let (mut isolated, mut threaded);
    let proxy = if mode == "isolated" {
        isolated = BenchProxy::isolated(&options, &worker).unwrap();
        &mut isolated
    } else {
        threaded = Pair::new(Mode::Threaded, &options, Place::Free).unwrap();
        threaded.proxy()
    };
    println!("\nready {}", proxy.connection().unwrap().id());
    for line in std::io::stdin().lines() {
        let value = Pod { a: line.unwrap().parse().unwrap(), ..Pod::default() };
        assert_eq!(proxy.ping(&value).unwrap(), value);
        println!("\ncalled");
    }
}

struct Host {
    process: Child,
    to: ChildStdin,
    from: Box<dyn BufRead>,
}

impl Host {
    fn start(mode: &str) -> (Self, Observed) {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "host_entry", "--nocapture"])
            .env(HOST, mode)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, from) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let mut host = Self { process, to, from: Box::new(BufReader::new(from)) };
        let id = host.wait_for("ready ").parse().unwrap();
        let found = observe::connections().into_iter().find(|it| it.id == id).expect("it can be seen");
        (host, found)
    }

    fn wait_for(&mut self, start: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.from.read_line(&mut line).unwrap(), 0, "the host has ended");
            if let Some(rest) = line.strip_prefix(start) {
                return rest.trim().to_owned();
            }
        }
    }

    fn call(&mut self, value: u32) {
        writeln!(self.to, "{value}").unwrap();
        self.wait_for("called");
    }
}

#[test]
fn another_process_is_watched_without_its_doing() {
    watchdog(watch_another);
}

fn watch_another() {
    for mode in ["threaded", "isolated"] {
        let (mut host, observed) = Host::start(mode);
        assert_eq!(observed.host_pid, host.process.id());
        assert_eq!(observed.mode, if mode == "threaded" { Mode::Threaded } else { Mode::Isolated });
        assert_eq!(observed.worker_pid.is_some(), mode == "isolated");
        assert_eq!(observed.component, if mode == "threaded" { "" } else { COMPONENT });
        assert_eq!(
            (observed.label.as_str(), observed.interface.as_str()),
            ("another's", ringfence::interfaces::bench::INTERFACE.name)
        );
        host.call(1);
        let before = observed.sample();
        assert_eq!(
            (before.counters.to_module.sent.records, before.counters.to_host.received.records),
            (1, 1)
        );
        assert_eq!(before.latency.count(), 0);

        observed.watch_latency(AWHILE);
        let mut tracer = observed.trace(AWHILE).unwrap();
        (2..=100).for_each(|value| host.call(value));
        let sample = observed.sample();
        assert_eq!(sample.counters.to_module.sent.records, 100);
        assert_eq!(sample.latency.count(), 99);
        for value in 2..=100 {
            for kind in [MessageKind::Call, MessageKind::Reply] {
                let record = tracer.next().unwrap();
                assert_eq!((record.kind, record.sequence, record.is_whole()), (kind, value, true));
                let mut input = Decoder::new(&record.payload, &mut []);
                let wire = input.fixed().unwrap();
                assert_eq!(Pod::decode(wire, &mut input).unwrap().a, u64::from(value));
            }
        }
        assert_eq!((tracer.next(), tracer.lost()), (None, 0));

        // However a host ends, whoever watches goes on, and sees that it has.
        assert!(observed.is_open());
        host.process.kill().unwrap();
        host.process.wait().unwrap();
        until(|| !observed.is_open());
        assert_eq!(observed.sample().counters.to_module.sent.records, 100);
        assert!(observe::connections_of(observed.host_pid).is_empty());
        // We still have its page open, and are no host for that.
        assert!(observe::connections().iter().all(|it| it.id != observed.id));
    }
}

/// Not a test: an observer that asks for everything, and is killed.
#[test]
fn observer_entry() {
    let Ok(id) = std::env::var(HOST.to_owned() + "_OBSERVER") else { return };
    let id = id.parse().unwrap();
    let observed = observe::connections().into_iter().find(|it| it.id == id).unwrap();
    observed.watch_latency(Duration::from_secs(1));
    let _tracer = observed.trace(Duration::from_secs(1)).unwrap();
    println!("\nwatching");
    std::thread::sleep(Duration::from_secs(3600));
}

#[test]
fn the_wish_of_an_observer_that_was_killed_lapses() {
    watchdog(kill_an_observer);
}

fn kill_an_observer() {
    let (mut host, observed) = Host::start("threaded");
    let mut observer = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "observer_entry", "--nocapture"])
        .env(HOST.to_owned() + "_OBSERVER", observed.id.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(observer.stdout.take().unwrap()).lines();
    while lines.next().unwrap().unwrap() != "watching" {}
    observer.kill().unwrap();
    observer.wait().unwrap();
    // A second and more after the wish.
    std::thread::sleep(Duration::from_millis(1100));
    host.call(1);
    let before = observed.sample().latency.count();
    host.call(2);
    assert_eq!(observed.sample().latency.count(), before);
    drop(host.to);
    host.process.wait().unwrap();
}
