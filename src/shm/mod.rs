//! Shared memory between two processes that do not trust each other: sealed memfds, a
//! single-producer single-consumer ring of records, the doorbell that wakes a sleeper, and a tape that
//! whoever watches may read.
//!
//! Only [`crate::ipc`] calls this module. It moves opaque bytes: it knows nothing of messages,
//! calls, encodings or processes, and it must never learn.
//!
//! # The peer is hostile
//!
//! Whatever lies in a mapping may change under our feet, so a mapping is a pointer and a length
//! outside Rust's memory. Every access is an atomic load or store of a 64-bit word, or of a line of
//! them ([`Words`]); no reference or slice to the bytes is ever made, nothing is read twice, and
//! every position and length is checked before it is used. A bound that does not hold yields
//! [`RingError`] with the numbers, never a panic.

mod barrier;
mod doorbell;
#[cfg(target_arch = "x86_64")]
mod line;
mod memory;
mod ring;
mod spin;
mod tape;
mod words;

pub use doorbell::Doorbell;
pub use memory::{MemoryError, Seals, SharedMemory};
pub use ring::{
    Consumer, Geometry, LINE_BYTES, LINE_PAYLOAD_BYTES, Popped, Producer, ReceivedCounters, Record,
    Reservation, RingCounters, RingError, SentCounters,
};
pub use spin::{Spinner, WaitPolicy};
pub use tape::{TapeReader, TapeWriter};
pub use words::{Mapped, Words};

#[cfg(test)]
mod tests;
