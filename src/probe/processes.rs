//! Attempts on other processes, and to become or to start another program.

use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::io::Errno;

use super::attempts::{Attempt, Need};
use super::call::{call, tried, tried_fd, tried_fork};

/// `SIGCHLD`, with which a child says that it has ended.
const SIGCHLD: usize = 17;

pub(super) const ATTEMPTS: &[Attempt] = &[
    Attempt::new("exec", "become another program", |_, _| {
        Err(Errno::from_io_error(&Command::new("/bin/true").exec()).unwrap_or(Errno::IO))
    }),
    Attempt::new("spawn", "start a program (vfork and exec)", |_, _| {
        match Command::new("/bin/true").status() {
            Ok(_) => Ok(()),
            Err(error) => Err(Errno::from_io_error(&error).unwrap_or(Errno::IO)),
        }
    }),
    Attempt::new("fork-bomb", "start children, one after the other", |_, _| {
        (0..16).try_for_each(|_| tried_fork("clone", &[SIGCHLD]))
    }),
    Attempt::new("clone3", "start a child in new namespaces (clone3)", |_, _| {
        // flags: CLONE_NEWUSER | CLONE_NEWNET; exit_signal is the fifth of eight words.
        let arguments = [0x5000_0000_u64, 0, 0, 0, SIGCHLD as u64, 0, 0, 0];
        tried_fork("clone3", &[(&raw const arguments).addr(), size_of_val(&arguments)])
    })
    .needs(Need::Favour),
    Attempt::new("signal-host", "signal the host", |ground, _| tried("kill", &[ground.host as usize, 0])),
    Attempt::new("signal-thread", "signal a thread of the host's", |ground, _| {
        tried("tgkill", &[ground.host as usize, ground.host as usize, 0])
    }),
    Attempt::new("signal-all", "signal everybody", |_, _| tried("kill", &[usize::MAX, 0])),
    // PTRACE_SEIZE with an address, which is refused once everything else was found to be right.
    Attempt::new("ptrace", "trace the host", |ground, _| {
        tried("ptrace", &[0x4206, ground.host as usize, 8, 0])
    })
    .reached(&[Errno::IO]),
    Attempt::new("read-memory", "read the host's memory (process_vm_readv)", |ground, _| {
        transfer("process_vm_readv", ground.host)
    })
    .reached(&[Errno::FAULT])
    .needs(Need::Favour),
    Attempt::new("write-memory", "write the host's memory (process_vm_writev)", |ground, _| {
        transfer("process_vm_writev", ground.host)
    })
    .reached(&[Errno::FAULT])
    .needs(Need::Favour),
    Attempt::new("pidfd", "get hold of the host", |ground, _| {
        tried_fd("pidfd_open", &[ground.host as usize, 0])
    }),
    Attempt::new("pidfd-getfd", "take a descriptor of the host's", |ground, _| {
        let pidfd = call("pidfd_open", &[ground.host as usize, 0])?;
        tried_fd("pidfd_getfd", &[pidfd, 0, 0])
    })
    .needs(Need::Favour),
    // KCMP_VM.
    Attempt::new("kcmp", "compare itself with the host", |ground, _| {
        let own = std::process::id() as usize;
        tried("kcmp", &[own, ground.host as usize, 1, 0, 0])
    })
    .needs(Need::Favour),
    Attempt::new("host-limits", "read the host's limits", |ground, _| {
        let mut limits = [0_u64; 2];
        tried("prlimit64", &[ground.host as usize, 7, 0, (&raw mut limits).addr()])
    })
    .needs(Need::Favour),
];

/// Moves bytes between this process and another, at an address that nobody has.
fn transfer(name: &str, pid: u32) -> Result<(), Errno> {
    let mut word = 0_u64;
    let (here, there) = ([(&raw mut word).addr(), 8], [8_usize, 8]);
    tried(name, &[pid as usize, (&raw const here).addr(), 1, (&raw const there).addr(), 1, 0])
}
