//! Writing a message.

use super::{ControlSerializer, Encode, EncodeError};
use crate::serialize::SharedFd;
use crate::serialize::native::MAX_FDS;

/// Appends values to a buffer, and their descriptors to another.
///
/// Sizes are reserved and filled in later, so that nothing is ever written twice or elsewhere first.
///
/// ```
/// use ringfence::serialize::libcamera::{ControlSerializer, Encoder, Role, Version};
///
/// let mut bytes = Vec::new();
/// let mut controls = ControlSerializer::new(Version::V1, Role::Worker);
/// Encoder::message("tuning", &mut bytes, &mut Vec::new(), &mut controls)?;
/// assert_eq!(bytes, b"tuning", "whatever holds a text gives it its size");
/// # Ok::<_, ringfence::serialize::libcamera::EncodeError>(())
/// ```
#[derive(Debug)]
pub struct Encoder<'a> {
    pub(super) bytes: &'a mut Vec<u8>,
    fds: &'a mut Vec<SharedFd>,
    pub(super) controls: &'a mut ControlSerializer,
}

/// Where a size was reserved, and how many descriptors there were by then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reserved {
    at: usize,
    fds: usize,
}

impl<'a> Encoder<'a> {
    /// Appends the message `value` to `bytes` and its descriptors to `fds`.
    ///
    /// # Errors
    /// [`EncodeError`] if it cannot be expressed, is too long, or has too many descriptors. Then `bytes`, `fds` and
    /// `controls` are as they were.
    pub fn message<T: Encode + ?Sized>(
        value: &T,
        bytes: &'a mut Vec<u8>,
        fds: &'a mut Vec<SharedFd>,
        controls: &'a mut ControlSerializer,
    ) -> Result<(), EncodeError> {
        let (start, start_fds, mark) = (bytes.len(), fds.len(), controls.mark());
        let mut out = Self { bytes, fds, controls };
        let result = value.encode(&mut out).and_then(|()| {
            let (bytes, count) = (out.bytes.len() - start, out.fds.len() - start_fds);
            if u32::try_from(bytes).is_err() {
                return Err(EncodeError::TooLong { bytes, limit: u32::MAX as usize });
            }
            if count > MAX_FDS {
                return Err(EncodeError::TooManyFds { count, limit: MAX_FDS });
            }
            Ok(())
        });
        if result.is_err() {
            out.bytes.truncate(start);
            out.fds.truncate(start_fds);
            out.controls.rewind(mark);
        }
        result
    }

    /// Appends bytes as they are.
    #[inline]
    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends a count or a size. [`Encoder::message`] makes sure that it fits.
    #[inline]
    pub(super) fn put_count(&mut self, count: usize) {
        self.put(&(count as u32).to_le_bytes());
    }

    /// Adds a descriptor to the message.
    pub(super) fn attach(&mut self, fd: &SharedFd) {
        self.fds.push(fd.clone());
    }

    /// Leaves room for a size, and for a number of descriptors if there shall be one.
    #[inline]
    pub(super) fn reserve(&mut self, counts_fds: bool) -> Reserved {
        let reserved = Reserved { at: self.bytes.len(), fds: self.fds.len() };
        self.put(&[0; 8][..if counts_fds { 8 } else { 4 }]);
        reserved
    }

    /// Says that the value behind a size that was reserved ends here.
    #[inline]
    pub(super) fn end(
        &mut self,
        field: &'static str,
        reserved: Reserved,
        counts_fds: bool,
    ) -> Result<(), EncodeError> {
        let start = reserved.at + if counts_fds { 8 } else { 4 };
        self.fill(field, reserved, counts_fds, start)
    }

    /// Fills in a size that was reserved, of a value that starts at `start` and ends here.
    #[inline]
    pub(super) fn fill(
        &mut self,
        field: &'static str,
        reserved: Reserved,
        counts_fds: bool,
        start: usize,
    ) -> Result<(), EncodeError> {
        let (size, count) = (self.bytes.len() - start, self.fds.len() - reserved.fds);
        self.bytes[reserved.at..][..4].copy_from_slice(&(size as u32).to_le_bytes());
        if counts_fds {
            self.bytes[reserved.at + 4..][..4].copy_from_slice(&(count as u32).to_le_bytes());
        } else if count != 0 {
            return Err(EncodeError::UnmarkedFds { field, count });
        }
        Ok(())
    }

    /// Bytes so far.
    pub(super) fn offset(&self) -> usize {
        self.bytes.len()
    }

    /// Descriptors so far.
    pub(super) fn fd_count(&self) -> usize {
        self.fds.len()
    }

    /// A place that was reserved before the value that starts now.
    pub(super) fn reserved(&self, at: usize) -> Reserved {
        Reserved { at, fds: self.fds.len() }
    }
}
