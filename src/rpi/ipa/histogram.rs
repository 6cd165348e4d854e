//! Questions to a histogram of the statistics.
//!
//! ```
//! use ringfence::rpi::ipa::histogram::{between_quantiles, mean_bin};
//!
//! let mut bins = [0; 128];
//! (bins[10], bins[100]) = (300, 100);
//! assert_eq!(mean_bin(&bins), Some(33.0));
//! assert_eq!(between_quantiles(&bins, 0.75, 1.0), Some(100.5), "the brightest quarter");
//! ```

use crate::rpi::layout::HISTOGRAM_BINS;

/// Mean of a histogram in bins, each bin counting as its middle (0.5 to 127.5); `None` if it is empty.
#[must_use]
pub fn mean_bin(bins: &[u32; HISTOGRAM_BINS]) -> Option<f64> {
    between_quantiles(bins, 0.0, 1.0)
}

/// Mean, in bins, of the part of a histogram between two quantiles `0 <= low < high <= 1`; `None` if the
/// histogram is empty. A bin that a quantile cuts takes part with the fraction inside.
#[must_use]
pub fn between_quantiles(bins: &[u32; HISTOGRAM_BINS], low: f64, high: f64) -> Option<f64> {
    let total: f64 = bins.iter().map(|&count| f64::from(count)).sum();
    let (from, to) = (low * total, high * total);
    let (mut below, mut sum, mut weight) = (0.0, 0.0, 0.0);
    for (index, &count) in bins.iter().enumerate() {
        let above = below + f64::from(count);
        let inside = (above.min(to) - below.max(from)).max(0.0);
        sum += inside * (index as f64 + 0.5);
        weight += inside;
        below = above;
    }
    (weight > 0.0).then(|| sum / weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_of_a_two_bin_histogram() {
        let mut bins = [0; HISTOGRAM_BINS];
        assert_eq!(mean_bin(&bins), None);
        bins[10] = 300;
        bins[100] = 100;
        assert_eq!(mean_bin(&bins), Some(33.0));
        assert_eq!(between_quantiles(&bins, 0.0, 0.75), Some(10.5));
        assert_eq!(between_quantiles(&bins, 0.75, 1.0), Some(100.5));
        assert_eq!(between_quantiles(&bins, 0.5, 1.0), Some(55.5));
        assert_eq!(between_quantiles(&bins, 0.98, 1.0), Some(100.5));
    }
}
