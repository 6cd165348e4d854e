//! The rivals: other ways from one process to another and back.

mod iceoryx2;
mod ipc_channel;
mod shmem_ipc;

use std::os::fd::OwnedFd;

use ringfence::serialize::SharedFd;

use crate::Failure;
use crate::host::RivalWorker;
use crate::rivals::Way;

/// What goes each way: 64 bytes.
pub type Message = [u64; 8];

/// One end of a way.
pub trait End {
    /// Sends a message; waits for room if there is none.
    fn send(&mut self) -> Result<(), Failure>;

    /// Waits for a message and takes it.
    fn receive(&mut self) -> Result<(), Failure>;

    /// The worker's side of so many round trips.
    fn echo(&mut self, messages: u32) -> Result<(), Failure> {
        (0..messages).try_for_each(|_| {
            self.receive()?;
            self.send()
        })
    }

    /// The worker's side of so many messages one way.
    fn take(&mut self, messages: u32) -> Result<(), Failure> {
        (0..messages).try_for_each(|_| self.receive())
    }
}

/// Opens the worker's end of a way that holds `capacity` messages, as far as that can be chosen.
pub fn open(way: Way, name: &str, capacity: usize, fds: &[SharedFd]) -> Result<Box<dyn End>, Failure> {
    Ok(match way {
        Way::IpcChannel => Box::new(ipc_channel::IpcChannel::worker(name)?),
        Way::Iceoryx2Request => Box::new(iceoryx2::Server::worker(name)?),
        Way::Iceoryx2Publish => Box::new(iceoryx2::Publish::worker(name, capacity, iceoryx2::Wait::Look)?),
        Way::Iceoryx2Event => Box::new(iceoryx2::Publish::worker(name, capacity, iceoryx2::Wait::Sleep)?),
        Way::ShmemIpcSpin => Box::new(shmem_ipc::Rings::worker(capacity, shmem_ipc::Wait::Look, fds)?),
        Way::ShmemIpcBlock => Box::new(shmem_ipc::Rings::worker(capacity, shmem_ipc::Wait::Sleep, fds)?),
        Way::Unknown(number) => return Err(unknown(number)),
    })
}

/// Opens both ends of a way that holds `capacity` messages, as far as that can be chosen, and hands the host's to `measure`.
///
/// Which type the end has is known there, so that what is measured is not behind a table of functions.
pub fn with_ends<M: Measure>(
    way: Way,
    capacity: usize,
    worker: &mut RivalWorker,
    measure: M,
) -> Result<M::Output, Failure> {
    match way {
        Way::IpcChannel => measure.run(ipc_channel::IpcChannel::host(worker)?, worker),
        Way::Iceoryx2Request => measure.run(iceoryx2::Client::host(worker)?, worker),
        Way::Iceoryx2Publish => {
            measure.run(iceoryx2::Publish::host(worker, capacity, iceoryx2::Wait::Look)?, worker)
        }
        Way::Iceoryx2Event => {
            measure.run(iceoryx2::Publish::host(worker, capacity, iceoryx2::Wait::Sleep)?, worker)
        }
        Way::ShmemIpcSpin => {
            measure.run(shmem_ipc::Rings::host(worker, capacity, shmem_ipc::Wait::Look)?, worker)
        }
        Way::ShmemIpcBlock => {
            measure.run(shmem_ipc::Rings::host(worker, capacity, shmem_ipc::Wait::Sleep)?, worker)
        }
        Way::Unknown(number) => Err(unknown(number)),
    }
}

fn unknown(number: i32) -> Failure {
    format!("there is no way {number}; build both sides from the same source").into()
}

/// What is done with a host's end.
pub trait Measure {
    type Output;

    fn run(self, end: impl End, worker: &mut RivalWorker) -> Result<Self::Output, Failure>;
}

/// A descriptor of one's own out of what the host has passed.
fn own(fds: &[SharedFd], index: usize) -> Result<OwnedFd, Failure> {
    let fd = fds.get(index).and_then(SharedFd::get).ok_or("a descriptor is missing")?;
    Ok(fd.try_clone_to_owned()?)
}
