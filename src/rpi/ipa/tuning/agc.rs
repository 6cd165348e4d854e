//! `rpi.agc`: how bright pictures shall be, and with which exposure and gain.

use super::TuningError;
use super::read::Node;
use crate::rpi::ipa::piecewise::Piecewise;
use crate::rpi::layout::AGC_REGIONS_READ;

/// Weights in a metering mode.
pub const METERING_REGIONS: usize = AGC_REGIONS_READ;

/// Something of the tuning that has a name: a mode.
#[derive(Debug, Clone, PartialEq)]
pub struct Named<T> {
    /// The name, as in `centre-weighted` or `normal`.
    pub name: String,
    /// What it names.
    pub value: T,
}

/// How to divide a total exposure into exposure time and analogue gain.
///
/// The stages are gone through in order: first the exposure rises to the stage's, then the gain.
#[derive(Debug, Clone, PartialEq)]
pub struct ExposureMode {
    /// Exposure time in microseconds and analogue gain of each stage, neither falling; not empty.
    pub stages: Vec<(f64, f64)>,
}

/// Which way a constraint pushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// The picture may not be darker than this.
    Lower,
    /// The picture may not be brighter than this.
    Upper,
}

/// A demand on the histogram: the mean between two quantiles is at least, or at most, some value.
#[derive(Debug, Clone, PartialEq)]
pub struct Constraint {
    /// At least or at most.
    pub bound: Bound,
    /// Lower quantile, 0 to 1.
    pub q_lo: f64,
    /// Upper quantile, above the lower and at most 1.
    pub q_hi: f64,
    /// The value over lux, as a fraction of full scale.
    pub y_target: Piecewise,
}

/// `rpi.agc`, its first channel if there are several.
#[derive(Debug, Clone, PartialEq)]
pub struct AgcTuning {
    /// Metering modes: the weights of the regions. Not empty; the first is the default.
    pub metering_modes: Vec<Named<[f64; METERING_REGIONS]>>,
    /// Exposure modes. Not empty; the first is the default.
    pub exposure_modes: Vec<Named<ExposureMode>>,
    /// Constraint modes. Not empty; the first is the default.
    pub constraint_modes: Vec<Named<Vec<Constraint>>>,
    /// Wanted mean luma over lux, as a fraction of full scale.
    pub y_target: Piecewise,
    /// Fraction of the way to the target that one frame goes.
    pub speed: f64,
    /// Frames from the start that go the whole way at once.
    pub startup_frames: u32,
    /// Frames of a start that an application should not see until exposure is right.
    pub convergence_frames: u32,
    /// How far below the total exposure the sensor's may lie while highlights are clipped, as a fraction.
    pub fast_reduce_threshold: f64,
    /// Factor on all targets that goes with an exposure value of zero.
    pub base_ev: f64,
    /// Exposure of the first frame, in microseconds.
    pub default_exposure_us: f64,
    /// Analogue gain of the first frame.
    pub default_gain: f64,
}

impl AgcTuning {
    /// Reads either shape of the block; names in `ignored` what has no effect.
    pub(super) fn read(block: &Node<'_>, ignored: &mut Vec<String>) -> Result<Self, TuningError> {
        let Some(channels) = block.find("channels")? else { return Self::read_channel(block) };
        let list = channels.list()?;
        let Some(first) = list.first() else { return Err(channels.unexpected("at least one channel")) };
        if list.len() > 1 {
            ignored.push(format!("rpi.agc.channels[1..{}]", list.len()));
        }
        Self::read_channel(first)
    }

    fn read_channel(node: &Node<'_>) -> Result<Self, TuningError> {
        Ok(Self {
            metering_modes: named(&node.get("metering_modes")?, read_weights)?,
            exposure_modes: named(&node.get("exposure_modes")?, read_stages)?,
            constraint_modes: named(&node.get("constraint_modes")?, |mode| {
                mode.list()?.iter().map(read_constraint).collect()
            })?,
            y_target: read_target(&node.get("y_target")?)?,
            speed: node.or("speed", 0.2, |value| value.within(0.001, 1.0))?,
            startup_frames: node.or("startup_frames", 10, |value| value.count())?,
            convergence_frames: node.or("convergence_frames", 6, |value| value.count())?,
            fast_reduce_threshold: node.or("fast_reduce_threshold", 0.4, |value| value.within(0.25, 1.0))?,
            base_ev: node.or("base_ev", 1.0, |value| value.positive())?,
            default_exposure_us: node.or("default_exposure_time", 1000.0, |value| value.positive())?,
            default_gain: node.or("default_analogue_gain", 1.0, |value| value.within(1.0, 1000.0))?,
        })
    }
}

fn named<T>(
    node: &Node<'_>,
    read: impl Fn(&Node<'_>) -> Result<T, TuningError>,
) -> Result<Vec<Named<T>>, TuningError> {
    let mut modes = Vec::new();
    for (name, mode) in node.entries()? {
        modes.push(Named { name: name.to_owned(), value: read(&mode)? });
    }
    if modes.is_empty() { Err(node.unexpected("at least one mode")) } else { Ok(modes) }
}

fn read_weights(mode: &Node<'_>) -> Result<[f64; METERING_REGIONS], TuningError> {
    let node = mode.get("weights")?;
    let list = node.list()?;
    if list.len() != METERING_REGIONS {
        return Err(node.unexpected(&format!("{METERING_REGIONS} weights")));
    }
    let mut weights = [0.0; METERING_REGIONS];
    for (weight, item) in weights.iter_mut().zip(&list) {
        *weight = item.within(0.0, 1e6)?;
    }
    if weights.iter().sum::<f64>() <= 0.0 {
        return Err(node.unexpected("at least one weight above zero"));
    }
    Ok(weights)
}

fn read_stages(mode: &Node<'_>) -> Result<ExposureMode, TuningError> {
    let (shutter, gain) = (mode.get("shutter")?, mode.get("gain")?);
    let times = rising(&shutter, 1.0)?;
    let gains = rising(&gain, 1.0)?;
    if times.len() != gains.len() {
        return Err(gain.unexpected(&format!("{} gains, one for each exposure", times.len())));
    }
    Ok(ExposureMode { stages: times.into_iter().zip(gains).collect() })
}

/// A list that does not fall and starts no lower than `least`.
fn rising(node: &Node<'_>, least: f64) -> Result<Vec<f64>, TuningError> {
    let mut numbers = Vec::new();
    let mut last = least;
    for item in node.table(1, 1)? {
        let number = item.number()?;
        if number < last {
            return Err(item.unexpected(&format!("a number of at least {last}")));
        }
        last = number;
        numbers.push(number);
    }
    Ok(numbers)
}

fn read_constraint(node: &Node<'_>) -> Result<Constraint, TuningError> {
    let bound = node.get("bound")?;
    let bound = match bound.text()? {
        "LOWER" => Bound::Lower,
        "UPPER" => Bound::Upper,
        _ => return Err(bound.unexpected("\"LOWER\" or \"UPPER\"")),
    };
    let q_lo = node.get("q_lo")?.within(0.0, 1.0)?;
    let place = node.get("q_hi")?;
    let q_hi = place.within(0.0, 1.0)?;
    if q_hi <= q_lo {
        return Err(place.unexpected(&format!("a quantile above {q_lo}, the lower one")));
    }
    Ok(Constraint { bound, q_lo, q_hi, y_target: read_target(&node.get("y_target")?)? })
}

/// A target over lux; zero or less would ask for a black picture, more than one for the impossible.
fn read_target(node: &Node<'_>) -> Result<Piecewise, TuningError> {
    for pair in node.table(2, 2)?.chunks_exact(2) {
        pair[1].within(0.001, 1.0)?;
    }
    node.piecewise()
}
