//! The one way in and out of shared memory: 64-bit atomic words, one by one or a line of them.

#[cfg(not(loom))]
pub(super) use std::sync::atomic::{AtomicU64, Ordering, compiler_fence, fence};

#[cfg(loom)]
pub(super) use loom::sync::atomic::{AtomicU64, Ordering, fence};
#[cfg(loom)]
pub(super) use std::sync::atomic::compiler_fence;

#[cfg(not(loom))]
use memmap2::MmapRaw;

/// Words of a line of the ring.
pub(super) const LINE_WORDS: usize = 8;

/// A line in private memory.
pub type Line = [[u8; 8]; LINE_WORDS];

/// Memory seen as an array of atomic 64-bit words.
///
/// The ring is written against this trait, so that the model checker can run it over its own
/// atomics. All atomic accesses have one size, as mixed-size atomics have no defined meaning.
///
/// ```
/// use std::sync::atomic::Ordering;
/// use ringfence::shm::{SharedMemory, Words};
///
/// let memory = SharedMemory::create("example", 4096)?;
/// let (ours, theirs) = (memory.map()?, memory.map()?);
/// ours.word(7).store(42, Ordering::Release);
/// assert_eq!(theirs.word(7).load(Ordering::Acquire), 42);
/// # Ok::<_, ringfence::shm::MemoryError>(())
/// ```
pub trait Words {
    /// `count` words from `index`, in words from the start.
    ///
    /// # Panics
    /// If they are not all below [`Words::len`]. The ring masks every index first, so a peer cannot
    /// provoke this.
    fn words(&self, index: usize, count: usize) -> &[AtomicU64];

    /// The word at `index`.
    ///
    /// # Panics
    /// As [`Words::words`].
    #[inline]
    fn word(&self, index: usize) -> &AtomicU64 {
        &self.words(index, 1)[0]
    }

    /// Writes a line, word by word or more at once; some store that follows has to publish it.
    ///
    /// # Panics
    /// As [`Words::words`].
    #[inline]
    fn put_line(&self, index: usize, line: &Line) {
        for (word, bytes) in self.words(index, LINE_WORDS).iter().zip(line) {
            // ORDERING: Relaxed: it is published later.
            word.store(u64::from_ne_bytes(*bytes), Ordering::Relaxed);
        }
    }

    /// Reads a line, word by word or more at once, which some load before has found published.
    ///
    /// # Panics
    /// As [`Words::words`].
    #[inline]
    fn take_line(&self, index: usize) -> Line {
        let words = self.words(index, LINE_WORDS);
        // ORDERING: Relaxed: it is published. Each word is read once.
        std::array::from_fn(|word| words[word].load(Ordering::Relaxed).to_ne_bytes())
    }

    /// Number of words.
    fn len(&self) -> usize;

    /// Says that the line with the word at `index` will be written soon. Only speed depends on it.
    fn prefetch_for_writing(&self, _index: usize) {}

    /// Whether there are no words at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<M: Words> Words for std::sync::Arc<M> {
    #[inline]
    fn words(&self, index: usize, count: usize) -> &[AtomicU64] {
        (**self).words(index, count)
    }

    #[inline]
    fn put_line(&self, index: usize, line: &Line) {
        (**self).put_line(index, line);
    }

    #[inline]
    fn take_line(&self, index: usize) -> Line {
        (**self).take_line(index)
    }

    #[inline]
    fn len(&self) -> usize {
        (**self).len()
    }

    #[inline]
    fn prefetch_for_writing(&self, index: usize) {
        (**self).prefetch_for_writing(index);
    }
}

/// A shared mapping of a whole sealed memfd.
#[cfg(not(loom))]
#[derive(Debug)]
pub struct Mapped {
    raw: MmapRaw,
}

#[cfg(not(loom))]
impl Mapped {
    /// Wraps a mapping that [`super::SharedMemory`] has made and checked.
    pub(super) fn new(raw: MmapRaw) -> Self {
        Self { raw }
    }

    /// The 32-bit word at `index`, in 64-bit words from the start, for a futex. Who uses it so must never use
    /// the same word through [`Words`].
    ///
    /// # Panics
    /// If `index` is beyond the mapping.
    pub(crate) fn futex(&self, index: usize) -> &std::sync::atomic::AtomicU32 {
        assert!(index < self.raw.len() / 8, "word {index} is outside the mapping");
        // SAFETY: as for `Words::words` below; half of a word is aligned and inside wherever the word is.
        unsafe {
            std::sync::atomic::AtomicU32::from_ptr(self.raw.as_mut_ptr().cast::<u64>().add(index).cast())
        }
    }
}

#[cfg(not(loom))]
impl Words for Mapped {
    #[inline]
    fn words(&self, index: usize, count: usize) -> &[AtomicU64] {
        let inside = index.checked_add(count).is_some_and(|end| end <= self.raw.len() / 8);
        assert!(inside, "{count} words at {index} are outside the mapping");
        // SAFETY: the mapping is page aligned, readable, writable and at least `8 * (index + count)`
        // bytes long (checked above), and lives as long as `self`. The file behind it is sealed
        // against shrinking, so the pages stay. Other processes access the memory concurrently;
        // atomics are the one thing that a reference to it may show. `AtomicU64` is laid out as `u64`.
        unsafe { std::slice::from_raw_parts(self.raw.as_mut_ptr().cast::<AtomicU64>().add(index), count) }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn put_line(&self, index: usize, line: &Line) {
        super::line::put(self.words(index, LINE_WORDS), line);
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn take_line(&self, index: usize) -> Line {
        super::line::take(self.words(index, LINE_WORDS))
    }

    #[inline]
    fn len(&self) -> usize {
        self.raw.len() / 8
    }

    #[inline]
    fn prefetch_for_writing(&self, index: usize) {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
            let word = std::ptr::from_ref(self.word(index)).cast();
            // SAFETY: a prefetch is a hint, which has no effect on memory; the address lies in the mapping.
            unsafe { _mm_prefetch::<_MM_HINT_ET0>(word) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = index;
    }
}
