//! Single calls, made by a child that does nothing else.

use std::os::fd::AsRawFd;

use nix::sys::signal::Signal;
use rustix::io::Errno;

use super::super::SystemCall;
use super::super::filter::Filter;
use super::child::{Outcome, errno_of, run, run_plain};

const EXEC: usize = 0x4;
/// `MAP_PRIVATE | MAP_ANONYMOUS`.
const ANONYMOUS: usize = 0x22;
const PAGE: usize = 4096;
/// `AT_FDCWD`.
const HERE: usize = -100_isize as usize;

fn call(name: &str) -> u32 {
    name.parse::<SystemCall>().unwrap().number()
}

/// Pads the arguments of a call.
fn six(arguments: &[usize]) -> [usize; 6] {
    std::array::from_fn(|index| arguments.get(index).copied().unwrap_or(0))
}

/// What becomes of a child that makes this call with these arguments.
fn attempt(name: &str, arguments: &[usize]) -> Outcome {
    let (number, arguments) = (call(name), six(arguments));
    run_plain(|| errno_of(number, arguments))
}

/// The same in a child whose module is loaded.
fn attempt_sealed(name: &str, arguments: &[usize]) -> Outcome {
    let (number, arguments) = (call(name), six(arguments));
    run(&Filter::new(&[]).unwrap(), |listener| listener.seal(), || errno_of(number, arguments))
}

fn failed(errno: impl Into<Option<Errno>>) -> Outcome {
    Outcome::Exited(errno.into().map_or(0, Errno::raw_os_error))
}

#[test]
fn forbidden_calls_end_the_child_by_name() {
    // Arguments that would do no harm if a call got through.
    let bad = usize::MAX;
    let calls: &[(&str, &[usize])] = &[
        ("accept4", &[bad]),
        ("add_key", &[]),
        ("bind", &[bad]),
        ("bpf", &[bad]),
        ("capset", &[]),
        ("chdir", &[]),
        ("chroot", &[]),
        ("clock_settime", &[bad]),
        ("connect", &[bad]),
        ("copy_file_range", &[bad]),
        ("delete_module", &[]),
        ("execve", &[]),
        ("execveat", &[]),
        ("fallocate", &[bad]),
        ("fanotify_init", &[bad]),
        ("fchmod", &[bad]),
        ("fcntl", &[0, 4, 0o4000]),
        ("fcntl", &[bad, 1033]),
        ("finit_module", &[bad]),
        ("flock", &[bad]),
        ("fsconfig", &[bad]),
        ("fsmount", &[bad]),
        ("fsopen", &[]),
        ("ftruncate", &[bad]),
        ("futex", &[0, 6]),
        ("futex", &[0, 11 | 128]),
        ("getxattr", &[]),
        ("init_module", &[]),
        ("inotify_init1", &[bad]),
        ("io_setup", &[]),
        ("io_uring_enter", &[bad]),
        ("io_uring_register", &[bad]),
        ("io_uring_setup", &[]),
        ("ioctl", &[0, 0x5421]),
        ("ioctl", &[0, 0x5412]),
        ("kcmp", &[1, 1]),
        ("kexec_load", &[0, 0, 0, bad]),
        ("keyctl", &[bad]),
        ("kill", &[0, 0]),
        ("kill", &[bad, 0]),
        ("kill", &[1, 9 << 32]),
        ("landlock_create_ruleset", &[0, 0, 1]),
        ("listen", &[bad]),
        ("madvise", &[0, 0, 9]),
        ("memfd_create", &[]),
        ("memfd_secret", &[bad]),
        ("mkdirat", &[bad]),
        ("mount", &[]),
        ("move_pages", &[0, bad]),
        ("mq_open", &[]),
        ("msgget", &[bad, 0]),
        ("name_to_handle_at", &[bad]),
        ("open_by_handle_at", &[bad]),
        ("open_tree", &[bad]),
        ("perf_event_open", &[]),
        ("pipe2", &[bad, 0o200]),
        ("personality", &[0x40_0000]),
        ("pidfd_getfd", &[bad]),
        ("pidfd_open", &[bad]),
        ("pidfd_send_signal", &[bad]),
        ("pivot_root", &[]),
        ("pkey_alloc", &[bad]),
        ("prctl", &[4, 1]),
        ("prctl", &[1, 9]),
        ("prctl", &[22, 2]),
        ("prctl", &[0x5961_6d61, 1]),
        ("prlimit64", &[0, 7, 8]),
        ("prlimit64", &[1, 7, 0]),
        ("process_madvise", &[bad]),
        ("process_vm_readv", &[1]),
        ("process_vm_writev", &[1]),
        ("ptrace", &[bad]),
        ("pwrite64", &[bad]),
        ("quotactl", &[bad]),
        ("reboot", &[]),
        ("remap_file_pages", &[0, 0, 1]),
        ("renameat2", &[bad]),
        ("request_key", &[]),
        ("rt_sigqueueinfo", &[1, 9]),
        ("rt_tgsigqueueinfo", &[1, 1, 9]),
        ("seccomp", &[bad]),
        ("semget", &[bad, 0]),
        ("sendfile", &[bad]),
        ("sendto", &[bad, 0, 0, 0, 8, 8]),
        ("setns", &[bad]),
        ("setrlimit", &[7, 0]),
        ("setsid", &[]),
        ("setsockopt", &[bad]),
        ("setuid", &[bad]),
        ("shmat", &[bad]),
        ("shmget", &[bad, 0]),
        ("signalfd4", &[bad]),
        ("socket", &[2, 1]),
        ("socketpair", &[bad]),
        ("splice", &[bad]),
        ("swapon", &[]),
        ("sync", &[]),
        ("tgkill", &[1, 1, 9]),
        ("tkill", &[1, 9]),
        ("umask", &[0o22]),
        ("umount2", &[]),
        ("unlinkat", &[bad]),
        ("unshare", &[0x1000_0000]),
        ("userfaultfd", &[bad]),
        ("vmsplice", &[bad]),
        ("wait4", &[bad]),
    ];
    for (name, arguments) in calls {
        assert_eq!(attempt(name, arguments), Outcome::forbidden(name), "{name} {arguments:?}");
    }
}

#[test]
fn a_child_gets_no_children() {
    // SIGCHLD alone is fork; with CLONE_VM and CLONE_VFORK it is vfork; namespaces; a thread with a namespace.
    for flags in [17, 0x4111, 0x1000_0011, 0x4000_0011, 0x1000_0000 | 0x1_0f00, 0x2000 | 0x1_0f00] {
        assert_eq!(attempt("clone", &[flags]), Outcome::forbidden("clone"), "{flags:#x}");
    }
    // The right flags reach the kernel, which refuses a thread with a pid descriptor as well as half a group of flags.
    assert_eq!(attempt("clone", &[0x1_0800]), Outcome::forbidden("clone"));
    assert_eq!(attempt("clone", &[0x1_0f00 | 0x1000]), Outcome::forbidden("clone"));
}

#[test]
#[cfg(target_arch = "x86_64")]
fn old_calls_of_this_architecture_are_forbidden_as_well() {
    for name in
        ["fork", "vfork", "creat", "uselib", "ustat", "sysfs", "iopl", "ioperm", "modify_ldt", "signalfd"]
    {
        // SAFETY of what gets through: it is not to.
        assert_eq!(attempt(name, &[0]), Outcome::forbidden(name));
    }
}

#[test]
fn allowed_calls_reach_the_kernel() {
    let page: Box<[u64; 512]> = Box::new([0; 512]);
    let at = std::ptr::from_ref(&*page).addr();
    let (reader, writer) = std::io::pipe().unwrap();
    std::io::Write::write_all(&mut &writer, b"four").unwrap();
    let (reader, writer) = (reader.as_raw_fd() as usize, writer.as_raw_fd() as usize);
    let calls: &[(&str, &[usize], Option<Errno>)] = &[
        ("clock_gettime", &[1, at], OK),
        ("close", &[999], Some(Errno::BADF)),
        ("close_range", &[900, 901, 0], OK),
        ("dup", &[999], Some(Errno::BADF)),
        ("epoll_create1", &[0], OK),
        ("eventfd2", &[0, 0x800], OK),
        ("fcntl", &[reader, 1030, 10], OK),
        ("fcntl", &[reader, 3], OK),
        ("fstat", &[reader, at], OK),
        ("futex", &[at, 1 | 128, 1], OK),
        ("futex", &[at, 9 | 128 | 256, 1, 0, 0, 1], Some(Errno::AGAIN)),
        ("getpid", &[], OK),
        ("getrandom", &[at, 16], OK),
        ("ioctl", &[reader, 0x5401, at], Some(Errno::NOTTY)),
        ("lseek", &[reader, 0, 0], Some(Errno::SPIPE)),
        ("madvise", &[0, 0, 4], OK),
        ("membarrier", &[0], OK),
        ("mmap", &[0, PAGE, 3, ANONYMOUS, usize::MAX], OK),
        ("mprotect", &[0, 0, 1], OK),
        ("munmap", &[0, 0], Some(Errno::INVAL)),
        ("nanosleep", &[at, 0], OK),
        ("newfstatat", &[HERE, c"/".as_ptr().addr(), at], OK),
        ("personality", &[0xffff_ffff], OK),
        ("ppoll", &[at, 0, at], OK),
        ("prctl", &[15, c"worker".as_ptr().addr()], OK),
        ("prctl", &[39], Some(Errno::PERM)),
        ("prlimit64", &[0, 7, 0, at], OK),
        ("read", &[reader, at, 1], OK),
        ("recvmsg", &[reader, at], Some(Errno::NOTSOCK)),
        ("rt_sigaction", &[10, 0, 0, 8], OK),
        ("rt_sigprocmask", &[0, 0, at, 8], OK),
        ("sched_getaffinity", &[0, 4096, at], OK),
        ("sched_yield", &[], OK),
        ("sendmsg", &[reader, at], Some(Errno::NOTSOCK)),
        ("sendto", &[reader, at, 1], Some(Errno::NOTSOCK)),
        ("set_robust_list", &[0, 24], OK),
        ("sigaltstack", &[0, at], OK),
        ("sysinfo", &[at], OK),
        ("timerfd_create", &[1], OK),
        ("uname", &[at], OK),
        ("write", &[writer, at, 1], OK),
    ];
    for (name, arguments, errno) in calls {
        // `prctl(PR_GET_NO_NEW_PRIVS)` gives 1, which `errno_of` takes for success.
        let errno = if (*name, arguments[..].first()) == ("prctl", Some(&39)) { OK } else { *errno };
        assert_eq!(attempt(name, arguments), failed(errno), "{name} {arguments:?}");
        assert_eq!(attempt_sealed(name, arguments), failed(errno), "sealed {name} {arguments:?}");
    }
}

/// No error.
const OK: Option<Errno> = None;

#[test]
fn newer_calls_are_unknown_and_wishes_are_refused() {
    for name in ["clone3", "openat2"] {
        assert_eq!(attempt(name, &[]), failed(Errno::NOSYS), "{name}");
    }
    for name in
        ["sched_setaffinity", "sched_setscheduler", "sched_setattr", "setpriority", "mlockall", "mbind"]
    {
        assert_eq!(attempt(name, &[]), failed(Errno::PERM), "{name}");
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn other_interfaces_of_the_kernel_are_closed() {
    // x32: `socket` by the same entry and another number.
    let outcome = run_plain(|| errno_of(0x4000_0000 | 41, six(&[1, 1])));
    assert_eq!(outcome, Outcome::forbidden("number 41 of x32"));
    // The 32-bit entry, where 20 is `getpid`. On x86-64 that number is `writev`, which is allowed.
    let outcome = run_plain(|| {
        // SAFETY: the call reads and writes no memory.
        unsafe { std::arch::asm!("int 0x80", inlateout("eax") 20 => _, options(nostack)) };
        0
    });
    assert_eq!(outcome, Outcome::Killed(Signal::SIGSYS));
    // A number that no kernel has.
    let outcome = run_plain(|| errno_of(9999, [0; 6]));
    assert_eq!(outcome, Outcome::forbidden("number 9999"));
}

#[test]
fn files_are_opened_for_reading_until_the_seal() {
    let open = |path: &std::ffi::CStr, flags| [HERE, path.as_ptr().addr(), flags];
    assert_eq!(attempt("openat", &open(c"/etc/passwd", 0)), failed(OK));
    // For more than that (O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_TMPFILE, O_PATH), not even where there is no Landlock.
    for flags in [1, 2, 0o100, 0o1000, 0o20_200_000, 0o10_000_000] {
        assert_eq!(attempt("openat", &open(c"/dev/null", flags)), failed(Errno::ACCESS), "{flags:o}");
    }
    assert_eq!(attempt_sealed("openat", &open(c"/etc/passwd", 0)), Outcome::forbidden("openat"));
    for path in [
        c"/proc/self/maps",
        c"/proc/stat",
        c"/sys/devices/system/cpu/online",
        c"/etc/localtime",
        c"/usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache",
        c"/lib/aarch64-linux-gnu/libgcc_s.so.1",
    ] {
        assert_eq!(attempt_sealed("openat", &open(path, 0)), failed(Errno::ACCESS), "{path:?}");
    }
    // A backtrace reads the program and its libraries.
    let own = std::ffi::CString::new(std::env::current_exe().unwrap().into_os_string().into_encoded_bytes());
    assert_eq!(attempt_sealed("openat", &open(&own.unwrap(), 0)), failed(Errno::ACCESS));
    // A path that does not end, or is not there.
    assert_eq!(attempt_sealed("openat", &[HERE, 8, 0]), Outcome::forbidden("openat"));
    let endless = std::ffi::CString::new(vec![b'/'; 600]).unwrap();
    assert_eq!(attempt_sealed("openat", &open(&endless, 0)), Outcome::forbidden("openat"));
}

#[test]
fn memory_becomes_executable_until_the_seal() {
    let map = [0, PAGE, 1 | EXEC, ANONYMOUS, usize::MAX];
    assert_eq!(attempt("mmap", &map), failed(OK));
    assert_eq!(attempt_sealed("mmap", &map), Outcome::forbidden("mmap"));
    for name in ["mprotect", "pkey_mprotect"] {
        let arguments = [0, 0, 1 | EXEC, usize::MAX];
        assert_ne!(attempt(name, &arguments), Outcome::forbidden(name));
        assert_eq!(attempt_sealed(name, &arguments), Outcome::forbidden(name));
    }
}

#[test]
fn a_process_signals_itself_alone() {
    let (tgkill, kill, getpid) = (call("tgkill"), call("kill"), call("getpid"));
    let own = || {
        // SAFETY: the call has no arguments.
        unsafe { syscalls::raw::syscall0(getpid as usize) }
    };
    let signal = |signal: usize| run_plain(|| errno_of(tgkill, six(&[own(), own(), signal])));
    assert_eq!(signal(0), failed(OK));
    assert_eq!(signal(15), Outcome::Killed(Signal::SIGTERM));
    assert_eq!(signal(6), Outcome::Aborted);
    // What the kernel does not look at is not looked at here.
    let high = run_plain(|| errno_of(kill, six(&[own() | 7 << 32, 6 | 7 << 32])));
    assert_eq!(high, Outcome::Aborted);
}

#[test]
fn an_embedder_may_allow_more() {
    let extra = ["socket", "sched_setaffinity", "fcntl"].map(|name| name.parse().unwrap());
    let filter = Filter::new(&extra).unwrap();
    let attempt = |name, arguments: &[usize]| {
        let (number, arguments) = (call(name), six(arguments));
        run(&filter, |_| {}, || errno_of(number, arguments))
    };
    assert_eq!(attempt("socket", &[1, 1]), failed(OK));
    assert_eq!(attempt("sched_setaffinity", &[0, 8, 8]), failed(Errno::FAULT));
    // F_GETOWN.
    assert_eq!(attempt("fcntl", &[0, 9]), failed(OK));
    assert_eq!(attempt("connect", &[0]), Outcome::forbidden("connect"));
}

#[test]
fn without_a_listener_forbidden_calls_kill() {
    // Only one listener is possible: the second filter gets none.
    let outer = Filter::new(&["seccomp".parse().unwrap()]).unwrap();
    let inner = Filter::new(&[]).unwrap();
    let attempt = |name, arguments: &[usize]| {
        let (number, arguments) = (call(name), six(arguments));
        run(
            &outer,
            |_| {},
            || match inner.install() {
                Ok(None) => errno_of(number, arguments),
                _ => 251,
            },
        )
    };
    assert_eq!(attempt("getpid", &[]), failed(OK));
    assert_eq!(attempt("clone3", &[]), failed(Errno::NOSYS));
    let map = [0, PAGE, 1 | EXEC, ANONYMOUS, usize::MAX];
    assert_eq!(attempt("mmap", &map), failed(OK));
    let open = |flags| [HERE, c"/dev/null".as_ptr().addr(), flags];
    assert_eq!(attempt("openat", &open(0)), failed(OK));
    assert_eq!(attempt("openat", &open(1)), Outcome::Killed(Signal::SIGSYS));
    assert_eq!(attempt("socket", &[1, 1]), Outcome::Killed(Signal::SIGSYS));
}
