//! The module as hosts meet it: isolated, in a thread, broken, and lying.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant, SystemTime};

use ringfence::ipc::module::{Misfit, ModuleError, ModuleFile, Version};
use ringfence::ipc::{
    CallError, ConnectError, Connection, Exit, HandshakeError, Layers, Mode, Options, SandboxPolicy, Worker,
    run_if_worker,
};
use rustix::process::{Pid, Signal, kill_process};
use tiny_module::tiny::{INTERFACE, Tiny, TinyEvent, TinyProxy};

/// Ends the whole run, loudly, if `test` hangs.
fn watchdog<T>(test: impl FnOnce() -> T) -> T {
    let (done, running) = channel::<()>();
    std::thread::spawn(move || {
        if running.recv_timeout(Duration::from_secs(300)) == Err(RecvTimeoutError::Timeout) {
            eprintln!("a test hangs");
            std::process::abort();
        }
    });
    let result = test();
    drop(done);
    result
}

/// Not a test: what this executable does when it is started as a worker.
#[test]
fn worker_entry() {
    if run_if_worker(&[]).is_some() {
        std::process::exit(0);
    }
}

/// The shared object. Cargo has built it for this test, with the library that the test is linked to.
fn file() -> PathBuf {
    let folder = std::env::current_exe().unwrap();
    let file = folder.parent().unwrap().join("libtiny_module.so");
    assert!(file.is_file(), "{} is missing", file.display());
    file
}

fn module() -> ModuleFile {
    ModuleFile::read(file()).unwrap()
}

/// A worker of this executable for this module, which may read what is in `folder`.
fn worker(module: &ModuleFile, folder: &Path) -> Worker {
    let own = std::env::current_exe().unwrap();
    let worker = Worker::loading(module).program(own).reads(folder);
    worker.args(["--exact", "worker_entry", "--nocapture"])
}

fn options() -> Options {
    Options::new().sandbox(SandboxPolicy::strict())
}

/// A table in a folder of its own.
fn table(lines: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.txt");
    fs::write(&path, lines).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

/// A copy of the module whose record was changed.
fn changed(folder: &Path, change: impl FnOnce(&mut [u8])) -> PathBuf {
    let mut bytes = fs::read(file()).unwrap();
    let record = *module().record();
    let places: Vec<_> = bytes.windows(512).enumerate().filter(|(_, window)| *window == record).collect();
    let &[(at, _)] = &places[..] else { panic!("{} records", places.len()) };
    change(&mut bytes[at..at + 512]);
    let path = folder.join("changed.so");
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn it_says_what_it_is() {
    let module = module();
    let info = module.info();
    assert_eq!((info.name.as_str(), info.version), ("tiny", Version { major: 0, minor: 1, patch: 0 }));
    assert_eq!((info.pipeline.as_str(), &info.pipeline_versions), ("example", &(1..=1)));
    assert_eq!((info.interface.as_str(), info.interface_hash), (INTERFACE.name, INTERFACE.hash));
    assert_eq!(info.loads_until.as_deref(), Some("load"));
    module.fits(&INTERFACE).unwrap();
}

#[test]
fn it_serves_behind_the_fence_and_may_load_in_one_call_only() {
    watchdog(|| {
        let (folder, path) = table("1.5\n-2\n1e3\n");
        let module = module();
        // What becomes of the file does not matter any more, and no path to it is needed.
        let mut proxy = TinyProxy::isolated(&options(), &worker(&module, folder.path())).unwrap();
        assert_eq!(proxy.mode(), Mode::Isolated);
        let connection = proxy.connection().unwrap();
        // It is still being loaded.
        assert_eq!(Layers::REQUIRED.difference(connection.layers()), Layers::SEAL);
        assert_eq!(proxy.load(&path).unwrap(), 3);
        assert!(proxy.connection().unwrap().layers().contains(Layers::SEAL), "it is loaded");
        assert_eq!(proxy.lookup(2).unwrap(), 1000.0);
        assert_eq!(proxy.lookup(3).unwrap(), 0.0);
        assert!(proxy.wait(Some(Instant::now() + Duration::from_secs(60))).unwrap());
        assert_eq!(proxy.next_event().unwrap(), Some(TinyEvent::Missed { index: 3 }));
        // Once loaded, it opens no more.
        match proxy.load(&path) {
            Err(CallError::Died(death)) => assert!(matches!(death.exit, Exit::Forbidden { .. }), "{death}"),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn it_reads_only_what_its_host_names() {
    watchdog(|| {
        let (_folder, path) = table("1\n");
        let mut proxy = TinyProxy::isolated(&options(), &worker(&module(), Path::new("/nowhere"))).unwrap();
        let error = proxy.load(&path).unwrap_err().to_string();
        assert!(error.contains("ermission denied"), "{error}");
    });
}

/// A module in a thread, without a proxy: the second method answers with a number.
fn threaded(module: &ModuleFile) -> Connection {
    let module = module.clone();
    Connection::threaded(&INTERFACE, &Options::new(), move |endpoint| module.serve(endpoint)).unwrap()
}

fn lookup(connection: &mut Connection, index: u32) -> Result<f32, CallError> {
    connection.call(2, &index, |reply| Ok(f32::from_le_bytes(*reply.fixed()?)))
}

#[test]
fn it_serves_in_threads_at_once_and_is_loaded_once() {
    watchdog(|| {
        let (one, other) = (module(), module());
        let mut connections = [threaded(&one), threaded(&one), threaded(&other)];
        for connection in &mut connections {
            assert_eq!(connection.mode(), Mode::Threaded);
            assert_eq!(lookup(connection, 7).unwrap(), 0.0);
        }
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let images: std::collections::BTreeSet<_> = maps
            .lines()
            .filter(|line| line.contains("ringfence-module") && line.contains(" r-xp "))
            .map(|line| line.split_whitespace().nth(4).unwrap())
            .collect();
        assert_eq!(images.len(), 1, "{maps}");
    });
}

#[test]
fn a_panic_in_it_is_its_end_and_nobody_elses() {
    watchdog(|| {
        let (folder, path) = table("1\n2\n");
        let mut proxy = TinyProxy::isolated(&options(), &worker(&module(), folder.path())).unwrap();
        proxy.load(&path).unwrap();
        match proxy.trip(12) {
            Err(CallError::Died(death)) => {
                assert!(matches!(death.exit, Exit::Status(_)), "{death}");
                assert!(death.stderr.contains("it tripped over 12"), "{death}");
            }
            other => panic!("{other:?}"),
        }
        let mut connection = threaded(&module());
        match connection.call(3, &34u32, |_| Ok(())) {
            Err(CallError::Died(death)) => {
                let Exit::Panicked(reason) = &death.exit else { panic!("{death}") };
                assert!(reason.contains("tiny 0.1.0") && reason.contains("it tripped over 34"), "{death}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(lookup(&mut threaded(&module()), 0).unwrap(), 0.0, "it serves on");
    });
}

#[test]
fn a_module_of_another_interface_is_refused_before_it_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let other = changed(folder.path(), |record| record[32] ^= 1);
    let module = ModuleFile::read(other).unwrap();
    // No such program: nothing is started.
    let worker = Worker::loading(&module).program("/nowhere/worker");
    match TinyProxy::isolated(&options(), &worker) {
        Err(ConnectError::Module(ModuleError::Misfit { problem, .. })) => {
            assert!(
                matches!(&problem, Misfit::Interface { their_hash, .. } if *their_hash == INTERFACE.hash ^ 1)
            );
        }
        other => panic!("{other:?}"),
    }
    let nonsense = changed(folder.path(), |record| record[320..324].copy_from_slice(b"boot"));
    let worker = Worker::loading(&ModuleFile::read(nonsense).unwrap()).program("/nowhere/worker");
    match TinyProxy::isolated(&options(), &worker) {
        Err(ConnectError::Module(ModuleError::Misfit {
            problem: Misfit::LoadsUntil { method, .. }, ..
        })) => {
            assert_eq!(method, "boot");
        }
        other => panic!("{other:?}"),
    }
}

/// The record can be made to say anything; what the module serves is what was compiled.
#[test]
fn a_module_that_lies_about_its_interface_is_refused_by_the_handshake() {
    watchdog(|| {
        let other = ringfence::ipc::Interface { hash: 4711, ..INTERFACE };
        let other: &'static _ = Box::leak(Box::new(other));
        let folder = tempfile::tempdir().unwrap();
        let path = changed(folder.path(), |record| record[32..40].copy_from_slice(&4711u64.to_le_bytes()));
        let module = ModuleFile::read(path).unwrap();
        module.fits(other).unwrap();
        match Connection::isolated(other, &options(), &worker(&module, folder.path())) {
            Err(ConnectError::Handshake { source: HandshakeError::Refused { reason }, .. }) => {
                assert!(reason.contains("0x0000000000001267"), "{reason}");
            }
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn what_cannot_be_loaded_says_so() {
    watchdog(|| {
        let folder = tempfile::tempdir().unwrap();
        // The name of a library that it needs is another one now.
        let mut bytes = fs::read(file()).unwrap();
        let at = bytes.windows(10).position(|window| window == b"libc.so.6\0").unwrap();
        bytes[at..at + 9].copy_from_slice(b"libc.so.X");
        let path = folder.path().join("broken.so");
        fs::write(&path, bytes).unwrap();
        let module = ModuleFile::read(&path).unwrap();
        match TinyProxy::isolated(&options(), &worker(&module, folder.path())) {
            Err(ConnectError::Died(death)) => assert!(death.stderr.contains("libc.so.X"), "{death}"),
            other => panic!("{other:?}"),
        }
        match Connection::threaded(&INTERFACE, &Options::new(), move |endpoint| module.serve(endpoint)) {
            Err(ConnectError::Died(death)) => {
                let text = death.to_string();
                assert!(text.contains("broken.so") && text.contains("libc.so.X"), "{text}");
            }
            other => panic!("{other:?}"),
        }
    });
}

/// The newest file in a folder and below it.
fn newest(folder: &Path) -> SystemTime {
    let times = fs::read_dir(folder).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() { newest(&entry.path()) } else { entry.metadata().unwrap().modified().unwrap() }
    });
    times.max().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// `ringfence-worker` of this build. Cargo has built it with the tests of the workspace; of this package alone, it has to be
/// told.
fn generic_worker() -> PathBuf {
    let deps = file().parent().unwrap().to_owned();
    let worker = deps.parent().unwrap().join("ringfence-worker");
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src");
    let built = fs::metadata(&worker).and_then(|metadata| metadata.modified());
    if built.is_ok_and(|time| time > newest(&sources)) {
        return worker;
    }
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "-p", "ringfence", "--bin", "ringfence-worker"]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    cargo.arg("--target-dir").arg(deps.ancestors().nth(2).unwrap());
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    worker
}

#[test]
fn the_generic_worker_loads_it() {
    // To build it may take long.
    let program = generic_worker();
    watchdog(|| {
        let (folder, path) = table("4\n");
        let worker = Worker::loading(&module()).program(program).reads(folder.path());
        let mut proxy = TinyProxy::isolated(&options(), &worker).unwrap();
        assert_eq!(proxy.load(&path).unwrap(), 1);
        assert_eq!(proxy.lookup(0).unwrap(), 4.0);
    });
}

#[test]
fn a_killed_worker_is_reported_and_a_new_one_serves() {
    watchdog(|| {
        let (folder, path) = table("4\n");
        let module = module();
        for _ in 0..3 {
            let mut proxy = TinyProxy::isolated(&options(), &worker(&module, folder.path())).unwrap();
            proxy.load(&path).unwrap();
            let pid = proxy.connection().unwrap().worker_pid().unwrap();
            kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL).unwrap();
            match proxy.lookup(0) {
                Err(CallError::Died(death)) => assert_eq!(death.exit, Exit::Signal(9), "{death}"),
                other => panic!("{other:?}"),
            }
        }
    });
}

#[test]
fn a_program_is_its_own_worker_for_any_module() {
    let (_folder, path) = table("1.5\n-2\n1e3\n");
    let mut host = Command::new(env!("CARGO_BIN_EXE_tiny-host"));
    host.arg(file()).arg(path).args(["2", "9"]).env_remove("RINGFENCE_WORKER").env_remove("RUST_LOG");
    let output = host.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "tiny 0.1.0 for example\n3 numbers\n1000\n0\n");
}

#[test]
fn the_documentation_shows_this_module_and_this_host() {
    let documentation = include_str!("../../../docs/modules.md");
    for (language, text) in [
        ("mojom", include_str!("../tiny.mojom")),
        ("rust", include_str!("../src/lib.rs")),
        ("rust", include_str!("../src/bin/tiny-host.rs")),
    ] {
        assert!(
            documentation.contains(&format!("```{language}\n{text}```\n")),
            "docs/modules.md shows something else than:\n{text}"
        );
    }
}
