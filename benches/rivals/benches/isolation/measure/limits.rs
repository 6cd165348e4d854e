//! What the machine itself takes.

use std::convert::Infallible;
use std::hint::black_box;

use ringfence::bench::{Pair, Samples};
use ringfence::interfaces::bench::Rival;
use ringfence::ipc::{Mode, Options, WaitPolicy};

use super::{BATCHES, means};
use crate::book::Book;
use crate::{Failure, Plan, host};

pub const CACHE_LINE: &str = "cache line to and fro";
pub const EVENTFD: &str = "eventfd to and fro";
const FUTEX: &str = "futex to and fro";
pub const MEMCPY: &str = "memcpy of 64 KiB";

/// A cache line, an eventfd and a futex that go to and fro.
pub fn limits(plan: &Plan, book: &mut Book) -> Result<(), Failure> {
    let mut pair = quiet_pair(plan)?;
    for (name, rival, calls) in [
        (CACHE_LINE, Rival::CacheLine, plan.calls),
        (EVENTFD, Rival::Eventfd, plan.calls / 20),
        (FUTEX, Rival::Futex, plan.calls / 20),
    ] {
        book.latency("limits", name, None, &rival_batches(&mut pair, rival, calls)?);
    }
    Ok(())
}

/// A pair whose own connection does not look while something else is measured.
pub fn quiet_pair(plan: &Plan) -> Result<Pair, Failure> {
    let options = Options::new().host_wait(WaitPolicy::Block).worker_wait(WaitPolicy::Block);
    Ok(Pair::new(Mode::Isolated, &options, Some(plan.cpus))?)
}

/// Round trips of 64 bytes through what `src/bench/` brings along.
pub fn rival_batches(pair: &mut Pair, rival: Rival, calls: u32) -> Result<Vec<Samples>, Failure> {
    let batch = |_| {
        let mut samples = Samples::new();
        pair.rival(rival, 64, calls / BATCHES, &mut samples)?;
        Ok(samples)
    };
    (0..BATCHES).map(batch).collect()
}

/// A copy into as much memory as a ring has, so that it has to go as far as a message does.
pub fn copy(plan: &Plan, book: &mut Book) -> Result<(), Failure> {
    host::pin(plan.cpus.0)?;
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
    book.means("limits", MEMCPY, Some(bytes as u64), &batches);
    Ok(())
}
