//! The light on the scene: a black body of some temperature, and how bright it is.
#![forbid(unsafe_code)]

/// Colour temperatures that the virtual camera takes, in kelvin.
pub const KELVIN: std::ops::RangeInclusive<f64> = 1700.0..=15_000.0;

/// Illuminances that the virtual camera takes, in lux: from moonlight to more than the noon sun.
pub const LUX: std::ops::RangeInclusive<f64> = 0.1..=200_000.0;

/// Why a light was refused.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LightError {
    /// The colour temperature is not a number or out of range.
    #[error("a colour temperature of {0} K is out of range; give one from {start} K (candle) to {end} K (blue sky)", start = KELVIN.start(), end = KELVIN.end())]
    Kelvin(f64),
    /// The illuminance is not a number or out of range.
    #[error("an illuminance of {0} lux is out of range; give one from {start} to {end} lux", start = LUX.start(), end = LUX.end())]
    Lux(f64),
}

/// A light: black-body radiation of a colour temperature, at an illuminance on the scene.
///
/// ```
/// use ringfence::rpi::camera::Light;
/// let office = Light::new(4000.0, 400.0)?;
/// assert_eq!((office.kelvin(), office.lux()), (4000.0, 400.0));
/// assert!(Light::new(f64::NAN, 400.0).is_err());
/// # Ok::<(), ringfence::rpi::camera::LightError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Light {
    kelvin: f64,
    lux: f64,
}

impl Light {
    /// A light of `kelvin` (1700 to 15000) and `lux` (0.1 to 200000).
    ///
    /// # Errors
    /// [`LightError`] names the value that is out of range.
    pub fn new(kelvin: f64, lux: f64) -> Result<Self, LightError> {
        if !KELVIN.contains(&kelvin) {
            return Err(LightError::Kelvin(kelvin));
        }
        if !LUX.contains(&lux) {
            return Err(LightError::Lux(lux));
        }
        Ok(Self { kelvin, lux })
    }

    /// Colour temperature, in kelvin.
    #[must_use]
    pub fn kelvin(self) -> f64 {
        self.kelvin
    }

    /// Illuminance on the scene, in lux.
    #[must_use]
    pub fn lux(self) -> f64 {
        self.lux
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_inside_and_the_rest_is_named() {
        assert!(Light::new(1700.0, 0.1).is_ok() && Light::new(15_000.0, 200_000.0).is_ok());
        assert_eq!(Light::new(1699.0, 1.0), Err(LightError::Kelvin(1699.0)));
        assert_eq!(Light::new(5000.0, 0.0), Err(LightError::Lux(0.0)));
        assert!(matches!(Light::new(5000.0, f64::NAN), Err(LightError::Lux(_))));
        let message = LightError::Kelvin(99.0).to_string();
        assert!(
            message.contains("99 K") && message.contains("1700") && message.contains("15000"),
            "{message}"
        );
    }
}
