//! Messages whose meaning is somebody else's business: a host or a module in another language has its own encoder.

use std::os::fd::OwnedFd;

use super::{Decoder, Encode, Encoder, Sink, align};
use crate::serialize::SharedFd;

/// A whole message as bytes and descriptors, which are sent as they are.
///
/// It is no field of anything else: nothing in the message would say where it ends.
///
/// ```
/// use ringfence::serialize::native::{Decoder, Encoder, Opaque, OpaqueBuf};
///
/// let (mut bytes, mut fds) = (Vec::new(), Vec::new());
/// Encoder::message(&Opaque::new(b"hello"), &mut bytes, &mut fds)?;
/// assert_eq!(bytes, b"hello");
///
/// let mut decoder = Decoder::new(&bytes, &mut []);
/// let message = OpaqueBuf::from(&mut decoder);
/// decoder.finish()?;
/// assert_eq!(message.bytes, b"hello");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Opaque<'a> {
    /// The body, of any length.
    pub bytes: &'a [u8],
    /// What goes with it, at most [`MAX_FDS`](super::MAX_FDS). Those that are none are left out.
    pub fds: &'a [SharedFd],
}

/// A message that was received as bytes and descriptors.
#[derive(Debug, Default)]
pub struct OpaqueBuf {
    /// The body.
    pub bytes: Vec<u8>,
    /// What came with it.
    pub fds: Vec<OwnedFd>,
}

impl<'a> Opaque<'a> {
    /// A message without descriptors.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, fds: &[] }
    }
}

impl OpaqueBuf {
    /// Takes what is left in `input` instead of what was here before, and keeps the memory.
    ///
    /// ```
    /// # use ringfence::serialize::native::{Decoder, OpaqueBuf};
    /// let mut message = OpaqueBuf { bytes: vec![0; 100], fds: Vec::new() };
    /// message.read(&mut Decoder::new(b"short", &mut []));
    /// assert_eq!(message.bytes, b"short");
    /// ```
    pub fn read(&mut self, input: &mut Decoder<'_>) {
        self.clear();
        let (bytes, fds) = input.rest();
        self.bytes.extend_from_slice(bytes);
        self.fds.extend(fds);
    }

    /// Forgets the bytes and closes the descriptors, and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.fds.clear();
    }
}

impl From<&mut Decoder<'_>> for OpaqueBuf {
    fn from(input: &mut Decoder<'_>) -> Self {
        let mut message = Self::default();
        message.read(input);
        message
    }
}

impl Encode for Opaque<'_> {
    type Wire = ();

    fn region_bytes(&self) -> usize {
        align(self.bytes.len())
    }

    fn message_bytes(&self) -> usize {
        self.bytes.len()
    }

    fn encode<S: Sink + ?Sized>(&self, out: &mut Encoder<'_, S>) {
        let offset = out.reserve(self.bytes.len());
        out.write(offset, self.bytes);
        for fd in self.fds {
            out.attach(fd);
        }
    }
}
