//! Colour matrix: from the sensor's colours to sRGB's, chosen by colour temperature.
//!
//! ```
//! use ringfence::rpi::ipa::ccm::{IDENTITY, matrix, payload, saturate};
//! use ringfence::rpi::ipa::tuning::Tuning;
//!
//! let tuning = Tuning::builtin().ccm.expect("it has colours");
//! let [red, ..] = matrix(&tuning, 5000.0, 400.0, 1.0);
//! assert!((red.iter().sum::<f64>() - 1.0).abs() < 0.01, "grey stays grey");
//! // Without saturation, each channel is the luma.
//! assert_eq!(saturate(&IDENTITY, 0.0)[0], saturate(&IDENTITY, 0.0)[2]);
//! assert_eq!(payload(&IDENTITY).coefficients[0][0].num, 1000);
//! ```

use super::piecewise::{bracket, mix};
use super::tuning::CcmTuning;
use crate::rpi::layout::{ColourMatrix, Rational};

/// A row-major 3×3 matrix.
pub type Matrix = [[f64; 3]; 3];

/// The matrix that changes nothing.
pub const IDENTITY: Matrix = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

/// Luma of red, green and blue (ITU-R BT.601-7, 2.5.1).
pub const LUMA: [f64; 3] = [0.299, 0.587, 0.114];

/// The matrix for light of `kelvin` in a scene of `lux`, with the colourfulness of the result scaled by
/// `saturation` (0: grey, 1: as it is).
#[must_use]
pub fn matrix(tuning: &CcmTuning, kelvin: f64, lux: f64, saturation: f64) -> Matrix {
    let (index, weight) = bracket(&tuning.matrices, |entry| entry.0, kelvin);
    let low = &tuning.matrices[index].1;
    let high = &tuning.matrices[(index + 1).min(tuning.matrices.len() - 1)].1;
    let between = std::array::from_fn(|row| {
        std::array::from_fn(|column| mix(low[row][column], high[row][column], weight))
    });
    let scene = tuning.saturation.as_ref().map_or(1.0, |curve| curve.at(lux));
    saturate(&between, saturation * scene)
}

/// `matrix` followed by a scaling of the colour differences: each output is mixed with the luma of all.
///
/// The same as scaling Cb and Cr of BT.601, since a colour is its luma plus terms linear in those.
#[must_use]
pub fn saturate(matrix: &Matrix, saturation: f64) -> Matrix {
    std::array::from_fn(|row| {
        std::array::from_fn(|column| {
            let luma: f64 = (0..3).map(|k| LUMA[k] * matrix[k][column]).sum();
            mix(luma, matrix[row][column], saturation)
        })
    })
}

/// The ISP's payload for `matrix`; it takes coefficients from -8 to just below 8.
#[must_use]
pub fn payload(matrix: &Matrix) -> ColourMatrix {
    let coefficient = |value: f64| Rational::from_thousandths(value.clamp(-8.0, 7.999));
    ColourMatrix { enabled: 1, coefficients: matrix.map(|row| row.map(coefficient)), offsets: [0; 3] }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TINTED: Matrix = [[2.0, -0.8, -0.2], [-0.5, 1.9, -0.4], [0.0, -1.0, 2.0]];

    fn tuning() -> CcmTuning {
        CcmTuning { matrices: vec![(3000.0, IDENTITY), (5000.0, TINTED)], saturation: None }
    }

    #[test]
    fn interpolates_between_temperatures_and_stops_at_the_ends() {
        assert_eq!(matrix(&tuning(), 2000.0, 400.0, 1.0), IDENTITY);
        assert_eq!(matrix(&tuning(), 9000.0, 400.0, 1.0), TINTED);
        let half = matrix(&tuning(), 4000.0, 400.0, 1.0);
        assert!((half[0][0] - 1.5).abs() < 1e-12 && (half[2][1] + 0.5).abs() < 1e-12);
    }

    #[test]
    fn saturation_keeps_luma_and_grey() {
        for saturation in [0.0, 0.5, 1.0, 2.0] {
            let result = matrix(&tuning(), 5000.0, 400.0, saturation);
            for column in 0..3 {
                let luma = |m: &Matrix| (0..3).map(|row| LUMA[row] * m[row][column]).sum::<f64>();
                assert!((luma(&result) - luma(&TINTED)).abs() < 1e-12);
            }
            for row in result {
                assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            }
        }
        let grey = matrix(&tuning(), 5000.0, 400.0, 0.0);
        assert!((grey[0][0] - grey[2][0]).abs() < 1e-12);
    }

    #[test]
    fn the_payload_has_thousandths_within_the_isps_range() {
        let payload = payload(&[[1.2346, -9.0, 9.0], [0.0; 3], [0.0; 3]]);
        assert_eq!(
            payload.coefficients[0].map(|c| (c.num, c.den)),
            [(1235, 1000), (-8000, 1000), (7999, 1000)]
        );
        assert_eq!((payload.enabled, payload.offsets), (1, [0; 3]));
    }
}
