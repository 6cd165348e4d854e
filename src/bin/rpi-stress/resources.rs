//! What this process has of the system's resources, to see whether any are leaked.

use std::fs::{read_dir, read_to_string};
use std::time::{Duration, Instant};

use serde::Serialize;

/// For so long counts may still fall to where they were: threads of workers that have ended are on their way out.
const PATIENCE: Duration = Duration::from_secs(3);

/// Growth of the resident memory that is no leak, in KiB: what the allocator keeps for each camera's thread, and fragments. A
/// minute and five minutes of four cameras take 4 MiB both.
const MEMORY_ALLOWANCE: i64 = 4 << 10;
/// Likewise, for each of the workers.
const MEMORY_ALLOWANCE_A_WORKER: i64 = 2 << 10;

/// What a process has at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Resources {
    /// Resident memory, in KiB.
    pub memory_kib: i64,
    /// Open descriptors.
    pub descriptors: i64,
    /// Child processes, zombies included.
    pub processes: i64,
    /// Mappings of memory that is shared through descriptors.
    pub mappings: i64,
    /// Threads.
    pub threads: i64,
}

impl Resources {
    /// What this process has now.
    pub fn now() -> Self {
        let status = read_to_string("/proc/self/status").unwrap_or_default();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
        };
        let entries = |path: &str| read_dir(path).map_or(0, |entries| entries.count() as i64);
        let children = read_dir("/proc/self/task").into_iter().flatten().flatten();
        let children = children.filter_map(|task| read_to_string(task.path().join("children")).ok());
        let maps = read_to_string("/proc/self/maps").unwrap_or_default();
        Self {
            memory_kib: number("VmRSS"),
            // One is the folder itself, while it is read.
            descriptors: entries("/proc/self/fd") - 1,
            processes: children.map(|list| list.split_whitespace().count() as i64).sum(),
            mappings: maps.lines().filter(|line| line.contains("/memfd:")).count() as i64,
            threads: number("Threads"),
        }
    }

    /// What this process has once it has come to rest: no more than `baseline`, or what is left after a while.
    pub fn settled(baseline: &Self) -> Self {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let now = Self::now();
            if !now.leaks(baseline) || Instant::now() >= deadline {
                return now;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether there is more than there was.
    pub fn leaks(&self, baseline: &Self) -> bool {
        let allowance = MEMORY_ALLOWANCE + MEMORY_ALLOWANCE_A_WORKER * baseline.processes;
        self.memory_kib > baseline.memory_kib + allowance
            || self.descriptors > baseline.descriptors
            || self.processes > baseline.processes
            || self.mappings > baseline.mappings
            || self.threads > baseline.threads
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_seen() {
        let before = Resources::now();
        assert!(before.memory_kib > 100 && before.threads >= 1 && before.descriptors >= 3, "{before:?}");
        let files: Vec<_> = (0..50).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();
        let more = Resources::now();
        assert!(more.descriptors >= before.descriptors + 50 && more.leaks(&before), "{more:?}");
        drop(files);
        let memory = Resources { memory_kib: before.memory_kib + 100_000, ..before };
        assert!(memory.leaks(&before) && !before.leaks(&before));
    }
}
