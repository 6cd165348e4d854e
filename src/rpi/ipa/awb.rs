//! White balance: which light shines on the scene, and the gains that make grey come out grey.
//!
//! With `bayes` in the tuning, the illuminant is the most probable one near the curve of known
//! illuminants: see `search`. Otherwise the picture is taken to be grey on average (`grey_world`).
//! Either way the gains follow the estimate with damping.

mod grey_world;
mod search;

use super::piecewise::{bracket, mix};
use super::tuning::{AwbTuning, CurvePoint};
use crate::rpi::layout::{AWB_ZONES, Statistics};

/// Zones of the statistics.
const ZONES: usize = AWB_ZONES.0 * AWB_ZONES.1;

/// Colour temperature to start with and to report while none is known, in kelvin.
const STARTUP_KELVIN: f64 = 4500.0;

/// Gains of red and blue relative to green, and the temperature of the light they belong to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Balance {
    /// Gain of red.
    pub red: f64,
    /// Gain of blue.
    pub blue: f64,
    /// Colour temperature, in kelvin.
    pub kelvin: f64,
}

/// The colours of the zones that take part: red and blue relative to green, sensitivities applied.
#[derive(Debug, Clone)]
struct Zones {
    colours: [(f64, f64); ZONES],
    count: usize,
}

impl Zones {
    fn colours(&self) -> &[(f64, f64)] {
        &self.colours[..self.count]
    }

    /// Zones with enough tiles that are neither saturated nor lost in the noise.
    fn collect(&mut self, tuning: &AwbTuning, statistics: &Statistics) {
        self.count = 0;
        for zone in &statistics.awb {
            let counted = f64::from(zone.counted);
            let green = zone.g_sum as f64;
            if zone.counted == 0 || counted < tuning.min_pixels || green < tuning.min_green * counted {
                continue;
            }
            let colour = (
                zone.r_sum as f64 / green * tuning.sensitivity_r,
                zone.b_sum as f64 / green * tuning.sensitivity_b,
            );
            // A zone of no light at all passes if the tuning asks for none.
            if green > 0.0 {
                self.colours[self.count] = colour;
                self.count += 1;
            }
        }
    }
}

/// The white-balance algorithm and its memory.
///
/// ```
/// use ringfence::rpi::ipa::awb::Awb;
/// use ringfence::rpi::ipa::tuning::Tuning;
///
/// let mut awb = Awb::new(Tuning::builtin().awb.expect("it has colours"));
/// assert_eq!(awb.balance_now().kelvin, 4500.0);
/// awb.set_manual(1.5, 2.0);
/// assert_eq!((awb.balance_now().red, awb.balance_now().blue), (1.5, 2.0));
/// ```
#[derive(Debug, Clone)]
pub struct Awb {
    tuning: AwbTuning,
    mode: usize,
    enabled: bool,
    manual: Option<(f64, f64)>,
    current: Balance,
    target: Balance,
    frames: u32,
    until_next: u32,
    zones: Zones,
}

impl Awb {
    /// An algorithm that starts at 4500 K, in mode `auto` or, without one, the first of the tuning.
    #[must_use]
    pub fn new(tuning: AwbTuning) -> Self {
        let mode = tuning.modes.iter().position(|mode| mode.name == "auto").unwrap_or(0);
        let mut awb = Self {
            mode,
            enabled: true,
            manual: None,
            current: Balance { red: 1.0, blue: 1.0, kelvin: STARTUP_KELVIN },
            target: Balance { red: 1.0, blue: 1.0, kelvin: STARTUP_KELVIN },
            frames: 0,
            until_next: 0,
            zones: Zones { colours: [(0.0, 0.0); ZONES], count: 0 },
            tuning,
        };
        if !awb.tuning.curve.is_empty() {
            let range = &awb.tuning.modes[awb.mode];
            let kelvin = STARTUP_KELVIN.clamp(range.low, range.high);
            let (r, b) = curve_at(&awb.tuning.curve, kelvin);
            awb.current = awb.balance(r, b, kelvin);
            awb.target = awb.current;
        }
        awb
    }

    /// The gains at present.
    #[must_use]
    pub fn balance_now(&self) -> Balance {
        self.current
    }

    /// Frames of a start that an application should not see.
    #[must_use]
    pub fn convergence_frames(&self) -> u32 {
        if self.enabled && self.manual.is_none() { self.tuning.convergence_frames } else { 0 }
    }

    /// Looks among the temperatures of the mode called `name` from now on; false if there is none.
    pub fn set_mode(&mut self, name: &str) -> bool {
        let found = self.tuning.modes.iter().position(|mode| mode.name == name);
        self.mode = found.unwrap_or(self.mode);
        self.until_next = 0;
        found.is_some()
    }

    /// Goes on (`true`), forgetting manual gains, or holds the gains of the moment (`false`).
    pub fn enable(&mut self, enabled: bool) {
        self.enabled = enabled;
        if enabled {
            self.manual = None;
        }
    }

    /// Takes gains of red and blue as given, from the next frame on; with a zero among them, automatic
    /// again. The temperature reported with manual gains is that of the nearest light on the curve.
    pub fn set_manual(&mut self, red: f64, blue: f64) {
        self.manual = (red > 0.0 && blue > 0.0).then_some((red, blue));
        if let Some((red, blue)) = self.manual {
            let kelvin = self.kelvin_of(self.tuning.sensitivity_r / red, self.tuning.sensitivity_b / blue);
            self.current = Balance { red, blue, kelvin };
            self.target = self.current;
        }
    }

    /// Learns from the statistics of one picture of a scene of `lux`.
    pub fn process(&mut self, statistics: &Statistics, lux: f64) {
        if !self.enabled || self.manual.is_some() {
            return;
        }
        if self.until_next == 0 || self.frames < self.tuning.startup_frames {
            self.estimate(statistics, lux);
            self.until_next = self.tuning.frame_period;
        }
        self.until_next -= 1;
        let speed = if self.frames < self.tuning.startup_frames { 1.0 } else { self.tuning.speed };
        self.frames = self.frames.saturating_add(1);
        self.current = Balance {
            red: mix(self.current.red, self.target.red, speed),
            blue: mix(self.current.blue, self.target.blue, speed),
            kelvin: mix(self.current.kelvin, self.target.kelvin, speed),
        };
    }

    /// A new target, or the old one if too little of the picture is fit for an estimate.
    fn estimate(&mut self, statistics: &Statistics, lux: f64) {
        self.zones.collect(&self.tuning, statistics);
        if self.zones.count <= self.tuning.min_zones {
            return;
        }
        self.target = if self.tuning.bayes {
            let range = &self.tuning.modes[self.mode];
            let found = search::illuminant(&self.tuning, range, self.zones.colours(), lux);
            self.balance(found.r, found.b, found.kelvin)
        } else {
            let count = self.zones.count;
            let (r, b) = grey_world::average(&mut self.zones.colours[..count]);
            self.balance(r, b, self.kelvin_of(r, b))
        };
    }

    /// The gains that turn a colour of the curve into grey.
    fn balance(&self, r: f64, b: f64, kelvin: f64) -> Balance {
        // A picture without red or blue, or of nothing else, cannot be balanced; the gains stay sane.
        let gain = |sensitivity: f64, ratio: f64| (sensitivity / ratio.max(1e-6)).clamp(0.1, 16.0);
        Balance { red: gain(self.tuning.sensitivity_r, r), blue: gain(self.tuning.sensitivity_b, b), kelvin }
    }

    /// Temperature of the light on the curve that is nearest to a colour.
    fn kelvin_of(&self, r: f64, b: f64) -> f64 {
        let nearest = self.tuning.curve.windows(2).map(|ends| {
            let (x, y) = (ends[1].r - ends[0].r, ends[1].b - ends[0].b);
            let along = ((r - ends[0].r) * x + (b - ends[0].b) * y) / (x * x + y * y).max(1e-12);
            let along = along.clamp(0.0, 1.0);
            let distance = (r - ends[0].r - along * x).hypot(b - ends[0].b - along * y);
            (distance, mix(ends[0].kelvin, ends[1].kelvin, along))
        });
        nearest.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(STARTUP_KELVIN, |(_, kelvin)| kelvin)
    }
}

/// What the curve says of light of `kelvin`: red and blue relative to green.
fn curve_at(curve: &[CurvePoint], kelvin: f64) -> (f64, f64) {
    let (index, weight) = bracket(curve, |point| point.kelvin, kelvin);
    let (low, high) = (curve[index], curve[(index + 1).min(curve.len() - 1)]);
    (mix(low.r, high.r, weight), mix(low.b, high.b, weight))
}

#[cfg(test)]
#[path = "awb/tests.rs"]
mod tests;
