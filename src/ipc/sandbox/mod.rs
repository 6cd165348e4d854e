//! What keeps a worker from doing anything but compute.

mod allowed;
mod filter;
mod judge;
mod notice;
mod system_call;

pub use filter::FilterError;
pub use system_call::{SystemCall, UnknownSystemCall};

#[cfg(test)]
mod tests;
