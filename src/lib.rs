//! Run an untrusted component in a worker process at nearly the cost of a function call.

pub mod rpi;
pub mod serialize;
pub mod shm;
