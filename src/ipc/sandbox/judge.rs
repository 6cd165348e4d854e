//! What the host decides about a call that the filter did not let pass.
//!
//! The arguments come in registers, which a waiting thread cannot change: what is decided by them holds. What they
//! point to, other threads of the worker can change after it was looked at; so no path ever *allows* anything.

use super::allowed::BEYOND_READING;
use super::system_call::SystemCall;

/// `PROT_EXEC`.
const PROT_EXEC: u64 = 0x4;
/// `SIGABRT`.
const SIGABRT: u64 = 6;

/// How far a worker has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    /// Whether its program is still to be executed.
    pub may_exec: bool,
    /// Whether its module is loaded, after which nothing has to be opened or to become executable.
    pub sealed: bool,
    /// Whether libraries of it try to start processes and to connect by themselves, and do without.
    pub bold: bool,
    /// Its process id as it sees it.
    pub inner_pid: u32,
}

/// A decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    /// The kernel goes on with the call.
    Continue,
    /// As [`Judgement::Continue`], and never again.
    Execute,
    /// The call fails with `EACCES`, and the worker goes on.
    Deny,
    /// As [`Judgement::Deny`] if the path at this address is one that runtimes open by themselves; forbidden if not.
    DenyIfHarmless(u64),
    /// The worker has to end.
    Forbidden,
    /// The worker ends itself.
    Aborted,
}

/// Decides on a call with these arguments.
pub(super) fn judge(call: SystemCall, arguments: &[u64; 6], progress: Progress) -> Judgement {
    let sealed_or = |before: Judgement| if progress.sealed { Judgement::Forbidden } else { before };
    match call.name() {
        Some("execve") if progress.may_exec => Judgement::Execute,
        Some("open") => open(arguments[0], arguments[1], progress),
        Some("openat") => open(arguments[1], arguments[2], progress),
        Some("mmap" | "mprotect" | "pkey_mprotect") if arguments[2] & PROT_EXEC != 0 => {
            sealed_or(Judgement::Continue)
        }
        Some("kill" | "tkill" | "rt_sigqueueinfo") => signal(arguments[0], arguments[1], progress),
        Some("tgkill" | "rt_tgsigqueueinfo") => signal(arguments[0], arguments[2], progress),
        Some("clone" | "fork" | "vfork" | "socket" | "setpgid") if progress.bold => Judgement::Deny,
        _ => Judgement::Forbidden,
    }
}

/// Before the module is loaded, Landlock decides which files may be read. Writing fails even where there is no
/// Landlock.
fn open(path: u64, flags: u64, progress: Progress) -> Judgement {
    if progress.sealed {
        Judgement::DenyIfHarmless(path)
    } else if flags & u64::from(BEYOND_READING) != 0 {
        Judgement::Deny
    } else {
        Judgement::Continue
    }
}

/// A process may signal itself: `raise`, `abort`, a runtime that stops its threads. `tkill` names a thread, so it is
/// allowed to the first one only; no libc of today uses it.
fn signal(target: u64, signal: u64, progress: Progress) -> Judgement {
    // The kernel takes both as 32-bit numbers.
    let low = |argument: u64| argument & u64::from(u32::MAX);
    match low(target) == u64::from(progress.inner_pid) {
        true if low(signal) == SIGABRT => Judgement::Aborted,
        true => Judgement::Continue,
        false => Judgement::Forbidden,
    }
}

/// Files that a C or Rust runtime opens by itself at any time, and does without: the machine's layout, limits of
/// memory, character sets, time zones, debug information, random numbers.
const HARMLESS: &[&[u8]] = &[
    b"/dev/random",
    b"/dev/urandom",
    b"/etc/ld.so.cache",
    b"/etc/localtime",
    b"/proc/cpuinfo",
    b"/proc/filesystems",
    b"/proc/meminfo",
    b"/proc/mounts",
    b"/proc/self/auxv",
    b"/proc/self/cgroup",
    b"/proc/self/exe",
    b"/proc/self/maps",
    b"/proc/self/mountinfo",
    b"/proc/self/mounts",
    b"/proc/self/smaps",
    b"/proc/self/stat",
    b"/proc/self/statm",
    b"/proc/self/status",
    b"/proc/stat",
    b"/proc/sys/vm/overcommit_memory",
    b"/usr/share/locale/locale.alias",
];

/// Folders of such files.
const HARMLESS_FOLDERS: &[&[u8]] = &[
    b"/sys/devices/system/cpu/",
    b"/sys/devices/system/node/",
    b"/sys/fs/cgroup/",
    b"/sys/kernel/mm/",
    b"/usr/lib/debug/",
    b"/usr/lib/locale/",
    b"/usr/share/locale/",
    b"/usr/share/zoneinfo/",
];

/// Whether runtimes open this path by themselves: then the call fails, and the worker need not end.
///
/// The worker can write any path there. It gains nothing: the call fails in either case.
pub(super) fn harmless(path: &[u8]) -> bool {
    let holds = |part: &[u8]| path.windows(part.len()).any(|window| window == part);
    if holds(b"/../") {
        return false;
    }
    // `pthread_exit` and `backtrace` of glibc load the unwinder when they are first called.
    let unwinder = path.rsplit(|byte| *byte == b'/').next() == Some(b"libgcc_s.so.1");
    HARMLESS.contains(&path)
        || HARMLESS_FOLDERS.iter().any(|folder| path.starts_with(folder))
        || holds(b"/gconv/")
        || unwinder
}
