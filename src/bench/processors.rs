//! Which processors there are, and which a thread keeps to.

use std::sync::OnceLock;

use rustix::io::Errno;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Where host and module run.
///
/// ```
/// use ringfence::bench::{Place, allowed_processors};
///
/// if let Place::Pinned { host, module } = Place::choose() {
///     assert!(host != module && allowed_processors().contains(&module));
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Each keeps to a processor of its own.
    Pinned {
        /// The host's thread.
        host: u32,
        /// The module's thread.
        module: u32,
    },
    /// Wherever the system puts them.
    Free,
    /// Both on the only processor there is: neither can look while the other works.
    Shared,
}

impl Place {
    /// A processor for each where this process may use two, and the only one where it may not.
    #[must_use]
    pub fn choose() -> Self {
        match allowed_processors()[..] {
            [host, module, ..] => Self::Pinned { host, module },
            [_] => Self::Shared,
            [] => Self::Free,
        }
    }
}

/// The processors that this process could use when it first asked, before any thread was pinned.
fn allowed() -> &'static CpuSet {
    static ALLOWED: OnceLock<CpuSet> = OnceLock::new();
    ALLOWED.get_or_init(|| sched_getaffinity(None).unwrap_or_default())
}

/// Numbers of the processors that this process may use; none if the kernel does not tell.
#[must_use]
pub fn allowed_processors() -> Vec<u32> {
    (0..CpuSet::MAX_CPU).filter(|&cpu| allowed().is_set(cpu)).map(|cpu| cpu as u32).collect()
}

/// Keeps the calling thread on one processor.
///
/// ```
/// use ringfence::bench::{allowed_processors, pin, unpin};
///
/// if let Some(&first) = allowed_processors().first() {
///     pin(first)?;
///     unpin()?;
/// }
/// # Ok::<_, rustix::io::Errno>(())
/// ```
///
/// # Errors
/// As `sched_setaffinity`.
pub fn pin(cpu: u32) -> Result<(), Errno> {
    // Before it changes.
    let _ = allowed();
    let mut set = CpuSet::new();
    set.set(cpu as usize);
    sched_setaffinity(None, &set)
}

/// Lets the calling thread use all processors again that this process could use to begin with, and no others: whoever
/// started it may have chosen them.
///
/// # Errors
/// As `sched_setaffinity`.
pub fn unpin() -> Result<(), Errno> {
    sched_setaffinity(None, allowed())
}
