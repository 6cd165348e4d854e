//! What the integration tests share: a watchdog, the command line as a child, and a look at the process table.
#![allow(dead_code, reason = "each test file uses the part that it needs")]

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// Far longer than any test takes on a busy machine; only a hang gets there.
const WATCHDOG: Duration = Duration::from_secs(300);

/// Between two looks at something that cannot be waited for.
const GLANCE: Duration = Duration::from_millis(5);

/// Ends the whole run, loudly, if `test` hangs.
pub fn watchdog<T>(test: impl FnOnce() -> T) -> T {
    let (done, running) = channel::<()>();
    let name = std::thread::current().name().unwrap_or("?").to_owned();
    std::thread::spawn(move || {
        if running.recv_timeout(WATCHDOG) == Err(RecvTimeoutError::Timeout) {
            eprintln!("{name} hangs");
            std::process::abort();
        }
    });
    let result = test();
    drop(done);
    result
}

/// Looks until `condition` holds; the watchdog bounds it.
pub fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        std::thread::sleep(GLANCE);
    }
}

/// The seed of a test's random choices, printed so that a failure can be repeated with `RINGFENCE_TEST_SEED`.
pub fn seed() -> u64 {
    let given = std::env::var("RINGFENCE_TEST_SEED").ok();
    let seed = given.map_or(0x51ED_2026, |text| text.parse().expect("RINGFENCE_TEST_SEED is a number"));
    eprintln!("seed: RINGFENCE_TEST_SEED={seed}");
    seed
}

/// `ringfence` about to be started, in a folder of its own, with pictures of modest size at full speed.
#[derive(Debug)]
pub struct Host {
    command: Command,
    folder: TempDir,
    tag: String,
}

/// `ringfence` while it runs.
#[derive(Debug)]
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    /// Lines that a test has looked at already.
    seen: Vec<String>,
    stderr: JoinHandle<String>,
    folder: TempDir,
    tag: String,
}

/// What is left of it.
#[derive(Debug)]
pub struct Outcome {
    /// Exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Everything on standard output.
    pub stdout: String,
    /// Everything on standard error.
    pub stderr: String,
    /// The folder in which it ran.
    pub folder: TempDir,
    tag: String,
}

impl Host {
    /// The program of this build with these arguments.
    pub fn new<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Self {
        Self::program(env!("CARGO_BIN_EXE_ringfence"), args)
    }

    /// Another executable.
    pub fn program<A: AsRef<OsStr>>(program: impl AsRef<Path>, args: impl IntoIterator<Item = A>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        // ORDERING: Relaxed: only distinct numbers are needed.
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        // A variable that workers inherit and nobody looks at marks the processes of this run.
        let tag = format!("TZ=UTC0{}x{number}x", std::process::id());
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new(program.as_ref());
        command
            .args(args)
            .current_dir(folder.path())
            .env_remove("RUST_LOG")
            .env_remove("RINGFENCE_WORKER")
            .env("TZ", &tag[3..])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self { command, folder, tag }
    }

    /// A run of `frames` pictures of this size as fast as possible, told as JSON.
    pub fn of_size(size: &str, frames: u32, args: &[&str]) -> Self {
        let frames = frames.to_string();
        let common = ["--frames", &frames, "--fps", "max", "--size", size, "--json"];
        Self::new(common.iter().chain(args))
    }

    /// A run of `frames` small pictures as fast as possible, told as JSON.
    pub fn small(frames: u32, args: &[&str]) -> Self {
        Self::of_size("410x308", frames, args)
    }

    /// A run that goes on until somebody ends it.
    pub fn endless(args: &[&str]) -> Self {
        Self::small(u32::MAX, args)
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// The folder in which it will run.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts it.
    pub fn start(mut self) -> Running {
        // A group of its own, so that a signal to the tests' group does not reach it by accident.
        let mut child = self.command.process_group(0).spawn().expect("ringfence starts");
        let (stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                if line.map(|line| send.send(line)).is_err() {
                    break;
                }
            }
        });
        let stderr = std::thread::spawn(move || {
            let mut text = Vec::new();
            stderr.read_to_end(&mut text).expect("a pipe can be read");
            String::from_utf8_lossy(&text).into_owned()
        });
        Running { child, lines, seen: Vec::new(), stderr, folder: self.folder, tag: self.tag }
    }

    /// Runs it to its end.
    pub fn run(self) -> Outcome {
        self.start().wait()
    }
}

impl Running {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The folder in which it runs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Waits for its worker and returns the worker's process id.
    pub fn worker(&self) -> u32 {
        let mut found = None;
        until(|| {
            found = processes(&self.tag).into_iter().find(|pid| *pid != self.pid());
            found.is_some()
        });
        found.unwrap()
    }

    /// Waits until it has printed this many lines, and returns the last of them.
    pub fn line(&mut self, count: usize) -> &str {
        while self.seen.len() < count {
            let line = self.lines.recv().expect("it prints a line a frame and has not ended");
            self.seen.push(line);
        }
        &self.seen[count - 1]
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Outcome {
        let status = self.child.wait().expect("a child can be waited for");
        // A worker that outlives its host keeps no end of these pipes: it writes to the host.
        self.seen.extend(self.lines.iter());
        Outcome {
            code: status.code(),
            signal: status.signal(),
            stdout: self.seen.iter().map(|line| line.clone() + "\n").collect(),
            stderr: self.stderr.join().expect("the reader does not panic"),
            folder: self.folder,
            tag: self.tag,
        }
    }
}

impl Outcome {
    /// Checks the exit code, and that no process is left behind.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "signal {:?}, standard error:\n{}", self.signal, self.stderr);
        self.nothing_left();
        self
    }

    /// Checks that no process is left behind.
    #[track_caller]
    pub fn nothing_left(&self) {
        assert_eq!(
            self.processes(),
            Vec::<u32>::new(),
            "processes are left; standard error:\n{}",
            self.stderr
        );
    }

    /// Processes of this run that live.
    pub fn processes(&self) -> Vec<u32> {
        processes(&self.tag)
    }

    /// The objects on standard output.
    #[track_caller]
    pub fn objects(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(parse).collect()
    }

    /// The objects of the frames, and the summary.
    #[track_caller]
    pub fn report(&self) -> (Vec<Value>, Value) {
        let mut frames = self.objects();
        let mut last = frames.pop().expect("there is output");
        let summary = last["summary"].take();
        assert!(summary.is_object(), "the last line is no summary: {last}");
        assert!(frames.iter().all(|frame| frame.get("summary").is_none()), "one summary, at the end");
        (frames, summary)
    }

    /// A file that it wrote, under its `out`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("out").join(name)
    }

    /// Lines on standard error that are no log lines of little weight.
    pub fn complaints(&self) -> Vec<&str> {
        let log = |line: &&str| [" INFO ", "DEBUG ", "TRACE "].iter().any(|level| line.starts_with(level));
        self.stderr.lines().filter(|line| !log(line)).collect()
    }
}

/// Sends a signal to a process that this test, or its child, has started.
pub fn send(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).expect("a process id is positive");
    match kill_process(pid, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => {}
        Err(errno) => panic!("kill: {errno}"),
    }
}

/// Stops a process, and waits until it has stopped: a thread of it may run on for a moment.
pub fn stop(pid: u32) {
    send(pid, Signal::STOP);
    until(|| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        // A process that is gone is stopped for good.
        status
            .lines()
            .find(|line| line.starts_with("State:"))
            .is_none_or(|state| state.contains("T (stopped)"))
    });
}

/// Living processes with this entry in their environment. Zombies have none.
pub fn processes(tag: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("/proc is mounted").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // Gone meanwhile, or somebody else's.
        let Ok(environment) = std::fs::read(entry.path().join("environ")) else { continue };
        if environment.split(|byte| *byte == 0).any(|variable| variable == tag.as_bytes()) {
            found.push(pid);
        }
    }
    found
}

/// Children of this process, zombies included.
pub fn children() -> Vec<u32> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("/proc is mounted");
    let of = |task: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(task.ok()?.path().join("children")).ok()
    };
    let lists: Vec<String> = tasks.filter_map(of).collect();
    lists.iter().flat_map(|list| list.split_whitespace()).map(|pid| pid.parse().unwrap()).collect()
}

/// Whether a process is there, be it as a zombie.
pub fn exists(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}
