//! The Unix socket beside the rings: it carries descriptors, the handshake, and the news that a peer is gone.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

use crate::serialize::native::MAX_FDS;

/// One end of a `SOCK_SEQPACKET` pair; reading and writing never block.
#[derive(Debug)]
pub(super) struct Socket {
    fd: OwnedFd,
}

/// A packet that came.
#[derive(Debug)]
pub(super) struct Packet {
    /// Bytes of it that were kept.
    pub bytes: usize,
    /// Descriptors that came with it.
    pub fds: Vec<OwnedFd>,
}

impl Socket {
    /// A new pair.
    pub fn pair() -> Result<(Self, OwnedFd), Errno> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        Ok((Self { fd: ours }, theirs))
    }

    /// Takes an end that [`Socket::pair`] made.
    pub fn adopt(fd: OwnedFd) -> Result<Self, Errno> {
        rustix::io::ioctl_fionbio(&fd, true)?;
        Ok(Self { fd })
    }

    /// Sends a packet. [`Errno::AGAIN`] if there is no room.
    pub fn send(&self, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> Result<(), Errno> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
            return Err(Errno::TOOMANYREFS);
        }
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        rustix::io::retry_on_intr(|| sendmsg(&self.fd, &[IoSlice::new(bytes)], &mut control, flags)).map(drop)
    }

    /// Takes the next packet. `None` at the end of the connection, [`Errno::AGAIN`] if there is none yet.
    pub fn receive(&self, buffer: &mut [u8]) -> Result<Option<Packet>, Errno> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        let mut slices = [IoSliceMut::new(buffer)];
        let message = rustix::io::retry_on_intr(|| recvmsg(&self.fd, &mut slices, &mut control, flags))?;
        let mut fds = Vec::new();
        for part in control.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = part {
                fds.extend(rights);
            }
        }
        // Truncated descriptors were closed by the kernel; whoever counts them will notice.
        let truncated = message.flags.contains(ReturnFlags::CTRUNC);
        if message.bytes == 0 && fds.is_empty() && !truncated {
            return Ok(None);
        }
        Ok(Some(Packet { bytes: message.bytes, fds }))
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
