//! Writing a message in place.

use zerocopy::IntoBytes;

use super::{Encode, EncodeError, Span, align, encoded_bytes};
use crate::serialize::SharedFd;

/// The most descriptors that a message can carry: what Linux passes in one control message.
pub const MAX_FDS: usize = 253;

/// Where a message is written: a ring's slot, or memory of one's own.
///
/// ```
/// use ringfence::serialize::native::{Encoder, Sink};
///
/// /// Counts what is written, and keeps nothing.
/// #[derive(Default)]
/// struct Count(usize);
///
/// impl Sink for Count {
///     fn put(&mut self, _offset: usize, bytes: &[u8]) {
///         self.0 += bytes.len();
///     }
/// }
///
/// let mut count = Count::default();
/// Encoder::message(&[1u16, 2, 3][..], &mut count, &mut Vec::new())?;
/// assert_eq!(count.0, 16);
/// # Ok::<_, ringfence::serialize::native::EncodeError>(())
/// ```
pub trait Sink {
    /// Writes `bytes` at `offset` from the start of the message.
    ///
    /// The encoder stays within the bytes that [`encoded_bytes`] announced.
    fn put(&mut self, offset: usize, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn put(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        if self.len() < end {
            self.resize(end, 0);
        }
        self[offset..end].copy_from_slice(bytes);
    }
}

/// Hands out regions of a message and writes to them.
///
/// ```
/// use ringfence::serialize::SharedFd;
/// use ringfence::serialize::native::Encoder;
///
/// let mut message = Vec::new();
/// let mut fds: Vec<SharedFd> = Vec::new();
/// Encoder::message("tuning", &mut message, &mut fds)?;
/// // A span of six bytes from the eighth on, and the text, filled up to a multiple of eight.
/// assert_eq!(message, [8, 0, 0, 0, 6, 0, 0, 0, b't', b'u', b'n', b'i', b'n', b'g', 0, 0]);
/// # Ok::<_, ringfence::serialize::native::EncodeError>(())
/// ```
#[derive(Debug)]
pub struct Encoder<'a, S: Sink + ?Sized> {
    sink: &'a mut S,
    /// Where the next region starts, once rounded up.
    end: usize,
    fds: &'a mut Vec<SharedFd>,
}

impl<'a, S: Sink + ?Sized> Encoder<'a, S> {
    /// Checks that `value` can be sent at all, and how many bytes it takes.
    ///
    /// # Errors
    /// [`EncodeError::TooLong`] if offsets of 32 bits cannot reach all of it.
    pub fn measure<T: Encode + ?Sized>(value: &T) -> Result<usize, EncodeError> {
        let bytes = encoded_bytes(value);
        // Every count is at most the bytes of its region, so this bounds all of them.
        if u32::try_from(bytes).is_err() {
            return Err(EncodeError::TooLong { bytes, limit: u32::MAX as usize });
        }
        Ok(bytes)
    }

    /// Writes `value` as a whole message to `sink` and its descriptors to `fds`.
    ///
    /// # Errors
    /// [`EncodeError`] if it is too long, or has too many descriptors. The sink may then hold a part of it.
    pub fn message<T: Encode + ?Sized>(
        value: &T,
        sink: &'a mut S,
        fds: &'a mut Vec<SharedFd>,
    ) -> Result<(), EncodeError> {
        let bytes = Self::measure(value)?;
        fds.clear();
        let mut encoder = Self { sink, end: 0, fds };
        encoder.reserve(size_of::<T::Wire>());
        let wire = value.encode(&mut encoder);
        encoder.write(0, wire.as_bytes());
        debug_assert!(
            encoder.end <= bytes && bytes <= align(encoder.end),
            "region_bytes and encode disagree"
        );
        // Opaque messages end where they end.
        encoder.pad_to(bytes.min(align(encoder.end)));
        match encoder.fds.len() {
            count if count > MAX_FDS => Err(EncodeError::TooManyFds { count, limit: MAX_FDS }),
            _ => Ok(()),
        }
    }

    /// Reserves the next region and returns where it starts.
    pub fn reserve(&mut self, bytes: usize) -> usize {
        self.pad();
        let offset = self.end;
        self.end = offset + bytes;
        offset
    }

    /// Zeroes what lies between the last region and the next, so that no old bytes are sent.
    fn pad(&mut self) {
        self.pad_to(align(self.end));
    }

    /// Zeroes what lies before `end`, which is less than eight bytes away.
    fn pad_to(&mut self, end: usize) {
        self.sink.put(self.end, &[0; 8][..end.saturating_sub(self.end)]);
        self.end = end;
    }

    /// Reserves a region for `count` elements of `bytes` bytes each.
    pub fn reserve_span(&mut self, count: usize, bytes: usize) -> Span {
        let offset = self.reserve(count * bytes);
        // `measure` has made sure that both fit.
        Span { offset: (offset as u32).into(), count: (count as u32).into() }
    }

    /// Writes `bytes` at `offset`, within a region that was reserved.
    pub fn write(&mut self, offset: usize, bytes: &[u8]) {
        self.sink.put(offset, bytes);
    }

    /// Adds a descriptor to the message and returns its place, from 1, or 0 if there is none.
    pub fn attach(&mut self, fd: &SharedFd) -> u32 {
        if !fd.is_valid() {
            return 0;
        }
        self.fds.push(fd.clone());
        self.fds.len() as u32
    }
}
