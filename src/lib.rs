//! Run an untrusted component in a worker process at nearly the cost of a function call.

pub mod bench;
pub mod interfaces;
pub mod ipc;
pub mod probe;
pub mod rpi;
pub mod serialize;
pub mod shm;
pub mod vimc;

/// For generated code, which must not depend on what its crate depends on.
#[doc(hidden)]
pub use zerocopy;
