//! Reading a message that somebody else wrote.

use std::os::fd::OwnedFd;

use super::{ControlSerializer, Decode, DecodeError, Problem};
use crate::serialize::SharedFd;

/// Walks through a message, checking as it goes.
///
/// Descriptors that nothing claims stay with their owner, who closes them.
///
/// ```
/// use ringfence::serialize::libcamera::{ControlSerializer, Decoder, Role, Version};
///
/// let mut controls = ControlSerializer::new(Version::V1, Role::Host);
/// let read = Decoder::message::<i32>(&[0xea, 0xff, 0xff, 0xff], &mut [], &mut controls);
/// assert_eq!(read.unwrap(), -22);
/// assert!(Decoder::message::<i32>(&[0xea, 0xff], &mut [], &mut controls).is_err());
/// ```
#[derive(Debug)]
pub struct Decoder<'a> {
    bytes: &'a [u8],
    /// Where the next value starts.
    at: usize,
    /// Where the value at hand has to end.
    end: usize,
    fds: &'a mut [Option<OwnedFd>],
    next_fd: usize,
    end_fd: usize,
    pub(super) controls: &'a mut ControlSerializer,
}

impl<'a> Decoder<'a> {
    /// A decoder of this message and the descriptors that came with it.
    #[must_use]
    pub fn new(bytes: &'a [u8], fds: &'a mut [Option<OwnedFd>], controls: &'a mut ControlSerializer) -> Self {
        Self { at: 0, end: bytes.len(), bytes, next_fd: 0, end_fd: fds.len(), fds, controls }
    }

    /// Reads a whole message that is one value.
    ///
    /// # Errors
    /// [`DecodeError`] with the field in which the message is wrong.
    pub fn message<T: Decode>(
        bytes: &'a [u8],
        fds: &'a mut [Option<OwnedFd>],
        controls: &'a mut ControlSerializer,
    ) -> Result<T, DecodeError> {
        let mut decoder = Self::new(bytes, fds, controls);
        let value = T::decode(&mut decoder)?;
        decoder.finish()?;
        Ok(value)
    }

    /// Checks that the message holds nothing else.
    ///
    /// # Errors
    /// [`Problem::Trailing`] or [`Problem::SurplusFds`].
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.left() {
            0 if self.next_fd == self.fds.len() => Ok(()),
            0 => Err(Problem::SurplusFds { count: self.fds.len(), used: self.next_fd }.into()),
            bytes => Err(Problem::Trailing { bytes }.into()),
        }
    }

    /// Where the next value starts, in bytes from the start of the message.
    pub(super) const fn offset(&self) -> usize {
        self.at
    }

    /// Bytes that are left of the value at hand.
    #[inline]
    pub(super) const fn left(&self) -> usize {
        self.end - self.at
    }

    /// Descriptors that are left for the value at hand.
    pub(super) const fn left_fds(&self) -> usize {
        self.end_fd - self.next_fd
    }

    /// The next bytes.
    #[inline]
    pub(super) fn take(&mut self, bytes: usize) -> Result<&'a [u8], DecodeError> {
        if bytes > self.left() {
            return Err(self.beyond(bytes as u64));
        }
        let start = self.at;
        self.at += bytes;
        Ok(&self.bytes[start..self.at])
    }

    /// The next bytes, as many as fit.
    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        Ok(self.take(N)?.try_into().expect("`take` returns as many bytes as were asked for"))
    }

    /// All bytes that are left of the value at hand.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        let start = self.at;
        self.at = self.end;
        &self.bytes[start..self.end]
    }

    /// The next number of 32 bits: a count, a size, a handle.
    #[inline]
    pub(super) fn number(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// A count of elements that take at least `each` bytes.
    pub(super) fn count(&mut self, each: usize) -> Result<usize, DecodeError> {
        let count = self.number()? as usize;
        match count.checked_mul(each) {
            Some(bytes) if bytes <= self.left() => Ok(count),
            _ => Err(self.beyond(count as u64 * each as u64)),
        }
    }

    fn beyond(&self, needed: u64) -> DecodeError {
        Problem::Beyond { offset: self.at, needed, left: self.left() }.into()
    }

    /// Reads a value of this size and with this many descriptors.
    #[inline]
    pub(super) fn body<T: Decode>(&mut self, size: u32, fds: u32) -> Result<T, DecodeError> {
        let (size, announced) = (size as usize, fds as usize);
        if size > self.left() {
            return Err(self.beyond(size as u64));
        }
        if announced > self.left_fds() {
            return Err(Problem::AnnouncedFds { used: 0, announced, available: self.left_fds() }.into());
        }
        let (end, end_fd, first_fd) = (self.end, self.end_fd, self.next_fd);
        (self.end, self.end_fd) = (self.at + size, first_fd + announced);
        let value = T::decode(self)?;
        if self.left() != 0 {
            return Err(Problem::Trailing { bytes: self.left() }.into());
        }
        if self.left_fds() != 0 {
            let used = self.next_fd - first_fd;
            return Err(Problem::AnnouncedFds { used, announced, available: end_fd - first_fd }.into());
        }
        (self.end, self.end_fd) = (end, end_fd);
        Ok(value)
    }

    /// The next descriptor.
    pub(super) fn claim(&mut self) -> Result<SharedFd, DecodeError> {
        let (place, count) = (self.next_fd, self.end_fd);
        match self.fds[..count].get_mut(place).and_then(Option::take) {
            Some(fd) => {
                self.next_fd += 1;
                Ok(fd.into())
            }
            None => Err(Problem::AnnouncedFds { used: 1, announced: 0, available: self.left_fds() }.into()),
        }
    }
}
