//! One session of the vimc interface, in a call, in a thread and in a process: the caller cannot tell which.

mod common;
#[path = "common/vimc.rs"]
mod vimc;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use common::watchdog;
use ringfence::interfaces::libcamera::{IpaBuffer, IpaCameraSensorInfo, IpaSettings, IpaStream};
use ringfence::interfaces::vimc::{
    IpaOperationCode, IpaVimc, IpaVimcEvent, IpaVimcEvents, IpaVimcProxy, TestFlag,
};
use ringfence::ipc::{CallError, Mode, Options, WaitPolicy};
use ringfence::serialize::controls::ids::controls as ids;
use ringfence::serialize::{ControlInfoMap, ControlList, Flags, SharedFd, Size};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use vimc::{REFUSED_FRAME, Vimc, buffer, worker};

const MODES: [Mode; 3] = [Mode::Direct, Mode::Threaded, Mode::Isolated];

/// Not a test: what this executable does when it is started as a worker.
#[test]
fn worker_entry() {
    vimc::serve_if_worker();
}

fn connect(mode: Mode, options: &Options) -> IpaVimcProxy {
    let proxy = match mode {
        Mode::Direct => IpaVimcProxy::direct(Vimc::new),
        Mode::Threaded => IpaVimcProxy::threaded(options, Vimc::new),
        Mode::Isolated => IpaVimcProxy::isolated(options, &worker()),
    };
    let proxy = proxy.expect("it connects");
    assert_eq!(proxy.mode(), mode);
    assert_eq!(proxy.connection().is_some(), mode != Mode::Direct);
    proxy
}

fn settings(file: &str) -> IpaSettings {
    IpaSettings { configuration_file: file.into(), sensor_model: "imx219".into() }
}

fn shared(file: &File) -> SharedFd {
    OwnedFd::from(file.try_clone().unwrap()).into()
}

/// Events until there have been this many.
fn events(proxy: &mut IpaVimcProxy, count: usize) -> Vec<IpaVimcEvent> {
    let mut events = Vec::new();
    while events.len() < count {
        assert!(proxy.wait(None).unwrap());
        events.extend(std::iter::from_fn(|| proxy.next_event().unwrap()));
    }
    events
}

/// A failure without what a connection adds to it: who failed.
fn reason<T: std::fmt::Debug>(result: Result<T, CallError>) -> String {
    match result.unwrap_err() {
        CallError::Module(message) | CallError::Fault { message, .. } => message,
        error => panic!("{error:?}"),
    }
}

fn is_readable(proxy: &IpaVimcProxy, patience: Duration) -> bool {
    let timeout = Timespec::try_from(patience).unwrap();
    poll(&mut [PollFd::new(proxy, PollFlags::IN)], Some(&timeout)).unwrap() == 1
}

/// The whole session, as lines that have to be the same in all modes.
fn session(proxy: &mut IpaVimcProxy) -> Vec<String> {
    let mut lines = Vec::new();
    let mut note = |what: String| lines.push(what);

    let mut trace = tempfile::tempfile().unwrap();
    let flags = TestFlag::Flag2 | TestFlag::Flag4;
    let code = IpaOperationCode::IpaOperationNone;
    note(format!("{:?}", proxy.init(&settings("/no/such/file"), &SharedFd::none(), code, flags)));
    note(format!("{:?}", proxy.init(&settings("/dev/null"), &shared(&trace), code, Flags::empty())));

    let info = IpaCameraSensorInfo { model: "imx219".into(), pixel_rate: u64::MAX, ..Default::default() };
    let stream = IpaStream { pixel_format: 0x3432_5258, size: Size { width: 640, height: 480 } };
    let streams: BTreeMap<u32, IpaStream> = (0..300).map(|number| (number * 7, stream)).collect();
    let controls: BTreeMap<u32, ControlInfoMap> = [(0, ControlInfoMap::default())].into();
    note(format!("{:?}", proxy.configure(&info, &streams, &controls)));
    note(format!(
        "{:?}",
        proxy.configure(&IpaCameraSensorInfo::default(), &BTreeMap::new(), &BTreeMap::new())
    ));
    note(format!("{:?}", proxy.start()));

    note(format!("{:?}", proxy.map_buffers(&[])));
    note(format!("{:?}", proxy.map_buffers(&[buffer(3), buffer(1), buffer(2)])));
    let mut list = ControlList::default();
    list.set(&ids::COLOUR_TEMPERATURE, 4500);
    for frame in 0..200 {
        note(format!("{:?}", proxy.queue_request(frame, &list)));
        // Every fourth buffer is unknown: no event.
        note(format!("{:?}", proxy.compute_params(frame, frame % 4)));
    }
    note(format!("{:?}", events(proxy, 150)));

    note(reason(proxy.map_buffers(&[IpaBuffer { id: 7, planes: Vec::new() }])));
    let mut without = buffer(8);
    without.planes[0].fd = SharedFd::none();
    note(reason(proxy.map_buffers(&[without])));
    let mut long = buffer(9);
    long.planes[0].length = 4097;
    note(reason(proxy.map_buffers(&[long])));

    note(format!("{:?}", proxy.unmap_buffers(&[1, 99])));
    for number in [1, 2] {
        note(format!("{:?}", proxy.compute_params(1000, number)));
    }
    // Behind a call everything sent before has been dealt with.
    note(format!("{:?}", proxy.stop()));
    note(format!("{:?}", events(proxy, 1)));
    note(format!("{:?}", proxy.next_event()));
    note(format!("{:?}", proxy.wait(Some(Instant::now()))));

    let mut written = Vec::new();
    trace.rewind().unwrap();
    trace.read_to_end(&mut written).unwrap();
    note(format!("{written:?}"));
    lines
}

#[test]
fn a_session_is_the_same_in_all_modes() {
    watchdog(|| {
        let policies = [WaitPolicy::Adaptive, WaitPolicy::Block];
        let mut sessions = Vec::new();
        for mode in MODES {
            for policy in policies {
                let options = Options::new().host_wait(policy).worker_wait(policy);
                sessions.push(session(&mut connect(mode, &options)));
            }
        }
        let first = &sessions[0];
        assert_eq!(first[0], "Ok((-22, {Flag1}))");
        assert_eq!(first[1], "Ok((0, {Flag1}))");
        assert_eq!(
            first.last().unwrap(),
            "[1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]",
            "init, start and stop left a trace"
        );
        for session in &sessions[1..] {
            assert_eq!(first, session);
        }
    });
}

#[test]
fn a_session_fits_through_small_rings() {
    watchdog(|| {
        let options = Options::new().ring_bytes(16 << 10, 1024);
        let direct = session(&mut connect(Mode::Direct, &options));
        for mode in [Mode::Threaded, Mode::Isolated] {
            assert_eq!(session(&mut connect(mode, &options)), direct);
        }
    });
}

#[test]
fn the_failure_of_an_asynchronous_call_is_told() {
    watchdog(|| {
        for mode in MODES {
            let mut proxy = connect(mode, &Options::new());
            let refused = proxy.queue_request(REFUSED_FRAME, &ControlList::default());
            let told = match mode {
                // It has been carried out when the call returns.
                Mode::Direct => refused.map(|()| None),
                _ => {
                    refused.unwrap();
                    assert!(proxy.wait(None).unwrap());
                    proxy.next_event()
                }
            };
            assert_eq!(reason(told), "there is no such frame");
            assert_eq!(proxy.next_event().unwrap(), None);
            assert_eq!(proxy.start().unwrap(), 0);
        }
    });
}

#[test]
fn the_descriptor_is_readable_while_there_are_events() {
    watchdog(|| {
        for mode in MODES {
            let mut proxy = connect(mode, &Options::new());
            let number = proxy.as_fd();
            assert!(number.try_clone_to_owned().is_ok());
            proxy.map_buffers(&[buffer(1)]).unwrap();
            for round in 0..20 {
                assert_eq!(proxy.next_event().unwrap(), None, "{mode}");
                assert!(!is_readable(&proxy, Duration::ZERO), "{mode}: round {round}");
                for frame in 0..=round {
                    proxy.compute_params(frame, 1).unwrap();
                }
                assert!(is_readable(&proxy, Duration::from_secs(100)), "{mode}: round {round}");
                if round % 2 == 0 {
                    // A call takes in the events that came before its reply; they are announced all the same.
                    proxy.start().unwrap();
                    assert!(is_readable(&proxy, Duration::from_secs(100)), "{mode}: round {round}");
                }
                assert_eq!(events(&mut proxy, round as usize + 1).len(), round as usize + 1);
            }
        }
    });
}

#[test]
fn events_are_delivered_by_dispatch_alone() {
    struct Counter(Vec<u32>);

    impl IpaVimcEvents for Counter {
        fn params_computed(&mut self, buffer_id: u32, flags: Flags<TestFlag>) {
            assert!(flags.is_empty());
            self.0.push(buffer_id);
        }
    }

    watchdog(|| {
        for mode in MODES {
            let mut proxy = connect(mode, &Options::new());
            proxy.map_buffers(&[buffer(5), buffer(6)]).unwrap();
            let mut counter = Counter(Vec::new());
            for frame in 0..10 {
                proxy.compute_params(frame, 5 + frame % 2).unwrap();
            }
            proxy.start().unwrap();
            proxy.dispatch(&mut counter).unwrap();
            assert_eq!(counter.0, [5, 6, 5, 6, 5, 6, 5, 6, 5, 6], "{mode}");
        }
    });
}

/// Counts what it hears.
#[derive(Default)]
struct Counter(usize);

impl ringfence::interfaces::bench::BenchEvents for Counter {
    fn told(&mut self, _: &ringfence::interfaces::bench::Pod) {
        self.0 += 1;
    }
}

#[test]
fn dispatch_gives_its_caller_a_turn_among_many_events() {
    use ringfence::bench::{Pair, Place};
    use ringfence::interfaces::bench::{Bench, Pod};
    use ringfence::ipc::{DISPATCH_LIMIT, Mode};
    watchdog(|| {
        for mode in [Mode::Direct, Mode::Threaded] {
            let mut pair = Pair::new(mode, &Options::new(), Place::Free).unwrap();
            let proxy = pair.proxy();
            let all = 2 * DISPATCH_LIMIT + 100;
            (0..all).for_each(|_| proxy.tell(&Pod::default()).unwrap());
            proxy.flush().unwrap();
            let mut counter = Counter::default();
            let taken: Vec<usize> = (0..4).map(|_| proxy.dispatch(&mut counter).unwrap()).collect();
            assert_eq!(taken, [DISPATCH_LIMIT, DISPATCH_LIMIT, 100, 0]);
            assert_eq!(counter.0, all);
        }
    });
}
