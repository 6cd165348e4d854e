//! Everything that the header can, under a real host.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use ringfence::ipc::module::ModuleFile;
use ringfence::ipc::{CallError, Connection, Mode, Options, SandboxPolicy, WaitPolicy, Worker};
use ringfence::serialize::SharedFd;
use rustix::fs::{MemfdFlags, fstat, memfd_create};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::compile::{module, sanitized_worker};
use crate::exerciser::{Everything, Exerciser, ExerciserEvent, ExerciserProxy, INTERFACE, Inner};
use crate::{Random, patient, watchdog};

/// Bytes before a body, and of a span.
const OVERHEAD: usize = 16;

/// The module in a worker of its own, which is this executable again.
pub fn isolated(module: &ModuleFile, options: &Options) -> ExerciserProxy {
    let own = std::env::current_exe().unwrap();
    let worker = Worker::loading(module).program(own);
    let worker = worker.args(["--exact", "speed::worker_entry", "--nocapture"]);
    ExerciserProxy::isolated(options, &worker).unwrap()
}

/// The module in a thread.
fn threaded(module: &ModuleFile, options: &Options) -> ExerciserProxy {
    let module = module.clone();
    let connection = Connection::threaded(&INTERFACE, options, move |endpoint| module.serve(endpoint));
    ExerciserProxy::over(connection.unwrap())
}

/// A module that watches itself, which needs more than a sandbox allows.
fn sanitized(program: &Path, options: &Options) -> ExerciserProxy {
    let worker = Worker::component("exerciser").program(program);
    ExerciserProxy::isolated(&options.clone().sandbox(SandboxPolicy::off()), &worker).unwrap()
}

/// Runs `test` with the module loaded into a sandboxed worker and into a thread, and with one that watches itself.
fn everywhere(options: Options, test: impl Fn(&mut ExerciserProxy)) {
    let options = &patient(options);
    watchdog(|| {
        if let Some(module) = module() {
            test(&mut isolated(module, options));
            test(&mut threaded(module, options));
        }
        if let Some(program) = sanitized_worker() {
            test(&mut sanitized(program, options));
        }
    });
}

/// The next event, which comes.
fn event(proxy: &mut ExerciserProxy) -> Result<ExerciserEvent, CallError> {
    assert!(proxy.wait(Some(Instant::now() + Duration::from_secs(120)))?, "no event came");
    Ok(proxy.next_event()?.expect("one was announced"))
}

fn fault(error: CallError) -> String {
    let CallError::Fault { message, .. } = error else { panic!("{error}") };
    message
}

#[test]
fn what_is_echoed_is_what_was_said_whatever_its_size() {
    // 64 lines of 56 bytes.
    let options = Options::new().ring_bytes(64 * 56, 64 * 56);
    everywhere(options, |proxy| {
        let mut random = Random::new();
        let largest = 64 * 56 - OVERHEAD;
        let sizes: Vec<_> = (0..=largest).chain((0..2000).map(|_| random.below(largest + 1))).collect();
        for size in sizes {
            let bytes = random.bytes(size);
            assert!(proxy.echo(&bytes).unwrap() == bytes, "{size} bytes came back as others");
        }
        assert!(matches!(proxy.echo(&vec![0; largest + 1]), Err(CallError::TooLarge { .. })));
        assert_eq!(proxy.ping(5).unwrap(), 5);
    });
}

#[test]
fn large_messages_go_through_the_default_rings() {
    everywhere(Options::new(), |proxy| {
        let mut random = Random::new();
        for _ in 0..100 {
            let size = random.below(200_000);
            let bytes = random.bytes(size);
            assert!(proxy.echo(&bytes).unwrap() == bytes, "{size} bytes came back as others");
        }
    });
}

pub fn everything(random: &mut Random) -> Everything {
    let text = |random: &mut Random| {
        (0..random.below(9)).map(|_| ['a', 'é', '€', '😀', '\0'][random.below(5)]).collect::<String>()
    };
    let inner = |random: &mut Random| Inner {
        name: text(random),
        words: (0..random.below(4)).map(|_| text(random)).collect(),
        number: random.next() as i16,
    };
    let floats = |random: &mut Random| (0..random.below(4)).map(|_| random.next() as f64).collect();
    Everything {
        yes: random.below(2) == 1,
        a: random.next() as u8,
        b: random.next() as i8,
        c: random.next() as u16,
        d: random.next() as i16,
        e: random.next() as u32,
        f: random.next() as i32,
        g: random.next(),
        h: random.next() as i64,
        i: random.next() as f32,
        j: random.next() as f64,
        text: text(random),
        inner: (0..random.below(5)).map(|_| inner(random)).collect(),
        series: (0..random.below(5))
            .map(|_| (random.next() as u32, floats(random)))
            .collect::<BTreeMap<_, Vec<f64>>>(),
        last: text(random),
    }
}

#[test]
fn every_type_is_read_and_written_as_this_side_does() {
    everywhere(Options::new(), |proxy| {
        let mut random = Random::new();
        for _ in 0..3000 {
            let value = everything(&mut random);
            assert_eq!(proxy.repeat(&value).unwrap(), value);
        }
    });
}

#[test]
fn failures_reach_the_caller_and_the_next_call_is_as_good_as_any() {
    // The shortest ring to the host that there is, and a longer one.
    for (to_host, capacity) in [(2 * 56, 112), (128 * 56, 7168)] {
        everywhere(Options::new().ring_bytes(4096, to_host), |proxy| {
            assert_eq!(fault(proxy.refuse("no film").unwrap_err()), "no film");
            let long = fault(proxy.refuse(&"x".repeat(250)).unwrap_err());
            assert_eq!(long, "x".repeat(250.min(capacity - OVERHEAD)));
            assert_eq!(fault(proxy.forget().unwrap_err()), "the method sent no reply");
            let expected = format!("a record of 100016 bytes exceeds the ring's {capacity}");
            assert_eq!(fault(proxy.grow(100_000).unwrap_err()), expected);
            assert_eq!(proxy.grow(64).unwrap(), [0; 64]);
            proxy.refuse_later("no film either").unwrap();
            assert_eq!(fault(event(proxy).unwrap_err()), "no film either");
            assert_eq!(proxy.ping(7).unwrap(), 7);
        });
    }
}

#[test]
fn events_wait_for_room_and_keep_their_order() {
    for (threads, to_host) in [(0, 2048), (1, 2048), (4, 2048), (4, 256 << 10)] {
        everywhere(Options::new().ring_bytes(4096, to_host), |proxy| {
            let (events, bytes) = (2000, 100);
            proxy.flood(threads, events, bytes).unwrap();
            let threads = threads.max(1);
            let mut due = vec![0; threads as usize];
            for turn in 0..threads * events {
                // Let the ring run full now and then.
                if turn.is_multiple_of(999) {
                    std::thread::sleep(Duration::from_millis(20));
                }
                let ExerciserEvent::Told { thread, number, filling } = event(proxy).unwrap() else {
                    panic!()
                };
                assert_eq!(number, due[thread as usize], "of thread {thread}");
                assert!(filling == [thread as u8; 100], "{filling:?}");
                due[thread as usize] += 1;
            }
            assert!(proxy.next_event().unwrap().is_none());
            assert_eq!(proxy.ping(1).unwrap(), 1);
            let counters = proxy.connection().unwrap().meter().read();
            assert_eq!(counters.to_host.sent.records, u64::from(threads * events) + 1);
            assert_eq!(counters.to_host.sent.records, counters.to_host.received.records);
            assert!(to_host > 2048 || counters.to_host.sent.full > 0, "{counters:?}");
        });
    }
}

fn memfd() -> OwnedFd {
    memfd_create("c-module", MemfdFlags::CLOEXEC).unwrap()
}

#[test]
fn descriptors_travel_both_ways_and_none_is_left_behind() {
    everywhere(Options::new(), |proxy| {
        let before = proxy.open_fds().unwrap();
        let mut random = Random::new();
        let identity = |fd: &SharedFd| fd.get().map(|fd| fstat(fd).unwrap().st_ino);
        for count in (0..40).chain([100, 200, 253]) {
            // Some are none.
            let fd = |_| if random.below(5) == 0 { SharedFd::none() } else { memfd().into() };
            let fds: Vec<SharedFd> = (0..count).map(fd).collect();
            let reversed = proxy.swap(&fds).unwrap();
            let expected: Vec<_> = fds.iter().rev().map(identity).collect();
            assert_eq!(reversed.iter().map(identity).collect::<Vec<_>>(), expected);
            let Some(fd) = fds.into_iter().find(SharedFd::is_valid) else { continue };
            proxy.give(&fd).unwrap();
            let ExerciserEvent::Gave { fd: given } = event(proxy).unwrap() else { panic!() };
            assert_eq!(identity(&given), identity(&fd));
        }
        // A thread counts those of other tests too.
        assert!(proxy.mode() == Mode::Threaded || proxy.open_fds().unwrap() == before);
    });
}

#[test]
fn no_wake_up_is_lost_however_slowly_calls_come() {
    for (policy, calls) in [(WaitPolicy::Block, 20_000), (WaitPolicy::Adaptive, 20_000)] {
        let options = patient(Options::new().host_wait(policy).worker_wait(policy));
        watchdog(|| {
            let Some(module) = module() else { return };
            let mut proxy = isolated(module, &options);
            let mut random = Random::new();
            for value in 0..calls {
                // About as long as the module takes to fall asleep, so that the two cross.
                let pause = Instant::now() + Duration::from_nanos(random.below(60_000) as u64);
                while Instant::now() < pause {
                    std::hint::spin_loop();
                }
                assert_eq!(proxy.ping(value).unwrap(), value);
            }
            let counters = proxy.connection().unwrap().meter().read();
            assert_eq!(counters.to_module.received.records, u64::from(calls));
            assert_eq!(counters.to_host.sent.records, u64::from(calls));
            assert!(
                counters.to_module.sent.wake_ups > 0 && counters.to_module.received.sleeps > 0,
                "{counters:?}"
            );
            assert!(counters.to_module.received.last_wake_up_ns > 0, "{counters:?}");
            assert!(
                policy == WaitPolicy::Adaptive || counters.to_host.received.last_wake_up_ns > 0,
                "{counters:?}"
            );
        });
    }
}

#[test]
fn all_ways_of_waiting_work() {
    for policy in [WaitPolicy::Spin, WaitPolicy::Adaptive, WaitPolicy::Block] {
        everywhere(Options::new().worker_wait(policy).ring_bytes(4096, 2048), |proxy| {
            for value in 0..500 {
                assert_eq!(proxy.ping(value).unwrap(), value);
            }
            proxy.flood(2, 200, 64).unwrap();
            for _ in 0..400 {
                assert!(matches!(event(proxy).unwrap(), ExerciserEvent::Told { .. }));
            }
        });
    }
}

#[test]
fn one_processor_is_enough_for_both() {
    watchdog(|| {
        let Some(module) = module() else { return };
        let all = sched_getaffinity(None).unwrap();
        let mut one = CpuSet::new();
        one.set((0..CpuSet::MAX_CPU).find(|&cpu| all.is_set(cpu)).unwrap());
        sched_setaffinity(None, &one).unwrap();
        for connect in [isolated, threaded] {
            let mut proxy = connect(module, &patient(Options::new().ring_bytes(4096, 2048)));
            for value in 0..2000 {
                assert_eq!(proxy.ping(value).unwrap(), value);
            }
            proxy.flood(2, 500, 64).unwrap();
            for _ in 0..1000 {
                assert!(matches!(event(&mut proxy).unwrap(), ExerciserEvent::Told { .. }));
            }
            // Who cannot run while the other looks had better not look.
            let counters = proxy.connection().unwrap().meter().read();
            assert_eq!(counters.to_module.received.looks, 0, "{counters:?}");
        }
        sched_setaffinity(None, &all).unwrap();
    });
}
