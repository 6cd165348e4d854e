//! The native encoding: fixed-layout little-endian structs, with what varies in length out of line.
//!
//! A message is the *fixed part* of its outermost value, followed by *regions*, each on a multiple of
//! eight bytes. A [`Span`] in a fixed part says where a region lies and how many elements it has.
//! Regions stand in the order in which the values are declared, depth first, without gaps, and the bytes
//! that fill them up are zero: so there is exactly one encoding of a value, and a decoder checks every offset by comparing it with where
//! the region has to be. Two spans can never share bytes, so the memory that decoding takes is bounded
//! by the message, however hostile its writer.
//!
//! | value | fixed part |
//! |---|---|
//! | `bool` | one byte, 0 or 1 |
//! | integers, floats | their little-endian bytes |
//! | enums, flags | four bytes; numbers and bits without a name are values like others |
//! | structs | their fields' fixed parts in order, unpadded |
//! | strings, arrays, maps, control lists, control info maps | a [`Span`] |
//! | descriptors | four bytes: 0 for none, else its place among the message's descriptors, from 1 |
//!
//! ```
//! use std::collections::BTreeMap;
//! use ringfence::serialize::native::{Decoder, Encoder, encoded_bytes};
//!
//! let sent = BTreeMap::from([(3u32, "three".to_owned()), (7, "seven".to_owned())]);
//! let (mut message, mut fds) = (Vec::new(), Vec::new());
//! Encoder::message(&sent, &mut message, &mut fds)?;
//! assert_eq!(message.len(), encoded_bytes(&sent));
//!
//! let received: BTreeMap<u32, String> = Decoder::message(&message, &mut [])?;
//! assert_eq!(received, sent);
//!
//! // Whoever wrote it, what is not as an encoder would have written it is refused.
//! message[5] = 1;
//! let error = Decoder::message::<BTreeMap<u32, String>>(&message, &mut []).unwrap_err();
//! assert!(!error.to_string().contains('\n'));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod decoder;
mod encoder;
mod handles;
mod opaque;
mod scalars;
mod sequences;

use zerocopy::byteorder::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

pub use super::error::{DecodeError, EncodeError, Problem};
pub use decoder::Decoder;
pub use encoder::{Encoder, MAX_FDS, Sink};
pub use opaque::{Opaque, OpaqueBuf};

/// What a fixed part is: plain bytes without padding or alignment, valid whatever they hold.
pub trait Fixed: FromBytes + IntoBytes + Immutable + KnownLayout + Unaligned + Copy + 'static {}

impl<T: FromBytes + IntoBytes + Immutable + KnownLayout + Unaligned + Copy + 'static> Fixed for T {}

/// Where a region lies.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned,
)]
#[repr(C)]
pub struct Span {
    /// Start of the region, in bytes from the start of the message; a multiple of eight.
    pub offset: U32,
    /// Elements in the region; bytes, for strings and controls.
    pub count: U32,
}

/// A value that can be written in the native encoding.
///
/// Generated code implements it, and [`Decode`], for the structs of an interface. By hand:
///
/// ```
/// use ringfence::serialize::native::{Decode, DecodeError, Decoder, Encode, Encoder, Sink};
///
/// #[derive(Debug, PartialEq)]
/// struct Kelvin(u32);
///
/// impl Encode for Kelvin {
///     type Wire = <u32 as Encode>::Wire;
///     fn region_bytes(&self) -> usize {
///         0
///     }
///     fn encode<S: Sink + ?Sized>(&self, out: &mut Encoder<'_, S>) -> Self::Wire {
///         self.0.encode(out)
///     }
/// }
///
/// impl Decode for Kelvin {
///     fn decode(wire: &Self::Wire, input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
///         u32::decode(wire, input).map(Self)
///     }
/// }
///
/// let mut message = Vec::new();
/// Encoder::message(&Kelvin(5600), &mut message, &mut Vec::new())?;
/// assert_eq!(Decoder::message::<Kelvin>(&message, &mut [])?, Kelvin(5600));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub trait Encode {
    /// Its fixed part.
    type Wire: Fixed;

    /// Bytes of all regions that the value needs, each rounded up to a multiple of eight.
    fn region_bytes(&self) -> usize;

    /// Bytes that the value takes as a message.
    fn message_bytes(&self) -> usize {
        align(size_of::<Self::Wire>()) + self.region_bytes()
    }

    /// Writes the regions and returns the fixed part.
    fn encode<S: Sink + ?Sized>(&self, out: &mut Encoder<'_, S>) -> Self::Wire;

    /// Writes the fixed parts of `items` one after another from `offset`, and their regions.
    fn encode_all<S: Sink + ?Sized>(items: &[Self], offset: usize, out: &mut Encoder<'_, S>)
    where
        Self: Sized,
    {
        for (index, item) in items.iter().enumerate() {
            let wire = item.encode(out);
            out.write(offset + index * size_of::<Self::Wire>(), wire.as_bytes());
        }
    }
}

/// A value that can be read back.
pub trait Decode: Encode + Sized {
    /// Reads the value with this fixed part; its regions come next in `input`.
    ///
    /// # Errors
    /// [`DecodeError`] if anything in it is not what [`Encode::encode`] would have written.
    fn decode(wire: &Self::Wire, input: &mut Decoder<'_>) -> Result<Self, DecodeError>;

    /// Reads the values with these fixed parts.
    ///
    /// # Errors
    /// As [`Decode::decode`], naming the element.
    fn decode_all(wires: &[Self::Wire], input: &mut Decoder<'_>) -> Result<Vec<Self>, DecodeError> {
        let decode = |(index, wire)| Self::decode(wire, input).map_err(|error| error.at(index));
        wires.iter().enumerate().map(decode).collect()
    }
}

/// Bytes that `value` takes as a message.
///
/// ```
/// use ringfence::serialize::native::encoded_bytes;
///
/// assert_eq!(encoded_bytes(&7u8), 8);
/// assert_eq!(encoded_bytes("seven"), 16);
/// ```
#[must_use]
pub fn encoded_bytes<T: Encode + ?Sized>(value: &T) -> usize {
    value.message_bytes()
}

/// Rounds up to the next multiple of eight, where regions start.
#[must_use]
pub const fn align(bytes: usize) -> usize {
    bytes.next_multiple_of(8)
}

#[cfg(test)]
mod tests;
