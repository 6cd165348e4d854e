//! The rivals: round trips and messages one way.

use std::hint::{black_box, spin_loop};

use ringfence::bench::{CACHE_LINE, EVENTFD, MESSAGE_SIZES, STREAM_RING, Samples, pin, unpin};
use ringfence::interfaces::bench::Rival;
use rtrb::{Consumer, Producer, RingBuffer};

use super::limits::quiet_pair;
use super::ours::messages;
use super::{BATCHES, LONG_BATCHES, latencies, means};
use crate::book::Book;
use crate::host::RivalWorker;
use crate::rivals::Way;
use crate::ways::{End, Measure, Message, with_ends};
use crate::{Failure, Plan};

/// The group of their round trips.
pub const ROUND_TRIPS: &str = "rivals, 64 B each way";

pub const ICEORYX2: &str = "iceoryx2, request-response";
pub const IPC_CHANNEL: &str = "ipc-channel";
pub const SEQ_PACKET: &str = "Unix SOCK_SEQPACKET";
pub const LIBCAMERA: &str = "libcamera's framing";
pub const RTRB: &str = "64 B messages, rtrb between threads";

/// Messages that a ring or queue of a rival holds in round trips: as many as fit 256 KiB, as our calls' rings have.
const CALL_CAPACITY: usize = (256 << 10) / size_of::<Message>();

/// The same for messages one way, where our ring has [`STREAM_RING`] bytes.
const STREAM_CAPACITY: usize = STREAM_RING / size_of::<Message>();

/// Round trips of 64 bytes.
pub fn round_trips(plan: &Plan, book: &mut Book, way: Way, name: &str) -> Result<(), Failure> {
    let (calls, limit) = match way {
        Way::Iceoryx2Request | Way::Iceoryx2Publish | Way::ShmemIpcSpin => (plan.calls, CACHE_LINE),
        _ => (plan.calls / 20, EVENTFD),
    };
    let mut worker = RivalWorker::start(plan.processors)?;
    let batches = with_ends(way, CALL_CAPACITY, &mut worker, RoundTrips { calls })?;
    book.latency(ROUND_TRIPS, name, Some(limit), &batches);
    Ok(())
}

struct RoundTrips {
    calls: u32,
}

impl Measure for RoundTrips {
    type Output = Vec<Samples>;

    fn run(self, mut end: impl End, worker: &mut RivalWorker) -> Result<Vec<Samples>, Failure> {
        // As many as `latencies` makes of it.
        worker.echo(self.calls / 10 + self.calls / BATCHES * BATCHES)?;
        let batches = latencies(self.calls, || {
            end.send()?;
            end.receive()
        })?;
        worker.finish()?;
        Ok(batches)
    }
}

struct OneWay {
    messages: u64,
}

impl Measure for OneWay {
    type Output = Vec<f64>;

    fn run(self, mut end: impl End, worker: &mut RivalWorker) -> Result<Vec<f64>, Failure> {
        means(self.messages, |messages| {
            worker.take(messages as u32)?;
            (0..messages).try_for_each(|_| end.send())?;
            worker.finish()
        })
    }
}

/// Messages one way through a socket.
pub fn socket_throughput(plan: &Plan, book: &mut Book) -> Result<(), Failure> {
    for (bytes, text) in MESSAGE_SIZES {
        let mut pair = quiet_pair(plan)?;
        // A socket takes as long for a small message as for a large one.
        let messages = messages(plan, bytes) / if bytes < 4096 { 10 } else { 1 };
        let batches =
            means(messages, |messages| pair.rival_one_way(Rival::SeqPacket, bytes as u32, messages))?;
        book.messages("one way", &format!("{text} messages, SOCK_SEQPACKET"), bytes, &batches);
    }
    Ok(())
}

/// Messages one way through the rivals' rings.
pub fn throughput(plan: &Plan, book: &mut Book) -> Result<(), Failure> {
    let bytes = size_of::<Message>();
    for (name, way) in [("shmem-ipc", Way::ShmemIpcSpin), ("iceoryx2", Way::Iceoryx2Publish)] {
        let mut worker = RivalWorker::start(plan.processors)?;
        let measure = OneWay { messages: messages(plan, bytes) };
        let batches = with_ends(way, STREAM_CAPACITY, &mut worker, measure)?;
        book.messages("one way", &format!("64 B messages, {name}"), bytes, &batches);
    }
    Ok(())
}

/// Messages one way through `rtrb`, between two threads, which is all it can do.
pub fn between_threads(plan: &Plan, book: &mut Book) -> Result<(), Failure> {
    let mut message = Message::default();
    let batches = through_rtrb::<Message>(
        plan,
        STREAM_CAPACITY,
        messages(plan, size_of::<Message>()),
        |producer| {
            message[0] += 1;
            while producer.push(message).is_err() {
                spin_loop();
            }
        },
        |consumer| {
            while consumer.pop().map(black_box).is_err() {
                spin_loop();
            }
        },
    )?;
    book.messages("one way", RTRB, size_of::<Message>(), &batches);

    // What a copy in and a copy out cost if the bytes have to cross from one core to another: nothing else is done.
    const BYTES: usize = 64 << 10;
    let (source, mut target) = (vec![1u8; BYTES], vec![0u8; BYTES]);
    let batches = through_rtrb::<u8>(
        plan,
        STREAM_RING,
        messages(plan, BYTES),
        |producer| {
            while producer.push_entire_slice(&source).is_err() {
                spin_loop();
            }
        },
        move |consumer| {
            while consumer.pop_entire_slice(&mut target).is_err() {
                spin_loop();
            }
            black_box(&mut target);
        },
    )?;
    book.messages("one way", "64 KiB messages, rtrb between threads", BYTES, &batches);
    Ok(())
}

/// Pushes from this thread and pops in another; returns nanoseconds a message.
fn through_rtrb<T: Send + 'static>(
    plan: &Plan,
    capacity: usize,
    messages: u64,
    mut push: impl FnMut(&mut Producer<T>),
    mut pop: impl FnMut(&mut Consumer<T>) + Send,
) -> Result<Vec<f64>, Failure> {
    let (mut producer, mut consumer) = RingBuffer::<T>::new(capacity);
    // A thread begins on the processors of the one that starts it.
    unpin()?;
    let (host, worker) = plan.processors;
    // As many as `means` makes of it.
    let all = messages / 10 + 1 + messages * u64::from(LONG_BATCHES);
    std::thread::scope(|scope| {
        let taker = scope.spawn(move || {
            let pinned = pin(worker);
            (0..all).for_each(|_| pop(&mut consumer));
            pinned
        });
        pin(host)?;
        let batches = means(messages, |messages| -> Result<(), Failure> {
            (0..messages).for_each(|_| push(&mut producer));
            // Until all are taken.
            while producer.slots() < capacity {
                spin_loop();
            }
            Ok(())
        })?;
        taker.join().map_err(|_| "the taking thread panicked")??;
        Ok(batches)
    })
}
