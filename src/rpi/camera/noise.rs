//! How much noise there is, and where it comes from: uniform bits from a counter by the row, Gaussian numbers from
//! a table.
#![forbid(unsafe_code)]

use super::mode::SensorMode;
use crate::rpi::imx219;

/// Read noise before the analogue gain, in electrons (standard deviation), typical of small sensors.
pub const READ_NOISE_ELECTRONS: f64 = 2.5;

/// Noise of converter and circuits after the analogue gain, in raw values (standard deviation). The rounding to
/// whole values adds its own.
pub const CONVERTER_NOISE: f64 = 0.5;

/// Raw values between black and white.
pub(super) const SPAN: f64 = (imx219::WHITE_LEVEL - imx219::BLACK_LEVEL) as f64;

/// Variance of a raw value: `per_value` times its signal (in raw values) plus `constant`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoiseModel {
    /// Raw values that an electron makes: shot noise.
    pub per_value: f64,
    /// Variance in darkness, without the 1/12 of the rounding.
    pub constant: f64,
}

/// The noise that a sensor in `mode` has at an analogue `gain`.
///
/// ```
/// use ringfence::rpi::camera::{SensorMode, noise_model};
///
/// let mode = SensorMode::default();
/// assert!(noise_model(mode, 8.0).per_value > noise_model(mode, 1.0).per_value);
/// ```
#[must_use]
pub fn noise_model(mode: SensorMode, gain: f64) -> NoiseModel {
    let per_electron = gain * SPAN / mode.full_well();
    NoiseModel {
        per_value: per_electron,
        constant: (READ_NOISE_ELECTRONS * per_electron).powi(2) + CONVERTER_NOISE.powi(2),
    }
}

/// Bits of a table index.
const TABLE_BITS: u32 = 12;

/// Gaussian numbers of mean 0 and variance 1 by inversion: the quantiles of the middles of 4096 equal slices.
///
/// A draw is one table look-up with 12 random bits. The values end at ±3.67 deviations (the 8192nd part from
/// either end), which no algorithm here can tell from a true Gaussian; the table is scaled to a variance of
/// exactly 1. Poisson noise of few electrons is skewed, this is not: below some ten electrons a pixel the read
/// noise hides the difference.
pub(super) struct GaussianTable {
    values: Box<[f32; 1 << TABLE_BITS]>,
}

impl GaussianTable {
    pub(super) fn new() -> Self {
        let slices = 1u32 << TABLE_BITS;
        let quantiles: Vec<f64> =
            (0..slices).map(|slice| quantile((f64::from(slice) + 0.5) / f64::from(slices))).collect();
        let variance = quantiles.iter().map(|value| value * value).sum::<f64>() / f64::from(slices);
        let mut values = Box::new([0.0; 1 << TABLE_BITS]);
        for (value, quantile) in values.iter_mut().zip(quantiles) {
            *value = (quantile / variance.sqrt()) as f32;
        }
        Self { values }
    }

    /// Fills `target` with Gaussian numbers.
    #[inline]
    pub(super) fn fill(&self, stream: &mut Stream, target: &mut [f32]) {
        let pick = |bits: u64| self.values[(bits & ((1 << TABLE_BITS) - 1)) as usize];
        let mut groups = target.chunks_exact_mut(4);
        for group in &mut groups {
            let bits = stream.draw();
            group[0] = pick(bits >> 52);
            group[1] = pick(bits >> 40);
            group[2] = pick(bits >> 28);
            group[3] = pick(bits >> 16);
        }
        let bits = stream.draw();
        for (index, value) in groups.into_remainder().iter_mut().enumerate() {
            *value = pick(bits >> (52 - 12 * index));
        }
    }
}

/// Quantile of the standard normal distribution: the rational approximation of Abramowitz and Stegun 26.2.23
/// (good to 4.5e-4), polished with Newton's method.
fn quantile(probability: f64) -> f64 {
    if probability > 0.5 {
        return -quantile(1.0 - probability);
    }
    let t = (-2.0 * probability.ln()).sqrt();
    let mut x = (2.515_517 + t * (0.802_853 + t * 0.010_328))
        / (1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308)))
        - t;
    for _ in 0..3 {
        x -= (distribution(x) - probability) / density(x);
    }
    x
}

fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// Distribution function of the standard normal distribution for small `x`, by its power series (Abramowitz and
/// Stegun 26.2.11).
fn distribution(x: f64) -> f64 {
    let (mut term, mut sum, mut odd) = (x, x, 1.0);
    while term.abs() > 1e-17 * sum.abs() {
        odd += 2.0;
        term *= x * x / odd;
        sum += term;
    }
    0.5 + density(x) * sum
}

/// A stream of random bits: SplitMix64 (Steele, Lea and Flood, 2014), a bijective hash of a counter.
///
/// Every row of every frame has its own stream, keyed by seed, frame and row, so that rows can be made in any
/// order and by any thread. The generator is not cryptographic and need not be.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    counter: u64,
}

impl Stream {
    pub(super) fn new(seed: u64, frame: u64, row: u64) -> Self {
        Self { counter: mix(mix(mix(seed).wrapping_add(frame)).wrapping_add(row)) }
    }

    #[inline]
    pub(super) fn draw(&mut self) -> u64 {
        self.counter = self.counter.wrapping_add(GOLDEN);
        finish(self.counter)
    }
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(value: u64) -> u64 {
    finish(value.wrapping_add(GOLDEN))
}

#[inline]
fn finish(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_gaussian() {
        assert!((quantile(0.975) - 1.959_963_985).abs() < 1e-8);
        let table = GaussianTable::new();
        let moment = |power: i32| {
            table.values.iter().map(|value| f64::from(*value).powi(power)).sum::<f64>()
                / table.values.len() as f64
        };
        assert!(moment(1).abs() < 1e-6 && (moment(2) - 1.0).abs() < 1e-6 && moment(3).abs() < 1e-5);
        assert!((moment(4) - 3.0).abs() < 0.05, "{}", moment(4));
    }

    #[test]
    fn streams_differ_and_repeat() {
        let draw = |seed, frame, row| Stream::new(seed, frame, row).draw();
        assert_eq!(draw(1, 2, 3), draw(1, 2, 3));
        let all = [draw(1, 2, 3), draw(2, 2, 3), draw(1, 3, 3), draw(1, 2, 4), draw(1, 3, 2)];
        for (index, one) in all.iter().enumerate() {
            assert!(!all[..index].contains(one));
        }
    }

    #[test]
    fn draws_have_no_correlation_between_neighbours() {
        let table = GaussianTable::new();
        let mut values = vec![0.0; 100_003];
        table.fill(&mut Stream::new(7, 0, 0), &mut values);
        for distance in 1..=4 {
            let sum: f64 = values.iter().zip(&values[distance..]).map(|(a, b)| f64::from(a * b)).sum();
            // Four standard deviations of the estimate.
            assert!((sum / values.len() as f64).abs() < 4.0 / (values.len() as f64).sqrt());
        }
    }
}
