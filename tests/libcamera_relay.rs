//! `ringfence relay` between hosts and workers: nothing changes, nothing is lost, and all is told.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use ringfence::interfaces::libcamera::{IpaBuffer, IpaCameraSensorInfo, IpaSettings};
use ringfence::interfaces::libcamera_0_0_3 as old;
use ringfence::interfaces::vimc::{IpaOperationCode, IpaVimc, IpaVimcEvent, IpaVimcProxy, TestFlag};
use ringfence::ipc::libcamera::{Version, Worker};
use ringfence::ipc::{CallError, Exit, Options, SandboxPolicy};
use ringfence::serialize::{Flags, Plane, SharedFd};
use rustix::process::Signal;
use tempfile::TempDir;

mod common;
#[path = "common/datagrams.rs"]
mod datagrams;
#[path = "common/host.rs"]
mod host;
#[path = "common/libcamera.rs"]
mod package;
#[path = "common/recording.rs"]
mod recording;

use common::{exists, until, watchdog};
use datagrams::{receive, send_with};
use host::{Started, below_a_host, flood, memory, words, written};
use package::Package;
use recording::{GOLDEN, messages, turns};

/// The workers here are scripts, which start the relay, which starts a worker: no sandbox lets them.
fn unconfined() -> Options {
    Options::new().sandbox(SandboxPolicy::off())
}

const RINGFENCE: &str = env!("CARGO_BIN_EXE_ringfence");
const VIMC: &str = env!("CARGO_BIN_EXE_vimc_ipa_proxy");

/// A script that a host takes for the worker, as the documentation has it.
struct Script {
    folder: TempDir,
}

impl Script {
    fn new(worker: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = Self { folder };
        let text = format!(
            "#!/bin/sh\nexec {RINGFENCE} relay --record {} -- {} \"$@\"\n",
            script.record().display(),
            worker.display()
        );
        std::fs::write(script.path(), text).unwrap();
        std::fs::set_permissions(script.path(), PermissionsExt::from_mode(0o755)).unwrap();
        script
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("vimc_ipa_proxy")
    }

    fn record(&self) -> PathBuf {
        self.folder.path().join("session.jsonl")
    }

    /// Numbers and descriptors of the calls on record, and the numbers of what followed each, the reply first.
    fn told(&self) -> Vec<(u32, usize, Vec<u32>)> {
        let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
        let turns = turns(&self.record()).into_iter().map(|(call, answers)| {
            let answers = answers.iter().map(|answer| number(answer.number())).collect();
            (number(call.number()), call.fds, answers)
        });
        turns.collect()
    }
}

/// Children of a process.
fn children(pid: u32) -> Vec<u32> {
    let mut children = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let list = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        children.extend(list.split_whitespace().map(|pid| pid.parse::<u32>().unwrap()));
    }
    children
}

/// The worker that a relay has started.
fn worker_of(relay: u32) -> u32 {
    let mut found = Vec::new();
    until(|| {
        found = children(relay);
        !found.is_empty()
    });
    found[0]
}

fn soon() -> Option<Instant> {
    Some(Instant::now() + Duration::from_secs(20))
}

#[test]
fn a_session_of_our_host_with_our_worker() {
    watchdog(|| {
        let script = Script::new(Path::new(VIMC));
        let worker = Worker::new(script.path(), "/nowhere/ipa_none.so", Version::V2);
        let mut proxy = IpaVimcProxy::libcamera(&unconfined(), &worker).unwrap();
        let trace = memory(0);
        let settings = IpaSettings {
            configuration_file: script.path().display().to_string(),
            sensor_model: "vimc".into(),
        };
        let traced = SharedFd::from(trace.try_clone().unwrap());
        let code = IpaOperationCode::IpaOperationInit;
        assert_eq!(proxy.init(&settings, &traced, code, TestFlag::Flag2.into()).unwrap().0, 0);
        let info = IpaCameraSensorInfo::default();
        assert_eq!(proxy.configure(&info, &BTreeMap::new(), &BTreeMap::new()).unwrap(), 0);
        let plane = || Plane { fd: memory(4096).into(), offset: 0, length: 4096 };
        let buffer = |id| IpaBuffer { id, planes: vec![plane(), plane()] };
        proxy.map_buffers(&[buffer(1), buffer(2)]).unwrap();
        assert_eq!(proxy.start().unwrap(), 0);
        for buffer_id in [2, 1] {
            proxy.compute_params(0, buffer_id).unwrap();
            assert!(proxy.wait(soon()).unwrap());
            let event = proxy.next_event().unwrap().unwrap();
            assert_eq!(event, IpaVimcEvent::ParamsComputed { buffer_id, flags: Flags::empty() });
        }
        proxy.stop().unwrap();
        assert_eq!(written(&trace), words(&[1, 2, 3]));
        let relay = proxy.libcamera_connection().unwrap().worker_pid().unwrap();
        let worker = worker_of(relay);
        drop(proxy);
        until(|| !exists(relay) && !exists(worker));
        let mut told = script.told();
        // Our host asks the worker to end, and then waits for that.
        assert_eq!(told.pop(), Some((0, 0, vec![])));
        let expected = [
            (1, 1, vec![1]),
            (2, 0, vec![2]),
            (5, 4, vec![5]),
            (3, 0, vec![3]),
            (8, 0, vec![1]),
            (8, 0, vec![1]),
            (4, 0, vec![4]),
        ];
        assert_eq!(told, expected);
    });
}

#[test]
fn a_session_of_our_host_with_libcamera_s_worker() {
    watchdog(|| {
        let Some(package) = Package::find() else { return };
        let own = package.worker("vimc_ipa_proxy", "ipa_vimc.so");
        let script = Script::new(own.program());
        let worker = package.worker_behind(&script.path(), "ipa_vimc.so");
        let mut proxy = old::vimc::IpaVimcProxy::libcamera(&unconfined(), &worker).unwrap();
        let settings = old::libcamera::IpaSettings {
            configuration_file: package.tuning("vimc/vimc.conf"),
            sensor_model: "vimc".into(),
        };
        use old::vimc::{IpaVimc, IpaVimcEvent, TestFlag};
        let code = old::vimc::IpaOperationCode::IpaOperationInit;
        let answer = proxy.init(&settings, code, TestFlag::Flag2.into()).unwrap();
        assert_eq!(answer, (0, TestFlag::Flag1.into()));
        let plane = Plane { fd: memory(4096).into(), offset: 0, length: 4096 };
        proxy.map_buffers(&[old::libcamera::IpaBuffer { id: 1, planes: vec![plane] }]).unwrap();
        assert_eq!(proxy.start().unwrap(), 0);
        // More than one side of the relay could hold.
        for frame in 0..500 {
            proxy.fill_params_buffer(frame, 1).unwrap();
        }
        proxy.stop().unwrap();
        for _ in 0..500 {
            let event = proxy.next_event().unwrap().unwrap();
            assert_eq!(event, IpaVimcEvent::ParamsBufferReady { buffer_id: 1, flags: Flags::empty() });
        }
        let relay = proxy.libcamera_connection().unwrap().worker_pid().unwrap();
        let worker = worker_of(relay);
        drop(proxy);
        until(|| !exists(relay) && !exists(worker));
        let told = script.told();
        assert_eq!(told[0], (1, 0, vec![1]));
        let (calls, descriptors, answers) = told
            .iter()
            .fold((0, 0, 0), |(calls, fds, answers), turn| (calls + 1, fds + turn.1, answers + turn.2.len()));
        // Besides the frames: `init`, `mapBuffers`, `start` and `stop`, and what ends it.
        assert_eq!((calls, descriptors, answers), (505, 1, 504));
    });
}

#[test]
fn a_recorded_session_is_recorded_as_it_was() {
    watchdog(|| {
        let script = Script::new(Path::new(VIMC));
        std::fs::write(script.folder.path().join("vimc.conf"), "").unwrap();
        let relay = Started::new(script.path(), script.folder.path());
        let golden = Path::new(GOLDEN).join("libcamera-2-vimc-session.jsonl");
        for (call, answers) in turns(&golden) {
            let fds: Vec<_> = (0..call.fds).map(|_| memory(1 << 16)).collect();
            send_with(&relay.socket, &call.bytes, &fds.iter().map(AsFd::as_fd).collect::<Vec<_>>());
            for answer in answers {
                assert_eq!(receive(&relay.socket), (answer.bytes, answer.fds));
            }
        }
        let (status, stderr) = relay.exit();
        assert_eq!(status.code(), Some(0), "{stderr}");
        // Datagrams of the two sides were recorded in turns; each side's are in order.
        for from_host in [true, false] {
            let of = |path: &Path| -> Vec<(Vec<u8>, usize)> {
                let side = messages(path).into_iter().filter(|message| message.from_host == from_host);
                side.map(|message| (message.bytes, message.fds)).collect()
            };
            let mut recorded = of(&script.record());
            if from_host {
                assert_eq!(recorded.pop(), Some((vec![0; 8], 0)));
            }
            assert_eq!(recorded, of(&golden));
        }
    });
}

#[test]
fn a_host_that_does_not_read_loses_nothing() {
    watchdog(|| {
        let script = Script::new(Path::new(VIMC));
        let relay = Started::new(script.path(), script.folder.path());
        flood(&relay);
        let (status, stderr) = relay.exit();
        assert_eq!(status.code(), Some(0), "{stderr}");
        // `mapBuffers`, the frames, and what ends it.
        assert_eq!(messages(&script.record()).iter().filter(|message| message.from_host).count(), 2002);
    });
}

#[test]
fn the_relay_ends_as_its_worker_does() {
    watchdog(|| {
        let script = Script::new(Path::new(VIMC));
        let worker = Worker::new(script.path(), "/nowhere/ipa_none.so", Version::V2);
        let mut proxy = IpaVimcProxy::libcamera(&unconfined(), &worker).unwrap();
        proxy.map_buffers(&[]).unwrap();
        let relay = proxy.libcamera_connection().unwrap().worker_pid().unwrap();
        common::send(worker_of(relay), Signal::KILL);
        until(|| proxy.map_buffers(&[]).is_err());
        let Err(CallError::Died(death)) = proxy.map_buffers(&[]) else { panic!("the worker is dead") };
        assert_eq!(death.exit, Exit::Status(137), "{death}");
    });
}

#[test]
fn the_worker_ends_with_the_relay_and_both_with_the_host() {
    watchdog(|| {
        let script = Script::new(Path::new(VIMC));
        let relay = Started::new(script.path(), script.folder.path());
        relay.expect(&words(&[4, 1]), &words(&[4, 1]));
        let worker = worker_of(relay.pid());
        common::send(relay.pid(), Signal::KILL);
        until(|| !exists(worker));
        drop(relay);
        // The last words are on record.
        assert_eq!(script.told(), [(4, 0, vec![4])]);

        let (mut host, _socket, relay) = below_a_host(script.path());
        let worker = worker_of(relay);
        host.kill().unwrap();
        host.wait().unwrap();
        until(|| !exists(relay) && !exists(worker));
    });
}

#[test]
fn mistakes_are_told_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("record").display().to_string();
    for (args, reason) in [
        (&["--", "worker", "module", "7"][..], "--record"),
        (&["--record", &record], "WORKER"),
        (&["--record", &record, "--", "worker"], "the last is no number"),
        (&["--record", &record, "--", "worker", "module", "x"], "the last is no number"),
        (&["--record", &record, "--", "worker", "module", "0"], "a standard stream"),
        (&["--record", &record, "--", "worker", "module", "987654"], "a datagram or packet socket"),
        (&["--record", "/nowhere/record", "--", "worker", "module", "7"], "/nowhere/record"),
    ] {
        let output = Command::new(RINGFENCE).arg("relay").args(args).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(reason) && stderr.lines().count() == 1, "{args:?}: {stderr}");
    }
}
