//! The module's side as the host sees it: a process or a thread, and how it ends.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFlags, epoll};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{Shutdown, shutdown};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_send_signal, waitid};

use super::sandbox::{LaunchError, Launched, Program, Streams, Warden, launch};
use super::starter::Starter;
use super::stderr::Stderr;
use super::wait::{Peer, Wake, wait};
use super::{ConnectError, Death, Exit, LAST_BREATH, Layers, Mode, Nursery, SandboxPolicy, ServeError};

/// How long the last lines of a dead worker may take to arrive.
const STDERR_PATIENCE: Duration = Duration::from_millis(200);

/// What serves a connection.
#[expect(clippy::large_enum_variant, reason = "there is one for each connection, and nobody moves it about")]
#[derive(Debug)]
pub(super) enum Module {
    Process(Process),
    Thread(Option<JoinHandle<Result<(), ServeError>>>),
}

/// A worker process.
#[derive(Debug)]
pub(super) struct Process {
    pid: Pid,
    pidfd: OwnedFd,
    warden: Option<Warden>,
    layers: Layers,
    stderr: Stderr,
    exit: Option<Exit>,
    /// The thread with whose end the kernel kills it, where that is known.
    starter: Option<Starter>,
    /// Keeps that thread, if it was asked of a nursery.
    _nursery: Option<Nursery>,
}

impl Process {
    /// Starts a worker whose standard input is `socket`, and whose output goes to the host's log. It is killed when the
    /// thread of the nursery ends; without one, the calling *thread*.
    pub fn spawn(
        program: Program,
        policy: &SandboxPolicy,
        nursery: Option<&Nursery>,
        socket: OwnedFd,
    ) -> Result<Self, ConnectError> {
        let streams = |errors: OwnedFd| {
            let output = errors.try_clone()?;
            Ok(Streams { input: socket, output, errors, passed: None })
        };
        Self::start(program, policy, nursery, streams)
    }

    /// Starts a worker that has its connection elsewhere: in `passed`, which has the same number there. Its standard
    /// error goes to the host's log. It is killed when the thread of the nursery ends; without one, the calling *thread*.
    pub fn spawn_silent(
        program: Program,
        policy: &SandboxPolicy,
        nursery: Option<&Nursery>,
        passed: OwnedFd,
    ) -> Result<Self, ConnectError> {
        let streams = |errors: OwnedFd| {
            let input = File::open("/dev/null")?.into();
            let output = File::options().write(true).open("/dev/null")?.into();
            Ok(Streams { input, output, errors, passed: Some(passed) })
        };
        Self::start(program, policy, nursery, streams)
    }

    fn start(
        program: Program,
        policy: &SandboxPolicy,
        nursery: Option<&Nursery>,
        streams: impl FnOnce(OwnedFd) -> io::Result<Streams>,
    ) -> Result<Self, ConnectError> {
        let path = program.path.clone();
        let spawn = |source| ConnectError::Spawn { program: path.clone(), source };
        let (stderr, writer) = Stderr::new().map_err(|errno| spawn(errno.into()))?;
        let streams = streams(writer).map_err(spawn)?;
        let policy = policy.clone();
        let launch = move || (launch(&program, streams, &policy), Starter::this_thread());
        let (launched, starter) = match nursery {
            Some(nursery) => nursery.run(launch).map_err(spawn)?,
            None => launch(),
        };
        let Launched { pid, pidfd, warden, layers } = launched.map_err(|error| match error {
            LaunchError::Program(source) => spawn(source),
            LaunchError::Sandbox(source) => ConnectError::Sandbox { program: path.clone(), source },
        })?;
        stderr.is_of(pid.as_raw_nonzero().get().cast_unsigned());
        Ok(Self { pid, pidfd, warden, layers, stderr, exit: None, starter, _nursery: nursery.cloned() })
    }

    /// Waits for the end until `deadline`, then makes one.
    fn end(&mut self, deadline: Instant) -> Exit {
        if let Some(exit) = &self.exit {
            return exit.clone();
        }
        let pidfd = self.pidfd.as_fd();
        let peer = Peer { warden: self.warden.as_ref(), stderr: Some(&self.stderr), ..Peer::socket(pidfd) };
        if wait(&[(pidfd, PollFlags::IN)], peer, Some(deadline)) == Wake::Late {
            let _ = pidfd_send_signal(pidfd, Signal::KILL);
        }
        // What the worker has started ends with it, unless it left the group. The worker is not reaped yet, so
        // the group's number cannot be somebody else's.
        let _ = kill_process_group(self.pid, Signal::KILL);
        let ended = retry_on_intr(|| waitid(WaitId::PidFd(self.pidfd.as_fd()), WaitIdOptions::EXITED));
        let exit = match ended {
            Ok(Some(status)) => match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => Exit::Status(code),
                (None, Some(signal)) => Exit::Signal(signal),
                (None, None) => Exit::Closed,
            },
            _ => Exit::Closed,
        };
        let exit = self.warden.as_ref().and_then(Warden::cause).cloned().unwrap_or(exit);
        // What it has said is still to be logged.
        self.stderr.drain(Instant::now() + STDERR_PATIENCE);
        self.exit = Some(exit.clone());
        exit
    }
}

impl Module {
    /// How it runs.
    pub fn mode(&self) -> Mode {
        match self {
            Self::Process(_) => Mode::Isolated,
            Self::Thread(_) => Mode::Threaded,
        }
    }

    /// Process id of a worker process.
    pub fn pid(&self) -> Option<u32> {
        match self {
            Self::Process(process) => Some(process.pid.as_raw_nonzero().get().cast_unsigned()),
            Self::Thread(_) => None,
        }
    }

    /// Its end of the connection over `socket`.
    pub fn peer<'a>(&'a self, socket: BorrowedFd<'a>) -> Peer<'a> {
        match self {
            Self::Process(process) => {
                let (warden, stderr) = (process.warden.as_ref(), Some(&process.stderr));
                Peer { socket, process: Some(process.pidfd.as_fd()), warden, stderr }
            }
            Self::Thread(_) => Peer::socket(socket),
        }
    }

    /// Makes `epoll` readable when a process has ended, waits for one of its system calls to be judged, or has written to
    /// its standard error.
    pub fn watch(&self, epoll: &Arc<OwnedFd>) -> Result<(), Errno> {
        let Self::Process(Process { pidfd, warden, stderr, .. }) = self else { return Ok(()) };
        let calls = warden.as_ref().map(Warden::as_fd);
        for fd in [Some(pidfd.as_fd()), calls].into_iter().flatten() {
            epoll::add(&**epoll, fd, epoll::EventData::new_u64(0), epoll::EventFlags::IN)?;
        }
        stderr.watch(epoll)
    }

    /// The module is loaded: no more files for it.
    pub fn seal(&mut self) {
        if let Self::Process(Process { warden: Some(warden), layers, .. }) = self {
            warden.seal();
            layers.insert(Layers::SEAL);
        }
    }

    /// The layers of the sandbox that are in force; none for a thread.
    pub fn layers(&self) -> Layers {
        match self {
            Self::Process(process) => process.layers,
            Self::Thread(_) => Layers::empty(),
        }
    }

    /// CPU time that a worker process has used so far. Not to be asked for once it may have been reaped.
    pub fn cpu_time(&self) -> Option<Duration> {
        // rustix has no clock of another process.
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.pid()?).ok()?);
        let clock = nix::time::clock_getcpuclockid(pid).ok()?;
        nix::time::clock_gettime(clock).ok().map(Duration::from)
    }

    /// Whether it is known to have ended.
    fn has_ended(&self) -> bool {
        match self {
            Self::Process(process) => process.exit.is_some(),
            Self::Thread(thread) => thread.is_none(),
        }
    }

    /// Waits for the end until `deadline`. Then a process is killed; a thread cannot be, and is left behind.
    pub fn end(&mut self, socket: BorrowedFd<'_>, deadline: Instant) -> Exit {
        match self {
            Self::Process(process) => process.end(deadline),
            Self::Thread(thread) => {
                // Returning or panicking, the thread drops its end of the socket.
                let gone = wait(&[], Peer::socket(socket), Some(deadline)) == Wake::Gone;
                let Some(handle) = thread.take_if(|_| gone) else { return Exit::Closed };
                match handle.join() {
                    Ok(Ok(())) => Exit::Returned,
                    Ok(Err(error)) => Exit::Panicked(error.to_string()),
                    Err(panic) => Exit::Panicked(panic_message(&*panic)),
                }
            }
        }
    }

    /// Ends it at `deadline` at the latest, and tells how it ended.
    pub fn death(
        &mut self,
        socket: BorrowedFd<'_>,
        deadline: Instant,
        interface: &'static str,
        last_call: Option<&'static str>,
    ) -> Death {
        let exit = self.end(socket, deadline);
        let starter_ended = exit == Exit::Signal(Signal::KILL.as_raw()) && self.starter_has_ended();
        let stderr = self.last_words();
        Death { interface, mode: self.mode(), pid: self.pid(), exit, starter_ended, last_call, stderr }
    }

    /// Ends it at once, since it no longer answers, and tells so; unless it turns out to have ended by itself.
    pub fn wedge(
        &mut self,
        socket: BorrowedFd<'_>,
        interface: &'static str,
        last_call: Option<&'static str>,
    ) -> Death {
        if wait(&[], self.peer(socket), Some(Instant::now())) == Wake::Gone {
            return self.death(socket, Instant::now() + LAST_BREATH, interface, last_call);
        }
        // A thread that comes back finds nobody to talk to.
        let _ = shutdown(socket, Shutdown::Write);
        let exit = Exit::Wedged;
        Death { exit, ..self.death(socket, Instant::now(), interface, last_call) }
    }

    /// The last lines of its standard error, once it has ended.
    fn last_words(&self) -> String {
        match self {
            Self::Process(process) if self.has_ended() => {
                process.stderr.finish(Instant::now() + STDERR_PATIENCE)
            }
            _ => String::new(),
        }
    }

    /// Whether it is a process, and the thread that started it has ended.
    fn starter_has_ended(&self) -> bool {
        match self {
            Self::Process(process) => process.starter.is_some_and(|starter| starter.has_ended()),
            Self::Thread(_) => false,
        }
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
