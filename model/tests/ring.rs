//! Every interleaving of a producer and a consumer, as far as the model checker can walk.
//!
//! Run with `cargo test -p ringfence-model`.

use loom::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;
use ringfence_model::{Consumer, Geometry, Producer, Record, RingError, Words};

#[derive(Debug, Clone)]
struct Model(Arc<Vec<AtomicU64>>);

impl Words for Model {
    fn words(&self, index: usize, count: usize) -> &[AtomicU64] {
        &self.0[index..index + count]
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

fn ring() -> (Producer<Model>, Consumer<Model>) {
    let geometry = Geometry::from_lines(2).unwrap();
    let words = (0..geometry.memory_bytes() / 8).map(|_| AtomicU64::new(0)).collect();
    let model = Model(Arc::new(words));
    (Producer::new(model.clone(), geometry), Consumer::new(model, geometry))
}

/// An eventfd, as far as sleepers see it: rung before or during the sleep, it ends it.
#[derive(Debug, Clone)]
struct Bell(Arc<(Mutex<bool>, Condvar)>);

impl Bell {
    fn new() -> Self {
        Self(Arc::new((Mutex::new(false), Condvar::new())))
    }

    fn ring(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_one();
    }

    /// Blocks until the bell rings. A lost wake-up is a deadlock, which loom reports.
    fn sleep(&self) {
        let mut rung = self.0.0.lock().unwrap();
        while !*rung {
            rung = self.0.1.wait(rung).unwrap();
        }
        *rung = false;
    }
}

fn push(producer: &mut Producer<Model>, value: u64, space: &Bell, data: &Bell) {
    loop {
        match producer.reserve(8) {
            Ok(mut reservation) => {
                reservation.put(0, &value.to_le_bytes());
                if reservation.commit() {
                    data.ring();
                }
                return;
            }
            Err(RingError::Full { bytes, .. }) => {
                if producer.prepare_sleep(bytes) {
                    space.sleep();
                    producer.awake();
                }
            }
            Err(error) => panic!("{error}"),
        }
    }
}

fn pop(consumer: &mut Consumer<Model>, space: &Bell, data: &Bell) -> u64 {
    let mut record = Record::default();
    loop {
        if let Some(popped) = consumer.pop(&mut record).unwrap() {
            if popped.wake_producer {
                space.ring();
            }
            return u64::from_le_bytes(record.bytes().try_into().unwrap());
        }
        if consumer.release() {
            space.ring();
        }
        if consumer.prepare_sleep() {
            data.sleep();
            consumer.awake();
        }
    }
}

/// One record that both sides sleep for: the store–load race of the doorbell.
#[test]
fn no_wake_up_is_lost() {
    loom::model(|| {
        let (mut producer, mut consumer) = ring();
        let (space, data) = (Bell::new(), Bell::new());
        let (their_space, their_data) = (space.clone(), data.clone());
        let writer = thread::spawn(move || push(&mut producer, 1, &their_space, &their_data));
        assert_eq!(pop(&mut consumer, &space, &data), 1);
        writer.join().unwrap();
    });
}

/// More records than lines: wrapping around, a full ring, and the producer's sleep.
#[test]
fn records_wrap_around_in_order() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let (mut producer, mut consumer) = ring();
        let (space, data) = (Bell::new(), Bell::new());
        let (their_space, their_data) = (space.clone(), data.clone());
        let writer = thread::spawn(move || {
            for value in 1..=3 {
                push(&mut producer, value, &their_space, &their_data);
            }
        });
        for value in 1..=3 {
            assert_eq!(pop(&mut consumer, &space, &data), value);
        }
        writer.join().unwrap();
    });
}

/// Payload of a record of two lines is complete once its tag is seen.
#[test]
fn a_published_record_is_whole() {
    loom::model(|| {
        let (mut producer, mut consumer) = ring();
        let writer = thread::spawn(move || {
            let mut reservation = producer.reserve(64).unwrap();
            reservation.put(0, &[7; 64]);
            let _ = reservation.commit();
        });
        let mut record = Record::default();
        if consumer.pop(&mut record).unwrap().is_some() {
            assert_eq!(record.bytes(), [7; 64]);
        }
        writer.join().unwrap();
    });
}

/// A side that says something and closes the connection: whoever sees the end looks once more, and finds what was said.
/// The socket's hang-up is a flag of the kernel's here, which ends a sleep as the doorbell does.
#[test]
fn what_was_said_before_the_end_is_found() {
    loom::model(|| {
        let (mut producer, mut consumer) = ring();
        let (space, data) = (Bell::new(), Bell::new());
        let hung_up = Arc::new(AtomicBool::new(false));
        let (their_data, theirs) = (data.clone(), hung_up.clone());
        let writer = thread::spawn(move || {
            push(&mut producer, 1, &space, &their_data);
            // ORDERING: Release and Acquire are what the kernel's own locks give a hang-up at least.
            theirs.store(true, Ordering::Release);
            their_data.ring();
        });
        let mut record = Record::default();
        let mut gone = false;
        while consumer.pop(&mut record).unwrap().is_none() {
            assert!(!gone, "the end was seen before what was said");
            gone = hung_up.load(Ordering::Acquire);
            if !gone && consumer.prepare_sleep() {
                data.sleep();
                consumer.awake();
            }
        }
        assert_eq!(record.bytes(), 1u64.to_le_bytes());
        writer.join().unwrap();
    });
}
