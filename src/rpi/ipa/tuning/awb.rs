//! `rpi.awb`: what is known about illuminants before a picture is taken.

use super::TuningError;
use super::read::Node;
use crate::rpi::ipa::piecewise::Piecewise;

/// A grey surface under one light: how the sensor sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// Colour temperature of the light, in kelvin.
    pub kelvin: f64,
    /// Red relative to green.
    pub r: f64,
    /// Blue relative to green.
    pub b: f64,
}

/// How probable colour temperatures are in a scene of some brightness.
#[derive(Debug, Clone, PartialEq)]
pub struct Prior {
    /// Brightness of the scene, in lux.
    pub lux: f64,
    /// Logarithm of the probability over kelvin, up to a constant.
    pub log_probability: Piecewise,
}

/// The colour temperatures among which a mode looks.
#[derive(Debug, Clone, PartialEq)]
pub struct TemperatureRange {
    /// Name of the mode: `auto`, `daylight`, ….
    pub name: String,
    /// Lowest temperature, in kelvin.
    pub low: f64,
    /// Highest temperature, in kelvin.
    pub high: f64,
}

/// `rpi.awb`.
#[derive(Debug, Clone, PartialEq)]
pub struct AwbTuning {
    /// Search for the illuminant along the curve; otherwise the grey-world method.
    pub bayes: bool,
    /// Leave out the search beside the curve.
    pub fast: bool,
    /// The curve of illuminants, kelvin rising; empty unless `bayes`.
    pub curve: Vec<CurvePoint>,
    /// Priors, lux rising; may be empty, which favours no temperature.
    pub priors: Vec<Prior>,
    /// The modes in the order of the file; not empty if `bayes`.
    pub modes: Vec<TemperatureRange>,
    /// What red of this sensor has to be multiplied by to be red of the one the curve was measured with.
    pub sensitivity_r: f64,
    /// The same for blue.
    pub sensitivity_b: f64,
    /// How far beside the curve to look on its magenta side (R/G and B/G both larger).
    pub transverse_pos: f64,
    /// How far beside the curve to look on its green side.
    pub transverse_neg: f64,
    /// Width of the steps along the curve, in tenths of the colour temperature.
    pub coarse_step: f64,
    /// Relative colour error beyond which a zone counts as coloured and says nothing more.
    ///
    /// With the default of 0.3 a hundred grey zones outweigh the strongest prior of the published tunings
    /// (6.5, for daylight at 1500 lux and more) when a lamp shines that brightly; with 0.2 they do not.
    pub delta_limit: f64,
    /// Tiles that a zone must have to take part.
    pub min_pixels: f64,
    /// Mean green that a zone must have to take part, on a scale of 13 bits.
    pub min_green: f64,
    /// There must be more zones than this for an estimate.
    pub min_zones: usize,
    /// Fraction of the way to the new estimate that one frame goes.
    pub speed: f64,
    /// Frames from the start that go the whole way at once.
    pub startup_frames: u32,
    /// Frames that pass from one estimate to the next once started up. An estimate takes some tens of
    /// microseconds and needs no thread of its own, so the default is 1.
    pub frame_period: u32,
    /// Frames of a start that an application should not see until colours are right.
    pub convergence_frames: u32,
}

impl AwbTuning {
    pub(super) fn read(block: &Node<'_>) -> Result<Self, TuningError> {
        let fraction = |node: &Node<'_>| node.within(0.0, 1.0);
        let bayes = block.or("bayes", true, |node| node.switch())?;
        let (mut curve, mut priors, mut modes) = (Vec::new(), Vec::new(), Vec::new());
        if bayes {
            curve = read_curve(&block.get("ct_curve")?)?;
            if let Some(node) = block.find("priors")? {
                priors = read_priors(&node)?;
            }
            modes = read_modes(&block.get("modes")?)?;
        }
        Ok(Self {
            bayes,
            fast: block.or("fast", false, |node| node.switch())?,
            curve,
            priors,
            modes,
            sensitivity_r: block.or("sensitivity_r", 1.0, |node| node.positive())?,
            sensitivity_b: block.or("sensitivity_b", 1.0, |node| node.positive())?,
            transverse_pos: block.or("transverse_pos", 0.01, fraction)?,
            transverse_neg: block.or("transverse_neg", 0.01, fraction)?,
            // A tenth of a millikelvin a step would be a search without end.
            coarse_step: block.or("coarse_step", 0.2, |node| node.within(0.02, 5.0))?,
            delta_limit: block.or("delta_limit", 0.3, |node| node.positive())?,
            min_pixels: block.or("min_pixels", 16.0, |node| node.within(0.0, 1e6))?,
            min_green: block.or("min_G", 32.0, |node| node.within(0.0, 8191.0))?,
            min_zones: block.or("min_regions", 10, |node| node.count())? as usize,
            speed: block.or("speed", 0.05, fraction)?,
            startup_frames: block.or("startup_frames", 10, |node| node.count())?,
            frame_period: block.or("frame_period", 1, |node| node.count())?.max(1),
            convergence_frames: block.or("convergence_frames", 3, |node| node.count())?,
        })
    }
}

fn read_curve(node: &Node<'_>) -> Result<Vec<CurvePoint>, TuningError> {
    let mut curve: Vec<CurvePoint> = Vec::new();
    for triple in node.table(3, 6)?.chunks_exact(3) {
        let kelvin = triple[0].positive()?;
        if let Some(last) = curve.last()
            && kelvin <= last.kelvin
        {
            let expected = format!("a colour temperature above {}, the one before it", last.kelvin);
            return Err(triple[0].unexpected(&expected));
        }
        curve.push(CurvePoint { kelvin, r: triple[1].positive()?, b: triple[2].positive()? });
    }
    Ok(curve)
}

fn read_priors(node: &Node<'_>) -> Result<Vec<Prior>, TuningError> {
    let mut priors: Vec<Prior> = Vec::new();
    for item in node.list()? {
        let place = item.get("lux")?;
        let lux = place.within(0.0, 1e9)?;
        if let Some(last) = priors.last()
            && lux <= last.lux
        {
            return Err(place.unexpected(&format!("a brightness above {}, the one before it", last.lux)));
        }
        priors.push(Prior { lux, log_probability: item.get("prior")?.piecewise()? });
    }
    Ok(priors)
}

fn read_modes(node: &Node<'_>) -> Result<Vec<TemperatureRange>, TuningError> {
    let mut modes = Vec::new();
    for (name, item) in node.entries()? {
        let (low, place) = (item.get("lo")?.positive()?, item.get("hi")?);
        let high = place.positive()?;
        if high < low {
            return Err(place.unexpected(&format!("a colour temperature of at least {low}, the lower end")));
        }
        modes.push(TemperatureRange { name: name.to_owned(), low, high });
    }
    if modes.is_empty() {
        return Err(node.unexpected("at least one mode"));
    }
    Ok(modes)
}
