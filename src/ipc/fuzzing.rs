//! Ways in for the fuzz targets, which play the peer: private parts over a socket that somebody else has the other end of.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use super::handshake::{Offer, accept};
use super::libcamera::fuzzing as socket;
use super::process::Module;
use super::socket::Socket;
use super::wait::Peer;
use super::{ConnectError, Connection, ConnectionId, Endpoint, HandshakeError, Interface, Options};

pub use socket::{Receiver, Taken, libcamera_connection, libcamera_endpoint};

/// The worker's side of the handshake.
///
/// # Errors
/// Why the offer is refused.
pub fn accept_offer(socket: OwnedFd, interface: &Interface) -> Result<(), HandshakeError> {
    accept(&adopt(socket), interface).map(drop)
}

/// The host's side: makes an offer, and waits for the answer until `deadline`.
///
/// # Errors
/// Why there is no connection.
pub fn make_offer(
    socket: OwnedFd,
    interface: &Interface,
    options: &Options,
    deadline: Instant,
) -> Result<(), HandshakeError> {
    let socket = adopt(socket);
    let (connection, to_worker, to_host) = (ConnectionId::draw(), options.to_worker, options.to_host);
    let offer = Offer::send(&socket, connection, interface, to_worker, to_host, options.worker_wait, false)?;
    offer.finish(&socket, Peer::socket(socket.as_fd()), interface, deadline).map(drop)
}

/// A worker's end.
#[must_use]
pub fn endpoint(socket: OwnedFd) -> Endpoint {
    Endpoint::from_socket(socket).expect("every socket can be made not to block")
}

/// A host's end, of a worker that is nobody.
///
/// # Errors
/// As [`Connection::threaded`].
pub fn connection(
    socket: OwnedFd,
    interface: &'static Interface,
    options: &Options,
) -> Result<Connection, ConnectError> {
    Connection::establish(interface, options, adopt(socket), Module::Thread(None))
}

fn adopt(socket: OwnedFd) -> Socket {
    Socket::adopt(socket)
}
