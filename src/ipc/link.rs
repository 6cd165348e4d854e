//! A connection of either kind, for interfaces that speak both encodings.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::{CallError, Connection, Event, Mode, libcamera};
use crate::serialize::libcamera as socket;
use crate::serialize::native;

/// A connection behind which a module is, whatever its kind, as far as events go. [`Backend`](super::Backend)
/// needs no more of it.
pub trait Remote<E>: From<Connection> + AsFd + sealed::Sealed {
    /// How the module runs.
    fn mode(&self) -> Mode;

    /// As [`Connection::next_event`].
    ///
    /// # Errors
    /// Likewise.
    fn next_event(&mut self) -> Result<Option<E>, CallError>;

    /// As [`Connection::wait`].
    ///
    /// # Errors
    /// Likewise.
    fn wait(&mut self, deadline: Option<Instant>) -> Result<bool, CallError>;

    /// As [`Connection::deadline_of_next_call`].
    fn deadline_of_next_call(&mut self, deadline: Duration);

    /// As [`Connection::dropped_events`].
    fn dropped_events(&self) -> u64;

    /// The connection, if it is over our own rings.
    fn rings(&self) -> Option<&Connection>;

    /// The connection, if it is over our own rings.
    fn rings_mut(&mut self) -> Option<&mut Connection>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Connection {}
    impl<E> Sealed for super::Link<E> {}
}

impl<E: Event> Remote<E> for Connection {
    fn mode(&self) -> Mode {
        self.mode()
    }

    fn next_event(&mut self) -> Result<Option<E>, CallError> {
        self.next_event()
    }

    fn wait(&mut self, deadline: Option<Instant>) -> Result<bool, CallError> {
        self.wait(deadline)
    }

    fn deadline_of_next_call(&mut self, deadline: Duration) {
        self.deadline_of_next_call(deadline);
    }

    fn dropped_events(&self) -> u64 {
        self.dropped_events()
    }

    fn rings(&self) -> Option<&Connection> {
        Some(self)
    }

    fn rings_mut(&mut self) -> Option<&mut Connection> {
        Some(self)
    }
}

/// A connection of either kind.
#[expect(clippy::large_enum_variant, reason = "a backend holds it in a box")]
pub enum Link<E> {
    /// Over our own rings, in the native encoding.
    Rings(Connection),
    /// Over libcamera's socket, in libcamera's encoding.
    Socket(libcamera::Connection<E>),
}

impl<E: Event + libcamera::Event> Link<E> {
    /// Calls `method` and waits for its results, which one of the two functions takes from the reply.
    ///
    /// # Errors
    /// As [`Connection::call`].
    pub fn call<Q: native::Encode + socket::Encode, R>(
        &mut self,
        method: u16,
        request: &Q,
        read: impl FnOnce(&mut native::Decoder<'_>) -> Result<R, native::DecodeError>,
        read_libcamera: impl FnOnce(&mut socket::Decoder<'_>) -> Result<R, socket::DecodeError>,
    ) -> Result<R, CallError> {
        match self {
            Self::Rings(connection) => connection.call(method, request, read),
            Self::Socket(connection) => connection.call(method, request, read_libcamera),
        }
    }

    /// Calls `method`, which has no reply.
    ///
    /// # Errors
    /// As [`Connection::cast`].
    pub fn cast<Q: native::Encode + socket::Encode>(
        &mut self,
        method: u16,
        request: &Q,
    ) -> Result<(), CallError> {
        match self {
            Self::Rings(connection) => connection.cast(method, request),
            Self::Socket(connection) => connection.cast(method, request),
        }
    }

    /// The connection, if it is over libcamera's socket.
    pub(super) fn socket(&self) -> Option<&libcamera::Connection<E>> {
        match self {
            Self::Rings(_) => None,
            Self::Socket(connection) => Some(connection),
        }
    }
}

impl<E: Event + libcamera::Event> Remote<E> for Link<E> {
    fn mode(&self) -> Mode {
        match self {
            Self::Rings(connection) => connection.mode(),
            Self::Socket(_) => Mode::Isolated,
        }
    }

    fn next_event(&mut self) -> Result<Option<E>, CallError> {
        match self {
            Self::Rings(connection) => connection.next_event(),
            Self::Socket(connection) => connection.next_event(),
        }
    }

    fn wait(&mut self, deadline: Option<Instant>) -> Result<bool, CallError> {
        match self {
            Self::Rings(connection) => connection.wait(deadline),
            Self::Socket(connection) => connection.wait(deadline),
        }
    }

    fn deadline_of_next_call(&mut self, deadline: Duration) {
        match self {
            Self::Rings(connection) => connection.deadline_of_next_call(deadline),
            Self::Socket(connection) => connection.deadline_of_next_call(deadline),
        }
    }

    fn dropped_events(&self) -> u64 {
        match self {
            Self::Rings(connection) => connection.dropped_events(),
            Self::Socket(connection) => connection.dropped_events(),
        }
    }

    fn rings(&self) -> Option<&Connection> {
        match self {
            Self::Rings(connection) => Some(connection),
            Self::Socket(_) => None,
        }
    }

    fn rings_mut(&mut self) -> Option<&mut Connection> {
        match self {
            Self::Rings(connection) => Some(connection),
            Self::Socket(_) => None,
        }
    }
}

impl<E> From<Connection> for Link<E> {
    fn from(connection: Connection) -> Self {
        Self::Rings(connection)
    }
}

impl<E> AsFd for Link<E> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Rings(connection) => connection.as_fd(),
            Self::Socket(connection) => connection.as_fd(),
        }
    }
}

impl<E> fmt::Debug for Link<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rings(connection) => f.debug_tuple("Rings").field(connection).finish(),
            Self::Socket(connection) => f.debug_tuple("Socket").field(connection).finish(),
        }
    }
}
