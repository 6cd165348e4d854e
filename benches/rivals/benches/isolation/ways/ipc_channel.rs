//! `ipc-channel`: values, serialised, over Unix sockets.

use std::hint::black_box;

use ipc_channel::ipc::{IpcOneShotServer, IpcReceiver, IpcSender, channel};

use super::{End, Message};
use crate::Failure;
use crate::host::RivalWorker;
use crate::rivals::Way;

/// The host's ends, which the worker makes.
type Ends = (IpcSender<Message>, IpcReceiver<Message>);

pub struct IpcChannel {
    sender: IpcSender<Message>,
    receiver: IpcReceiver<Message>,
    message: Message,
}

impl IpcChannel {
    pub fn host(worker: &mut RivalWorker) -> Result<Self, Failure> {
        let (server, name) = IpcOneShotServer::<Ends>::new()?;
        // Its sockets hold as much as the system lets them.
        worker.open(Way::IpcChannel, &name, 1, &[])?;
        let (_, (sender, receiver)) = server.accept()?;
        Ok(Self { sender, receiver, message: Message::default() })
    }

    pub fn worker(name: &str) -> Result<Self, Failure> {
        let (to_worker, receiver) = channel()?;
        let (sender, to_host) = channel()?;
        IpcSender::<Ends>::connect(name.to_owned())?.send((to_worker, to_host))?;
        Ok(Self { sender, receiver, message: Message::default() })
    }
}

impl End for IpcChannel {
    fn send(&mut self) -> Result<(), Failure> {
        self.message[0] += 1;
        Ok(self.sender.send(self.message)?)
    }

    fn receive(&mut self) -> Result<(), Failure> {
        self.message = black_box(self.receiver.recv()?);
        Ok(())
    }
}
