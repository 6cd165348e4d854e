//! What a worker's process does between its birth and the program that it runs.
//!
//! It is a copy of a host that may have had many threads, any of which may have held any lock. So nothing here
//! allocates, locks or panics: all is prepared in a [`Plan`], and carried out with system calls alone.

use std::ffi::{CStr, CString, c_char};
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::ptr;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, FdFlags, fcntl_setfd, write};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit, setsid};
use rustix::thread::set_no_new_privs;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::Layers;
use super::filter::Filter;

/// Number of landlock_restrict_self(2), which is the same on every architecture.
const LANDLOCK_RESTRICT_SELF: libc::c_long = 446;
/// Highest number of a signal.
const LAST_SIGNAL: i32 = 64;

/// What the process does, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Step {
    Session = 1,
    Host,
    Streams,
    Descriptors,
    Identity,
    Rights,
    Limits,
    Privileges,
    Landlock,
    Seccomp,
    Seal,
    Exec,
}

impl Step {
    const ALL: [Self; 12] = [
        Self::Session,
        Self::Host,
        Self::Streams,
        Self::Descriptors,
        Self::Identity,
        Self::Rights,
        Self::Limits,
        Self::Privileges,
        Self::Landlock,
        Self::Seccomp,
        Self::Seal,
        Self::Exec,
    ];

    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|step| *step as u32 == number)
    }

    /// The system call that it consists of.
    pub fn call(self) -> &'static str {
        match self {
            Self::Session => "setsid",
            Self::Host => "prctl(PR_SET_PDEATHSIG)",
            Self::Streams => "dup3",
            Self::Descriptors => "close_range",
            Self::Identity => "write(/proc/self/uid_map)",
            Self::Rights => "setresuid",
            Self::Limits => "setrlimit",
            Self::Privileges => "prctl(PR_SET_NO_NEW_PRIVS)",
            Self::Landlock => "landlock_restrict_self",
            Self::Seccomp => "seccomp",
            Self::Seal => "seccomp(SECCOMP_FILTER_FLAG_NEW_LISTENER)",
            Self::Exec => "execve",
        }
    }
}

/// What the child tells its host: that it is about to run the program, or which step failed.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(super) struct Report {
    /// The step that failed; none if all is done but the last.
    pub step: u32,
    /// What the kernel said.
    pub errno: i32,
    /// The layers that could not be had, and are not insisted on.
    pub missing: u32,
}

/// Who the worker is in its user namespace.
#[derive(Debug)]
pub(super) struct Identity {
    pub uid_map: Vec<u8>,
    pub gid_map: Vec<u8>,
}

/// Everything that the child needs, made by the host.
#[derive(Debug)]
pub(super) struct Plan {
    pub program: CString,
    pub args: CStrings,
    pub variables: CStrings,
    /// What becomes standard input, output and error; none of them below 3.
    pub streams: [RawFd; 3],
    /// The host's socket for reports.
    pub status: RawFd,
    /// Stay open for the program.
    pub passed: Vec<RawFd>,
    /// What is not closed, in ascending order.
    pub kept: Vec<RawFd>,
    pub identity: Option<Identity>,
    pub limits: Vec<(Resource, Rlimit)>,
    pub no_new_privs: bool,
    pub ruleset: Option<RawFd>,
    pub filter: Option<Filter>,
    /// What may be missing.
    pub optional: Layers,
}

/// Strings as execve(2) takes them.
#[derive(Debug)]
pub(super) struct CStrings {
    /// Owns what `pointers` points to.
    _strings: Vec<CString>,
    /// One to each string, and a null at the end.
    pointers: Vec<*const c_char>,
}

impl CStrings {
    pub fn new(strings: Vec<CString>) -> Self {
        let pointers = strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect();
        Self { _strings: strings, pointers }
    }
}

/// Carries out `plan`, and becomes the program.
pub(super) fn run(plan: &Plan) -> ! {
    let mut report = Report::default();
    let listener = match prepare(plan, &mut report) {
        Ok(listener) => listener,
        Err((step, errno)) => {
            report.step = step as u32;
            report.errno = errno.raw_os_error();
            tell(plan, &report, None);
            exit();
        }
    };
    // Nobody to tell: the host has died, and would not end this process any more.
    if !tell(plan, &report, listener.as_ref()) {
        exit();
    }
    // Whoever has it could judge.
    drop(listener);
    let (args, variables) = (plan.args.pointers.as_ptr(), plan.variables.pointers.as_ptr());
    // SAFETY: the path ends with a zero, and so do the lists of pointers, whose strings the plan owns.
    unsafe { libc::execve(plan.program.as_ptr(), args, variables) };
    report.step = Step::Exec as u32;
    report.errno = last_errno().raw_os_error();
    tell(plan, &report, None);
    exit();
}

fn exit() -> ! {
    // SAFETY: it ends the process without running any of the host's exit handlers.
    unsafe { libc::_exit(127) }
}

/// Returns where the kernel asks about system calls.
fn prepare(plan: &Plan, report: &mut Report) -> Result<Option<OwnedFd>, (Step, Errno)> {
    let at = |step| move |errno| (step, errno);
    // A session of its own: the terminal's signals reach the host alone, and it has no terminal to type into.
    setsid().map_err(at(Step::Session))?;
    default_signals();
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(at(Step::Host))?;
    for (number, &fd) in (0..).zip(&plan.streams) {
        // SAFETY: both are numbers, and what is there is the host's copy of nobody's concern.
        check(unsafe { libc::dup3(fd, number, 0) }.into()).map_err(at(Step::Streams))?;
    }
    for &passed in &plan.passed {
        // SAFETY: the host keeps it open until it hears of this process.
        let passed = unsafe { BorrowedFd::borrow_raw(passed) };
        fcntl_setfd(passed, FdFlags::empty()).map_err(at(Step::Streams))?;
    }
    let mut layer = |layer: Layers, step: Step, result: Result<(), Errno>| match result {
        Err(_) if plan.optional.contains(layer) => {
            report.missing |= layer.bits();
            Ok(())
        }
        result => result.map_err(at(step)),
    };
    layer(Layers::CLOSED_FDS, Step::Descriptors, close_all_but(&plan.kept))?;
    if let Some(identity) = &plan.identity {
        identify(identity).map_err(at(Step::Identity))?;
    }
    own_rights().map_err(at(Step::Rights))?;
    let limits = || plan.limits.iter().try_for_each(|&(resource, limit)| setrlimit(resource, limit));
    layer(Layers::RLIMITS, Step::Limits, limits())?;
    if plan.no_new_privs {
        layer(Layers::NO_NEW_PRIVS, Step::Privileges, set_no_new_privs(true))?;
    }
    if let Some(ruleset) = plan.ruleset {
        // SAFETY: a system call with a number and no flags.
        let result = check(unsafe { libc::syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0) });
        layer(Layers::LANDLOCK, Step::Landlock, result)?;
    }
    // The last step: from here on, only what a worker may do can be done.
    let Some(filter) = &plan.filter else { return Ok(None) };
    match filter.install() {
        Ok(Some(listener)) => return Ok(Some(listener)),
        Ok(None) => {}
        Err(errno) => layer(Layers::SECCOMP, Step::Seccomp, Err(errno))?,
    }
    // Another filter has a listener already, or the kernel knows none: nobody can seal this one.
    layer(Layers::SEAL, Step::Seal, Err(Errno::BUSY))?;
    Ok(None)
}

/// Undoes what this process has from the host, and from whoever started it: ignored and blocked signals.
fn default_signals() {
    for number in 1..=LAST_SIGNAL {
        // SAFETY: the default needs no handler. Some signals cannot be set, and need not be.
        unsafe { libc::signal(number, libc::SIG_DFL) };
    }
    let mut none = MaybeUninit::uninit();
    // SAFETY: the first call writes the set that the second one reads; nothing of the host is to run in this process,
    // whose handlers are gone.
    unsafe {
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), ptr::null_mut());
    }
}

fn close_all_but(kept: &[RawFd]) -> Result<(), Errno> {
    let mut first = 3;
    for fd in kept.iter().map(|fd| fd.cast_unsigned()) {
        if fd > first {
            close_range(first, fd - 1)?;
        }
        first = fd + 1;
    }
    close_range(first, u32::MAX)
}

fn close_range(first: u32, last: u32) -> Result<(), Errno> {
    // SAFETY: these are copies of the host's descriptors, which nothing in this process uses.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) })
}

fn identify(identity: &Identity) -> Result<(), Errno> {
    // An unprivileged process may map its group only if it gives up changing groups.
    write_to(c"/proc/self/setgroups", b"deny")?;
    write_to(c"/proc/self/gid_map", &identity.gid_map)?;
    write_to(c"/proc/self/uid_map", &identity.uid_map)
}

/// In a set-user-id host, makes its own rights all that the worker knows: a worker that still had the caller of that host as
/// its real user would run with more rights than its caller, and such a program believes nobody.
fn own_rights() -> Result<(), Errno> {
    // SAFETY: these read numbers, and set those of this process to what they are in effect. The system call itself: the
    // functions of the C library would look for threads that this process has not.
    unsafe {
        let (user, group) = (libc::geteuid(), libc::getegid());
        check(libc::syscall(libc::SYS_setresgid, group, group, group))?;
        check(libc::syscall(libc::SYS_setresuid, user, user, user))
    }
}

fn write_to(path: &CStr, bytes: &[u8]) -> Result<(), Errno> {
    let file = open(path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    write(file, bytes).map(drop)
}

/// `false` if the host is gone.
fn tell(plan: &Plan, report: &Report, listener: Option<&OwnedFd>) -> bool {
    // SAFETY: it was kept open, and is closed by execve or the end of the process alone.
    let status = unsafe { BorrowedFd::borrow_raw(plan.status) };
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let listener = listener.map(AsFd::as_fd);
    if !listener.as_slice().is_empty() && !control.push(SendAncillaryMessage::ScmRights(listener.as_slice()))
    {
        return false;
    }
    sendmsg(status, &[IoSlice::new(report.as_bytes())], &mut control, SendFlags::NOSIGNAL).is_ok()
}

/// The error of a system call, if it failed.
fn check(result: i64) -> Result<(), Errno> {
    if result < 0 { Err(last_errno()) } else { Ok(()) }
}

fn last_errno() -> Errno {
    // SAFETY: it points to this thread's own number.
    Errno::from_raw_os_error(unsafe { *libc::__errno_location() })
}
