//! The image signal processor: from a raw picture to one that a screen shows.
//!
//! In this order: black level and rescaling, white balance and digital gain, clipping of highlights,
//! demosaicking, colour matrix, gamma.
//!
//! # Highlights
//! A channel that the sensor clipped must not shine through its gain: where green is clipped and red and blue are
//! amplified, white would turn magenta. So every channel ends at the value that the least amplified one can reach,
//! and never above 1: a saturated surface is neutral whatever the gains are.
#![forbid(unsafe_code)]

use image::RgbImage;
use rayon::prelude::*;

use super::colour::LUMA;
use super::demosaic::{ColourRow, Demosaic, RawTables};
use super::frame::RawFrame;
use super::settings::{IspSettings, srgb_gamma};
use crate::rpi::imx219;
use crate::rpi::layout::{GAMMA_POINTS, gamma_x};

/// Rows that one task works on. Each task reads four rows of its neighbours too.
const ROWS_PER_TASK: usize = 44;

/// Largest value of the linear scale that the gamma curve is read with.
const LINEAR_MAX: f32 = 65_535.0;

/// A finished picture.
#[derive(Debug, Clone, PartialEq)]
pub struct IspOutput {
    /// The picture, 8 bits a channel, as large as the raw one.
    pub image: RgbImage,
    /// Mean linear luma (Rec. 709 weights) of the picture after the colour matrix and before gamma, 0 to 1.
    pub linear_mean: f64,
}

/// A processor with its tables and scratch memory, to be kept from frame to frame.
///
/// ```
/// use ringfence::rpi::camera::{IspSettings, RawFrame, SoftwareIsp};
///
/// // The black level alone is black.
/// let mut raw = RawFrame::new(64, 48);
/// raw.pixels_mut().fill(64);
/// let picture = SoftwareIsp::new().process(&raw, &IspSettings::default());
/// assert!(picture.image.pixels().all(|pixel| pixel.0 == [0, 0, 0]));
/// ```
#[derive(Debug)]
pub struct SoftwareIsp {
    gamma: [u16; GAMMA_POINTS],
    /// 8-bit output of every 16-bit linear value.
    gamma_table: Box<[u8]>,
}

impl Default for SoftwareIsp {
    fn default() -> Self {
        Self::new()
    }
}

impl SoftwareIsp {
    /// A processor.
    #[must_use]
    pub fn new() -> Self {
        let gamma = srgb_gamma();
        Self { gamma, gamma_table: gamma_table(&gamma) }
    }

    /// Processes a raw picture into a new one.
    #[must_use]
    pub fn process(&mut self, raw: &RawFrame, settings: &IspSettings) -> IspOutput {
        let mut image = RgbImage::new(raw.width(), raw.height());
        let linear_mean = self.process_into(raw, settings, &mut image);
        IspOutput { image, linear_mean }
    }

    /// As [`process`](Self::process), into an existing picture, which gets the raw one's size if it has another.
    /// Returns [`IspOutput::linear_mean`].
    pub fn process_into(&mut self, raw: &RawFrame, settings: &IspSettings, image: &mut RgbImage) -> f64 {
        if image.dimensions() != (raw.width(), raw.height()) {
            *image = RgbImage::new(raw.width(), raw.height());
        }
        if self.gamma != settings.gamma {
            self.gamma = settings.gamma;
            self.gamma_table = gamma_table(&settings.gamma);
        }
        let balance = Balance::new(settings);
        let tables = balance.tables(settings.black_level);
        let matrix =
            settings.colour_matrix.map(|row| row.map(|value| finite_or(value, 0.0) as f32 * LINEAR_MAX));
        let ceiling = balance.ceiling as f32;
        let (width, height) = (raw.width() as usize, raw.height() as usize);
        let gamma: &[u8; 1 << 16] = (&*self.gamma_table).try_into().expect("the table has 65536 entries");
        let sums = image
            .par_chunks_mut(3 * width * ROWS_PER_TASK)
            .enumerate()
            .map_init(Scratch::default, |scratch, (task, bytes)| {
                let start = task * ROWS_PER_TASK;
                let end = (start + ROWS_PER_TASK).min(height);
                let mut sums = [0u64; 3];
                let Scratch { demosaic, colours, linear } = scratch;
                demosaic.run(raw, &tables, start..end, colours, |y, row| {
                    let line = &mut bytes[3 * width * (y - start)..][..3 * width];
                    let mut add =
                        |part: [u64; 3]| sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
                    add(finish(&row.even, ceiling, &matrix, gamma, linear, line));
                    add(finish(&row.odd, ceiling, &matrix, gamma, linear, &mut line[3..]));
                });
                sums
            })
            .reduce(|| [0; 3], |one, other| std::array::from_fn(|channel| one[channel] + other[channel]));
        let scale = f64::from(LINEAR_MAX) * (width * height) as f64;
        (0..3).map(|channel| LUMA[channel] * sums[channel] as f64 / scale).sum()
    }
}

#[derive(Debug, Default)]
struct Scratch {
    demosaic: Demosaic,
    colours: ColourRow,
    linear: [Vec<u16>; 3],
}

/// Gains and the value at which highlights end.
struct Balance {
    gains: [f64; 3],
    ceiling: f64,
}

impl Balance {
    fn new(settings: &IspSettings) -> Self {
        let digital = gain_or_one(settings.digital_gain);
        let gains = [settings.red_gain, 1.0, settings.blue_gain].map(|gain| digital * gain_or_one(gain));
        Self { gains, ceiling: gains.into_iter().fold(1.0, f64::min) }
    }

    /// Value of each raw value of red, green and blue. Values below black stay negative, so that the noise of
    /// dark parts keeps its mean through the interpolation.
    fn tables(&self, black_level: [u16; 3]) -> RawTables {
        let table = |channel: usize| {
            let black = f64::from(black_level[channel]) / 64.0;
            let span = (f64::from(imx219::WHITE_LEVEL) - black).max(1.0);
            std::array::from_fn(|raw| {
                ((raw as f64 - black) / span * self.gains[channel]).min(self.ceiling) as f32
            })
        };
        RawTables { red: table(0), green: table(1), blue: table(2) }
    }
}

fn finite_or(value: f64, otherwise: f64) -> f64 {
    if value.is_finite() { value } else { otherwise }
}

/// A gain within 0 to 1000; 1 if it is not a number.
fn gain_or_one(gain: f64) -> f64 {
    finite_or(gain, 1.0).clamp(0.0, 1000.0)
}

/// Colour matrix and gamma for every second pixel of a row, starting at the first of `line`. Returns the sums of
/// the linear 16-bit values.
fn finish(
    camera: &[Vec<f32>; 3],
    ceiling: f32,
    matrix: &[[f32; 3]; 3],
    gamma: &[u8; 1 << 16],
    linear: &mut [Vec<u16>; 3],
    line: &mut [u8],
) -> [u64; 3] {
    let count = camera[0].len();
    for plane in linear.iter_mut() {
        plane.resize(count, 0);
    }
    let [red, green, blue] = camera.each_ref().map(|plane| &plane[..count]);
    let [out_red, out_green, out_blue] = linear.each_mut().map(|plane| &mut plane[..count]);
    let mut sums = [0u32; 3];
    for i in 0..count {
        let (r, g, b) = (red[i].min(ceiling), green[i].min(ceiling), blue[i].min(ceiling));
        let value = |row: &[f32; 3]| quantise(row[0] * r + row[1] * g + row[2] * b);
        let (r, g, b) = (value(&matrix[0]), value(&matrix[1]), value(&matrix[2]));
        sums[0] += r;
        sums[1] += g;
        sums[2] += b;
        (out_red[i], out_green[i], out_blue[i]) = (r as u16, g as u16, b as u16);
    }
    for (i, pixel) in line.chunks_mut(6).enumerate().take(count) {
        pixel[0] = gamma[usize::from(out_red[i])];
        pixel[1] = gamma[usize::from(out_green[i])];
        pixel[2] = gamma[usize::from(out_blue[i])];
    }
    sums.map(u64::from)
}

/// Nearest whole number within 0 to 65535.
#[inline(always)]
fn quantise(value: f32) -> u32 {
    // Adding 2^23 leaves the rounded number in the lower bits of the mantissa. Unlike a cast, which has to
    // treat values out of range and NaN, this vectorises on every machine.
    const SHIFT: f32 = 8_388_608.0;
    (value.clamp(0.0, LINEAR_MAX) + SHIFT).to_bits() & 0xffff
}

/// 8-bit output of every 16-bit input of a gamma curve, rounded.
fn gamma_table(points: &[u16; GAMMA_POINTS]) -> Box<[u8]> {
    let mut table = vec![0u8; 1 << 16];
    for index in 0..GAMMA_POINTS - 1 {
        let (x0, x1) = (u64::from(gamma_x(index)), u64::from(gamma_x(index + 1)));
        let (y0, y1) = (u64::from(points[index]), u64::from(points[index + 1]));
        for x in x0..=x1 {
            // 16 bits to 8: 65535 = 255 · 257.
            let scaled = y0 * (x1 - x) + y1 * (x - x0);
            table[x as usize] = ((2 * scaled + 257 * (x1 - x0)) / (2 * 257 * (x1 - x0))) as u8;
        }
    }
    table.into_boxed_slice()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(value: [u16; 3]) -> RawFrame {
        let mut raw = RawFrame::new(16, 12);
        for (index, slot) in raw.pixels_mut().iter_mut().enumerate() {
            *slot = match (index % 16 % 2, index / 16 % 2) {
                (0, 0) => value[2],
                (1, 1) => value[0],
                _ => value[1],
            };
        }
        raw
    }

    fn colour(raw: &RawFrame, settings: &IspSettings) -> ([u8; 3], f64) {
        let output = SoftwareIsp::new().process(raw, settings);
        let first = output.image.get_pixel(0, 0).0;
        assert!(output.image.pixels().all(|pixel| pixel.0 == first), "a flat picture stays flat");
        (first, output.linear_mean)
    }

    fn linear_gamma() -> [u16; GAMMA_POINTS] {
        std::array::from_fn(gamma_x)
    }

    #[test]
    fn black_is_black_and_white_is_white() {
        let settings = IspSettings { gamma: linear_gamma(), ..IspSettings::default() };
        assert_eq!(colour(&flat([64; 3]), &settings), ([0; 3], 0.0));
        assert_eq!(colour(&flat([0; 3]), &settings), ([0; 3], 0.0));
        let (white, mean) = colour(&flat([1023; 3]), &settings);
        assert_eq!(white, [255; 3]);
        assert!((mean - 1.0).abs() < 1e-9);
        let uneven = IspSettings { black_level: [0, 4096, 8192], ..settings };
        let expected = |raw: f64, black: f64| ((raw - black) / (1023.0 - black) * 255.0).round() as u8;
        let (pixel, _) = colour(&flat([500; 3]), &uneven);
        assert_eq!(pixel, [expected(500.0, 0.0), expected(500.0, 64.0), expected(500.0, 128.0)]);
    }

    #[test]
    fn gains_and_matrix_are_exact() {
        let settings = IspSettings {
            gamma: linear_gamma(),
            red_gain: 2.0,
            blue_gain: 1.5,
            digital_gain: 1.25,
            colour_matrix: [[1.5, -0.5, 0.0], [-0.25, 1.5, -0.25], [0.0, -0.5, 1.5]],
            ..IspSettings::default()
        };
        let raw = [164u16, 264, 214];
        let (pixel, mean) = colour(&flat(raw), &settings);
        let camera: [f64; 3] =
            std::array::from_fn(|c| (f64::from(raw[c]) - 64.0) / 959.0 * 1.25 * [2.0, 1.0, 1.5][c]);
        let expected = super::super::colour::apply(&settings.colour_matrix, camera);
        for channel in 0..3 {
            assert_eq!(pixel[channel], (expected[channel] * 255.0).round() as u8);
        }
        let luma: f64 = (0..3).map(|c| LUMA[c] * expected[c]).sum();
        assert!((mean - luma).abs() < 1e-5, "{mean} {luma}");
    }

    #[test]
    fn the_gamma_curve_is_hit_at_and_between_its_points() {
        let mut points = srgb_gamma();
        points[5] = 12_345;
        let table = gamma_table(&points);
        for index in 0..GAMMA_POINTS {
            let expected = (f64::from(points[index]) / 257.0).round() as u8;
            assert_eq!(table[usize::from(gamma_x(index))], expected);
        }
        let middle = (f64::from(points[4]) + f64::from(points[5])) / 2.0 / 257.0;
        assert_eq!(table[4 * 1024 + 512], middle.round() as u8);
        let steps: Vec<i32> = gamma_table(&srgb_gamma())
            .windows(2)
            .map(|pair| i32::from(pair[1]) - i32::from(pair[0]))
            .collect();
        assert!(steps.iter().all(|step| (0..=1).contains(step)));
    }

    #[test]
    fn saturated_surfaces_stay_neutral_whatever_the_gains() {
        for (red_gain, blue_gain, digital_gain) in
            [(1.9, 1.5, 1.0), (0.7, 2.5, 1.0), (2.2, 0.9, 2.0), (0.5, 0.5, 4.0)]
        {
            let settings = IspSettings { red_gain, blue_gain, digital_gain, ..IspSettings::default() };
            let (pixel, _) = colour(&flat([1023; 3]), &settings);
            assert!(pixel[0] == pixel[1] && pixel[1] == pixel[2], "{pixel:?}");
            if red_gain.min(blue_gain) * digital_gain >= 1.0 {
                assert_eq!(pixel, [255; 3]);
            }
        }
        // Green clipped, red and blue not yet, as before a grey that is too bright.
        let settings = IspSettings { red_gain: 2.0, blue_gain: 1.6, ..IspSettings::default() };
        assert_eq!(colour(&flat([700, 1023, 800]), &settings).0, [255; 3]);
    }

    #[test]
    fn hostile_settings_do_no_harm() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -5.0, 1e300] {
            let settings = IspSettings {
                black_level: [65_535; 3],
                red_gain: bad,
                blue_gain: bad,
                digital_gain: bad,
                colour_matrix: [[bad; 3]; 3],
                gamma: [65_535; GAMMA_POINTS],
            };
            let output = SoftwareIsp::new().process(&flat([1023, 0, u16::MAX]), &settings);
            assert!((0.0..=1.0).contains(&output.linear_mean));
        }
    }
}
