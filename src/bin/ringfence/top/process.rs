//! How much of a processor a process uses.

use std::fs;

/// The clock ticks that a process has used so far, all its threads together; `None` if it is gone.
pub fn ticks(pid: u32) -> Option<u64> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Clock ticks a second.
pub fn ticks_a_second() -> u64 {
    rustix::param::clock_ticks_per_second()
}

/// User and system time out of `/proc/PID/stat`. The second field is a name in parentheses, which may hold anything.
fn parse(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    user.checked_add(system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_mislead() {
        let stat = "42 (a) 1 2 (b) S 1 42 42 0 -1 4194560 1 2 3 4 70 5 0 0 20 0 1 0 99 1000 10";
        assert_eq!(parse(stat), Some(75));
        assert_eq!(parse("42 (a"), None);
        assert!(ticks(std::process::id()).is_some());
        assert_eq!(ticks(u32::MAX), None);
    }
}
