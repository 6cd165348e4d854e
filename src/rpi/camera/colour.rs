//! Colour conversions: sRGB's curve, CIE L*a*b* and colour differences.
//!
//! Sources: IEC 61966-2-1 (sRGB), CIE 15 (L*a*b*), the Bradford chromatic adaptation (Lam 1985) with the
//! matrices that Bruce Lindbloom publishes.
//!
//! ```
//! use ringfence::rpi::camera::colour::{delta_e, linear_srgb_to_lab, linear_to_srgb, srgb_to_linear};
//!
//! let grey = srgb_to_linear(0.5);
//! assert!((grey - 0.214).abs() < 0.001 && (linear_to_srgb(grey) - 0.5).abs() < 1e-9);
//! // How far two greys are apart to the eye.
//! let [one, other] = [[grey; 3], [1.1 * grey; 3]].map(linear_srgb_to_lab);
//! assert!((2.0..3.0).contains(&delta_e(one, other)));
//! ```
#![forbid(unsafe_code)]

/// Weights of linear sRGB in luminance (Rec. 709).
pub const LUMA: [f64; 3] = [0.2126, 0.7152, 0.0722];

/// White point D50, as XYZ.
const D50: [f64; 3] = [0.964_22, 1.0, 0.825_21];

const D50_TO_D65: [[f64; 3]; 3] = [
    [0.955_576_6, -0.023_039_3, 0.063_163_6],
    [-0.028_289_5, 1.009_941_6, 0.021_007_7],
    [0.012_298_2, -0.020_483_0, 1.329_909_8],
];

const XYZ_TO_SRGB: [[f64; 3]; 3] = [
    [3.240_454_2, -1.537_138_5, -0.498_531_4],
    [-0.969_266_0, 1.876_010_8, 0.041_556_0],
    [0.055_643_4, -0.204_025_9, 1.057_225_2],
];

/// Product of a matrix and a column.
#[inline]
#[must_use]
pub fn apply(matrix: &[[f64; 3]; 3], column: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|row| (0..3).map(|index| matrix[row][index] * column[index]).sum())
}

/// Linear light, 0 to 1, of an sRGB value, 0 to 1.
#[must_use]
pub fn srgb_to_linear(value: f64) -> f64 {
    if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// sRGB value, 0 to 1, of linear light, 0 to 1.
#[must_use]
pub fn linear_to_srgb(value: f64) -> f64 {
    if value <= 0.003_130_8 { value * 12.92 } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 }
}

/// Linear sRGB (white D65) of a colour in L*a*b* (white D50). Colours outside the gamut come out negative or
/// above one.
#[must_use]
pub fn lab_to_linear_srgb([lightness, a, b]: [f64; 3]) -> [f64; 3] {
    let cube =
        |t: f64| if t > 6.0 / 29.0 { t.powi(3) } else { 3.0 * (6.0f64 / 29.0).powi(2) * (t - 4.0 / 29.0) };
    let y = (lightness + 16.0) / 116.0;
    let xyz = [D50[0] * cube(y + a / 500.0), D50[1] * cube(y), D50[2] * cube(y - b / 200.0)];
    apply(&XYZ_TO_SRGB, apply(&D50_TO_D65, xyz))
}

/// The inverse of [`lab_to_linear_srgb`].
#[must_use]
pub fn linear_srgb_to_lab(colour: [f64; 3]) -> [f64; 3] {
    use crate::rpi::response::invert;
    let xyz = apply(&invert(D50_TO_D65), apply(&invert(XYZ_TO_SRGB), colour));
    let root = |t: f64| {
        if t > (6.0f64 / 29.0).powi(3) { t.cbrt() } else { t / (3.0 * (6.0f64 / 29.0).powi(2)) + 4.0 / 29.0 }
    };
    let [x, y, z] = std::array::from_fn(|index| root(xyz[index] / D50[index]));
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// CIE 1976 difference of two colours in L*a*b*: about 2.3 is just noticeable.
#[must_use]
pub fn delta_e(one: [f64; 3], other: [f64; 3]) -> f64 {
    (0..3).map(|index| (one[index] - other[index]).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_and_the_spaces_survive_the_round_trip() {
        for step in 0..=1000 {
            let value = f64::from(step) / 1000.0;
            assert!((linear_to_srgb(srgb_to_linear(value)) - value).abs() < 1e-7);
        }
        for lab in [[50.0, 0.0, 0.0], [5.0, 3.0, -2.0], [80.0, -40.0, 60.0]] {
            assert!(delta_e(linear_srgb_to_lab(lab_to_linear_srgb(lab)), lab) < 1e-9);
        }
    }

    #[test]
    fn greys_are_neutral() {
        for channel in lab_to_linear_srgb([100.0, 0.0, 0.0]) {
            assert!((channel - 1.0).abs() < 2e-4, "{channel}");
        }
    }
}
