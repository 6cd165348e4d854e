//! The end of a worker, and what libcamera's proxy would not bear: messages that are half sent, replies that come too
//! late, events before a reply or in the midst of one another.

use std::collections::BTreeMap;
use std::io::{PipeWriter, pipe};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use ringfence::interfaces::libcamera::{IpaBuffer, IpaCameraSensorInfo, IpaSettings, IpaStream};
use ringfence::interfaces::vimc::{self, IpaOperationCode, IpaVimc, IpaVimcEvents, IpaVimcProxy, TestFlag};
use ringfence::ipc::libcamera::{Endpoint, Version, Worker};
use ringfence::ipc::{CallError, Options, ServeError};
use ringfence::serialize::{ControlInfoMap, ControlList, Flags, SharedFd};

mod common;
#[path = "common/datagrams.rs"]
mod datagrams;
#[path = "common/host.rs"]
mod host;

use common::watchdog;
use datagrams::{receive, send};
use host::{sockets, words};

/// Threads that a module lets raise events, and how many events each raises.
const THREADS: u32 = 4;
const EVENTS: u32 = 300;

/// A module that takes its time to start, and raises events from threads when it is started and after that.
struct Busy {
    events: Arc<Mutex<Box<dyn IpaVimcEvents + Send>>>,
    pause: Duration,
    threads: Vec<JoinHandle<()>>,
}

impl Busy {
    fn new(events: Box<dyn IpaVimcEvents + Send>, pause: Duration) -> Self {
        Self { events: Arc::new(Mutex::new(events)), pause, threads: Vec::new() }
    }
}

impl IpaVimc for Busy {
    fn init(
        &mut self,
        _: &IpaSettings,
        _: &SharedFd,
        _: IpaOperationCode,
        flags: Flags<TestFlag>,
    ) -> Result<(i32, Flags<TestFlag>), CallError> {
        Ok((0, flags))
    }

    fn configure(
        &mut self,
        _: &IpaCameraSensorInfo,
        _: &BTreeMap<u32, IpaStream>,
        _: &BTreeMap<u32, ControlInfoMap>,
    ) -> Result<i32, CallError> {
        Ok(0)
    }

    fn start(&mut self) -> Result<i32, CallError> {
        for thread in 0..THREADS {
            let events = Arc::clone(&self.events);
            self.threads.push(std::thread::spawn(move || {
                for number in 0..EVENTS {
                    events.lock().unwrap().params_computed(thread << 16 | number, Flags::empty());
                }
            }));
        }
        std::thread::sleep(self.pause);
        Ok(7)
    }

    fn stop(&mut self) -> Result<(), CallError> {
        self.threads.drain(..).for_each(|thread| thread.join().unwrap());
        Ok(())
    }

    fn map_buffers(&mut self, _: &[IpaBuffer]) -> Result<(), CallError> {
        Ok(())
    }

    fn unmap_buffers(&mut self, _: &[u32]) -> Result<(), CallError> {
        Ok(())
    }

    fn queue_request(&mut self, _: u32, _: &ControlList) -> Result<(), CallError> {
        Ok(())
    }

    fn compute_params(&mut self, _: u32, _: u32) -> Result<(), CallError> {
        Ok(())
    }
}

/// Serves a module that takes so long to start to a host that waits so long for it. The host is there as long as the
/// writer is.
fn serve(pause: Duration, patience: Duration) -> (OwnedFd, JoinHandle<Result<(), ServeError>>, PipeWriter) {
    let (host, worker) = sockets();
    let (ended, alive) = pipe().unwrap();
    let endpoint = Endpoint::over(worker, ended.into()).unwrap().reply_within(patience);
    let serving =
        std::thread::spawn(move || vimc::serve_libcamera(endpoint, |events| Busy::new(events, pause)));
    (host, serving, alive)
}

#[test]
fn events_of_any_thread_come_whole_and_in_order_after_the_reply() {
    watchdog(|| {
        let (host, serving, _alive) = serve(Duration::from_millis(50), Duration::from_secs(60));
        send(&host, &words(&[3, 1]), 0);
        assert_eq!(receive(&host).0, words(&[3, 1, 7]), "the reply comes first");
        let mut next = [0; THREADS as usize];
        for _ in 0..THREADS * EVENTS {
            let (event, _) = receive(&host);
            assert_eq!((&event[..16], event.len()), (&words(&[1, 0, 4, 4])[..], 24));
            let id = u32::from_le_bytes(event[16..20].try_into().unwrap());
            let next = &mut next[(id >> 16) as usize];
            assert_eq!(id & 0xffff, *next, "events of a thread are in its order");
            *next += 1;
        }
        send(&host, &words(&[4, 2]), 0);
        assert_eq!(receive(&host).0, words(&[4, 2]));
        send(&host, &words(&[0, 3]), 0);
        serving.join().unwrap().unwrap();
    });
}

#[test]
fn a_reply_that_is_too_late_is_not_sent() {
    watchdog(|| {
        let (host, serving, _alive) = serve(Duration::from_millis(200), Duration::from_millis(100));
        send(&host, &words(&[3, 1]), 0);
        for _ in 0..THREADS * EVENTS {
            assert_eq!(
                receive(&host).0[..8],
                words(&[1, 0]),
                "libcamera's proxy would take a reply for an event"
            );
        }
        // What is in time is answered.
        send(&host, &words(&[4, 2]), 0);
        assert_eq!(receive(&host).0, words(&[4, 2]));
        send(&host, &words(&[0, 3]), 0);
        serving.join().unwrap().unwrap();
    });
}

#[test]
fn serving_ends_with_the_host() {
    watchdog(|| {
        let (_host, serving, alive) = serve(Duration::ZERO, Duration::from_secs(60));
        drop(alive);
        serving.join().unwrap().unwrap();
    });
}

#[test]
fn a_call_that_does_not_fit_is_refused_whole() {
    watchdog(|| {
        let worker = Worker::new(env!("CARGO_BIN_EXE_vimc_ipa_proxy"), "/nowhere/ipa_none.so", Version::V2);
        let mut proxy = IpaVimcProxy::libcamera(&Options::new(), &worker).unwrap();
        // Twelve bytes each, and a socket takes 208 KiB unless somebody has set it otherwise.
        let error = proxy.unmap_buffers(&vec![1; 1 << 20]).unwrap_err();
        assert!(matches!(error, CallError::TooLong { bytes: 12_582_924, .. }), "{error}");
        // Had it been announced, the worker would take this for the rest of it.
        proxy.unmap_buffers(&[1; 10_000]).unwrap();
        assert_eq!(proxy.start().unwrap(), 0);
    });
}
