//! Brightness of the scene, from the green histogram and the exposure that made it.
//!
//! ```
//! use bytemuck::Zeroable;
//! use ringfence::rpi::ipa::{lux::estimate, tuning::Tuning};
//! use ringfence::rpi::layout::Statistics;
//!
//! let tuning = Tuning::builtin().lux.expect("it knows how bright its reference was");
//! let mut statistics = Statistics::zeroed();
//! statistics.histograms[0].g[20] = 1;
//! let (long, short) = (estimate(&tuning, &statistics, 20_000.0, 1.0), estimate(&tuning, &statistics, 10_000.0, 1.0));
//! assert!((short.unwrap() / long.unwrap() - 2.0).abs() < 1e-9, "as bright in half the time");
//! ```

use super::histogram::mean_bin;
use super::tuning::LuxTuning;
use crate::rpi::layout::{HISTOGRAM_BINS, Statistics};

/// What counts as the brightness of a scene about which nothing is known yet, in lux.
pub const DEFAULT_LUX: f64 = 400.0;

/// Values of the 16-bit scale that a histogram bin covers.
const BIN_WIDTH: f64 = 65_536.0 / HISTOGRAM_BINS as f64;

/// Illuminance of the scene of `statistics`, taken with `exposure_us` microseconds at analogue gain `gain`.
///
/// `lux = reference_lux * (reference_exposure / exposure) * (reference_gain / gain) * y / reference_y`,
/// with y the mean of the green histogram on a scale of 16 bits, as in the *Raspberry Pi Camera Algorithm
/// and Tuning Guide*. It is the illuminance of a scene that reflects what the reference scene did; of a
/// clipped picture it falls short. `None` if the histogram is empty or the exposure is zero.
#[must_use]
pub fn estimate(tuning: &LuxTuning, statistics: &Statistics, exposure_us: f64, gain: f64) -> Option<f64> {
    let y = mean_bin(&statistics.histograms[0].g)? * BIN_WIDTH;
    let lux = tuning.lux * (tuning.exposure_us / exposure_us) * (tuning.gain / gain) * (y / tuning.y);
    lux.is_finite().then_some(lux)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytemuck::Zeroable;

    #[test]
    fn the_reference_picture_has_the_reference_brightness() {
        let tuning = LuxTuning { exposure_us: 20_000.0, gain: 1.0, lux: 1000.0, y: 50.5 * 512.0 };
        let mut statistics = Statistics::zeroed();
        assert_eq!(estimate(&tuning, &statistics, 20_000.0, 1.0), None);
        statistics.histograms[0].g[50] = 9;
        assert_eq!(estimate(&tuning, &statistics, 20_000.0, 1.0), Some(1000.0));
        assert_eq!(estimate(&tuning, &statistics, 5_000.0, 2.0), Some(2000.0));
        assert_eq!(estimate(&tuning, &statistics, 0.0, 1.0), None);
    }
}
