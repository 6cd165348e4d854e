//! Datagrams as libcamera's peers send them, for tests that play one.
#![allow(dead_code, reason = "each test file uses the part that it needs")]

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};

/// The most descriptors of a message here.
const FDS: usize = 16;

/// The socket that the host has left to this process, which the runner of tests takes for a name of tests.
pub fn inherited() -> OwnedFd {
    let number = std::env::args().nth(2).unwrap().parse().unwrap();
    // SAFETY: the host has left us this descriptor, and nothing else here knows of it.
    unsafe { OwnedFd::from_raw_fd(number) }
}

/// Sends one datagram, with so many descriptors.
pub fn datagram(socket: &OwnedFd, bytes: &[u8], fds: usize) {
    let files: Vec<_> = (0..fds).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();
    let borrowed: Vec<BorrowedFd<'_>> = files.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(control.push(SendAncillaryMessage::ScmRights(&borrowed)));
    sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::empty()).unwrap();
}

/// What announces a message.
pub fn announcement(bytes: usize, fds: usize) -> [u8; 8] {
    let [a, b, c, d] = (bytes as u32).to_le_bytes();
    [a, b, c, d, fds as u8, 0, 0, 0]
}

/// Sends a message.
pub fn send(socket: &OwnedFd, bytes: &[u8], fds: usize) {
    datagram(socket, &announcement(bytes.len(), fds), 0);
    datagram(socket, bytes, fds);
}

/// The next message and how many descriptors came with it.
pub fn receive(socket: &OwnedFd) -> (Vec<u8>, usize) {
    let mut bytes = vec![0; 1 << 20];
    let (_, length) = rustix::net::recv(socket, &mut bytes[..], RecvFlags::empty()).unwrap();
    assert_eq!(length, 8, "an announcement has eight bytes");
    let announced = u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
    let announced_fds = usize::from(bytes[4]);
    assert_eq!(bytes[5..8], [0; 3]);
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let message =
        recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut control, RecvFlags::empty()).unwrap();
    let mut fds = 0;
    for part in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = part {
            fds += rights.count();
        }
    }
    assert_eq!((message.bytes, fds), (announced, announced_fds));
    bytes.truncate(message.bytes);
    (bytes, fds)
}
