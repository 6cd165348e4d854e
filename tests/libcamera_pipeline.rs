//! The pipeline handler over libcamera 0.0.3's own Raspberry Pi IPA, where it is installed.

use std::time::Duration;

use image::RgbImage;
use ringfence::interfaces::libcamera::{IpaBuffer, IpaCameraSensorInfo, IpaSettings};
use ringfence::interfaces::rpi::{BufferIds, ConfigParams, InitParams, IpaRPi, PrepareParams, ProcessParams};
use ringfence::ipc::{CallError, Exit, Options};
use ringfence::rpi::camera::{Camera, Light, Scene, SensorMode, VirtualCamera, VirtualSensor};
use ringfence::rpi::libcamera::LibcameraIpa;
use ringfence::rpi::pipeline::{CameraIpa, Frame, Pipeline, PipelineError};
use ringfence::serialize::controls::ids::{controls as ids, draft, rpi, v4l2};
use ringfence::serialize::controls::{AeState, IdMap};
use ringfence::serialize::{ControlList, Plane, SharedFd, Size};
use rustix::process::Signal;

mod common;
#[path = "common/libcamera.rs"]
mod package;
#[path = "common/simulation.rs"]
mod simulation;

use common::{exists, send, stop, watchdog};
use package::Package;
use simulation::{DAY, Illuminant, Simulation, WARM};

/// A scene, and where exposure and colours came to rest with it.
struct Reference {
    illuminant: Illuminant,
    lux: f64,
    /// Exposure time and gain, in milliseconds.
    exposure_ms: f64,
    colour_gains: [f64; 2],
    kelvin: f64,
    reported_lux: f64,
}

/// Measured on Debian's IPA of amd64, after 400 frames.
const REFERENCES: [Reference; 6] = [
    Reference {
        illuminant: WARM,
        lux: 5.0,
        exposure_ms: 533.230,
        colour_gains: [1.3867, 1.9873],
        kelvin: 3638.0,
        reported_lux: 5.2,
    },
    Reference {
        illuminant: DAY,
        lux: 5.0,
        exposure_ms: 533.230,
        colour_gains: [1.8448, 1.5109],
        kelvin: 5655.0,
        reported_lux: 5.2,
    },
    Reference {
        illuminant: WARM,
        lux: 400.0,
        exposure_ms: 91.428,
        colour_gains: [1.3743, 1.9686],
        kelvin: 3631.0,
        reported_lux: 399.9,
    },
    Reference {
        illuminant: DAY,
        lux: 400.0,
        exposure_ms: 91.428,
        colour_gains: [1.8510, 1.4902],
        kelvin: 5797.0,
        reported_lux: 399.9,
    },
    Reference {
        illuminant: WARM,
        lux: 20_000.0,
        exposure_ms: 1.8147,
        colour_gains: [1.3789, 1.9664],
        kelvin: 3641.0,
        reported_lux: 20_032.6,
    },
    Reference {
        illuminant: DAY,
        lux: 20_000.0,
        exposure_ms: 1.8147,
        colour_gains: [1.9093, 1.4400],
        kelvin: 6272.0,
        reported_lux: 20_032.6,
    },
];

/// Frames after which everything has come to rest.
const SETTLED: u32 = 300;
/// Greatest deviation from what was measured.
const TOLERANCE: f64 = 0.03;
/// For the IPA's threads, after each frame.
const PAUSE: Duration = Duration::from_millis(5);

fn ipa(package: &Package) -> LibcameraIpa {
    LibcameraIpa::start(&Options::new(), &package.rpi()).unwrap()
}

fn start<C: Camera>(package: &Package, camera: C) -> Pipeline<LibcameraIpa, C> {
    let tuning = package.tuning("raspberrypi/imx219.json");
    Pipeline::start(ipa(package), camera, &tuning, &ControlList::default()).unwrap()
}

/// A camera with little to compute.
fn small() -> VirtualCamera {
    VirtualCamera::new(VirtualSensor::new(
        SensorMode::new(64, 48).unwrap(),
        &Scene::chart(64, 48).unwrap(),
        1,
    ))
}

fn indoors() -> Light {
    Light::new(4500.0, 400.0).unwrap()
}

fn one<C: Camera>(pipeline: &mut Pipeline<LibcameraIpa, C>, request: &ControlList) -> Frame {
    let mut image = RgbImage::new(64, 48);
    pipeline.frame(indoors(), request, &mut image).unwrap()
}

#[test]
fn it_comes_to_rest_where_the_reference_does() {
    watchdog(|| {
        let Some(package) = Package::find() else { return };
        std::thread::scope(|scope| {
            for reference in &REFERENCES {
                let package = &package;
                scope.spawn(move || compare(package, reference));
            }
        });
    });
}

fn compare(package: &Package, reference: &Reference) {
    let mut pipeline = start(package, Simulation::new(reference.illuminant, PAUSE));
    assert_eq!(pipeline.startup_frames(), 7);
    let light = Light::new(5000.0, reference.lux).unwrap();
    let mut image = RgbImage::new(2, 2);
    let mut last = None;
    for _ in 0..SETTLED {
        let frame = pipeline.frame(light, &ControlList::default(), &mut image).unwrap();
        assert!(frame.is_complete(), "{frame:?}");
        last = Some(frame);
    }
    pipeline.stop().unwrap();

    let frame = last.unwrap();
    let metadata = frame.metadata.expect("every frame has metadata");
    let mut worst = 0.0f64;
    let mut close = |what: &str, found: f64, expected: f64| {
        let deviation = (found / expected - 1.0).abs();
        worst = worst.max(deviation);
        assert!(
            deviation < TOLERANCE,
            "{what} is {found}, {expected} is expected, at {} lux: {metadata:?}",
            reference.lux
        );
    };
    let gain = f64::from(metadata.get(&ids::ANALOGUE_GAIN).unwrap());
    let reported_ms = f64::from(metadata.get(&ids::EXPOSURE_TIME).unwrap()) / 1000.0;
    close("reported exposure", reported_ms * gain, reference.exposure_ms);
    close(
        "acting exposure",
        frame.captured.exposure_seconds() * 1000.0 * frame.captured.gain(),
        reference.exposure_ms,
    );
    close("colour temperature", metadata.get(&ids::COLOUR_TEMPERATURE).unwrap().into(), reference.kelvin);
    close("lux", metadata.get(&ids::LUX).unwrap().into(), reference.reported_lux);
    for (found, expected) in metadata.get(&ids::COLOUR_GAINS).unwrap().into_iter().zip(reference.colour_gains)
    {
        close("colour gain", found.into(), expected);
    }
    // What the ISP was told is what is reported.
    for (told, expected) in [frame.isp.red_gain, frame.isp.blue_gain].into_iter().zip(reference.colour_gains)
    {
        close("gain of the ISP", told, expected);
    }
    assert_eq!(metadata.get(&ids::AE_STATE), Some(AeState::Converged as i32));
    eprintln!("{} lux, {:?}: at most {:.2} % off", reference.lux, reference.illuminant, worst * 100.0);
}

#[test]
fn no_frame_is_lost() {
    watchdog(|| {
        let Some(package) = Package::find() else { return };
        let mut pipeline = start(&package, small());
        let mut before = 0;
        for number in 0..500 {
            let frame = one(&mut pipeline, &ControlList::default());
            assert!(frame.is_complete() && frame.metadata.is_some(), "frame {number}: {frame:?}");
            assert_eq!(frame.captured.sequence, number);
            assert!(frame.captured.timestamp_ns > before);
            before = frame.captured.timestamp_ns;
            let metadata = frame.metadata.unwrap();
            let told = f64::from(metadata.get(&ids::EXPOSURE_TIME).unwrap());
            let real = frame.captured.exposure_seconds() * 1e6;
            assert!(
                (told - real).abs() <= 1.0,
                "frame {number} was exposed for {real} µs, the IPA believes {told}"
            );
        }
        let pid = pipeline.ipa().unwrap().worker_pid().unwrap();
        assert!(pipeline.ipa().unwrap().worker_cpu_time().unwrap() > Duration::ZERO);
        let ipa = pipeline.stop().unwrap().unwrap();
        assert!(exists(pid));
        drop(ipa);
        assert!(!exists(pid));
    });
}

#[test]
fn requests_are_heeded_and_those_that_would_kill_are_left_out() {
    watchdog(|| {
        let Some(package) = Package::find() else { return };
        let mut pipeline = start(&package, small());
        let mut request = ControlList::new(IdMap::Controls);
        // Unknown to it, of a wrong type, a mode that the tuning has not: each would be its end.
        request.set(&rpi::STATS_OUTPUT_ENABLE, true);
        request.set(&ids::HDR_MODE, 1);
        request.insert(ids::CONTRAST.id(), 1i32).unwrap();
        request.set(&ids::AE_METERING_MODE, 3);
        request.set(&ids::AE_CONSTRAINT_MODE, 2);
        request.set(&draft::NOISE_REDUCTION_MODE, 77);
        request.set(&ids::COLOUR_CORRECTION_MATRIX, [1.0; 9]);
        // These are heeded.
        request.set(&ids::EXPOSURE_TIME, 5000);
        request.set(&ids::ANALOGUE_GAIN, 2.0);
        request.set(&ids::COLOUR_GAINS, [1.5, 1.25]);
        request.set(&ids::BRIGHTNESS, 0.1);
        let none = ControlList::default();
        for number in 0..20 {
            let frame = one(&mut pipeline, if number == 8 { &request } else { &none });
            assert!(frame.is_complete(), "frame {number}");
            let metadata = frame.metadata.unwrap();
            assert_eq!(
                metadata.get(&ids::BRIGHTNESS).is_some(),
                number == 8,
                "it answers in its frame alone"
            );
        }
        let frame = one(&mut pipeline, &ControlList::default());
        for (found, asked) in [frame.isp.red_gain, frame.isp.blue_gain].into_iter().zip([1.5, 1.25]) {
            // In thousandths, cut off.
            assert!((found - asked).abs() < 0.0015, "{found}, {asked} was asked for");
        }
        assert!((frame.captured.exposure_seconds() * 1e6 - 5000.0).abs() < 30.0, "{:?}", frame.captured);
        assert_eq!(frame.captured.gain(), 2.0);

        let mut free = ControlList::new(IdMap::Controls);
        free.set(&ids::EXPOSURE_TIME_MODE, 0);
        free.set(&ids::ANALOGUE_GAIN_MODE, 0);
        free.set(&ids::AWB_ENABLE, true);
        one(&mut pipeline, &free);
        for _ in 0..20 {
            one(&mut pipeline, &ControlList::default());
        }
        let frame = one(&mut pipeline, &ControlList::default());
        assert!(frame.captured.exposure_seconds() > 0.02, "it is automatic again: {:?}", frame.captured);
        assert!((frame.isp.red_gain - 1.5).abs() > 0.01, "the light is not of this colour: {:?}", frame.isp);
    });
}

#[test]
fn calls_that_would_end_the_worker_are_errors_and_do_not() {
    watchdog(|| {
        let Some(package) = Package::find() else { return };
        let mut ipa = ipa(&package);
        let refused = |result: Result<(), CallError>, what: &str| {
            let error = result.unwrap_err();
            assert!(
                matches!(error, CallError::Module(_)) && error.to_string().contains(what),
                "{error}, not {what}"
            );
        };
        let none = ControlList::default();
        refused(ipa.start(&none).map(drop), "configure comes first");
        refused(ipa.stop(), "start comes first");
        refused(
            ipa.configure(&IpaCameraSensorInfo::default(), &ConfigParams::default()).map(drop),
            "init comes first",
        );
        refused(ipa.map_buffers(&[]), "init comes first");
        refused(ipa.prepare_isp(&PrepareParams::default()), "start comes first");
        refused(ipa.process_stats(&ProcessParams::default()), "start comes first");
        let settings =
            |file: String| IpaSettings { configuration_file: file, sensor_model: "imx219".to_owned() };
        let params = InitParams::default();
        refused(ipa.init(&settings(String::new()), &params).map(drop), "no tuning file is named");
        refused(
            ipa.init(&settings("/no/such.json".to_owned()), &params).map(drop),
            "cannot read the tuning file",
        );

        let tuning = package.tuning("raspberrypi/imx219.json");
        assert_eq!(ipa.init(&settings(tuning), &params).unwrap().0, 0);
        refused(ipa.start(&none).map(drop), "configure comes first");
        // It divides by both.
        let mut mode = IpaCameraSensorInfo { pixel_rate: 182_400_000, ..Default::default() };
        refused(ipa.configure(&mode, &ConfigParams::default()).map(drop), "outputSize is 0 × 0");
        mode.output_size = Size { width: 1640, height: 1232 };
        mode.pixel_rate = 0;
        refused(ipa.configure(&mode, &ConfigParams::default()).map(drop), "pixelRate is 0");
        mode.pixel_rate = 182_400_000;
        // Neither sensor nor ISP have any control: its odd reply is a refusal like any other.
        let (code, result) = ipa.configure(&mode, &ConfigParams::default()).unwrap();
        assert_eq!((code, result.sensor_controls.len()), (-1, 0));
        refused(ipa.start(&none).map(drop), "configure comes first");
        let fd = SharedFd::from(
            rustix::fs::memfd_create("ringfence-test", rustix::fs::MemfdFlags::CLOEXEC).unwrap(),
        );
        let plane = Plane { fd, offset: 0, length: 20_000 };
        refused(ipa.map_buffers(&[IpaBuffer { id: 7, planes: vec![plane] }]), "exceeds the buffer's 0 bytes");
        assert!(exists(ipa.worker_pid().unwrap()));
    });
}

#[test]
fn frames_without_what_acted_are_refused_and_strange_contexts_are_borne() {
    watchdog(|| {
        let Some(package) = Package::find() else { return };
        let mut ipa = start(&package, small()).stop().unwrap().unwrap();
        ipa.start(&ControlList::default()).unwrap();
        let mut params = PrepareParams {
            buffers: BufferIds { bayer: 0x4_0000, embedded: 0x2_0000, stats: 0x1_0005 },
            ipa_context: u32::MAX,
            delay_context: u32::MAX,
            ..Default::default()
        };
        for control in [&v4l2::EXPOSURE, &v4l2::ANALOGUE_GAIN, &v4l2::VBLANK, &v4l2::HBLANK] {
            let error = ipa.prepare_isp(&params).unwrap_err();
            assert!(error.to_string().contains(control.name()), "{error}");
            if params.sensor_controls.is_empty() {
                params.sensor_controls = ControlList::new(IdMap::V4l2);
            }
            params.sensor_controls.set(control, 1000);
        }
        params.sensor_controls.set(&ids::SENSOR_TIMESTAMP, 5_000_000_000);
        ipa.prepare_isp(&params).unwrap();
        // Statistics that are not mapped, and some that never will be.
        ipa.process_stats(&ProcessParams { buffers: params.buffers, ipa_context: u32::MAX }).unwrap();
        ipa.stop().unwrap();
        assert!(exists(ipa.worker_pid().unwrap()));
    });
}

#[test]
fn a_worker_that_is_killed_is_an_error_at_once() {
    watchdog(|| {
        let Some(package) = Package::find() else { return };
        let mut pipeline = start(&package, small());
        for _ in 0..10 {
            one(&mut pipeline, &ControlList::default());
        }
        let pid = pipeline.ipa().unwrap().worker_pid().unwrap();
        send(pid, Signal::KILL);
        let mut image = RgbImage::new(64, 48);
        let error = loop {
            match pipeline.frame(indoors(), &ControlList::default(), &mut image) {
                // The kernel takes its time.
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        let PipelineError::Ipa(CallError::Died(death)) = &error else { panic!("{error}") };
        assert_eq!(death.exit, Exit::Signal(9), "{error}");
        assert!(matches!(pipeline.stop(), Err(PipelineError::Ipa(CallError::Died(_)))));
        assert!(!exists(pid));
    });
}

#[test]
fn a_worker_that_stands_still_loses_frames_and_goes_on() {
    watchdog(|| {
        let Some(package) = Package::find() else { return };
        let mut pipeline = start(&package, small());
        for _ in 0..10 {
            one(&mut pipeline, &ControlList::default());
        }
        let pid = pipeline.ipa().unwrap().worker_pid().unwrap();
        stop(pid);
        let lost = one(&mut pipeline, &ControlList::default());
        assert!(!lost.is_complete() && lost.metadata.is_none(), "{lost:?}");
        send(pid, Signal::CONT);
        // What it says of the lost frame is not taken for what it says of these.
        for _ in 0..10 {
            let frame = one(&mut pipeline, &ControlList::default());
            assert!(frame.is_complete(), "{frame:?}");
        }
        pipeline.stop().unwrap();
    });
}

#[test]
fn a_sensor_that_it_does_not_know_and_a_module_that_is_not_there() {
    watchdog(|| {
        let Some(package) = Package::find() else { return };
        let settings = IpaSettings {
            configuration_file: package.tuning("raspberrypi/imx219.json"),
            sensor_model: "imx0".to_owned(),
        };
        assert_eq!(ipa(&package).init(&settings, &InitParams::default()).unwrap().0, -22);

        let worker = package.worker("raspberrypi_ipa_proxy", "no_such_module.so");
        let mut ipa = LibcameraIpa::start(&Options::new(), &worker).unwrap();
        let error = ipa.init(&settings, &InitParams::default()).unwrap_err();
        assert!(
            matches!(error, CallError::Died(_)) && error.to_string().contains("no_such_module"),
            "{error}"
        );
    });
}
