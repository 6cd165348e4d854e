//! The host's end of a worker's filter: takes the calls that the filter hands over, and answers them.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::mem::size_of;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::ioctl::{Opcode, Setter, Updater, ioctl, opcode};
use syscalls::Sysno;

use super::judge::{Judgement, Progress, harmless, judge};
use super::system_call::SystemCall;

/// `SECCOMP_GET_NOTIF_SIZES` of `linux/seccomp.h`, as all that follow.
const GET_SIZES: usize = 3;
/// `SECCOMP_USER_NOTIF_FLAG_CONTINUE`.
const CONTINUE: u32 = 1;
/// `SECCOMP_IOCTL_NOTIF_RECV`.
const RECEIVE: Opcode = opcode::read_write::<Notification>(b'!', 0);
/// `SECCOMP_IOCTL_NOTIF_SEND`.
const SEND: Opcode = opcode::read_write::<Response>(b'!', 1);
/// `SECCOMP_IOCTL_NOTIF_ID_VALID`.
const ID_VALID: Opcode = opcode::write::<u64>(b'!', 2);
/// Words of a message that a newer kernel may add.
const SPARE: usize = 32;
/// Longest path that is looked at. Those that a runtime opens by itself are shorter.
const PATH_LIMIT: usize = 512;

/// Bytes of the list of mappings that are looked at, which are thousands of them. A worker can have many more, and the
/// kernel takes its time to list them.
const MAPS_LIMIT: u64 = 256 << 10;

/// `struct seccomp_notif`, with its `struct seccomp_data`.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C)]
struct Notification {
    id: u64,
    pid: u32,
    flags: u32,
    number: i32,
    architecture: u32,
    instruction: u64,
    arguments: [u64; 6],
}

/// `struct seccomp_notif_resp`.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
struct Response {
    id: u64,
    value: i64,
    error: i32,
    flags: u32,
}

/// A message with room for what a newer kernel adds to it. Zero where it has no meaning, as the kernel demands.
#[repr(C)]
struct Roomy<T> {
    message: T,
    spare: [u64; SPARE],
}

impl<T> Roomy<T> {
    fn new(message: T) -> Self {
        Self { message, spare: [0; SPARE] }
    }
}

/// Whether this kernel's messages fit into ours.
pub(super) fn fits() -> bool {
    // Notification, response, data.
    let mut sizes = [0_u16; 3];
    // SAFETY: the kernel writes three 16-bit numbers.
    let result = unsafe { syscalls::syscall!(Sysno::seccomp, GET_SIZES, 0, &raw mut sizes) };
    result.is_ok()
        && usize::from(sizes[0]) <= size_of::<Roomy<Notification>>()
        && usize::from(sizes[1]) <= size_of::<Roomy<Response>>()
}

/// What came of looking for a call to judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ipc) enum Verdict {
    /// No call waits.
    Nothing,
    /// A call was answered; the worker goes on.
    Answered,
    /// The worker waits in a call that it may not make, and has to be killed.
    Forbidden(SystemCall),
    /// The worker waits in `abort`, and has to be killed: the first process of a PID namespace cannot end itself by a
    /// signal.
    Aborted,
}

/// Where the kernel hands over a worker's calls. Readable when one waits.
///
/// When it is dropped, calls that wait and calls that would fail with `ENOSYS`.
#[derive(Debug)]
pub(in crate::ipc) struct Listener {
    fd: OwnedFd,
    progress: Cell<Progress>,
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Listener {
    /// Takes what [`super::filter::Filter::install`] gave in the child, whose process id there is `inner_pid`. With `bold`,
    /// its libraries may try to start processes and to connect: they fail, and it is not killed.
    pub fn new(fd: OwnedFd, inner_pid: u32, bold: bool) -> Self {
        Self { fd, progress: Cell::new(Progress { may_exec: false, sealed: false, bold, inner_pid }) }
    }

    /// Lets the child become the worker's program.
    pub fn allow_exec_once(&self) {
        self.progress.set(Progress { may_exec: true, ..self.progress.get() });
    }

    /// From now on nothing may be opened or become executable. For good.
    pub fn seal(&self) {
        self.progress.set(Progress { may_exec: false, sealed: true, ..self.progress.get() });
    }

    /// Judges the next call, if one waits. Never blocks.
    ///
    /// # Errors
    /// Those of the system, which mean that the worker cannot be judged any more.
    pub fn attend(&self) -> io::Result<Verdict> {
        let Some(notification) = self.receive()? else { return Ok(Verdict::Nothing) };
        // Negative numbers are calls as well, that no kernel has.
        let call = SystemCall::from_number(notification.number.cast_unsigned());
        let (error, flags) = match judge(call, &notification.arguments, self.progress.get()) {
            Judgement::Aborted => return Ok(Verdict::Aborted),
            Judgement::Forbidden => return Ok(Verdict::Forbidden(call)),
            Judgement::DenyIfHarmless(path) if !self.opens_harmless(&notification, path) => {
                return Ok(Verdict::Forbidden(call));
            }
            Judgement::Deny | Judgement::DenyIfHarmless(_) => (-Errno::ACCESS.raw_os_error(), 0),
            Judgement::Continue => (0, CONTINUE),
            Judgement::Execute => {
                self.progress.set(Progress { may_exec: false, ..self.progress.get() });
                (0, CONTINUE)
            }
        };
        self.respond(Response { id: notification.id, value: 0, error, flags })?;
        Ok(Verdict::Answered)
    }

    fn receive(&self) -> io::Result<Option<Notification>> {
        // The kernel would wait for a call otherwise.
        let mut waiting = [PollFd::new(&self.fd, PollFlags::IN)];
        retry_on_intr(|| poll(&mut waiting, Some(&Timespec::default())))?;
        if !waiting[0].revents().contains(PollFlags::IN) {
            return Ok(None);
        }
        let mut room = Roomy::new(Notification::default());
        // SAFETY: the kernel writes a notification, which `Filter::new` has seen to fit into `room`.
        match unsafe { ioctl(&self.fd, Updater::<RECEIVE, _>::new(&mut room)) } {
            Ok(()) => Ok(Some(room.message)),
            // Whoever called has died meanwhile, or a signal came first.
            Err(Errno::NOENT | Errno::INTR) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    fn respond(&self, response: Response) -> io::Result<()> {
        let mut room = Roomy::new(response);
        // SAFETY: the kernel reads a response, which `Filter::new` has seen to fit into `room`.
        match unsafe { ioctl(&self.fd, Updater::<SEND, _>::new(&mut room)) } {
            // Whoever called has died, or was interrupted and will call again.
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Whether the path at this address is one that runtimes open by themselves, or the file of a loaded program or
    /// library, which a backtrace looks into for names.
    fn opens_harmless(&self, notification: &Notification, address: u64) -> bool {
        let Some(path) = path_at(notification.pid, address) else { return false };
        let found = harmless(&path) || is_mapped(notification.pid, &path);
        // If the thread has died, another process may have its number by now.
        found && self.is_waiting(notification.id)
    }

    fn is_waiting(&self, id: u64) -> bool {
        // SAFETY: the kernel reads the 64-bit number and writes nothing.
        unsafe { ioctl(&self.fd, Setter::<ID_VALID, u64>::new(id)) }.is_ok()
    }
}

/// The path at an address of another process, if it ends within [`PATH_LIMIT`].
fn path_at(pid: u32, address: u64) -> Option<Vec<u8>> {
    let memory = File::open(format!("/proc/{pid}/mem")).ok()?;
    let mut path = vec![0; PATH_LIMIT];
    // Short if a mapping ends there.
    let read = memory.read_at(&mut path, address).ok()?;
    let length = path[..read].iter().position(|byte| *byte == 0)?;
    path.truncate(length);
    Some(path)
}

/// Whether a process has mapped a file with the last name of this path. The rest of it may differ by links.
fn is_mapped(pid: u32, path: &[u8]) -> bool {
    let name =
        |path: &[u8]| path.iter().rposition(|byte| *byte == b'/').map(|slash| path[slash..].to_owned());
    let maps = || {
        let mut maps = Vec::new();
        File::open(format!("/proc/{pid}/maps"))?.take(MAPS_LIMIT).read_to_end(&mut maps)?;
        io::Result::Ok(maps)
    };
    let (Some(wanted), Ok(maps)) = (name(path), maps()) else { return false };
    maps.split(|byte| *byte == b'\n').any(|line| name(line).is_some_and(|name| name == wanted))
}
