//! Modules come and go, and leave no descriptor. Those belong to the whole process, so this is one test alone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ringfence::ipc::module::ModuleFile;
use ringfence::ipc::{Connection, Options, Worker, run_if_worker};
use tiny_module::tiny::{INTERFACE, Tiny, TinyProxy};

/// Not a test: what this executable does when it is started as a worker.
#[test]
fn worker_entry() {
    if run_if_worker(&[]).is_some() {
        std::process::exit(0);
    }
}

fn open() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..6000 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{what}: {} descriptors are open", open());
}

#[test]
fn nothing_stays_open() {
    let own = std::env::current_exe().unwrap();
    let file: PathBuf = own.parent().unwrap().join("libtiny_module.so");
    let isolated = || {
        let module = ModuleFile::read(&file).unwrap();
        let worker = Worker::loading(&module).program(&own);
        let worker = worker.args(["--exact", "worker_entry", "--nocapture"]);
        drop(module);
        let mut proxy = TinyProxy::isolated(&Options::new(), &worker).unwrap();
        drop(worker);
        assert_eq!(proxy.lookup(1).unwrap(), 0.0);
    };
    let threaded = || {
        let module = ModuleFile::read(&file).unwrap();
        let serve = move |endpoint| module.serve(endpoint);
        drop(Connection::threaded(&INTERFACE, &Options::new(), serve).unwrap());
    };
    let refused = || assert!(ModuleFile::read(Path::new("/proc/self/exe")).is_err());
    // What is loaded keeps one descriptor for ever, and the nursery of workers its own.
    for scenario in [&isolated as &dyn Fn(), &threaded, &refused] {
        scenario();
    }
    let before = open();
    for scenario in [&isolated as &dyn Fn(), &threaded, &refused] {
        for _ in 0..10 {
            scenario();
        }
        until("a scenario leaves something", || open() <= before);
    }
}
