//! A relay between a libcamera host and a worker, which tells all that crosses.
//!
//! To the host it is the worker: started as one, with the socket as one. To the worker it is the host. In between it
//! passes on datagram by datagram, each with its descriptors, and understands nothing.

use std::ffi::OsString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Instant;
use std::{fmt, io};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::endpoint::Inherited;
use super::program::own_group;
use super::worker::leave;
use crate::ipc::socket::Socket;
use crate::ipc::wait::{Peer, wait};
use crate::ipc::{LAST_BREATH, ServeError};

/// Which side a datagram came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The host.
    Host,
    /// The worker.
    Worker,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "host",
            Self::Worker => "worker",
        })
    }
}

/// Why a relay ended before its time.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelayError {
    /// The last argument is no socket of a host.
    #[error(transparent)]
    Host(#[from] ServeError),
    /// The worker did not start.
    #[error("the worker {} could not be started: {source}", program.display())]
    Spawn {
        /// The program.
        program: OsString,
        /// What the system said.
        source: io::Error,
    },
    /// A system call failed.
    #[error("{call} failed: {errno}")]
    System {
        /// The system call.
        call: &'static str,
        /// What the kernel said.
        errno: Errno,
    },
    /// What is told of could not be kept.
    #[error("the record could not be written: {0}")]
    Record(#[source] io::Error),
}

fn system(call: &'static str) -> impl Fn(Errno) -> RelayError {
    move |errno| RelayError::System { call, errno }
}

/// Starts `program` with `args`, of which the last is the number of the socket that a libcamera host has left to this
/// process, and passes all on between the two until either ends. The worker gets a socket of its own in place of the
/// host's, and else all that this process has: environment, standard error, and the other arguments.
///
/// `record` is given each datagram, and how many descriptors came with it, before it is passed on. So what made one side
/// end is told of.
///
/// What one side does not take is not read from the other: no datagram is lost that either side could send. When the
/// worker has ended, the host still gets what the worker said; when the host has, the worker is ended.
///
/// Returns how the worker ended.
///
/// ```no_run
/// use ringfence::ipc::libcamera::relay;
///
/// // As the worker that a libcamera host has started: the real one, and the arguments of this program.
/// let args = std::env::args_os().skip(1).collect();
/// let record = |from, bytes: &[u8], fds| {
///     eprintln!("{from}: {} bytes, {fds} descriptors", bytes.len());
///     Ok(())
/// };
/// let status = relay("/usr/lib/x86_64-linux-gnu/libcamera/vimc_ipa_proxy".into(), args, record)?;
/// println!("the worker ended: {status}");
/// # Ok::<_, ringfence::ipc::libcamera::RelayError>(())
/// ```
///
/// # Errors
/// [`RelayError`] if the relay could not begin, or not go on. Then the worker is ended too.
pub fn relay(
    program: OsString,
    mut args: Vec<OsString>,
    mut record: impl FnMut(Origin, &[u8], usize) -> io::Result<()>,
) -> Result<ExitStatus, RelayError> {
    let number = args.pop().and_then(|number| number.to_str()?.parse::<RawFd>().ok());
    let number = number.ok_or(ServeError::NotALibcameraWorker { problem: "the last is no number" })?;
    let Inherited { socket: host, host: host_process } = Inherited::take(number)?;
    own_group();
    let (worker, theirs) = Socket::datagram_pair().map_err(system("socketpair"))?;
    let mut worker_process = WorkerProcess::start(program, args, theirs)?;
    let lane = |origin, from: &Socket, to: &Socket| -> Result<Lane, RelayError> {
        let clone = |socket: &Socket| socket.try_clone().map_err(system("fcntl(F_DUPFD_CLOEXEC)"));
        Ok(Lane { origin, from: clone(from)?, to: clone(to)?, waiting: None, ended: false })
    };
    let mut down = lane(Origin::Host, &host, &worker)?;
    let mut up = lane(Origin::Worker, &worker, &host)?;
    // What was under way when a process ended is still there when its end is known.
    let (mut host_ended, mut worker_ended) = (false, false);
    loop {
        if down.step(&mut record)? | up.step(&mut record)? {
            continue;
        }
        if host_ended || up.ended || (worker_ended && up.waiting.is_none()) {
            break;
        }
        let hosts = (!host_ended).then(|| (host_process.as_fd(), PollFlags::IN));
        let workers = (!worker_ended).then(|| (worker_process.pidfd.as_fd(), PollFlags::IN));
        let watched = [hosts, workers, down.awaits(), up.awaits()];
        let mut polled: Vec<PollFd<'_>> = Vec::with_capacity(watched.len());
        polled.extend(watched.iter().flatten().map(|(fd, flags)| PollFd::from_borrowed_fd(*fd, *flags)));
        match poll(&mut polled, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(system("poll")(errno)),
        }
        host_ended |= has_ended(host_process.as_fd());
        worker_ended |= has_ended(worker_process.pidfd.as_fd());
    }
    worker_process.end()
}

/// Whether the process of this pidfd has ended.
fn has_ended(pidfd: BorrowedFd<'_>) -> bool {
    let mut polled = [PollFd::from_borrowed_fd(pidfd, PollFlags::IN)];
    poll(&mut polled, Some(&rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
}

/// One direction.
struct Lane {
    origin: Origin,
    from: Socket,
    to: Socket,
    /// The datagram that is to be passed on next.
    waiting: Option<(Vec<u8>, Vec<OwnedFd>)>,
    /// Whether the receiver has closed its socket.
    ended: bool,
}

impl Lane {
    /// Takes a datagram or passes one on. `false` if it can do neither now.
    fn step(
        &mut self,
        record: &mut impl FnMut(Origin, &[u8], usize) -> io::Result<()>,
    ) -> Result<bool, RelayError> {
        if self.ended {
            return Ok(false);
        }
        if let Some((bytes, fds)) = &self.waiting {
            let fds: Vec<BorrowedFd<'_>> = fds.iter().map(AsFd::as_fd).collect();
            match self.to.send(bytes, &fds) {
                Ok(()) => {}
                Err(Errno::AGAIN | Errno::NOBUFS) => return Ok(false),
                // Nobody will ever read it.
                Err(Errno::CONNREFUSED | Errno::CONNRESET | Errno::NOTCONN | Errno::PIPE) => {
                    self.ended = true;
                }
                Err(errno) => return Err(system("sendmsg")(errno)),
            }
            self.waiting = None;
            return Ok(true);
        }
        let mut bytes = match self.from.next_bytes() {
            // The end, if the host is one of ours.
            Ok(0) if self.from.is_hung_up() => {
                self.ended = true;
                return Ok(false);
            }
            Ok(length) => vec![0; length],
            Err(Errno::AGAIN) => return Ok(false),
            // The other side has closed its socket with something unread; its process tells the rest.
            Err(Errno::CONNREFUSED | Errno::CONNRESET | Errno::NOTCONN) => return Ok(false),
            Err(errno) => return Err(system("recv")(errno)),
        };
        let packet = self.from.receive(&mut bytes).map_err(system("recvmsg"))?;
        let fds = match packet {
            // There was no room for descriptors in our own table.
            Some(packet) if packet.truncated => return Err(system("recvmsg")(Errno::MFILE)),
            packet => packet.map_or_else(Vec::new, |packet| packet.fds),
        };
        record(self.origin, &bytes, fds.len()).map_err(RelayError::Record)?;
        self.waiting = Some((bytes, fds));
        Ok(true)
    }

    /// What it waits for; nothing, once nobody reads any more.
    fn awaits(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        match self.waiting {
            _ if self.ended => None,
            Some(_) => Some((self.to.as_fd(), PollFlags::OUT)),
            None => Some((self.from.as_fd(), PollFlags::IN)),
        }
    }
}

/// The worker, which does not outlive the relay.
struct WorkerProcess {
    child: Child,
    pidfd: OwnedFd,
}

impl WorkerProcess {
    fn start(program: OsString, args: Vec<OsString>, socket: OwnedFd) -> Result<Self, RelayError> {
        let mut command = Command::new(&program);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).process_group(0);
        leave(&mut command, socket)
            .and_then(|()| command.spawn())
            .and_then(|mut child| match pidfd_open(Pid::from_child(&child), PidfdFlags::empty()) {
                Ok(pidfd) => Ok(Self { child, pidfd }),
                Err(errno) => {
                    end_group(&mut child);
                    Err(errno.into())
                }
            })
            .map_err(|source| RelayError::Spawn { program, source })
    }

    /// Gives it a moment to end by itself, and ends it.
    fn end(&mut self) -> Result<ExitStatus, RelayError> {
        let pidfd = self.pidfd.as_fd();
        let deadline = Instant::now() + LAST_BREATH;
        wait(&[(pidfd, PollFlags::IN)], Peer::socket(pidfd), Some(deadline));
        // With what it has started. It is not reaped yet, so the number is still its own.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        self.child
            .wait()
            .map_err(|error| system("waitid")(Errno::from_io_error(&error).unwrap_or(Errno::CHILD)))
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        end_group(&mut self.child);
    }
}

/// Kills a worker with what it has started, unless it was reaped: the number may be another's then. Nobody is left to be
/// told if that fails.
fn end_group(child: &mut Child) {
    if matches!(child.try_wait(), Ok(None)) {
        let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
        let _ = child.wait();
    }
}

/// The status with which a shell would report this end.
///
/// ```
/// use std::os::unix::process::ExitStatusExt;
/// use std::process::ExitStatus;
/// use ringfence::ipc::libcamera::shell_status;
///
/// assert_eq!(shell_status(ExitStatus::from_raw(9)), 128 + 9);
/// ```
#[must_use]
pub fn shell_status(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}
