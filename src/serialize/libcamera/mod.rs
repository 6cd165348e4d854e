//! libcamera's own encoding, byte for byte, for its workers and hosts.
//!
//! A value is written as it is declared, without alignment or padding, little-endian. What varies in
//! length has no length of its own: whatever holds it gives it one. Descriptors travel beside the bytes, in
//! the order in which the values that own them are written.
//!
//! | value | bytes |
//! |---|---|
//! | `bool` | one, 0 or 1 |
//! | integers, floats | their little-endian bytes |
//! | enums, flags | four |
//! | strings | the text, without an end |
//! | arrays | count, then each element behind its size and its number of descriptors |
//! | maps | count, then each key and value likewise, keys ascending |
//! | descriptors | four: 1 for one, 0 for none |
//! | structs | the fields: numbers, enums and descriptors as they are, all else behind its size, and behind its number of descriptors where the interface says that it has some |
//! | control lists and control info maps | packets, see [`ControlSerializer`] |
//!
//! All counts and sizes are `u32`. A message is the *block* of its parameters: one parameter stands alone, several behind
//! a table of their sizes.
//!
//! What a decoder refuses is everything on which libcamera's own reader would abort, read beyond the end or return
//! a value that was never sent, and what no writer writes, such as bytes left over. Reserved bytes are written as zero and
//! ignored. Generated code calls this module; it knows nothing of sockets.
//!
//! ```
//! use ringfence::serialize::libcamera::{ControlSerializer, Decoder, Encoder, Role, Version};
//!
//! let mut controls = ControlSerializer::new(Version::V2, Role::Host);
//! let (mut bytes, mut fds) = (Vec::new(), Vec::new());
//! Encoder::message(&[1u16, 2][..], &mut bytes, &mut fds, &mut controls)?;
//! // The count; then each element, behind its size and its number of descriptors.
//! assert_eq!(bytes[..4], 2u32.to_le_bytes());
//! assert_eq!(bytes.len(), 4 + 2 * (4 + 4 + 2));
//!
//! let read: Vec<u16> = Decoder::message(&bytes, &mut [], &mut controls)?;
//! assert_eq!(read, [1, 2]);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod block;
mod controls;
mod decoder;
mod encoder;
mod fields;
mod packet;
mod scalars;
mod sequences;
mod serializer;

use std::fmt;

pub use super::error::{DecodeError, EncodeError, Problem};
pub use block::{Block, Parameter};
pub use controls::Controls;
pub use decoder::Decoder;
pub use encoder::Encoder;
pub use serializer::{ControlSerializer, MAX_MAPS, Mark, Role};

/// Which libcamera the peer is from. They differ in the packets of controls alone.
///
/// ```
/// use ringfence::serialize::libcamera::Version;
///
/// assert_eq!(Version::from_name("libcamera-1"), Some(Version::V1));
/// assert_eq!(Version::V2.to_string(), "libcamera-2");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Version {
    /// `libcamera-1`: packets of format 1, up to libcamera 0.5.
    V1,
    /// `libcamera-2`: packets of format 2.
    V2,
}

impl Version {
    /// Every version, oldest first.
    pub const ALL: [Self; 2] = [Self::V1, Self::V2];

    /// The version with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.name() == name)
    }

    /// Its name, `libcamera-1` or `libcamera-2`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "libcamera-1",
            Self::V2 => "libcamera-2",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A value that can be written.
pub trait Encode {
    /// Appends the value.
    ///
    /// # Errors
    /// [`EncodeError`] if the encoding cannot express it.
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError>;
}

/// A value that can be read back.
pub trait Decode: Sized {
    /// Reads the value. What varies in length takes all that is left.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are no such value.
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError>;
}

#[cfg(test)]
mod tests;
