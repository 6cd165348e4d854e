//! The host's side of a rival: a worker of its own, and one end of the way to it.

use ringfence::ipc::{Options, WaitPolicy, Worker};
use ringfence::serialize::SharedFd;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

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

    /// Has the worker open its end of the way.
    pub fn open(&mut self, way: Way, name: &str, bytes: usize, fds: &[SharedFd]) -> Result<(), Failure> {
        Ok(self.proxy.open(way, name, bytes as u32, fds)?)
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

/// Two processors that this process may use, for host and worker.
pub fn two_processors() -> Option<(u32, u32)> {
    let allowed = sched_getaffinity(None).ok()?;
    let mut each = (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu)).map(|cpu| cpu as u32);
    Some((each.next()?, each.next()?))
}

/// Keeps the calling thread on one processor.
pub fn pin(cpu: u32) -> Result<(), rustix::io::Errno> {
    let mut set = CpuSet::new();
    set.set(cpu as usize);
    sched_setaffinity(None, &set)
}

/// Lets the calling thread use all processors.
pub fn unpin() -> Result<(), rustix::io::Errno> {
    let mut all = CpuSet::new();
    (0..CpuSet::MAX_CPU).for_each(|cpu| all.set(cpu));
    sched_setaffinity(None, &all)
}
