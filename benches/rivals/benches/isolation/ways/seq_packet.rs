//! A Unix `SOCK_SEQPACKET`.

use std::os::fd::OwnedFd;

use ringfence::serialize::SharedFd;
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair};

use super::{End, own};
use crate::Failure;
use crate::host::RivalWorker;
use crate::rivals::Way;

pub struct SeqPacket {
    socket: OwnedFd,
    buffer: Vec<u8>,
}

impl SeqPacket {
    pub fn host(worker: &mut RivalWorker, bytes: usize) -> Result<Self, Failure> {
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        worker.open(Way::SeqPacket, "", bytes, &[theirs.into()])?;
        Ok(Self { socket: ours, buffer: vec![1; bytes] })
    }

    pub fn worker(bytes: usize, fds: &[SharedFd]) -> Result<Self, Failure> {
        Ok(Self { socket: own(fds, 0)?, buffer: vec![1; bytes] })
    }
}

impl End for SeqPacket {
    fn send(&mut self) -> Result<(), Failure> {
        send(&self.socket, &self.buffer, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    fn receive(&mut self) -> Result<(), Failure> {
        let (bytes, _) = recv(&self.socket, &mut self.buffer[..], RecvFlags::empty())?;
        if bytes == self.buffer.len() { Ok(()) } else { Err(Errno::CONNRESET.into()) }
    }
}
