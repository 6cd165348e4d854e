//! The most probable illuminant near a curve of known ones.
//!
//! Bayes' rule, as in D. H. Brainard and W. T. Freeman, "Bayesian color constancy", JOSA A 14 (1997), with
//! simplifications that suit a curve of illuminants (compare the *Raspberry Pi Camera Algorithm and Tuning
//! Guide*): under the right
//! light many zones are grey, so the log likelihood of a light is minus the sum of the squared relative
//! colour errors that are left after balancing for it; an error counts up to a limit, since beyond it a
//! zone simply has a colour. To this the log prior for the brightness of the scene is added.
//!
//! The search goes along the curve in steps of equal ratio, then refines the best step with a parabola,
//! then looks beside the curve (no lamp is a black body), then once more along it at that distance.

use super::curve_at;
use crate::rpi::ipa::piecewise::{bracket, mix};
use crate::rpi::ipa::tuning::{AwbTuning, Prior, TemperatureRange};

/// A light: where on the curve, and its colour, which may lie beside the curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Illuminant {
    pub kelvin: f64,
    pub r: f64,
    pub b: f64,
}

/// Widest step beside the curve, in units of R/G and B/G.
const TRANSVERSE_STEP: f64 = 0.01;

/// Finds the light that explains `zones` best within `range` in a scene of `lux`.
pub(super) fn illuminant(
    tuning: &AwbTuning,
    range: &TemperatureRange,
    zones: &[(f64, f64)],
    lux: f64,
) -> Illuminant {
    let search = Search { tuning, zones, limit: tuning.delta_limit.powi(2), lux };
    let (low, high) = (range.low.ln(), range.high.ln());
    let ratio = (1.0 + 0.1 * tuning.coarse_step).ln();
    let mut along = search.best(low, high, ratio, |log| search.score(log, 0.0));
    let mut aside = 0.0;
    if !tuning.fast {
        // Along and across are nearly independent of each other: two rounds are enough.
        for _ in 0..2 {
            let (from, to) = (-tuning.transverse_neg, tuning.transverse_pos);
            aside = search.best(from, to, TRANSVERSE_STEP, |aside| search.score(along, aside));
            let (from, to) = ((along - 3.0 * ratio).max(low), (along + 3.0 * ratio).min(high));
            along = search.best(from, to, ratio, |log| search.score(log, aside));
        }
    }
    let (r, b) = search.colour(along.exp(), aside);
    Illuminant { kelvin: along.exp(), r, b }
}

struct Search<'a> {
    tuning: &'a AwbTuning,
    zones: &'a [(f64, f64)],
    limit: f64,
    lux: f64,
}

impl Search<'_> {
    /// Where between `from` and `to` the score is best: samples no further apart than `step`, then the
    /// vertex of the parabola through the best sample and its neighbours.
    fn best(&self, from: f64, to: f64, step: f64, score: impl Fn(f64) -> f64) -> f64 {
        let steps = ((to - from) / step).ceil().max(1.0);
        let step = (to - from) / steps;
        if step <= 0.0 {
            return from;
        }
        let place = |index: f64| from + index * step;
        let (mut best, mut best_score) = (0.0, f64::NEG_INFINITY);
        for index in 0..=steps as usize {
            let value = score(place(index as f64));
            if value > best_score {
                (best, best_score) = (index as f64, value);
            }
        }
        if best == 0.0 || best == steps {
            // The best may still lie inside the first or last step: halve it towards the inside.
            let inward = if best == 0.0 { 0.5 } else { -0.5 };
            let inner = score(place(best + inward));
            return if inner > best_score { place(best + inward) } else { place(best) };
        }
        let (before, after) = (score(place(best - 1.0)), score(place(best + 1.0)));
        let curvature = before - 2.0 * best_score + after;
        let vertex = if curvature < 0.0 { 0.5 * (before - after) / curvature } else { 0.0 };
        place(best + vertex.clamp(-1.0, 1.0))
    }

    /// Log probability of the light at `log` kelvin (natural logarithm), `aside` of the curve.
    fn score(&self, log: f64, aside: f64) -> f64 {
        let kelvin = log.exp();
        let (r, b) = self.colour(kelvin, aside);
        let (red, blue) = (1.0 / r, 1.0 / b);
        let error: f64 = self
            .zones
            .iter()
            .map(|zone| ((zone.0 * red - 1.0).powi(2) + (zone.1 * blue - 1.0).powi(2)).min(self.limit))
            .sum();
        log_prior(&self.tuning.priors, kelvin, self.lux) - error
    }

    /// Colour of the light at `kelvin`, moved `aside` at right angles to the curve; positive towards
    /// magenta, where both ratios are larger.
    fn colour(&self, kelvin: f64, aside: f64) -> (f64, f64) {
        let curve = &self.tuning.curve;
        let (r, b) = curve_at(curve, kelvin);
        if aside == 0.0 {
            return (r, b);
        }
        // The direction over a tenth of the temperature either way, so that it does not jump at a point.
        let (r1, b1) = curve_at(curve, kelvin * 0.9);
        let (r2, b2) = curve_at(curve, kelvin * 1.1);
        let (x, y) = ((r2 - r1).abs(), (b2 - b1).abs());
        let length = x.hypot(y);
        if length < 1e-9 {
            return (r, b);
        }
        ((r + aside * y / length).max(1e-3), (b + aside * x / length).max(1e-3))
    }
}

/// Log prior of `kelvin`, interpolated between the brightnesses on both sides of `lux`.
fn log_prior(priors: &[Prior], kelvin: f64, lux: f64) -> f64 {
    if priors.is_empty() {
        return 0.0;
    }
    let (index, weight) = bracket(priors, |prior| prior.lux, lux);
    let low = priors[index].log_probability.at(kelvin);
    let high = priors[(index + 1).min(priors.len() - 1)].log_probability.at(kelvin);
    mix(low, high, weight)
}
