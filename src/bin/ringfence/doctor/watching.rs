//! Whether this user can look at connections of his other processes.

use std::fs;
use std::os::unix::fs::MetadataExt;

use rustix::process::{geteuid, getppid};

use super::{Check, setting};

pub fn checks() -> Vec<Check> {
    vec![processes(), ptrace(setting("/proc/sys/kernel/yama/ptrace_scope").as_deref())]
}

/// Connections are found among the descriptors of processes. The one that has started this one is tried, if it is ours.
fn processes() -> Check {
    const NAME: &str = "processes";
    let parent = getppid().map(|pid| format!("/proc/{}", pid.as_raw_nonzero()));
    let parent =
        parent.filter(|path| fs::metadata(path).is_ok_and(|metadata| metadata.uid() == geteuid().as_raw()));
    let Some(parent) = parent else {
        return Check::ok(NAME, "not tried: what has started this process is not this user's");
    };
    match fs::read_dir(format!("{parent}/fd")).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
        Ok(_) => Check::ok(NAME, "descriptors of this user's other processes can be seen"),
        Err(error) => Check::missing(NAME, format!("{parent}/fd: {error}: no connection of it can be seen"))
            .mend("look as the user who runs the host, or as root"),
    }
}

/// Yama restricts who may take over a process. To look, nobody has to.
fn ptrace(scope: Option<&str>) -> Check {
    const NAME: &str = "ptrace_scope";
    match scope {
        None => Check::ok(NAME, "not restricted"),
        Some(scope) => {
            Check::ok(NAME, format!("{scope}: it stands in nobody's way, since nothing is attached to"))
        }
    }
}
