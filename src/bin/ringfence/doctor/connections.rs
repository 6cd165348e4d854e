//! What connections are made of: shared memory and ways to wake each other.

use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::thread::{MembarrierCommand, membarrier_query};

use super::{Check, setting};

/// What memfds must be, whoever makes them.
const POLICY: &str = "/proc/sys/vm/memfd_noexec";

pub fn checks() -> Vec<Check> {
    vec![seals(), not_executable(), executable(setting(POLICY).as_deref()), bells(), barrier()]
}

fn seals() -> Check {
    const NAME: &str = "sealed memory";
    let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // As rings are made: where a system insists on it, not executable.
    let sealed = memfd_create("ringfence-doctor", flags | MemfdFlags::NOEXEC_SEAL)
        .or_else(|_| memfd_create("ringfence-doctor", flags))
        .and_then(|fd| fcntl_add_seals(&fd, seals));
    match sealed {
        Ok(()) => Check::ok(NAME, "no worker can pull shared memory from under its host"),
        Err(errno) => Check::required(NAME, format!("{errno}: there are no rings without it"))
            .mend("a kernel from Linux 3.17 on with CONFIG_MEMFD_CREATE"),
    }
}

fn not_executable() -> Check {
    const NAME: &str = "MFD_NOEXEC_SEAL";
    match memfd_create("ringfence-doctor", MemfdFlags::CLOEXEC | MemfdFlags::NOEXEC_SEAL) {
        Ok(_) => Check::ok(NAME, "what is in shared memory cannot be run as a program"),
        Err(errno) => Check::missing(NAME, format!("{errno}: the filter of system calls holds alone there"))
            .mend("a kernel from Linux 6.3 on"),
    }
}

/// A module's file is copied into a memfd, which is then loaded.
fn executable(policy: Option<&str>) -> Check {
    const NAME: &str = "vm.memfd_noexec";
    match policy {
        None => Check::ok(NAME, "not known to this kernel: memfds may hold modules"),
        Some("0" | "1") => Check::ok(NAME, "memfds may hold modules"),
        Some(level) => Check::missing(
            NAME,
            format!("{level}: no copy of a module's file can be made that can be loaded"),
        )
        .mend("sudo sysctl -w vm.memfd_noexec=1"),
    }
}

fn bells() -> Check {
    const NAME: &str = "eventfd";
    match eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK) {
        Ok(_) => Check::ok(NAME, "a sleeper is woken by eight bytes"),
        Err(errno) => Check::required(NAME, format!("{errno}: there are no doorbells without it"))
            .mend("a kernel with CONFIG_EVENTFD"),
    }
}

fn barrier() -> Check {
    const NAME: &str = "membarrier";
    let query = membarrier_query();
    let has = |command: MembarrierCommand| query.contains_command(command);
    if has(MembarrierCommand::GlobalExpedited) && has(MembarrierCommand::RegisterGlobalExpedited) {
        Check::ok(NAME, "expedited: no message waits for a fence")
    } else {
        Check::missing(NAME, "not expedited: every message waits for a fence")
            .mend("a kernel from Linux 4.16 on with CONFIG_MEMBARRIER")
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn what_forbids_modules_in_memory_is_told() {
        assert_eq!(executable(None).state, State::Ok);
        assert_eq!(executable(Some("1")).state, State::Ok);
        let check = executable(Some("2"));
        assert_eq!(
            (check.state, check.mend[0].as_str()),
            (State::Missing, "sudo sysctl -w vm.memfd_noexec=1")
        );
    }
}
