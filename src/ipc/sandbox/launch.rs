//! The host's side of a worker's start: prepares everything, starts the process, and hears how it went.

use std::ffi::{CString, OsStr};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::io::{Errno, fcntl_dupfd_cloexec, retry_on_intr};
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, getrlimit, pidfd_send_signal, waitid,
};
use zerocopy::IntoBytes;

use super::child::{self, CStrings, Identity, Plan, Report, Step};
use super::files::Files;
use super::filter::Filter;
use super::notice::{Listener, Verdict};
use super::{Layers, Program, SandboxError, SandboxPolicy, Warden};
use crate::ipc::socket::Socket;
use crate::ipc::wait::{Peer, wait};

/// How long a process may take until it runs its program.
const PATIENCE: Duration = Duration::from_secs(10);
/// Who a worker is in its own user namespace: nobody.
const NOBODY: u32 = 65534;
/// Bytes of stack of a worker's first thread.
const STACK_BYTES: u64 = 8 << 20;
/// Processes and threads in a worker's user namespace.
const MAX_THREADS: u64 = 256;

/// Signals that wait for a worker to take them. They are counted with those of all that the user runs, who would soon
/// have none left for timers and real-time signals of its own.
const MAX_SIGNALS: u64 = 256;

/// Namespaces to ask for, until the kernel grants some: some systems allow a part of them.
const ATTEMPTS: [Layers; 4] = [
    Layers::NAMESPACES,
    Layers::USER_NS.union(Layers::NET_NS).union(Layers::IPC_NS).union(Layers::UTS_NS),
    Layers::USER_NS.union(Layers::IPC_NS).union(Layers::UTS_NS),
    Layers::empty(),
];

/// What the worker's process has from the start.
#[derive(Debug)]
pub(in crate::ipc) struct Streams {
    pub input: OwnedFd,
    pub output: OwnedFd,
    pub errors: OwnedFd,
    /// Another descriptor, which it finds at the same number.
    pub passed: Option<OwnedFd>,
}

/// A process that runs the program.
#[derive(Debug)]
pub(in crate::ipc) struct Launched {
    pub pid: Pid,
    pub pidfd: OwnedFd,
    /// Judges its system calls, if there is a filter that asks.
    pub warden: Option<Warden>,
    /// The layers in force. The last one, the seal, comes when its module is loaded.
    pub layers: Layers,
}

/// Why there is none.
#[derive(Debug)]
pub(in crate::ipc) enum LaunchError {
    /// The program cannot be run.
    Program(io::Error),
    Sandbox(SandboxError),
}

impl From<SandboxError> for LaunchError {
    fn from(error: SandboxError) -> Self {
        Self::Sandbox(error)
    }
}

fn system(call: &'static str) -> impl Fn(Errno) -> SandboxError {
    move |errno| SandboxError::System { call, errno }
}

/// Starts `program`, confined as `policy` says. It is killed when the calling *thread* ends.
pub(in crate::ipc) fn launch(
    program: &Program,
    streams: Streams,
    policy: &SandboxPolicy,
) -> Result<Launched, LaunchError> {
    if policy.off {
        tracing::warn!(program = %program.path.display(), "the worker has no sandbox: it may do whatever this process may");
    }
    let Streams { input, output, errors, passed } = streams;
    // The numbers 0 to 2 are where they go, not where they may come from.
    let streams = [above_streams(input)?, above_streams(output)?, above_streams(errors)?];
    let file = program.file();
    let ruleset = if policy.off { None } else { ruleset(program, &file, policy)? };
    let filter = if policy.off { None } else { filter(policy)? };
    let mut layers = Layers::CLOSED_FDS;
    if !policy.off {
        layers |= Layers::NO_NEW_PRIVS | Layers::RLIMITS;
        layers.set(Layers::LANDLOCK, ruleset.is_some());
        layers.set(Layers::SECCOMP | Layers::SEAL, filter.is_some());
    }
    #[cfg(test)]
    let (mut layers, ruleset, filter) = (
        layers.difference(policy.unavailable),
        ruleset.filter(|_| !policy.unavailable.contains(Layers::LANDLOCK)),
        filter.filter(|_| !policy.unavailable.contains(Layers::SECCOMP)),
    );
    #[cfg(test)]
    if !layers.contains(Layers::SECCOMP) {
        layers.remove(Layers::SEAL);
    }
    let mut args = vec![text(program.name.as_deref().unwrap_or(program.path.as_os_str()))?];
    for arg in &program.args {
        args.push(text(arg)?);
    }
    let mut variables = Vec::with_capacity(program.variables.len());
    for (name, value) in &program.variables {
        let mut variable = name.clone();
        variable.push("=");
        variable.push(value);
        variables.push(text(&variable)?);
    }
    let mut plan = Plan {
        program: text(file.as_os_str())?,
        args: CStrings::new(args),
        variables: CStrings::new(variables),
        streams: streams.each_ref().map(AsRawFd::as_raw_fd),
        status: -1,
        passed: [passed.as_ref(), program.passed.as_deref()]
            .into_iter()
            .flatten()
            .map(AsRawFd::as_raw_fd)
            .collect(),
        kept: Vec::new(),
        identity: None,
        limits: Vec::new(),
        no_new_privs: !policy.off,
        ruleset: ruleset.as_ref().map(AsRawFd::as_raw_fd),
        filter,
        optional: !policy.minimum,
    };
    let attempts = if policy.off { &ATTEMPTS[ATTEMPTS.len() - 1..] } else { &ATTEMPTS[..] };
    #[cfg(test)]
    let attempts: Vec<_> =
        attempts.iter().copied().filter(|layers| !layers.intersects(policy.unavailable)).collect();
    #[cfg(test)]
    let attempts = &attempts[..];
    let mut refused = None;
    for &namespaces in attempts {
        let planned = layers | namespaces;
        let missing = policy.minimum.difference(planned);
        if !missing.is_empty() && !policy.off {
            return Err(SandboxError::Missing { missing }.into());
        }
        plan.identity = namespaces.contains(Layers::USER_NS).then(identity);
        plan.limits = if policy.off { Vec::new() } else { limits(policy, namespaces) };
        match start(&mut plan, namespaces, program.bold) {
            Ok(Started { pid, pidfd, warden, missing }) => {
                let layers = planned.difference(missing);
                let lacking = Layers::REQUIRED.difference(layers);
                if !policy.off && !lacking.is_empty() {
                    tracing::warn!(%lacking, "the worker's sandbox is incomplete");
                }
                tracing::debug!(pid = pid.as_raw_nonzero(), %layers, "the worker is confined");
                return Ok(Launched { pid, pidfd, warden, layers: layers.difference(Layers::SEAL) });
            }
            Err(StartError::Namespaces(errno)) => refused = Some(errno),
            Err(StartError::Other(error)) => return Err(error),
        }
        tracing::debug!(%namespaces, "these namespaces are refused");
    }
    Err(system("clone3")(refused.unwrap_or(Errno::NOSYS)).into())
}

struct Started {
    pid: Pid,
    pidfd: OwnedFd,
    warden: Option<Warden>,
    /// The layers that it lacks.
    missing: Layers,
}

enum StartError {
    /// The kernel does not grant the namespaces asked for.
    Namespaces(Errno),
    Other(LaunchError),
}

impl From<LaunchError> for StartError {
    fn from(error: LaunchError) -> Self {
        Self::Other(error)
    }
}

/// Starts a process in these namespaces, and waits until it runs its program.
fn start(plan: &mut Plan, namespaces: Layers, bold: bool) -> Result<Started, StartError> {
    let (status, theirs) = Socket::pair().map_err(system("socketpair")).map_err(LaunchError::from)?;
    let theirs = above_streams(theirs)?;
    plan.status = theirs.as_raw_fd();
    plan.kept =
        [Some(plan.status), plan.ruleset].into_iter().flatten().chain(plan.passed.iter().copied()).collect();
    plan.kept.sort_unstable();
    let child = clone(plan, namespaces);
    drop(theirs);
    let (pid, pidfd) = child.map_err(|errno| match namespaces.is_empty() {
        true => StartError::Other(system("clone3")(errno).into()),
        false => StartError::Namespaces(errno),
    })?;
    // Its number as it sees it.
    let inner_pid = if namespaces.contains(Layers::PID_NS) { 1 } else { pid.as_raw_nonzero().get() };
    let report = match hear(&status, inner_pid.cast_unsigned(), bold) {
        Ok((report, listener)) if report.step == 0 => match pidfd.try_clone() {
            Ok(own) => {
                let warden = listener.map(|listener| Warden::new(listener, own));
                return Ok(Started {
                    pid,
                    pidfd,
                    warden,
                    missing: Layers::from_bits_truncate(report.missing),
                });
            }
            Err(error) => Err(system("dup")(Errno::from_io_error(&error).unwrap_or(Errno::MFILE))),
        },
        result => result.map(|(report, _)| report),
    };
    let _ = pidfd_send_signal(&pidfd, Signal::KILL);
    let _ = retry_on_intr(|| waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED));
    let report = report.map_err(LaunchError::from)?;
    let errno = Errno::from_raw_os_error(report.errno);
    Err(match Step::from_number(report.step) {
        Some(Step::Exec) => LaunchError::Program(errno.into()).into(),
        Some(Step::Identity) => StartError::Namespaces(errno),
        Some(step) => LaunchError::from(SandboxError::Step { call: step.call(), errno }).into(),
        None => LaunchError::from(SandboxError::Silent).into(),
    })
}

/// Waits for the child's last report: that a step has failed, or that all went well and it runs its program, which
/// closes its end. To run it is the first system call that is judged.
fn hear(status: &Socket, inner_pid: u32, bold: bool) -> Result<(Report, Option<Listener>), SandboxError> {
    let deadline = Instant::now() + PATIENCE;
    let mut last = None;
    let mut listener = None;
    loop {
        let mut report = Report::default();
        match status.receive(report.as_mut_bytes()) {
            Ok(Some(packet)) if packet.bytes == size_of::<Report>() && report.step == 0 => {
                last = Some(report);
                listener = packet.fds.into_iter().next().map(|fd| {
                    let listener = Listener::new(fd, inner_pid, bold);
                    listener.allow_exec_once();
                    listener
                });
            }
            Ok(Some(_)) => return Ok((report, None)),
            // Killed before it could report, it has ended like any other worker, and is found out like any other.
            Ok(None) => return Ok((last.unwrap_or_default(), listener)),
            Err(Errno::AGAIN) => {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(SandboxError::Late { seconds: PATIENCE.as_secs() });
                }
                let calls = listener.as_ref().map(|listener| (listener.as_fd(), PollFlags::IN));
                wait(
                    calls.as_slice(),
                    Peer { process: Some(status.as_fd()), ..Peer::socket(status.as_fd()) },
                    Some(deadline),
                );
                let verdict = listener.as_ref().map_or(Ok(Verdict::Nothing), Listener::attend);
                match verdict.map_err(|error| {
                    system("ioctl(SECCOMP_IOCTL_NOTIF_RECV)")(
                        Errno::from_io_error(&error).unwrap_or(Errno::IO),
                    )
                })? {
                    Verdict::Nothing | Verdict::Answered => {}
                    Verdict::Forbidden(_) | Verdict::Aborted => return Err(SandboxError::Silent),
                }
            }
            Err(errno) => return Err(system("recvmsg")(errno)),
        }
    }
}

/// The arguments of clone3(2), as of its first version.
#[repr(C, align(8))]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
}

/// Makes a copy of this process that carries out `plan`, and a pidfd for it.
fn clone(plan: &Plan, namespaces: Layers) -> Result<(Pid, OwnedFd), Errno> {
    let mut flags = libc::CLONE_PIDFD;
    for (layer, flag) in [
        (Layers::USER_NS, libc::CLONE_NEWUSER),
        (Layers::NET_NS, libc::CLONE_NEWNET),
        (Layers::IPC_NS, libc::CLONE_NEWIPC),
        (Layers::UTS_NS, libc::CLONE_NEWUTS),
        (Layers::PID_NS, libc::CLONE_NEWPID),
    ] {
        if namespaces.contains(layer) {
            flags |= flag;
        }
    }
    let mut pidfd: libc::c_int = -1;
    let args = CloneArgs {
        flags: flags as u64,
        pidfd: ptr::from_mut(&mut pidfd).addr() as u64,
        child_tid: 0,
        parent_tid: 0,
        exit_signal: libc::SIGCHLD as u64,
        stack: 0,
        stack_size: 0,
        tls: 0,
    };
    let blocked = BlockedSignals::block();
    // SAFETY: without CLONE_VM and a stack it is a fork: the child goes on here with a copy of this thread, and calls
    // only `run`, which makes system calls and never returns.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, ptr::from_ref(&args), size_of::<CloneArgs>()) };
    if pid == 0 {
        child::run(plan);
    }
    let errno = io::Error::last_os_error();
    drop(blocked);
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw).filter(|pid| !pid.is_init()) else {
        return Err(Errno::from_io_error(&errno).unwrap_or(Errno::NOSYS));
    };
    // SAFETY: the kernel has made it, for us.
    Ok((pid, unsafe { OwnedFd::from_raw_fd(pidfd) }))
}

/// No handler of the host's may run in its child, which is not the process that it was made for.
struct BlockedSignals(libc::sigset_t);

impl BlockedSignals {
    fn block() -> Self {
        let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        // SAFETY: each set is written before it is read: sigfillset always succeeds, and so does pthread_sigmask when
        // both pointers are good.
        unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
            Self(before.assume_init())
        }
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // SAFETY: the set was written by the kernel.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, ptr::null_mut()) };
    }
}

/// A descriptor of the same, with a number that is not that of a standard stream.
fn above_streams(fd: OwnedFd) -> Result<OwnedFd, LaunchError> {
    if fd.as_raw_fd() > 2 {
        return Ok(fd);
    }
    Ok(fcntl_dupfd_cloexec(&fd, 3).map_err(system("fcntl(F_DUPFD_CLOEXEC)"))?)
}

fn ruleset(program: &Program, file: &Path, policy: &SandboxPolicy) -> Result<Option<OwnedFd>, LaunchError> {
    // No rule can name what lies in no folder, and none has to.
    let passed = program.passed.as_ref().map(|fd| PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd())));
    let files = Files {
        program: file,
        modules: &program.modules,
        passed: passed.as_slice(),
        reads: &[&program.reads, &policy.read_paths],
        library_path: program.variable("LD_LIBRARY_PATH"),
    };
    let ruleset = files.ruleset().map_err(SandboxError::from)?;
    ruleset.map(above_streams).transpose()
}

/// `None` if this machine's architecture has no filter, and the policy can do without.
fn filter(policy: &SandboxPolicy) -> Result<Option<Filter>, LaunchError> {
    match Filter::new(&policy.calls) {
        Ok(filter) => Ok(Some(filter)),
        Err(error) if policy.minimum.contains(Layers::SECCOMP) => Err(SandboxError::from(error).into()),
        Err(error) => {
            tracing::warn!(%error, "workers have no filter of system calls");
            Ok(None)
        }
    }
}

fn identity() -> Identity {
    let map = |id: u32| format!("{NOBODY} {id} 1").into_bytes();
    Identity {
        uid_map: map(rustix::process::geteuid().as_raw()),
        gid_map: map(rustix::process::getegid().as_raw()),
    }
}

/// What a worker may use, and no more than this process may.
fn limits(policy: &SandboxPolicy, namespaces: Layers) -> Vec<(Resource, Rlimit)> {
    let mut limits = vec![
        (Resource::As, policy.address_space),
        (Resource::Nofile, policy.open_files),
        (Resource::Core, 0),
        (Resource::Fsize, policy.file_bytes),
        (Resource::Msgqueue, 0),
        (Resource::Sigpending, MAX_SIGNALS),
        (Resource::Stack, STACK_BYTES),
    ];
    // Elsewhere its threads are counted with all that the user runs.
    if namespaces.contains(Layers::USER_NS) {
        limits.push((Resource::Nproc, MAX_THREADS));
    }
    let bounded = limits.into_iter().map(|(resource, most)| {
        let most = Some(getrlimit(resource).maximum.map_or(most, |hard| hard.min(most)));
        (resource, Rlimit { current: most, maximum: most })
    });
    bounded.collect()
}

fn text(text: &OsStr) -> Result<CString, SandboxError> {
    CString::new(text.as_bytes()).map_err(|_| SandboxError::ZeroByte { text: text.to_owned() })
}
