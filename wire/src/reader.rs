//! A part of a message that is being decoded.

use crate::error::{Error, Problem};

/// The bytes and descriptors of a value that are still to be read. Offsets are those of the whole message.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    whole: &'a [u8],
    next: usize,
    end: usize,
    /// Descriptors that came with the part.
    pub fds: usize,
    pub fds_used: usize,
}

impl<'a> Reader<'a> {
    pub fn new(whole: &'a [u8], fds: usize) -> Self {
        Self { whole, next: 0, end: whole.len(), fds, fds_used: 0 }
    }

    /// Where the next byte is.
    pub fn offset(&self) -> usize {
        self.next
    }

    /// Bytes that are left.
    pub fn left(&self) -> usize {
        self.end - self.next
    }

    /// Takes the next `needed` bytes.
    pub fn take(&mut self, needed: u64) -> Result<&'a [u8], Error> {
        let available = self.left();
        match usize::try_from(needed) {
            Ok(length) if length <= available => {
                let bytes = &self.whole[self.next..self.next + length];
                self.next += length;
                Ok(bytes)
            }
            _ => Err(Error::from(Problem::Short { needed, available }).at(self.next)),
        }
    }

    pub fn rest(&mut self) -> &'a [u8] {
        let bytes = &self.whole[self.next..self.end];
        self.next = self.end;
        bytes
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        Ok(self.take(N as u64)?.try_into().expect("`take` returns as many bytes as were asked for"))
    }

    pub fn u8(&mut self) -> Result<u8, Error> {
        self.array().map(|[byte]| byte)
    }

    pub fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_le_bytes)
    }

    /// The next `size` bytes as a part of their own, with the next `fds` descriptors.
    pub fn part(&mut self, size: u64, fds: u32) -> Result<Self, Error> {
        let available = self.fds - self.fds_used;
        if fds as usize > available {
            return Err(Error::from(Problem::MissingFds { announced: fds, available }).at(self.next));
        }
        let start = self.next;
        self.take(size)?;
        self.fds_used += fds as usize;
        Ok(Self { whole: self.whole, next: start, end: self.next, fds: fds as usize, fds_used: 0 })
    }

    /// All that is left, with all descriptors that are left.
    pub fn remainder(&mut self) -> Self {
        let fds = self.fds - self.fds_used;
        let part = Self { whole: self.whole, next: self.next, end: self.end, fds, fds_used: 0 };
        (self.next, self.fds_used) = (self.end, self.fds);
        part
    }
}
