//! A tape: one writer that never waits, and any number of readers, who may be too slow and are told what they missed.
//!
//! # Layout
//!
//! A header of 128 bytes, in which the writer says how far it is, then *cells* of 128 bytes, used again and again. A cell
//! starts with its *stamp*: its position, which never repeats, whether a record starts in it, and whether it is being
//! written. Fifteen words follow. A record takes as many cells as it needs:
//!
//! ```text
//! cell p     │ stamp: p, first │ number of the record │ its bytes │ 13 words of it │   ◀ published last
//! cell p + 1 │ stamp: p + 1    │ 15 words of it                                    │
//! ```
//!
//! # Who is sure of what
//!
//! The writer reads nothing. A reader copies a cell and then looks whether its stamp is still the one that was due (a
//! sequence lock a cell; Boehm, "Can seqlocks get along with programming language memory models?", 2012), so a record is
//! either whole or missed. Everything that it finds is checked, as anybody might have written it.

use super::words::{Ordering, Words, fence};

/// Words of a cell, its stamp among them. Fewer for the model checker, which looks at each in turn.
const CELL_WORDS: usize = if cfg!(loom) { 4 } else { 16 };
/// Words of a cell that carry a record.
const PAYLOAD_WORDS: usize = CELL_WORDS - 1;
/// Words of a record before its bytes.
const PREFIX_WORDS: usize = 2;
/// Words before the first cell.
const HEADER_WORDS: usize = 16;
/// Position of the next record.
const HEAD: usize = 0;
/// Records so far.
const RECORDS: usize = 1;

/// In a stamp: the cell is being written.
const BUSY: u64 = 1;
/// In a stamp: a record starts here.
const FIRST: u64 = 2;
/// Positions that a stamp can tell apart.
const POSITIONS: u64 = u64::MAX >> 2;

/// Bytes of the longest record.
const LONGEST: usize = 8 << 10;
/// Times that a reader starts anew before it says that there is nothing.
const ATTEMPTS: usize = 4;

/// The end of a tape that writes.
#[derive(Debug)]
pub struct TapeWriter<M> {
    memory: M,
    cells: u64,
    position: u64,
    records: u64,
}

/// An end of a tape that reads.
#[derive(Debug)]
pub struct TapeReader<M> {
    memory: M,
    cells: u64,
    position: u64,
    /// Number of the record that comes next, if none is missed.
    expected: u64,
    lost: u64,
}

/// Why a cell could not be read.
enum Missed {
    /// It has not been written yet.
    NotYet,
    /// It was written over.
    Over,
}

impl<M: Words> TapeWriter<M> {
    /// Bytes of the longest record that is kept.
    pub const LONGEST: usize = LONGEST;

    /// The writer of a fresh tape: in all of this memory, which is zero.
    ///
    /// # Panics
    /// If there is no room for a cell.
    #[must_use]
    pub fn new(memory: M) -> Self {
        let cells = cells_in(&memory);
        // A lap on, so that fresh memory holds no stamp that is due.
        Self { memory, cells, position: cells, records: 0 }
    }

    /// Writes a record over the oldest ones. One that is longer than [`TapeWriter::LONGEST`], or than half of the tape, is
    /// missed by all readers.
    pub fn write(&mut self, record: &[u8]) {
        let number = self.records;
        self.records += 1;
        let cells = cells_of(record.len());
        if record.len() <= LONGEST && cells <= self.cells / 2 {
            for cell in (0..cells).rev() {
                self.write_cell(cell, number, record);
            }
            self.position += cells;
        }
        // ORDERING: Release: who sees the head sees the records before it; they check their stamps all the same.
        self.memory.word(RECORDS).store(self.records, Ordering::Release);
        self.memory.word(HEAD).store(self.position, Ordering::Release);
    }

    fn write_cell(&self, cell: u64, number: u64, record: &[u8]) {
        let position = self.position + cell;
        let words = self.memory.words(first_word(position, self.cells), CELL_WORDS);
        let stamp = position << 2 | if cell == 0 { FIRST } else { 0 };
        // ORDERING: Relaxed, then a Release fence: a reader that has seen any of the words stored below, and then has run
        // an Acquire fence, sees this stamp or a later one, and knows that what it has is torn.
        words[0].store(stamp | BUSY, Ordering::Relaxed);
        fence(Ordering::Release);
        for (word, index) in words[1..].iter().zip(cell as usize * PAYLOAD_WORDS..) {
            let value = match index {
                0 => number,
                1 => record.len() as u64,
                _ => {
                    let left = record.get((index - PREFIX_WORDS) * 8..).unwrap_or_default();
                    let mut bytes = [0; 8];
                    let length = left.len().min(8);
                    bytes[..length].copy_from_slice(&left[..length]);
                    u64::from_ne_bytes(bytes)
                }
            };
            // ORDERING: Relaxed: between the fence and the Release store of the stamp.
            word.store(value, Ordering::Relaxed);
        }
        // ORDERING: Release pairs with the reader's Acquire load: who sees the stamp sees the words.
        words[0].store(stamp, Ordering::Release);
    }
}

impl<M: Words> TapeReader<M> {
    /// A reader of what is written from now on.
    ///
    /// # Panics
    /// As [`TapeWriter::new`].
    #[must_use]
    pub fn new(memory: M) -> Self {
        let cells = cells_in(&memory);
        // ORDERING: Acquire, as in `TapeWriter::write`. The two are not read as one: a record that is written meanwhile
        // may be delivered, and no more is made of it.
        let expected = memory.word(RECORDS).load(Ordering::Acquire);
        let position = (memory.word(HEAD).load(Ordering::Acquire) & POSITIONS).max(cells);
        Self { memory, cells, position, expected, lost: 0 }
    }

    /// Copies the next record into `record`. Returns whether there was one.
    ///
    /// However the memory changes meanwhile, this ends, and takes no more than a record's memory.
    pub fn read(&mut self, record: &mut Vec<u8>) -> bool {
        for _ in 0..ATTEMPTS {
            match self.try_read(record) {
                Ok(()) => return true,
                Err(Missed::NotYet) => return false,
                Err(Missed::Over) => self.skip(),
            }
        }
        false
    }

    /// Records that were written over before they were read, as far as later ones have told.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    fn try_read(&mut self, record: &mut Vec<u8>) -> Result<(), Missed> {
        record.clear();
        let [number, length, start @ ..] = self.take(self.position, FIRST)?;
        let length = usize::try_from(length).ok().filter(|length| *length <= LONGEST).ok_or(Missed::Over)?;
        let cells = cells_of(length);
        if cells > self.cells / 2 {
            return Err(Missed::Over);
        }
        record.extend(start.into_iter().flat_map(u64::to_ne_bytes));
        for cell in 1..cells {
            // What follows the first cell was written before it.
            let words = self.take(self.position + cell, 0).map_err(|_| Missed::Over)?;
            record.extend(words.into_iter().flat_map(u64::to_ne_bytes));
        }
        record.truncate(length);
        self.lost = self.lost.saturating_add(number.saturating_sub(self.expected));
        self.expected = number.wrapping_add(1);
        self.position = (self.position + cells) & POSITIONS;
        Ok(())
    }

    /// The words of the cell at `position`, whole.
    fn take(&self, position: u64, first: u64) -> Result<[u64; PAYLOAD_WORDS], Missed> {
        let words = self.memory.words(first_word(position, self.cells), CELL_WORDS);
        let due = (position & POSITIONS) << 2 | first;
        // ORDERING: Acquire pairs with the Release store of the stamp.
        let stamp = words[0].load(Ordering::Acquire);
        if stamp != due {
            let is_due = stamp >> 2 < position || stamp == due | BUSY;
            return Err(if is_due { Missed::NotYet } else { Missed::Over });
        }
        // ORDERING: Relaxed, between the Acquire load above and the Acquire fence below. Each word is read once.
        let copy = std::array::from_fn(|word| words[word + 1].load(Ordering::Relaxed));
        // ORDERING: pairs with the fence in `write_cell`, which see.
        fence(Ordering::Acquire);
        if words[0].load(Ordering::Relaxed) == due { Ok(copy) } else { Err(Missed::Over) }
    }

    /// Goes on with the oldest record that will not be written over at once.
    fn skip(&mut self) {
        // ORDERING: Acquire, as in `TapeWriter::write`.
        let head = self.memory.word(HEAD).load(Ordering::Acquire) & POSITIONS;
        let oldest = head.saturating_sub(self.cells - self.cells.div_ceil(4)).max(self.position + 1);
        let is_first = |position: &u64| {
            let stamp = self.memory.word(first_word(*position, self.cells));
            // ORDERING: Relaxed: a hint, which `take` looks at again.
            stamp.load(Ordering::Relaxed) == position << 2 | FIRST
        };
        // No more positions than there are cells.
        self.position = (oldest..head).find(is_first).unwrap_or(head);
    }
}

fn cells_in<M: Words>(memory: &M) -> u64 {
    let cells = memory.len().saturating_sub(HEADER_WORDS) / CELL_WORDS;
    assert!(cells != 0, "the memory does not hold a cell");
    cells as u64
}

fn cells_of(bytes: usize) -> u64 {
    (PREFIX_WORDS + bytes.div_ceil(8)).div_ceil(PAYLOAD_WORDS) as u64
}

fn first_word(position: u64, cells: u64) -> usize {
    HEADER_WORDS + (position % cells) as usize * CELL_WORDS
}

#[cfg(all(test, not(loom)))]
mod tests;
