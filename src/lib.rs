//! Run an untrusted component in a worker process at nearly the cost of a function call.

pub mod interfaces;
pub mod rpi;
pub mod serialize;

#[doc(hidden)]
pub use zerocopy;
