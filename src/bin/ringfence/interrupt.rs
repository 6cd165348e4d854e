//! Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nix::sys::signal::{SigSet, Signal};

use crate::failure::Failure;

/// Exit code after Ctrl-C, as shells have it: 128 and the signal's number.
pub const INTERRUPTED: u8 = 130;

/// Raised by Ctrl-C or a request to terminate, so that the run ends in an orderly way; a second signal ends it at once.
pub fn stop_flag() -> Result<Arc<AtomicBool>, Failure> {
    let flag = Arc::new(AtomicBool::new(false));
    // A signal that comes between the two registrations, or in the middle of one, would be swallowed: hold it back.
    let held: SigSet = [Signal::SIGINT, Signal::SIGTERM].into_iter().collect();
    let mask = |errno| Failure::work(format!("pthread_sigmask: {errno}"));
    held.thread_block().map_err(mask)?;
    for signal in &held {
        let number = signal as i32;
        signal_hook::flag::register_conditional_shutdown(number, INTERRUPTED.into(), Arc::clone(&flag))
            .and_then(|_| signal_hook::flag::register(number, Arc::clone(&flag)))
            .map_err(|error| Failure::work(format!("{signal} cannot be handled: {error}")))?;
    }
    held.thread_unblock().map_err(mask)?;
    Ok(flag)
}
