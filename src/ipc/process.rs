//! The module's side as the host sees it: a process or a thread, and how it ends.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::io::retry_on_intr;
use rustix::net::{Shutdown, shutdown};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_send_signal, waitid};

use super::sandbox::{LaunchError, Launched, Program, Streams, Warden, launch};
use super::stderr::StderrTail;
use super::wait::{Peer, Wake, wait};
use super::{ConnectError, Death, Exit, LAST_BREATH, Layers, Mode, SandboxPolicy, ServeError};

/// How long the last lines of a dead worker may take to arrive.
const STDERR_PATIENCE: Duration = Duration::from_millis(200);

/// What serves a connection.
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
    stderr: StderrTail,
    exit: Option<Exit>,
}

impl Process {
    /// Starts a worker whose standard input is `socket`, and whose output goes to the host's log. It is killed when the
    /// calling *thread* ends.
    pub fn spawn(program: &Program, policy: &SandboxPolicy, socket: OwnedFd) -> Result<Self, ConnectError> {
        let streams = |errors: io::PipeWriter| {
            let output = errors.try_clone()?.into();
            Ok(Streams { input: socket, output, errors: errors.into(), passed: None })
        };
        Self::start(program, policy, streams)
    }

    /// Starts a worker that has its connection elsewhere: in `passed`, which has the same number there. Its standard
    /// error goes to the host's log. It is killed when the calling *thread* ends.
    pub fn spawn_silent(
        program: &Program,
        policy: &SandboxPolicy,
        passed: OwnedFd,
    ) -> Result<Self, ConnectError> {
        let streams = |errors: io::PipeWriter| {
            let input = File::open("/dev/null")?.into();
            let output = File::options().write(true).open("/dev/null")?.into();
            Ok(Streams { input, output, errors: errors.into(), passed: Some(passed) })
        };
        Self::start(program, policy, streams)
    }

    fn start(
        program: &Program,
        policy: &SandboxPolicy,
        streams: impl FnOnce(io::PipeWriter) -> io::Result<Streams>,
    ) -> Result<Self, ConnectError> {
        let path = || program.path.clone();
        let spawn = |source| ConnectError::Spawn { program: path(), source };
        let (reader, writer) = io::pipe().map_err(spawn)?;
        let streams = streams(writer).map_err(spawn)?;
        let launched = launch(program, streams, policy).map_err(|error| match error {
            LaunchError::Program(source) => spawn(source),
            LaunchError::Sandbox(source) => ConnectError::Sandbox { program: path(), source },
        })?;
        let Launched { pid, pidfd, warden, layers } = launched;
        match StderrTail::follow(reader, pid.as_raw_nonzero().get().cast_unsigned()) {
            Ok(stderr) => Ok(Self { pid, pidfd, warden, layers, stderr, exit: None }),
            Err(error) => {
                let _ = pidfd_send_signal(&pidfd, Signal::KILL);
                let _ = retry_on_intr(|| waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED));
                Err(spawn(error))
            }
        }
    }

    /// Waits for the end until `deadline`, then makes one.
    fn end(&mut self, deadline: Instant) -> Exit {
        if let Some(exit) = &self.exit {
            return exit.clone();
        }
        let pidfd = self.pidfd.as_fd();
        let peer = Peer { warden: self.warden.as_ref(), ..Peer::socket(pidfd) };
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
                Peer { socket, process: Some(process.pidfd.as_fd()), warden: process.warden.as_ref() }
            }
            Self::Thread(_) => Peer::socket(socket),
        }
    }

    /// The descriptor that is readable when one of its system calls waits to be judged.
    pub fn calls(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Process(process) => process.warden.as_ref().map(Warden::as_fd),
            Self::Thread(_) => None,
        }
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

    /// The descriptor that is readable once the process has ended.
    pub fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Process(process) => Some(process.pidfd.as_fd()),
            Self::Thread(_) => None,
        }
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
        Death { interface, mode: self.mode(), pid: self.pid(), exit, last_call, stderr: self.last_words() }
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
            Self::Process(process) if self.has_ended() => process.stderr.finish(STDERR_PATIENCE),
            _ => String::new(),
        }
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
