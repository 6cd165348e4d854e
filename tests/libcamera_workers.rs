//! libcamera 0.0.3's own workers under our proxies, where they are installed.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use ringfence::interfaces::libcamera_0_0_3::libcamera::{
    IpaBuffer, IpaCameraSensorInfo, IpaSettings, IpaStream,
};
use ringfence::interfaces::libcamera_0_0_3::rpi::{self, IpaRPi, IpaRPiEvent, IpaRPiProxy};
use ringfence::interfaces::libcamera_0_0_3::vimc::{
    IpaOperationCode, IpaVimc, IpaVimcEvent, IpaVimcProxy, TestFlag,
};
use ringfence::ipc::{CallError, Exit, Nursery, Options};
use ringfence::serialize::controls::IdMap;
use ringfence::serialize::{ControlList, Flags, Plane, Rectangle, SharedFd, Size};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::process::Signal;

mod common;
#[path = "common/devices.rs"]
mod devices;
#[path = "common/libcamera.rs"]
mod package;

use common::{exists, send, until, watchdog};
use devices::{ANALOGUE_GAIN, EXPOSURE, HBLANK, VBLANK, isp_map, sensor_map};
use package::Package;

const SENSOR_TIMESTAMP: u32 = 27;
/// Bytes of the Raspberry Pi's statistics.
const STATISTICS: u32 = 10824;
/// Bytes of its lens shading table.
const LENS_TABLE: u32 = 0x8000;

fn memory(bytes: u32) -> SharedFd {
    let fd: OwnedFd = memfd_create("ringfence-test", MemfdFlags::CLOEXEC).unwrap();
    ftruncate(&fd, bytes.into()).unwrap();
    fd.into()
}

fn buffer(id: u32, bytes: u32) -> IpaBuffer {
    IpaBuffer { id, planes: vec![Plane { fd: memory(bytes), offset: 0, length: bytes }] }
}

fn sensor_info() -> IpaCameraSensorInfo {
    IpaCameraSensorInfo {
        model: "imx219".into(),
        bits_per_pixel: 10,
        active_area_size: Size { width: 3280, height: 2464 },
        analog_crop: Rectangle { x: 0, y: 0, width: 3280, height: 2464 },
        output_size: Size { width: 1640, height: 1232 },
        pixel_rate: 182_400_000,
        min_line_length: 3448,
        max_line_length: 3448,
        min_frame_length: 1236,
        max_frame_length: 65_535,
    }
}

fn soon() -> Option<Instant> {
    Some(Instant::now() + Duration::from_secs(20))
}

fn vimc(package: &Package, options: &Options) -> IpaVimcProxy {
    IpaVimcProxy::libcamera(options, &package.worker("vimc_ipa_proxy", "ipa_vimc.so")).unwrap()
}

fn init_vimc(proxy: &mut IpaVimcProxy, package: &Package) -> Result<(i32, Flags<TestFlag>), CallError> {
    let settings =
        IpaSettings { configuration_file: package.tuning("vimc/vimc.conf"), sensor_model: "vimc".into() };
    proxy.init(&settings, IpaOperationCode::IpaOperationInit, TestFlag::Flag2.into())
}

#[test]
fn a_vimc_session_with_its_flags_and_events() {
    watchdog(|| {
        let Some(package) = Package::find() else { return };
        let mut proxy = vimc(&package, &Options::new());
        assert_eq!(init_vimc(&mut proxy, &package).unwrap(), (0, TestFlag::Flag1.into()));
        let stream = IpaStream { pixel_format: 0x3432_4752, size: Size { width: 640, height: 480 } };
        let streams = BTreeMap::from([(0, stream), (1, stream)]);
        let entities = BTreeMap::from([(7, sensor_map())]);
        assert_eq!(proxy.configure(&sensor_info(), &streams, &entities).unwrap(), 0);
        proxy.map_buffers(&[buffer(1, 4096), buffer(2, 4096)]).unwrap();
        assert_eq!(proxy.start().unwrap(), 0);

        for (frame, buffer) in [(0, 1), (1, 99), (2, 2)] {
            proxy.queue_request(frame, &ControlList::default()).unwrap();
            proxy.fill_params_buffer(frame, buffer).unwrap();
        }
        // The buffer that there is not yields no event.
        for buffer_id in [1, 2] {
            let mut polled = [PollFd::from_borrowed_fd(proxy.as_fd(), PollFlags::IN)];
            assert_eq!(poll(&mut polled, Some(&Timespec { tv_sec: 20, tv_nsec: 0 })).unwrap(), 1);
            assert!(proxy.wait(soon()).unwrap());
            let event = proxy.next_event().unwrap().unwrap();
            assert_eq!(event, IpaVimcEvent::ParamsBufferReady { buffer_id, flags: Flags::empty() });
        }
        proxy.unmap_buffers(&[1, 2]).unwrap();
        proxy.stop().unwrap();
        assert_eq!(proxy.next_event().unwrap(), None);
        let pid = proxy.libcamera_connection().unwrap().worker_pid().unwrap();
        drop(proxy);
        assert!(!exists(pid));
    });
}

#[test]
fn events_that_come_during_a_call_wait_in_order() {
    watchdog(|| {
        let Some(package) = Package::find() else { return };
        let mut proxy = vimc(&package, &Options::new());
        init_vimc(&mut proxy, &package).unwrap();
        proxy.map_buffers(&[buffer(1, 4096)]).unwrap();
        for frame in 0..200 {
            proxy.fill_params_buffer(frame, 1).unwrap();
        }
        proxy.stop().unwrap();
        for _ in 0..200 {
            assert!(proxy.next_event().unwrap().is_some());
        }
        assert_eq!(proxy.next_event().unwrap(), None);
    });
}

#[test]
fn a_call_ends_with_its_worker() {
    watchdog(|| {
        let Some(package) = Package::find() else { return };
        let mut proxy = vimc(&package, &Options::new());
        init_vimc(&mut proxy, &package).unwrap();
        let pid = proxy.libcamera_connection().unwrap().worker_pid().unwrap();
        // It cannot answer the call that is waiting when it is killed.
        send(pid, Signal::STOP);
        let killer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            send(pid, Signal::KILL);
        });
        let error = proxy.start().unwrap_err();
        killer.join().unwrap();
        let CallError::Died(death) = &error else { panic!("{error}") };
        assert_eq!(death.exit, Exit::Signal(9), "{error}");
        assert_eq!(death.last_call, Some("start"));
        assert!(matches!(proxy.stop(), Err(CallError::Died(_))));
    });
}

#[test]
fn a_late_reply_is_dropped() {
    watchdog(|| {
        let Some(package) = Package::find() else { return };
        let options = Options::new().method_deadline("start", Duration::from_millis(100));
        let mut proxy = vimc(&package, &options);
        init_vimc(&mut proxy, &package).unwrap();
        let pid = proxy.libcamera_connection().unwrap().worker_pid().unwrap();
        send(pid, Signal::STOP);
        let error = proxy.start().unwrap_err();
        assert!(matches!(error, CallError::Deadline { method: "start", .. }), "{error}");
        send(pid, Signal::CONT);
        proxy.stop().unwrap();
        assert_eq!(proxy.next_event().unwrap(), None);
    });
}

#[test]
fn a_worker_without_its_module_tells_why() {
    watchdog(|| {
        let Some(package) = Package::find() else { return };
        let worker = package.worker("vimc_ipa_proxy", "no_such_module.so");
        let mut proxy = IpaVimcProxy::libcamera(&Options::new(), &worker).unwrap();
        let error = init_vimc(&mut proxy, &package).unwrap_err();
        let CallError::Died(death) = &error else { panic!("{error}") };
        assert_eq!(death.exit, Exit::Status(1), "{error}");
        assert!(death.stderr.contains("no_such_module"), "{error}");
    });
}

#[test]
fn frames_of_the_raspberry_pi_module() {
    watchdog(|| {
        let Some(package) = Package::find() else { return };
        let worker = package.worker("raspberrypi_ipa_proxy", "ipa_rpi.so");
        let mut proxy = IpaRPiProxy::libcamera(&Options::new(), &worker).unwrap();
        let settings = IpaSettings {
            configuration_file: package.tuning("raspberrypi/imx219.json"),
            sensor_model: "imx219".into(),
        };
        let (ret, result) = proxy.init(&settings).unwrap();
        assert_eq!(ret, 0);
        assert_eq!((result.sensor_config.exposure_delay, result.sensor_config.gain_delay), (2, 1));
        assert_eq!(result.control_info.len(), 18);

        // One entity is missing: the call fails, with results that libcamera's own host would die of.
        let config = rpi::IpaConfig { transform: 0, ls_table_handle: memory(LENS_TABLE) };
        let streams = BTreeMap::new();
        let one = BTreeMap::from([(0, sensor_map())]);
        let (ret, controls, _) = proxy.configure(&sensor_info(), &streams, &one, &config).unwrap();
        assert_eq!((ret, controls.len()), (-1, 0));

        let entities = BTreeMap::from([(0, sensor_map()), (1, isp_map())]);
        let (ret, controls, result) = proxy.configure(&sensor_info(), &streams, &entities, &config).unwrap();
        assert_eq!(ret, 0);
        assert!(controls.contains(EXPOSURE) && controls.contains(ANALOGUE_GAIN), "{controls:?}");
        assert_eq!(result.mode_sensitivity, 1.0);
        proxy.map_buffers(&[buffer(0x0001_0000, STATISTICS)]).unwrap();
        let start = proxy.start(&ControlList::default()).unwrap();
        assert_eq!((start.drop_frame_count, start.max_sensor_frame_length_ms), (7, 1238));

        let mut settings = ControlList::new(IdMap::V4l2);
        for (id, value) in [(EXPOSURE, 1600), (ANALOGUE_GAIN, 0), (VBLANK, 531), (HBLANK, 1808)] {
            settings.insert(id, value).unwrap();
        }
        for frame in 0..10u32 {
            proxy.signal_queue_request(&ControlList::default()).unwrap();
            settings.insert(SENSOR_TIMESTAMP, 1_000_000_000 + i64::from(frame) * 33_333_333).unwrap();
            let data = rpi::IspConfig {
                bayer_buffer_id: 0x0004_0000 + frame,
                controls: settings.clone(),
                ipa_context: frame,
                ..Default::default()
            };
            proxy.signal_isp_prepare(&data).unwrap();
            let bayer = loop {
                assert!(proxy.wait(soon()).unwrap(), "frame {frame} got no ISP");
                match proxy.next_event().unwrap().unwrap() {
                    IpaRPiEvent::SetIspControls { controls } => {
                        assert!(controls.contains(0x0098_19e3), "no black level in {controls:?}");
                    }
                    IpaRPiEvent::RunIsp { buffer_id } => break buffer_id,
                    event => panic!("{event:?} came before the ISP was to run"),
                }
            };
            assert_eq!(bayer, 0x0004_0000 + frame);
        }
        proxy.stop().unwrap();
    });
}

#[test]
fn a_worker_that_aborts_says_so_at_once() {
    watchdog(|| {
        let Some(package) = Package::find() else { return };
        let worker = package.worker("raspberrypi_ipa_proxy", "ipa_rpi.so");
        let mut proxy = IpaRPiProxy::libcamera(&Options::new(), &worker).unwrap();
        let error = proxy.start(&ControlList::default()).unwrap_err();
        let CallError::Died(death) = &error else { panic!("{error}") };
        assert!(matches!(death.exit, Exit::Signal(6 | 11)), "{error}");
    });
}

/// The process that this test binary becomes to be killed; see below.
const HOST: &str = "RINGFENCE_TEST_HOST";

#[test]
fn a_worker_dies_with_its_host() {
    watchdog(|| {
        let Some(package) = Package::find() else { return };
        if std::env::var_os(HOST).is_some() {
            // From a thread that ends before the worker is to.
            let options = Options::new().nursery(&Nursery::new().unwrap());
            let proxy = std::thread::spawn(move || {
                let mut proxy = vimc(&package, &options);
                init_vimc(&mut proxy, &package).unwrap();
                proxy
            });
            let proxy = proxy.join().unwrap();
            println!("worker {}", proxy.libcamera_connection().unwrap().worker_pid().unwrap());
            std::thread::sleep(Duration::from_secs(600));
            return;
        }
        use std::io::{BufRead, BufReader};
        let mut host = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_worker_dies_with_its_host", "--nocapture"])
            .env(HOST, "1")
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(host.stdout.take().unwrap()).lines();
        let pid = lines
            .map_while(Result::ok)
            .find_map(|line| line.split_once("worker ").and_then(|(_, pid)| pid.trim().parse().ok()));
        let pid: u32 = pid.expect("the host says which worker it has");
        // It outlives the thread that asked for it.
        std::thread::sleep(Duration::from_millis(50));
        assert!(exists(pid));
        host.kill().unwrap();
        host.wait().unwrap();
        until(|| !exists(pid));
    });
}

#[test]
fn a_worker_dies_with_the_thread_that_made_it_unless_there_is_a_nursery() {
    watchdog(|| {
        let Some(package) = Package::find() else { return };
        let mut proxy =
            std::thread::scope(|scope| scope.spawn(|| vimc(&package, &Options::new())).join().unwrap());
        let CallError::Died(death) = proxy.wait(None).unwrap_err() else { panic!("no death") };
        assert!(death.exit == Exit::Signal(9) && death.starter_ended, "{death}");
        assert!(death.to_string().contains("`Options::nursery`"), "{death}");
    });
}
