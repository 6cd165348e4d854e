//! A ring's memory that a hostile peer can reach.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ringfence::shm::{Geometry, Words};

/// Zeroed words on the heap; clones share them.
#[derive(Debug, Clone)]
pub struct Heap {
    words: Arc<[AtomicU64]>,
    lines: usize,
}

/// Words of a line: the layout that a hostile peer knows.
const LINE_WORDS: usize = 8;

impl Heap {
    pub fn new(geometry: Geometry) -> Self {
        let words = (0..geometry.memory_bytes() / 8).map(|_| AtomicU64::new(0)).collect();
        Self { words, lines: geometry.lines() as usize }
    }

    pub fn load(&self, index: usize) -> u64 {
        self.word(index).load(Ordering::Relaxed)
    }

    pub fn store(&self, index: usize, value: u64) {
        self.word(index).store(value, Ordering::Relaxed);
    }

    /// Index of the tag word of the line at `position`.
    pub fn tag_word(&self, position: u64) -> usize {
        // The lines are the last thing in memory.
        let first = self.words.len() - self.lines * LINE_WORDS;
        first + (position % self.lines as u64) as usize * LINE_WORDS
    }

    /// The payload of a record of `bytes` bytes at `position`, as whoever reads the memory finds it.
    pub fn payload(&self, position: u64, bytes: usize) -> Vec<u8> {
        let words = (0..bytes.div_ceil(8)).flat_map(|index| {
            let line = self.tag_word(position + (index / (LINE_WORDS - 1)) as u64);
            self.load(line + 1 + index % (LINE_WORDS - 1)).to_ne_bytes()
        });
        words.take(bytes).collect()
    }
}

impl Words for Heap {
    fn words(&self, index: usize, count: usize) -> &[AtomicU64] {
        &self.words[index..index + count]
    }

    fn len(&self) -> usize {
        self.words.len()
    }
}
