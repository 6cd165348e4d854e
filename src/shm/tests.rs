//! Ring, memory and doorbell, with honest and with lying peers.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};

use super::*;

/// Words that a test can reach behind the ring's back.
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

fn ring(lines: u32) -> (Heap, Producer<Heap>, Consumer<Heap>) {
    let geometry = Geometry::from_lines(lines).unwrap();
    let words = (0..geometry.memory_bytes() / 8).map(|_| AtomicU64::new(0)).collect();
    let heap = Heap(words);
    (heap.clone(), Producer::new(heap.clone(), geometry), Consumer::new(heap, geometry))
}

fn push(producer: &mut Producer<Heap>, bytes: &[u8]) -> Result<bool, RingError> {
    let mut reservation = producer.reserve(bytes.len())?;
    reservation.put(0, bytes);
    Ok(reservation.commit())
}

fn pop(consumer: &mut Consumer<Heap>) -> Option<Vec<u8>> {
    let mut record = Record::default();
    consumer.pop(&mut record).unwrap().map(|_| record.bytes().to_vec())
}

const HEAD_WORD: usize = 0;
const FIRST_LINE_WORD: usize = 96;

proptest! {
    #[test]
    fn records_come_out_as_they_went_in(
        operations in prop::collection::vec(prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300).prop_map(Some),
            Just(None),
        ], 0..200)
    ) {
        let (_, mut producer, mut consumer) = ring(8);
        let mut expected = std::collections::VecDeque::new();
        for operation in operations {
            match operation {
                Some(bytes) => match push(&mut producer, &bytes) {
                    Ok(_) => expected.push_back(bytes),
                    Err(RingError::Full { .. }) => prop_assert!(!expected.is_empty()),
                    Err(error) => prop_assert!(false, "{error}"),
                },
                None => {
                    prop_assert_eq!(pop(&mut consumer), expected.pop_front());
                    let _ = consumer.release();
                }
            }
        }
    }

    #[test]
    fn pieces_may_be_written_in_any_order(mut pieces in prop::collection::vec(1usize..40, 1..12), seed in any::<u64>()) {
        let (_, mut producer, mut consumer) = ring(16);
        let total: usize = pieces.iter().sum();
        let bytes: Vec<u8> = (0..total).map(|index| (index as u64 ^ seed) as u8).collect();
        let mut offset = 0;
        let mut ranges: Vec<_> = pieces.drain(..).map(|length| { offset += length; offset - length..offset }).collect();
        ranges.sort_by_key(|range| (range.start as u64).wrapping_mul(seed | 1));
        let mut reservation = producer.reserve(total).unwrap();
        for range in ranges {
            reservation.put(range.start, &bytes[range]);
        }
        let _ = reservation.commit();
        prop_assert_eq!(pop(&mut consumer), Some(bytes));
    }

    #[test]
    fn no_memory_makes_the_consumer_panic(words in prop::collection::vec(any::<u64>(), 64)) {
        let (heap, _, mut consumer) = ring(8);
        for (index, word) in words.into_iter().enumerate() {
            heap.word(FIRST_LINE_WORD + index).store(word, Ordering::Relaxed);
        }
        let mut record = Record::default();
        while let Ok(Some(_)) = consumer.pop(&mut record) {}
    }
}

#[test]
fn a_payload_that_looks_like_a_tag_is_not_taken_for_one() {
    let (_, mut producer, mut consumer) = ring(4);
    let start = 4u64;
    for position in start..start + 400 {
        // Payload words that are the very tags that come next.
        let forged: Vec<u8> = (0..7).flat_map(|ahead| ((position + ahead) << 32 | 8).to_ne_bytes()).collect();
        push(&mut producer, &forged).unwrap();
        assert_eq!(pop(&mut consumer), Some(forged));
        assert_eq!(pop(&mut consumer), None);
    }
}

#[test]
fn a_record_may_fill_the_ring_and_no_more() {
    let (_, mut producer, mut consumer) = ring(4);
    let bytes = [7; 4 * LINE_PAYLOAD_BYTES];
    push(&mut producer, &bytes).unwrap();
    assert_eq!(push(&mut producer, b""), Err(RingError::Full { bytes: 0, needed: 1, free: 0 }));
    assert_eq!(pop(&mut consumer), Some(bytes.to_vec()));
    push(&mut producer, b"next").unwrap();
    let too_large = RingError::TooLarge { bytes: 225, capacity: 224 };
    assert_eq!(producer.reserve(225).unwrap_err(), too_large);
    assert_eq!(too_large.to_string(), "a record of 225 bytes exceeds the ring's 224");
}

#[test]
fn an_abandoned_reservation_leaves_no_trace() {
    let (_, mut producer, mut consumer) = ring(4);
    producer.reserve(100).unwrap().put(0, &[1; 100]);
    assert_eq!(pop(&mut consumer), None);
    push(&mut producer, b"kept").unwrap();
    assert_eq!(pop(&mut consumer), Some(b"kept".to_vec()));
}

#[test]
fn only_a_sleeper_is_woken_and_only_once() {
    let (_, mut producer, mut consumer) = ring(4);
    assert!(!push(&mut producer, b"awake").unwrap());
    assert!(!consumer.prepare_sleep(), "a record is there");
    pop(&mut consumer).unwrap();
    assert!(consumer.prepare_sleep());
    assert!(push(&mut producer, b"first").unwrap());
    assert!(!push(&mut producer, b"second").unwrap());

    while producer.reserve(56).map(|reservation| reservation.commit()).is_ok() {}
    assert!(producer.prepare_sleep(56));
    let mut record = Record::default();
    let mut woken = 0;
    while let Some(popped) = consumer.pop(&mut record).unwrap() {
        woken += u32::from(popped.wake_producer);
    }
    assert_eq!(woken + u32::from(consumer.release()), 1);
    assert!(!producer.prepare_sleep(56), "there is room");
}

#[test]
fn both_ends_count() {
    let (heap, mut producer, mut consumer) = ring(4);
    push(&mut producer, b"one").unwrap();
    pop(&mut consumer).unwrap();
    assert!(consumer.prepare_sleep());
    producer.note_ring(1000);
    assert!(push(&mut producer, b"three").unwrap());
    assert_eq!(consumer.count_sleep(true, 1500), Some(500));
    pop(&mut consumer).unwrap();
    while producer.reserve(56).map(|reservation| reservation.commit()).is_ok() {}
    assert!(producer.prepare_sleep(56));
    let counters = RingCounters::read(&heap);
    let sent = SentCounters {
        records: 2 + counters.sent.high_water_lines,
        bytes: 8 + 56 * counters.sent.high_water_lines,
        wake_ups: 1,
        wake_ups_elided: 1 + counters.sent.high_water_lines,
        full: 1,
        high_water_lines: 4,
    };
    assert_eq!(counters.sent, sent);
    let received = ReceivedCounters { records: 2, looks: 0, sleeps: 1, spurious: 0, last_wake_up_ns: 500 };
    assert_eq!(counters.received, received);
}

#[test]
fn lies_are_errors_with_their_numbers() {
    let (heap, mut producer, _) = ring(2);
    push(&mut producer, b"a").unwrap();
    push(&mut producer, b"b").unwrap();
    heap.word(HEAD_WORD).store(99, Ordering::Relaxed);
    assert_eq!(push(&mut producer, b"c"), Err(RingError::BadHead { head: 99, earliest: 2, latest: 4 }));

    let (heap, _, mut consumer) = ring(2);
    heap.word(FIRST_LINE_WORD).store(2 << 32 | 113, Ordering::Relaxed);
    let error = consumer.pop(&mut Record::default()).unwrap_err();
    assert_eq!(error, RingError::BadLength { bytes: 113, capacity: 112 });
    heap.word(FIRST_LINE_WORD).store(2 << 32 | u64::from(u32::MAX), Ordering::Relaxed);
    let error = consumer.pop(&mut Record::default()).unwrap_err();
    assert_eq!(error, RingError::BadStart { position: 2 });
}

#[test]
fn threads_exchange_a_million_records_over_shared_memory() {
    const RECORDS: u64 = 1_000_000;
    let geometry = Geometry::from_lines(64).unwrap();
    let memory = SharedMemory::create("ringfence-test", geometry.memory_bytes()).unwrap();
    let other = SharedMemory::adopt(memory.as_fd().try_clone_to_owned().unwrap(), memory.bytes()).unwrap();
    let mut producer = Producer::new(memory.map().unwrap(), geometry);
    let mut consumer = Consumer::new(other.map().unwrap(), geometry);
    let writer = std::thread::spawn(move || {
        for number in 0..RECORDS {
            let bytes = [number as u8; 200];
            let length = 8 + (number % 190) as usize;
            loop {
                match producer.reserve(length) {
                    Ok(mut reservation) => {
                        reservation.put(0, &number.to_le_bytes());
                        reservation.put(8, &bytes[..length - 8]);
                        let _ = reservation.commit();
                        break;
                    }
                    Err(RingError::Full { .. }) => std::thread::yield_now(),
                    Err(error) => panic!("{error}"),
                }
            }
        }
    });
    let mut record = Record::default();
    for number in 0..RECORDS {
        while consumer.pop(&mut record).unwrap().is_none() {
            let _ = consumer.release();
            std::thread::yield_now();
        }
        let (head, tail) = record.bytes().split_at(8);
        assert_eq!(head, number.to_le_bytes());
        assert_eq!(tail.len() as u64, number % 190);
        assert!(tail.iter().all(|&byte| byte == number as u8));
    }
    writer.join().unwrap();
}

/// Bursts of few and of many records between sleeps: the consumer takes over the producer's fences, gives them back, and
/// takes them again, while the two race for the last record of each burst.
#[test]
fn bursts_of_every_size_lose_no_wake_up() {
    const BURSTS: u64 = 4000;
    let geometry = Geometry::from_lines(512).unwrap();
    let memory = SharedMemory::create("ringfence-test", geometry.memory_bytes()).unwrap();
    let other = SharedMemory::adopt(memory.as_fd().try_clone_to_owned().unwrap(), memory.bytes()).unwrap();
    let mut producer = Producer::new(memory.map().unwrap(), geometry);
    let mut consumer = Consumer::new(other.map().unwrap(), geometry);
    let bell = Arc::new(Doorbell::new().unwrap());
    let taken = Arc::new(AtomicU64::new(0));
    let (their_bell, their_taken) = (Arc::clone(&bell), Arc::clone(&taken));
    let writer = std::thread::spawn(move || {
        let mut sent = 0u64;
        for burst in 0..BURSTS {
            // Below and above what makes a consumer busy, several of each in a row.
            let records = if burst / 5 % 2 == 0 { burst % 4 + 1 } else { 60 + burst % 100 };
            for _ in 0..records {
                let mut reservation = producer.reserve(8).expect("a burst fits the ring");
                reservation.put(0, &sent.to_le_bytes());
                sent += 1;
                if reservation.commit() {
                    their_bell.ring();
                }
            }
            // ORDERING: Acquire: the consumer has given the lines back before it counts them.
            while their_taken.load(Ordering::Acquire) < sent {
                std::hint::spin_loop();
                std::thread::yield_now();
            }
        }
        sent
    });
    let mut record = Record::default();
    let mut next = 0u64;
    let (mut offered, mut withdrawn) = (false, false);
    while !writer.is_finished() {
        while consumer.pop(&mut record).unwrap().is_some() {
            assert_eq!(record.bytes(), next.to_le_bytes());
            next += 1;
        }
        let _ = consumer.release();
        // ORDERING: Release, as above.
        taken.store(next, Ordering::Release);
        let fences = consumer.fences_for_both();
        offered |= fences;
        withdrawn |= offered && !fences;
        if !consumer.prepare_sleep() {
            continue;
        }
        let timeout = Timespec { tv_sec: 0, tv_nsec: 500_000_000 };
        let woken = poll(&mut [PollFd::new(&*bell, PollFlags::IN)], Some(&timeout)).unwrap();
        consumer.awake();
        bell.clear();
        assert!(woken == 1 || writer.is_finished() || !consumer.is_ready(), "a wake-up was lost at {next}");
    }
    assert_eq!(writer.join().unwrap(), next);
    assert!(!barrier::register() || (offered && withdrawn), "offered {offered}, withdrawn {withdrawn}");
}

#[test]
fn memory_that_could_shrink_is_refused() {
    let plain: OwnedFd = memfd_create("plain", MemfdFlags::ALLOW_SEALING).unwrap();
    rustix::fs::ftruncate(&plain, 4096).unwrap();
    assert!(matches!(SharedMemory::adopt(plain, 4096), Err(MemoryError::MissingSeals { .. })));

    let file = tempfile::tempfile().unwrap();
    assert!(matches!(SharedMemory::adopt(file.into(), 0), Err(MemoryError::NotSealable { .. })));

    let memory = SharedMemory::create("short", 4096).unwrap();
    let error = SharedMemory::adopt(memory.as_fd().try_clone_to_owned().unwrap(), 8192).unwrap_err();
    assert_eq!(error, MemoryError::WrongSize { announced: 8192, found: 4096 });
    assert!(rustix::fs::ftruncate(memory.as_fd(), 0).is_err(), "sealed memory was shrunk");
}

#[test]
fn a_silent_doorbell_never_blocks_whatever_the_peer_does_to_its_flags() {
    let bell = Doorbell::new().unwrap();
    let theirs = bell.as_fd().try_clone_to_owned().unwrap();
    rustix::fs::fcntl_setfl(&theirs, rustix::fs::OFlags::empty()).unwrap();
    let (done, cleared) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        bell.clear();
        done.send(()).unwrap();
    });
    cleared.recv_timeout(std::time::Duration::from_secs(30)).expect("the doorbell blocks");
}

#[test]
fn a_doorbell_rung_twice_wakes_once() {
    let bell = Doorbell::new().unwrap();
    let readable = |bell: &Doorbell| {
        let mut fds = [rustix::event::PollFd::new(bell, rustix::event::PollFlags::IN)];
        rustix::event::poll(&mut fds, Some(&rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() == 1
    };
    assert!(!readable(&bell));
    bell.ring();
    bell.ring();
    assert!(readable(&bell));
    bell.clear();
    assert!(!readable(&bell));
}
