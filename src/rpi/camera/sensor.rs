//! The virtual IMX219: registers with the true latencies, exposure of a scene, noise, and the converter.
#![forbid(unsafe_code)]

use rayon::prelude::*;

use super::colour::apply;
use super::frame::{BayerColour, RawFrame};
use super::light::Light;
use super::mode::SensorMode;
use super::noise::{GaussianTable, SPAN, Stream, noise_model};
use super::register::Register;
use super::resample::soften;
use super::scene::Scene;
use crate::rpi::{imx219, response};

/// Reflectance for which [`response::SENSITIVITY`] is stated.
const REFERENCE_REFLECTANCE: f64 = 0.18;

/// Timestamp of the first frame, in nanoseconds.
pub const FIRST_TIMESTAMP_NS: u64 = 1_000_000_000;

/// Registers to write; `None` leaves one as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SensorControls {
    /// Exposure, in lines, from [`imx219::MIN_EXPOSURE`].
    pub exposure_lines: Option<u32>,
    /// Code of the analogue gain, 0 to [`imx219::MAX_GAIN_CODE`]: see [`imx219::gain_of_code`].
    pub gain_code: Option<u32>,
    /// Vertical blanking, in lines, [`imx219::MIN_VBLANK`] to [`SensorMode::max_vblank`].
    pub vblank: Option<u32>,
}

/// What is known of a frame that was captured: the register values that really acted in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CapturedFrame {
    /// Number of the frame, from 0 since streaming began.
    pub sequence: u64,
    /// Virtual time of the start of the frame, in nanoseconds. The first frame starts at 1 s.
    pub timestamp_ns: u64,
    /// Exposure, in lines.
    pub exposure_lines: u32,
    /// Code of the analogue gain.
    pub gain_code: u32,
    /// Vertical blanking, in lines.
    pub vblank: u32,
    /// Time to the start of the next frame, in nanoseconds.
    pub frame_duration_ns: u64,
}

impl CapturedFrame {
    /// Exposure, in seconds.
    #[must_use]
    pub fn exposure_seconds(&self) -> f64 {
        f64::from(self.exposure_lines) * imx219::line_seconds()
    }

    /// Analogue gain.
    #[must_use]
    pub fn gain(&self) -> f64 {
        imx219::gain_of_code(self.gain_code)
    }
}

/// An IMX219 that looks at a [`Scene`].
///
/// # Signal
/// With `camera = diag(rg, 1, bg) · crosstalk · srgb` ([`response`]), exposure time `t` and analogue gain `g`, a
/// pixel gets the fraction `f = SENSITIVITY · lux · t · g · camera / 0.18` of full scale. Its raw value is
/// `64 + 959 f` plus noise, rounded, within 0 to 1023.
///
/// # Noise
/// Shot noise of the electrons (their variance is their number, [`SensorMode::full_well`] is full scale at unit
/// gain), [`READ_NOISE_ELECTRONS`](super::READ_NOISE_ELECTRONS) before the gain,
/// [`CONVERTER_NOISE`](super::CONVERTER_NOISE) after it. Gaussian, seeded. [`noise_model`] has the numbers.
///
/// # Latency
/// What is written at the start of frame n acts in frame n + delay ([`imx219::EXPOSURE_DELAY`],
/// [`imx219::VBLANK_DELAY`], [`imx219::GAIN_DELAY`]). Registers hold what fits them; an exposure longer than the
/// frame it acts in is cut to that frame's length less [`imx219::EXPOSURE_MARGIN`].
///
/// ```
/// use ringfence::rpi::camera::{Light, RawFrame, Scene, SensorControls, SensorMode, VirtualSensor};
/// let mode = SensorMode::new(320, 240)?;
/// let mut sensor = VirtualSensor::new(mode, &Scene::chart(320, 240)?, 1);
/// let mut raw = RawFrame::new(320, 240);
/// sensor.write_controls(SensorControls { gain_code: Some(128), ..Default::default() });
/// let light = Light::new(5000.0, 500.0)?;
/// assert_eq!(sensor.capture(light, &mut raw).gain(), 1.0);
/// assert_eq!(sensor.capture(light, &mut raw).gain(), 2.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct VirtualSensor {
    mode: SensorMode,
    /// Reflectances as the lens projects them, at the size of the mode.
    scene: Vec<[f32; 3]>,
    /// `camera / 0.18` of every pixel through its own filter, for the light of `mosaic_kelvin`.
    mosaic: Vec<f32>,
    mosaic_kelvin: Option<f64>,
    table: GaussianTable,
    seed: u64,
    sequence: u64,
    /// Frames since the sensor was made, whatever the sequence: the noise never repeats.
    frames: u64,
    /// Lines since the first frame.
    lines: u64,
    exposure: Register,
    gain: Register,
    vblank: Register,
}

impl std::fmt::Debug for VirtualSensor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("VirtualSensor")
            .field("mode", &self.mode)
            .field("sequence", &self.sequence)
            .field("exposure", &self.exposure)
            .field("gain", &self.gain)
            .field("vblank", &self.vblank)
            .finish_non_exhaustive()
    }
}

impl VirtualSensor {
    /// A sensor in `mode` before `scene`, which is scaled to the mode's size ([`Scene::scaled`]) and softened by
    /// the lens: weights of 1, 2, 1 along both axes. `seed` determines all noise.
    ///
    /// The registers start at the driver's defaults: 1600 lines (or the longest that fits) at unit gain, with the
    /// blanking for about 30 frames a second.
    #[must_use]
    pub fn new(mode: SensorMode, scene: &Scene, seed: u64) -> Self {
        let frame_length = 1763.max(mode.height() + imx219::MIN_VBLANK);
        let exposure = 1600.min(frame_length - imx219::EXPOSURE_MARGIN);
        let pixels = mode.width() as usize * mode.height() as usize;
        let scene = project(scene, mode);
        Self {
            mode,
            scene,
            mosaic: vec![0.0; pixels],
            mosaic_kelvin: None,
            table: GaussianTable::new(),
            seed,
            sequence: 0,
            frames: 0,
            lines: 0,
            exposure: Register::new(exposure, imx219::EXPOSURE_DELAY),
            gain: Register::new(0, imx219::GAIN_DELAY),
            vblank: Register::new(frame_length - mode.height(), imx219::VBLANK_DELAY),
        }
    }

    /// The mode.
    #[must_use]
    pub fn mode(&self) -> SensorMode {
        self.mode
    }

    /// Puts another scene before the sensor.
    pub fn set_scene(&mut self, scene: &Scene) {
        self.scene = project(scene, self.mode);
        self.mosaic_kelvin = None;
    }

    /// Number of the next frame.
    #[must_use]
    pub fn next_sequence(&self) -> u64 {
        self.sequence
    }

    /// Virtual time of the start of the next frame, in nanoseconds.
    #[must_use]
    pub fn next_timestamp_ns(&self) -> u64 {
        FIRST_TIMESTAMP_NS + nanoseconds(self.lines)
    }

    /// Writes registers at the start of the next frame n (the one that the next [`capture`](Self::capture)
    /// yields): they act in frame n + delay. Values are clamped to what the registers hold.
    pub fn write_controls(&mut self, controls: SensorControls) {
        let SensorControls { exposure_lines, gain_code, vblank } = controls;
        if let Some(lines) = exposure_lines {
            let longest = imx219::MAX_FRAME_LENGTH - imx219::EXPOSURE_MARGIN;
            self.exposure.write(lines.clamp(imx219::MIN_EXPOSURE, longest));
        }
        if let Some(code) = gain_code {
            self.gain.write(code.min(imx219::MAX_GAIN_CODE));
        }
        if let Some(lines) = vblank {
            self.vblank.write(lines.clamp(imx219::MIN_VBLANK, self.mode.max_vblank()));
        }
    }

    /// Writes registers while the sensor stands still, before streaming: they act from the next frame on.
    pub fn write_standby(&mut self, controls: SensorControls) {
        self.write_controls(controls);
        self.settle();
    }

    /// Stops streaming: writes that waited take effect, the next frame has number 0. Virtual time goes on.
    pub fn stop(&mut self) {
        self.settle();
        self.sequence = 0;
    }

    fn settle(&mut self) {
        for register in [&mut self.exposure, &mut self.gain, &mut self.vblank] {
            register.settle();
        }
    }

    /// Captures the next frame under `light` into `raw`, which gets the mode's size if it has another.
    pub fn capture(&mut self, light: Light, raw: &mut RawFrame) -> CapturedFrame {
        if (raw.width(), raw.height()) != (self.mode.width(), self.mode.height()) {
            *raw = RawFrame::new(self.mode.width(), self.mode.height());
        }
        let frame_length = self.mode.height() + self.vblank.acting();
        let frame = CapturedFrame {
            sequence: self.sequence,
            timestamp_ns: self.next_timestamp_ns(),
            exposure_lines: self.exposure.acting().min(frame_length - imx219::EXPOSURE_MARGIN),
            gain_code: self.gain.acting(),
            vblank: self.vblank.acting(),
            frame_duration_ns: nanoseconds(self.lines + u64::from(frame_length)) - nanoseconds(self.lines),
        };
        self.adapt_mosaic(light.kelvin());
        self.expose(light.lux(), &frame, raw);
        self.lines += u64::from(frame_length);
        self.sequence += 1;
        self.frames += 1;
        for register in [&mut self.exposure, &mut self.gain, &mut self.vblank] {
            register.advance();
        }
        frame
    }

    /// Brings `mosaic` to another colour of light. This is the part that a change of brightness spares.
    fn adapt_mosaic(&mut self, kelvin: f64) {
        if self.mosaic_kelvin == Some(kelvin) {
            return;
        }
        let weights =
            camera_matrix(kelvin).map(|row| row.map(|weight| (weight / REFERENCE_REFLECTANCE) as f32));
        let width = self.mode.width() as usize;
        let rows = self.mosaic.par_chunks_mut(width).zip(self.scene.par_chunks(width));
        rows.enumerate().for_each(|(y, (targets, pixels))| {
            let [even, odd] = [0, 1].map(|x| weights[channel(BayerColour::at(x, y))]);
            let dot = |pixel: [f32; 3], weight: [f32; 3]| {
                // A colour far outside the gamut must not give negative light.
                (pixel[0] * weight[0] + pixel[1] * weight[1] + pixel[2] * weight[2]).max(0.0)
            };
            for (target, pixel) in targets.chunks_exact_mut(2).zip(pixels.chunks_exact(2)) {
                target[0] = dot(pixel[0], even);
                target[1] = dot(pixel[1], odd);
            }
        });
        self.mosaic_kelvin = Some(kelvin);
    }

    fn expose(&self, lux: f64, frame: &CapturedFrame, raw: &mut RawFrame) {
        let gain = frame.gain();
        let exposure = response::SENSITIVITY * lux * frame.exposure_seconds() * gain;
        let noise = noise_model(self.mode, gain);
        let scale = (exposure * SPAN) as f32;
        let (per_value, constant) = (noise.per_value as f32, noise.constant as f32);
        let black = f32::from(imx219::BLACK_LEVEL);
        let white = f32::from(imx219::WHITE_LEVEL);
        // Adding 2^23 leaves the rounded number in the lower bits of the mantissa; it vectorises where a
        // saturating cast does not.
        const SHIFT: f32 = 8_388_608.0;
        let width = self.mode.width() as usize;
        let rows = raw.pixels_mut().par_chunks_mut(width).zip(self.mosaic.par_chunks(width)).enumerate();
        rows.for_each(|(y, (targets, mosaic))| {
            let mut stream = Stream::new(self.seed, self.frames, y as u64);
            // Look-ups apart from arithmetic, so that the compiler can vectorise the latter.
            let mut gaussian = [0.0f32; 64];
            for (targets, mosaic) in targets.chunks_mut(64).zip(mosaic.chunks(64)) {
                self.table.fill(&mut stream, &mut gaussian);
                for ((target, &light), &normal) in targets.iter_mut().zip(mosaic).zip(&gaussian) {
                    let signal = light * scale;
                    let value = black + signal + normal * (signal * per_value + constant).sqrt();
                    *target = ((value.max(0.0).min(white) + SHIFT).to_bits() & 0xffff) as u16;
                }
            }
        });
    }
}

/// The scene on the sensor.
fn project(scene: &Scene, mode: SensorMode) -> Vec<[f32; 3]> {
    let scaled = scene.scaled(mode.width(), mode.height()).expect("a mode has no side of zero");
    soften(scaled.pixels(), mode.width() as usize)
}

/// Camera values, before any white balance, of linear sRGB reflectances under black-body light of `kelvin`.
fn camera_matrix(kelvin: f64) -> [[f64; 3]; 3] {
    let (rg, bg) = response::grey_ratios(kelvin);
    let balance = [rg, 1.0, bg];
    let mut matrix = response::crosstalk(kelvin);
    for (row, factor) in matrix.iter_mut().zip(balance) {
        *row = row.map(|value| value * factor);
    }
    matrix
}

/// Camera values of one reflectance, see [`VirtualSensor`]; green of a grey surface is its reflectance.
///
/// ```
/// use ringfence::rpi::camera::camera_colour;
///
/// let [lamp, sky] = [2800.0, 6500.0].map(|kelvin| camera_colour(kelvin, [0.18; 3]));
/// assert!(lamp[0] > sky[0] && lamp[2] < sky[2], "a grey card is redder and less blue by a lamp");
/// assert!((lamp[1] - 0.18).abs() < 1e-9);
/// ```
#[must_use]
pub fn camera_colour(kelvin: f64, srgb: [f64; 3]) -> [f64; 3] {
    apply(&camera_matrix(kelvin), srgb)
}

fn channel(colour: BayerColour) -> usize {
    match colour {
        BayerColour::Red => 0,
        BayerColour::Green => 1,
        BayerColour::Blue => 2,
    }
}

/// Duration of `lines` lines, in nanoseconds.
fn nanoseconds(lines: u64) -> u64 {
    let picoclocks = u128::from(lines) * u128::from(imx219::LINE_LENGTH) * 1_000_000_000;
    (picoclocks / u128::from(imx219::PIXEL_RATE)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(reflectance: f32) -> Scene {
        Scene::from_linear(1, 1, vec![[reflectance; 3]]).unwrap()
    }

    fn controls(exposure: u32, gain: u32, vblank: u32) -> SensorControls {
        SensorControls { exposure_lines: Some(exposure), gain_code: Some(gain), vblank: Some(vblank) }
    }

    #[test]
    fn writes_act_after_their_delay_and_stay() {
        let mut sensor = VirtualSensor::new(SensorMode::new(64, 48).unwrap(), &grey(0.18), 1);
        let light = Light::new(5000.0, 100.0).unwrap();
        let mut raw = RawFrame::new(64, 48);
        sensor.write_standby(controls(100, 0, 1000));
        let mut seen = Vec::new();
        for frame in 0..8 {
            match frame {
                1 => sensor.write_controls(controls(200, 128, 2000)),
                2 => {
                    sensor.write_controls(SensorControls { exposure_lines: Some(300), ..Default::default() })
                }
                4 => sensor.write_controls(SensorControls { gain_code: Some(64), ..Default::default() }),
                _ => {}
            }
            let captured = sensor.capture(light, &mut raw);
            assert_eq!(captured.sequence, frame);
            seen.push((captured.exposure_lines, captured.gain_code, captured.vblank));
        }
        let expected = [
            (100, 0, 1000),
            (100, 0, 1000),
            (100, 128, 1000),
            (200, 128, 2000),
            (300, 128, 2000),
            (300, 64, 2000),
            (300, 64, 2000),
            (300, 64, 2000),
        ];
        assert_eq!(seen, expected);
        sensor.write_controls(controls(500, 1, 3000));
        sensor.stop();
        let captured = sensor.capture(light, &mut raw);
        assert_eq!((captured.sequence, captured.exposure_lines, captured.gain_code), (0, 500, 1));
    }

    #[test]
    fn registers_and_frames_have_limits() {
        let mode = SensorMode::default();
        let mut sensor = VirtualSensor::new(mode, &grey(0.18), 1);
        let mut raw = RawFrame::new(2, 2);
        let light = Light::new(5000.0, 100.0).unwrap();
        let default = sensor.capture(light, &mut raw);
        assert_eq!((default.exposure_lines, default.gain_code, default.vblank), (1600, 0, 531));
        assert_eq!((raw.width(), raw.height()), (1640, 1232));
        sensor.write_standby(controls(u32::MAX, u32::MAX, 0));
        let short = sensor.capture(light, &mut raw);
        assert_eq!((short.exposure_lines, short.gain_code, short.vblank), (1232, 232, 4));
        sensor.write_standby(controls(0, 0, u32::MAX));
        let long = sensor.capture(light, &mut raw);
        assert_eq!((long.exposure_lines, long.vblank), (4, 64_303));
    }

    #[test]
    fn virtual_time_is_exact() {
        let mut sensor = VirtualSensor::new(SensorMode::new(64, 48).unwrap(), &grey(0.18), 1);
        let light = Light::new(5000.0, 100.0).unwrap();
        let mut raw = RawFrame::new(64, 48);
        sensor.write_standby(controls(100, 0, 1763 - 48));
        let mut time = FIRST_TIMESTAMP_NS;
        for _ in 0..100 {
            let frame = sensor.capture(light, &mut raw);
            assert_eq!(frame.timestamp_ns, time);
            time += frame.frame_duration_ns;
        }
        let exact = 1e9 + 100.0 * 1763.0 * imx219::line_seconds() * 1e9;
        assert!((time as f64 - exact).abs() <= 1.0);
    }

    /// Mean and variance of each Bayer position over a captured frame.
    fn moments(raw: &RawFrame) -> [[(f64, f64); 2]; 2] {
        std::array::from_fn(|row| {
            std::array::from_fn(|column| {
                let values = || {
                    (row..raw.height() as usize).step_by(2).flat_map(move |y| {
                        raw.row(y)[column..].iter().step_by(2).map(|value| f64::from(*value))
                    })
                };
                let count = values().count() as f64;
                let mean = values().sum::<f64>() / count;
                (mean, values().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0))
            })
        })
    }

    #[test]
    fn means_and_variances_are_as_modelled() {
        let mode = SensorMode::new(512, 384).unwrap();
        let mut sensor = VirtualSensor::new(mode, &grey(0.18), 42);
        let mut raw = RawFrame::new(512, 384);
        for (kelvin, lux, exposure, code) in [
            (5000.0, 400.0, 1600, 0),
            (3000.0, 100.0, 1600, 192),
            (6500.0, 0.1, 4, 232),
            (6500.0, 20.0, 1700, 232),
        ] {
            sensor.write_standby(controls(exposure, code, 1715));
            let frame = sensor.capture(Light::new(kelvin, lux).unwrap(), &mut raw);
            let full = response::SENSITIVITY * lux * frame.exposure_seconds() * frame.gain();
            let colour = camera_colour(kelvin, [1.0; 3]);
            let model = noise_model(mode, frame.gain());
            let measured = moments(&raw);
            for (y, row) in measured.iter().enumerate() {
                for (x, &(mean, variance)) in row.iter().enumerate() {
                    let signal = SPAN * full * colour[channel(BayerColour::at(x, y))];
                    let expected = model.per_value * signal + model.constant + 1.0 / 12.0;
                    let samples: f64 = 256.0 * 192.0;
                    let tolerance = 5.0 * (expected / samples).sqrt();
                    assert!((mean - 64.0 - signal).abs() < tolerance, "{mean} for 64 + {signal}");
                    assert!(
                        (variance / expected - 1.0).abs() < 5.0 * (2.0 / samples).sqrt(),
                        "{variance} for {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn bright_light_saturates() {
        let mut sensor = VirtualSensor::new(SensorMode::new(64, 48).unwrap(), &grey(1.0), 3);
        let mut raw = RawFrame::new(64, 48);
        sensor.capture(Light::new(5000.0, 200_000.0).unwrap(), &mut raw);
        assert!(raw.pixels().iter().all(|value| *value == imx219::WHITE_LEVEL));
    }

    #[test]
    fn the_seed_decides_and_every_frame_differs() {
        let mode = SensorMode::new(64, 48).unwrap();
        let light = Light::new(5000.0, 100.0).unwrap();
        let run = |seed| {
            let mut sensor = VirtualSensor::new(mode, &grey(0.18), seed);
            let (mut first, mut second) = (RawFrame::new(64, 48), RawFrame::new(64, 48));
            sensor.capture(light, &mut first);
            sensor.capture(light, &mut second);
            (first, second)
        };
        let (one, again, other) = (run(1), run(1), run(2));
        assert_eq!(one, again);
        assert_ne!(one.0, one.1);
        assert_ne!(one.0, other.0);
    }
}
