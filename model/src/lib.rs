//! The rings of `ringfence::shm`, from the same source files, over loom's atomics: `tests/ring.rs` walks through their
//! interleavings.
//!
//! A package of its own needs none of what the library needs to compile.

#[path = "../../src/shm/barrier.rs"]
mod barrier;
#[path = "../../src/shm/ring/mod.rs"]
mod ring;
#[path = "../../src/shm/tape.rs"]
mod tape;
#[path = "../../src/shm/words.rs"]
mod words;

pub use ring::{
    Consumer, Geometry, LINE_BYTES, LINE_PAYLOAD_BYTES, Popped, Producer, ReceivedCounters, Record,
    Reservation, RingCounters, RingError, SentCounters,
};
pub use tape::{TapeReader, TapeWriter};
pub use words::Words;
