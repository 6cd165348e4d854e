//! Unix sockets: the one beside the rings, which carries descriptors, the handshake, and the news that a peer is
//! gone, and the one that is a whole connection to libcamera's workers and hosts.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recv, recvmsg, sendmsg, socketpair,
};

use crate::serialize::native::MAX_FDS;

/// One end of a `SOCK_SEQPACKET` or `SOCK_DGRAM` pair; reading and writing never block.
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
    /// Whether it had more bytes or descriptors than there was room for.
    pub truncated: bool,
}

impl Socket {
    /// A new pair, of packets of a connection that ends.
    pub fn pair() -> Result<(Self, OwnedFd), Errno> {
        Self::pair_of(SocketType::SEQPACKET)
    }

    /// A new pair of libcamera's kind. Nothing tells one end that the other is closed.
    ///
    /// The end of the peer blocks: libcamera's worker throws away what it cannot send at once.
    pub fn datagram_pair() -> Result<(Self, OwnedFd), Errno> {
        let (ours, theirs) = Self::pair_of(SocketType::DGRAM)?;
        rustix::io::ioctl_fionbio(&theirs, false)?;
        Ok((ours, theirs))
    }

    /// A new pair for a worker of libcamera's kind in a sandbox, where datagrams would be a hole: a datagram socket, even a
    /// connected one, sends to any socket that has a name. One of packets sends to its peer alone, and libcamera's
    /// workers do not know the difference. It also tells one end that the other is closed.
    ///
    /// The end of the peer blocks, as in [`Socket::datagram_pair`].
    pub fn confined_pair() -> Result<(Self, OwnedFd), Errno> {
        let (ours, theirs) = Self::pair()?;
        rustix::io::ioctl_fionbio(&theirs, false)?;
        Ok((ours, theirs))
    }

    /// Whether the peer has closed its end, or will send no more. What it sent before may still be there.
    pub fn is_hung_up(&self) -> bool {
        let mut polled = [PollFd::new(&self.fd, PollFlags::RDHUP)];
        poll(&mut polled, Some(&Timespec::default())).is_ok() && !polled[0].revents().is_empty()
    }

    fn pair_of(kind: SocketType) -> Result<(Self, OwnedFd), Errno> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, kind, flags, None)?;
        Ok((Self { fd: ours }, theirs))
    }

    /// A second descriptor of the same end.
    pub fn try_clone(&self) -> Result<Self, Errno> {
        rustix::io::fcntl_dupfd_cloexec(&self.fd, 3).map(|fd| Self { fd })
    }

    /// Takes an end of a pair, whether it blocks or not: nothing here waits. To change that would change it for whoever
    /// else has this end, and a worker may not.
    pub fn adopt(fd: OwnedFd) -> Self {
        Self { fd }
    }

    /// The end of the pair.
    pub fn into_fd(self) -> OwnedFd {
        self.fd
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

    /// Bytes of the next packet, which stays where it is. [`Errno::AGAIN`] if there is none yet.
    pub fn next_bytes(&self) -> Result<usize, Errno> {
        let flags = RecvFlags::PEEK | RecvFlags::TRUNC | RecvFlags::DONTWAIT;
        let mut nothing: [u8; 0] = [];
        rustix::io::retry_on_intr(|| recv(&self.fd, &mut nothing, flags)).map(|(_, bytes)| bytes)
    }

    /// Takes the next packet. `None` at the end of the connection, and for a datagram without anything in it; [`Errno::AGAIN`] if there is none yet.
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
        // Truncated descriptors were closed by the kernel.
        let truncated = message.flags.intersects(ReturnFlags::CTRUNC | ReturnFlags::TRUNC);
        if message.bytes == 0 && fds.is_empty() && !truncated {
            return Ok(None);
        }
        Ok(Some(Packet { bytes: message.bytes, fds, truncated }))
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
