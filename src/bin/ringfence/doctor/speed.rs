//! What calls and buffers are made fast by.

use ringfence::bench::allowed_processors;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::thread::{MembarrierCommand, membarrier_query};

use super::{Check, setting};

pub fn checks() -> Vec<Check> {
    vec![processors(), barrier(), seals(), huge_pages()]
}

fn processors() -> Check {
    const NAME: &str = "processors";
    match allowed_processors().len() {
        0 | 1 => Check::missing(
            NAME,
            "one: neither side can look for a message while the other works, so every call sleeps",
        )
        .mend("allow the host a second processor (taskset, cpuset)".to_owned()),
        count => Check::ok(NAME, format!("{count}: both sides of a call can run at once")),
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
            .mend("a kernel from Linux 4.16 on with CONFIG_MEMBARRIER".to_owned())
    }
}

fn seals() -> Check {
    const NAME: &str = "sealed memory";
    let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    let sealed = memfd_create("ringfence-doctor", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
        .and_then(|fd| fcntl_add_seals(&fd, seals));
    match sealed {
        Ok(()) => Check::ok(NAME, "no worker can pull shared memory from under its host"),
        Err(errno) => Check::required(NAME, format!("{errno}: there are no rings without it"))
            .mend("a kernel from Linux 3.17 on with CONFIG_MEMFD_CREATE".to_owned()),
    }
}

fn huge_pages() -> Check {
    const NAME: &str = "huge pages";
    const PATH: &str = "/sys/kernel/mm/transparent_hugepage/shmem_enabled";
    let Some(text) = setting(PATH) else {
        return Check::missing(
            NAME,
            "this kernel has none for shared memory: mapping large buffers takes longer",
        );
    };
    let chosen =
        text.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map_or("?", |(chosen, _)| chosen);
    match chosen {
        "never" | "deny" => {
            Check::missing(NAME, format!("{chosen} for shared memory: mapping large buffers takes longer"))
                .mend(format!("echo advise > {PATH}"))
        }
        _ => Check::ok(NAME, format!("{chosen} for shared memory")),
    }
}
