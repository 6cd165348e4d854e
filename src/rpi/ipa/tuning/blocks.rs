//! The small blocks: black level, lux, colour matrices, contrast.

use super::TuningError;
use super::read::Node;
use crate::rpi::ipa::piecewise::Piecewise;

/// `rpi.black_level`: the level of darkness, on a scale of 16 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlackLevelTuning {
    /// Red, green, blue; 0 to 65535.
    pub levels: [u16; 3],
}

impl Default for BlackLevelTuning {
    fn default() -> Self {
        Self { levels: [4096; 3] }
    }
}

impl BlackLevelTuning {
    pub(super) fn read(block: &Node<'_>) -> Result<Self, TuningError> {
        let level = |node: &Node<'_>| node.within(0.0, 65_535.0).map(|number| number as u16);
        let all = block.or("black_level", 4096, level)?;
        Ok(Self {
            levels: [
                block.or("black_level_r", all, level)?,
                block.or("black_level_g", all, level)?,
                block.or("black_level_b", all, level)?,
            ],
        })
    }
}

/// `rpi.lux`: one picture of known brightness, from which others are scaled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LuxTuning {
    /// Exposure of that picture, in microseconds (`reference_shutter_speed`).
    pub exposure_us: f64,
    /// Its analogue gain.
    pub gain: f64,
    /// Illuminance of its scene, in lux.
    pub lux: f64,
    /// Mean of its green histogram, on a scale of 16 bits (`reference_Y`).
    pub y: f64,
}

impl LuxTuning {
    pub(super) fn read(block: &Node<'_>) -> Result<Self, TuningError> {
        Ok(Self {
            exposure_us: block.get("reference_shutter_speed")?.positive()?,
            gain: block.get("reference_gain")?.positive()?,
            lux: block.get("reference_lux")?.positive()?,
            y: block.get("reference_Y")?.positive()?,
        })
    }
}

/// `rpi.ccm`: colour matrices over colour temperature.
#[derive(Debug, Clone, PartialEq)]
pub struct CcmTuning {
    /// Colour temperature in kelvin, rising, and the row-major matrix that belongs to it.
    pub matrices: Vec<(f64, [[f64; 3]; 3])>,
    /// Saturation over lux, a factor that multiplies the one requested.
    pub saturation: Option<Piecewise>,
}

impl CcmTuning {
    pub(super) fn read(block: &Node<'_>) -> Result<Self, TuningError> {
        let list = block.get("ccms")?;
        let mut matrices: Vec<(f64, [[f64; 3]; 3])> = Vec::new();
        for item in list.list()? {
            let ct = item.get("ct")?;
            let kelvin = ct.positive()?;
            if let Some((last, _)) = matrices.last()
                && kelvin <= *last
            {
                return Err(ct.unexpected(&format!("a colour temperature above {last}, the one before it")));
            }
            let ccm = item.get("ccm")?;
            let numbers = ccm.list()?;
            if numbers.len() != 9 {
                return Err(ccm.unexpected("9 numbers"));
            }
            let mut matrix = [[0.0; 3]; 3];
            for (index, number) in numbers.iter().enumerate() {
                matrix[index / 3][index % 3] = number.number()?;
            }
            matrices.push((kelvin, matrix));
        }
        if matrices.is_empty() {
            return Err(list.unexpected("at least one matrix"));
        }
        let saturation = block.find("saturation")?.map(|node| node.piecewise()).transpose()?;
        Ok(Self { matrices, saturation })
    }
}

/// `rpi.contrast`: the gamma curve.
#[derive(Debug, Clone, PartialEq)]
pub struct ContrastTuning {
    /// From linear to encoded, both on a scale of 16 bits.
    pub gamma: Piecewise,
    /// `ce_enable`: whether the file asks for the adaptive stretch (which is not implemented).
    pub adaptive: bool,
}

impl ContrastTuning {
    pub(super) fn read(block: &Node<'_>) -> Result<Self, TuningError> {
        let node = block.get("gamma_curve")?;
        for number in node.table(2, 4)? {
            number.within(0.0, 65_535.0)?;
        }
        Ok(Self { gamma: node.piecewise()?, adaptive: block.or("ce_enable", true, |node| node.switch())? })
    }
}
