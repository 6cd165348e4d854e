//! A ring's producer whose consumer lies about what it has consumed.

use ringfence::shm::{Geometry, Producer, RingError};

use crate::heap::Heap;
use crate::input::Input;

/// The writing end: no head makes it panic or write over records that the last honest head had not freed.
///
/// The first byte is the size of the ring, then come operations: heads and flags that the hostile
/// consumer stores, and records that are written, committed or given up.
pub fn ring_producer(data: &[u8]) {
    let mut input = Input(data);
    let lines = 2u32 << (input.u8() % 5);
    let geometry = Geometry::from_lines(lines).expect("a power of two");
    let heap = Heap::new(geometry);
    let mut producer = Producer::new(heap.clone(), geometry);
    let start = u64::from(lines);
    let mut due = start;
    // The greatest head that was ever believed.
    let mut believed = start;
    let mut records = 0u64;
    while !input.is_empty() {
        match input.u8() % 7 {
            0 => heap.store(0, input.u64()),
            // A head that may be true.
            1 => heap.store(0, start.wrapping_add(u64::from(input.u8()))),
            2 => heap.store(0, due),
            3 => {
                let index = usize::from(input.u16()) % (geometry.memory_bytes() / 8);
                heap.store(index, input.u64());
            }
            4 => {
                let bytes = usize::from(input.u16());
                if producer.prepare_sleep(bytes) {
                    assert_ne!(heap.load(32), 0, "asleep without a flag");
                }
                believed = believe(&heap, believed, due, start);
            }
            5 => producer.awake(),
            _ => {
                let bytes = usize::from(input.u16()) % (geometry.capacity() + 9);
                let before = believed;
                let needed = bytes.div_ceil(56).max(1) as u64;
                if bytes <= geometry.capacity() && u64::from(lines) - (due - believed) < needed {
                    believed = believe(&heap, believed, due, start);
                }
                let free = u64::from(lines) - (due - believed);
                match producer.reserve(bytes) {
                    Ok(mut reservation) => {
                        assert!(needed <= free, "{needed} lines were handed out, {free} are free");
                        assert_eq!(reservation.position(), due, "positions have to ascend without gaps");
                        let piece = input.bytes(bytes);
                        let offset = (bytes - piece.len()) / 2;
                        reservation.put(offset, piece);
                        if input.u8() % 8 == 0 {
                            continue;
                        }
                        let _ = reservation.commit();
                        assert_eq!(heap.load(heap.tag_word(due)), due << 32 | bytes as u64);
                        assert_eq!(&heap.payload(due, bytes)[offset..offset + piece.len()], piece);
                        due += needed;
                        records += 1;
                        // Now and then a producer looks at the head though it has room.
                        if records.is_multiple_of(256) {
                            believed = believe(&heap, believed, due, start);
                        }
                    }
                    Err(RingError::Full { needed: n, free: f, .. }) => {
                        assert_eq!((n, f), (needed, free));
                        assert!(free < needed);
                    }
                    Err(RingError::TooLarge { .. }) => assert!(bytes > geometry.capacity()),
                    Err(RingError::BadHead { head, earliest, latest }) => {
                        assert_eq!((earliest, latest), (before, due));
                        assert!(head < earliest || head > latest);
                    }
                    Err(other) => panic!("a producer cannot fail with: {other}"),
                }
            }
        }
    }
}

/// The head in memory if it can be true, else the one believed before.
fn believe(heap: &Heap, before: u64, latest: u64, start: u64) -> u64 {
    let head = heap.load(0).max(start);
    if (before..=latest).contains(&head) { head } else { before }
}
