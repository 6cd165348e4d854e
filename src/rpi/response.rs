//! How the virtual sensor sees light: its spectral response, integrated over black-body spectra.
//!
//! The virtual camera makes its raw pictures with this model, and the tuning built for it states the
//! same curve as a table, so that the algorithms have to find the illuminant as they would on a bench.
//!
//! ```
//! use ringfence::rpi::response::{crosstalk, grey_ratios, invert};
//!
//! let (lamp, sky) = (grey_ratios(2800.0), grey_ratios(6500.0));
//! assert!(lamp.0 > sky.0 && lamp.1 < sky.1, "a lamp is redder and less blue");
//! let [[red, ..], ..] = invert(crosstalk(5000.0));
//! assert!(red > 1.0, "what the filters mix, the colour matrix takes apart");
//! ```

/// Centre and standard deviation of the three colour filters with the silicon behind them, in
/// nanometres: Gaussians in the range of published curves of small back-illuminated sensors.
const FILTERS: [(f64, f64); 3] = [(600.0, 36.0), (533.0, 42.0), (475.0, 34.0)];

/// Peak sensitivities of red, green and blue relative to green.
///
/// With these the white-balance curve comes within 2 % of the one in the imx219 tuning that Raspberry
/// Pi publishes (at 3600 K and 5700 K), so that such a tuning can steer the virtual camera.
const PEAKS: [f64; 3] = [0.6685, 1.0, 0.853];

/// Second radiation constant `h c / k`, in metre kelvin (CODATA 2018).
const SECOND_RADIATION: f64 = 1.438_776_877e-2;

/// Relative spectral radiance of a black body (Planck's law without its constant factor).
fn planck(nanometres: f64, kelvin: f64) -> f64 {
    let metres = nanometres * 1e-9;
    1e-30 / (metres.powi(5) * ((SECOND_RADIATION / (metres * kelvin)).exp() - 1.0))
}

/// What a grey surface lit by a black body of `kelvin` yields: red and blue relative to green.
#[must_use]
pub fn grey_ratios(kelvin: f64) -> (f64, f64) {
    let channel = |(centre, deviation): (f64, f64), peak: f64| {
        // 400 to 700 nm: what the infrared filter passes.
        (400..=700)
            .step_by(5)
            .map(|nanometres| {
                let distance = (f64::from(nanometres) - centre) / deviation;
                peak * (-0.5 * distance * distance).exp() * planck(f64::from(nanometres), kelvin)
            })
            .sum::<f64>()
    };
    let [red, green, blue] = std::array::from_fn(|index| channel(FILTERS[index], PEAKS[index]));
    (red / green, blue / green)
}

/// Camera colours after white balance from linear sRGB: how much the filters overlap, which grows as
/// the light gets warmer. Rows sum to one, so that grey stays grey.
#[must_use]
pub fn crosstalk(kelvin: f64) -> [[f64; 3]; 3] {
    const WARM: [[f64; 3]; 3] = [[0.66, 0.29, 0.05], [0.16, 0.68, 0.16], [0.06, 0.34, 0.60]];
    const COOL: [[f64; 3]; 3] = [[0.62, 0.33, 0.05], [0.13, 0.74, 0.13], [0.03, 0.29, 0.68]];
    // Linear in reciprocal temperature, which is what eyes and filters go by.
    let weight = ((1e6 / kelvin - 1e6 / 6500.0) / (1e6 / 2800.0 - 1e6 / 6500.0)).clamp(0.0, 1.0);
    std::array::from_fn(|row| {
        std::array::from_fn(|column| weight * WARM[row][column] + (1.0 - weight) * COOL[row][column])
    })
}

/// Inverse of a 3×3 matrix that is known to be regular.
#[must_use]
pub fn invert(m: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let cofactor = |row: usize, column: usize| {
        let (r1, r2) = ((row + 1) % 3, (row + 2) % 3);
        let (c1, c2) = ((column + 1) % 3, (column + 2) % 3);
        m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
    };
    let determinant: f64 = (0..3).map(|column| m[0][column] * cofactor(0, column)).sum();
    std::array::from_fn(|row| std::array::from_fn(|column| cofactor(column, row) / determinant))
}

/// Fraction of full scale that green reaches for a surface of reflectance 0.18, per lux, second and
/// unit of gain. With it the lux formula of the imx219 tuning that Raspberry Pi publishes comes out right.
pub const SENSITIVITY: f64 = 0.007_038_2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warm_light_is_red_and_cold_light_blue() {
        let mut last = grey_ratios(2000.0);
        for kelvin in (2250..=12_000).step_by(250) {
            let ratios = grey_ratios(f64::from(kelvin));
            assert!(ratios.0 < last.0 && ratios.1 > last.1, "{kelvin} K: {ratios:?} after {last:?}");
            last = ratios;
        }
    }

    #[test]
    fn grey_stays_grey_and_the_inverse_inverts() {
        for kelvin in [2500.0, 4000.0, 8000.0] {
            let matrix = crosstalk(kelvin);
            let inverse = invert(matrix);
            for (row, factors) in matrix.iter().enumerate() {
                assert!((factors.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                for column in 0..3 {
                    let product: f64 =
                        factors.iter().zip(inverse).map(|(factor, other)| factor * other[column]).sum();
                    assert!((product - f64::from(u8::from(row == column))).abs() < 1e-12);
                }
            }
        }
    }
}
