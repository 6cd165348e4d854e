//! Cameras that outlive their IPAs: workers killed and stopped at any moment, and what becomes of frames and exposure.

mod common;
#[path = "common/libcamera.rs"]
mod package;

use std::time::{Duration, Instant};

use common::{children, exists, seed, send, stop, until, watchdog};
use image::RgbImage;
use package::Package;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ringfence::interfaces::rpi::IpaRPiProxy;
use ringfence::ipc::supervisor::Reason;
use ringfence::ipc::{CallError, ConnectError, Exit, Options, Supervisor, Worker};
use ringfence::rpi::camera::{Light, Scene, SensorMode, VirtualCamera, VirtualSensor};
use ringfence::rpi::libcamera::LibcameraIpa;
use ringfence::rpi::pipeline::{CameraIpa, Cause, Frame, Pipeline, PipelineError};
use ringfence::rpi::worker::RPI;
use ringfence::serialize::ControlList;
use ringfence::serialize::controls::IdMap;
use ringfence::serialize::controls::ids::controls as ids;
use rustix::process::Signal;

const HOUR: Duration = Duration::from_secs(3600);
/// Frames after which exposure and colours have come to rest.
const SETTLED: u32 = 80;
/// How far exposure, colours and brightness may be off after a restart.
const TOLERANCE: f64 = 0.03;

/// A worker that is killed rather than waited for.
fn options() -> Options {
    Options::new().exit_deadline(Duration::from_millis(5))
}

/// Our algorithms in a process of their own.
fn own() -> Result<IpaRPiProxy, ConnectError> {
    let worker = Worker::component(RPI).program(env!("CARGO_BIN_EXE_ringfence-worker"));
    IpaRPiProxy::isolated(&options(), &worker)
}

/// Restarts as often as it takes, at once.
fn tireless<P>(make: impl FnMut() -> Result<P, ConnectError> + Send + 'static) -> Supervisor<P> {
    Supervisor::new(make).budget(1000, HOUR).back_off(Duration::ZERO, Duration::ZERO)
}

/// A camera that goes on, and its picture.
struct Film<I> {
    pipeline: Pipeline<I>,
    image: RgbImage,
    light: Light,
    next: u64,
}

impl<I: CameraIpa> Film<I> {
    fn start(supervisor: Supervisor<I>, tuning: &str) -> Self {
        let scene = Scene::chart(128, 96).unwrap();
        let camera = VirtualCamera::new(VirtualSensor::new(SensorMode::new(128, 96).unwrap(), &scene, 1));
        let none = ControlList::new(IdMap::Controls);
        let pipeline = Pipeline::supervised(supervisor, camera, tuning, &none).unwrap();
        Self { pipeline, image: RgbImage::new(128, 96), light: Light::new(4500.0, 400.0).unwrap(), next: 0 }
    }

    fn with(&mut self, requests: &ControlList) -> Result<Frame, PipelineError> {
        let frame = self.pipeline.frame(self.light, requests, &mut self.image)?;
        assert_eq!(frame.captured.sequence, self.next, "a frame is missing, or told twice");
        self.next += 1;
        assert!(self.pipeline.ledger().closes(), "{:?}", self.pipeline.ledger());
        assert_eq!(frame.is_complete(), frame.metadata.is_some() && frame.lost.is_none());
        Ok(frame)
    }

    fn frame(&mut self) -> Frame {
        self.with(&ControlList::new(IdMap::Controls)).unwrap()
    }

    fn settle(&mut self) -> Frame {
        (1..SETTLED).for_each(|_| assert!(self.frame().is_complete()));
        self.frame()
    }

    fn worker(&self) -> u32 {
        self.pipeline.ipa().unwrap().worker_pid().unwrap()
    }
}

/// What a viewer sees of exposure and colours.
fn look(frame: &Frame) -> [f64; 4] {
    let total = frame.captured.exposure_seconds() * frame.captured.gain() * frame.isp.digital_gain;
    [total, frame.isp.red_gain, frame.isp.blue_gain, frame.mean_luma]
}

#[track_caller]
fn assert_alike(before: &Frame, after: &Frame, tolerance: f64) {
    let [before_look, after_look] = [before, after].map(look);
    for (index, name) in ["total exposure", "red", "blue", "luma"].into_iter().enumerate() {
        let ratio = after_look[index] / before_look[index];
        assert!(
            (ratio - 1.0).abs() < tolerance,
            "{name} was {} and is {} in frame {}: {after:?}",
            before_look[index],
            after_look[index],
            after.captured.sequence
        );
    }
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Kills the worker at random moments, and checks that nobody can see it.
fn kill_at_random<I: CameraIpa>(supervisor: Supervisor<I>, tuning: &str, kills: u32, pause: Duration) {
    let mut random = ChaCha8Rng::seed_from_u64(seed());
    let mut film = Film::start(supervisor, tuning);
    let step = |film: &mut Film<I>| {
        // Some IPAs compute in threads of their own.
        film.pipeline.rest(Instant::now() + pause).unwrap();
        film.frame()
    };
    let settled = (0..SETTLED).map(|_| step(&mut film)).last().unwrap();
    let (fds, processes) = (descriptors(), children().len());
    let mut times = Vec::new();
    for _ in 0..kills {
        let (worker, moment) = (film.worker(), Duration::from_micros(random.random_range(0..3000)));
        let assassin = std::thread::spawn(move || {
            std::thread::sleep(moment);
            send(worker, Signal::KILL);
            Instant::now()
        });
        let mut lost = 0;
        loop {
            let frame = step(&mut film);
            assert_alike(&settled, &frame, TOLERANCE);
            if !frame.is_complete() {
                assert_eq!(frame.lost.unwrap().cause(), Cause::Died);
                lost += 1;
            } else if film.worker() != worker {
                break;
            }
        }
        times.push(assassin.join().unwrap().elapsed());
        assert!(lost <= 1, "{lost} frames were lost for one worker");
        // Past the frames for which sensor and ISP are held.
        for _ in 0..random.random_range(1..40) {
            let frame = step(&mut film);
            assert!(frame.is_complete(), "{frame:?}");
            assert_alike(&settled, &frame, TOLERANCE);
        }
    }
    assert_eq!(film.pipeline.restarts(), u64::from(kills));
    let ledger = film.pipeline.ledger().clone();
    assert_eq!((ledger.queued(), ledger.lost_in_all()), (film.next, film.next - ledger.processed()));
    until(|| children().len() <= processes);
    assert_eq!((descriptors(), children().len()), (fds, processes));
    film.pipeline.stop().unwrap().expect("the last IPA stops in order");
    times.sort();
    eprintln!(
        "from a kill to the next processed frame: median {:?}, worst {:?} of {kills}; {} frames lost",
        times[times.len() / 2],
        times[times.len() - 1],
        ledger.lost_in_all()
    );
}

// Descriptors and children of the process are counted: no other test may have any meanwhile.
#[test]
fn nobody_sees_that_workers_are_killed() {
    watchdog(|| {
        kill_at_random(tireless(own), "", 12, Duration::ZERO);
        let is_fit = |ipa: &mut IpaRPiProxy| ipa.wait(Some(Instant::now())).is_ok();
        kill_at_random(tireless(own).keep_spare(is_fit), "", 12, Duration::from_millis(1));
        let Some(package) = Package::find() else { return };
        let tuning = package.tuning("raspberrypi/imx219.json");
        let worker = package.rpi();
        let libcamera = move || LibcameraIpa::start(&options(), &worker);
        kill_at_random(tireless(libcamera), &tuning, 12, Duration::from_millis(3));
    });
    exhaustion();
    outage();
    wedged();
    requests();
    at_rest();
}

fn exhaustion() {
    watchdog(|| {
        let mut film = Film::start(Supervisor::new(own).budget(1, HOUR), "");
        film.frame();
        for restarts in 1..=2 {
            send(film.worker(), Signal::KILL);
            let error = loop {
                match film.with(&ControlList::default()) {
                    Ok(_) if film.pipeline.restarts() == restarts => break None,
                    // The kernel takes its time.
                    Ok(_) => {}
                    Err(error) => break Some(error),
                }
            };
            match error {
                None => assert_eq!(restarts, 1),
                Some(PipelineError::GivenUp(given_up)) => {
                    assert_eq!((restarts, given_up.restarts), (2, 1));
                    let Reason::Failed(CallError::Died(death)) = &*given_up.last else {
                        panic!("{given_up}")
                    };
                    assert_eq!(death.exit, Exit::Signal(9));
                }
                Some(error) => panic!("{error}"),
            }
        }
        assert!(film.pipeline.ledger().closes(), "{:?}", film.pipeline.ledger());
        assert!(matches!(film.with(&ControlList::default()), Err(PipelineError::Over)));
        assert!(film.pipeline.stop().unwrap().is_none());
    });
}

fn outage() {
    watchdog(|| {
        let mut film = Film::start(Supervisor::new(own).budget(9, HOUR).back_off(HOUR, HOUR), "");
        let settled = film.settle();
        for restarts in [1, 0] {
            let worker = film.worker();
            send(worker, Signal::KILL);
            until(|| {
                let frame = film.frame();
                film.pipeline.restarts() == restarts
                    || frame.lost.is_some_and(|loss| loss.cause() == Cause::Outage)
            });
            assert!(!exists(worker), "a zombie is left");
        }
        let before = film.pipeline.ledger().clone();
        for _ in 0..20 {
            let frame = film.frame();
            assert_eq!(frame.lost.as_ref().unwrap().cause(), Cause::Outage);
            assert_alike(&settled, &frame, TOLERANCE);
        }
        let after = film.pipeline.ledger();
        assert_eq!(after.lost()[&Cause::Outage], before.lost()[&Cause::Outage] + 20);
        assert_eq!(after.processed(), before.processed());
        assert!(film.pipeline.ipa().is_none());
        // It waits no longer than it is told to.
        film.pipeline.rest(Instant::now() + Duration::from_millis(1)).unwrap();
        assert!(film.pipeline.stop().unwrap().is_none());
    });
}

fn wedged() {
    watchdog(|| {
        let mut film = Film::start(tireless(own), "");
        film.pipeline.set_frame_timeout(Duration::from_millis(100));
        let settled = film.settle();
        for _ in 0..3 {
            let worker = film.worker();
            stop(worker);
            let lost = film.frame();
            assert_eq!(lost.lost.unwrap().cause(), Cause::TimedOut);
            assert!(!exists(worker), "a stopped worker is left");
            for _ in 0..20 {
                let frame = film.frame();
                assert!(frame.is_complete(), "{frame:?}");
                assert_alike(&settled, &frame, TOLERANCE);
            }
        }
        assert_eq!(film.pipeline.restarts(), 3);
    });
}

fn requests() {
    watchdog(|| {
        for hold in [false, true] {
            let mut film = Film::start(tireless(own), "");
            let mut request = ControlList::new(IdMap::Controls);
            request.set(&ids::EXPOSURE_TIME, 6000);
            request.set(&ids::ANALOGUE_GAIN, 2.0);
            request.set(&ids::COLOUR_GAINS, [1.25, 1.5]);
            film.with(&request).unwrap();
            if hold {
                // What is in force is to be held, without its being said again.
                film.settle();
                request.clear();
                request.set(&ids::AE_ENABLE, true);
                film.with(&request).unwrap();
                film.settle();
                request.set(&ids::AE_ENABLE, false);
                film.with(&request).unwrap();
            }
            let settled = film.settle();
            send(film.worker(), Signal::KILL);
            until(|| {
                film.frame();
                film.pipeline.restarts() == 1
            });
            // Brighter: an automatic exposure would follow.
            film.light = Light::new(4500.0, 1600.0).unwrap();
            let after = film.settle();
            let [before, after] = [&settled, &after].map(look);
            for index in 0..3 {
                assert!((after[index] / before[index] - 1.0).abs() < 0.01, "{before:?}, {after:?}");
            }
            assert!(after[3] > 1.5 * before[3], "the light did change: {before:?}, {after:?}");
        }
    });
}

fn at_rest() {
    watchdog(|| {
        let mut film = Film::start(tireless(own), "");
        film.settle();
        send(film.worker(), Signal::KILL);
        until(|| {
            film.pipeline.rest(Instant::now() + Duration::from_millis(5)).unwrap();
            film.pipeline.restarts() == 1
        });
        assert!(film.frame().is_complete());
        assert_eq!(film.pipeline.ledger().lost_in_all(), 0, "it died while it had nothing to do");
    });
}
