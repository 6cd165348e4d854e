//! A mapping of shared memory: bytes are copied in and out, one atomic word at a time.
//!
//! The memory is outside Rust's: another process may write it at any moment. So no slice of it is ever made, all
//! accesses are whole aligned words, and what was copied out is judged only afterwards.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicUsize, Ordering};

use memmap2::{MmapOptions, MmapRaw};

/// Bytes of a word.
const WORD: usize = size_of::<usize>();

/// A mapping of whole words.
#[derive(Debug)]
pub(super) struct Mapping {
    raw: MmapRaw,
    /// Bytes that the mapping stands for; the mapped words reach up to this or up to `WORD - 1` beyond.
    bytes: usize,
}

impl Mapping {
    /// Maps `bytes` bytes from `offset`, shared, for reading and for `writable` also for writing.
    ///
    /// `offset` must be a multiple of 8, and the file at least `offset + bytes` long. The last word may reach beyond
    /// the file's end, but not beyond its last page, where reads yield zeros.
    pub(super) fn new(
        fd: BorrowedFd<'_>,
        offset: u64,
        bytes: usize,
        writable: bool,
    ) -> std::io::Result<Self> {
        debug_assert!(offset.is_multiple_of(8) && bytes > 0);
        let mut options = MmapOptions::new();
        options.offset(offset).len(bytes.next_multiple_of(WORD));
        let raw_fd = fd.as_fd().as_raw_fd();
        let raw = if writable { options.map_raw(raw_fd)? } else { options.map_raw_read_only(raw_fd)? };
        Ok(Self { raw, bytes })
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The word at `index`.
    fn word(&self, index: usize) -> &AtomicUsize {
        assert!(index < self.raw.len() / WORD, "word {index} is outside the mapping");
        // SAFETY: the word lies in the mapping (checked above), which is aligned to 8 bytes and lives as long as
        // `self`; every bit pattern is a number. Other processes may write it meanwhile: an atomic is the one
        // reference that allows this. Where the mapping is read-only, nothing but relaxed loads of a machine word
        // are made through it, which the documentation of `std::sync::atomic` allows for such memory. Pages do
        // not vanish: `SharedBuffer` seals what it makes, and `MappedBuffer` says what it demands.
        unsafe { &*self.raw.as_ptr().cast::<AtomicUsize>().add(index) }
    }

    /// Copies out. `offset..offset + target.len()` must lie within [`Self::bytes`].
    pub(super) fn read(&self, offset: usize, target: &mut [u8]) {
        let mut done = 0;
        while done < target.len() {
            let (index, first, length) = part(offset + done, target.len() - done);
            // ORDERING: relaxed; the message that says that the buffer is full orders this after its filling.
            let word = self.word(index).load(Ordering::Relaxed).to_ne_bytes();
            target[done..done + length].copy_from_slice(&word[first..first + length]);
            done += length;
        }
    }

    /// Copies in. `offset..offset + source.len()` must lie within [`Self::bytes`], and the mapping be writable.
    ///
    /// Exclusive, since a word that is written in part is read first.
    pub(super) fn write(&mut self, offset: usize, source: &[u8]) {
        let mut done = 0;
        while done < source.len() {
            let (index, first, length) = part(offset + done, source.len() - done);
            let mut word = [0; WORD];
            if length < WORD {
                // ORDERING: relaxed; only this side writes.
                word = self.word(index).load(Ordering::Relaxed).to_ne_bytes();
            }
            word[first..first + length].copy_from_slice(&source[done..done + length]);
            // ORDERING: relaxed; the message that says that the buffer is full orders this before its reading.
            self.word(index).store(usize::from_ne_bytes(word), Ordering::Relaxed);
            done += length;
        }
    }
}

/// The word that byte `position` lies in, its place in that word, and how many of `wanted` bytes lie there too.
fn part(position: usize, wanted: usize) -> (usize, usize, usize) {
    let first = position % WORD;
    (position / WORD, first, wanted.min(WORD - first))
}
