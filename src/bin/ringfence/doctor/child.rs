//! Trials in a child, which ends at once.

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use rustix::io::Errno;
use syscalls::{Sysno, syscall};

/// `SIGCHLD`.
const SIGCHLD: usize = 17;
/// `SECCOMP_SET_MODE_FILTER` and `SECCOMP_FILTER_FLAG_NEW_LISTENER`.
const SET_MODE_FILTER: usize = 1;
const NEW_LISTENER: usize = 1 << 3;

/// Namespaces, as `clone` names them.
pub const USER: usize = 0x1000_0000;
pub const NET: usize = 0x4000_0000;
pub const IPC: usize = 0x0800_0000;
pub const UTS: usize = 0x0400_0000;
pub const PID: usize = 0x2000_0000;

/// Makes a child with these flags of `clone`, which runs `trial` and ends. What failed, if anything did.
///
/// The trial makes raw system calls and nothing else.
fn in_child(flags: usize, trial: fn() -> Result<(), Errno>) -> Result<(), Errno> {
    // SAFETY: without CLONE_VM the child has memory of its own; it makes raw system calls alone until it ends.
    let child = unsafe { syscall!(Sysno::clone, SIGCHLD | flags, 0, 0, 0, 0) };
    let child = child.map_err(|errno| Errno::from_raw_os_error(errno.into_raw()))?;
    if child == 0 {
        let code = trial().err().map_or(0, Errno::raw_os_error);
        loop {
            // SAFETY: it ends the process.
            let _ = unsafe { syscall!(Sysno::exit_group, code) };
        }
    }
    let child = i32::try_from(child).map_err(|_| Errno::RANGE)?;
    match waitpid(Pid::from_raw(child), None) {
        Ok(WaitStatus::Exited(_, 0)) => Ok(()),
        Ok(WaitStatus::Exited(_, code)) => Err(Errno::from_raw_os_error(code)),
        Ok(_) => Err(Errno::CANCELED),
        Err(errno) => Err(Errno::from_raw_os_error(errno as i32)),
    }
}

/// Whether these namespaces can be had.
pub fn namespaces(flags: usize) -> Result<(), Errno> {
    in_child(flags, || Ok(()))
}

/// Whether a filter can ask its host about a call.
pub fn listener() -> Result<(), Errno> {
    in_child(0, || {
        rustix::thread::set_no_new_privs(true)?;
        // BPF_RET | BPF_K, SECCOMP_RET_ALLOW; `struct sock_fprog`.
        let allow = [0x06_u64 | 0x7fff_0000 << 32];
        let program = Program { length: 1, instructions: allow.as_ptr() };
        // SAFETY: the kernel copies one instruction of eight bytes.
        let result = unsafe { syscall!(Sysno::seccomp, SET_MODE_FILTER, NEW_LISTENER, &raw const program) };
        result.map(drop).map_err(|errno| Errno::from_raw_os_error(errno.into_raw()))
    })
}

/// `struct sock_fprog`.
#[repr(C)]
struct Program {
    length: u16,
    instructions: *const u64,
}
