//! Gamma curve, brightness and contrast.
//!
//! The adaptive stretch of the histogram (`ce_enable` in the tuning) is left out: it makes the same
//! scene come out differently from frame to frame. Reading a tuning that asks for it says so.
//!
//! ```
//! use ringfence::rpi::ipa::contrast::gamma;
//!
//! let straight = gamma(None, 0.0, 1.0);
//! assert_eq!(straight.x, straight.y);
//! assert!(gamma(None, 0.1, 1.0).y[16] > straight.y[16]);
//! ```

use super::tuning::ContrastTuning;
use crate::rpi::layout::{GAMMA_POINTS, Gamma, gamma_x};

/// The ISP's gamma curve for `tuning` (`None`: a straight line), with `brightness` (-1 to 1, in fractions
/// of full scale, added) and `contrast` (0 and up, a factor on the distance from the middle) on top.
///
/// Both act on encoded values, as the controls of the same name do: contrast first, then brightness.
#[must_use]
pub fn gamma(tuning: Option<&ContrastTuning>, brightness: f64, contrast: f64) -> Gamma {
    let mut gamma = Gamma { enabled: 1, x: [0; GAMMA_POINTS], y: [0; GAMMA_POINTS] };
    for index in 0..GAMMA_POINTS {
        let x = gamma_x(index);
        let encoded = tuning.map_or(f64::from(x), |tuning| tuning.gamma.at(f64::from(x)));
        let y = (encoded - 32_768.0) * contrast + 32_768.0 + brightness * 65_535.0;
        gamma.x[index] = x;
        gamma.y[index] = y.round().clamp(0.0, 65_535.0) as u16;
    }
    gamma
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpi::ipa::piecewise::Piecewise;

    fn tuning() -> ContrastTuning {
        let gamma = Piecewise::new(vec![(0.0, 0.0), (1024.0, 8192.0), (65_535.0, 65_535.0)]).unwrap();
        ContrastTuning { gamma, adaptive: false }
    }

    #[test]
    fn neutral_settings_give_the_curve_itself() {
        let gamma = gamma(Some(&tuning()), 0.0, 1.0);
        assert_eq!((gamma.enabled, gamma.y[0], gamma.y[1], gamma.y[32]), (1, 0, 8192, 65_535));
        assert_eq!((gamma.x[1], gamma.x[16], gamma.x[32]), (1024, 16_384, 65_535));
    }

    #[test]
    fn brightness_shifts_and_contrast_turns_about_the_middle() {
        let bright = gamma(Some(&tuning()), 0.25, 1.0);
        assert_eq!((bright.y[0], bright.y[1]), (16_384, 8192 + 16_384));
        let flat = gamma(None, 0.0, 0.0);
        assert!(flat.y.iter().all(|&y| y == 32_768));
        let steep = gamma(None, 0.0, 2.0);
        assert_eq!((steep.y[0], steep.y[24], steep.y[32]), (0, 32_768, 65_535));
        assert!(steep.y.windows(2).all(|pair| pair[0] <= pair[1]));
    }
}
