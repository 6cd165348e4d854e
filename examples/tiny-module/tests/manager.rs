//! The module as a manager finds it: who has signed it decides where it runs, and what was looked at is what runs.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use ringfence::ipc::manager::{Choice, Linked, Manager, ModulePolicy, Request, SignatureState};
use ringfence::ipc::module::ModuleFile;
use ringfence::ipc::signature::{SigningKey, TrustedKeys};
use ringfence::ipc::{Component, ConnectError, Layers, Mode, Options, Worker, run_if_worker};
use tempfile::TempDir;
use tiny_module::Table;
use tiny_module::tiny::{INTERFACE, Tiny, TinyProxy, linked, serve};

const REQUEST: Request<'static> = Request::new("example", 1, &INTERFACE);

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
    let component = Component { name: "tiny", serve: |endpoint| serve(endpoint, Table::new) };
    if run_if_worker(&[component]).is_some() {
        std::process::exit(0);
    }
}

/// A worker of this executable.
fn own(worker: Worker) -> Worker {
    worker.program(std::env::current_exe().unwrap()).args(["--exact", "worker_entry", "--nocapture"])
}

fn linked_in(component: &str) -> Linked {
    let worker = own(Worker::component(component)).loads_until("load");
    linked(Table::new).name("linked").pipeline("example", 1..=1).worker(worker)
}

/// A folder with the module, a table for it, and somebody who signs.
struct Place {
    folder: TempDir,
    key: SigningKey,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap(), key: SigningKey::generate().unwrap() };
        let built = std::env::current_exe().unwrap().with_file_name("libtiny_module.so");
        fs::copy(built, place.file()).unwrap();
        fs::write(place.path("table.txt"), "1.5\n-2\n").unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self) -> PathBuf {
        self.path("tiny.so")
    }

    fn sign(&self) {
        let module = ModuleFile::read(self.file()).unwrap();
        self.key.sign(module.bytes(), module.record()).write_beside(&self.file()).unwrap();
    }

    fn trusting(&self) -> ModulePolicy {
        ModulePolicy::new().trusted_keys(TrustedKeys::none().add_pem(&self.key.public_pem()).unwrap())
    }

    fn manager(&self, policy: ModulePolicy) -> Manager {
        let table = self.path("table.txt");
        Manager::new(policy)
            .only_folders()
            .folder(self.folder.path())
            .workers(move |worker| own(worker).reads(&table))
    }

    /// Opens a choice and calls it.
    #[track_caller]
    fn open(&self, choice: &Choice) -> TinyProxy {
        let mut proxy = TinyProxy::open(choice, &Options::new()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(proxy.mode(), choice.mode(), "{}", choice.reason());
        assert_eq!(proxy.load(self.path("table.txt").to_str().unwrap()).unwrap(), 2);
        assert_eq!(proxy.lookup(0).unwrap(), 1.5);
        proxy
    }
}

/// Whether a copy of a module is loaded in a process.
fn has_loaded(pid: u32) -> bool {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    maps.lines().any(|line| line.contains("ringfence-module") && line.contains(" r-xp "))
}

#[test]
fn each_mode_is_the_one_that_was_chosen() {
    watchdog(|| {
        let place = Place::new();
        let direct = place.manager(place.trusting()).link(linked_in("tiny")).find(&REQUEST).unwrap();
        assert_eq!((direct.mode(), direct.info().name.as_str()), (Mode::Direct, "linked"));
        assert!(place.open(&direct).connection().is_none());

        let isolated = place.manager(place.trusting()).find(&REQUEST).unwrap();
        assert_eq!((isolated.mode(), isolated.reason()), (Mode::Isolated, "it is not signed"));
        assert_eq!(isolated.info().to_string(), "tiny 0.1.0");
        let proxy = place.open(&isolated);
        let connection = proxy.connection().unwrap();
        let pid = connection.worker_pid().unwrap();
        assert!(pid != std::process::id() && has_loaded(pid));
        assert!(connection.layers().contains(Layers::REQUIRED | Layers::SEAL), "{}", connection.layers());

        place.sign();
        let threaded = place.manager(place.trusting()).find(&REQUEST).unwrap();
        assert_eq!(threaded.mode(), Mode::Threaded, "{}", threaded.reason());
        assert!(matches!(threaded.signature(), Some(SignatureState::Valid { .. })), "{threaded:?}");
        let proxy = place.open(&threaded);
        assert_eq!(proxy.connection().unwrap().worker_pid(), None);
        assert!(has_loaded(std::process::id()));
        // A choice may be opened as often as one likes.
        place.open(&threaded);
        place.open(&isolated);
    });
}

#[test]
fn isolation_can_be_forced_on_all() {
    watchdog(|| {
        let place = Place::new();
        place.sign();
        let policy = || place.trusting().force_isolation(true);
        let signed = place.manager(policy()).find(&REQUEST).unwrap();
        let linked = place.manager(policy()).link(linked_in("tiny")).find(&REQUEST).unwrap();
        assert_eq!(linked.info().name, "linked");
        for choice in [signed, linked.reads(place.path("table.txt"))] {
            assert_eq!((choice.mode(), choice.reason()), (Mode::Isolated, "the policy isolates all modules"));
            let proxy = place.open(&choice);
            assert_ne!(proxy.connection().unwrap().worker_pid().unwrap(), std::process::id());
        }
    });
}

#[test]
fn what_no_worker_serves_does_not_run() {
    watchdog(|| {
        let place = Place::new();
        let policy = ModulePolicy::new().trust_linked(false);
        let choice = place.manager(policy.clone()).link(linked_in("other")).find(&REQUEST).unwrap();
        match TinyProxy::open(&choice, &Options::new()) {
            Err(ConnectError::Died(death)) => {
                assert!(death.to_string().contains("has no component \"other\""), "{death}");
            }
            other => panic!("{other:?}"),
        }
        let nowhere = linked(Table::new).component("no program has this");
        let choice = Manager::new(policy).only_folders().link(nowhere).find(&REQUEST).unwrap();
        let error = TinyProxy::open(&choice, &Options::new()).unwrap_err();
        assert!(matches!(error, ConnectError::NoWorker { .. }), "{error}");
        let gone = place.manager(ModulePolicy::new()).workers(|worker| worker.program("/nowhere/worker"));
        let error = TinyProxy::open(&gone.find(&REQUEST).unwrap(), &Options::new()).unwrap_err();
        assert!(error.to_string().contains("/nowhere/worker"), "{error}");
    });
}

/// A module that says it is this one, and whose constructor leaves a mark.
fn marking(path: &Path, mark: &Path) {
    let record = *ModuleFile::read(std::env::current_exe().unwrap().with_file_name("libtiny_module.so"))
        .unwrap()
        .record();
    let bytes: Vec<_> = record.iter().map(u8::to_string).collect();
    let source = format!(
        "#include <fcntl.h>\n\
         #define EXPORT __attribute__((visibility(\"default\")))\n\
         EXPORT const unsigned char ringfence_module_info[512] = {{{}}};\n\
         EXPORT int ringfence_module_serve(int socket, unsigned flags, char *reason, unsigned long bytes) {{ return 1; }}\n\
         __attribute__((constructor)) static void mark(void) {{ creat(\"{}\", 0600); }}\n",
        bytes.join(","),
        mark.display()
    );
    let file = path.with_extension("c");
    fs::write(&file, source).unwrap();
    // The linker of Rust programs.
    let output =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(path).arg(&file).output().expect("cc runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn nothing_runs_while_modules_are_looked_for_or_if_their_signature_is_bad() {
    watchdog(|| {
        let place = Place::new();
        let mark = place.path("mark");
        marking(&place.file(), &mark);
        for policy in [ModulePolicy::new(), place.trusting(), place.trusting().force_isolation(true)] {
            assert_eq!(place.manager(policy.clone()).scan().len(), 1);
            place.manager(policy).find(&REQUEST).unwrap();
        }
        SigningKey::generate().unwrap().sign(b"something", &[0; 512]).write_beside(&place.file()).unwrap();
        place.manager(place.trusting()).find(&REQUEST).unwrap_err();
        // Isolated it may run, and still leaves no mark.
        let choice = place.manager(place.trusting().isolate_badly_signed(true)).find(&REQUEST).unwrap();
        assert_eq!(choice.mode(), Mode::Isolated);
        TinyProxy::open(&choice, &Options::new()).unwrap_err();
        assert!(!mark.exists());
        // It would, if it ran here.
        place.sign();
        let choice = place.manager(place.trusting()).find(&REQUEST).unwrap();
        assert_eq!(choice.mode(), Mode::Threaded, "{}", choice.reason());
        let error = TinyProxy::open(&choice, &Options::new()).unwrap_err();
        assert!(mark.exists(), "{error}");
    });
}

#[test]
fn a_file_that_is_swapped_after_it_was_chosen_does_not_run() {
    watchdog(|| {
        for signed in [true, false] {
            let place = Place::new();
            let (mark, evil, good) = (place.path("mark"), place.path("evil"), place.path("good"));
            marking(&evil, &mark);
            fs::rename(place.file(), &good).unwrap();
            symlink(&good, place.file()).unwrap();
            if signed {
                place.sign();
            }
            let choose = || place.manager(place.trusting()).find(&REQUEST).unwrap();
            // The link leads elsewhere.
            let choice = choose();
            assert_eq!(choice.mode() == Mode::Threaded, signed, "{}", choice.reason());
            symlink(&evil, place.path("new")).unwrap();
            fs::rename(place.path("new"), place.file()).unwrap();
            place.open(&choice);
            // The file is another one, of the same name.
            symlink(&good, place.path("new")).unwrap();
            fs::rename(place.path("new"), place.file()).unwrap();
            let choice = choose();
            fs::copy(&good, place.path("kept")).unwrap();
            fs::rename(&evil, &good).unwrap();
            place.open(&choice);
            // It is written over where it lies.
            fs::copy(&good, &evil).unwrap();
            fs::rename(place.path("kept"), &good).unwrap();
            let choice = choose();
            fs::write(&good, fs::read(&evil).unwrap()).unwrap();
            place.open(&choice);
            assert!(!mark.exists(), "what was swapped in has run");
            // What lies there now is not what was signed.
            let now = place.manager(place.trusting()).find(&REQUEST);
            assert_eq!(now.is_err(), signed, "{now:?}");
        }
    });
}
