//! What is told at the end.

use std::collections::BTreeMap;

use comfy_table::{Table, presets};
use hdrhistogram::Histogram;
use serde::Serialize;

use crate::frame_record::FrameRecord;

/// The whole run in a few numbers.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// How the algorithms ran.
    pub mode: String,
    /// Whose they were.
    pub ipa: &'static str,
    /// Frames taken.
    pub frames: u64,
    /// Events that the IPA sent.
    pub events: u64,
    /// Frames that the IPA did not finish.
    pub lost: u64,
    /// The same by cause.
    pub lost_by_cause: BTreeMap<&'static str, u64>,
    /// How often the IPA was started again.
    pub restarts: u64,
    /// From a call of the IPA to the event that completes it, in nanoseconds.
    pub call_ns: Percentiles,
    /// Exposure of the last frame, in microseconds.
    pub exposure_us: f64,
    /// Analogue gain of the last frame.
    pub analogue_gain: f64,
    /// Digital gain of the last frame.
    pub digital_gain: f64,
    /// Gains of red and blue in the last frame.
    pub colour_gains: [f64; 2],
    /// Colour temperature of the last frame as the IPA saw it, in kelvin.
    pub colour_temperature: i32,
    /// Mean linear luma of the last picture, 0 to 1.
    pub mean_luma: f64,
    /// What automatic exposure aimed at, on the same scale, if the IPA tells.
    pub luma_target: Option<f64>,
    /// Process id of the worker, if there was one.
    pub worker_pid: Option<u32>,
    /// CPU time of this process, in microseconds.
    pub host_cpu_us: u64,
    /// CPU time of the worker, in microseconds.
    pub worker_cpu_us: Option<u64>,
    /// What the statistics buffers are made of.
    pub buffers: String,
    /// Seed of the sensor's noise.
    pub seed: u64,
}

/// Percentiles of a latency.
#[derive(Debug, Serialize)]
pub struct Percentiles {
    /// Median.
    pub p50: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p999: u64,
}

impl Percentiles {
    /// Of all calls of these frames: two a frame.
    pub fn of(records: &[FrameRecord]) -> Self {
        // Three digits, up to whatever a frame may take.
        let mut histogram = Histogram::<u64>::new(3).expect("three digits are allowed");
        for time in records.iter().flat_map(|record| [record.prepare_ns, record.process_ns]) {
            // An automatically resizing histogram takes every value.
            let _ = histogram.record(time);
        }
        Self {
            p50: histogram.value_at_quantile(0.5),
            p99: histogram.value_at_quantile(0.99),
            p999: histogram.value_at_quantile(0.999),
        }
    }
}

impl Summary {
    /// A table for people.
    pub fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY);
        let us = |ns: u64| format!("{:.1}", ns as f64 / 1000.0);
        let ms = |us: u64| format!("{:.1} ms", us as f64 / 1000.0);
        let mut row = |name: &str, value: String| {
            table.add_row([name, &value]);
        };
        row(
            "mode",
            match self.worker_pid {
                Some(pid) => format!("{} (worker {pid})", self.mode),
                None => self.mode.clone(),
            },
        );
        row("algorithms", self.ipa.to_owned());
        row("frames", format!("{}, {} lost, {} events", self.frames, self.lost, self.events));
        if self.restarts > 0 || self.lost > 0 {
            let causes = self.lost_by_cause.iter().map(|(cause, count)| format!("{count} {cause}"));
            let causes: Vec<_> = causes.collect();
            row("restarts", format!("{}; frames lost: {}", self.restarts, causes.join(", ")));
        }
        row("exposure", format!("{:.2} ms × {:.2}", self.exposure_us / 1000.0, self.analogue_gain));
        row(
            "mean luma",
            match self.luma_target {
                Some(target) => format!("{:.4} (aims at {target:.4})", self.mean_luma),
                None => format!("{:.4}", self.mean_luma),
            },
        );
        let [red, blue] = self.colour_gains;
        row("white balance", format!("{} K, red × {red:.2}, blue × {blue:.2}", self.colour_temperature));
        let Percentiles { p50, p99, p999 } = self.call_ns;
        row("call latency", format!("p50 {} µs, p99 {} µs, p99.9 {} µs", us(p50), us(p99), us(p999)));
        row(
            "CPU time",
            match self.worker_cpu_us {
                Some(worker) => format!("host {}, worker {}", ms(self.host_cpu_us), ms(worker)),
                None => format!("host {}", ms(self.host_cpu_us)),
            },
        );
        row("buffers", self.buffers.clone());
        table
    }
}
