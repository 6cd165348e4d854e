//! `shmem-ipc`: a ring in a memfd each way, with eventfds to sleep on.

use std::fs::File;
use std::hint::{black_box, spin_loop};

use ringfence::serialize::SharedFd;
use shmem_ipc::sharedring::{Receiver, Sender};

use super::{End, Message, own};
use crate::Failure;
use crate::host::RivalWorker;
use crate::rivals::Way;

/// How to wait.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Look at the ring again and again, and never ring.
    Look,
    /// Sleep on an eventfd, as the crate does it.
    Sleep,
}

pub struct Rings {
    sender: Sender<Message>,
    receiver: Receiver<Message>,
    wait: Wait,
    message: Message,
}

impl Rings {
    pub fn host(worker: &mut RivalWorker, capacity: usize, wait: Wait) -> Result<Self, Failure> {
        let (sender, receiver) = (Sender::new(capacity)?, Receiver::new(capacity)?);
        let files = [
            sender.memfd().as_file(),
            sender.empty_signal(),
            sender.full_signal(),
            receiver.memfd().as_file(),
            receiver.empty_signal(),
            receiver.full_signal(),
        ];
        let share =
            |file: &File| file.try_clone().map(|file| SharedFd::from(std::os::fd::OwnedFd::from(file)));
        let fds = files.into_iter().map(share).collect::<Result<Vec<_>, _>>()?;
        let way = if wait == Wait::Look { Way::ShmemIpcSpin } else { Way::ShmemIpcBlock };
        worker.open(way, "", capacity, &fds)?;
        Ok(Self { sender, receiver, wait, message: Message::default() })
    }

    pub fn worker(capacity: usize, wait: Wait, fds: &[SharedFd]) -> Result<Self, Failure> {
        let file = |index| own(fds, index).map(File::from);
        let receiver = Receiver::open(capacity, file(0)?, file(1)?, file(2)?)?;
        let sender = Sender::open(capacity, file(3)?, file(4)?, file(5)?)?;
        Ok(Self { sender, receiver, wait, message: Message::default() })
    }
}

impl End for Rings {
    fn send(&mut self) -> Result<(), Failure> {
        self.message[0] += 1;
        let (mut sent, message) = (false, self.message);
        loop {
            let mut write = |slot: *mut Message, _| {
                // SAFETY: the ring has room for at least one message there if it calls this at all.
                unsafe { slot.write(message) };
                sent = true;
                1
            };
            match self.wait {
                Wait::Look => drop(self.sender.sender_mut().send(&mut write)?),
                Wait::Sleep => drop(self.sender.send_raw(&mut write)?),
            }
            match self.wait {
                _ if sent => return Ok(()),
                Wait::Look => spin_loop(),
                Wait::Sleep => drop(self.sender.block_until_writable()?),
            }
        }
    }

    fn receive(&mut self) -> Result<(), Failure> {
        let mut received = None;
        loop {
            let mut read = |slot: *const Message, _| {
                // SAFETY: the ring holds at least one message there if it calls this at all.
                received = Some(unsafe { slot.read() });
                1
            };
            match self.wait {
                Wait::Look => drop(self.receiver.receiver_mut().recv(&mut read)?),
                Wait::Sleep => drop(self.receiver.receive_raw(&mut read)?),
            }
            match (received, self.wait) {
                (Some(message), _) => {
                    self.message = black_box(message);
                    return Ok(());
                }
                (None, Wait::Look) => spin_loop(),
                (None, Wait::Sleep) => drop(self.receiver.block_until_readable()?),
            }
        }
    }
}
