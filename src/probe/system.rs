//! Attempts on the kernel, on the machine, and on what the worker was allotted.

use rustix::io::Errno;

use super::attempts::{Attempt, Need};
use super::call::{call, call_number, tried, tried_fd};

/// A descriptor that there is not.
const NO_FD: usize = usize::MAX;
/// What the kernel says to arguments that mean nothing, once it was willing.
const NONSENSE: &[Errno] =
    &[Errno::INVAL, Errno::FAULT, Errno::BADF, Errno::NOENT, Errno::TOOBIG, Errno::NOEXEC];

pub(super) const ATTEMPTS: &[Attempt] = &[
    Attempt::new("eat-memory", "take 64 GiB of address space", |_, _| {
        // PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE.
        tried("mmap", &[0, 64 << 30, 0, 0x4022, usize::MAX, 0])
    }),
    Attempt::new("eat-descriptors", "take 900 descriptors", |_, _| {
        (0..900).try_for_each(|_| call("eventfd2", &[0, 0]).map(drop))
    }),
    Attempt::new("raise-limit", "set a limit of its own", |_, _| {
        // RLIMIT_NOFILE, to what it is.
        let mut limits = [0_u64; 2];
        let at = (&raw mut limits).addr();
        tried("prlimit64", &[0, 7, 0, at])?;
        tried("prlimit64", &[0, 7, at, 0])
    }),
    Attempt::new("map-executable", "map memory to write and execute", |_, _| {
        tried("mmap", &[0, 4096, 7, 0x22, usize::MAX, 0])
    }),
    Attempt::new("make-executable", "make memory executable", |_, _| {
        let address = call("mmap", &[0, 4096, 3, 0x22, usize::MAX, 0])?;
        tried("mprotect", &[address, 4096, 5])
    }),
    Attempt::new("executable-heap", "make all memory executable (personality)", |_, _| {
        // READ_IMPLIES_EXEC.
        tried("personality", &[0x40_0000])
    }),
    Attempt::new("nice", "change its priority", |_, _| tried("setpriority", &[0, 0, 19])),
    Attempt::new("scheduler", "change how it is scheduled", |_, _| {
        // SCHED_BATCH.
        let priority = 0_u32;
        tried("sched_setscheduler", &[0, 3, (&raw const priority).addr()])
    }),
    Attempt::new("affinity", "choose its processors", |_, _| {
        let mut set = [0_u64; 128];
        let at = (&raw mut set).addr();
        let length = call("sched_getaffinity", &[0, size_of_val(&set), at])?;
        tried("sched_setaffinity", &[0, length, at])
    }),
    Attempt::new("undumpable", "hide from its host (prctl)", |_, _| tried("prctl", &[4, 0])),
    Attempt::new("capabilities", "set its capabilities", |_, _| {
        // Version 3 with the sets empty.
        let (header, sets) = ([0x2008_0522_u32, 0], [0_u32; 6]);
        tried("capset", &[(&raw const header).addr(), (&raw const sets).addr()])
    }),
    Attempt::new("setuid", "become a user", |_, _| {
        let user = call("getuid", &[])?;
        tried("setuid", &[user])
    }),
    Attempt::new("setpgid", "leave its process group", |_, _| tried("setpgid", &[0, 0])).reached(&[Errno::PERM]),
    // It leads one already, which the kernel says once it looks.
    Attempt::new("setsid", "leave its session", |_, _| tried("setsid", &[])).reached(&[Errno::PERM]),
    Attempt::new("umask", "change its mask of permissions", |_, _| tried("umask", &[0o22])),
    Attempt::new("seccomp", "add a filter of its own", |_, _| tried("seccomp", &[1, 0, 0])).reached(NONSENSE),
    Attempt::new("landlock", "ask about Landlock", |_, _| tried("landlock_create_ruleset", &[0, 0, 1]))
        .needs(Need::Favour),
    Attempt::new("unshare", "enter new namespaces", |_, _| tried("unshare", &[0x0400_0000])).needs(Need::Favour),
    Attempt::new("setns", "enter another's namespace", |_, _| tried("setns", &[NO_FD, 0])).reached(NONSENSE),
    Attempt::new("chroot", "change its root", |_, _| tried("chroot", &[c"/nowhere".as_ptr().addr()]))
        .reached(NONSENSE),
    Attempt::new("pivot-root", "change everybody's root", |_, _| {
        let nowhere = c"/nowhere".as_ptr().addr();
        tried("pivot_root", &[nowhere, nowhere])
    })
    .reached(NONSENSE)
    .needs(Need::Favour),
    Attempt::new("mount", "mount a file system", |_, _| {
        let nowhere = c"/nowhere".as_ptr().addr();
        tried("mount", &[nowhere, nowhere, c"tmpfs".as_ptr().addr(), 0, 0])
    })
    .reached(NONSENSE),
    Attempt::new("open-tree", "copy a mount", |_, _| {
        // OPEN_TREE_CLONE.
        tried_fd("open_tree", &[-100_isize as usize, c"/nowhere".as_ptr().addr(), 1])
    })
    .reached(NONSENSE)
    .needs(Need::Favour),
    Attempt::new("umount", "unmount a file system", |_, _| tried("umount2", &[c"/nowhere".as_ptr().addr(), 0]))
        .reached(NONSENSE),
    Attempt::new("by-handle", "open a file by its number", |_, _| {
        tried_fd("open_by_handle_at", &[NO_FD, 8, 0])
    })
    .reached(NONSENSE)
    .needs(Need::Favour),
    Attempt::new("reboot", "restart the machine", |_, _| tried("reboot", &[0, 0, 0, 0]))
        .reached(NONSENSE)
        .needs(Need::Favour),
    Attempt::new("swapon", "add swap space", |_, _| tried("swapon", &[c"/nowhere".as_ptr().addr(), 0]))
        .reached(NONSENSE)
        .needs(Need::Favour),
    Attempt::new("load-module", "load a module into the kernel", |_, _| tried("finit_module", &[NO_FD, 0, 0]))
        .reached(NONSENSE)
        .needs(Need::Favour),
    Attempt::new("kexec", "load another kernel", |_, _| tried("kexec_load", &[0, 17, 0, 0]))
        .reached(NONSENSE)
        .needs(Need::Favour),
    Attempt::new("set-clock", "set the clock", |_, _| tried("clock_settime", &[0, 0])).reached(NONSENSE),
    Attempt::new("host-name", "change the host's name", |_, _| tried("sethostname", &[0, usize::MAX]))
        .reached(NONSENSE)
        .needs(Need::Favour),
    Attempt::new("io-uring", "make calls behind the filter's back (io_uring)", |_, _| {
        let mut parameters = [0_u64; 15];
        tried_fd("io_uring_setup", &[1, (&raw mut parameters).addr()])
    })
    .needs(Need::Favour),
    Attempt::new("aio", "make calls behind the filter's back (aio)", |_, _| {
        let mut context = 0_u64;
        tried("io_setup", &[1, (&raw mut context).addr()])
    })
    .needs(Need::Favour),
    Attempt::new("bpf", "load a program into the kernel (bpf)", |_, _| tried("bpf", &[NO_FD, 0, 0]))
        .reached(NONSENSE)
        .needs(Need::Favour),
    Attempt::new("userfaultfd", "stop the kernel in the middle of a call (userfaultfd)", |_, _| {
        // UFFD_USER_MODE_ONLY.
        tried_fd("userfaultfd", &[1])
    })
    .needs(Need::Favour),
    Attempt::new("perf", "measure the machine (perf_event_open)", |_, _| {
        tried_fd("perf_event_open", &[0, 0, NO_FD, NO_FD, 0])
    })
    .reached(NONSENSE)
    .needs(Need::Favour),
    Attempt::new("keyring", "use the kernel's keyrings", |_, _| {
        // KEYCTL_GET_KEYRING_ID of the process's own, made if there is none.
        tried("keyctl", &[0, -2_isize as usize, 1])
    })
    .needs(Need::Favour),
    Attempt::new("sysv-memory", "make System V shared memory", |_, _| {
        let id = call("shmget", &[0, 4096, 0o1600])?;
        tried("shmctl", &[id, 0, 0])
    })
    .needs(Need::Favour),
    Attempt::new("sysv-messages", "make a System V message queue", |_, _| {
        let id = call("msgget", &[0, 0o1600])?;
        tried("msgctl", &[id, 0, 0])
    })
    .needs(Need::Favour),
    Attempt::new("sysv-semaphores", "make System V semaphores", |_, _| {
        let id = call("semget", &[0, 1, 0o1600])?;
        tried("semctl", &[id, 0, 0, 0])
    })
    .needs(Need::Favour),
    Attempt::new("posix-messages", "make a POSIX message queue", |_, _| {
        let name = std::ffi::CString::new(format!("ringfence-probe-{}", std::process::id()));
        let name = name.map_err(|_| Errno::INVAL)?;
        // O_RDWR | O_CREAT | O_EXCL.
        tried_fd("mq_open", &[name.as_ptr().addr(), 0o302, 0o600, 0])?;
        tried("mq_unlink", &[name.as_ptr().addr()])
    })
    .needs(Need::Favour),
    Attempt::new("priority-futex", "take a lock with priority inheritance", |_, _| {
        // FUTEX_TRYLOCK_PI.
        let lock = 0_u32;
        tried("futex", &[(&raw const lock).addr(), 8])
    })
    .needs(Need::Favour),
    Attempt::new("merge-pages", "let the kernel compare its pages with those of others", |_, _| {
        // MADV_MERGEABLE.
        let address = call("mmap", &[0, 4096, 3, 0x22, usize::MAX, 0])?;
        tried("madvise", &[address, 4096, 12])
    })
    .needs(Need::Favour),
    Attempt::new("x32", "make a call by its number for 32-bit pointers", |_, _| {
        call_number(0x4000_0000 | 39, &[]).map(drop)
    })
    .reached(&[Errno::NOSYS])
    .needs(Need::Favour),
    Attempt::new("unknown-call", "make a call that no kernel has", |_, _| call_number(4000, &[]).map(drop))
        .reached(&[Errno::NOSYS]),
    #[cfg(target_arch = "x86_64")]
    Attempt::new("int80", "make a call by the 32-bit entry", |_, _| {
        // SAFETY: `getpid` reads and writes no memory.
        unsafe { std::arch::asm!("int 0x80", inlateout("eax") 20 => _, out("r8") _, out("r9") _, out("r10") _, out("r11") _) };
        Ok(())
    })
    .needs(Need::Favour),
];
