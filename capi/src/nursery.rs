//! A thread that starts workers, for hosts whose own threads end before their connections.

use ringfence::ipc::Nursery;

use crate::error::{guarded, quietly, rf_error};
use crate::status::rf_status::{self, RF_OK};

/// A thread that starts workers.
#[derive(Debug)]
pub struct rf_nursery {
    pub(crate) nursery: Nursery,
}

/// Starts the thread. It ends when the nursery is freed and the last worker that it has started is gone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_nursery_new(
    nursery: *mut *mut rf_nursery,
    error: *mut *mut rf_error,
) -> rf_status {
    // SAFETY: the caller's promises: every pointer is NULL or leads to what the header says.
    unsafe {
        guarded(error, || {
            if nursery.is_null() {
                return Err(rf_error::argument("nursery is NULL"));
            }
            // It may be uninitialised.
            nursery.write(std::ptr::null_mut());
            let made = Nursery::new().map_err(|error| {
                rf_error::new(rf_status::RF_ERROR_SYSTEM, format!("no thread for a nursery: {error}"))
            })?;
            nursery.write(Box::into_raw(Box::new(rf_nursery { nursery: made })));
            Ok(RF_OK)
        })
    }
}

/// Frees a nursery. Options and connections that were made with it keep what they need of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rf_nursery_free(nursery: *mut rf_nursery) {
    if !nursery.is_null() {
        // SAFETY: it came from `rf_nursery_new`, and the caller frees it once.
        quietly((), || drop(unsafe { Box::from_raw(nursery) }));
    }
}
