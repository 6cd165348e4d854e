//! Division of a total exposure into exposure time and analogue gain.

use super::super::tuning::ExposureMode;

/// What a sensor mode, a frame rate and fixed values leave open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExposureLimits {
    /// Shortest exposure, in seconds.
    pub min_exposure: f64,
    /// Longest exposure, in seconds.
    pub max_exposure: f64,
    /// Largest analogue gain; the smallest is 1.
    pub max_gain: f64,
}

/// An exposure in seconds and an analogue gain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exposure {
    /// Exposure time, in seconds.
    pub seconds: f64,
    /// Analogue gain.
    pub gain: f64,
}

impl Exposure {
    /// Total exposure: seconds at gain 1.
    #[must_use]
    pub fn total(self) -> f64 {
        self.seconds * self.gain
    }
}

/// Values that a request has fixed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Fixed {
    /// Exposure time, in seconds.
    pub seconds: Option<f64>,
    /// Analogue gain.
    pub gain: Option<f64>,
}

/// Divides `total` (seconds at gain 1) along the stages of `mode`; with fixed values, the other takes it
/// all. What lies outside the reach of the mode comes out as its nearest end.
pub(super) fn split(mode: &ExposureMode, limits: &ExposureLimits, fixed: Fixed, total: f64) -> Exposure {
    let time = |seconds: f64| seconds.clamp(limits.min_exposure, limits.max_exposure);
    let amplify = |gain: f64| gain.clamp(1.0, limits.max_gain);
    let mut now = Exposure {
        seconds: fixed.seconds.map_or(limits.min_exposure, time),
        gain: fixed.gain.map_or(amplify(mode.stages[0].1), amplify),
    };
    for &(microseconds, gain) in &mode.stages {
        if fixed.seconds.is_none() {
            now.seconds = time(microseconds * 1e-6).min((total / now.gain).max(now.seconds));
        }
        if fixed.gain.is_none() {
            now.gain = amplify(gain).min((total / now.seconds).max(now.gain));
        }
    }
    now
}

/// Smallest and largest total exposure that [`split`] can yield.
pub(super) fn reach(mode: &ExposureMode, limits: &ExposureLimits, fixed: Fixed) -> (f64, f64) {
    (split(mode, limits, fixed, 0.0).total(), split(mode, limits, fixed, f64::MAX).total())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ExposureLimits = ExposureLimits { min_exposure: 75e-6, max_exposure: 0.12, max_gain: 10.0 };

    fn mode() -> ExposureMode {
        ExposureMode { stages: vec![(100.0, 1.0), (10_000.0, 2.0), (30_000.0, 4.0), (66_666.0, 8.0)] }
    }

    fn check(total: f64, fixed: Fixed, seconds: f64, gain: f64) {
        let found = split(&mode(), &LIMITS, fixed, total);
        assert!(
            (found.seconds / seconds - 1.0).abs() < 1e-9 && (found.gain / gain - 1.0).abs() < 1e-9,
            "{total}: {found:?}, not {seconds} s at {gain}"
        );
    }

    #[test]
    fn stages_are_climbed_in_order() {
        let free = Fixed::default();
        check(0.0, free, 75e-6, 1.0);
        check(0.002, free, 0.002, 1.0);
        check(0.011_43, free, 0.01, 1.143);
        check(0.04, free, 0.02, 2.0);
        check(0.09, free, 0.03, 3.0);
        check(0.2, free, 0.05, 4.0);
        check(9.0, free, 0.066_666, 8.0);
    }

    #[test]
    fn fixed_values_stay() {
        let seconds = Fixed { seconds: Some(0.005), gain: None };
        check(0.02, seconds, 0.005, 4.0);
        check(0.001, seconds, 0.005, 1.0);
        check(1.0, seconds, 0.005, 8.0);
        let gain = Fixed { seconds: None, gain: Some(3.0) };
        check(0.03, gain, 0.01, 3.0);
        check(1.0, gain, 0.066_666, 3.0);
        check(1.0, Fixed { seconds: Some(0.02), gain: Some(99.0) }, 0.02, 10.0);
    }

    #[test]
    fn a_short_frame_turns_to_gain() {
        let limits = ExposureLimits { max_exposure: 0.005, ..LIMITS };
        let found = split(&mode(), &limits, Fixed::default(), 0.02);
        assert!((found.seconds - 0.005).abs() < 1e-12 && (found.gain - 4.0).abs() < 1e-9, "{found:?}");
        assert_eq!(reach(&mode(), &limits, Fixed::default()), (75e-6, 0.04));
    }
}
