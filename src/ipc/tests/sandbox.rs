//! What stops a worker in its sandbox, layer by layer: each test fails if its layer is missing.

use std::fs;
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::ptr;

use super::*;

static CAPTIVE: Interface = Interface {
    name: "test.Captive",
    hash: 0x5678,
    methods: &[
        Method { name: "try_to", asynchronous: false },
        Method { name: "read", asynchronous: false },
        Method { name: "loaded", asynchronous: false },
    ],
    events: &[],
};
const TRY: u16 = 1;
const READ: u16 = 2;
const LOADED: u16 = 3;

/// What the worker is to try.
#[derive(Debug, Clone, Copy)]
#[repr(u32)]
enum Attempt {
    Connect,
    Execute,
    Fork,
    KillHost,
    TraceHost,
    MakeExecutable,
    Allocate,
    AllocateTooMuch,
    OpenTooMany,
    StartThread,
    OpenRandom,
    TellUser,
    QueueSignals,
}

const ATTEMPTS: [Attempt; 13] = [
    Attempt::Connect,
    Attempt::Execute,
    Attempt::Fork,
    Attempt::KillHost,
    Attempt::TraceHost,
    Attempt::MakeExecutable,
    Attempt::Allocate,
    Attempt::AllocateTooMuch,
    Attempt::OpenTooMany,
    Attempt::StartThread,
    Attempt::OpenRandom,
    Attempt::TellUser,
    Attempt::QueueSignals,
];

/// In the worker: 0, or the number of the error.
fn attempt(what: Attempt) -> i32 {
    let code = |error: std::io::Error| error.raw_os_error().unwrap_or(-1);
    let last = || code(std::io::Error::last_os_error());
    let zero_or_last = |result: libc::c_int| if result == 0 { 0 } else { last() };
    match what {
        Attempt::Connect => TcpStream::connect("127.0.0.1:1").map_or_else(code, |_| 0),
        Attempt::Execute => Command::new("/bin/true").status().map_or_else(code, |_| 0),
        // SAFETY: the child ends at once.
        Attempt::Fork => match unsafe { libc::fork() } {
            // SAFETY: it ends the child.
            0 => unsafe { libc::_exit(0) },
            -1 => last(),
            _ => 0,
        },
        // SAFETY: signal 0 does nothing but look.
        Attempt::KillHost => zero_or_last(unsafe { libc::kill(libc::getppid(), 0) }),
        // SAFETY: attaching changes nothing here; the kernel detaches when this process ends.
        Attempt::TraceHost => match unsafe { libc::ptrace(libc::PTRACE_SEIZE, libc::getppid(), 0, 0) } {
            0 => 0,
            _ => last(),
        },
        Attempt::MakeExecutable => {
            // SAFETY: a new mapping, which nobody uses.
            unsafe {
                let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
                let page =
                    libc::mmap(ptr::null_mut(), 4096, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
                zero_or_last(libc::mprotect(page, 4096, libc::PROT_READ | libc::PROT_EXEC))
            }
        }
        Attempt::Allocate => {
            let memory = vec![1u8; 100 << 20];
            i32::from(std::hint::black_box(&memory).iter().step_by(4096).any(|byte| *byte != 1))
        }
        Attempt::AllocateTooMuch => {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            // SAFETY: a new mapping, which nobody uses.
            let memory = unsafe { libc::mmap(ptr::null_mut(), 6 << 30, libc::PROT_READ, flags, -1, 0) };
            if memory == libc::MAP_FAILED { last() } else { 0 }
        }
        Attempt::OpenTooMany => {
            let mut pipes = Vec::new();
            while pipes.len() < 2000 {
                match std::io::pipe() {
                    Ok(pipe) => pipes.push(pipe),
                    Err(error) => return code(error),
                }
            }
            0
        }
        Attempt::StartThread => {
            let thread = std::thread::Builder::new().spawn(|| 7);
            thread.map_or_else(code, |thread| i32::from(thread.join().is_ok_and(|seven| seven != 7)))
        }
        Attempt::OpenRandom => fs::File::open("/dev/urandom").map_or_else(code, |_| 0),
        // SAFETY: it only tells.
        Attempt::TellUser => unsafe { libc::getuid() }.cast_signed(),
        Attempt::QueueSignals => {
            // To this thread: the others do not block it, and the first process of a namespace drops it then.
            // SAFETY: set and information are written before they are used; a signal that waits does nothing.
            unsafe {
                let mut set = std::mem::zeroed();
                libc::sigfillset(&raw mut set);
                libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut());
                let mut about: libc::siginfo_t = std::mem::zeroed();
                (about.si_signo, about.si_code) = (libc::SIGRTMIN(), libc::SI_QUEUE);
                let (process, thread) = (libc::getpid(), libc::gettid());
                let number = libc::SYS_rt_tgsigqueueinfo;
                let queue = || libc::syscall(number, process, thread, libc::SIGRTMIN(), &raw const about);
                (0..1000).find_map(|_| (queue() != 0).then(last)).unwrap_or(0)
            }
        }
    }
}

struct Captive;

impl Dispatch for Captive {
    fn dispatch(&mut self, method: u16, mut input: Decoder<'_>, reply: Reply<'_>) -> Result<(), CallError> {
        match method {
            TRY => {
                let number = u32::decode(input.fixed()?, &mut input)?;
                let what = ATTEMPTS.into_iter().find(|attempt| *attempt as u32 == number);
                reply.send(&what.map_or(-1, attempt))
            }
            READ => {
                let path = String::decode(input.fixed()?, &mut input)?;
                let error = |error: std::io::Error| error.raw_os_error().unwrap_or(-1);
                reply.send(&fs::read(path).map_or_else(error, |_| 0))
            }
            LOADED => reply.send(&0i32),
            method => Err(CallError::UnknownMethod { method }),
        }
    }
}

pub(super) fn serve(endpoint: Endpoint) -> Result<(), ServeError> {
    endpoint.serve(&CAPTIVE, |_| Captive)
}

fn captive(policy: SandboxPolicy, loads_until: Option<&str>) -> Result<Connection, ConnectError> {
    let mut worker = worker().renamed("captive");
    if let Some(method) = loads_until {
        worker = worker.loads_until(method);
    }
    Connection::isolated(&CAPTIVE, &Options::new().sandbox(policy), &worker)
}

fn strict() -> Connection {
    captive(SandboxPolicy::strict(), None).unwrap()
}

/// One that may still read files.
fn loading(policy: SandboxPolicy) -> Connection {
    captive(policy, Some("loaded")).unwrap()
}

fn attempted(connection: &mut Connection, what: Attempt) -> Result<i32, CallError> {
    connection.call(TRY, &(what as u32), |input| i32::decode(input.fixed()?, input))
}

fn read(connection: &mut Connection, path: &Path) -> Result<i32, CallError> {
    connection.call(READ, path.to_str().unwrap(), |input| i32::decode(input.fixed()?, input))
}

fn loaded(connection: &mut Connection) {
    let zero = connection.call(LOADED, &0u8, |input| i32::decode(input.fixed()?, input)).unwrap();
    assert_eq!(zero, 0);
}

/// The call that the worker was killed for.
fn forbidden<T: std::fmt::Debug>(result: Result<T, CallError>) -> String {
    match result {
        Err(CallError::Died(death)) => match &death.exit {
            Exit::Forbidden { call } => call.clone(),
            exit => panic!("{exit:?}"),
        },
        result => panic!("{result:?}"),
    }
}

fn of_process(connection: &Connection, file: &str) -> PathBuf {
    format!("/proc/{}/{file}", connection.worker_pid().unwrap()).into()
}

fn status(connection: &Connection, name: &str) -> String {
    let status = fs::read_to_string(of_process(connection, "status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap().trim().to_owned()
}

#[test]
fn the_required_layers_hold_and_the_kernel_says_so_too() {
    watchdog(|| {
        let connection = strict();
        assert!(connection.layers().contains(Layers::REQUIRED), "{}", connection.layers());
        assert_eq!(status(&connection, "NoNewPrivs"), "1");
        assert_eq!(status(&connection, "Seccomp"), "2");
        let limits = fs::read_to_string(of_process(&connection, "limits")).unwrap();
        let limit = |name: &str| {
            let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().to_owned()
        };
        assert_eq!(limit("Max core file size"), "0");
        assert_eq!(limit("Max address space"), (4u64 << 30).to_string());
        assert_eq!(limit("Max open files"), "768");
        assert_eq!(limit("Max file size"), (1 << 20).to_string());
    });
}

#[test]
fn namespaces_are_told_exactly_if_they_are_the_workers_own() {
    watchdog(|| {
        for policy in
            [SandboxPolicy::strict(), SandboxPolicy::strict().without(Layers::PID_NS), SandboxPolicy::off()]
        {
            let mut connection = captive(policy, None).unwrap();
            let layers = connection.layers();
            for (layer, name) in [
                (Layers::USER_NS, "user"),
                (Layers::NET_NS, "net"),
                (Layers::IPC_NS, "ipc"),
                (Layers::UTS_NS, "uts"),
                (Layers::PID_NS, "pid"),
            ] {
                let name = format!("ns/{name}");
                let theirs = fs::read_link(of_process(&connection, &name)).unwrap();
                let ours = fs::read_link(Path::new("/proc/self").join(&name)).unwrap();
                assert_eq!(layers.contains(layer), theirs != ours, "{name}: {layers}");
            }
            if layers.contains(Layers::USER_NS) {
                assert_eq!(attempted(&mut connection, Attempt::TellUser).unwrap(), 65534);
                let effective = status(&connection, "CapEff");
                assert!(effective.bytes().all(|digit| digit == b'0'), "{effective}");
            }
        }
    });
}

#[test]
fn a_worker_inherits_no_descriptor() {
    watchdog(|| {
        let file = tempfile::NamedTempFile::new().unwrap();
        // As of a library of the host's that does not think of it.
        rustix::io::fcntl_setfd(file.as_file(), rustix::io::FdFlags::empty()).unwrap();
        for policy in [SandboxPolicy::strict(), SandboxPolicy::off()] {
            let connection = captive(policy, None).unwrap();
            let found: Vec<_> = fs::read_dir(of_process(&connection, "fd")).unwrap().flatten().collect();
            let leaked =
                found.iter().any(|fd| fs::read_link(fd.path()).is_ok_and(|target| target == file.path()));
            assert!(!leaked && found.len() <= 14, "{found:?} of {}", file.as_raw_fd());
        }
    });
}

#[test]
fn landlock_lets_a_worker_read_only_what_was_named() {
    watchdog(|| {
        let folder = tempfile::tempdir().unwrap();
        let (named, other) = (folder.path().join("named"), folder.path().join("other"));
        fs::write(&named, "tuning").unwrap();
        fs::write(&other, "secret").unwrap();
        let mut connection = loading(SandboxPolicy::strict().read_path(&named));
        assert_eq!(read(&mut connection, &named).unwrap(), 0);
        assert_eq!(read(&mut connection, &other).unwrap(), libc::EACCES);
        assert_eq!(read(&mut connection, Path::new("/etc/shadow")).unwrap(), libc::EACCES);
        assert_eq!(read(&mut connection, Path::new("/proc/self/environ")).unwrap(), libc::EACCES);
        assert_eq!(read(&mut connection, Path::new("/no/such/file")).unwrap(), libc::ENOENT);
        let mut unfenced = loading(SandboxPolicy::best_effort().without(Layers::LANDLOCK));
        assert!(!unfenced.layers().contains(Layers::LANDLOCK));
        assert_eq!(read(&mut unfenced, &other).unwrap(), 0);
    });
}

#[test]
fn files_and_executable_memory_end_when_the_module_is_loaded() {
    watchdog(|| {
        let file = tempfile::NamedTempFile::new().unwrap();
        let policy = || SandboxPolicy::strict().read_path(file.path());
        let mut connection = loading(policy());
        assert!(!connection.layers().contains(Layers::SEAL));
        assert_eq!(read(&mut connection, file.path()).unwrap(), 0);
        assert_eq!(attempted(&mut connection, Attempt::MakeExecutable).unwrap(), 0);
        loaded(&mut connection);
        assert!(connection.layers().contains(Layers::SEAL));
        let call = forbidden(read(&mut connection, file.path()));
        assert!(call.starts_with("open"), "{call}");
        let mut connection = loading(policy());
        loaded(&mut connection);
        assert_eq!(forbidden(attempted(&mut connection, Attempt::MakeExecutable)), "mprotect");
        let call = forbidden(read(&mut captive(policy(), None).unwrap(), file.path()));
        assert!(call.starts_with("open"), "{call}");
        // What a runtime opens by itself fails, and is no reason to die.
        let mut connection = strict();
        assert_eq!(attempted(&mut connection, Attempt::OpenRandom).unwrap(), libc::EACCES);
        assert_eq!(attempted(&mut connection, Attempt::StartThread).unwrap(), 0);
    });
}

/// Else a module could put off the seal for ever by how it answers.
#[test]
fn a_module_whose_loading_fails_or_is_late_is_sealed_all_the_same() {
    watchdog(|| {
        let file = tempfile::NamedTempFile::new().unwrap();
        let policy = || SandboxPolicy::strict().read_path(file.path());
        let mut failing = captive(policy(), Some("read")).unwrap();
        let error = failing.call(READ, &0u8, |_| Ok(())).unwrap_err();
        assert!(matches!(error, CallError::Fault { .. }), "{error}");
        // 100 MB are not filled in no time.
        let mut late = captive(policy(), Some("try_to")).unwrap();
        late.deadline_of_next_call(Duration::from_nanos(1));
        let error = attempted(&mut late, Attempt::Allocate).unwrap_err();
        assert!(matches!(error, CallError::Deadline { .. }), "{error}");
        assert!(!late.layers().contains(Layers::SEAL));
        loaded(&mut late);
        for mut connection in [failing, late] {
            assert!(connection.layers().contains(Layers::SEAL));
            let call = forbidden(read(&mut connection, file.path()));
            assert!(call.starts_with("open"), "{call}");
        }
    });
}

#[test]
fn a_forbidden_call_ends_the_worker_and_is_named() {
    watchdog(|| {
        for (what, calls) in [
            (Attempt::Connect, &["socket"][..]),
            (Attempt::Execute, &["clone", "vfork", "execve"]),
            (Attempt::Fork, &["clone", "fork"]),
            (Attempt::KillHost, &["kill"]),
            (Attempt::TraceHost, &["ptrace"]),
        ] {
            let mut connection = strict();
            let result = attempted(&mut connection, what);
            let text = result.as_ref().map_or_else(ToString::to_string, |code| format!("{what:?}: {code}"));
            let call = forbidden(result);
            assert!(calls.contains(&call.as_str()), "{what:?}: {call}");
            assert!(text.contains(&format!("system call {call}")), "{text}");
            // Not while it is being loaded, either.
            forbidden(attempted(&mut loading(SandboxPolicy::strict()), what));
        }
    });
}

#[test]
fn a_forbidden_call_is_noticed_by_an_owner_who_sleeps_on_the_descriptor() {
    watchdog(|| {
        let options = Options::new().call_deadline(Duration::from_millis(1));
        let mut connection = Connection::isolated(&CAPTIVE, &options, &worker().renamed("captive")).unwrap();
        let _ = attempted(&mut connection, Attempt::Connect);
        let error = loop {
            match connection.next_event::<Told>() {
                Ok(_) => {
                    poll(&mut [PollFd::new(&connection, PollFlags::IN)], None).unwrap();
                }
                Err(error) => break error,
            }
        };
        assert_eq!(forbidden::<()>(Err(error)), "socket");
    });
}

#[test]
fn limits_stop_a_greedy_worker_and_only_that() {
    watchdog(|| {
        let mut connection = strict();
        assert_eq!(attempted(&mut connection, Attempt::Allocate).unwrap(), 0);
        assert_eq!(attempted(&mut connection, Attempt::StartThread).unwrap(), 0);
        assert_eq!(attempted(&mut connection, Attempt::AllocateTooMuch).unwrap(), libc::ENOMEM);
        assert_eq!(attempted(&mut connection, Attempt::OpenTooMany).unwrap(), libc::EMFILE);
        assert_eq!(attempted(&mut connection, Attempt::QueueSignals).unwrap(), libc::EAGAIN);
        let roomy = SandboxPolicy::strict().address_space(16 << 30);
        assert_eq!(attempted(&mut captive(roomy, None).unwrap(), Attempt::AllocateTooMuch).unwrap(), 0);
    });
}

#[test]
fn an_embedder_can_allow_a_call() {
    watchdog(|| {
        let policy = SandboxPolicy::strict().allow_call("ptrace".parse().unwrap());
        let code = attempted(&mut captive(policy, None).unwrap(), Attempt::TraceHost).unwrap();
        assert_ne!(code, 0, "another layer still stops it");
    });
}

#[test]
fn a_strict_policy_starts_nothing_without_a_required_layer() {
    watchdog(|| {
        for layer in [Layers::LANDLOCK, Layers::SECCOMP] {
            let error = captive(SandboxPolicy::strict().without(layer), None).unwrap_err();
            let ConnectError::Sandbox { source: SandboxError::Missing { missing }, .. } = &error else {
                panic!("{error}");
            };
            assert!(missing.contains(layer), "{missing}");
            assert!(error.to_string().contains("SandboxPolicy::best_effort"), "{error}");
            let mut connection = captive(SandboxPolicy::best_effort().without(layer), None).unwrap();
            assert!(!connection.layers().contains(layer), "{}", connection.layers());
            assert_eq!(attempted(&mut connection, Attempt::Allocate).unwrap(), 0);
        }
        // Namespaces are a bonus, unless somebody insists on them.
        let without = || SandboxPolicy::strict().without(Layers::NET_NS);
        let layers = captive(without(), None).unwrap().layers();
        assert!(layers.contains(Layers::REQUIRED) && !layers.contains(Layers::NET_NS), "{layers}");
        let error = captive(without().minimum(Layers::NET_NS), None).unwrap_err();
        assert!(error.to_string().contains("insists on net-ns"), "{error}");
    });
}

#[test]
fn without_a_sandbox_a_worker_may_do_what_its_host_may() {
    watchdog(|| {
        let mut connection = captive(SandboxPolicy::off(), None).unwrap();
        assert_eq!(connection.layers(), Layers::CLOSED_FDS);
        assert_eq!(attempted(&mut connection, Attempt::Execute).unwrap(), 0);
        assert_eq!(attempted(&mut connection, Attempt::Connect).unwrap(), libc::ECONNREFUSED);
        assert_eq!(read(&mut connection, Path::new("/proc/self/environ")).unwrap(), 0);
    });
}

/// A program from this C++ source, in a folder of its own; `None`, with a word, where there is no compiler.
fn compiled(source: &str) -> Option<(tempfile::TempDir, PathBuf)> {
    let folder = tempfile::tempdir().unwrap();
    let (file, program) = (folder.path().join("program.cc"), folder.path().join("program"));
    fs::write(&file, source).unwrap();
    let Ok(status) = Command::new("c++").args(["-pthread", "-o"]).args([&program, &file]).status() else {
        eprintln!("skipped: there is no C++ compiler");
        return None;
    };
    assert!(status.success());
    Some((folder, program))
}

/// A module's constructors run when it is loaded, before anybody could ask it to confine itself.
#[test]
fn what_runs_before_main_is_confined_too() {
    const PROGRAM: &str = r#"
        #include <cstdio>
        #include <fcntl.h>
        #include <sys/socket.h>
        __attribute__((constructor)) static void first() {
            fprintf(stderr, "%d\n", open("/etc/passwd", O_RDONLY));
            socket(AF_INET, SOCK_STREAM, 0);
        }
        int main() { return 5; }
    "#;
    watchdog(|| {
        let Some((_folder, program)) = compiled(PROGRAM) else { return };
        let worker = Worker::component("none").program(&program);
        let error = Connection::isolated(&CAPTIVE, &Options::new(), &worker).unwrap_err();
        let ConnectError::Died(death) = error else { panic!("{error}") };
        assert_eq!((death.exit, death.stderr.as_str()), (Exit::Forbidden { call: "socket".into() }, "-1\n"));
        let free = Options::new().sandbox(SandboxPolicy::off());
        let error = Connection::isolated(&CAPTIVE, &free, &worker).unwrap_err();
        let ConnectError::Died(death) = error else { panic!("{error}") };
        assert_eq!(death.exit, Exit::Status(5));
    });
}

/// A runtime that is not ours: it throws, starts threads, takes much memory and aborts.
#[test]
fn a_program_in_c_plus_plus_runs_in_the_sandbox() {
    const PROGRAM: &str = r#"
        #include <cstdio>
        #include <cstdlib>
        #include <stdexcept>
        #include <string>
        #include <thread>
        #include <vector>
        int main(int argc, char **argv) {
            std::string word;
            std::thread([&] {
                try { throw std::runtime_error("caught"); }
                catch (const std::exception &error) { word = error.what(); }
            }).join();
            std::vector<char> memory(100 << 20, 1);
            fprintf(stderr, "%s %d\n", word.c_str(), int(memory.back()));
            if (argc > 1) abort();
            return 5;
        }
    "#;
    watchdog(|| {
        let Some((_folder, program)) = compiled(PROGRAM) else { return };
        for (args, exit) in [(&[][..], Exit::Status(5)), (&["abort"][..], Exit::Signal(6))] {
            let worker = Worker::component("none").program(&program).args(args);
            let error = Connection::isolated(&CAPTIVE, &Options::new(), &worker).unwrap_err();
            let ConnectError::Died(death) = error else { panic!("{error}") };
            assert_eq!((death.exit, death.stderr.as_str()), (exit, "caught 1\n"));
        }
    });
}

#[test]
#[ignore = "a measurement"]
fn how_long_a_start_takes() {
    for (name, policy) in [
        ("strict", SandboxPolicy::strict()),
        ("strict, no network namespace", SandboxPolicy::strict().without(Layers::NET_NS)),
        ("strict, no namespaces", SandboxPolicy::strict().without(Layers::NAMESPACES)),
        ("off", SandboxPolicy::off()),
    ] {
        let mut times = [Duration::ZERO; 51];
        let mut ends = times;
        for (time, end) in times.iter_mut().zip(&mut ends) {
            let start = Instant::now();
            let connection = captive(policy.clone(), None).unwrap();
            *time = start.elapsed();
            drop(connection);
            *end = start.elapsed();
        }
        times.sort_unstable();
        ends.sort_unstable();
        println!("{name}: {:?} to connect, {:?} with the end", times[25], ends[25]);
    }
}
