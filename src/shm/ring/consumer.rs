//! The reading end.

use std::cell::Cell;

use super::super::barrier;
use super::super::words::{AtomicU64, Ordering, Words, fence};
use super::counters::ReceivedCounters;
use super::{
    CONSUMER_ASLEEP, CONSUMER_FENCES, CONTINUED, Geometry, HEAD, LINE_PAYLOAD_WORDS, PRODUCER_ASLEEP,
    PRODUCER_REGISTERED, RANG_AT, RingError, tag,
};

/// Records since the last sleep at which a consumer takes over the producer's fences. A barrier interrupts the other
/// processor, which costs as much as some dozens of fences; so who sleeps after every few records leaves them alone.
const BUSY: u64 = 64;

/// The end of a ring that reads records.
///
/// ```
/// use ringfence::shm::{Consumer, Geometry, Producer, Record, SharedMemory};
///
/// # let geometry = Geometry::for_payload(4096);
/// # let memory = SharedMemory::create("example", geometry.memory_bytes())?;
/// # let mut producer = Producer::new(memory.map()?, geometry);
/// let mut consumer = Consumer::new(memory.map()?, geometry);
/// let mut record = Record::default();
/// assert_eq!(consumer.pop(&mut record), Ok(None));
///
/// # let mut reserved = producer.reserve(2).unwrap();
/// # reserved.put(0, b"hi");
/// # let _ = reserved.commit();
/// // … the producer commits a record of two bytes …
/// let popped = consumer.pop(&mut record).expect("nobody lies").expect("it is there");
/// assert_eq!((record.bytes(), popped.wake_producer), (&b"hi"[..], false));
/// // The room is the producer's again once it is released.
/// let wake_producer = consumer.release();
/// # let _ = wake_producer;
/// # Ok::<_, ringfence::shm::MemoryError>(())
/// ```
#[derive(Debug)]
pub struct Consumer<M> {
    memory: M,
    geometry: Geometry,
    /// Where the next record is due.
    position: u64,
    /// The position that the producer was told of.
    released: Cell<u64>,
    counters: ReceivedCounters,
    /// Records until the last sleep.
    records_at_sleep: Cell<u64>,
    /// Whether the producer was told that it need not fence.
    fences_for_both: Cell<bool>,
    /// Whether barriers have failed, so that they are not offered again.
    barriers_fail: Cell<bool>,
}

/// A record's payload in private memory; grows to the largest record and is used again and again.
#[derive(Debug, Default)]
pub struct Record {
    /// Whole words, so that copying in needs no special case for the tail.
    bytes: Vec<u8>,
    length: usize,
}

impl Record {
    /// The payload.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Bytes of memory that it holds: room for the largest record so far.
    #[must_use]
    pub fn allocated(&self) -> usize {
        self.bytes.capacity()
    }

    /// Becomes a copy of `other`, in as much memory as that takes or it holds already.
    pub fn copy_from(&mut self, other: &Self) {
        self.bytes.clear();
        self.bytes.extend_from_slice(&other.bytes[..other.length.next_multiple_of(8)]);
        self.length = other.length;
    }
}

/// What [`Consumer::pop`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Popped {
    /// Position of the record: the number by which both sides know it.
    pub position: u64,
    /// Whether the producer sleeps for want of room and its doorbell has to be rung.
    pub wake_producer: bool,
}

impl<M: Words> Consumer<M> {
    /// The consumer of a fresh ring in `memory`.
    ///
    /// # Panics
    /// If the memory is smaller than the geometry demands.
    #[must_use]
    pub fn new(memory: M, geometry: Geometry) -> Self {
        assert!(memory.len() >= geometry.memory_words(), "the memory does not hold the ring");
        let start = geometry.start();
        Self {
            memory,
            geometry,
            position: start,
            released: Cell::new(start),
            counters: ReceivedCounters::default(),
            records_at_sleep: Cell::new(0),
            fences_for_both: Cell::new(false),
            barriers_fail: Cell::new(false),
        }
    }

    /// Whether a record is due to be read.
    #[must_use]
    #[inline]
    pub fn is_ready(&self) -> bool {
        // ORDERING: Relaxed: a hint. `pop` loads the tag again, with Acquire.
        let word = self.memory.word(self.geometry.tag_word(self.position)).load(Ordering::Relaxed);
        word >> 32 == tag(self.position, 0) >> 32
    }

    /// Copies the next record's payload into `record` and moves on; `None` if there is no record.
    ///
    /// # Errors
    /// [`RingError::BadLength`] or [`RingError::BadStart`] if the peer lies. The ring is of no use then.
    pub fn pop(&mut self, record: &mut Record) -> Result<Option<Popped>, RingError> {
        // ORDERING: Acquire pairs with the producer's Release store of the tag: the payload is visible.
        let word = self.memory.word(self.geometry.tag_word(self.position)).load(Ordering::Acquire);
        if word >> 32 != tag(self.position, 0) >> 32 {
            return Ok(None);
        }
        let position = self.position;
        let length = word as u32;
        if length == CONTINUED {
            return Err(RingError::BadStart { position });
        }
        let (bytes, capacity) = (length as usize, self.geometry.capacity());
        if bytes > capacity {
            return Err(RingError::BadLength { bytes, capacity });
        }

        let padded = bytes.next_multiple_of(8);
        if record.bytes.len() < padded {
            record.bytes.resize(padded, 0);
        }
        record.length = bytes;
        let (lines, last) =
            record.bytes[..padded].as_chunks_mut::<8>().0.as_chunks_mut::<LINE_PAYLOAD_WORDS>();
        let mut line = position;
        for words in lines {
            let [_, payload @ ..] = self.memory.take_line(self.geometry.tag_word(line));
            *words = payload;
            line += 1;
        }
        if !last.is_empty() {
            copy_out(self.memory.words(self.geometry.tag_word(line) + 1, last.len()), last);
        }

        self.counters.records += 1;
        self.counters.publish(&self.memory);
        if self.counters.records - self.records_at_sleep.get() == BUSY {
            self.offer_fences();
        }
        self.position += Geometry::lines_of(bytes);
        // Telling the producer costs a line transfer, so a busy consumer does it four times a lap.
        let overdue = self.position - self.released.get() >= u64::from(self.geometry.lines()).div_ceil(4);
        Ok(Some(Popped { position, wake_producer: overdue && self.release() }))
    }

    /// Gives all lines read so far back to the producer, as an idle consumer does before it waits.
    /// Returns whether the producer sleeps for want of room and its doorbell has to be rung.
    #[must_use = "a sleeping producer has to be woken"]
    pub fn release(&self) -> bool {
        if self.released.replace(self.position) == self.position {
            return false;
        }
        // ORDERING: Release: our reads of the lines happen before the producer's writes to them, which
        // follow its Acquire load of the head.
        self.memory.word(HEAD).store(self.position, Ordering::Release);
        // ORDERING: the head is stored before the flag is read; the producer raises the flag before it
        // reads the head again. With a SeqCst fence on either side at least one sees the other.
        fence(Ordering::SeqCst);
        let flag = self.memory.word(PRODUCER_ASLEEP);
        let asleep = flag.load(Ordering::Relaxed) != 0;
        if asleep {
            // ORDERING: Relaxed: the ring of the doorbell that follows covers a crossing, as in `commit`.
            flag.store(0, Ordering::Relaxed);
        }
        asleep
    }

    /// Says that the consumer is about to sleep until a record comes. Returns whether it may: `false`
    /// means that a record is there already.
    ///
    /// Call [`Consumer::release`] first, else the producer may wait for lines that nobody reads.
    pub fn prepare_sleep(&self) -> bool {
        // ORDERING: the flag is raised before the tag is read; the producer stores the tag before it
        // reads the flag. See `Reservation::commit`, whose fence pairs with this one. Where it leaves that out,
        // the barrier is both fences.
        self.memory.word(CONSUMER_ASLEEP).store(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let busy = self.counters.records - self.records_at_sleep.replace(self.counters.records) >= BUSY;
        if self.fences_for_both.get() {
            if !busy {
                // ORDERING: Relaxed, before the barrier, which is the last one: what the producer commits after it sees
                // this, and what it committed before is covered by it.
                self.memory.word(CONSUMER_FENCES).store(0, Ordering::Relaxed);
                self.fences_for_both.set(false);
            }
            if !barrier::everywhere() {
                self.withdraw_for_good();
            }
        }
        if self.is_ready() {
            self.awake();
            return false;
        }
        true
    }

    /// Whether the producer was spared its fences.
    #[cfg(all(test, not(loom)))]
    pub(in crate::shm) fn fences_for_both(&self) -> bool {
        self.fences_for_both.get()
    }

    /// Spares the producer its fences from here on, if both processes are registered for barriers.
    #[cold]
    fn offer_fences(&self) {
        // ORDERING: Relaxed: once the producer's word is true it stays so, and a peer that lies about it misses its
        // own wake-ups. Ours may be seen late: until then the producer fences. It is never read back, since the
        // peer could have changed it.
        if !self.barriers_fail.get()
            && self.memory.word(PRODUCER_REGISTERED).load(Ordering::Relaxed) == 1
            && barrier::register()
        {
            self.fences_for_both.set(true);
            self.memory.word(CONSUMER_FENCES).store(1, Ordering::Relaxed);
        }
    }

    /// Barriers worked before, and are now denied: perhaps a filter of system calls has come. So the producer has to fence
    /// again. What it has published without is on its way to us, which takes some hundred nanoseconds.
    #[cold]
    fn withdraw_for_good(&self) {
        // ORDERING: Relaxed, and then a fence: whatever the producer commits from here on, it reads this before.
        self.memory.word(CONSUMER_FENCES).store(0, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        self.fences_for_both.set(false);
        self.barriers_fail.set(true);
        std::thread::sleep(std::time::Duration::from_millis(1));
    }

    /// Says that the consumer is not asleep any more.
    pub fn awake(&self) {
        // ORDERING: Relaxed: seen late, the flag costs the producer one needless wake-up.
        self.memory.word(CONSUMER_ASLEEP).store(0, Ordering::Relaxed);
    }

    /// Counts a wait that looking ended.
    #[inline]
    pub fn count_look(&mut self) {
        self.counters.looks += 1;
        self.counters.publish(&self.memory);
    }

    /// Counts a sleep, and returns what its end cost if the doorbell ended it: from the ring to `now`, in
    /// nanoseconds of the monotonic clock.
    pub fn count_sleep(&mut self, rung: bool, now: u64) -> Option<u64> {
        self.counters.sleeps += 1;
        self.counters.spurious += u64::from(rung && !self.is_ready());
        // ORDERING: Relaxed: see `Producer::note_ring`. The peer may write anything; a cost is only believed
        // if it is not absurd, and only the waiting policy depends on it.
        let rang_at = self.memory.word(RANG_AT).load(Ordering::Relaxed);
        let cost = now.checked_sub(rang_at).filter(|_| rung && rang_at != 0);
        self.counters.last_wake_up_ns = cost.unwrap_or(self.counters.last_wake_up_ns);
        self.counters.publish_rest(&self.memory);
        cost
    }
}

#[inline(always)]
fn copy_out(source: &[AtomicU64], words: &mut [[u8; 8]]) {
    for (bytes, word) in words.iter_mut().zip(source) {
        // ORDERING: Relaxed: ordered after the Acquire load of the tag in `pop`, and before the Release store
        // of the head in `release`. Each word is read once.
        *bytes = word.load(Ordering::Relaxed).to_ne_bytes();
    }
}
