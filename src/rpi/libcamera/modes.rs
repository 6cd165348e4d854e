//! Which modes a tuning file offers: the IPA of 0.0.3 takes a request for one that it has not, and ends itself over it
//! at the next statistics.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::rpi::ipa::requests::{AwbMode, ConstraintMode, ExposureModeName, MeteringMode};
use crate::serialize::controls::ids::{controls, draft};

/// Numbers of `NoiseReductionMode`, which no tuning can lack: off, fast, high quality, minimal, ZSL.
const NOISE_REDUCTION_MODES: std::ops::RangeInclusive<i32> = 0..=4;

/// Why the modes of a tuning file are not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModesError {
    /// The file cannot be read.
    #[error("cannot read the tuning file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is not JSON.
    #[error("the tuning file {} is not valid JSON: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// The names of the modes in a tuning file.
///
/// ```
/// use ringfence::rpi::libcamera::Modes;
/// use ringfence::serialize::controls::ids::controls::{AE_METERING_MODE, EXPOSURE_VALUE};
///
/// let modes = Modes::default();
/// assert!(!modes.allow(AE_METERING_MODE.id(), 0), "this tuning has no modes");
/// assert!(modes.allow(EXPOSURE_VALUE.id(), 0));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Modes {
    metering: Vec<String>,
    exposure: Vec<String>,
    constraint: Vec<String>,
    awb: Vec<String>,
}

impl Modes {
    /// The modes of a tuning file in Raspberry Pi's format.
    ///
    /// # Errors
    /// [`ModesError`] if the file cannot be read, or is no JSON.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ModesError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|source| ModesError::Read { path: path.to_owned(), source })?;
        let tuning = serde_json::from_str(&text)
            .map_err(|source| ModesError::Json { path: path.to_owned(), source })?;
        Ok(Self::of(&tuning))
    }

    fn of(tuning: &Value) -> Self {
        let agc = algorithm(tuning, "rpi.agc");
        let awb = algorithm(tuning, "rpi.awb");
        Self {
            metering: names(agc, "metering_modes"),
            exposure: names(agc, "exposure_modes"),
            constraint: names(agc, "constraint_modes"),
            awb: names(awb, "modes"),
        }
    }

    /// Whether the IPA can take `number` for the control `id`, in the newest numbers. Controls without modes can
    /// have any value.
    #[must_use]
    pub fn allow(&self, id: u32, number: i32) -> bool {
        let offered = |name: Option<&str>, names: &[String]| {
            name.is_some_and(|name| names.iter().any(|offered| offered == name))
        };
        match id {
            _ if id == controls::AE_METERING_MODE.id() => {
                offered(MeteringMode::from_number(number).map(MeteringMode::name), &self.metering)
            }
            _ if id == controls::AE_EXPOSURE_MODE.id() => {
                offered(ExposureModeName::from_number(number).map(ExposureModeName::name), &self.exposure)
            }
            _ if id == controls::AE_CONSTRAINT_MODE.id() => {
                offered(ConstraintMode::from_number(number).map(ConstraintMode::name), &self.constraint)
            }
            _ if id == controls::AWB_MODE.id() => {
                offered(AwbMode::from_number(number).map(AwbMode::name), &self.awb)
            }
            _ if id == draft::NOISE_REDUCTION_MODE.id() => NOISE_REDUCTION_MODES.contains(&number),
            _ => true,
        }
    }
}

/// The block of an algorithm: in a list since version 2 of the format, in the file itself before.
fn algorithm<'a>(tuning: &'a Value, name: &str) -> Option<&'a Value> {
    let list = tuning["algorithms"].as_array();
    list.and_then(|list| list.iter().find_map(|block| block.get(name))).or_else(|| tuning.get(name))
}

fn names(block: Option<&Value>, modes: &str) -> Vec<String> {
    let modes = block.and_then(|block| block[modes].as_object());
    modes.into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_modes_of_the_tuning_are_allowed() {
        let agc = json!({ "metering_modes": { "centre-weighted": {}, "spot": {} } });
        let tuning = json!({ "algorithms": [{ "rpi.lux": {} }, { "rpi.agc": agc }] });
        for tuning in [tuning, json!({ "rpi.agc": agc })] {
            let modes = Modes::of(&tuning);
            let metering = |number| modes.allow(controls::AE_METERING_MODE.id(), number);
            assert!(metering(0) && metering(1));
            assert!(!metering(2) && !metering(3) && !metering(-1) && !metering(99));
            assert!(!modes.allow(controls::AWB_MODE.id(), 0), "there is no white balance");
            assert!(modes.allow(controls::EXPOSURE_TIME.id(), 12_345));
            assert!(modes.allow(draft::NOISE_REDUCTION_MODE.id(), 4));
            assert!(!modes.allow(draft::NOISE_REDUCTION_MODE.id(), 5));
        }
    }

    #[test]
    fn a_file_that_is_not_there_or_no_json_is_told() {
        let error = Modes::load("/no/such/file.json").unwrap_err();
        assert!(error.to_string().starts_with("cannot read the tuning file /no/such/file.json: "), "{error}");
        let error = Modes::load(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap_err();
        assert!(matches!(error, ModesError::Json { .. }), "{error}");
    }
}
