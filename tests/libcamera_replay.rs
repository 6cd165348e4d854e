//! Recorded sessions between libcamera's own hosts and workers, through everything that is generated.
//!
//! The recorded host's datagrams go to our endpoint and its dispatcher, which call a module that passes all calls on to our
//! proxy, whose worker is a process that knows the recording by heart: it expects the same datagrams from the proxy, and
//! answers with those of the recorded worker, which then have to come out again where the recorded host is.

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::time::{Duration, Instant};

use ringfence::interfaces::{libcamera, libcamera_0_0_3 as old, rpi, vimc};
use ringfence::ipc::libcamera::{Endpoint, Version, Worker};
use ringfence::ipc::{CallError, Options, ServeError};
use ringfence::serialize::{ControlInfoMap, ControlList, Flags, SharedFd};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

mod common;
#[path = "common/datagrams.rs"]
mod datagrams;
#[path = "common/recording.rs"]
mod recording;

use common::watchdog;
use datagrams::{inherited, receive, send};
use recording::{GOLDEN, messages, turns};

/// Names the recording to the process that plays the worker.
const RECORDING: &str = "RINGFENCE_TEST_RECORDING";

/// A message with the entries of its packets of controls in the order of their ids, which means nothing, and without
/// the offsets that follow from it.
fn sorted(bytes: &[u8], version: Version) -> Vec<u8> {
    let (format, entry_forms) = match version {
        // Bytes of an entry, and the places of offsets in it: lists, info maps.
        Version::V1 => (1, [(16, &[8][..]), (16, &[8])]),
        _ => (2, [(20, &[8][..]), (64, &[20, 36, 52])]),
    };
    let mut sorted = bytes.to_vec();
    for start in 0..bytes.len().saturating_sub(32) {
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let [found, _, entries, size, data] = [0, 4, 8, 12, 16].map(|at| word(start + at));
        let form = entry_forms.iter().find(|(entry, _)| data == 32 + entries * entry);
        let Some((entry_bytes, offsets)) = form else { continue };
        if found != format || entries == 0 || size < data || start + size > bytes.len() {
            continue;
        }
        let first = |index: usize| match index < entries {
            true => start + data + word(start + 32 + index * entry_bytes + offsets[0]),
            false => start + size,
        };
        let mut parts: Vec<(Vec<u8>, &[u8])> = (0..entries)
            .map(|index| {
                let mut entry = bytes[start + 32 + index * entry_bytes..][..*entry_bytes].to_vec();
                offsets.iter().for_each(|offset| entry[*offset..offset + 4].fill(0));
                (entry, &bytes[first(index)..first(index + 1)])
            })
            .collect();
        parts.sort();
        let (entries, values): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        sorted[start + 32..start + size].copy_from_slice(&[entries.concat(), values.concat()].concat());
    }
    sorted
}

/// Plays the worker, if this process was started as one; the runner takes the arguments for names of tests.
#[test]
fn recorded_worker() {
    let Some(recording) = std::env::var_os(RECORDING) else { return };
    let socket = inherited();
    // The call that may be answered: its number and cookie in the recording, and its cookie here.
    let mut last = None;
    for message in messages(Path::new(&recording)) {
        if message.from_host {
            let (bytes, fds) = receive(&socket);
            assert_eq!(bytes[..4], *message.number(), "another method is called");
            assert_eq!(bytes[8..], message.bytes[8..], "method {:?}", message.number());
            assert_eq!(fds, message.fds);
            assert_ne!(bytes[4..8], [0; 4], "the cookie is that of events");
            last = Some((message.number().to_owned(), message.cookie().to_owned(), bytes[4..8].to_owned()));
            continue;
        }
        let mut bytes = message.bytes.clone();
        if let Some((number, cookie, own)) = &last
            && (message.number(), message.cookie()) == (number, cookie)
        {
            bytes[4..8].copy_from_slice(own);
            last = None;
        }
        send(&socket, &bytes, message.fds);
    }
}

/// Passes calls on to a proxy, and the events that follow each call to its own host.
macro_rules! passing_on {
    ($name:ident: $module:path, $proxy:ty, $trait:path, $events:path {
        $(fn $method:ident($($argument:ident: $ty:ty),*) -> $results:ty;)*
    }) => {
        struct $name {
            proxy: $proxy,
            events: Box<dyn $events + Send>,
            /// How many events follow each call.
            following: VecDeque<usize>,
        }

        impl $trait for $name {
            $(
                fn $method(&mut self, $($argument: $ty),*) -> Result<$results, CallError> {
                    let results = self.proxy.$method($($argument),*)?;
                    for _ in 0..self.following.pop_front().unwrap_or(0) {
                        assert!(self.proxy.wait(Some(Instant::now() + Duration::from_secs(20)))?);
                        self.proxy.next_event()?.expect("one was waited for").deliver(&mut *self.events);
                    }
                    Ok(results)
                }
            )*
        }
    };
}

passing_on! {
    Vimc: vimc, vimc::IpaVimcProxy, vimc::IpaVimc, vimc::IpaVimcEvents {
        fn init(
            settings: &libcamera::IpaSettings,
            trace_fd: &SharedFd,
            code: vimc::IpaOperationCode,
            in_flags: Flags<vimc::TestFlag>
        ) -> (i32, Flags<vimc::TestFlag>);
        fn configure(
            sensor_info: &libcamera::IpaCameraSensorInfo,
            stream_config: &BTreeMap<u32, libcamera::IpaStream>,
            entity_controls: &BTreeMap<u32, ControlInfoMap>
        ) -> i32;
        fn start() -> i32;
        fn stop() -> ();
        fn map_buffers(buffers: &[libcamera::IpaBuffer]) -> ();
        fn unmap_buffers(ids: &[u32]) -> ();
        fn queue_request(frame: u32, controls: &ControlList) -> ();
        fn compute_params(frame: u32, buffer_id: u32) -> ();
    }
}

passing_on! {
    OldVimc: old::vimc, old::vimc::IpaVimcProxy, old::vimc::IpaVimc, old::vimc::IpaVimcEvents {
        fn init(
            settings: &old::libcamera::IpaSettings,
            code: old::vimc::IpaOperationCode,
            in_flags: Flags<old::vimc::TestFlag>
        ) -> (i32, Flags<old::vimc::TestFlag>);
        fn configure(
            sensor_info: &old::libcamera::IpaCameraSensorInfo,
            stream_config: &BTreeMap<u32, old::libcamera::IpaStream>,
            entity_controls: &BTreeMap<u32, ControlInfoMap>
        ) -> i32;
        fn start() -> i32;
        fn stop() -> ();
        fn map_buffers(buffers: &[old::libcamera::IpaBuffer]) -> ();
        fn unmap_buffers(ids: &[u32]) -> ();
        fn queue_request(frame: u32, controls: &ControlList) -> ();
        fn fill_params_buffer(frame: u32, buffer_id: u32) -> ();
    }
}

passing_on! {
    Rpi: rpi, rpi::IpaRPiProxy, rpi::IpaRPi, rpi::IpaRPiEvents {
        fn init(settings: &libcamera::IpaSettings, params: &rpi::InitParams) -> (i32, rpi::InitResult);
        fn start(controls: &ControlList) -> rpi::StartResult;
        fn stop() -> ();
        fn configure(
            sensor_info: &libcamera::IpaCameraSensorInfo,
            params: &rpi::ConfigParams
        ) -> (i32, rpi::ConfigResult);
        fn map_buffers(buffers: &[libcamera::IpaBuffer]) -> ();
        fn unmap_buffers(ids: &[u32]) -> ();
        fn prepare_isp(params: &rpi::PrepareParams) -> ();
        fn process_stats(params: &rpi::ProcessParams) -> ();
    }
}

passing_on! {
    OldRpi: old::rpi, old::rpi::IpaRPiProxy, old::rpi::IpaRPi, old::rpi::IpaRPiEvents {
        fn init(settings: &old::libcamera::IpaSettings) -> (i32, old::rpi::IpaInitResult);
        fn start(controls: &ControlList) -> old::rpi::StartConfig;
        fn stop() -> ();
        fn configure(
            sensor_info: &old::libcamera::IpaCameraSensorInfo,
            stream_config: &BTreeMap<u32, old::libcamera::IpaStream>,
            entity_controls: &BTreeMap<u32, ControlInfoMap>,
            ipa_config: &old::rpi::IpaConfig
        ) -> (i32, ControlList, old::rpi::IpaConfigResult);
        fn map_buffers(buffers: &[old::libcamera::IpaBuffer]) -> ();
        fn unmap_buffers(ids: &[u32]) -> ();
        fn signal_stat_ready(buffer_id: u32, ipa_context: u32) -> ();
        fn signal_queue_request(controls: &ControlList) -> ();
        fn signal_isp_prepare(data: &old::rpi::IspConfig) -> ();
    }
}

/// Plays the host of a recording to what `serve` serves, given a worker for its proxy and how many events follow each call.
fn replay(
    name: &str,
    version: Version,
    serve: impl FnOnce(Endpoint, Worker, VecDeque<usize>) -> Result<(), ServeError> + Send + 'static,
) {
    let path = Path::new(GOLDEN).join(name);
    let worker = Worker::new(std::env::current_exe().unwrap(), "recorded_worker", version)
        .env(RECORDING, &path)
        .reads(&path)
        .env("RUST_TEST_NOCAPTURE", "1");
    let (ours, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None).unwrap();
    // What does not come by then does not come at all.
    let patience = Some(Duration::from_secs(20));
    set_socket_timeout(&ours, Timeout::Recv, patience).unwrap();
    let turns = turns(&path);
    let following =
        turns.iter().map(|(call, answers)| answers.iter().filter(|answer| !answer.is_reply_to(call)).count());
    let following = following.collect();
    let serving = std::thread::spawn(move || {
        let endpoint = Endpoint::inherited(theirs.as_raw_fd(), "module").unwrap().version(version);
        serve(endpoint, worker, following)
    });
    let count = turns.len();
    for (index, (call, answers)) in turns.into_iter().enumerate() {
        send(&ours, &call.bytes, call.fds);
        for answer in answers {
            let (bytes, fds) = receive(&ours);
            assert_eq!(fds, 0);
            let (bytes, expected) = (sorted(&bytes, version), sorted(&answer.bytes, version));
            assert_eq!(bytes, expected, "{name}: call {index} of {count}, method {:?}", call.number());
        }
    }
    // Not all recordings hold the end.
    send(&ours, &[0; 8], 0);
    serving.join().unwrap().unwrap();
}

#[test]
fn the_newest_vimc() {
    watchdog(|| {
        replay("libcamera-2-vimc-session.jsonl", Version::V2, |endpoint, worker, following| {
            let proxy = vimc::IpaVimcProxy::libcamera(&Options::new(), &worker).unwrap();
            vimc::serve_libcamera(endpoint, |events| Vimc { proxy, events, following })
        });
    });
}

#[test]
fn the_old_vimc() {
    watchdog(|| {
        replay("libcamera-1-vimc-session.jsonl", Version::V1, |endpoint, worker, following| {
            let proxy = old::vimc::IpaVimcProxy::libcamera(&Options::new(), &worker).unwrap();
            old::vimc::serve_libcamera(endpoint, |events| OldVimc { proxy, events, following })
        });
    });
}

#[test]
fn the_newest_raspberry_pi() {
    watchdog(|| {
        replay("libcamera-2-rpi-session.jsonl", Version::V2, |endpoint, worker, following| {
            let proxy = rpi::IpaRPiProxy::libcamera(&Options::new(), &worker).unwrap();
            rpi::serve_libcamera(endpoint, |events| Rpi { proxy, events, following })
        });
    });
}

#[test]
fn the_old_raspberry_pi() {
    watchdog(|| {
        replay("libcamera-1-rpi-session.jsonl", Version::V1, |endpoint, worker, following| {
            let proxy = old::rpi::IpaRPiProxy::libcamera(&Options::new(), &worker).unwrap();
            old::rpi::serve_libcamera(endpoint, |events| OldRpi { proxy, events, following })
        });
    });
}
