//! The one way in and out of shared memory: 64-bit atomic words.

#[cfg(not(loom))]
pub(super) use std::sync::atomic::{AtomicU64, Ordering, fence};

#[cfg(loom)]
pub(super) use loom::sync::atomic::{AtomicU64, Ordering, fence};

use memmap2::MmapRaw;

/// Memory seen as an array of atomic 64-bit words.
///
/// The ring is written against this trait, so that the model checker can run it over its own
/// atomics. All accesses have one size, as mixed-size atomics have no defined meaning.
pub trait Words {
    /// The word at `index`, in words from the start.
    ///
    /// # Panics
    /// If `index` is not below [`Words::len`]. The ring masks every index first, so a peer cannot
    /// provoke this.
    fn word(&self, index: usize) -> &AtomicU64;

    /// Number of words.
    fn len(&self) -> usize;

    /// Whether there are no words at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<M: Words> Words for std::sync::Arc<M> {
    #[inline]
    fn word(&self, index: usize) -> &AtomicU64 {
        (**self).word(index)
    }

    #[inline]
    fn len(&self) -> usize {
        (**self).len()
    }
}

/// A shared mapping of a whole sealed memfd.
#[derive(Debug)]
pub struct Mapped {
    raw: MmapRaw,
}

impl Mapped {
    /// Wraps a mapping that [`super::SharedMemory`] has made and checked.
    pub(super) fn new(raw: MmapRaw) -> Self {
        Self { raw }
    }
}

#[cfg(not(loom))]
impl Mapped {
    /// The 32-bit word at `index`, in 64-bit words from the start, for a futex. Who uses it so must never use
    /// the same word through [`Words`].
    ///
    /// # Panics
    /// If `index` is beyond the mapping.
    #[must_use]
    pub fn futex(&self, index: usize) -> &std::sync::atomic::AtomicU32 {
        assert!(index < self.raw.len() / 8, "word {index} is outside the mapping");
        // SAFETY: as for `Words::word` below; half of a word is aligned and inside wherever the word is.
        unsafe {
            std::sync::atomic::AtomicU32::from_ptr(self.raw.as_mut_ptr().cast::<u64>().add(index).cast())
        }
    }
}

#[cfg(not(loom))]
impl Words for Mapped {
    #[inline]
    fn word(&self, index: usize) -> &AtomicU64 {
        assert!(index < self.raw.len() / 8, "word {index} is outside the mapping");
        // SAFETY: the mapping is page aligned, readable, writable and at least `8 * (index + 1)`
        // bytes long (checked above), and lives as long as `self`. The file behind it is sealed
        // against shrinking, so the pages stay. Other processes access the memory concurrently;
        // an atomic is the one reference that allows this.
        unsafe { AtomicU64::from_ptr(self.raw.as_mut_ptr().cast::<u64>().add(index)) }
    }

    #[inline]
    fn len(&self) -> usize {
        self.raw.len() / 8
    }
}
