//! The eight bytes before each message's body.

use zerocopy::byteorder::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Bytes of a [`Header`]; the body follows.
pub(super) const HEADER_BYTES: usize = size_of::<Header>();

/// What every message starts with.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Header {
    /// A [`Kind`].
    pub kind: u8,
    /// Descriptors that came through the socket for this message.
    pub fds: u8,
    /// Number of the method or event.
    pub number: U16,
    /// Number of the call; a reply and a fault carry that of theirs, an event zero.
    pub sequence: U32,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// To the module: a call that is waited for.
    Call,
    /// To the module: a call without a reply.
    Cast,
    /// To the host: the results of a call.
    Reply,
    /// To the host: a call or cast that failed. The body is a string that says why.
    Fault,
    /// To the host: an event.
    Event,
    /// To the module: the host is done with it.
    Bye,
}

impl Kind {
    const ALL: [Self; 6] = [Self::Call, Self::Cast, Self::Reply, Self::Fault, Self::Event, Self::Bye];

    /// The kind's number in a header, from 1.
    pub fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The kind with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        usize::from(number).checked_sub(1).and_then(|index| Self::ALL.get(index)).copied()
    }
}
