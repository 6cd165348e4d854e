//! Ways in for the fuzz targets, as [`crate::ipc::fuzzing`].

use std::os::fd::OwnedFd;

use super::channel::{Channel, Message};
use super::{Connection, Endpoint, Event, Version};
use crate::ipc::process::Module;
use crate::ipc::socket::Socket;
use crate::ipc::{Interface, Options, ProtocolError};

/// What takes messages from a socket.
#[derive(Debug)]
pub struct Receiver {
    channel: Channel,
    message: Message,
}

/// A message that [`Receiver::take`] took.
#[derive(Debug)]
pub struct Taken {
    /// Number of the method or event.
    pub number: u32,
    /// Number of the call.
    pub cookie: u32,
    /// Bytes of the message.
    pub bytes: usize,
    /// Its descriptors.
    pub fds: usize,
}

impl Receiver {
    /// Takes messages from `socket`.
    #[must_use]
    pub fn new(socket: OwnedFd) -> Self {
        Self { channel: Channel::new(adopt(socket)), message: Message::default() }
    }

    /// Takes the next message, if there is one. Its descriptors are kept until the next is taken.
    ///
    /// # Errors
    /// [`ProtocolError`] if what came is no message.
    pub fn take(&mut self) -> Result<Option<Taken>, ProtocolError> {
        let Self { channel, message } = self;
        Ok(channel.try_receive(message)?.then(|| Taken {
            number: message.number(),
            cookie: message.cookie(),
            bytes: message.len(),
            fds: message.fds.len(),
        }))
    }
}

/// A worker's end, whose host has ended once `host` is readable.
#[must_use]
pub fn libcamera_endpoint(socket: OwnedFd, host: OwnedFd, version: Version) -> Endpoint {
    Endpoint::new(adopt(socket), host, "module".into()).version(version)
}

/// A host's end, of a worker that is nobody.
///
/// # Panics
/// If the process is out of descriptors.
#[must_use]
pub fn libcamera_connection<E: Event>(
    socket: OwnedFd,
    interface: &'static Interface,
    options: &Options,
    version: Version,
) -> Connection<E> {
    let connection = Connection::new(interface, options, version, adopt(socket), Module::Thread(None));
    connection.expect("a descriptor is left")
}

fn adopt(socket: OwnedFd) -> Socket {
    Socket::adopt(socket)
}
