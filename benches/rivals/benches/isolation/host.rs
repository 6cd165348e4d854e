//! The host's side of a rival: a worker of its own, and one end of the way to it.

use ringfence::bench::{pin, unpin};
use ringfence::ipc::{Options, WaitPolicy, Worker};
use ringfence::serialize::SharedFd;

use crate::Failure;
use crate::rivals::{Rivals, RivalsProxy, Way};
use crate::worker::COMPONENT;

/// A worker that serves a rival when it is told to.
pub struct RivalWorker {
    proxy: RivalsProxy,
}

impl RivalWorker {
    /// Starts one, and pins both sides.
    pub fn start((host, worker): (u32, u32)) -> Result<Self, Failure> {
        // The worker inherits the processors of this thread.
        let _ = unpin();
        // The connection is only for orders: it must not look while the rival is measured.
        let options = Options::new().host_wait(WaitPolicy::Block).worker_wait(WaitPolicy::Block);
        let this = Worker::component(COMPONENT).program(std::env::current_exe()?);
        let mut proxy = RivalsProxy::isolated(&options, &this)?;
        proxy.pin(worker)?;
        pin(host)?;
        Ok(Self { proxy })
    }

    /// Has the worker open its end of the way, which holds `capacity` messages.
    pub fn open(&mut self, way: Way, name: &str, capacity: usize, fds: &[SharedFd]) -> Result<(), Failure> {
        Ok(self.proxy.open(way, name, capacity as u32, fds)?)
    }

    /// Has the worker send back the next messages.
    pub fn echo(&mut self, messages: u32) -> Result<(), Failure> {
        Ok(self.proxy.echo(messages)?)
    }

    /// Has the worker take the next messages.
    pub fn take(&mut self, messages: u32) -> Result<(), Failure> {
        Ok(self.proxy.take(messages)?)
    }

    /// Waits until the worker has done so.
    pub fn finish(&mut self) -> Result<(), Failure> {
        match self.proxy.finish()? {
            failure if failure.is_empty() => Ok(()),
            failure => Err(failure.into()),
        }
    }
}
