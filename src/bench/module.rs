//! The worker's side: a module that does nothing but answer.

use super::lane::{Lane, LaneError};
use super::processors::pin;
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
        let mut lane = Lane::worker(rival, bytes as usize, here, there).map_err(failed)?;
        (0..rounds).try_for_each(|_| lane.echo()).map_err(failed)
    }

    fn take(
        &mut self,
        rival: Rival,
        messages: u64,
        bytes: u32,
        here: &SharedFd,
        there: &SharedFd,
    ) -> Result<(), CallError> {
        let mut lane = Lane::worker(rival, bytes as usize, here, there).map_err(failed)?;
        (0..messages).try_for_each(|_| lane.receive()).map_err(failed)
    }
}

fn failed(error: LaneError) -> CallError {
    CallError::Module(error.to_string())
}
