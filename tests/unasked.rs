//! What the library must not do unless it is asked to: start threads, and handle signals.
//!
//! The only test of this file, as tests run in threads of one process.

mod common;
#[path = "common/vimc.rs"]
mod vimc;

use std::time::{Duration, Instant};

use common::{send, until, watchdog};
use ringfence::interfaces::vimc::{IpaVimc, IpaVimcEvents, IpaVimcProxy, TestFlag};
use ringfence::ipc::{Nursery, Options, Supervisor};
use ringfence::serialize::Flags;
use rustix::process::Signal;

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// Signals that have a handler, that are ignored, and that are blocked in this thread, as the kernel tells them.
fn signals() -> Vec<String> {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let kinds = ["SigCgt:", "SigIgn:", "SigBlk:"];
    status.lines().filter(|line| kinds.iter().any(|kind| line.starts_with(kind))).map(str::to_owned).collect()
}

#[derive(Default)]
struct Count(u32);

impl IpaVimcEvents for Count {
    fn params_computed(&mut self, _: u32, _: Flags<TestFlag>) {
        self.0 += 1;
    }
}

/// Calls the module, and hears of it.
fn use_it(proxy: &mut IpaVimcProxy) {
    let mut count = Count::default();
    proxy.map_buffers(&[vimc::buffer(1)]).unwrap();
    proxy.start().unwrap();
    for frame in 0..100 {
        proxy.compute_params(frame, 1).unwrap();
    }
    while count.0 < 100 {
        assert!(proxy.wait(Some(Instant::now() + Duration::from_secs(60))).unwrap());
        proxy.dispatch(&mut count).unwrap();
    }
    proxy.stop().unwrap();
}

#[test]
fn no_thread_and_no_signal_handler_that_nobody_asked_for() {
    // This very test is what the executable does as a worker, so that no other one runs beside it.
    vimc::serve_if_worker();
    let worker = || vimc::worker_named("no_thread_and_no_signal_handler_that_nobody_asked_for");
    watchdog(|| {
        let (before, signals_before) = (threads(), signals());
        assert_eq!(signals_before.len(), 3);
        let unchanged = |what: &str, more: usize| {
            assert_eq!(threads(), before + more, "{what}: threads");
            assert_eq!(signals(), signals_before, "{what}: signals");
        };
        let make = move || IpaVimcProxy::isolated(&Options::new(), &worker());
        let mut supervisor = Supervisor::new(make).keep_spare(|proxy| proxy.next_event().is_ok());
        let mut proxy = supervisor.start().unwrap();
        unchanged("isolated", 0);
        use_it(&mut proxy);
        unchanged("calls and events", 0);
        supervisor.prepare(Instant::now()).unwrap();
        unchanged("a spare", 0);
        send(proxy.connection().unwrap().worker_pid().unwrap(), Signal::KILL);
        let error = proxy.wait(None).unwrap_err();
        drop(proxy);
        supervisor.failed(error, Instant::now()).unwrap();
        let restart = supervisor.wait().unwrap();
        assert!(restart.spare);
        proxy = restart.proxy;
        use_it(&mut proxy);
        unchanged("a restart", 0);
        drop((proxy, supervisor));
        unchanged("the end", 0);

        let mut proxy = IpaVimcProxy::direct(vimc::Vimc::new).unwrap();
        use_it(&mut proxy);
        unchanged("direct", 0);

        // One thread for a module that is to run in one, and one for a nursery.
        let mut proxy = IpaVimcProxy::threaded(&Options::new(), vimc::Vimc::new).unwrap();
        use_it(&mut proxy);
        unchanged("threaded", 1);
        drop(proxy);
        unchanged("no longer threaded", 0);
        let nursery = Nursery::new().unwrap();
        let options = Options::new().nursery(&nursery);
        let [mut one, mut two] = [(); 2].map(|()| IpaVimcProxy::isolated(&options, &worker()).unwrap());
        use_it(&mut one);
        use_it(&mut two);
        unchanged("a nursery", 1);
        drop((one, two, nursery, options));
        until(|| threads() == before);
        unchanged("no nursery", 0);
    });
}
