//! Descriptors and what refers to them.

use zerocopy::byteorder::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{Decode, DecodeError, Decoder, Encode, Encoder, Sink};
use crate::serialize::{Plane, SharedFd};

impl Encode for SharedFd {
    type Wire = U32;

    fn region_bytes(&self) -> usize {
        0
    }

    fn encode<S: Sink + ?Sized>(&self, out: &mut Encoder<'_, S>) -> U32 {
        out.attach(self).into()
    }
}

impl Decode for SharedFd {
    fn decode(wire: &U32, input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        input.claim(wire.get())
    }
}

/// Fixed part of a [`Plane`].
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub struct PlaneWire {
    fd: U32,
    offset: U32,
    length: U32,
}

impl Encode for Plane {
    type Wire = PlaneWire;

    fn region_bytes(&self) -> usize {
        0
    }

    fn encode<S: Sink + ?Sized>(&self, out: &mut Encoder<'_, S>) -> PlaneWire {
        PlaneWire { fd: self.fd.encode(out), offset: self.offset.into(), length: self.length.into() }
    }
}

impl Decode for Plane {
    fn decode(wire: &PlaneWire, input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let fd = SharedFd::decode(&wire.fd, input).map_err(|error| error.within("fd"))?;
        Ok(Self { fd, offset: wire.offset.get(), length: wire.length.get() })
    }
}
