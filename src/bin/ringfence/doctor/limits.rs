//! What this process may have.

use rustix::process::{Resource, Rlimit, getrlimit};

use super::Check;

/// Descriptors that a host has for each connection, and some to spare: two rings, two doorbells, the socket, the process,
/// its output, what others see of it, and buffers.
const PER_CONNECTION: u64 = 24;
/// Descriptors of a host that has a few connections, and files of its own.
const ENOUGH: u64 = 256;

pub fn checks() -> Vec<Check> {
    vec![files(getrlimit(Resource::Nofile)), locked(getrlimit(Resource::Memlock))]
}

fn files(limit: Rlimit) -> Check {
    const NAME: &str = "open files";
    let Some(soft) = limit.current else { return Check::ok(NAME, "any number") };
    let text = format!("{soft}, which is enough for about {} connections", soft / PER_CONNECTION);
    if soft >= ENOUGH {
        return Check::ok(NAME, text);
    }
    let check = Check::missing(NAME, text);
    match limit.maximum {
        Some(hard) if hard < ENOUGH => {
            check.mend(format!("LimitNOFILE={ENOUGH} in the service, or limits.conf"))
        }
        _ => check.mend(format!("ulimit -n {ENOUGH}")),
    }
}

/// Rings are not locked; a host that wants no page fault at all locks itself.
fn locked(limit: Rlimit) -> Check {
    const NAME: &str = "locked memory";
    match limit.current {
        None => Check::ok(NAME, "any amount"),
        Some(0) => Check::missing(NAME, "none: a host that must not wait for a page cannot lock its memory")
            .mend("LimitMEMLOCK=64M in the service, or limits.conf"),
        Some(bytes) => {
            let amount =
                if bytes < 1 << 20 { format!("{} KiB", bytes >> 10) } else { format!("{} MiB", bytes >> 20) };
            Check::ok(
                NAME,
                format!("{amount}: ringfence locks none, a host that must not wait for a page may"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn limit(current: u64, maximum: u64) -> Rlimit {
        Rlimit { current: Some(current), maximum: Some(maximum) }
    }

    #[test]
    fn few_files_are_few_connections() {
        assert_eq!(files(limit(1024, 4096)).found, "1024, which is enough for about 42 connections");
        assert_eq!(files(limit(64, 4096)).mend, ["ulimit -n 256"]);
        assert!(files(limit(64, 64)).mend[0].starts_with("LimitNOFILE"));
        assert_eq!(files(Rlimit { current: None, maximum: None }).state, State::Ok);
    }

    #[test]
    fn memory_that_may_be_locked_is_told_in_units() {
        assert!(locked(limit(65_536, 65_536)).found.starts_with("64 KiB"));
        assert!(locked(limit(8 << 20, 8 << 20)).found.starts_with("8 MiB"));
        assert_eq!(locked(limit(0, 0)).state, State::Missing);
    }
}
