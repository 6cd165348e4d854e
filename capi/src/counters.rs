//! What went over a connection.

use crate::argument::object;
use crate::connection::rf_connection;
use crate::error::{guarded, rf_error};
use crate::status::rf_status::{self, *};

/// Counts of a connection, as of one moment. Later versions may add to the end.
///
/// What the worker counts is its own word: good for display, never for a decision.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub struct rf_counters {
    /// sizeof(rf_counters), set by the caller; afterwards how much of it was filled.
    pub size: usize,
    /// Calls that were sent.
    pub calls: u64,
    /// Bytes of them.
    pub call_bytes: u64,
    /// Calls for which the worker had to be woken.
    pub worker_wake_ups: u64,
    /// Times that this side slept for want of room.
    pub calls_full: u64,
    /// Times that the worker slept. The worker's word.
    pub worker_sleeps: u64,
    /// What the worker's last wake-up cost, in nanoseconds. The worker's word.
    pub worker_last_wake_up_ns: u64,
    /// Replies and events that were taken.
    pub messages: u64,
    /// Replies and events that were sent. The worker's word.
    pub messages_sent: u64,
    /// Bytes of what was sent. The worker's word.
    pub message_bytes: u64,
    /// Times that this side slept.
    pub host_sleeps: u64,
    /// What the last wake-up of this side cost, in nanoseconds.
    pub host_last_wake_up_ns: u64,
    /// Events that were dropped, as rf_options_queue() says.
    pub dropped_events: u64,
}

/// Bytes of the first version's counts.
const LEAST: usize = 13 * 8;

/// Reads what went over a connection. `counters->size` must be set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_read_counters(
    connection: *mut rf_connection,
    counters: *mut rf_counters,
    error: *mut *mut rf_error,
) -> rf_status {
    // SAFETY: the caller's promises: every pointer is NULL or leads to what the header says.
    unsafe {
        guarded(error, || {
            let size = *object(counters.cast::<usize>(), "counters")?;
            if size < LEAST {
                return Err(rf_error::argument(format!("counters: size is {size}, not sizeof(rf_counters)")));
            }
            let read = rf_connection::with(connection, |inner| Ok(inner.connection.meter().read()))?;
            let (to_module, to_host) = (read.to_module, read.to_host);
            let filled = size.min(size_of::<rf_counters>());
            let counts = rf_counters {
                size: filled,
                calls: to_module.sent.records,
                call_bytes: to_module.sent.bytes,
                worker_wake_ups: to_module.sent.wake_ups,
                calls_full: to_module.sent.full,
                worker_sleeps: to_module.received.sleeps,
                worker_last_wake_up_ns: to_module.received.last_wake_up_ns,
                messages: to_host.received.records,
                messages_sent: to_host.sent.records,
                message_bytes: to_host.sent.bytes,
                host_sleeps: to_host.received.sleeps,
                host_last_wake_up_ns: to_host.received.last_wake_up_ns,
                dropped_events: read.dropped_events,
            };
            // The caller may know less of it than we.
            std::ptr::copy_nonoverlapping((&raw const counts).cast::<u8>(), counters.cast::<u8>(), filled);
            Ok(RF_OK)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_size_is_that_of_the_first_version() {
        assert_eq!(std::mem::offset_of!(rf_counters, dropped_events) + 8, LEAST);
    }
}
