//! What a hostile worker does, drawn from a seed.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rustix::fs::{FallocateFlags, fallocate};
use rustix::net::{Shutdown, shutdown};
use rustix::process::{Signal, getpid, kill_process};

use super::stage::{
    CONSUMER_ASLEEP, CONSUMER_FENCES, CONTROL_WORDS, HEAD, PRODUCER_ASLEEP, PRODUCER_REGISTERED, RANG_AT,
    Ring, Stage, message, params_computed, reply, ring, send_wrong_fds,
};

/// Does harm until somebody ends it. Some calls are served, so that the host goes on to ask for more.
pub fn run(stage: &mut Stage, seed: u64) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    // Some seeds are subtle, others are not.
    let harm = [0.02, 0.2, 0.9][random.random_range(0..3)];
    let mut last = Vec::new();
    loop {
        match stage.calls.pop() {
            Some(call) if call.len() >= 8 => {
                if call[0] == super::stage::CALL {
                    if random.random_bool(0.9) {
                        stage.say(&reply(&call));
                    }
                    last = call;
                } else if random.random_bool(0.2) {
                    stage.say(&params_computed(random.random_range(0..3)));
                }
            }
            _ => std::thread::sleep(Duration::from_micros(50)),
        }
        if random.random_bool(harm) {
            harm_once(stage, &mut random, &last);
        }
    }
}

fn harm_once(stage: &mut Stage, random: &mut ChaCha8Rng, last: &[u8]) {
    match random.random_range(0..24) {
        0 | 1 => {
            let memory = either(stage, random);
            memory.store(random.random_range(0..memory.words()), random.next_u64());
        }
        2 | 3 => {
            let controls =
                [HEAD, CONSUMER_ASLEEP, CONSUMER_FENCES, PRODUCER_ASLEEP, PRODUCER_REGISTERED, RANG_AT];
            let memory = either(stage, random);
            let near = memory.position.wrapping_add(random.random_range(0..100)).wrapping_sub(50);
            let value = [0, 1, u64::MAX, near, random.next_u64()][random.random_range(0..5)];
            memory.store(controls[random.random_range(0..controls.len())], value);
        }
        4 => {
            let capacity = stage.answers.lines as u32 * 56;
            let lengths = [
                0,
                7,
                8,
                57,
                capacity - 1,
                capacity,
                capacity + 1,
                u32::MAX - 1,
                u32::MAX,
                random.next_u32(),
            ];
            stage.answers.tag(lengths[random.random_range(0..lengths.len())]);
        }
        5 => {
            let mut noise = vec![0; random.random_range(0..300)];
            random.fill_bytes(&mut noise);
            stage.say(&noise);
        }
        6 | 7 => {
            let mut body = vec![0; random.random_range(0..8) * 4];
            random.fill_bytes(&mut body);
            let sequence = last.get(4..8).map_or(1, |bytes| u32::from_le_bytes(bytes.try_into().unwrap()));
            let sequence = sequence.wrapping_add(random.random_range(0..5)).wrapping_sub(2);
            let fds = if random.random_bool(0.2) { random.random_range(0..4) } else { 0 };
            stage.say(&message(random.random_range(0..8), fds, random.random_range(0..12), sequence, &body));
        }
        8 if !last.is_empty() => stage.say(&reply(last)),
        9 => (0..random.random_range(0..100)).for_each(|_| stage.say(&params_computed(1))),
        10 => {
            let mut bytes = vec![0; random.random_range(0..20)];
            random.fill_bytes(&mut bytes);
            send_wrong_fds(&stage.socket, &bytes, random.random_range(0..10));
        }
        11 => {
            let (announced, sent): (u8, usize) = (random.random_range(0..6), random.random_range(0..6));
            send_wrong_fds(&stage.socket, &stage.answers.position.to_le_bytes(), sent);
            stage.say(&message(random.random_range(3..6), announced, 1, 0, &[0; 8]));
        }
        12 => (0..1000).for_each(|_| ring(&stage.answers.data)),
        13 => {
            for bell in [&stage.answers.data, &stage.calls.space] {
                let _ = rustix::io::write(bell, &(u64::MAX - 1).to_ne_bytes());
            }
        }
        14 => {
            // What would have woken the host.
            let mut count = [0; 8];
            let _ = rustix::io::read(&stage.answers.data, &mut count);
            let _ = rustix::io::read(&stage.calls.space, &mut count);
        }
        15 => std::thread::sleep(Duration::from_millis(random.random_range(0..6))),
        16 => {
            let memory = either(stage, random);
            let (all, start) = (memory.words() as u64 * 8, random.random_range(0..2) * 4096);
            let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            let _ = fallocate(&memory.memfd, flags, start, all);
        }
        17 => hammer(stage, random),
        18 => {
            stage.answers.position =
                stage.answers.position.wrapping_add(random.random_range(0..40)).wrapping_sub(20)
        }
        19 if random.random_bool(0.2) => {
            let how = [Shutdown::Read, Shutdown::Write, Shutdown::Both][random.random_range(0..3)];
            let _ = shutdown(&stage.socket, how);
        }
        20 if random.random_bool(0.1) => {
            let _ = kill_process(getpid(), Signal::STOP);
        }
        21 if random.random_bool(0.1) => std::process::exit(random.random_range(0..4)),
        22 => {
            // Two ends of one word: what is looked at twice is different.
            let due = stage.answers.tag_word(stage.answers.position);
            for _ in 0..random.random_range(0..10_000) {
                stage.answers.tag(random.random_range(8..40));
                stage.answers.store(due, 0);
            }
        }
        _ => {}
    }
}

fn either<'a>(stage: &'a Stage, random: &mut ChaCha8Rng) -> &'a Ring {
    if random.random_bool(0.5) { &stage.calls } else { &stage.answers }
}

/// Writes everywhere from two threads at once.
fn hammer(stage: &Stage, random: &mut ChaCha8Rng) {
    let long = Duration::from_millis(random.random_range(1..8));
    let seeds = [random.next_u64(), random.next_u64()];
    std::thread::scope(|scope| {
        for seed in seeds {
            scope.spawn(move || {
                let mut random = ChaCha8Rng::seed_from_u64(seed);
                let start = Instant::now();
                while start.elapsed() < long {
                    for _ in 0..200 {
                        let memory = either(stage, &mut random);
                        let index = match random.random_range(0..4) {
                            0 => random.random_range(0..CONTROL_WORDS),
                            1 => memory.tag_word(memory.position + random.random_range(0..2)),
                            _ => random.random_range(0..memory.words()),
                        };
                        // ORDERING: Relaxed: the more confusing the better.
                        let word = memory.word(index);
                        match random.random_range(0..3) {
                            0 => word.store(random.next_u64(), Ordering::Relaxed),
                            1 => {
                                word.fetch_xor(1 << random.random_range(0..64), Ordering::Relaxed);
                            }
                            _ => word
                                .store(memory.position << 32 | random.random_range(0..80), Ordering::Relaxed),
                        }
                    }
                }
            });
        }
    });
}
