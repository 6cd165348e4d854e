//! One camera, and who does what to its worker.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use image::RgbImage;
use ringfence::interfaces::rpi::IpaRPiProxy;
use ringfence::ipc::{Options, Supervisor, Worker};
use ringfence::rpi::camera::{Scene, SensorMode, VirtualCamera, VirtualSensor};
use ringfence::rpi::pipeline::{CameraIpa, Frame, Pipeline};
use ringfence::serialize::ControlList;
use ringfence::serialize::controls::IdMap;

use crate::cli::Args;
use crate::faults::{Order, Schedule};
use crate::report::Tally;
use crate::sabotage::{Watched, Weapon};
use crate::{scene, worker};

/// Frames a second, of one camera after the other.
const RATES: [f64; 4] = [30.0, 60.0, 40.0, 50.0];
/// Size of the pictures: many cameras have to share few processors.
const SIZE: (u32, u32) = (128, 96);
/// Frames without faults before anything is counted as a leak.
const WARM_UP: u64 = 40;
/// Frames without faults at the end, at most, until the last fault is over.
const WIND_DOWN: u64 = 20;
/// How long a worker may take to end by itself before it is killed.
const EXIT_DEADLINE: Duration = Duration::from_millis(20);
/// How long a call of an IPA that is brought up may take.
const CALL_DEADLINE: Duration = Duration::from_secs(2);

/// What cameras and the thread that watches them share.
#[derive(Debug)]
pub struct Stage {
    /// Raised when all shall end.
    pub stop: std::sync::Arc<AtomicBool>,
    /// Passed by all together: twice when all are warm, twice when all have come to their end. In between they rest, so that
    /// it can be counted what the process has.
    pub gate: Barrier,
    /// Cameras that have come to their end.
    pub finished: AtomicU64,
    /// Frames so far.
    pub frames: AtomicU64,
    /// Faults so far.
    pub faults: AtomicU64,
}

/// What a camera has done.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Its number.
    pub camera: u32,
    /// Frames a second that it shall make.
    pub rate: f64,
    /// How long it ran.
    pub time: Duration,
    /// Frames that were queued.
    pub queued: u64,
    /// Frames that were processed.
    pub processed: u64,
    /// Frames that were lost, by cause.
    pub lost: BTreeMap<&'static str, u64>,
    /// Restarts of its worker.
    pub restarts: u64,
    /// What was seen of faults.
    pub tally: Tally,
    /// Why it ended before its time.
    pub error: Option<String>,
}

/// A fault that is not over.
#[derive(Debug)]
struct Open {
    order: Order,
    at: Instant,
    /// Restarts before it.
    restarts: u64,
    /// Frames since.
    age: u64,
    detected: bool,
}

struct Camera<'a> {
    args: &'a Args,
    number: u32,
    stage: &'a Stage,
    pipeline: Pipeline<IpaRPiProxy, Watched<VirtualCamera>>,
    weapon: Weapon,
    schedule: Schedule,
    requests: ControlList,
    image: RgbImage,
    period: Duration,
    due: Instant,
    frame: u64,
    open: Option<Open>,
    tally: Tally,
}

/// Runs camera `number` from its start to its end.
pub fn run(args: &Args, number: u32, stage: &Stage) -> Outcome {
    let rate = RATES[number as usize % RATES.len()];
    let mut error = None;
    let mut camera = guard(&mut error, || Camera::start(args, number, rate, stage).map(Some)).flatten();
    let mut step = |error: &mut Option<String>, step: &dyn Fn(&mut Camera<'_>) -> Result<(), String>| {
        if let (None, Some(camera)) = (&error, &mut camera) {
            guard(error, || step(camera));
        }
    };
    step(&mut error, &|camera| camera.film(WARM_UP, false));
    stage.gate.wait();
    stage.gate.wait();
    let start = Instant::now();
    step(&mut error, &|camera| camera.film(u64::MAX, true));
    let time = start.elapsed();
    step(&mut error, &|camera| camera.wind_down());
    // ORDERING: Relaxed: a number to look at.
    stage.finished.fetch_add(1, Ordering::Relaxed);
    stage.gate.wait();
    stage.gate.wait();
    let Some(camera) = camera else { return Outcome { camera: number, rate, error, ..Outcome::default() } };
    camera.end(Outcome { camera: number, rate, time, error, ..Outcome::default() })
}

/// Does something that may fail or panic, and notes why.
fn guard<T>(error: &mut Option<String>, work: impl FnOnce() -> Result<T, String>) -> Option<T> {
    let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panic_message(&*panic)));
    result.map_err(|reason| *error = Some(reason)).ok()
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("the camera's thread panicked: {}", text.unwrap_or_else(|| "no message".to_owned()))
}

impl<'a> Camera<'a> {
    fn start(args: &'a Args, number: u32, rate: f64, stage: &'a Stage) -> Result<Self, String> {
        let (width, height) = SIZE;
        let mode = SensorMode::new(width, height).map_err(text)?;
        let scene = Scene::chart(width, height).map_err(text)?;
        let sensor = VirtualSensor::new(mode, &scene, args.seed.wrapping_add(number.into()));
        let weapon = Weapon::default();
        let camera = Watched::new(VirtualCamera::new(sensor), weapon.clone());
        let options = Options::new()
            .exit_deadline(EXIT_DEADLINE)
            .call_deadline(CALL_DEADLINE)
            .label(format!("camera {number}"));
        let make = move || IpaRPiProxy::isolated(&options, &Worker::component(worker::COMPONENT.name));
        let supervisor = Supervisor::new(make)
            .budget(u32::MAX, Duration::from_secs(60))
            .back_off(Duration::ZERO, Duration::ZERO);
        let supervisor = if args.spare {
            supervisor.keep_spare(|ipa: &mut IpaRPiProxy| ipa.wait(Some(Instant::now())).is_ok())
        } else {
            supervisor
        };
        let none = ControlList::new(IdMap::Controls);
        let mut pipeline = Pipeline::supervised(supervisor, camera, "", &none).map_err(text)?;
        pipeline.set_frame_timeout(Duration::from_millis(args.timeout));
        Ok(Self {
            args,
            number,
            stage,
            pipeline,
            weapon,
            schedule: Schedule::new(args.seed, number.into(), &args.faults, args.rate),
            requests: none,
            image: RgbImage::new(width, height),
            period: Duration::from_secs_f64(1.0 / rate),
            due: Instant::now(),
            frame: 0,
            open: None,
            tally: Tally::default(),
        })
    }

    /// Takes frames until there are so many, or all shall end.
    fn film(&mut self, frames: u64, with_faults: bool) -> Result<(), String> {
        let frames = frames.min(self.args.frames.map_or(u64::MAX, |frames| frames.get()));
        while self.frame < frames {
            // ORDERING: Relaxed: a flag alone; nothing else is read because of it.
            if self.stage.stop.load(Ordering::Relaxed) {
                break;
            }
            let order = if with_faults { self.schedule.of_frame(self.frame) } else { None };
            self.one(order)?;
            self.tally.frames += u64::from(with_faults);
        }
        Ok(())
    }

    /// Takes frames without faults until the last one is over, and sees to it that there is a worker.
    fn wind_down(&mut self) -> Result<(), String> {
        for _ in 0..WIND_DOWN {
            if self.open.is_none() {
                break;
            }
            self.one(None)?;
        }
        self.close();
        self.pipeline.rest(Instant::now() + self.period).map_err(text)
    }

    /// Takes a frame, in which something may happen.
    fn one(&mut self, order: Option<Order>) -> Result<(), String> {
        self.due = (self.due + self.period).max(Instant::now());
        self.pipeline.rest(self.due).map_err(text)?;
        let restarts = self.pipeline.restarts();
        let light = scene::light(self.args.seed, self.number.into(), self.frame);
        self.requests.clear();
        match order {
            Some(order) if order.fault.is_from_outside() => {
                if let Some(pid) = self.pipeline.ipa().and_then(CameraIpa::worker_pid) {
                    self.weapon.aim(order, pid);
                }
            }
            Some(order) => self.requests.set(&worker::ORDER, order.number()),
            None => {}
        }
        let begin = Instant::now();
        self.weapon.before();
        let frame = self.pipeline.frame(light, &self.requests, &mut self.image).map_err(text)?;
        let fired = self.weapon.lower();
        if let Some(order) = order
            && let Some(at) = if order.fault.is_from_outside() { fired } else { Some(begin) }
        {
            self.close();
            self.tally.of(order.fault).injected += 1;
            self.open = Some(Open { order, at, restarts, age: 0, detected: false });
            // ORDERING: Relaxed: a number to look at.
            self.stage.faults.fetch_add(1, Ordering::Relaxed);
        }
        self.judge(&frame, begin);
        if frame.is_complete() {
            self.tally.note_times(frame.prepare_time, frame.process_time, begin.elapsed());
        }
        self.frame += 1;
        // ORDERING: Relaxed: a number to look at.
        self.stage.frames.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// What a frame says about the fault that is not over.
    fn judge(&mut self, frame: &Frame, begin: Instant) {
        let restarts = self.pipeline.restarts();
        let Some(open) = &mut self.open else {
            if let Some(loss) = &frame.lost {
                self.tally.note_unexplained(self.number, frame.captured.sequence, loss);
            }
            return;
        };
        let late = open.order.fault == crate::faults::Fault::Slow
            && frame.prepare_time + frame.process_time >= open.order.lateness();
        if !open.detected && (late || frame.lost.is_some() || restarts > open.restarts) {
            open.detected = true;
            self.tally.of(open.order.fault).detected += 1;
            if open.age > 1 {
                // It had no effect until now.
                open.at = begin;
            }
        }
        open.age += 1;
        if open.detected && frame.is_complete() {
            let kind = self.tally.of(open.order.fault);
            kind.recovered += 1;
            kind.note_recovery(open.at.elapsed());
            self.open = None;
        }
    }

    /// A fault that had no effect: it will have none any more, or the next one will be held responsible.
    fn close(&mut self) {
        if let Some(open) = self.open.take_if(|open| !open.detected) {
            self.tally.of(open.order.fault).borne += 1;
        }
    }

    fn end(self, outcome: Outcome) -> Outcome {
        let ledger = self.pipeline.ledger().clone();
        let restarts = self.pipeline.restarts();
        let error = outcome.error.or_else(|| self.pipeline.stop().err().map(|error| error.to_string()));
        Outcome {
            queued: ledger.queued(),
            processed: ledger.processed(),
            lost: ledger.lost().iter().map(|(cause, count)| (cause.name(), *count)).collect(),
            restarts,
            tally: self.tally,
            error,
            ..outcome
        }
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
