//! What the ISP is told, and how it is read from the payloads of the bcm2835 ISP's controls.
#![forbid(unsafe_code)]

use super::colour::linear_to_srgb;
use crate::rpi::imx219;
use crate::rpi::layout::{BlackLevel, ColourMatrix, GAMMA_POINTS, Gamma, gamma_x};

/// Why a payload was refused. The settings are as they were before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A coefficient of the colour matrix has a denominator of zero.
    #[error("the coefficient in row {row}, column {column} of the colour matrix has a denominator of zero")]
    Denominator {
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
    },
    /// The colour matrix comes with offsets, which this ISP does not add.
    #[error("the colour matrix has the offsets {0:?}; only zeros are supported")]
    Offsets([i32; 3]),
    /// The gamma curve is not sampled at the fixed points.
    #[error("point {index} of the gamma curve lies at {found} instead of {}", gamma_x(*index))]
    GammaPoint {
        /// Index of the point.
        index: usize,
        /// Where it lies.
        found: u16,
    },
}

/// What the algorithms tell the ISP for one frame.
///
/// Values come from a process that may be wrong or hostile: gains and coefficients that are not finite count as
/// neutral, and no value at all makes [`SoftwareIsp::process`](super::SoftwareIsp::process) panic.
///
/// ```
/// use ringfence::rpi::camera::IspSettings;
/// use ringfence::rpi::layout::BlackLevel;
///
/// let mut settings = IspSettings { red_gain: 1.9, blue_gain: 1.4, ..IspSettings::default() };
/// settings.set_black_level(&BlackLevel { enabled: 1, r: 4096, g: 4096, b: 4096, padding: [0; 2] });
/// assert_eq!(settings.black_level, [4096; 3]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IspSettings {
    /// Black level of red, green and blue on a scale of 16 bits.
    pub black_level: [u16; 3],
    /// Gain of red; that of green is 1.
    pub red_gain: f64,
    /// Gain of blue.
    pub blue_gain: f64,
    /// Gain of all channels.
    pub digital_gain: f64,
    /// From white-balanced camera colours to linear sRGB: `out[i] = Σ matrix[i][j] · in[j]`.
    pub colour_matrix: [[f64; 3]; 3],
    /// Gamma curve on a scale of 16 bits: the output at each [`gamma_x`], linear between them.
    pub gamma: [u16; GAMMA_POINTS],
}

impl Default for IspSettings {
    /// The imx219's black level, unit gains, no colour matrix, the curve of sRGB.
    fn default() -> Self {
        Self {
            black_level: [imx219::BLACK_LEVEL << 6; 3],
            red_gain: 1.0,
            blue_gain: 1.0,
            digital_gain: 1.0,
            colour_matrix: IDENTITY,
            gamma: srgb_gamma(),
        }
    }
}

/// The curve of sRGB as gamma points.
///
/// ```
/// use ringfence::rpi::camera::srgb_gamma;
///
/// let gamma = srgb_gamma();
/// assert!(gamma.is_sorted() && (gamma[0], gamma[32]) == (0, u16::MAX));
/// ```
#[must_use]
pub fn srgb_gamma() -> [u16; GAMMA_POINTS] {
    std::array::from_fn(|index| {
        (linear_to_srgb(f64::from(gamma_x(index)) / 65_535.0) * 65_535.0).round() as u16
    })
}

const IDENTITY: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

impl IspSettings {
    /// Takes over a black level; a disabled one is zero.
    pub fn set_black_level(&mut self, payload: &BlackLevel) {
        self.black_level = if payload.enabled == 0 { [0; 3] } else { [payload.r, payload.g, payload.b] };
    }

    /// Takes over a colour matrix; a disabled one is the identity.
    ///
    /// # Errors
    /// [`SettingsError::Denominator`] or [`SettingsError::Offsets`].
    pub fn set_colour_matrix(&mut self, payload: &ColourMatrix) -> Result<(), SettingsError> {
        if payload.enabled == 0 {
            self.colour_matrix = IDENTITY;
            return Ok(());
        }
        if payload.offsets != [0; 3] {
            return Err(SettingsError::Offsets(payload.offsets));
        }
        let mut matrix = IDENTITY;
        for (row, (values, coefficients)) in matrix.iter_mut().zip(&payload.coefficients).enumerate() {
            for (column, (value, coefficient)) in values.iter_mut().zip(coefficients).enumerate() {
                *value = coefficient.value().ok_or(SettingsError::Denominator { row, column })?;
            }
        }
        self.colour_matrix = matrix;
        Ok(())
    }

    /// Takes over a gamma curve; a disabled one is a straight line.
    ///
    /// # Errors
    /// [`SettingsError::GammaPoint`] if a point does not lie at its [`gamma_x`].
    pub fn set_gamma(&mut self, payload: &Gamma) -> Result<(), SettingsError> {
        if payload.enabled == 0 {
            self.gamma = std::array::from_fn(gamma_x);
            return Ok(());
        }
        if let Some(index) = (0..GAMMA_POINTS).find(|&index| payload.x[index] != gamma_x(index)) {
            return Err(SettingsError::GammaPoint { index, found: payload.x[index] });
        }
        self.gamma = payload.y;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpi::layout::Rational;
    use bytemuck::Zeroable;

    #[test]
    fn payloads_are_taken_over() {
        let mut settings = IspSettings::default();
        settings.set_black_level(&BlackLevel { enabled: 1, r: 1, g: 2, b: 3, padding: [9; 2] });
        let mut matrix = ColourMatrix { enabled: 1, ..Default::default() };
        matrix.coefficients = [[Rational::from_thousandths(0.25); 3]; 3];
        settings.set_colour_matrix(&matrix).unwrap();
        let gamma = Gamma { enabled: 1, x: std::array::from_fn(gamma_x), y: [77; GAMMA_POINTS] };
        settings.set_gamma(&gamma).unwrap();
        assert_eq!(settings.black_level, [1, 2, 3]);
        assert_eq!(settings.colour_matrix, [[0.25; 3]; 3]);
        assert_eq!(settings.gamma, [77; GAMMA_POINTS]);

        settings.set_black_level(&BlackLevel::zeroed());
        settings.set_colour_matrix(&ColourMatrix::zeroed()).unwrap();
        settings.set_gamma(&Gamma::zeroed()).unwrap();
        assert_eq!((settings.black_level, settings.colour_matrix), ([0; 3], IDENTITY));
        assert_eq!(settings.gamma[20], gamma_x(20));
    }

    #[test]
    fn bad_payloads_are_refused_and_change_nothing() {
        let mut settings = IspSettings::default();
        let mut matrix = ColourMatrix { enabled: 1, ..Default::default() };
        matrix.coefficients = [[Rational::from_thousandths(1.0); 3]; 3];
        matrix.coefficients[1][2].den = 0;
        assert_eq!(
            settings.set_colour_matrix(&matrix),
            Err(SettingsError::Denominator { row: 1, column: 2 })
        );
        matrix.offsets[0] = 5;
        assert_eq!(settings.set_colour_matrix(&matrix), Err(SettingsError::Offsets([5, 0, 0])));
        let mut gamma = Gamma { enabled: 1, x: std::array::from_fn(gamma_x), y: [0; GAMMA_POINTS] };
        gamma.x[3] = 7;
        let error = settings.set_gamma(&gamma).unwrap_err();
        assert_eq!(error, SettingsError::GammaPoint { index: 3, found: 7 });
        assert!(error.to_string().contains("3072"));
        assert_eq!(settings, IspSettings::default());
    }
}
