//! The module's side as the host sees it: a process or a thread, and how it ends.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::net::{Shutdown, shutdown};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal};

use super::stderr::StderrTail;
use super::wait::{Peer, Wake, wait};
use super::{Death, Exit, LAST_BREATH, Mode, ServeError};

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
    child: Child,
    pidfd: OwnedFd,
    stderr: StderrTail,
    exit: Option<Exit>,
}

impl Process {
    /// Starts a worker whose standard input is `socket`, and whose output goes to the host's log.
    pub fn spawn(command: &mut Command, socket: OwnedFd) -> io::Result<Self> {
        // Two writing ends, for standard output and error, and ours to read.
        let (reader, writer) = io::pipe()?;
        command.stdin(Stdio::from(socket)).stdout(writer.try_clone()?).stderr(writer);
        Self::start(command, reader)
    }

    /// Starts a worker that has its connection elsewhere. Its standard error goes to the host's log.
    pub fn spawn_silent(command: &mut Command) -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(writer);
        Self::start(command, reader)
    }

    fn start(command: &mut Command, reader: io::PipeReader) -> io::Result<Self> {
        // In a process group of its own, the terminal's Ctrl-C reaches the host alone.
        command.process_group(0);
        let mut child = command.spawn()?;
        // The command holds the socket and the pipe's writing ends; without them gone, neither would ever end.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let watched = || -> io::Result<(OwnedFd, StderrTail)> {
            // Not reaped yet, so the process id is still its own.
            let pidfd = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
            Ok((pidfd, StderrTail::follow(reader, child.id())?))
        };
        match watched() {
            Ok((pidfd, stderr)) => Ok(Self { child, pidfd, stderr, exit: None }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// Waits for the end until `deadline`, then makes one.
    fn end(&mut self, deadline: Instant) -> Exit {
        if let Some(exit) = &self.exit {
            return exit.clone();
        }
        let pidfd = self.pidfd.as_fd();
        let peer = Peer { socket: pidfd, process: None };
        if wait(&[(pidfd, PollFlags::IN)], peer, Some(deadline)) == Wake::Late {
            let _ = pidfd_send_signal(pidfd, Signal::KILL);
        }
        // What the worker has started ends with it, unless it left the group. The worker is not reaped yet, so
        // the group's number cannot be somebody else's.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let exit = match self.child.wait() {
            Ok(status) => match (status.code(), status.signal()) {
                (Some(code), _) => Exit::Status(code),
                (None, Some(signal)) => Exit::Signal(signal),
                (None, None) => Exit::Closed,
            },
            Err(_) => Exit::Closed,
        };
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
            Self::Process(process) => Some(process.child.id()),
            Self::Thread(_) => None,
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
                let gone = wait(&[], Peer { socket, process: None }, Some(deadline)) == Wake::Gone;
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
        let peer = Peer { socket, process: self.pidfd() };
        if wait(&[], peer, Some(Instant::now())) == Wake::Gone {
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
