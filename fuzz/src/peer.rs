//! The other end of a socket: it sends whatever it likes, with whatever descriptors.

use std::fs::File;
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use ringfence::serialize::native::MAX_FDS;
use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, Shutdown, SocketFlags, SocketType, recvmsg, sendmsg, shutdown,
    socketpair,
};

/// Both ends of a connection of packets.
pub fn packets() -> (OwnedFd, OwnedFd) {
    pair(SocketType::SEQPACKET)
}

/// Both ends of a connection of libcamera's kind.
pub fn datagrams() -> (OwnedFd, OwnedFd) {
    pair(SocketType::DGRAM)
}

fn pair(kind: SocketType) -> (OwnedFd, OwnedFd) {
    socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None).expect("descriptors are left")
}

/// Sends a packet, unless there is no room for it; tells whether there was.
pub fn send(socket: &OwnedFd, bytes: &[u8], fds: &[impl AsFd]) -> bool {
    let fds: Vec<BorrowedFd<'_>> = fds.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(
        fds.is_empty() || control.push(SendAncillaryMessage::ScmRights(&fds)),
        "{} descriptors",
        fds.len()
    );
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    sendmsg(socket, &[IoSlice::new(bytes)], &mut control, flags).is_ok()
}

/// Takes a packet, if there is one.
pub fn receive(socket: &OwnedFd) -> Option<(Vec<u8>, Vec<OwnedFd>)> {
    let mut bytes = vec![0; 4096];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let mut slices = [IoSliceMut::new(&mut bytes)];
    let mut take = || recvmsg(socket, &mut slices, &mut control, flags);
    // That the other end was closed with something left unread is told first, and once.
    let length =
        take().or_else(|errno| if errno == Errno::CONNRESET { take() } else { Err(errno) }).ok()?.bytes;
    bytes.truncate(length);
    let rights = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    Some((bytes, rights.flatten().collect()))
}

/// Says that nothing more will be sent.
pub fn finish(socket: &OwnedFd) {
    shutdown(socket, Shutdown::Write).expect("the socket is connected");
}

/// A descriptor of the kind that `number` says. Memory has `bytes` bytes, where it does not lie about that.
pub fn descriptor(number: u8, bytes: usize) -> OwnedFd {
    let sealed = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    match number % 12 {
        0 => memory(bytes, sealed),
        1 => bell(),
        2 => memory(bytes, SealFlags::empty()),
        3 => memory(bytes, SealFlags::GROW | SealFlags::SEAL),
        4 => memory(bytes, sealed | SealFlags::WRITE),
        5 => memory(bytes, sealed | SealFlags::FUTURE_WRITE),
        6 => memory(bytes / 2, sealed),
        7 => memory(bytes + 1, sealed),
        8 => File::open("/dev/null").expect("/dev/null opens").into(),
        9 => File::open("/").expect("/ opens").into(),
        10 => rustix::pipe::pipe().expect("descriptors are left").0,
        _ => packets().0,
    }
}

/// Sealed memory of `bytes` zeroes, as a doorbell and a ring want them.
fn memory(bytes: usize, seals: SealFlags) -> OwnedFd {
    let fd = memfd_create("fuzz", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).expect("memory is left");
    ftruncate(&fd, bytes as u64).expect("memory is left");
    fcntl_add_seals(&fd, seals).expect("new memory can be sealed");
    fd
}

fn bell() -> OwnedFd {
    eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).expect("descriptors are left")
}

/// Runs `body`, which has to leave as many descriptors open as it found.
pub fn leaking_nothing(body: impl FnOnce()) {
    let before = open_descriptors();
    body();
    let after = open_descriptors();
    assert_eq!(after, before, "descriptors were left open");
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("/proc is there").count()
}
