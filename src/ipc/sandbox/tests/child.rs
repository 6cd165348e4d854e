//! A forked child under the filter, and the host that judges it.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use syscalls::{Sysno, syscall};

use super::super::filter::Filter;
use super::super::notice::{Listener, Verdict};

/// After which a child counts as hung.
const WATCHDOG: Duration = Duration::from_secs(60);

/// How a child ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Exited(i32),
    Killed(Signal),
    Forbidden(String),
    Aborted,
}

impl Outcome {
    pub(super) fn forbidden(name: &str) -> Self {
        Self::Forbidden(name.to_owned())
    }
}

/// Runs `child` under `filter` and judges it until it ends; `prepare` sets up the listener. The child exits with what
/// the closure returns.
///
/// The closure runs in a child of a process with other threads: it may make raw system calls and nothing else.
pub(super) fn run(
    filter: &Filter,
    prepare: impl FnOnce(&mut Listener),
    child: impl FnOnce() -> i32,
) -> Outcome {
    let kind = SocketType::SEQPACKET;
    let (ours, theirs) = socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None).unwrap();
    // SAFETY: until it ends, the child makes raw system calls alone; `child` promises the same.
    let pid = match unsafe { fork() }.unwrap() {
        ForkResult::Child => exit(enter(filter, &theirs).map_or(250, |()| child())),
        ForkResult::Parent { child } => child,
    };
    drop(theirs);
    let mut listener = receive(&ours).map(|fd| Listener::new(fd, pid.as_raw().cast_unsigned(), false));
    if let Some(listener) = &mut listener {
        prepare(listener);
    }
    judge(pid, listener)
}

/// Runs `child` under the usual filter.
pub(super) fn run_plain(child: impl FnOnce() -> i32) -> Outcome {
    run(&Filter::new(&[]).unwrap(), |_| {}, child)
}

fn judge(pid: Pid, listener: Option<Listener>) -> Outcome {
    let until = Instant::now() + WATCHDOG;
    let end = |outcome| {
        kill(pid, Signal::SIGKILL).unwrap();
        waitpid(pid, None).unwrap();
        outcome
    };
    loop {
        match listener.as_ref().map_or(Ok(Verdict::Nothing), Listener::attend).unwrap() {
            Verdict::Answered => continue,
            Verdict::Forbidden(call) => return end(Outcome::Forbidden(call.to_string())),
            Verdict::Aborted => return end(Outcome::Aborted),
            Verdict::Nothing => {}
        }
        match waitpid(pid, Some(WaitPidFlag::WNOHANG)).unwrap() {
            WaitStatus::Exited(_, code) => return Outcome::Exited(code),
            WaitStatus::Signaled(_, signal, _) => return Outcome::Killed(signal),
            _ => {}
        }
        if Instant::now() > until {
            return end(Outcome::Forbidden("nothing: the child hangs".to_owned()));
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// The child's side: sends the listener, or word that there is none.
fn enter(filter: &Filter, socket: &OwnedFd) -> Result<(), rustix::io::Errno> {
    rustix::thread::set_no_new_privs(true)?;
    let listener = filter.install()?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fds = listener.as_ref().map(|fd| [fd.as_fd()]);
    if let Some(fds) = &fds {
        control.push(SendAncillaryMessage::ScmRights(fds));
    }
    sendmsg(socket, &[IoSlice::new(b"!")], &mut control, SendFlags::empty())?;
    Ok(())
}

fn receive(socket: &OwnedFd) -> Option<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received = recvmsg(socket, &mut [IoSliceMut::new(&mut byte)], &mut control, flags).unwrap();
    assert_eq!(received.bytes, 1, "the child could not enter its filter");
    control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    })
}

fn exit(code: i32) -> ! {
    loop {
        // SAFETY: it ends the process.
        let _ = unsafe { syscall!(Sysno::exit_group, code) };
    }
}

/// Makes a call, and gives its errno, or 0.
pub(super) fn errno_of(number: u32, arguments: [usize; 6]) -> i32 {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: the tests give addresses of memory that is theirs, or calls that fail.
    let result = unsafe { syscalls::raw::syscall6(number as usize, a, b, c, d, e, f) };
    match result.cast_signed() {
        error @ -4095..0 => i32::try_from(-error).unwrap_or(i32::MAX),
        _ => 0,
    }
}
