//! How fast a module in C is beside one in Rust. Run by hand, in a release build:
//! `cargo test --release -p c-module -- --ignored --nocapture calls_a_second`.

use std::time::{Duration, Instant};

use ringfence::ipc::{CallError, Component, Options, Worker, run_if_worker};
use ringfence::serialize::SharedFd;

use crate::compile::module;
use crate::exercise::isolated;
use crate::exerciser::{self, Everything, Exerciser, ExerciserEvents, ExerciserProxy};
use crate::watchdog;

/// The same in Rust, as far as it is measured.
struct Rival;

impl Exerciser for Rival {
    fn ping(&mut self, value: u32) -> Result<u32, CallError> {
        Ok(value)
    }

    fn echo(&mut self, bytes: &[u8]) -> Result<Vec<u8>, CallError> {
        Ok(bytes.to_vec())
    }

    fn repeat(&mut self, everything: &Everything) -> Result<Everything, CallError> {
        Ok(everything.clone())
    }

    fn swap(&mut self, _: &[SharedFd]) -> Result<Vec<SharedFd>, CallError> {
        Err(not_here())
    }

    fn open_fds(&mut self) -> Result<u32, CallError> {
        Err(not_here())
    }

    fn flood(&mut self, _: u32, _: u32, _: u32) -> Result<(), CallError> {
        Err(not_here())
    }

    fn give(&mut self, _: &SharedFd) -> Result<(), CallError> {
        Err(not_here())
    }

    fn grow(&mut self, bytes: u32) -> Result<Vec<u8>, CallError> {
        Ok(vec![0; bytes as usize])
    }

    fn refuse(&mut self, why: &str) -> Result<u32, CallError> {
        Err(CallError::Module(why.to_owned()))
    }

    fn refuse_later(&mut self, why: &str) -> Result<(), CallError> {
        Err(CallError::Module(why.to_owned()))
    }

    fn forget(&mut self) -> Result<u32, CallError> {
        Err(not_here())
    }
}

fn not_here() -> CallError {
    CallError::Module("the rival only answers".to_owned())
}

const COMPONENTS: [Component; 1] = [Component {
    name: "rival",
    serve: |endpoint| exerciser::serve(endpoint, |_: Box<dyn ExerciserEvents + Send>| Rival),
}];

/// Not a test: what this executable does when it is started as a worker.
#[test]
fn worker_entry() {
    if run_if_worker(&COMPONENTS).is_some() {
        std::process::exit(0);
    }
}

#[test]
#[ignore = "it measures, and needs an idle machine"]
fn calls_a_second() {
    let Some(module) = module() else { return };
    let own = std::env::current_exe().unwrap();
    let rust =
        Worker::component("rival").program(own).args(["--exact", "speed::worker_entry", "--nocapture"]);
    watchdog(|| {
        let options = Options::new();
        let rust = ExerciserProxy::isolated(&options, &rust).unwrap();
        let mut proxies = [("C", isolated(module, &options)), ("Rust", rust)];
        for bytes in [0, 1000, 100_000] {
            for round in 0..3 {
                for (language, proxy) in &mut proxies {
                    let calls = measure(proxy, bytes);
                    eprintln!("round {round}, {bytes} bytes each way: {language}: {calls:.0} calls/s");
                }
            }
        }
    });
}

/// Calls a second.
fn measure(proxy: &mut ExerciserProxy, bytes: usize) -> f64 {
    let payload = vec![1; bytes];
    let start = Instant::now();
    let mut calls = 0;
    while start.elapsed() < Duration::from_secs(1) {
        for value in 0..100 {
            match bytes {
                0 => assert_eq!(proxy.ping(value).unwrap(), value),
                _ => assert!(proxy.echo(&payload).unwrap().len() == bytes),
            }
        }
        calls += 100;
    }
    f64::from(calls) / start.elapsed().as_secs_f64()
}
