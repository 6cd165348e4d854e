//! Connections come and go, in order and otherwise, and leave neither a descriptor nor a thread nor a zombie.
//!
//! Descriptors and threads belong to the whole process, so everything happens in one test of one executable.

mod common;
#[path = "common/libcamera.rs"]
mod package;
#[path = "common/vimc.rs"]
mod vimc;

use std::collections::BTreeMap;
use std::fs::read_dir;
use std::time::Duration;

use common::{children, send, stop, until, watchdog};
use package::Package;
use ringfence::interfaces::libcamera::{IpaBuffer, IpaCameraSensorInfo, IpaSettings};
use ringfence::interfaces::rpi::{ConfigParams, InitParams, IpaRPi, IpaRPiProxy};
use ringfence::interfaces::vimc::{IpaOperationCode, IpaVimc, IpaVimcProxy};
use ringfence::ipc::{CallError, ConnectError, OnFull, Options, Worker};
use ringfence::rpi::camera::{Light, Scene, SensorMode, VirtualCamera, VirtualSensor};
use ringfence::rpi::ipa::module::RaspberryPiIpa;
use ringfence::rpi::libcamera::LibcameraIpa;
use ringfence::rpi::pipeline::{CameraIpa, Pipeline};
use ringfence::serialize::{ControlInfoMap, ControlList, Flags, SharedFd, Size};
use rustix::process::Signal;
use vimc::{DEADLY_BUFFER, Vimc, buffer, worker};

/// Times that each scenario is repeated: a leak in one of them is far more than what may be about by chance.
const ROUNDS: usize = 15;

/// Not a test: what this executable does when it is started as a worker.
#[test]
fn worker_entry() {
    vimc::serve_if_worker();
}

/// What this process has open: descriptors, threads, children.
fn possessions() -> [usize; 3] {
    let entries = |path: &str| read_dir(path).expect("/proc is mounted").count();
    [entries("/proc/self/fd"), entries("/proc/self/task"), children().len()]
}

/// Runs a scenario again and again, and waits until all that it opened is gone.
fn leaves_nothing(name: &str, mut scenario: impl FnMut()) {
    // What is made once and kept is no leak.
    scenario();
    let mut before = possessions();
    // A thread that has ended leaves the process a moment later.
    until(|| {
        std::thread::sleep(Duration::from_millis(20));
        let now = possessions();
        let calm = now == before;
        before = now;
        calm
    });
    for _ in 0..ROUNDS {
        scenario();
    }
    eprintln!("{name}: {before:?} descriptors, threads and children before, {:?} after", possessions());
    until(|| possessions().iter().zip(before).all(|(now, before)| *now <= before));
}

fn threaded(options: &Options) -> IpaVimcProxy {
    IpaVimcProxy::threaded(options, Vimc::new).unwrap()
}

fn isolated(options: &Options) -> IpaVimcProxy {
    IpaVimcProxy::isolated(options, &worker()).unwrap()
}

fn null() -> SharedFd {
    std::os::fd::OwnedFd::from(std::fs::File::open("/dev/null").unwrap()).into()
}

fn trace() -> SharedFd {
    std::os::fd::OwnedFd::from(tempfile::tempfile().unwrap()).into()
}

/// Everything an interface can do, with descriptors in it.
fn session(mut proxy: IpaVimcProxy) {
    let settings = IpaSettings::default();
    proxy.init(&settings, &trace(), IpaOperationCode::default(), Flags::empty()).unwrap();
    // The second trace takes the place of the first.
    proxy.init(&settings, &trace(), IpaOperationCode::default(), Flags::empty()).unwrap();
    let maps: BTreeMap<u32, ControlInfoMap> = BTreeMap::new();
    proxy.configure(&IpaCameraSensorInfo::default(), &BTreeMap::new(), &maps).unwrap();
    proxy.start().unwrap();
    let buffers: Vec<IpaBuffer> = (1..=20).map(buffer).collect();
    proxy.map_buffers(&buffers).unwrap();
    for id in 1..=20 {
        proxy.queue_request(id, &ControlList::default()).unwrap();
        proxy.compute_params(id, id).unwrap();
    }
    proxy.unmap_buffers(&[1, 2, 3]).unwrap();
    proxy.stop().unwrap();
    // Half of the events stay where they are.
    for _ in 0..10 {
        assert!(proxy.next_event().unwrap().is_some());
    }
}

/// Calls that fail with descriptors in them, and one that works after them.
fn failures(mut proxy: IpaVimcProxy) {
    let mut short = buffer(1);
    short.planes[0].length = 1 << 20;
    assert!(proxy.map_buffers(&[buffer(2), short]).is_err());
    // A buffer for which there is a descriptor too many.
    let mut planes = buffer(3);
    planes.planes = vec![planes.planes[0].clone(); 254];
    assert!(matches!(proxy.map_buffers(&[planes]), Err(CallError::Encode { .. })));
    let long = IpaSettings { configuration_file: "x".repeat(1 << 20), sensor_model: String::new() };
    let refused = proxy.init(&long, &null(), IpaOperationCode::default(), Flags::empty());
    assert!(matches!(refused, Err(CallError::TooLarge { .. })), "{refused:?}");
    // As many as one message can carry.
    let mut planes = buffer(4);
    planes.planes = vec![planes.planes[0].clone(); 253];
    proxy.map_buffers(&[planes]).unwrap();
    proxy.start().unwrap();
}

/// A camera on libcamera's IPA: in order, killed, and refusing to be configured.
fn libcamera(package: &Package, options: &Options) {
    let none = ControlList::default();
    let tuning = package.tuning("raspberrypi/imx219.json");
    for killed in [false, true] {
        let scene = Scene::chart(64, 48).unwrap();
        let camera = VirtualCamera::new(VirtualSensor::new(SensorMode::new(64, 48).unwrap(), &scene, 1));
        let ipa = LibcameraIpa::start(options, &package.rpi()).unwrap();
        let mut pipeline = Pipeline::start(ipa, camera, &tuning, &none).unwrap();
        let light = Light::new(4500.0, 400.0).unwrap();
        let mut image = image::RgbImage::new(64, 48);
        let mut frame = || pipeline.frame(light, &none, &mut image).map(|frame| frame.is_complete());
        for _ in 0..5 {
            assert!(frame().unwrap());
        }
        if killed {
            send(pipeline.ipa().unwrap().worker_pid().unwrap(), Signal::KILL);
        } else {
            pipeline.stop().unwrap();
        }
    }
    let mut ipa = LibcameraIpa::start(options, &package.rpi()).unwrap();
    let settings = IpaSettings { configuration_file: tuning, sensor_model: "imx219".to_owned() };
    assert_eq!(ipa.init(&settings, &InitParams::default()).unwrap().0, 0);
    let params = ConfigParams { ls_table_handle: trace(), ..Default::default() };
    let sensor = IpaCameraSensorInfo {
        output_size: Size { width: 64, height: 48 },
        pixel_rate: 1,
        ..IpaCameraSensorInfo::default()
    };
    assert_eq!(ipa.configure(&sensor, &params).unwrap().0, -1);
}

#[test]
fn nothing_leaks() {
    watchdog(|| {
        let options = Options::new();
        leaves_nothing("a module linked in", || session(IpaVimcProxy::direct(Vimc::new).unwrap()));
        leaves_nothing("a thread", || session(threaded(&options)));
        leaves_nothing("a process", || session(isolated(&options)));
        leaves_nothing("connections that are only opened", || {
            let _four = [threaded(&options), isolated(&options), threaded(&options), isolated(&options)];
        });
        leaves_nothing("connections whose descriptor was asked for", || {
            use std::os::fd::AsFd;
            let proxies = [threaded(&options), isolated(&options)];
            assert!(proxies.iter().all(|proxy| proxy.as_fd().try_clone_to_owned().is_ok()));
        });
        leaves_nothing("the algorithms of the Raspberry Pi", || {
            drop(IpaRPiProxy::threaded(&options, RaspberryPiIpa::new).unwrap());
        });
        if let Some(package) = Package::find() {
            leaves_nothing("libcamera's IPA", || libcamera(&package, &options));
        }
        leaves_nothing("failed calls", || {
            failures(threaded(&options));
            failures(isolated(&options));
        });
        leaves_nothing("failed handshakes", || {
            // A worker that serves another interface; one that says nothing; none at all.
            let other = IpaRPiProxy::isolated(&options, &worker());
            assert!(matches!(other, Err(ConnectError::Handshake { .. })), "{other:?}");
            let hasty = options.clone().handshake_deadline(Duration::from_millis(5));
            let silent = Worker::component("vimc").program("/bin/sleep").args(["1000"]);
            assert!(IpaVimcProxy::isolated(&hasty, &silent).is_err());
            for program in ["/bin/false", "/no/such/worker", "/etc/passwd"] {
                let failed = IpaVimcProxy::isolated(&options, &Worker::component("vimc").program(program));
                assert!(failed.is_err(), "{program}");
            }
        });
        leaves_nothing("full rings", || {
            // A stopped worker takes nothing; descriptors sent to it stay on the way.
            let options = options
                .clone()
                .ring_bytes(2048, 2048)
                .on_full(OnFull::Fail)
                .call_deadline(Duration::from_millis(20))
                .exit_deadline(Duration::from_millis(20));
            let mut proxy = isolated(&options);
            stop(proxy.connection().unwrap().worker_pid().unwrap());
            assert!(matches!(proxy.map_buffers(&[buffer(1)]), Err(CallError::Deadline { .. })));
            until(|| proxy.queue_request(1, &ControlList::default()).is_err());
            let refused = proxy.map_buffers(&[buffer(2), buffer(3)]);
            assert!(matches!(refused, Err(CallError::Full { .. })), "{refused:?}");
        });
        leaves_nothing("deaths", || {
            let mut proxy = isolated(&options);
            proxy.map_buffers(&[buffer(1)]).unwrap();
            proxy.compute_params(1, DEADLY_BUFFER).unwrap();
            assert!(matches!(proxy.map_buffers(&[buffer(2)]), Err(CallError::Died(_))));
            assert!(matches!(proxy.map_buffers(&[buffer(3)]), Err(CallError::Died(_))));

            let mut proxy = isolated(&options);
            proxy.map_buffers(&[buffer(1)]).unwrap();
            send(proxy.connection().unwrap().worker_pid().unwrap(), Signal::KILL);
            until(|| proxy.map_buffers(&[buffer(2)]).is_err());
        });
    });
}
