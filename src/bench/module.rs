//! The worker's side: a module that does nothing but answer.

use rustix::thread::{CpuSet, sched_setaffinity};

use super::lane::Lane;
use crate::interfaces::bench::{self, Bench, BenchEvents, Pod, Prepare, Rival};
use crate::ipc::{CallError, Endpoint, ServeError};
use crate::serialize::SharedFd;

/// Name of the component that a worker serves to be measured.
pub const COMPONENT: &str = "bench";

/// Serves the module that is measured.
///
/// # Errors
/// As [`Endpoint::serve`].
pub fn serve(endpoint: Endpoint) -> Result<(), ServeError> {
    bench::serve(endpoint, BenchModule::new)
}

/// Answers, and does nothing else.
pub(super) struct BenchModule {
    events: Box<dyn BenchEvents + Send>,
    taken: u64,
}

impl BenchModule {
    pub fn new(events: Box<dyn BenchEvents + Send>) -> Self {
        Self { events, taken: 0 }
    }
}

/// Keeps the calling thread on one processor.
pub(super) fn pin(cpu: u32) -> Result<(), rustix::io::Errno> {
    let mut set = CpuSet::new();
    set.set(cpu as usize);
    sched_setaffinity(None, &set)
}

/// Lets the calling thread use all processors.
pub(super) fn unpin() -> Result<(), rustix::io::Errno> {
    let mut all = CpuSet::new();
    (0..CpuSet::MAX_CPU).for_each(|cpu| all.set(cpu));
    sched_setaffinity(None, &all)
}

impl Bench for BenchModule {
    fn pin(&mut self, cpu: u32) -> Result<i32, CallError> {
        Ok(pin(cpu).err().map_or(0, |errno| -errno.raw_os_error()))
    }

    fn ping(&mut self, value: &Pod) -> Result<Pod, CallError> {
        Ok(*value)
    }

    fn prepare(&mut self, params: &Prepare) -> Result<u32, CallError> {
        Ok(params.delay_context)
    }

    fn bytes(&mut self, data: &[u8]) -> Result<Vec<u8>, CallError> {
        Ok(data.to_vec())
    }

    fn tell(&mut self, value: &Pod) -> Result<(), CallError> {
        self.events.told(value);
        Ok(())
    }

    fn sink(&mut self, data: &[u8]) -> Result<(), CallError> {
        self.taken += data.len() as u64;
        Ok(())
    }

    fn flush(&mut self) -> Result<u64, CallError> {
        Ok(std::mem::take(&mut self.taken))
    }

    fn echo(
        &mut self,
        rival: Rival,
        rounds: u32,
        bytes: u32,
        here: &SharedFd,
        there: &SharedFd,
    ) -> Result<(), CallError> {
        let failed = |error: super::LaneError| CallError::Module(error.to_string());
        let mut lane = Lane::worker(rival, bytes as usize, here, there).map_err(failed)?;
        (0..rounds).try_for_each(|_| lane.echo()).map_err(failed)
    }
}
