//! `ringfence run`: the camera from its start to the pictures on disk.

use std::fmt::Display;
use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use image::RgbImage;
use indicatif::{ProgressBar, ProgressStyle};
use ringfence::interfaces::rpi::IpaRPiProxy;
use ringfence::ipc::{ConnectError, Mode, Options, Supervisor};
use ringfence::rpi::camera::{Light, Scene, VirtualCamera, VirtualSensor};
use ringfence::rpi::ipa::module::RaspberryPiIpa;
use ringfence::rpi::ipa::tuning::Tuning;
use ringfence::rpi::libcamera::{InterfaceVersion, LibcameraIpa};
use ringfence::rpi::pipeline::{CameraIpa, Pipeline, PipelineError};
use ringfence::rpi::worker;
use ringfence::serialize::ControlList;

use crate::cli::{Fps, IpaName, ModeName, RunArgs};
use crate::failure::Failure;
use crate::frame_record::FrameRecord;
use crate::interrupt::{INTERRUPTED, stop_flag};
use crate::libcamera;
use crate::output::{print, print_json};
use crate::plot;
use crate::summary::{Percentiles, Summary};

/// Within this time, restarts count.
const RESTART_WINDOW: Duration = Duration::from_secs(60);

/// Runs the camera.
pub fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    // Whatever the user gave is checked before anything is started.
    let light = Light::new(args.kelvin, args.lux).map_err(Failure::input)?;
    let mode = args.size.0;
    let scene = match args.scene.as_str() {
        "chart" => Scene::chart(mode.width(), mode.height()),
        file => Scene::open(file),
    };
    let scene = scene.map_err(Failure::input)?;
    let chosen = Chosen::by(args)?;
    fs::create_dir_all(&args.out)
        .map_err(|error| Failure::input(format!("--out {}: {error}", args.out.display())))?;
    let stop = stop_flag()?;

    let camera = VirtualCamera::new(VirtualSensor::new(mode, &scene, args.seed));
    let options = Options::new().sandbox(args.sandbox.into()).label("camera 0");
    match chosen {
        Chosen::BuiltIn { tuning } => {
            let mode = args.mode;
            let file = tuning.clone();
            let make = move || built_in(mode, &options, &file);
            film(args, make, None, camera, &tuning, light, &stop)
        }
        Chosen::Libcamera { worker, version: InterfaceVersion::V0_0_3, tuning } => {
            let make = move || LibcameraIpa::start(&options, &worker);
            film(args, make, Some(InterfaceVersion::V0_0_3), camera, &tuning, light, &stop)
        }
        Chosen::Libcamera { worker, version: InterfaceVersion::Newest, tuning } => {
            let make = move || IpaRPiProxy::libcamera(&options, &worker);
            film(args, make, Some(InterfaceVersion::Newest), camera, &tuning, light, &stop)
        }
    }
}

/// Whose algorithms the user wants, with all that it takes.
enum Chosen {
    BuiltIn { tuning: String },
    Libcamera { worker: ringfence::ipc::libcamera::Worker, version: InterfaceVersion, tuning: String },
}

impl Chosen {
    fn by(args: &RunArgs) -> Result<Self, Failure> {
        match args.ipa {
            IpaName::BuiltIn => {
                libcamera::refuse(&args.libcamera)?;
                let tuning = args.tuning.as_deref().map(tuning_path).transpose()?.unwrap_or_default();
                Ok(Self::BuiltIn { tuning })
            }
            IpaName::Libcamera => {
                if args.mode != ModeName::Isolated {
                    let why = "--mode: libcamera's algorithms run in a process of their own; leave it out";
                    return Err(Failure::input(why));
                }
                let (worker, version) =
                    libcamera::worker(&args.libcamera, "raspberrypi_ipa_proxy", "ipa_rpi.so")?;
                let tuning = libcamera::tuning(args.tuning.as_deref(), version)?;
                let worker = if tuning.is_empty() { worker } else { worker.reads(&tuning) };
                Ok(Self::Libcamera { worker, version, tuning })
            }
        }
    }
}

/// Takes the pictures. `version` is that of libcamera, if the IPA is its.
fn film<I: CameraIpa>(
    args: &RunArgs,
    mut make: impl FnMut() -> Result<I, ConnectError> + Send + 'static,
    version: Option<InterfaceVersion>,
    camera: VirtualCamera,
    tuning: &str,
    light: Light,
    stop: &AtomicBool,
) -> Result<ExitCode, Failure> {
    let mode = args.size.0;
    let none = ControlList::default();
    let pipeline = if args.restarts == 0 {
        let ipa = make().map_err(Failure::work)?;
        Pipeline::start(ipa, camera, tuning, &none)
    } else {
        let supervisor = Supervisor::new(make).budget(args.restarts, RESTART_WINDOW);
        Pipeline::supervised(supervisor, camera, tuning, &none)
    };
    let mut pipeline = pipeline.map_err(|error| match (&error, version) {
        (PipelineError::Ipa(cause), Some(version)) => libcamera::first_call(cause, version),
        _ => Failure::work(error),
    })?;

    let frames = u64::from(args.frames.get());
    let progress = progress_bar(frames, args.json);
    let mut image = RgbImage::new(mode.width(), mode.height());
    // They grow as the run goes on: nobody waits for the end of four thousand million frames.
    let mut records = Vec::new();
    let mut kelvins = Vec::new();
    let mut pace = Pace::new(args.fps);
    for number in 0..frames {
        // ORDERING: Relaxed: a flag alone; nothing else is read because of it.
        if stop.load(Ordering::Relaxed) {
            break;
        }
        pipeline.rest(pace.next()).map_err(Failure::work)?;
        let light = light_of(args, light, number);
        let frame = pipeline.frame(light, &none, &mut image).map_err(Failure::work)?;
        let record = FrameRecord::from(&frame);
        if args.json {
            print_json(&record)?;
        }
        if number == 0 {
            save(&image, &args.out.join("first.png"))?;
        }
        progress.set_message(format!("luma {:.3}, {} K", record.mean_luma, record.colour_temperature));
        progress.inc(1);
        records.push(record);
        kelvins.push(light.kelvin());
    }
    progress.finish_and_clear();

    let summary = summarise(&pipeline, name_of(version), &records, args)?;
    let interrupted = records.len() < frames as usize;
    // What was taken is kept even if the IPA cannot be stopped in order.
    let mut written = Vec::new();
    if !records.is_empty() {
        save(&image, &args.out.join("last.png"))?;
        plot::write(&args.out.join("convergence.svg"), &records, &kelvins)?;
        written = ["first.png", "last.png", "convergence.svg"].map(|name| args.out.join(name)).to_vec();
    }
    report(&summary, &written, args.json)?;
    pipeline.stop().map_err(Failure::work)?;
    Ok(if interrupted { ExitCode::from(INTERRUPTED) } else { ExitCode::SUCCESS })
}

/// Puts our algorithms where the user wants them.
fn built_in(mode: ModeName, options: &Options, tuning: &str) -> Result<IpaRPiProxy, ConnectError> {
    match mode {
        ModeName::Direct => IpaRPiProxy::direct(RaspberryPiIpa::new),
        ModeName::Threaded => IpaRPiProxy::threaded(options, RaspberryPiIpa::new),
        ModeName::Isolated => IpaRPiProxy::isolated(options, &worker::worker(tuning)),
    }
}

/// The tuning file as an absolute path, once it is known to be one: the worker may look from elsewhere.
fn tuning_path(path: &Path) -> Result<String, Failure> {
    let refuse = |why: &dyn Display| Failure::input(format!("--tuning {}: {why}", path.display()));
    Tuning::load(path).map_err(|error| refuse(&error))?;
    let absolute = fs::canonicalize(path).map_err(|error| refuse(&error))?;
    absolute.into_os_string().into_string().map_err(|_| refuse(&"the path is not UTF-8"))
}

/// The light of a frame: that of the last step up to it.
fn light_of(args: &RunArgs, first: Light, frame: u64) -> Light {
    let latest = args.step.iter().filter(|step| step.frame <= frame).max_by_key(|step| step.frame);
    latest.map_or(first, |step| step.light)
}

/// What the report calls the algorithms.
const fn name_of(version: Option<InterfaceVersion>) -> &'static str {
    match version {
        None => "built-in",
        Some(InterfaceVersion::V0_0_3) => "libcamera 0.0.3",
        Some(InterfaceVersion::Newest) => "libcamera",
    }
}

fn progress_bar(frames: u64, json: bool) -> ProgressBar {
    if json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:32} {pos}/{len} frames  {msg}");
    ProgressBar::new(frames).with_style(style.expect("the template is valid"))
}

fn save(image: &RgbImage, path: &Path) -> Result<(), Failure> {
    image.save(path).map_err(|error| Failure::work(format!("{}: {error}", path.display())))
}

fn summarise<I: CameraIpa>(
    pipeline: &Pipeline<I>,
    ipa: &'static str,
    records: &[FrameRecord],
    args: &RunArgs,
) -> Result<Summary, Failure> {
    let last = records.last();
    let number = |value: fn(&FrameRecord) -> f64| last.map_or(0.0, value);
    let microseconds = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let own_clock = nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID;
    let own = nix::time::clock_gettime(own_clock)
        .map_err(|error| Failure::work(format!("clock_gettime: {error}")))?;
    let buffers = pipeline.buffers().first().map(|buffer| buffer.kind().to_string());
    Ok(Summary {
        // Libcamera's algorithms run nowhere else than in isolation, which is the only mode that they may be given.
        mode: Mode::from(args.mode).to_string(),
        ipa,
        frames: records.len() as u64,
        events: pipeline.events(),
        lost: pipeline.ledger().lost_in_all(),
        lost_by_cause: pipeline.ledger().lost().iter().map(|(cause, count)| (cause.name(), *count)).collect(),
        restarts: pipeline.restarts(),
        call_ns: Percentiles::of(records),
        exposure_us: number(|last| last.exposure_us),
        analogue_gain: number(|last| last.analogue_gain),
        digital_gain: number(|last| last.digital_gain),
        colour_gains: last.map_or([0.0; 2], |last| last.colour_gains),
        colour_temperature: last.map_or(0, |last| last.colour_temperature),
        mean_luma: number(|last| last.mean_luma),
        luma_target: last.and_then(|last| last.luma_target),
        worker_pid: pipeline.ipa().and_then(I::worker_pid),
        host_cpu_us: microseconds(own.into()),
        worker_cpu_us: pipeline.ipa().and_then(I::worker_cpu_time).map(microseconds),
        buffers: buffers.unwrap_or_default(),
        seed: args.seed,
    })
}

fn report(summary: &Summary, written: &[PathBuf], json: bool) -> Result<(), Failure> {
    if json {
        return print_json(&serde_json::json!({ "summary": summary }));
    }
    print(&format!("{}\n", summary.table()))?;
    for path in written {
        print(&format!("wrote {}\n", path.display()))?;
    }
    Ok(())
}

/// Keeps a run from being faster than asked for.
struct Pace {
    period: Option<Duration>,
    next: Instant,
}

impl Pace {
    fn new(fps: Fps) -> Self {
        let period = match fps {
            Fps::Max => None,
            Fps::At(rate) => Some(Duration::from_secs_f64(1.0 / rate)),
        };
        Self { period, next: Instant::now() }
    }

    /// When the next frame is due. One that is late does not make the following ones early.
    fn next(&mut self) -> Instant {
        let now = Instant::now();
        let Some(period) = self.period else { return now };
        let due = self.next.max(now);
        self.next = due + period;
        due
    }
}
