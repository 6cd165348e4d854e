//! The hot path allocates nothing: held by an allocator that counts, over all threads of both sides.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use ringfence::bench::{Pair, Place, Samples, prepare_like};
use ringfence::interfaces::bench::{Bench, BenchEvent, Pod};
use ringfence::ipc::observe::{self, Tracer};
use ringfence::ipc::{Mode, Options, WaitPolicy};

/// Counts allocations, and passes them on.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // ORDERING: Relaxed: a count alone, read when the other side is idle.
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of all threads during `rounds` calls of `once`, after some calls to warm up.
fn allocations(rounds: u32, mut once: impl FnMut()) -> u64 {
    (0..100).for_each(|_| once());
    // ORDERING: Relaxed, as in `alloc`.
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    (0..rounds).for_each(|_| once());
    ALLOCATIONS.load(Ordering::Relaxed) - before
}

/// Records of a tracer, and those that it has missed.
fn count_all(mut tracer: Tracer) -> (u64, u64) {
    let count = tracer.by_ref().count() as u64;
    (count, tracer.lost())
}

// One test: others beside it would be counted too.
#[test]
fn calls_and_events_allocate_nothing() {
    std::thread::spawn(|| {
        std::thread::sleep(std::time::Duration::from_secs(120));
        eprintln!("the test hangs");
        std::process::abort();
    });
    // In a thread, the module's side is counted too. What it does is the same in a process.
    for policy in [WaitPolicy::Spin, WaitPolicy::Adaptive, WaitPolicy::Block] {
        let options = Options::new().host_wait(policy).worker_wait(policy);
        let mut pair = Pair::new(Mode::Threaded, &options, Place::Free).unwrap();
        let value = Pod { a: 7, ..Pod::default() };

        let calls = allocations(1000, || assert_eq!(pair.proxy().ping(&value).unwrap(), value));
        assert_eq!(calls, 0, "synchronous calls, {policy:?}");

        let events = allocations(1000, || {
            pair.proxy().tell(&value).unwrap();
            while !matches!(pair.proxy().next_event().unwrap(), Some(BenchEvent::Told { .. })) {
                pair.proxy().wait(None).unwrap();
            }
        });
        assert_eq!(events, 0, "asynchronous calls and their events, {policy:?}");

        let kept = allocations(200, || {
            for _ in 0..8 {
                pair.proxy().tell(&value).unwrap();
            }
            // The events arrive during this call and are kept.
            pair.proxy().ping(&value).unwrap();
            let mut count = 0;
            while pair.proxy().next_event().unwrap().is_some() {
                count += 1;
            }
            assert_eq!(count, 8);
        });
        assert_eq!(kept, 0, "events that are kept during a call, {policy:?}");

        // While it is watched, too: what an observer gets is put together in memory that is kept.
        let id = pair.proxy().connection().unwrap().id();
        let observed =
            observe::connections_of(std::process::id()).into_iter().find(|it| it.id == id).unwrap();
        observed.watch_latency(observe::LONGEST);
        let tracer = observed.trace(observe::LONGEST).unwrap();
        let before = observed.sample().latency.count();
        let watched = allocations(1000, || assert_eq!(pair.proxy().ping(&value).unwrap(), value));
        assert_eq!(watched, 0, "calls that are watched and traced, {policy:?}");
        assert_eq!(observed.sample().latency.count() - before, 1100);
        let (traced, lost) = count_all(tracer);
        assert_eq!(traced + lost, 2200);

        // Each of the two control lists is one buffer, and that is all, on the decoding side.
        let params = prepare_like();
        let rounds = 1000;
        let controls = allocations(rounds, || {
            pair.proxy().prepare(&params).unwrap();
        });
        assert_eq!(controls, u64::from(2 * rounds), "calls with two control lists, {policy:?}");
    }

    // The counter counts: a direct call with a copy allocates.
    let mut pair = Pair::new(Mode::Direct, &Options::new(), Place::Free).unwrap();
    assert!(allocations(10, || drop(pair.proxy().bytes(&[1, 2, 3]).unwrap())) >= 10);
    let mut samples = Samples::new();
    pair.ping(1, &mut samples).unwrap();
}
