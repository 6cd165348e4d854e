//! A sensor of which everything is known: sixteen by twelve uniform zones, no noise, no shading, true latencies. What a
//! Raspberry Pi IPA makes of it was measured once, and can be compared.

use std::time::Duration;

use image::RgbImage;
use ringfence::rpi::camera::{Camera, CapturedFrame, IspSettings, Light, SensorControls, SensorMode};
use ringfence::rpi::imx219;
use ringfence::rpi::layout::{AWB_ZONES, Region, Statistics};

/// Signal of mid grey, as a fraction of full scale, per lux, second and gain: the tuning's own formula for lux is right
/// with it.
const SENSITIVITY: f64 = 0.007_038_2;
/// Bayer tiles of a zone.
const TILES: u32 = 2601;
/// Regions of automatic exposure that are filled.
const AGC_REGIONS: usize = 15;
/// Values between black and white.
const SPAN: f64 = 959.0;

/// Red and blue of a grey surface, relative to green.
#[derive(Debug, Clone, Copy)]
pub struct Illuminant {
    pub red: f64,
    pub blue: f64,
}

/// On the tuning's curve at 3627 K.
pub const WARM: Illuminant = Illuminant { red: 0.7282, blue: 0.5073 };
/// On the tuning's curve at 5716 K.
pub const DAY: Illuminant = Illuminant { red: 0.5440, blue: 0.6683 };

/// The sensor. Of the light, only the brightness counts.
#[derive(Debug)]
pub struct Simulation {
    illuminant: Illuminant,
    /// After each frame: the IPA computes white balance in a thread of its own.
    pause: Duration,
    sequence: u64,
    timestamp_ns: f64,
    /// What acts in the next frame, in the one after it, and so on.
    exposure: [u32; 3],
    vblank: [u32; 3],
    gain: [u32; 2],
    taken: Option<(CapturedFrame, f64)>,
}

impl Simulation {
    pub fn new(illuminant: Illuminant, pause: Duration) -> Self {
        Self {
            illuminant,
            pause,
            sequence: 0,
            timestamp_ns: 1e9,
            exposure: [1600; 3],
            vblank: [531; 3],
            gain: [0; 2],
            taken: None,
        }
    }
}

impl Camera for Simulation {
    fn mode(&self) -> SensorMode {
        SensorMode::new(1640, 1232).unwrap()
    }

    fn next_sequence(&self) -> u64 {
        self.sequence
    }

    fn write_standby(&mut self, controls: SensorControls) {
        if let Some(lines) = controls.exposure_lines {
            self.exposure = [lines; 3];
        }
        if let Some(lines) = controls.vblank {
            self.vblank = [lines; 3];
        }
        if let Some(code) = controls.gain_code {
            self.gain = [code; 2];
        }
    }

    fn write_controls(&mut self, controls: SensorControls) {
        if let Some(lines) = controls.exposure_lines {
            self.exposure[2] = lines;
        }
        if let Some(lines) = controls.vblank {
            self.vblank[2] = lines;
        }
        if let Some(code) = controls.gain_code {
            self.gain[1] = code;
        }
    }

    fn capture(&mut self, light: Light) -> CapturedFrame {
        let frame_length = self.mode().height() + self.vblank[0];
        let duration_ns = f64::from(frame_length) * imx219::line_seconds() * 1e9;
        self.timestamp_ns += duration_ns;
        let frame = CapturedFrame {
            sequence: self.sequence,
            timestamp_ns: self.timestamp_ns as u64,
            exposure_lines: self.exposure[0]
                .clamp(imx219::MIN_EXPOSURE, frame_length - imx219::EXPOSURE_MARGIN),
            gain_code: self.gain[0],
            vblank: self.vblank[0],
            frame_duration_ns: duration_ns as u64,
        };
        self.sequence += 1;
        for registers in [&mut self.exposure, &mut self.vblank] {
            *registers = [registers[1], registers[2], registers[2]];
        }
        self.gain = [self.gain[1]; 2];
        self.taken = Some((frame, light.lux()));
        frame
    }

    fn measure(&mut self, _: &IspSettings) -> Statistics {
        let (frame, lux) = self.taken.expect("a frame was taken");
        let signal = SENSITIVITY * lux * frame.exposure_seconds() * frame.gain();
        let ratios = [self.illuminant.red, 1.0, self.illuminant.blue];
        let mut statistics: Statistics = bytemuck::Zeroable::zeroed();
        (statistics.version, statistics.size) = (1, 10_824);
        for y in 0..AWB_ZONES.1 {
            for x in 0..AWB_ZONES.0 {
                let reflectance = (((7 * x + 3 * y) % 16) as f64 + 0.5) / 8.0;
                let raw = ratios.map(|ratio| {
                    let value = (SPAN * signal * reflectance * ratio + 0.5).floor();
                    (f64::from(imx219::BLACK_LEVEL) + value).min(f64::from(imx219::WHITE_LEVEL))
                });
                let values = raw
                    .map(|raw| ((raw - f64::from(imx219::BLACK_LEVEL)) * 8191.0 / SPAN + 0.5).floor() as u64);
                let [r_sum, g_sum, b_sum] = values.map(|value| value * u64::from(TILES));
                let saturated = raw.contains(&f64::from(imx219::WHITE_LEVEL));
                let index = AWB_ZONES.0 * y + x;
                statistics.awb[index] = if saturated {
                    Region { notcounted: TILES, ..Region::default() }
                } else {
                    Region { counted: TILES, notcounted: 0, r_sum, g_sum, b_sum }
                };
                let region = &mut statistics.agc[index % AGC_REGIONS];
                region.counted += TILES;
                region.r_sum += r_sum;
                region.g_sum += g_sum;
                region.b_sum += b_sum;
                let histogram = &mut statistics.histograms[0];
                for (bins, value) in
                    [&mut histogram.r, &mut histogram.g, &mut histogram.b].into_iter().zip(values)
                {
                    bins[(value >> 6) as usize] += TILES;
                }
            }
        }
        statistics
    }

    fn process(&mut self, _: &IspSettings, _: &mut RgbImage) -> f64 {
        std::thread::sleep(self.pause);
        0.0
    }
}
