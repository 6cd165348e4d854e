//! Automatic exposure: which total exposure the scene needs, and how to get there.
//!
//! Total exposure is exposure time times all gains. Statistics of a frame come with the exposure that
//! acted in that frame, so the total it should have had is known in absolute terms, whatever is still
//! under way to the sensor: its delays cannot make the loop oscillate. The total approaches the target
//! with damping, in its logarithm, since that is how eyes see it and how steps up and down take equally
//! long. What the sensor cannot do exactly (steps of line and gain code, delays) digital gain makes up.

mod metering;
mod split;

use super::awb::Balance;
use super::histogram::between_quantiles;
use super::metadata::AeState;
use super::tuning::{AgcTuning, Bound, Named};
use crate::rpi::layout::{HISTOGRAM_BINS, Statistics};
use metering::Meter;
use split::{Fixed, reach, split};

pub use split::{Exposure, ExposureLimits};

/// Largest digital gain; more would show the steps of the converter.
pub const MAX_DIGITAL_GAIN: f64 = 4.0;

/// No target goes beyond this fraction of full scale, whatever the exposure value: a picture whose every
/// part is white says nothing about how much too bright it is.
const HIGHEST_TARGET: f64 = 0.9;

/// From this error on (in the natural logarithm of exposure, here one stop) steps are larger.
const LARGE_ERROR: f64 = std::f64::consts::LN_2;

/// How much larger.
const LARGE_ERROR_BOOST: f64 = 1.8;

/// Errors below this are left alone, so that noise does not move the sensor between neighbouring codes.
const DEAD_BAND: f64 = 0.005;

/// When the target is below this fraction of the total, the sensor goes ahead of it.
const AHEAD_BELOW: f64 = 0.7;

/// Stable frames after which the exposure counts as converged.
const STABLE_FRAMES: u32 = 5;

/// A frame is stable if its error is below this; once converged, below twice as much.
const STABLE_ERROR: f64 = 0.05;

/// What one frame tells.
#[derive(Debug, Clone, Copy)]
pub struct Observation<'a> {
    /// The statistics of the frame.
    pub statistics: &'a Statistics,
    /// Exposure and analogue gain that acted in it.
    pub exposure: Exposure,
    /// Digital gain that it was given.
    pub digital_gain: f64,
    /// White balance that it was given.
    pub balance: Balance,
    /// Brightness of its scene, in lux.
    pub lux: f64,
}

/// The exposure algorithm and its memory.
///
/// ```
/// use ringfence::rpi::ipa::agc::Agc;
/// use ringfence::rpi::ipa::metadata::AeState;
/// use ringfence::rpi::ipa::tuning::Tuning;
///
/// let mut agc = Agc::new(Tuning::builtin().agc);
/// assert!(agc.set_metering_mode("spot") && !agc.set_metering_mode("by ear"));
/// assert_eq!(agc.state(), AeState::Searching);
/// agc.set_fixed_exposure(Some(0.01));
/// agc.set_fixed_gain(Some(1.0));
/// assert_eq!(agc.state(), AeState::Idle);
/// ```
#[derive(Debug, Clone)]
pub struct Agc {
    tuning: AgcTuning,
    metering: usize,
    mode: usize,
    constraint: usize,
    exposure_value: f64,
    enabled: bool,
    /// What requests have fixed.
    fixed: Fixed,
    /// What was commanded when the algorithm was disabled.
    held: Option<Exposure>,
    /// Total exposure that pictures have at present, damped.
    total: Option<f64>,
    commanded: Option<Exposure>,
    /// The sensor goes ahead of a falling total.
    ahead: bool,
    frames: u32,
    stable: u32,
    converged: bool,
    target_luma: f64,
    luma: f64,
}

impl Agc {
    /// An algorithm in the first modes of the tuning.
    #[must_use]
    pub fn new(tuning: AgcTuning) -> Self {
        Self {
            tuning,
            metering: 0,
            mode: 0,
            constraint: 0,
            exposure_value: 0.0,
            enabled: true,
            fixed: Fixed::default(),
            held: None,
            total: None,
            commanded: None,
            ahead: false,
            frames: 0,
            stable: 0,
            converged: false,
            target_luma: 0.0,
            luma: 0.0,
        }
    }

    /// Meters with the mode called `name`; false if the tuning has none.
    pub fn set_metering_mode(&mut self, name: &str) -> bool {
        select(&self.tuning.metering_modes, &mut self.metering, name)
    }

    /// Divides exposure by the mode called `name`; false if the tuning has none.
    pub fn set_exposure_mode(&mut self, name: &str) -> bool {
        select(&self.tuning.exposure_modes, &mut self.mode, name)
    }

    /// Applies the constraints of the mode called `name`; false if the tuning has none.
    pub fn set_constraint_mode(&mut self, name: &str) -> bool {
        select(&self.tuning.constraint_modes, &mut self.constraint, name)
    }

    /// Makes pictures brighter (positive) or darker, in stops.
    pub fn set_exposure_value(&mut self, stops: f64) {
        self.exposure_value = stops.clamp(-8.0, 8.0);
    }

    /// Fixes the exposure time in seconds, or frees it.
    pub fn set_fixed_exposure(&mut self, seconds: Option<f64>) {
        self.fixed.seconds = seconds;
    }

    /// Fixes the analogue gain, or frees it.
    pub fn set_fixed_gain(&mut self, gain: Option<f64>) {
        self.fixed.gain = gain;
    }

    /// Frees both values and goes on (`true`), or holds what was commanded last (`false`).
    pub fn enable(&mut self, enabled: bool) {
        if enabled {
            self.fixed = Fixed::default();
            self.held = None;
        } else if self.enabled {
            self.held = self.commanded;
        }
        self.enabled = enabled;
    }

    /// Frames of a start that an application should not see.
    #[must_use]
    pub fn convergence_frames(&self) -> u32 {
        if self.idle() { 0 } else { self.tuning.convergence_frames }
    }

    /// How far the exposure is on its way.
    #[must_use]
    pub fn state(&self) -> AeState {
        match (self.idle(), self.converged) {
            (true, _) => AeState::Idle,
            (false, true) => AeState::Converged,
            (false, false) => AeState::Searching,
        }
    }

    /// Mean luma aimed at and mean luma of the last frame after digital gain, as fractions of full scale.
    #[must_use]
    pub fn lumas(&self) -> (f64, f64) {
        (self.target_luma, self.luma)
    }

    /// The exposure to start with: as before, if there was a before.
    pub fn start(&mut self, limits: &ExposureLimits) -> Exposure {
        let default =
            Exposure { seconds: self.tuning.default_exposure_us * 1e-6, gain: self.tuning.default_gain };
        let total = self.commanded.unwrap_or(default);
        let fixed = self.fixed_now();
        let exposure = if fixed == Fixed::default() && self.commanded.is_none() {
            // Literally what the tuning says, not what the exposure mode would make of the same total.
            Exposure {
                seconds: total.seconds.clamp(limits.min_exposure, limits.max_exposure),
                gain: total.gain.clamp(1.0, limits.max_gain),
            }
        } else {
            split(&self.tuning.exposure_modes[self.mode].value, limits, fixed, total.total())
        };
        if !self.enabled && self.held.is_none() {
            // Disabled before anything was commanded: this is what there is to hold.
            self.held = Some(exposure);
        }
        self.stable = 0;
        self.converged = false;
        exposure
    }

    /// Takes note of what the sensor was really told to do, in whole lines and codes.
    pub fn set_commanded(&mut self, exposure: Exposure) {
        self.commanded = Some(exposure);
    }

    /// The digital gain for a frame that was exposed with `exposure`.
    #[must_use]
    pub fn digital_gain(&self, exposure: Exposure) -> f64 {
        let gain = self.total.map_or(1.0, |total| total / exposure.total());
        if gain.is_finite() { gain.clamp(1.0, MAX_DIGITAL_GAIN) } else { 1.0 }
    }

    /// Learns from one frame; returns the exposure for frames to come, or `None` if the statistics are
    /// empty.
    pub fn process(&mut self, seen: &Observation<'_>, limits: &ExposureLimits) -> Option<Exposure> {
        let weights = &self.tuning.metering_modes[self.metering].value;
        let meter = Meter::new(&seen.statistics.agc, weights, (seen.balance.red, seen.balance.blue))?;
        let gain = self.wanted_gain(&meter, seen);
        self.luma = meter.luma(seen.digital_gain);

        let (fixed, mode) = (self.fixed_now(), &self.tuning.exposure_modes[self.mode].value);
        let (least, most) = reach(mode, limits, fixed);
        let target = (seen.exposure.total() * gain).clamp(least, most);
        let total = self.approach(target).clamp(least, most);
        let sensor = self.relieve_highlights(total, target);
        let exposure = split(&self.tuning.exposure_modes[self.mode].value, limits, fixed, sensor);
        self.total = Some(total);
        self.frames = self.frames.saturating_add(1);
        self.judge(target / total, seen.exposure);
        Some(exposure)
    }

    /// The factor by which this frame's total exposure was too small.
    fn wanted_gain(&mut self, meter: &Meter, seen: &Observation<'_>) -> f64 {
        let brighter = self.tuning.base_ev * self.exposure_value.exp2();
        let scaled = |target: f64| (target * brighter).min(HIGHEST_TARGET);
        self.target_luma = scaled(self.tuning.y_target.at(seen.lux));
        let mut gain = meter.gain_for(self.target_luma);
        let mut constrained = false;
        for constraint in &self.tuning.constraint_modes[self.constraint].value {
            let bins = &seen.statistics.histograms[0].g;
            let Some(mean) = between_quantiles(bins, constraint.q_lo, constraint.q_hi) else { continue };
            let limit = scaled(constraint.y_target.at(seen.lux)) / (mean / HISTOGRAM_BINS as f64);
            let acts = match constraint.bound {
                Bound::Lower => gain < limit,
                Bound::Upper => gain > limit,
            };
            if acts {
                gain = limit;
                constrained = true;
            }
        }
        if constrained {
            self.target_luma = meter.luma(gain);
        }
        gain
    }

    /// One frame's step from the present total exposure to `target`.
    fn approach(&self, target: f64) -> f64 {
        let now = match self.total {
            Some(total) if self.frames >= self.tuning.startup_frames && !self.idle() => total,
            _ => return target,
        };
        let error = (target / now).ln();
        if error.abs() < DEAD_BAND {
            return now;
        }
        let boost = if error.abs() > LARGE_ERROR { LARGE_ERROR_BOOST } else { 1.0 };
        now * (error * (self.tuning.speed * boost).min(1.0)).exp()
    }

    /// The sensor's part of `total` on the way to `target`.
    ///
    /// While a picture is much too bright its highlights are clipped, and colours and measurements with
    /// them. The sensor then goes ahead of the total, straight to the target or as far as the tuning
    /// allows, and digital gain hides it. It keeps going ahead until the total has arrived: on the way
    /// its part only falls, and at the end there is no jump, so that it cannot switch to and fro.
    fn relieve_highlights(&mut self, total: f64, target: f64) -> f64 {
        let ratio = target / total;
        self.ahead = ratio < AHEAD_BELOW || (self.ahead && ratio < 1.0 - 2.0 * DEAD_BAND);
        if self.ahead { target.max(total * self.tuning.fast_reduce_threshold) } else { total }
    }

    /// Counts frames in which the total is near its target and the sensor does what it was told.
    fn judge(&mut self, ratio: f64, seen: Exposure) {
        let tolerance = if self.converged { 2.0 * STABLE_ERROR } else { STABLE_ERROR };
        let arrived =
            self.commanded.is_some_and(|commanded| (seen.total() / commanded.total()).ln().abs() < tolerance);
        let stable = arrived && ratio.ln().abs() < tolerance;
        self.stable = if stable { (self.stable + 1).min(STABLE_FRAMES) } else { 0 };
        self.converged = self.stable == STABLE_FRAMES;
    }

    fn fixed_now(&self) -> Fixed {
        Fixed {
            seconds: self.fixed.seconds.or(self.held.map(|held| held.seconds)),
            gain: self.fixed.gain.or(self.held.map(|held| held.gain)),
        }
    }

    /// Nothing is left to decide.
    fn idle(&self) -> bool {
        let fixed = self.fixed_now();
        !self.enabled || (fixed.seconds.is_some() && fixed.gain.is_some())
    }
}

fn select<T>(modes: &[Named<T>], chosen: &mut usize, name: &str) -> bool {
    let found = modes.iter().position(|mode| mode.name == name);
    *chosen = found.unwrap_or(*chosen);
    found.is_some()
}

#[cfg(test)]
#[path = "agc/tests.rs"]
mod tests;
