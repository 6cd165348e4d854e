//! Memory barriers that one side pays for both.
//!
//! Before a side sleeps, it needs a full barrier between its own flag and its last look, and another on the other
//! side, between what that published and its look at the flag. The second one stands in the path of every message,
//! though sleeps are rare, and it waits until the message's lines have been fetched from the other processor.
//! `membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED)` lets the sleeper run the barrier on every processor that runs a
//! registered process at this moment; then the other side needs none of its own. (Desnoyers et al., "User-level
//! implementations of read-copy update", 2012, has the argument.)

#[cfg(not(loom))]
mod imp {
    use std::sync::OnceLock;

    use rustix::thread::{MembarrierCommand, membarrier};

    /// Registers this process, so that the barriers of others reach it, and tells whether barriers work here.
    pub fn register() -> bool {
        // The kernel keeps the registration for the whole process, until its end.
        static REGISTERED: OnceLock<bool> = OnceLock::new();
        *REGISTERED.get_or_init(|| {
            membarrier(MembarrierCommand::RegisterGlobalExpedited).is_ok()
                && membarrier(MembarrierCommand::GlobalExpedited).is_ok()
        })
    }

    /// A full barrier on all processors that run a registered process. Returns whether there was one.
    pub fn everywhere() -> bool {
        membarrier(MembarrierCommand::GlobalExpedited).is_ok()
    }
}

/// The model checker knows only fences.
#[cfg(loom)]
mod imp {
    pub fn register() -> bool {
        false
    }

    pub fn everywhere() -> bool {
        false
    }
}

pub(super) use imp::{everywhere, register};
