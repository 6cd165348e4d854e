//! Workers that own their rings and write anything anywhere while the host runs.
//!
//! Whatever they do: the host's calls end, the connection is over or goes on, another camera of the same process does not
//! notice, and no descriptor, mapping or process is left. Each worker is this executable again. `RINGFENCE_HOSTILE_RUNS`
//! says how many random ones there are.

mod random;
mod scripts;
mod stage;

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/vimc.rs"]
mod vimc;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use common::{children, until, watchdog};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ringfence::interfaces::vimc::{IpaVimc, IpaVimcEvent, IpaVimcProxy};
use ringfence::ipc::{
    CallError, ConnectError, Exit, OnFlood, OnFull, Options, SandboxPolicy, WaitPolicy, Worker,
};
use ringfence::serialize::ControlList;
use scripts::{BLOCKING, HELD, SCRIPTS};
use stage::Stage;

/// Start of the name of a component that does harm; what kind follows.
const HOSTILE: &str = "hostile:";

/// Not a test: what this executable does when it is started as an honest worker.
#[test]
fn worker_entry() {
    vimc::serve_if_worker();
}

/// Not a test: what it does when it is started as a hostile one.
#[test]
fn hostile_worker_entry() {
    let Ok(component) = std::env::var("RINGFENCE_COMPONENT") else { return };
    let Some(harm) = component.strip_prefix(HOSTILE) else { return };
    let (socket, hello) = Stage::offer();
    if let Some(handshake) = harm.strip_prefix("handshake:") {
        let mut answer = hello.answer().to_vec();
        match handshake {
            "cut short" => answer.truncate(100),
            "too long" => answer.resize(100_000, 7),
            "garbage" => answer.fill(0xaa),
            "another interface" => answer[16] ^= 1,
            "a reason without an end" => answer[24..].fill(0x1b),
            "descriptors" => stage::send_wrong_fds(&socket, &[], 10),
            _ => {}
        }
        stage::send_wrong_fds(&socket, &answer, 12);
        std::thread::sleep(Duration::from_secs(60));
    }
    let mut stage = Stage::accept(socket, hello);
    if let Some(seed) = harm.strip_prefix("random:") {
        random::run(&mut stage, seed.parse().unwrap());
    }
    let script = SCRIPTS.iter().chain([&BLOCKING]).find(|script| script.name == harm).unwrap();
    let call = stage.await_call();
    (script.act)(&mut stage, &call);
    // The end of the process would be noticed first.
    std::thread::sleep(Duration::from_secs(60));
}

/// Options for a connection to a worker that does harm. It plays its part by itself, without any sandbox.
fn for_hostile(options: Options) -> Options {
    options.sandbox(SandboxPolicy::off())
}

fn options() -> Options {
    let options = Options::new()
        .call_deadline(Duration::from_millis(60))
        .grace(Duration::from_millis(60))
        .exit_deadline(Duration::from_millis(5))
        .ring_bytes(2048, 2048)
        .queue_bytes(1_000_000);
    for_hostile(options)
}

fn connect(harm: &str, options: &Options) -> Result<IpaVimcProxy, ConnectError> {
    let own = std::env::current_exe().unwrap();
    let worker = Worker::component(format!("{HOSTILE}{harm}")).program(own);
    IpaVimcProxy::isolated(options, &worker.args(["--exact", "hostile_worker_entry", "--nocapture"]))
}

/// Time for a call that a script does not let the host wait for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Calls, casts and looks for events, for a while or until the connection is over. Returns the errors.
fn use_it(proxy: &mut IpaVimcProxy, rounds: usize) -> Vec<CallError> {
    let mut errors = Vec::new();
    let controls = ControlList::default();
    for round in 0..rounds {
        errors.extend(proxy.start().err());
        if errors.last().is_some_and(is_over) {
            break;
        }
        // More than the smaller rings hold.
        for frame in 0..40 {
            errors.extend(proxy.queue_request(frame, &controls).err());
            errors.extend(proxy.compute_params(frame, round as u32).err());
        }
        errors.extend(proxy.wait(Some(Instant::now() + Duration::from_millis(1))).err());
        // Events and errors both come out of a queue that is bounded.
        for _ in 0..1000 {
            match proxy.next_event() {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => {
                    let is_over = is_over(&error);
                    errors.push(error);
                    if is_over {
                        break;
                    }
                }
            }
        }
        if errors.last().is_some_and(is_over) {
            break;
        }
    }
    if errors.last().is_some_and(is_over) {
        // And stays so.
        assert!(is_over(&proxy.start().unwrap_err()) && is_over(&proxy.stop().unwrap_err()));
        // Events that came before are still to be had.
        while !proxy.next_event().is_err_and(|error| is_over(&error)) {}
        assert!(is_over(&proxy.wait(None).unwrap_err()));
    }
    if let Some(connection) = proxy.connection() {
        // Nothing that a worker wrote into its counters may matter.
        let _ = format!("{:?}", connection.meter().read());
    }
    errors
}

fn is_over(error: &CallError) -> bool {
    matches!(error, CallError::Died(_) | CallError::Protocol(_))
}

/// Another camera of this process.
struct Bystander {
    proxy: IpaVimcProxy,
    frame: u32,
}

impl Bystander {
    fn new() -> Self {
        let mut proxy = IpaVimcProxy::isolated(&Options::new(), &vimc::worker()).unwrap();
        proxy.map_buffers(&[vimc::buffer(1)]).unwrap();
        Self { proxy, frame: 0 }
    }

    /// Checks that it goes on.
    fn check(&mut self) {
        self.frame += 1;
        assert_eq!(self.proxy.start().unwrap(), 0);
        self.proxy.compute_params(self.frame, 1).unwrap();
        assert!(self.proxy.wait(None).unwrap());
        let event = self.proxy.next_event().unwrap();
        assert!(matches!(event, Some(IpaVimcEvent::ParamsComputed { .. })), "{event:?}");
    }
}

/// What this process holds: descriptors, shared mappings and children.
#[derive(Debug, PartialEq, Eq, Clone)]
struct Holdings {
    descriptors: usize,
    mappings: usize,
    children: usize,
}

impl Holdings {
    fn now() -> Self {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        // Private ones are the allocator's and the threads', which keep what they may need again.
        let mappings =
            maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|bits| bits.ends_with('s')));
        Self {
            descriptors: std::fs::read_dir("/proc/self/fd").unwrap().count(),
            mappings: mappings.count(),
            children: children().len(),
        }
    }

    /// Waits until this process holds this again: threads that followed a worker's standard error end a moment later.
    fn regained(&self, after: &str) {
        let start = Instant::now();
        until(|| {
            let now = Self::now();
            if start.elapsed() > Duration::from_secs(60) {
                panic!("{after}: {now:?} is held, {self:?} was");
            }
            now == *self
        });
    }
}

/// Runs a test beside another camera, unless this process is there to play a worker.
fn as_host(test: impl FnOnce(&mut dyn FnMut(&str))) {
    if std::env::var_os("RINGFENCE_COMPONENT").is_some() {
        return;
    }
    let _alone = ALONE.lock();
    watchdog(|| {
        // It also starts what stays for as long as the process.
        let mut bystander = Bystander::new();
        bystander.check();
        let baseline = Holdings::now();
        test(&mut |what| {
            bystander.check();
            baseline.regained(what);
        });
    });
}

/// Tests of one process would count each other's descriptors.
static ALONE: parking_lot::Mutex<()> = parking_lot::Mutex::new(());

#[test]
fn each_kind_of_harm_ends_as_it_should() {
    as_host(|check| {
        let mut wrong = Vec::new();
        for script in SCRIPTS {
            let deadline = if script.is_quick { PATIENCE } else { Duration::from_millis(60) };
            let mut proxy = connect(script.name, &options().call_deadline(deadline)).unwrap();
            let errors = use_it(&mut proxy, 8);
            if !(script.ends)(errors.first()) {
                wrong.push((script.name, errors));
            }
            drop(proxy);
            check(script.name);
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

#[test]
fn a_flood_that_is_dropped_puts_off_no_deadline() {
    as_host(|check| {
        for on_flood in [OnFlood::DropOldest, OnFlood::DropNewest] {
            for wait in [WaitPolicy::Adaptive, WaitPolicy::Block, WaitPolicy::Spin] {
                let options = options().queue_bytes(10_000).on_flood(on_flood).host_wait(wait);
                // The larger the ring, the longer there is always one more.
                let options = options.ring_bytes(2048, 1 << 20);
                let mut proxy = connect("a flood of events without pause", &options).unwrap();
                let error = proxy.start().unwrap_err();
                assert!(matches!(error, CallError::Deadline { .. }), "{error}");
                assert!(proxy.dropped_events() > 0);
                assert!(proxy.wait(None).unwrap() && proxy.next_event().unwrap().is_some());
                let errors = use_it(&mut proxy, 1000);
                let last = errors.last().unwrap();
                assert!(matches!(last, CallError::Died(death) if death.exit == Exit::Wedged), "{last}");
                drop(proxy);
                check("a flood");
            }
        }
    });
}

/// Not defended without a sandbox, hence not run by itself.
#[test]
#[ignore = "shows what happens to a host whose workers have no sandbox"]
fn a_doorbell_that_blocks_holds_the_host_beyond_its_deadline() {
    as_host(|check| {
        let mut proxy = connect(BLOCKING.name, &options().call_deadline(PATIENCE)).unwrap();
        proxy.start().unwrap();
        proxy.deadline_of_next_call(Duration::from_millis(1));
        let start = Instant::now();
        proxy.compute_params(1, 1).unwrap();
        assert!(start.elapsed() > HELD / 2, "the host was held for no more than {:?}", start.elapsed());
        drop(proxy);
        check(BLOCKING.name);
    });
}

#[test]
fn answers_to_the_handshake_that_are_none_are_refused() {
    as_host(|check| {
        for how in [
            "cut short",
            "too long",
            "garbage",
            "another interface",
            "a reason without an end",
            "descriptors",
        ] {
            let error = connect(&format!("handshake:{how}"), &options()).unwrap_err();
            assert!(matches!(&error, ConnectError::Handshake { .. }), "{how}: {error}");
            assert!(!error.to_string().contains('\u{1b}'), "{how}: {error:?}");
            check(how);
        }
    });
}

#[test]
fn no_random_harm_is_worse_than_an_error() {
    as_host(|check| {
        let runs = std::env::var("RINGFENCE_HOSTILE_RUNS").ok();
        let runs: u64 = runs.map_or(100, |text| text.parse().expect("RINGFENCE_HOSTILE_RUNS is a number"));
        let first = common::seed();
        let mut ends = BTreeMap::<String, u64>::new();
        for seed in first..first + runs {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let mut pick = |count: usize| random.random_range(0..count);
            let waits = [WaitPolicy::Adaptive, WaitPolicy::Block, WaitPolicy::Spin];
            let options = options()
                .call_deadline(Duration::from_millis(20))
                .grace(Duration::from_millis(30))
                .host_wait(waits[pick(3)])
                .on_full([OnFull::Wait, OnFull::Fail][pick(2)])
                .on_flood([OnFlood::CutOff, OnFlood::DropOldest, OnFlood::DropNewest][pick(3)])
                .ring_bytes([500, 2048, 100_000][pick(3)], [500, 2048, 100_000][pick(3)]);
            let mut proxy = connect(&format!("random:{seed}"), &options).unwrap();
            let errors = use_it(&mut proxy, 6);
            *ends.entry(errors.last().map_or("none".to_owned(), kind)).or_default() += 1;
            drop(proxy);
            check(&format!("RINGFENCE_TEST_SEED={seed} RINGFENCE_HOSTILE_RUNS=1"));
        }
        eprintln!("the last errors were {ends:#?}");
        // Harm that does not reach the host proves nothing.
        assert!(
            runs < 50 || ends.len() > 5 && ends.get("none").is_none_or(|none| none * 2 < runs),
            "{ends:?}"
        );
    });
}

/// What kind of error it is.
fn kind(error: &CallError) -> String {
    let text = match error {
        CallError::Died(death) => return format!("{:?}", death.exit),
        CallError::Protocol(error) => format!("{error:?}"),
        error => format!("{error:?}"),
    };
    text.split([' ', '{']).next().unwrap_or_default().to_owned()
}
