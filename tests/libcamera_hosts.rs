//! The workers of this package under libcamera hosts: recorded ones, clumsy ones, and our own.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use ringfence::interfaces::libcamera::{IpaBuffer, IpaCameraSensorInfo, IpaSettings, IpaStream};
use ringfence::interfaces::rpi::{self, IpaRPi};
use ringfence::interfaces::vimc::{IpaOperationCode, IpaVimc, IpaVimcEvent, IpaVimcProxy, TestFlag};
use ringfence::ipc::Options;
use ringfence::ipc::libcamera::{Version, Worker};
use ringfence::serialize::controls::ids::controls::{FRAME_DURATION_LIMITS, SENSOR_TIMESTAMP};
use ringfence::serialize::{ControlList, Flags, Plane, SharedFd, Size};
use tempfile::TempDir;

mod common;
#[path = "common/datagrams.rs"]
mod datagrams;
#[path = "common/devices.rs"]
mod devices;
#[path = "common/host.rs"]
mod host;
#[path = "common/recording.rs"]
mod recording;

use common::{exists, until, watchdog};
use datagrams::{datagram, receive, send, send_with};
use host::{Started, below_a_host, compute_params, flood, map_buffers, memory, words, written};
use recording::{GOLDEN, Message, turns};

const VIMC: &str = env!("CARGO_BIN_EXE_vimc_ipa_proxy");
const RASPBERRY_PI: &str = env!("CARGO_BIN_EXE_raspberrypi_ipa_proxy");
/// Bytes that are enough for any buffer of the recordings.
const BUFFER: u64 = 1 << 16;

/// A folder with this file in it.
fn folder_with(name: &str, text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), text).unwrap();
    folder
}

/// Plays the host of a recording to `program`, with `first` in place of the first descriptor. Returns the calls, each
/// with what the recorded worker said and what this one did, which is as much.
fn replay(
    worker: &Started,
    recording: &str,
    first: OwnedFd,
    skip: impl Fn(&Message) -> bool,
) -> Vec<(Message, Vec<Message>, Vec<Message>)> {
    let mut first = Some(first);
    let mut session = Vec::new();
    for (call, mut expected) in turns(&Path::new(GOLDEN).join(recording)) {
        let fds: Vec<_> = (0..call.fds).map(|_| first.take().unwrap_or_else(|| memory(BUFFER))).collect();
        send_with(&worker.socket, &call.bytes, &fds.iter().map(AsFd::as_fd).collect::<Vec<_>>());
        expected.retain(|answer| answer.is_reply_to(&call) || !skip(answer));
        let mut answers = Vec::new();
        while answers.len() < expected.len() {
            let (bytes, fds) = receive(&worker.socket);
            let answer = Message { from_host: false, bytes, fds };
            if answer.is_reply_to(&call) || !skip(&answer) {
                answers.push(answer);
            }
        }
        session.push((call, expected, answers));
    }
    session
}

#[test]
fn the_recorded_vimc_session_is_answered_byte_for_byte() {
    watchdog(|| {
        let folder = folder_with("vimc.conf", "");
        let worker = Started::new(VIMC, folder.path());
        let trace = memory(0);
        let session =
            replay(&worker, "libcamera-2-vimc-session.jsonl", trace.try_clone().unwrap(), |_| false);
        assert_eq!(session.len(), 11);
        for (call, expected, answers) in session {
            let bytes =
                |messages: Vec<Message>| Vec::from_iter(messages.into_iter().map(|it| (it.bytes, it.fds)));
            assert_eq!(bytes(answers), bytes(expected), "call {:?}", call.number());
        }
        // The recording ends before the reply to `stop`.
        worker.expect(&words(&[4, 11]), &words(&[4, 11]));
        assert_eq!(written(&trace), words(&[1, 2, 3]));
        let (status, stderr) = worker.exit();
        assert_eq!(status.code(), Some(0), "{stderr}");
        assert!(stderr.contains("] ERROR Ringfence vimc.rs:"), "{stderr}");
        assert!(stderr.contains("buffer 99 is not mapped"), "{stderr}");
        assert!(stderr.lines().all(|line| line.starts_with('[')), "{stderr}");
    });
}

/// The packets of a control list that begins at `at`: bytes of that of its map, and the ids in the list.
fn list(bytes: &[u8], at: usize) -> (usize, Vec<u32>) {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let map = word(at) as usize;
    let packet = at + 8 + map;
    let entries = word(packet + 8) as usize;
    (map, (0..entries).map(|index| word(packet + 32 + 20 * index)).collect())
}

/// The entries of a control info map whose packet begins at `at`: of each control its id, its type and direction, and the
/// type and length of its least, greatest and default value.
fn infos(bytes: &[u8], at: usize) -> Vec<(u32, Vec<u8>)> {
    let entries = u32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap());
    let entries = bytes[at + 32..].chunks(64).take(entries as usize);
    let shape = |entry: &[u8]| [&entry[4..9], &entry[16..20], &entry[32..36], &entry[48..52]].concat();
    entries.map(|entry| (u32::from_le_bytes(entry[..4].try_into().unwrap()), shape(entry))).collect()
}

#[test]
fn the_recorded_raspberry_pi_session_gets_answers_of_the_same_kinds() {
    watchdog(|| {
        let tuning = include_str!("../src/rpi/tuning/virtual.json");
        let folder = folder_with("imx219.json", tuning);
        let worker = Started::new(RASPBERRY_PI, folder.path());
        // `setCameraTimeout` follows what the algorithms find.
        let is_timeout = |message: &Message| *message.number() == 7u32.to_le_bytes();
        let session = replay(&worker, "libcamera-2-rpi-session.jsonl", memory(BUFFER), is_timeout);
        assert_eq!(session.len(), 45);
        // A host ends if a map has a control that it does not know, or a value of another type than its control's.
        for (call, at) in [(0, 28), (1, 24)] {
            let (_, expected, answers) = &session[call];
            let (offered, known) = (infos(&answers[0].bytes, at), infos(&expected[0].bytes, at));
            let scaler_crop = 27;
            assert!(offered.len() > 10 && offered.iter().any(|(id, _)| *id == scaler_crop), "{offered:?}");
            for info in offered {
                assert!(known.contains(&info), "{info:?} is not among {known:?}");
            }
        }
        for (index, (call, expected, answers)) in session.iter().enumerate() {
            let kinds = |messages: &[Message]| {
                let kind = |it: &Message| (it.number().to_vec(), it.cookie().to_vec(), it.fds);
                Vec::from_iter(messages.iter().map(kind))
            };
            assert_eq!(kinds(answers), kinds(expected), "call {index}, {:?}", call.number());
            for (answer, expected) in answers.iter().zip(expected) {
                if answer.cookie() != [0; 4] || answer.is_reply_to(call) {
                    // The results of `init`, `configure` and `start` begin alike: `0`, and `0` or the list's size.
                    if answer.bytes.len() > 8 && *answer.number() != 2u32.to_le_bytes() {
                        assert_eq!(answer.bytes[8..12], expected.bytes[8..12], "call {index}");
                    }
                    continue;
                }
                match answer.number()[0] {
                    1 | 2 => assert_eq!(answer.bytes, expected.bytes, "call {index}"),
                    number @ 3..=5 => {
                        let at = if number == 5 { 16 } else { 8 };
                        let (map, ids) = list(&answer.bytes, at);
                        let (expected_map, known) = list(&expected.bytes, at);
                        // A host that gets a list of V4L2 controls without its map ends at once.
                        assert_eq!(map != 0, expected_map != 0, "call {index}, event {number}");
                        assert!(!ids.is_empty());
                        // What libcamera's own module does not send is of the host's vocabulary at least.
                        let unknown = ids.iter().find(|id| !known.contains(id) && (number != 3 || **id > 47));
                        assert_eq!(unknown, None, "call {index}, event {number}");
                        if number == 5 {
                            let context = |bytes: &[u8]| bytes[bytes.len() - 4..].to_vec();
                            assert_eq!(context(&answer.bytes), context(&expected.bytes), "call {index}");
                        }
                    }
                    number => panic!("event {number}"),
                }
            }
        }
        let (status, stderr) = worker.exit();
        assert_eq!(status.code(), Some(0), "{stderr}");
        assert!(!stderr.contains("statistics buffer"), "a buffer was of no use: {stderr}");
    });
}

#[test]
fn events_of_a_call_come_after_its_reply() {
    watchdog(|| {
        let folder = folder_with("imx219.json", include_str!("../src/rpi/tuning/virtual.json"));
        let worker = Started::new(RASPBERRY_PI, folder.path());
        let calls = turns(&Path::new(GOLDEN).join("libcamera-2-rpi-session.jsonl"));
        for (call, _) in &calls[..4] {
            send(&worker.socket, &call.bytes, call.fds);
            assert_eq!(receive(&worker.socket).0[..8], call.bytes[..8]);
        }
        assert_eq!(*calls[3].0.number(), 2u32.to_le_bytes(), "`start` was called last");
        // `setCameraTimeout`, which `start` raises.
        let (event, _) = receive(&worker.socket);
        assert_eq!((&event[..8], event.len()), (&words(&[7, 0])[..], 12));
        assert_eq!(worker.exit().0.code(), Some(0));
    });
}

/// A call of `init` with this configuration file and no descriptor.
fn init(cookie: u32, file: &str) -> Vec<u8> {
    assert_eq!(file.len(), 4, "so that the sizes are right");
    let mut bytes = words(&[1, cookie, 16, 4, 0, 4, 4, 4]);
    bytes.extend(file.as_bytes());
    bytes.extend(words(&[4]));
    bytes.extend(b"vimc");
    bytes.extend(words(&[0, 1, 2]));
    bytes
}

#[test]
fn a_configuration_file_that_is_not_there_is_told() {
    watchdog(|| {
        let folder = folder_with("vimc", "");
        let worker = Started::new(VIMC, folder.path());
        worker.expect(&init(1, "none"), &words(&[1, 1, -22i32 as u32, 1]));
        worker.expect(&init(2, "vimc"), &words(&[1, 2, 0, 1]));
        assert_eq!(worker.exit().0.code(), Some(0));
    });
}

#[test]
fn calls_that_cannot_be_read_get_no_reply_and_do_no_harm() {
    watchdog(|| {
        let folder = folder_with("vimc", "");
        let worker = Started::new(VIMC, folder.path());
        let whole = init(1, "vimc");
        let mut sizes = whole.clone();
        // The size of the first parameter.
        sizes[8..12].fill(0xff);
        let mapping = map_buffers(3, &[7]);
        let mut many = mapping.clone();
        // The number of elements.
        many[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        let unreadable = [
            words(&[9, 1]),
            words(&[0xffff_ffff, 1]),
            words(&[1, 1]),
            whole[..whole.len() - 1].to_vec(),
            sizes,
            // The descriptor that it claims to have did not come.
            mapping,
            many,
        ];
        for bytes in &unreadable {
            send(&worker.socket, bytes, 0);
        }
        // Descriptors that nobody asked for are closed.
        send(&worker.socket, &words(&[7, 1]), 3);
        worker.expect(&whole, &words(&[1, 1, 0, 1]));
        let fds = std::fs::read_dir(format!("/proc/{}/fd", worker.pid())).unwrap().count();
        for _ in 0..10 {
            send(&worker.socket, &words(&[9, 1]), 5);
            worker.expect(&words(&[4, 2]), &words(&[4, 2]));
        }
        assert_eq!(std::fs::read_dir(format!("/proc/{}/fd", worker.pid())).unwrap().count(), fds);
        let (status, stderr) = worker.exit();
        assert_eq!(status.code(), Some(0), "{stderr}");
        assert!(stderr.contains("a method that there is not"), "{stderr}");
    });
}

#[test]
fn datagrams_out_of_step_end_the_worker_with_a_reason() {
    watchdog(|| {
        let folder = tempfile::tempdir().unwrap();
        let announced = |bytes: &[u32]| words(bytes);
        for (datagrams, reason) in [
            (vec![vec![1; 7]], "7 bytes"),
            (vec![vec![1; 9]], "9 bytes"),
            (vec![announced(&[7, 0])], "message of 7 bytes is announced"),
            (vec![announced(&[u32::MAX, 0])], "4294967295 bytes is announced"),
            (vec![announced(&[8, 0]), vec![4; 7]], "one of 7"),
            (vec![announced(&[8, 0]), vec![4; 12]], "one of 8 or more"),
            (vec![announced(&[8, 2]), words(&[4, 1])], "2 file descriptors"),
        ] {
            let worker = Started::new(VIMC, folder.path());
            for bytes in &datagrams {
                datagram(&worker.socket, bytes, 0);
            }
            let (status, stderr) = worker.wait();
            assert_eq!(status.code(), Some(1), "{datagrams:?}: {stderr}");
            assert!(stderr.contains(reason), "{datagrams:?}: {stderr}");
        }
    });
}

#[test]
fn a_host_that_does_not_read_loses_nothing() {
    watchdog(|| {
        let folder = tempfile::tempdir().unwrap();
        let worker = Started::new(VIMC, folder.path());
        flood(&worker);
        assert_eq!(worker.exit().0.code(), Some(0));
    });
}

#[test]
fn workers_end_with_their_host() {
    watchdog(|| {
        for program in [VIMC, RASPBERRY_PI] {
            let (mut host, socket, pid) = below_a_host(program);
            if program == VIMC {
                // In the midst of events that nobody reads.
                send_with(&socket, &map_buffers(1, &[7]), &[memory(4096).as_fd()]);
                assert_eq!(receive(&socket).0, words(&[5, 1]));
                rustix::io::ioctl_fionbio(&socket, true).unwrap();
                let bytes = compute_params(2, 0, 7);
                let datagrams = [datagrams::announcement(bytes.len(), 0).to_vec(), bytes];
                let flags = rustix::net::SendFlags::empty();
                while datagrams.iter().all(|bytes| rustix::net::send(&socket, bytes, flags).is_ok()) {}
            }
            std::thread::sleep(Duration::from_millis(50));
            assert!(exists(pid), "{program} ended before its host");
            host.kill().unwrap();
            host.wait().unwrap();
            until(|| !exists(pid));
        }
    });
}

#[test]
fn a_worker_that_is_started_by_hand_says_what_it_is_for() {
    for program in [VIMC, RASPBERRY_PI] {
        for args in [&[][..], &["module"], &["module", "x"], &["module", "0"], &["module", "987654"]] {
            let output = Command::new(program).args(args).output().unwrap();
            assert_eq!(output.status.code(), Some(1));
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert!(stderr.contains("a libcamera worker: a host starts it"), "{stderr}");
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
        }
    }
}

fn buffer(id: u32) -> IpaBuffer {
    IpaBuffer { id, planes: vec![Plane { fd: memory(4096).into(), offset: 0, length: 4096 }] }
}

#[test]
fn a_whole_session_of_our_host() {
    watchdog(|| {
        let folder = folder_with("vimc.conf", "");
        let worker = Worker::new(VIMC, "/nowhere/ipa_none.so", Version::V2).reads(folder.path());
        let mut proxy = IpaVimcProxy::libcamera(&Options::new(), &worker).unwrap();
        let trace = memory(0);
        let settings = IpaSettings {
            configuration_file: folder.path().join("vimc.conf").display().to_string(),
            sensor_model: "vimc".into(),
        };
        let traced = SharedFd::from(trace.try_clone().unwrap());
        let code = IpaOperationCode::IpaOperationInit;
        let answer = proxy.init(&settings, &traced, code, TestFlag::Flag2.into()).unwrap();
        assert_eq!(answer, (0, TestFlag::Flag1.into()));
        let stream = IpaStream { pixel_format: 0x3432_4752, size: Size { width: 640, height: 480 } };
        let streams = BTreeMap::from([(0, stream), (1, stream)]);
        assert_eq!(proxy.configure(&IpaCameraSensorInfo::default(), &streams, &BTreeMap::new()).unwrap(), 0);
        proxy.map_buffers(&[buffer(1), buffer(2)]).unwrap();
        assert_eq!(proxy.start().unwrap(), 0);
        for (frame, buffer) in [(0, 1), (1, 99), (2, 2)] {
            proxy.queue_request(frame, &ControlList::default()).unwrap();
            proxy.compute_params(frame, buffer).unwrap();
        }
        // The buffer that there is not yields no event.
        for buffer_id in [1, 2] {
            assert!(proxy.wait(Some(Instant::now() + Duration::from_secs(20))).unwrap());
            let event = proxy.next_event().unwrap().unwrap();
            assert_eq!(event, IpaVimcEvent::ParamsComputed { buffer_id, flags: Flags::empty() });
        }
        proxy.unmap_buffers(&[1]).unwrap();
        proxy.compute_params(3, 1).unwrap();
        proxy.stop().unwrap();
        assert_eq!(proxy.next_event().unwrap(), None);
        assert_eq!(written(&trace), words(&[1, 2, 3]));
        let pid = proxy.libcamera_connection().unwrap().worker_pid().unwrap();
        drop(proxy);
        assert!(!exists(pid));
    });
}

#[test]
fn our_host_with_the_raspberry_pi_s_worker() {
    watchdog(|| {
        let worker = Worker::new(RASPBERRY_PI, "/nowhere/ipa_none.so", Version::V2);
        let mut proxy = rpi::IpaRPiProxy::libcamera(&Options::new(), &worker).unwrap();
        let settings = IpaSettings { configuration_file: String::new(), sensor_model: "imx219".into() };
        let (ret, result) = proxy.init(&settings, &rpi::InitParams::default()).unwrap();
        assert_eq!((ret, result.control_info.is_empty()), (0, false));
        let sensor_info = IpaCameraSensorInfo {
            output_size: Size { width: 1640, height: 1232 },
            pixel_rate: 182_400_000,
            min_line_length: 3448,
            max_line_length: 3448,
            min_frame_length: 1236,
            max_frame_length: 65_535,
            ..IpaCameraSensorInfo::default()
        };
        let params = rpi::ConfigParams {
            sensor_controls: devices::sensor_map(),
            isp_controls: devices::isp_map(),
            ..rpi::ConfigParams::default()
        };
        let (ret, result) = proxy.configure(&sensor_info, &params).unwrap();
        assert_eq!(ret, 0);
        assert!(result.sensor_controls.contains(devices::EXPOSURE));
        assert!(proxy.start(&ControlList::default()).unwrap().controls.contains(devices::VBLANK));
        let mut sensor_controls = result.sensor_controls;
        sensor_controls.set(&SENSOR_TIMESTAMP, 1_000_000_000);
        let buffers = rpi::BufferIds { bayer: 0x04_0000, embedded: 0, stats: 0x01_0000 };
        let mut request_controls = ControlList::default();
        request_controls.set(&FRAME_DURATION_LIMITS, [500_000, 1_000_000]);
        let prepare = rpi::PrepareParams { buffers, sensor_controls, request_controls, ..Default::default() };
        proxy.prepare_isp(&prepare).unwrap();
        // A frame whose statistics cannot be read has to end all the same.
        proxy.process_stats(&rpi::ProcessParams { buffers, ipa_context: 3 }).unwrap();
        let mut timeouts = Vec::new();
        let mut kinds = Vec::new();
        while kinds.last() != Some(&"processed") {
            assert!(proxy.wait(Some(Instant::now() + Duration::from_secs(20))).unwrap());
            kinds.push(match proxy.next_event().unwrap().unwrap() {
                rpi::IpaRPiEvent::SetCameraTimeout { max_frame_length_ms } => {
                    timeouts.push(max_frame_length_ms);
                    "timeout"
                }
                rpi::IpaRPiEvent::SetIspControls { .. } => "isp",
                rpi::IpaRPiEvent::PrepareIspComplete { .. } => "prepared",
                rpi::IpaRPiEvent::SetDelayedControls { delay_context: 3, .. } => "sensor",
                rpi::IpaRPiEvent::MetadataReady { .. } => "metadata",
                rpi::IpaRPiEvent::ProcessStatsComplete { .. } => "processed",
                event => panic!("{event:?}"),
            });
        }
        assert_eq!(kinds, ["timeout", "timeout", "isp", "prepared", "sensor", "metadata", "processed"]);
        // That of the start, and that of the limits asked for, in whole lines.
        assert_eq!(timeouts, [119, 999]);
    });
}
