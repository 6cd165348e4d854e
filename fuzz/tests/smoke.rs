//! Runs every fuzz target on stable Rust, without a fuzzer: over the seeds, and over changes to them.
//!
//! `RINGFENCE_FUZZ_ROUNDS` says how many changed inputs each target gets, `RINGFENCE_FUZZ_SEED` which ones.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

// What an instrumented test counts with; otherwise nothing of it is linked.
use libfuzzer_sys as _;
use ringfence_fuzz::{Mutator, TARGETS, Target, seeds};

const ROUNDS: u64 = 4_000;
const LONGEST_INPUT: usize = 16 << 10;

#[test]
fn native_rpi() {
    exercise("native_rpi", 1);
}

#[test]
fn native_events() {
    exercise("native_events", 1);
}

#[test]
fn controls() {
    exercise("controls", 1);
}

#[test]
fn libcamera_1() {
    exercise("libcamera_1", 1);
}

#[test]
fn libcamera_2() {
    exercise("libcamera_2", 1);
}

#[test]
fn ring_consumer() {
    exercise("ring_consumer", 1);
}

#[test]
fn ring_producer() {
    exercise("ring_producer", 1);
}

#[test]
fn mojom() {
    // A compiler is slower than a decoder.
    exercise("mojom", 8);
}

#[test]
fn mojom_text() {
    exercise("mojom_text", 2);
}

#[test]
fn tuning() {
    exercise("tuning", 4);
}

#[test]
fn wire() {
    // JSON is made of everything that is read.
    exercise("wire", 4);
}

#[test]
fn seeds_are_those_that_would_be_made() {
    for Target { name, .. } in TARGETS {
        let mut made = seeds::generate(name);
        made.sort();
        let made: Vec<_> = made.into_iter().map(|(_, bytes)| bytes).collect();
        assert!(seeds::read(name) == made, "the seeds of {name} are old: run the test `write_seeds`");
    }
}

/// Not a test: writes the seeds. `cargo test -p ringfence-fuzz -- --ignored write_seeds`
#[test]
#[ignore = "it writes to the source tree"]
fn write_seeds() {
    for Target { name, .. } in TARGETS {
        let directory = seeds::directory(name);
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).unwrap();
        for (file, bytes) in seeds::generate(name) {
            std::fs::write(directory.join(file), bytes).unwrap();
        }
    }
}

fn exercise(name: &str, slowness: u64) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let rounds = from_environment("RINGFENCE_FUZZ_ROUNDS").unwrap_or(ROUNDS) / slowness;
    let seed = from_environment("RINGFENCE_FUZZ_SEED").unwrap_or(0);
    println!("{name}: {rounds} rounds from RINGFENCE_FUZZ_SEED={seed}");
    watchdog(Duration::from_secs(60 + rounds / 20));
    let seeds = seeds::read(name);
    for input in &seeds {
        run(target, input);
    }
    let mut mutator = Mutator::new(seed);
    let start = Instant::now();
    for _ in 0..rounds {
        let mut input = seeds[mutator.below(seeds.len())].clone();
        let other = mutator.below(seeds.len());
        mutator.mutate(&mut input, &seeds[other]);
        input.truncate(LONGEST_INPUT);
        run(target, &input);
    }
    println!("{name}: {:.0} inputs a second", rounds as f64 / start.elapsed().as_secs_f64());
}

/// Runs the target; an input that makes it panic is written to a file, to be run again.
fn run(target: &Target, input: &[u8]) {
    let result = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    if let Err(panic) = result {
        let path = std::env::temp_dir().join(format!("ringfence-fuzz-{}", target.name));
        std::fs::write(&path, input).unwrap();
        eprintln!("the input is in {}", path.display());
        std::panic::resume_unwind(panic);
    }
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a number"))
}

/// Ends the process if the tests of this file take longer than this altogether.
fn watchdog(limit: Duration) {
    std::thread::spawn(move || {
        std::thread::sleep(limit);
        eprintln!("the tests still run after {limit:?}");
        std::process::abort();
    });
}
