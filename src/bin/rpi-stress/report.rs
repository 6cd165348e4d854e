//! What is told at the end.

use std::collections::BTreeMap;
use std::time::Duration;

use comfy_table::{Table, presets};
use hdrhistogram::Histogram;
use ringfence::rpi::pipeline::Loss;
use serde::Serialize;

use crate::camera::Outcome;
use crate::cli::Args;
use crate::faults::Fault;
use crate::resources::Resources;

/// Unexplained losses that are told one by one.
const LONGEST_LIST: usize = 20;

/// Durations, in microseconds.
#[derive(Debug, Clone)]
struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        Self(Histogram::new(3).expect("three digits are allowed"))
    }
}

impl Times {
    fn note(&mut self, time: Duration) {
        // An automatically resizing histogram takes every value.
        let _ = self.0.record(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    }

    fn add(&mut self, other: &Self) {
        // Likewise.
        let _ = self.0.add(&other.0);
    }
}

/// What was seen of one kind of fault.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Faults that took place.
    pub injected: u64,
    /// Of those, what the host noticed: a frame was lost, a worker replaced, or an answer late.
    pub detected: u64,
    /// Of those, after which a frame was processed.
    pub recovered: u64,
    /// Of those that took place, what had no effect.
    pub borne: u64,
    recovery: Times,
}

impl Seen {
    /// From the fault to the next frame that was processed.
    pub fn note_recovery(&mut self, time: Duration) {
        self.recovery.note(time);
    }
}

/// What was seen in one camera.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    faults: BTreeMap<Fault, Seen>,
    prepare: Times,
    process: Times,
    frame: Times,
    unexplained: Vec<String>,
    unexplained_in_all: u64,
    /// Frames queued in the time that is measured.
    pub frames: u64,
}

impl Tally {
    /// What was seen of a kind of fault.
    pub fn of(&mut self, fault: Fault) -> &mut Seen {
        self.faults.entry(fault).or_default()
    }

    /// How long a frame took that was processed.
    pub fn note_times(&mut self, prepare: Duration, process: Duration, frame: Duration) {
        self.prepare.note(prepare);
        self.process.note(process);
        self.frame.note(frame);
    }

    /// A frame was lost though nothing had happened to the worker.
    pub fn note_unexplained(&mut self, camera: u32, frame: u64, loss: &Loss) {
        self.unexplained_in_all += 1;
        if self.unexplained.len() < LONGEST_LIST {
            self.unexplained.push(format!("camera {camera}, frame {frame}: {loss}"));
        }
    }

    fn add(&mut self, other: &Self) {
        for (fault, seen) in &other.faults {
            let sum = self.of(*fault);
            sum.injected += seen.injected;
            sum.detected += seen.detected;
            sum.recovered += seen.recovered;
            sum.borne += seen.borne;
            sum.recovery.add(&seen.recovery);
        }
        self.prepare.add(&other.prepare);
        self.process.add(&other.process);
        self.frame.add(&other.frame);
        self.unexplained_in_all += other.unexplained_in_all;
        self.unexplained.extend(other.unexplained.iter().cloned());
    }
}

/// Percentiles of durations, in microseconds.
#[derive(Debug, Serialize)]
struct Percentiles {
    p50: u64,
    p99: u64,
    p999: u64,
    max: u64,
}

impl From<&Times> for Percentiles {
    fn from(Times(times): &Times) -> Self {
        let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|quantile| times.value_at_quantile(quantile));
        Self { p50, p99, p999, max: times.max() }
    }
}

#[derive(Debug, Serialize)]
struct FrameReport {
    queued: u64,
    processed: u64,
    lost: u64,
    lost_by_cause: BTreeMap<&'static str, u64>,
    /// Lost though nothing had happened to the worker.
    unexplained: u64,
    per_second: f64,
    /// Whether every frame was either processed or lost.
    accounted: bool,
}

#[derive(Debug, Serialize)]
struct CameraReport {
    camera: u32,
    rate: f64,
    per_second: f64,
    queued: u64,
    processed: u64,
    lost: u64,
    restarts: u64,
}

#[derive(Debug, Serialize)]
struct LatencyReport {
    prepare_us: Percentiles,
    process_us: Percentiles,
    frame_us: Percentiles,
}

#[derive(Debug, Serialize)]
struct FaultReport {
    injected: u64,
    detected: u64,
    recovered: u64,
    borne: u64,
    recovery_us: Percentiles,
}

#[derive(Debug, Serialize)]
struct LeakReport {
    baseline: Resources,
    end: Resources,
    leaked: bool,
}

/// The whole run.
#[derive(Debug, Serialize)]
pub struct Report {
    seconds: f64,
    seed: u64,
    rate: f64,
    frames: FrameReport,
    cameras: Vec<CameraReport>,
    latency: LatencyReport,
    faults: BTreeMap<Fault, FaultReport>,
    resources: LeakReport,
    /// Of the host itself: none is expected, whatever the workers do.
    host_errors: Vec<String>,
    unexplained: Vec<String>,
    interrupted: bool,
    /// Whether all is as it has to be.
    pub passed: bool,
}

impl Report {
    /// Sums up.
    pub fn new(
        args: &Args,
        outcomes: &[Outcome],
        [baseline, end]: [Resources; 2],
        interrupted: bool,
    ) -> Self {
        let mut tally = Tally::default();
        let mut lost_by_cause = BTreeMap::new();
        for outcome in outcomes {
            tally.add(&outcome.tally);
            for (cause, count) in &outcome.lost {
                *lost_by_cause.entry(*cause).or_default() += count;
            }
        }
        let cameras: Vec<CameraReport> = outcomes.iter().map(CameraReport::from).collect();
        let sum = |value: fn(&CameraReport) -> u64| cameras.iter().map(value).sum::<u64>();
        let frames = FrameReport {
            queued: sum(|camera| camera.queued),
            processed: sum(|camera| camera.processed),
            lost: sum(|camera| camera.lost),
            lost_by_cause,
            unexplained: tally.unexplained_in_all,
            per_second: cameras.iter().map(|camera| camera.per_second).sum(),
            accounted: cameras.iter().all(|camera| camera.queued == camera.processed + camera.lost),
        };
        let faults: BTreeMap<Fault, FaultReport> =
            tally.faults.iter().map(|(fault, seen)| (*fault, seen.into())).collect();
        let host_errors: Vec<String> = outcomes
            .iter()
            .filter_map(|outcome| Some(format!("camera {}: {}", outcome.camera, outcome.error.as_ref()?)))
            .collect();
        let leaked = end.leaks(&baseline);
        let recovered = faults.values().all(|seen| seen.recovered == seen.detected);
        let passed =
            frames.accounted && frames.unexplained == 0 && host_errors.is_empty() && !leaked && recovered;
        Self {
            seconds: outcomes.iter().map(|outcome| outcome.time.as_secs_f64()).fold(0.0, f64::max),
            seed: args.seed,
            rate: args.rate,
            frames,
            cameras,
            latency: LatencyReport {
                prepare_us: (&tally.prepare).into(),
                process_us: (&tally.process).into(),
                frame_us: (&tally.frame).into(),
            },
            faults,
            resources: LeakReport { baseline, end, leaked },
            host_errors,
            unexplained: tally.unexplained,
            interrupted,
            passed,
        }
    }

    /// The report for people.
    pub fn text(&self) -> String {
        let table = |header: &[&str]| {
            let mut table = Table::new();
            table.load_style(presets::NOTHING).set_header(header.iter().copied());
            table
        };
        let ms = |us: u64| format!("{:.1}", us as f64 / 1000.0);

        let mut cameras = table(&["camera", "frames/s", "queued", "processed", "lost", "restarts"]);
        for camera in &self.cameras {
            let rate = format!("{:.1} of {:.0}", camera.per_second, camera.rate);
            let counts = [camera.queued, camera.processed, camera.lost, camera.restarts]
                .map(|count| count.to_string());
            cameras.add_row([camera.camera.to_string(), rate].into_iter().chain(counts));
        }
        let mut faults =
            table(&["fault", "injected", "detected", "recovered", "borne", "recovery p50/p99/max (ms)"]);
        for (fault, seen) in &self.faults {
            let counts =
                [seen.injected, seen.detected, seen.recovered, seen.borne].map(|count| count.to_string());
            let Percentiles { p50, p99, max, .. } = seen.recovery_us;
            let recovery = format!("{} / {} / {}", ms(p50), ms(p99), ms(max));
            faults.add_row([fault.to_string()].into_iter().chain(counts).chain([recovery]));
        }
        let mut latency = table(&["latency (ms)", "p50", "p99", "p99.9", "max"]);
        for (name, times) in [
            ("prepareIsp", &self.latency.prepare_us),
            ("processStats", &self.latency.process_us),
            ("whole frame", &self.latency.frame_us),
        ] {
            let values = [times.p50, times.p99, times.p999, times.max].map(ms);
            latency.add_row([name.to_owned()].into_iter().chain(values));
        }
        let mut resources =
            table(&["resources", "memory (KiB)", "descriptors", "processes", "mappings", "threads"]);
        for (name, has) in [("when warm", &self.resources.baseline), ("at the end", &self.resources.end)] {
            let values = [has.memory_kib, has.descriptors, has.processes, has.mappings, has.threads];
            resources.add_row([name.to_owned()].into_iter().chain(values.map(|value| value.to_string())));
        }
        let causes: Vec<String> =
            self.frames.lost_by_cause.iter().map(|(cause, count)| format!("{count} {cause}")).collect();
        let frames = &self.frames;
        let mut text = format!("{cameras}\n\n{faults}\n\n{latency}\n\n{resources}\n\n");
        text += &format!(
            "{:.1} s, seed {}: {} frames queued ({:.1}/s), {} processed, {} lost ({}), {} of them unexplained\n",
            self.seconds,
            self.seed,
            frames.queued,
            frames.per_second,
            frames.processed,
            frames.lost,
            if causes.is_empty() { "none".to_owned() } else { causes.join(", ") },
            frames.unexplained
        );
        for line in self.unexplained.iter().chain(&self.host_errors) {
            text += &format!("! {line}\n");
        }
        text += match (self.passed, self.interrupted) {
            (true, false) => "passed: every frame is accounted for, nothing leaked\n",
            (true, true) => "interrupted; so far every frame is accounted for, nothing leaked\n",
            (false, _) => "failed\n",
        };
        text
    }
}

impl From<&Outcome> for CameraReport {
    fn from(outcome: &Outcome) -> Self {
        let seconds = outcome.time.as_secs_f64();
        Self {
            camera: outcome.camera,
            rate: outcome.rate,
            per_second: if seconds > 0.0 { outcome.tally.frames as f64 / seconds } else { 0.0 },
            queued: outcome.queued,
            processed: outcome.processed,
            lost: outcome.lost.values().sum(),
            restarts: outcome.restarts,
        }
    }
}

impl From<&Seen> for FaultReport {
    fn from(seen: &Seen) -> Self {
        let Seen { injected, detected, recovered, borne, recovery } = seen;
        Self {
            injected: *injected,
            detected: *detected,
            recovered: *recovered,
            borne: *borne,
            recovery_us: recovery.into(),
        }
    }
}
