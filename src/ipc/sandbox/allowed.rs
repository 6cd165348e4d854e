//! Which system calls a worker makes without anybody being asked, and which are refused without fuss.
//!
//! A name that one architecture lacks (`poll`, `arch_prctl`) is skipped there.

/// What has to hold for an argument of a call.
///
/// The kernel looks at the low 32 bits alone of most arguments, and so does [`Test::Low`]: what a caller leaves in the
/// high half means nothing.
#[derive(Debug, Clone, Copy)]
pub(super) enum Test {
    /// The low 32 bits of argument `.0`, masked by `.1`, are `.2`.
    Low(u8, u32, u32),
    /// All 64 bits of the argument are zero.
    Zero(u8),
}

/// Calls that are allowed, and when.
#[derive(Debug)]
pub(super) struct Rule {
    pub calls: &'static [&'static str],
    /// One of these lists has to hold in full. If there is none, any arguments are allowed.
    pub when: &'static [&'static [Test]],
}

const fn always(calls: &'static [&'static str]) -> Rule {
    Rule { calls, when: &[] }
}

const fn only(calls: &'static [&'static str], when: &'static [&'static [Test]]) -> Rule {
    Rule { calls, when }
}

/// The argument is this number.
const fn is(argument: u8, value: u32) -> Test {
    Test::Low(argument, u32::MAX, value)
}

/// None of these bits is set in the argument.
const fn without(argument: u8, bits: u32) -> Test {
    Test::Low(argument, bits, 0)
}

const PROT_EXEC: u32 = 0x4;
/// `FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME`: they go with any operation.
const FUTEX_OPERATION: u32 = !(128 | 256);
/// What makes a thread rather than a process: `CLONE_VM`, `_FS`, `_FILES`, `_SIGHAND`, `_THREAD`.
const THREAD: u32 = 0x100 | 0x200 | 0x400 | 0x800 | 0x1_0000;
/// What a libc adds to that: `CLONE_SYSVSEM`, `_SETTLS`, `_PARENT_SETTID`, `_CHILD_CLEARTID`, `_DETACHED`,
/// `_CHILD_SETTID`.
const THREAD_EXTRAS: u32 = 0x4_0000 | 0x8_0000 | 0x10_0000 | 0x20_0000 | 0x40_0000 | 0x100_0000;

/// What a program needs that computes on memory it was given and talks over descriptors it was given.
pub(super) const ALLOWED: &[Rule] = &[
    // Memory. What becomes executable is the host's to judge.
    always(&["munmap", "mremap", "brk", "msync", "mseal", "map_shadow_stack"]),
    only(&["mmap", "mprotect", "pkey_mprotect"], &[&[without(2, PROT_EXEC)]]),
    // Advice, of which MADV_REMOVE would punch holes into memory that is shared with the host. NORMAL to DONTNEED,
    // FREE, DONTFORK, DOFORK, HUGEPAGE, NOHUGEPAGE, DONTDUMP, DODUMP, COLD, PAGEOUT, POPULATE_*, COLLAPSE, GUARD_*.
    only(
        &["madvise"],
        &[
            &[is(2, 0)],
            &[is(2, 1)],
            &[is(2, 2)],
            &[is(2, 3)],
            &[is(2, 4)],
            &[is(2, 8)],
            &[is(2, 10)],
            &[is(2, 11)],
            &[is(2, 14)],
            &[is(2, 15)],
            &[is(2, 16)],
            &[is(2, 17)],
            &[is(2, 20)],
            &[is(2, 21)],
            &[is(2, 22)],
            &[is(2, 23)],
            &[is(2, 25)],
            &[is(2, 102)],
            &[is(2, 103)],
        ],
    ),
    // Locks between threads: WAIT, WAKE, REQUEUE, CMP_REQUEUE, WAKE_OP, WAIT_BITSET, WAKE_BITSET. Not those with
    // priority inheritance: no language's runtime needs them, and they have been a door into the kernel before.
    only(
        &["futex"],
        &[
            &[Test::Low(1, FUTEX_OPERATION, 0)],
            &[Test::Low(1, FUTEX_OPERATION, 1)],
            &[Test::Low(1, FUTEX_OPERATION, 3)],
            &[Test::Low(1, FUTEX_OPERATION, 4)],
            &[Test::Low(1, FUTEX_OPERATION, 5)],
            &[Test::Low(1, FUTEX_OPERATION, 9)],
            &[Test::Low(1, FUTEX_OPERATION, 10)],
        ],
    ),
    always(&[
        "futex_waitv",
        "futex_wait",
        "futex_wake",
        "set_robust_list",
        "get_robust_list",
        "rseq",
        "membarrier",
    ]),
    // Threads, and nothing else that clone makes.
    only(&["clone"], &[&[Test::Low(0, !THREAD_EXTRAS, THREAD)]]),
    always(&["set_tid_address", "arch_prctl", "sched_yield", "exit", "exit_group", "restart_syscall"]),
    // Doorbells, and files that were opened for reading.
    always(&[
        "read",
        "write",
        "readv",
        "writev",
        "pread64",
        "preadv",
        "preadv2",
        "lseek",
        "close",
        "fadvise64",
    ]),
    only(&["close_range"], &[&[is(2, 0)], &[is(2, 4)]]),
    always(&["dup", "dup2", "dup3", "eventfd2", "pipe"]),
    // Not O_NOTIFICATION_PIPE (O_EXCL): a way into the kernel that nobody here needs.
    only(&["pipe2"], &[&[without(1, 0o200)]]),
    always(&["poll", "ppoll", "select", "pselect6"]),
    always(&["epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2"]),
    // The socket beside the rings. It is one of packets, and connected, so `sendmsg` reaches nobody else. A datagram
    // socket would send to any other that has a name, and what name is asked for lies in memory: workers get none.
    always(&["recvmsg", "recvmmsg", "recvfrom", "sendmsg", "sendmmsg", "shutdown"]),
    only(&["sendto"], &[&[Test::Zero(4)]]),
    always(&["getsockopt", "getsockname", "getpeername"]),
    // DUPFD, GETFD, SETFD, GETFL, DUPFD_CLOEXEC, GET_SEALS. Not SETFL: the flags of a doorbell are the host's too.
    only(&["fcntl"], &[&[is(1, 0)], &[is(1, 1)], &[is(1, 2)], &[is(1, 3)], &[is(1, 1030)], &[is(1, 1034)]]),
    // TCGETS (is this a terminal?) and DMA_BUF_IOCTL_SYNC. Not FIONBIO, which is another name of SETFL.
    only(&["ioctl"], &[&[is(1, 0x5401)], &[is(1, 0x4008_6200)]]),
    // What a file is, as far as Landlock lets its content be known.
    always(&[
        "fstat",
        "newfstatat",
        "stat",
        "lstat",
        "statx",
        "getdents64",
        "readlink",
        "readlinkat",
        "getcwd",
    ]),
    always(&["access", "faccessat", "faccessat2"]),
    // Libraries look for special file systems as they are loaded: libselinux, allocators that want huge pages.
    always(&["statfs", "fstatfs"]),
    // Time.
    always(&["clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time"]),
    always(&["timerfd_create", "timerfd_settime", "timerfd_gettime"]),
    // Signals to itself, whose sending is the host's to judge.
    always(&[
        "rt_sigaction",
        "rt_sigprocmask",
        "rt_sigreturn",
        "rt_sigpending",
        "rt_sigsuspend",
        "rt_sigtimedwait",
    ]),
    always(&["sigaltstack", "pause"]),
    // Who and where am I.
    always(&["getpid", "gettid", "getppid", "getpgid", "getpgrp", "getsid"]),
    always(&["getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups"]),
    always(&["getrandom", "getrusage", "times", "uname", "sysinfo", "getcpu", "getrlimit"]),
    always(&["sched_getaffinity", "sched_getparam", "sched_getscheduler", "getpriority"]),
    always(&["sched_get_priority_max", "sched_get_priority_min"]),
    // Its own limits, to read.
    only(&["prlimit64"], &[&[is(0, 0), Test::Zero(2)]]),
    // PR_GET_PDEATHSIG, GET_DUMPABLE, SET_NAME, GET_NAME, GET_SECCOMP, CAPBSET_READ, SET_NO_NEW_PRIVS, GET_NO_NEW_PRIVS,
    // GET_THP_DISABLE, SET_VMA (names of mappings), GET_AUXV (what the kernel told of the machine).
    only(
        &["prctl"],
        &[
            &[is(0, 2)],
            &[is(0, 3)],
            &[is(0, 15)],
            &[is(0, 16)],
            &[is(0, 21)],
            &[is(0, 23)],
            &[is(0, 38)],
            &[is(0, 39)],
            &[is(0, 42)],
            &[is(0, 0x5356_4d41)],
            &[is(0, 0x4155_5856)],
        ],
    ),
    // What personality it has (0xffffffff), not another one.
    only(&["personality"], &[&[is(0, u32::MAX)]]),
];

/// What only the host can tell to be harmless, allowed where the kernel gives it no say: to start, a worker has to be
/// executed and linked. Landlock still says which files.
pub(super) const UNJUDGED: &[Rule] = &[
    always(&["execve", "mmap", "mprotect"]),
    // For reading, and nothing else.
    only(&["open"], &[&[without(1, BEYOND_READING)]]),
    only(&["openat"], &[&[without(2, BEYOND_READING)]]),
];

/// Flags of `open` that are for other things than reading: `O_ACCMODE`, `O_CREAT`, `O_TRUNC`, the bit of `O_TMPFILE` that
/// `O_DIRECTORY` has not, and `O_PATH`, for which Landlock has no rule and which makes descriptors that can be sent. The same
/// on x86-64 and aarch64.
pub(super) const BEYOND_READING: u32 = 0o3 | 0o100 | 0o1000 | 0o20_000_000 | 0o10_000_000;

/// Answered `ENOSYS`, as a kernel of before they existed would: their arguments lie in memory, where a filter cannot
/// see them. Every libc then takes the older call.
pub(super) const UNKNOWN: &[&str] = &["clone3", "openat2"];

/// Answered `EPERM`, as any unprivileged program may be: wishes for a share of the machine, which a module states in
/// good faith and goes on without. And `mincore`, which unwinders test addresses with if they can, and which tells what
/// others have lately read.
pub(super) const REFUSED: &[&str] = &[
    "get_mempolicy",
    "ioprio_set",
    "mbind",
    "mincore",
    "mlock",
    "mlock2",
    "mlockall",
    "munlock",
    "munlockall",
    "sched_setaffinity",
    "sched_setattr",
    "sched_setparam",
    "sched_setscheduler",
    "set_mempolicy",
    "setpriority",
];
