//! Run an untrusted component in a worker process at nearly the cost of a function call.

// The model checker replaces the atomics of the rings; nothing above them is built with it.
#[cfg(not(loom))]
pub mod bench;
#[cfg(not(loom))]
pub mod interfaces;
#[cfg(not(loom))]
pub mod ipc;
#[cfg(not(loom))]
pub mod probe;
#[cfg(not(loom))]
pub mod rpi;
pub mod serialize;
pub mod shm;
#[cfg(not(loom))]
pub mod vimc;

/// For generated code, which must not depend on what its crate depends on.
#[doc(hidden)]
pub use zerocopy;
