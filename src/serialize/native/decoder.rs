//! Reading a message that somebody else wrote.

use std::os::fd::OwnedFd;

use zerocopy::FromBytes;

use super::{Decode, DecodeError, Fixed, Problem, Span, align};
use crate::serialize::SharedFd;

/// Walks through a message in private memory, checking as it goes.
///
/// Descriptors that nothing claims stay with their owner, who closes them.
///
/// ```
/// use ringfence::serialize::native::{Decoder, Problem};
///
/// let message = [42, 0, 0, 0, 0, 0, 0, 0];
/// assert_eq!(Decoder::message::<u32>(&message, &mut []).unwrap(), 42);
///
/// let error = Decoder::message::<u32>(&message[..3], &mut []).unwrap_err();
/// assert_eq!(*error.problem(), Problem::Short { offset: 0, needed: 4, available: 3 });
/// ```
#[derive(Debug)]
pub struct Decoder<'a> {
    bytes: &'a [u8],
    /// Where the next region has to start.
    next: usize,
    fds: &'a mut [Option<OwnedFd>],
    fds_used: usize,
}

impl<'a> Decoder<'a> {
    /// A decoder of this message and the descriptors that came with it.
    #[must_use]
    pub fn new(bytes: &'a [u8], fds: &'a mut [Option<OwnedFd>]) -> Self {
        Self { bytes, next: 0, fds, fds_used: 0 }
    }

    /// Reads a whole message that is one value.
    ///
    /// # Errors
    /// [`DecodeError`] with the field in which the message is wrong.
    pub fn message<T: Decode>(bytes: &'a [u8], fds: &'a mut [Option<OwnedFd>]) -> Result<T, DecodeError> {
        let mut decoder = Self::new(bytes, fds);
        let wire = decoder.fixed::<T::Wire>()?;
        let value = T::decode(wire, &mut decoder)?;
        decoder.finish()?;
        Ok(value)
    }

    /// The fixed part at the start of the message.
    ///
    /// # Errors
    /// [`Problem::Short`] if the message is shorter, [`Problem::Padding`] if what fills it up is not zero.
    pub fn fixed<W: Fixed>(&mut self) -> Result<&'a W, DecodeError> {
        let bytes = self.take(size_of::<W>() as u64)?;
        Ok(W::ref_from_bytes(bytes).expect("`take` returns as many bytes as were asked for"))
    }

    /// The region of `span`, of `count` elements of `element` bytes each.
    ///
    /// # Errors
    /// [`Problem::Misplaced`] if it is not where the next region has to be, [`Problem::Short`] if it
    /// reaches beyond the message, [`Problem::Padding`] if what fills it up is not zero.
    pub fn region(&mut self, span: &Span, element: usize) -> Result<&'a [u8], DecodeError> {
        let found = span.offset.get() as usize;
        if found != self.next {
            return Err(Problem::Misplaced { found, expected: self.next }.into());
        }
        self.take(u64::from(span.count.get()) * element as u64)
    }

    /// The fixed parts in the region of `span`.
    ///
    /// # Errors
    /// As [`Decoder::region`].
    pub fn fixed_all<W: Fixed>(&mut self, span: &Span) -> Result<&'a [W], DecodeError> {
        const { assert!(size_of::<W>() != 0, "elements of no size could be announced without end") };
        let bytes = self.region(span, size_of::<W>())?;
        Ok(<[W]>::ref_from_bytes(bytes).expect("the region is a multiple of an element"))
    }

    /// The descriptor at `place`, counted from 1, which has to be the next one; none for 0.
    ///
    /// # Errors
    /// [`Problem::Fd`] if another one is due, or none is left.
    pub fn claim(&mut self, place: u32) -> Result<SharedFd, DecodeError> {
        if place == 0 {
            return Ok(SharedFd::none());
        }
        let (expected, count) = (self.fds_used + 1, self.fds.len());
        let fd =
            self.fds.get_mut(self.fds_used).filter(|_| place as usize == expected).and_then(Option::take);
        let fd = fd.ok_or(Problem::Fd { found: place, expected, count })?;
        self.fds_used += 1;
        Ok(fd.into())
    }

    /// Everything that was not read yet, unchecked: the bytes as they are, and the descriptors that nothing has claimed.
    /// After it there is nothing but [`Decoder::finish`].
    pub fn rest(&mut self) -> (&'a [u8], impl Iterator<Item = OwnedFd>) {
        let bytes = self.bytes.get(self.next..).unwrap_or_default();
        // Further on already, if padding is missing: `finish` says so.
        self.next = self.next.max(self.bytes.len());
        let first = std::mem::replace(&mut self.fds_used, self.fds.len());
        (bytes, self.fds[first..].iter_mut().filter_map(Option::take))
    }

    /// Checks that the message holds nothing else.
    ///
    /// # Errors
    /// [`Problem::Trailing`], [`Problem::Short`] if the padding at the end is missing, or
    /// [`Problem::SurplusFds`].
    pub fn finish(self) -> Result<(), DecodeError> {
        let available = self.bytes.len();
        match available.checked_sub(self.next) {
            Some(0) if self.fds_used == self.fds.len() => Ok(()),
            Some(0) => Err(Problem::SurplusFds { count: self.fds.len(), used: self.fds_used }.into()),
            Some(bytes) => Err(Problem::Trailing { bytes }.into()),
            None => Err(Problem::Short { offset: self.next, needed: 0, available }.into()),
        }
    }

    fn take(&mut self, needed: u64) -> Result<&'a [u8], DecodeError> {
        let offset = self.next;
        let rest = self.bytes.get(offset..).unwrap_or_default();
        let bytes = usize::try_from(needed).ok().and_then(|length| rest.get(..length));
        let bytes = bytes.ok_or(Problem::Short { offset, needed, available: self.bytes.len() })?;
        let end = offset + bytes.len();
        self.next = align(end);
        // If it is missing altogether, whoever comes next finds the message too short.
        let padding = self.bytes.get(end..self.next).unwrap_or_default();
        match padding.iter().position(|byte| *byte != 0) {
            Some(index) => Err(Problem::Padding { offset: end + index, value: padding[index] }.into()),
            None => Ok(bytes),
        }
    }
}
