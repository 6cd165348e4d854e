//! Fast writers, slow readers, and memory that anybody may have written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
struct Heap(Arc<[AtomicU64]>);

impl Words for Heap {
    fn words(&self, index: usize, count: usize) -> &[AtomicU64] {
        &self.0[index..index + count]
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

fn heap(cells: usize) -> Heap {
    Heap((0..HEADER_WORDS + cells * CELL_WORDS).map(|_| AtomicU64::new(0)).collect())
}

/// A record that shows whether it is whole: its number, then bytes that follow from it.
fn record(number: u64, length: usize) -> Vec<u8> {
    let fill = (0..length).map(|index| (number as u8).wrapping_mul(31).wrapping_add(index as u8));
    number.to_le_bytes().into_iter().chain(fill).collect()
}

fn number_of(bytes: &[u8]) -> u64 {
    let number = u64::from_le_bytes(*bytes.first_chunk().unwrap());
    assert_eq!(bytes, record(number, bytes.len() - 8), "a torn record");
    number
}

proptest! {
    #[test]
    fn records_come_in_order_and_what_is_missed_is_counted(
        steps in prop::collection::vec((0..20usize, 0..700usize, 0..20usize), 0..60),
    ) {
        let heap = heap(16);
        let (mut writer, mut reader) = (TapeWriter::new(heap.clone()), TapeReader::new(heap));
        let (mut written, mut next, mut bytes) = (0, 0, Vec::new());
        for (writes, length, reads) in steps {
            for _ in 0..writes {
                writer.write(&record(written, length));
                written += 1;
            }
            for _ in 0..reads {
                if !reader.read(&mut bytes) {
                    break;
                }
                let number = number_of(&bytes);
                prop_assert!(number >= next);
                next = number + 1;
            }
        }
        while reader.read(&mut bytes) {
            next = number_of(&bytes) + 1;
        }
        prop_assert_eq!(next, written);
    }

    #[test]
    fn nonsense_neither_hurts_a_reader_nor_keeps_it(
        words in prop::collection::vec(any::<u64>(), HEADER_WORDS + 4 * CELL_WORDS),
        position in 0..40u64,
        stamps in any::<bool>(),
    ) {
        let heap = heap(4);
        let mut reader = TapeReader::new(heap.clone());
        for (word, value) in heap.0.iter().zip(&words) {
            word.store(*value, Ordering::Relaxed);
        }
        if stamps {
            // As if they were due, whatever is in them.
            heap.0[HEAD].store(position, Ordering::Relaxed);
            for position in position.saturating_sub(4)..position {
                heap.0[first_word(position, 4)].store(position << 2 | (words[0] & FIRST), Ordering::Relaxed);
            }
        }
        let mut bytes = Vec::new();
        for _ in 0..20 {
            reader.read(&mut bytes);
            prop_assert!(bytes.capacity() <= 2 * LONGEST);
        }
    }
}

#[test]
fn a_reader_that_keeps_up_misses_nothing() {
    let heap = heap(64);
    let mut writer = TapeWriter::new(heap.clone());
    writer.write(&record(0, 0));
    let (mut reader, mut bytes) = (TapeReader::new(heap), Vec::new());
    assert!(!reader.read(&mut bytes), "what was written before is not for it");
    for number in 1..5000 {
        writer.write(&record(number, number as usize * 7 % 3000));
        assert!(reader.read(&mut bytes));
        assert_eq!(number_of(&bytes), number);
    }
    assert!(!reader.read(&mut bytes));
    assert_eq!(reader.lost(), 0);
}

#[test]
fn a_reader_that_was_lapped_goes_on_near_the_oldest_and_knows_how_many_it_missed() {
    let heap = heap(64);
    let (mut writer, mut reader) = (TapeWriter::new(heap.clone()), TapeReader::new(heap));
    for number in 0..1000 {
        writer.write(&record(number, 8));
    }
    let (mut read, mut bytes) = (Vec::new(), Vec::new());
    while reader.read(&mut bytes) {
        read.push(number_of(&bytes));
    }
    assert_eq!(read, (1000 - 48..1000).collect::<Vec<_>>());
    assert_eq!(reader.lost(), 1000 - 48);
    // Too long for the tape: missed by all, and counted.
    writer.write(&vec![0; LONGEST + 1]);
    writer.write(&record(1001, 8));
    assert!(reader.read(&mut bytes));
    assert_eq!((number_of(&bytes), reader.lost()), (1001, 1000 - 47));
}

/// Without a word of synchronisation but the tape's own.
#[test]
fn fast_writers_and_slow_readers_tear_nothing() {
    let (heap, done) = (heap(32), Arc::new(AtomicBool::new(false)));
    let mut readers = Vec::new();
    for pause in [0, 50, 2000] {
        let (mut reader, done) = (TapeReader::new(heap.clone()), Arc::clone(&done));
        readers.push(std::thread::spawn(move || {
            let (mut next, mut got, mut bytes) = (0, 0, Vec::new());
            loop {
                let over = done.load(Ordering::Acquire);
                while reader.read(&mut bytes) {
                    let number = number_of(&bytes);
                    assert!(number >= next, "{number} came after {next}");
                    (next, got) = (number + 1, got + 1);
                    (0..pause).for_each(|_| std::hint::spin_loop());
                }
                if over {
                    return (next, got, reader.lost());
                }
                std::thread::yield_now();
            }
        }));
    }
    let mut writer = TapeWriter::new(heap);
    let total = 40_000;
    for number in 0..total {
        writer.write(&record(number, number as usize * 13 % 400));
        if number % 64 == 0 {
            std::thread::yield_now();
        }
    }
    done.store(true, Ordering::Release);
    for reader in readers {
        let (next, got, lost) = reader.join().unwrap();
        assert_eq!((next, got + lost), (total, total));
    }
}
