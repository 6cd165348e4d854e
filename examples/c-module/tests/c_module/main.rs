//! `include/ringfence.h` under real hosts, strange hosts and hostile ones.

mod compile;
mod exercise;
mod hostile;
mod light_meter;
mod raw;
mod speed;

#[allow(dead_code, missing_docs)]
mod exerciser {
    include!(concat!(env!("OUT_DIR"), "/exerciser.rs"));

    impl ExerciserProxy {
        /// A proxy over a connection that is there already.
        pub fn over(connection: ipc::Connection) -> Self {
            Self { backend: ipc::Backend::Remote(Box::new(connection)) }
        }
    }
}

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use ringfence::ipc::Options;

/// Far longer than any test takes on a busy machine; only a hang gets there.
const WATCHDOG: Duration = Duration::from_secs(300);

/// Options for machines that have much else to do.
fn patient(options: Options) -> Options {
    options.call_deadline(WATCHDOG).handshake_deadline(WATCHDOG)
}

/// Ends the whole run, loudly, if `test` hangs.
fn watchdog<T>(test: impl FnOnce() -> T) -> T {
    let (done, running) = channel::<()>();
    let name = std::thread::current().name().unwrap_or("?").to_owned();
    std::thread::spawn(move || {
        if running.recv_timeout(WATCHDOG) == Err(RecvTimeoutError::Timeout) {
            eprintln!("{name} hangs");
            std::process::abort();
        }
    });
    let result = test();
    drop(done);
    result
}

/// Random numbers (xorshift64*), the same for the same seed, which is printed and can be given as `RINGFENCE_TEST_SEED`.
struct Random(u64);

impl Random {
    fn new() -> Self {
        let given = std::env::var("RINGFENCE_TEST_SEED").ok();
        let seed = given.map_or(0x51ED_2026, |text| text.parse().expect("RINGFENCE_TEST_SEED is a number"));
        eprintln!("seed: RINGFENCE_TEST_SEED={seed}");
        Self(seed | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 16) as usize % limit
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}
