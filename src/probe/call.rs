//! System calls by name.

use rustix::io::Errno;

use crate::ipc::sandbox::SystemCall;

/// Makes a system call, and gives what it returns. [`Errno::NOSYS`] if the architecture has none of this name.
pub(super) fn call(name: &str, arguments: &[usize]) -> Result<usize, Errno> {
    let call = SystemCall::named(name).ok_or(Errno::NOSYS)?;
    call_number(call.number() as usize, arguments)
}

/// The same, by number.
pub(super) fn call_number(number: usize, arguments: &[usize]) -> Result<usize, Errno> {
    let [a, b, c, d, e, f] = std::array::from_fn(|index| arguments.get(index).copied().unwrap_or(0));
    // SAFETY: the attempts give addresses of their own memory, or such that the kernel refuses, and make no call that
    // takes memory away from this program.
    let result = unsafe { syscalls::raw::syscall6(number, a, b, c, d, e, f) };
    match result.cast_signed() {
        error @ -4095..0 => Err(Errno::from_raw_os_error(i32::try_from(-error).unwrap_or(i32::MAX))),
        _ => Ok(result),
    }
}

/// Makes a call that returns nothing of interest.
pub(super) fn tried(name: &str, arguments: &[usize]) -> Result<(), Errno> {
    call(name, arguments).map(drop)
}

/// Makes a call that returns a descriptor, and closes it.
pub(super) fn tried_fd(name: &str, arguments: &[usize]) -> Result<(), Errno> {
    let fd = call(name, arguments)?;
    tried("close", &[fd])
}

/// Makes a call that may return twice, as `fork` does: then the child ends at once, and the parent waits for it.
pub(super) fn tried_fork(name: &str, arguments: &[usize]) -> Result<(), Errno> {
    match call(name, arguments)? {
        0 => loop {
            let _ = call("exit_group", &[0]);
        },
        child => tried("wait4", &[child, 0, 0, 0]),
    }
}
