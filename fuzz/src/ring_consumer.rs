//! A ring's consumer whose producer writes whatever it likes, wherever it likes.

use ringfence::shm::{Consumer, Geometry, Producer, Record, RingError};

use crate::heap::Heap;
use crate::input::Input;

/// The reading end: no word in memory makes it panic, yield more than the ring holds, or go backwards.
///
/// The first byte is the size of the ring, then come operations: words that the hostile producer stores,
/// and what the consumer does in between.
pub fn ring_consumer(data: &[u8]) {
    let mut input = Input(data);
    let lines = 2 << (input.u8() % 5);
    let geometry = Geometry::from_lines(lines).expect("a power of two");
    let heap = Heap::new(geometry);
    let mut honest = Producer::new(heap.clone(), geometry);
    let mut consumer = Consumer::new(heap.clone(), geometry);
    let mut record = Record::default();
    // Where the consumer must be: it starts a lap on.
    let mut due = u64::from(lines);
    let mut released = 0;
    while !input.is_empty() {
        match input.u8() % 8 {
            0 => {
                let ready = consumer.is_ready();
                match consumer.pop(&mut record) {
                    Ok(Some(popped)) => {
                        assert!(ready, "a record came out though none was ready");
                        assert_eq!(popped.position, due, "positions have to ascend without gaps");
                        let bytes = record.bytes();
                        assert!(bytes.len() <= geometry.capacity(), "a record larger than the ring");
                        assert_eq!(bytes, heap.payload(due, bytes.len()));
                        due += bytes.len().div_ceil(56).max(1) as u64;
                    }
                    Ok(None) => assert!(!ready, "a ready record did not come out"),
                    Err(error) => {
                        assert!(ready);
                        match error {
                            RingError::BadLength { bytes, capacity } => assert!(bytes > capacity),
                            RingError::BadStart { position } => assert_eq!(position, due),
                            other => panic!("a consumer cannot fail with: {other}"),
                        }
                    }
                }
            }
            1 => {
                let index = usize::from(input.u16()) % (geometry.memory_bytes() / 8);
                heap.store(index, input.u64());
            }
            // A record that is due, of whatever length.
            2 => heap.store(heap.tag_word(due), due << 32 | u64::from(input.u32())),
            3 => {
                let length = u64::from(input.u16()) % (geometry.capacity() as u64 + 2);
                heap.store(heap.tag_word(due), due << 32 | length);
            }
            4 => {
                let _ = consumer.release();
            }
            5 => {
                if consumer.prepare_sleep() {
                    assert!(!consumer.is_ready(), "asleep beside a record");
                }
            }
            6 => consumer.awake(),
            // A producer that keeps the rules, until it is lost in what the hostile one left.
            _ => {
                let length = usize::from(input.u8());
                if let Ok(mut reservation) = honest.reserve(length) {
                    let bytes = input.bytes(length);
                    reservation.put(length - bytes.len(), bytes);
                    let _ = reservation.commit();
                }
            }
        }
        // The head that the consumer publishes, unless the hostile producer has written over it.
        if consumer.release() || heap.load(0) == due {
            assert!(released <= due);
            released = due;
        }
    }
}
