//! What the machine itself takes.

use std::convert::Infallible;
use std::hint::black_box;

use ringfence::bench::{MEMCPY, Pair, Samples, pin};
use ringfence::interfaces::bench::Rival;
use ringfence::ipc::{Mode, Options, WaitPolicy};

use super::{BATCHES, means};
use crate::book::Book;
use crate::{Failure, Plan};

const FUTEX: &str = "futex to and fro";

/// A futex that goes to and fro. A cache line and an eventfd do so in turns with our calls.
pub fn futex(plan: &Plan, book: &mut Book) -> Result<(), Failure> {
    let batches = rival_batches(&mut quiet_pair(plan)?, Rival::Futex, plan.calls / 20)?;
    book.latency("limits", FUTEX, None, &batches);
    Ok(())
}

/// A pair whose own connection does not look while something else is measured.
pub fn quiet_pair(plan: &Plan) -> Result<Pair, Failure> {
    let options = Options::new().host_wait(WaitPolicy::Block).worker_wait(WaitPolicy::Block);
    Ok(Pair::new(Mode::Isolated, &options, plan.place())?)
}

/// Round trips of 64 bytes through what `src/bench/` brings along.
fn rival_batches(pair: &mut Pair, rival: Rival, calls: u32) -> Result<Vec<Samples>, Failure> {
    let batch = |_| {
        let mut samples = Samples::new();
        pair.rival(rival, 64, calls / BATCHES, &mut samples)?;
        Ok(samples)
    };
    (0..BATCHES).map(batch).collect()
}

/// A copy within one core: all that is read and written, 576 KiB, should fit its own cache. Several targets take turns,
/// as messages do not land in the same place either.
pub fn copy(plan: &Plan, book: &mut Book) -> Result<(), Failure> {
    pin(plan.processors.0)?;
    let bytes = 64 << 10;
    let (source, mut target) = (vec![1u8; bytes], vec![0u8; 8 * bytes]);
    let mut slot = 0;
    let batches = means(u64::from(plan.calls / 20), |passes| -> Result<(), Infallible> {
        for _ in 0..passes {
            target[slot * bytes..][..bytes].copy_from_slice(black_box(&source));
            black_box(&mut target);
            slot = (slot + 1) % 8;
        }
        Ok(())
    })?;
    book.messages("limits", MEMCPY, bytes, &batches);
    Ok(())
}
