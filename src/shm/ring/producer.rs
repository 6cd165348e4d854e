//! The writing end.

use super::super::barrier;
use super::super::words::{AtomicU64, Ordering, Words, compiler_fence, fence};
use super::counters::SentCounters;
use super::{
    CONSUMER_ASLEEP, CONSUMER_FENCES, CONTINUED, Geometry, HEAD, LINE_PAYLOAD_WORDS, PRODUCER_ASLEEP,
    PRODUCER_REGISTERED, RANG_AT, RingError, payload_word, tag,
};

/// The end of a ring that writes records.
///
/// A record is reserved, written in place, and committed; dropped before, it never was.
///
/// ```
/// use ringfence::shm::{Doorbell, Geometry, Producer, SharedMemory};
///
/// let geometry = Geometry::for_payload(1 << 16);
/// let memory = SharedMemory::create("example", geometry.memory_bytes())?;
/// let mut producer = Producer::new(memory.map()?, geometry);
/// let bell = Doorbell::new().expect("there are descriptors left");
///
/// let mut record = producer.reserve(12).expect("the ring is empty");
/// record.put(0, &7u32.to_le_bytes());
/// record.put(4, b"in place");
/// if record.commit() {
///     bell.ring();
/// }
/// # Ok::<_, ringfence::shm::MemoryError>(())
/// ```
#[derive(Debug)]
pub struct Producer<M> {
    memory: M,
    geometry: Geometry,
    /// Where the next record goes.
    position: u64,
    /// The head as last read: never ahead of the real one.
    head: u64,
    counters: SentCounters,
}

/// Lines of a record that are fetched ahead; more than processors can have under way at once.
const PREFETCHED_LINES: u64 = 32;

/// Records between two looks at the head for the sake of the high-water mark alone.
const HIGH_WATER_EVERY: u64 = 256;

impl<M: Words> Producer<M> {
    /// The producer of a fresh ring in `memory`.
    ///
    /// # Panics
    /// If the memory is smaller than the geometry demands.
    #[must_use]
    pub fn new(memory: M, geometry: Geometry) -> Self {
        assert!(memory.len() >= geometry.memory_words(), "the memory does not hold the ring");
        let start = geometry.start();
        // ORDERING: Relaxed: whenever the consumer sees it, it is true.
        memory.word(PRODUCER_REGISTERED).store(u64::from(barrier::register()), Ordering::Relaxed);
        Self { memory, geometry, position: start, head: start, counters: SentCounters::default() }
    }

    /// Shape of the ring.
    #[must_use]
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Writes over the whole of the ring's memory, as a hostile producer can: to test consumers. `word` is given the
    /// position of the next record, of which a tag that is believed has the lower half above its own.
    #[doc(hidden)]
    pub fn scribble(&self, mut word: impl FnMut(u64) -> u64) {
        for index in 0..self.memory.len() {
            // ORDERING: Relaxed: there is no order in it.
            self.memory.word(index).store(word(self.position), Ordering::Relaxed);
        }
    }

    /// Reserves room for a record of `bytes` payload bytes, which the caller writes and commits.
    ///
    /// # Errors
    /// [`RingError::Full`] if the consumer has to make room first, [`RingError::TooLarge`] if that
    /// would not help, [`RingError::BadHead`] if the peer lies.
    pub fn reserve(&mut self, bytes: usize) -> Result<Reservation<'_, M>, RingError> {
        let capacity = self.geometry.capacity();
        if bytes > capacity {
            return Err(RingError::TooLarge { bytes, capacity });
        }
        let needed = Geometry::lines_of(bytes);
        if self.free() < needed {
            self.read_head()?;
            let free = self.free();
            if free < needed {
                return Err(RingError::Full { bytes, needed, free });
            }
        }
        // Stores leave a processor in order, so each line would be fetched only when the one before it has
        // come. Asked for together, they come together. The first is left alone: the consumer looks at it.
        for line in 1..needed.min(PREFETCHED_LINES) {
            self.memory.prefetch_for_writing(self.geometry.tag_word(self.position + line));
        }
        Ok(Reservation { producer: self, bytes })
    }

    /// Whether a record of `bytes` payload bytes fits, or the peer lies and [`Producer::reserve`] will say so.
    pub fn has_room(&mut self, bytes: usize) -> bool {
        self.read_head().is_err() || self.free() >= Geometry::lines_of(bytes)
    }

    /// Says that the producer is about to sleep until a record of `bytes` fits. Returns whether it may:
    /// `false` means that there is room already, or that the peer lies and [`Producer::reserve`] will say so.
    pub fn prepare_sleep(&mut self, bytes: usize) -> bool {
        // ORDERING: the flag is raised before the head is read again; the consumer stores the head
        // before it reads the flag. With a SeqCst fence between the two accesses on either side, at
        // least one of them sees the other's store.
        self.memory.word(PRODUCER_ASLEEP).store(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let must_wait = !self.has_room(bytes);
        if must_wait {
            self.counters.full += 1;
            self.counters.publish_rest(&self.memory);
        } else {
            self.awake();
        }
        must_wait
    }

    /// Says that the producer is not asleep any more.
    pub fn awake(&self) {
        // ORDERING: Relaxed: seen late, the flag costs the consumer one needless wake-up.
        self.memory.word(PRODUCER_ASLEEP).store(0, Ordering::Relaxed);
    }

    fn free(&self) -> u64 {
        u64::from(self.geometry.lines()) - (self.position - self.head)
    }

    fn read_head(&mut self) -> Result<(), RingError> {
        // ORDERING: Acquire pairs with the consumer's Release store: its reads of the lines that it
        // gives back happen before our writes to them. Zero, in fresh memory, is the start.
        let head = self.memory.word(HEAD).load(Ordering::Acquire).max(self.geometry.start());
        if head < self.head || head > self.position {
            return Err(RingError::BadHead { head, earliest: self.head, latest: self.position });
        }
        self.head = head;
        self.counters.high_water_lines = self.counters.high_water_lines.max(self.position - head);
        Ok(())
    }

    /// Says when the doorbell is rung, so that the consumer can tell what the wake-up cost: `now` in
    /// nanoseconds of the monotonic clock, which is the same for all processes.
    pub fn note_ring(&self, now: u64) {
        // ORDERING: Relaxed: read after a sleep that the doorbell ended; the kernel's wake-up orders the two.
        self.memory.word(RANG_AT).store(now, Ordering::Relaxed);
    }
}

/// Room for one record. Dropped, it leaves the ring as it was.
#[derive(Debug)]
pub struct Reservation<'a, M> {
    producer: &'a mut Producer<M>,
    bytes: usize,
}

impl<M: Words> Reservation<'_, M> {
    /// Position of the record: the number by which both sides know it.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.producer.position
    }

    /// Writes `bytes` at `offset` of the payload.
    ///
    /// Bytes of the record that are never written hold what an earlier record left there.
    ///
    /// # Panics
    /// If they would end beyond the bytes reserved.
    pub fn put(&mut self, offset: usize, bytes: &[u8]) {
        let fits = offset.checked_add(bytes.len()).is_some_and(|end| end <= self.bytes);
        assert!(fits, "{} bytes at {offset} are beyond the {} reserved", bytes.len(), self.bytes);
        let start = offset % 8;
        let (head, rest) = bytes.split_at(if start == 0 { 0 } else { bytes.len().min(8 - start) });
        let (whole, tail) = rest.as_chunks::<8>();
        let first = offset.div_ceil(8);
        if !tail.is_empty() {
            self.merge(first + whole.len(), 0, tail);
        }
        // The first line last: the consumer keeps looking at it, and takes it away from us whenever it looks.
        // Written together with its tag, it changes hands once.
        let (first_line, others) = whole.split_at(whole.len().min(LINE_PAYLOAD_WORDS.saturating_sub(first)));
        self.put_words(first + first_line.len(), others);
        self.put_words(first, first_line);
        if !head.is_empty() {
            self.merge(offset / 8, start, head);
        }
    }

    /// Replaces a part of a payload word.
    fn merge(&self, index: usize, start: usize, part: &[u8]) {
        let Producer { memory, geometry, position, .. } = &*self.producer;
        let word = memory.word(payload_word(*geometry, *position, index));
        // ORDERING: Relaxed, as in `put_words`. Only this side writes the lines that it has reserved, so
        // nothing comes between the load and the store; and if a hostile peer does, it spoils its own record.
        let mut whole = word.load(Ordering::Relaxed).to_ne_bytes();
        whole[start..start + part.len()].copy_from_slice(part);
        word.store(u64::from_ne_bytes(whole), Ordering::Relaxed);
    }

    /// Writes whole payload words from the one at `first`.
    fn put_words(&self, first: usize, words: &[[u8; 8]]) {
        let Producer { memory, geometry, position, .. } = &*self.producer;
        let mut line = *position + (first / LINE_PAYLOAD_WORDS) as u64;
        let skipped = first % LINE_PAYLOAD_WORDS;
        let (begun, rest) =
            words.split_at(words.len().min((LINE_PAYLOAD_WORDS - skipped) % LINE_PAYLOAD_WORDS));
        if !begun.is_empty() {
            copy_in(memory.words(geometry.tag_word(line) + 1 + skipped, begun.len()), begun);
            line += 1;
        }
        let (lines, last) = rest.as_chunks::<LINE_PAYLOAD_WORDS>();
        for words in lines {
            // Ahead of the stores, for the same reason as in `reserve`. At the end it is a line that the next
            // record will need.
            memory.prefetch_for_writing(geometry.tag_word(line + PREFETCHED_LINES));
            let old = tag(line - u64::from(geometry.lines()), CONTINUED).to_ne_bytes();
            let [a, b, c, d, e, f, g] = *words;
            memory.put_line(geometry.tag_word(line), &[old, a, b, c, d, e, f, g]);
            line += 1;
        }
        if !last.is_empty() {
            copy_in(memory.words(geometry.tag_word(line) + 1, last.len()), last);
        }
    }

    /// Publishes the record. Returns whether the consumer sleeps and its doorbell has to be rung.
    #[must_use = "a sleeping consumer has to be woken"]
    pub fn commit(self) -> bool {
        let Producer { memory, geometry, position, counters, .. } = self.producer;
        let lines = Geometry::lines_of(self.bytes);
        for line in *position + 1..*position + lines {
            // ORDERING: Relaxed, as for the payload.
            memory.word(geometry.tag_word(line)).store(tag(line, CONTINUED), Ordering::Relaxed);
        }
        // ORDERING: Release pairs with the consumer's Acquire load of the tag: who sees the tag sees
        // the whole record. Lengths are below the capacity, which fits 32 bits.
        memory.word(geometry.tag_word(*position)).store(tag(*position, self.bytes as u32), Ordering::Release);
        *position += lines;
        // The line after the first of the next record: its turn to be written comes before the consumer looks
        // at it, so it may as well be on its way.
        memory.prefetch_for_writing(geometry.tag_word(*position + 1));

        // ORDERING: the tag is stored before the flag is read; the consumer raises the flag before it
        // reads the tag again. With a SeqCst fence between the two accesses on either side, at least one
        // of them sees the other's store. Release and acquire alone would let both miss. The consumer's
        // barrier is a fence on this side too, whenever it comes: if before the flag is read, the flag is seen;
        // if after, the tag is. Reading an old word here (Relaxed) costs a needless fence.
        if memory.word(CONSUMER_FENCES).load(Ordering::Relaxed) == 0 {
            fence(Ordering::SeqCst);
        } else {
            compiler_fence(Ordering::SeqCst);
        }
        let flag = memory.word(CONSUMER_ASLEEP);
        let asleep = flag.load(Ordering::Relaxed) != 0;
        if asleep {
            // Lowered here too, so that a burst wakes the consumer once. Should it cross with a flag
            // raised anew, nothing is lost: the ring of the doorbell that follows wakes that sleep.
            // ORDERING: Relaxed, for the same reason.
            flag.store(0, Ordering::Relaxed);
        }

        counters.records += 1;
        counters.bytes += self.bytes as u64;
        counters.publish(memory);
        if asleep {
            counters.wake_ups += 1;
            counters.publish_rest(memory);
        }
        if counters.records.is_multiple_of(HIGH_WATER_EVERY) {
            // A lie is found when room is needed.
            let _ = self.producer.read_head();
            self.producer.counters.publish_rest(&self.producer.memory);
        }
        asleep
    }
}

#[inline(always)]
fn copy_in(target: &[AtomicU64], words: &[[u8; 8]]) {
    for (word, bytes) in target.iter().zip(words) {
        // ORDERING: Relaxed: the Release store of the tag in `commit` publishes them.
        word.store(u64::from_ne_bytes(*bytes), Ordering::Relaxed);
    }
}
