//! Metering: how bright the picture would come out with another gain.

use super::super::ccm::LUMA;
use super::super::tuning::METERING_REGIONS;
use crate::rpi::layout::{Region, STATISTICS_BITS};

/// Largest value of the statistics.
const WHITE: f64 = ((1 << STATISTICS_BITS) - 1) as f64;

/// Halvings of an interval of 18 in the logarithm: the gain is exact to a millionth.
const HALVINGS: u32 = 25;

/// The regions of one picture that carry weight, white-balanced.
#[derive(Debug)]
pub(super) struct Meter {
    /// Weight times tiles, and the means of the channels as fractions of full scale.
    regions: [(f64, [f64; 3]); METERING_REGIONS],
    total: f64,
}

impl Meter {
    /// Measures the first regions of `regions` with `weights` and the white-balance gains of red and
    /// blue. `None` if no tile carries weight.
    pub fn new(
        regions: &[Region],
        weights: &[f64; METERING_REGIONS],
        (red, blue): (f64, f64),
    ) -> Option<Self> {
        let mut meter = Self { regions: [(0.0, [0.0; 3]); METERING_REGIONS], total: 0.0 };
        for ((slot, region), weight) in meter.regions.iter_mut().zip(regions).zip(weights) {
            // Saturated tiles are white. Left out, a picture that is white all over would look black.
            let saturated = f64::from(region.notcounted) * WHITE;
            let tiles = f64::from(region.counted) + f64::from(region.notcounted);
            if tiles == 0.0 {
                continue;
            }
            let mean = |sum: u64| (sum as f64 + saturated) / (tiles * WHITE);
            *slot =
                (weight * tiles, [mean(region.r_sum) * red, mean(region.g_sum), mean(region.b_sum) * blue]);
            meter.total += slot.0;
        }
        (meter.total > 0.0).then_some(meter)
    }

    /// Weighted mean luma if all channels were multiplied by `gain` and clipped at full scale; 0 to 1.
    pub fn luma(&self, gain: f64) -> f64 {
        let sum: f64 = self
            .regions
            .iter()
            .map(|(weight, channels)| {
                weight
                    * LUMA
                        .iter()
                        .zip(channels)
                        .map(|(part, value)| part * (value * gain).min(1.0))
                        .sum::<f64>()
            })
            .sum();
        sum / self.total
    }

    /// The gain that brings the luma to `target`, from 1/10000 to 10000; the nearest end if none does.
    pub fn gain_for(&self, target: f64) -> f64 {
        // Luma rises with gain, in a bent line where channels clip: halving the interval always arrives.
        let (mut low, mut high) = (1e-4_f64.ln(), 1e4_f64.ln());
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if self.luma(middle.exp()) < target { low = middle } else { high = middle }
        }
        (0.5 * (low + high)).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVEN: [f64; METERING_REGIONS] = [1.0; METERING_REGIONS];

    fn grey(fraction: f64) -> Region {
        let sum = (fraction * WHITE * 1000.0) as u64;
        Region { counted: 1000, notcounted: 0, r_sum: sum / 2, g_sum: sum, b_sum: sum / 4 }
    }

    #[test]
    fn grey_measures_its_value_and_clips() {
        let meter = Meter::new(&[grey(0.2); 16], &EVEN, (2.0, 4.0)).unwrap();
        assert!((meter.luma(1.0) - 0.2).abs() < 1e-4);
        assert!((meter.luma(2.0) - 0.4).abs() < 1e-4);
        assert!((meter.luma(9.0) - 1.0).abs() < 1e-12);
        assert!((meter.gain_for(0.16) - 0.8).abs() < 1e-3);
    }

    #[test]
    fn the_gain_is_found_although_half_of_the_picture_clips() {
        let mut regions = [grey(0.01); 16];
        regions[..4].fill(grey(0.9));
        let meter = Meter::new(&regions, &EVEN, (2.0, 4.0)).unwrap();
        let gain = meter.gain_for(0.4);
        assert!((meter.luma(gain) - 0.4).abs() < 0.002, "luma {} at gain {gain}", meter.luma(gain));
    }

    #[test]
    fn weights_choose_regions() {
        let mut regions = [grey(0.5); 16];
        regions[0] = grey(0.1);
        let mut spot = [0.0; METERING_REGIONS];
        spot[0] = 3.0;
        let meter = Meter::new(&regions, &spot, (2.0, 4.0)).unwrap();
        assert!((meter.luma(1.0) - 0.1).abs() < 1e-4);
    }

    #[test]
    fn saturated_tiles_are_white_and_no_tiles_are_no_measurement() {
        let white = Region { counted: 0, notcounted: 10, ..Region::default() };
        assert!((Meter::new(&[white; 16], &EVEN, (1.5, 1.5)).unwrap().luma(1.0) - 1.0).abs() < 1e-12);
        assert!(Meter::new(&[Region::default(); 16], &EVEN, (1.5, 1.5)).is_none());
    }

    #[test]
    fn a_black_picture_asks_for_the_largest_gain() {
        let meter = Meter::new(&[grey(0.0); 16], &EVEN, (1.0, 1.0)).unwrap();
        assert!((meter.gain_for(0.16) - 1e4).abs() < 1.0);
    }
}
