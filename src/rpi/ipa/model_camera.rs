//! A camera of a few hundred zones, for tests: enough of one to close the loop around the algorithms.
//!
//! Each zone is uniform and counts as 2601 tiles. Without noise it goes through the converter once; with
//! noise, as in any real sensor, the mean of many conversions is finer than one step of it.

use std::collections::VecDeque;

use bytemuck::Zeroable;

use super::ccm::LUMA;
use super::controller::{Controller, IspSettings};
use super::requests::Requests;
use super::sensor::{DeviceStatus, SensorFacts, SensorMode, SensorSettings};
use super::tuning::Tuning;
use crate::rpi::camera::chart::MAKERS_SRGB;
use crate::rpi::layout::{AWB_ZONES, GAMMA_POINTS, Region, STATISTICS_BYTES, Statistics};
use crate::rpi::{imx219, response};

const ZONES: usize = AWB_ZONES.0 * AWB_ZONES.1;
const TILES: u32 = 2601;
/// Tiles of a zone that are simulated one by one when there is noise.
const SAMPLES: u32 = 64;
const BLACK: f64 = imx219::BLACK_LEVEL as f64;
const SPAN: f64 = (imx219::WHITE_LEVEL - imx219::BLACK_LEVEL) as f64;

/// The mode of all tests: 1640×1232, every second pixel.
pub(super) fn mode() -> SensorMode {
    SensorMode { height: 1232, min_frame_length: 1236, ..SensorFacts::imx219().default_mode }
}

/// What stands before the camera: linear reflectances of the zones, row-major.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    zones: [[f64; 3]; ZONES],
    /// Colour of the filters: crosstalk as the virtual sensor has it, or none.
    crosstalk: bool,
    /// Red and blue relative to green, instead of those of a black body.
    ratios: Option<(f64, f64)>,
    /// The zones of each grey patch.
    grey_patches: Vec<Vec<usize>>,
}

impl Scene {
    /// The chart, two by two zones a patch, on a card of 18 % grey that fills the picture.
    pub fn chart() -> Self {
        let mut scene =
            Self { zones: [[0.18; 3]; ZONES], crosstalk: true, ratios: None, grey_patches: vec![vec![]; 6] };
        for (patch, colour) in MAKERS_SRGB.iter().enumerate() {
            let (column, row) = (2 + 2 * (patch % 6), 2 + 2 * (patch / 6));
            for (x, y) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                let zone = (row + y) * AWB_ZONES.0 + column + x;
                scene.zones[zone] = colour.map(linear);
                if patch >= 18 {
                    scene.grey_patches[patch - 18].push(zone);
                }
            }
        }
        scene
    }

    /// Stripes of grey from 1/16 to 31/16 of some mean, under a light given by its ratios.
    pub fn stripes(ratios: (f64, f64)) -> Self {
        let zones = std::array::from_fn(|zone| {
            let (x, y) = (zone % AWB_ZONES.0, zone / AWB_ZONES.0);
            [0.18 * (((7 * x + 3 * y) % 16) as f64 + 0.5) / 8.0; 3]
        });
        Self { zones, crosstalk: false, ratios: Some(ratios), grey_patches: vec![] }
    }
}

fn linear(byte: u8) -> f64 {
    let encoded = f64::from(byte) / 255.0;
    if encoded <= 0.04045 { encoded / 12.92 } else { ((encoded + 0.055) / 1.055).powf(2.4) }
}

/// The camera, its delays, and the controller that drives it.
#[derive(Debug)]
pub(super) struct Camera {
    pub controller: Controller,
    pub scene: Scene,
    pub kelvin: f64,
    pub lux: f64,
    /// Standard deviation of the zones' noise, in steps of the converter; 0: none.
    pub noise: f64,
    /// Exposure regions leave saturated tiles out, as the white-balance zones do.
    pub regions_leave_out_saturated: bool,
    /// Settings act after so many frames: exposure and blanking, gain.
    pub latency: (usize, usize),
    history: VecDeque<SensorSettings>,
    seed: u64,
    timestamp_ns: u64,
    raw: [[f64; 3]; ZONES],
}

/// What came out of one frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Picture {
    /// Exposure times gain, in milliseconds.
    pub milliseconds: f64,
    pub exposure_lines: u32,
    pub gain: f64,
    pub vblank: u32,
    /// Mean luma, linear.
    pub luma: f64,
    /// Largest difference between the channels of a grey patch after gamma, relative to their mean.
    pub tint: f64,
}

impl Camera {
    /// A camera that has been configured and started.
    pub fn start(tuning: Tuning, scene: Scene, kelvin: f64, lux: f64) -> Self {
        let mut controller = Controller::new(tuning, SensorFacts::imx219());
        controller.configure(mode()).expect("the first configuration sets up the sensor");
        let first = controller.start(&Requests::default()).sensor;
        Self {
            controller,
            scene,
            kelvin,
            lux,
            noise: 0.0,
            regions_leave_out_saturated: false,
            // Statistics of frame n act in frame n + 4: two frames of pipeline, two of sensor. With
            // delayed controls, gain waits for exposure.
            latency: (4, 4),
            history: VecDeque::from(vec![first; 8]),
            seed: 1,
            timestamp_ns: 1_000_000_000,
            raw: [[0.0; 3]; ZONES],
        }
    }

    /// Takes one frame.
    pub fn frame(&mut self, requests: &Requests) -> Picture {
        let back = |frames: usize| self.history[self.history.len() - frames];
        let (timing, gain, unchanged) = (back(self.latency.0), back(self.latency.1), back(1));
        let status = DeviceStatus {
            exposure_lines: timing
                .exposure_lines
                .min(mode().height + timing.vblank - imx219::EXPOSURE_MARGIN),
            gain_code: gain.gain_code,
            vblank: timing.vblank,
            timestamp_ns: self.timestamp_ns,
        };
        self.timestamp_ns += (mode().lines_to_us(mode().height + status.vblank) * 1e3) as u64;
        self.expose(&status);
        let statistics = self.statistics();
        let isp = self.controller.prepare(&status, requests);
        let mut picture = self.develop(&isp);
        picture.exposure_lines = status.exposure_lines;
        picture.vblank = status.vblank;
        picture.gain = imx219::gain_of_code(status.gain_code);
        picture.milliseconds = mode().lines_to_us(status.exposure_lines) * 1e-3 * picture.gain;
        let next = self.controller.process(&statistics, &status).unwrap_or(unchanged);
        self.history.pop_front();
        self.history.push_back(next);
        picture
    }

    fn expose(&mut self, status: &DeviceStatus) {
        let exposure =
            mode().lines_to_us(status.exposure_lines) * 1e-6 * imx219::gain_of_code(status.gain_code);
        let (r, b) = self.scene.ratios.unwrap_or_else(|| response::grey_ratios(self.kelvin));
        let crosstalk =
            if self.scene.crosstalk { response::crosstalk(self.kelvin) } else { super::ccm::IDENTITY };
        for zone in 0..ZONES {
            let surface = self.scene.zones[zone];
            for (channel, ratio) in [r, 1.0, b].into_iter().enumerate() {
                let colour: f64 = (0..3).map(|k| crosstalk[channel][k] * surface[k]).sum();
                let fraction = response::SENSITIVITY * self.lux * exposure * ratio * colour / 0.18;
                let steps = BLACK + SPAN * fraction + 0.5;
                self.raw[zone][channel] = self.convert(steps);
            }
        }
    }

    /// What the converter makes of a zone: whole steps, or, with noise, a mean of several of them, and
    /// full scale if one is.
    fn convert(&mut self, steps: f64) -> f64 {
        let quantise = |steps: f64| (steps.floor().clamp(0.0, 1023.0) - BLACK) / SPAN;
        if self.noise == 0.0 {
            return quantise(steps).max(0.0);
        }
        let (mut sum, mut white) = (0.0, false);
        for _ in 0..SAMPLES {
            let sample = quantise(steps + self.noise * self.random());
            sum += sample;
            white |= sample >= 1.0;
        }
        if white { 1.0 } else { (sum / f64::from(SAMPLES)).max(0.0) }
    }

    /// Roughly normal, variance 1 (a scaled sum of three uniform numbers from an xorshift generator).
    fn random(&mut self) -> f64 {
        let mut sum = -1.5;
        for _ in 0..3 {
            self.seed ^= self.seed << 13;
            self.seed ^= self.seed >> 7;
            self.seed ^= self.seed << 17;
            sum += (self.seed >> 11) as f64 / (1_u64 << 53) as f64;
        }
        2.0 * sum
    }

    fn statistics(&self) -> Statistics {
        let mut statistics = Statistics { version: 1, size: STATISTICS_BYTES as u32, ..Statistics::zeroed() };
        for (zone, raw) in self.raw.iter().enumerate() {
            let values = raw.map(|fraction| (fraction * 8191.0 + 0.5).floor() as u64);
            let histogram = &mut statistics.histograms[0];
            for (bins, value) in
                [&mut histogram.r, &mut histogram.g, &mut histogram.b].into_iter().zip(values)
            {
                bins[(value >> 6) as usize] += TILES;
            }
            let saturated = raw.iter().any(|&fraction| fraction >= 1.0);
            add(&mut statistics.awb[zone], values, saturated);
            add(&mut statistics.agc[zone % 15], values, saturated && self.regions_leave_out_saturated);
        }
        statistics
    }

    fn develop(&self, isp: &IspSettings) -> Picture {
        let gains = [isp.red_gain, 1.0, isp.blue_gain].map(|gain| gain * isp.digital_gain);
        let matrix = isp.colour_matrix.coefficients.map(|row| row.map(|c| c.value().unwrap()));
        let (mut sum, mut tint) = (0.0, 0.0_f64);
        let mut encoded = [[0.0; 3]; ZONES];
        for (zone, raw) in self.raw.iter().enumerate() {
            let balanced: [f64; 3] = std::array::from_fn(|c| (raw[c] * gains[c]).min(1.0));
            let colour =
                matrix.map(|row| row.iter().zip(balanced).map(|(c, v)| c * v).sum::<f64>().clamp(0.0, 1.0));
            sum += (0..3).map(|c| LUMA[c] * colour[c]).sum::<f64>();
            encoded[zone] = colour.map(|value| encode(isp, value));
        }
        for patch in &self.scene.grey_patches {
            let mean: [f64; 3] = std::array::from_fn(|c| {
                patch.iter().map(|&zone| encoded[zone][c]).sum::<f64>() / patch.len() as f64
            });
            let [low, high] = [f64::min, f64::max].map(|pick| mean.into_iter().reduce(pick).unwrap());
            tint = tint.max(3.0 * (high - low) / mean.iter().sum::<f64>());
        }
        Picture { milliseconds: 0.0, exposure_lines: 0, gain: 0.0, vblank: 0, luma: sum / ZONES as f64, tint }
    }
}

fn add(region: &mut Region, [r, g, b]: [u64; 3], saturated: bool) {
    if saturated {
        region.notcounted += TILES;
        return;
    }
    let tiles = u64::from(TILES);
    region.counted += TILES;
    region.r_sum += r * tiles;
    region.g_sum += g * tiles;
    region.b_sum += b * tiles;
}

/// The gamma curve of the ISP, 0 to 1.
fn encode(isp: &IspSettings, value: f64) -> f64 {
    let x = value * 65_535.0;
    let gamma = &isp.gamma;
    let after =
        (1..GAMMA_POINTS - 1).find(|&index| f64::from(gamma.x[index]) > x).unwrap_or(GAMMA_POINTS - 1);
    let (x0, x1) = (f64::from(gamma.x[after - 1]), f64::from(gamma.x[after]));
    let (y0, y1) = (f64::from(gamma.y[after - 1]), f64::from(gamma.y[after]));
    (y0 + (y1 - y0) * (x - x0) / (x1 - x0)) / 65_535.0
}
