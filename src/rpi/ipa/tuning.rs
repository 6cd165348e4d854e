//! Tuning files: what a laboratory measured about a sensor, in the JSON format of Raspberry Pi.
//!
//! A file has a `version` (2.0), a `target` (`bcm2835`) and a list `algorithms` of objects with one key
//! each. This module reads the blocks that the algorithms here understand into plain types, checks every
//! number, and names what it left unread in one warning. The meaning of the fields is that of the *Raspberry
//! Pi Camera Algorithm and Tuning Guide* (Raspberry Pi Ltd); where a file leaves one out, the readers of the
//! blocks say what counts, chosen so that the published files work.

mod agc;
mod awb;
mod blocks;
mod read;

use std::path::{Path, PathBuf};

pub use agc::{AgcTuning, Bound, Constraint, ExposureMode, METERING_REGIONS, Named};
pub use awb::{AwbTuning, CurvePoint, Prior, TemperatureRange};
pub use blocks::{BlackLevelTuning, CcmTuning, ContrastTuning, LuxTuning};

use read::Node;

/// Blocks of the format that are known to exist, but for which there is no algorithm here.
const NOT_IMPLEMENTED: [&str; 13] = [
    "rpi.af",
    "rpi.alsc",
    "rpi.cac",
    "rpi.denoise",
    "rpi.dpc",
    "rpi.focus",
    "rpi.geq",
    "rpi.hdr",
    "rpi.noise",
    "rpi.saturation",
    "rpi.sdn",
    "rpi.sharpen",
    "rpi.tonemap",
];

/// Why a tuning file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TuningError {
    /// The file cannot be read.
    #[error("cannot read the tuning file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is not JSON.
    #[error("the tuning is not valid JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A value is missing, of the wrong type or out of range.
    #[error("tuning: {at}: expected {expected}, found {found}")]
    Value {
        /// Path of the value inside the JSON, such as `rpi.awb.ct_curve[4]`.
        at: String,
        /// What should stand there.
        expected: String,
        /// What stands there.
        found: String,
    },
}

/// A tuning file, read and checked.
///
/// ```
/// use ringfence::rpi::ipa::tuning::{Tuning, TuningError};
///
/// assert!(Tuning::builtin().awb.is_some());
/// let error = Tuning::parse(r#"{ "version": 1.0 }"#).unwrap_err();
/// assert!(matches!(error, TuningError::Value { .. }));
/// println!("{error}");
/// ```
#[derive(Debug, Clone)]
pub struct Tuning {
    /// `rpi.black_level`; the default is the imx219's 4096.
    pub black_level: BlackLevelTuning,
    /// `rpi.lux`; without it the scene counts as one of 400 lux.
    pub lux: Option<LuxTuning>,
    /// `rpi.awb`; without it (a monochrome sensor) the colour gains are 1.
    pub awb: Option<AwbTuning>,
    /// `rpi.agc`, the one block that every file must have.
    pub agc: AgcTuning,
    /// `rpi.ccm`; without it colours stay as they are.
    pub ccm: Option<CcmTuning>,
    /// `rpi.contrast`; without it the gamma curve is a straight line.
    pub contrast: Option<ContrastTuning>,
    /// What the file contains and nobody here will act upon. Also logged when the file is read.
    pub warnings: Vec<String>,
}

impl Tuning {
    /// The tuning of the virtual camera (`src/rpi/tuning/virtual.json`).
    ///
    /// # Panics
    /// Never: a test reads the file that is compiled in.
    #[must_use]
    pub fn builtin() -> Self {
        Self::parse(include_str!("../tuning/virtual.json")).expect("the tuning compiled in is valid")
    }

    /// Reads a tuning file.
    ///
    /// # Errors
    /// [`TuningError::Read`] if the file cannot be read, otherwise as [`Tuning::parse`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, TuningError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|source| TuningError::Read { path: path.to_owned(), source })?;
        Self::parse(&text)
    }

    /// Reads a tuning from the text of a file.
    ///
    /// # Errors
    /// [`TuningError::Json`] if the text is no JSON (a number beyond the range of a double included),
    /// [`TuningError::Value`] with the place and what was expected there for everything else.
    pub fn parse(text: &str) -> Result<Self, TuningError> {
        let json: serde_json::Value = serde_json::from_str(text)?;
        let root = Node::root(&json);
        let version = root.get("version")?;
        if version.number()? != 2.0 {
            return Err(version.unexpected("2.0"));
        }
        let target = root.get("target")?;
        if target.text()? != "bcm2835" {
            return Err(target.unexpected("\"bcm2835\""));
        }
        let mut blocks = Blocks::default();
        for algorithm in root.get("algorithms")?.list()? {
            let entries = algorithm.entries()?;
            let [(name, block)] = entries.as_slice() else {
                return Err(algorithm.unexpected("an object with the name of one algorithm as its only key"));
            };
            blocks.read(name, block)?;
        }
        blocks.finish(&root)
    }
}

/// The blocks met so far.
#[derive(Default)]
struct Blocks {
    black_level: Option<BlackLevelTuning>,
    lux: Option<LuxTuning>,
    awb: Option<AwbTuning>,
    agc: Option<AgcTuning>,
    ccm: Option<CcmTuning>,
    contrast: Option<ContrastTuning>,
    unread: Vec<String>,
    unknown: Vec<String>,
    parts: Vec<String>,
}

impl Blocks {
    fn read(&mut self, name: &str, block: &Node<'_>) -> Result<(), TuningError> {
        // Only one block of a kind: which of two should count is anybody's guess.
        fn once<T>(slot: &mut Option<T>, block: &Node<'_>, value: T) -> Result<(), TuningError> {
            if slot.replace(value).is_some() {
                return Err(block.unexpected("this algorithm only once in the file"));
            }
            Ok(())
        }
        match name {
            "rpi.black_level" => once(&mut self.black_level, block, BlackLevelTuning::read(block)?),
            "rpi.lux" => once(&mut self.lux, block, LuxTuning::read(block)?),
            "rpi.awb" => once(&mut self.awb, block, AwbTuning::read(block)?),
            "rpi.agc" => once(&mut self.agc, block, AgcTuning::read(block, &mut self.parts)?),
            "rpi.ccm" => once(&mut self.ccm, block, CcmTuning::read(block)?),
            "rpi.contrast" => {
                let contrast = ContrastTuning::read(block)?;
                if contrast.adaptive {
                    self.parts.push("rpi.contrast.ce_enable (adaptive contrast stretch)".to_owned());
                }
                once(&mut self.contrast, block, contrast)
            }
            _ if NOT_IMPLEMENTED.contains(&name) => {
                self.unread.push(name.to_owned());
                Ok(())
            }
            _ => {
                self.unknown.push(name.to_owned());
                Ok(())
            }
        }
    }

    fn finish(self, root: &Node<'_>) -> Result<Tuning, TuningError> {
        let Some(agc) = self.agc else {
            return Err(root.missing("algorithms", "a block rpi.agc"));
        };
        let mut left_out: Vec<String> = Vec::new();
        if !self.unread.is_empty() {
            left_out.push(format!("no algorithm for {}", self.unread.join(", ")));
        }
        if !self.parts.is_empty() {
            left_out.push(format!("without effect: {}", self.parts.join(", ")));
        }
        if !self.unknown.is_empty() {
            left_out.push(format!("unknown: {}", self.unknown.join(", ")));
        }
        let mut warnings = Vec::new();
        if !left_out.is_empty() {
            let warning = format!("parts of the tuning are ignored; {}", left_out.join("; "));
            tracing::warn!("{warning}");
            warnings.push(warning);
        }
        Ok(Tuning {
            black_level: self.black_level.unwrap_or_default(),
            lux: self.lux,
            awb: self.awb,
            agc,
            ccm: self.ccm,
            contrast: self.contrast,
            warnings,
        })
    }
}

#[cfg(test)]
#[path = "tuning/tests.rs"]
mod tests;

/// A tuning file that Raspberry Pi publishes: from the folder that `RINGFENCE_TUNING_FOLDER` names, where it must be,
/// else from where Debian's `libcamera-ipa` puts it. Without either, a notice and `None`.
#[cfg(test)]
pub(super) fn published(name: &str) -> Option<Tuning> {
    let path = published_directory()?.join(name);
    Some(Tuning::load(path).unwrap())
}

/// Where such files lie.
#[cfg(test)]
fn published_directory() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("RINGFENCE_TUNING_FOLDER") {
        return Some(named.into());
    }
    let installed = PathBuf::from("/usr/share/libcamera/ipa/raspberrypi");
    let found = installed.is_dir().then_some(installed);
    if found.is_none() {
        println!(
            "skipped: this machine has no published tuning files; RINGFENCE_TUNING_FOLDER can name some"
        );
    }
    found
}
