//! Which processors host and module may use.

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity};

/// Whether the calling thread and the process `other` are confined to one processor between them, so that one
/// cannot run while the other looks. If the kernel does not tell, they are not.
///
/// Threads of one process: `other` is `None`, and what counts is the thread that asks.
pub(super) fn share_one(other: Option<Pid>) -> bool {
    let Ok(ours) = sched_getaffinity(None) else { return false };
    let theirs = other.and_then(|pid| sched_getaffinity(Some(pid)).ok()).unwrap_or(ours);
    let either = (0..CpuSet::MAX_CPU).filter(|&cpu| ours.is_set(cpu) || theirs.is_set(cpu));
    either.take(2).count() < 2
}
