//! What the algorithms must know of a sensor, and the settings they exchange with it.

use crate::rpi::imx219;

/// Facts about a kind of sensor.
#[derive(Debug, Clone, Copy)]
pub struct SensorFacts {
    /// Smallest exposure, in lines.
    pub min_exposure: u32,
    /// An exposure is at most the frame length less this, in lines.
    pub exposure_margin: u32,
    /// Smallest vertical blanking, in lines.
    pub min_vblank: u32,
    /// Largest gain code.
    pub max_gain_code: u32,
    /// Analogue gain of a code.
    pub gain_of_code: fn(u32) -> f64,
    /// The code with the largest gain that is not above the one given.
    pub code_of_gain: fn(f64) -> u32,
    /// The mode to assume until one is configured.
    pub default_mode: SensorMode,
}

impl SensorFacts {
    /// The Sony IMX219.
    #[must_use]
    pub fn imx219() -> Self {
        Self {
            min_exposure: imx219::MIN_EXPOSURE,
            exposure_margin: imx219::EXPOSURE_MARGIN,
            min_vblank: imx219::MIN_VBLANK,
            max_gain_code: imx219::MAX_GAIN_CODE,
            gain_of_code: imx219::gain_of_code,
            code_of_gain: imx219::code_of_gain,
            default_mode: SensorMode {
                height: imx219::ACTIVE_HEIGHT,
                line_seconds: imx219::line_seconds(),
                min_frame_length: imx219::ACTIVE_HEIGHT + imx219::MIN_VBLANK,
                max_frame_length: imx219::MAX_FRAME_LENGTH,
            },
        }
    }
}

/// A mode of the sensor: how many lines it reads and how fast.
///
/// ```
/// use ringfence::rpi::ipa::sensor::SensorFacts;
///
/// let facts = SensorFacts::imx219();
/// assert_eq!(facts.default_mode.whole_lines(0.02), 1058);
/// assert!((facts.default_mode.lines_to_us(1058) - 20_000.0).abs() < 19.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SensorMode {
    /// Lines of the picture.
    pub height: u32,
    /// Duration of a line with its blanking, in seconds.
    pub line_seconds: f64,
    /// Shortest frame with its blanking, in lines.
    pub min_frame_length: u32,
    /// Longest frame with its blanking, in lines.
    pub max_frame_length: u32,
}

impl SensorMode {
    /// Duration of a number of lines, in microseconds.
    #[must_use]
    pub fn lines_to_us(&self, lines: u32) -> f64 {
        f64::from(lines) * self.line_seconds * 1e6
    }

    /// Whole lines that fit into a duration in seconds.
    #[must_use]
    pub fn whole_lines(&self, seconds: f64) -> u32 {
        // The offset forgives the rounding of a duration that is meant to be a whole number of lines.
        (seconds / self.line_seconds + 1e-6).floor().clamp(0.0, f64::from(u32::MAX)) as u32
    }
}

/// What acted on the sensor while it took a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeviceStatus {
    /// Exposure, in lines.
    pub exposure_lines: u32,
    /// Code of the analogue gain.
    pub gain_code: u32,
    /// Vertical blanking, in lines.
    pub vblank: u32,
    /// Time at which the frame started, in nanoseconds of any clock.
    pub timestamp_ns: u64,
}

/// What the sensor shall do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SensorSettings {
    /// Exposure, in lines.
    pub exposure_lines: u32,
    /// Code of the analogue gain.
    pub gain_code: u32,
    /// Vertical blanking, in lines; to be written before the exposure, which it makes room for.
    pub vblank: u32,
}

/// Shortest and longest frame, in lines: a request in microseconds, brought within what a mode can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameLengths {
    pub min: u32,
    pub max: u32,
}

impl FrameLengths {
    /// From durations in microseconds. Lengths are rounded down, so that 33333 µs are no less than 30
    /// frames a second.
    pub fn new(facts: &SensorFacts, mode: &SensorMode, min_us: f64, max_us: f64) -> Self {
        let shortest = mode.min_frame_length.max(mode.height.saturating_add(facts.min_vblank));
        let longest = mode.max_frame_length.max(shortest);
        let lines = |us: f64| mode.whole_lines(us * 1e-6).clamp(shortest, longest);
        let min = lines(min_us);
        Self { min, max: lines(max_us).max(min) }
    }

    /// Longest exposure that fits, in lines.
    pub fn max_exposure(self, facts: &SensorFacts) -> u32 {
        self.max.saturating_sub(facts.exposure_margin).max(facts.min_exposure)
    }

    /// The settings next below an exposure in seconds and an analogue gain; the frame is made longer
    /// where the exposure needs it.
    pub fn settings(
        self,
        facts: &SensorFacts,
        mode: &SensorMode,
        exposure: f64,
        gain: f64,
    ) -> SensorSettings {
        let exposure_lines = mode.whole_lines(exposure).clamp(facts.min_exposure, self.max_exposure(facts));
        let frame_length = self.min.max(exposure_lines.saturating_add(facts.exposure_margin)).min(self.max);
        SensorSettings {
            exposure_lines,
            gain_code: (facts.code_of_gain)(gain).min(facts.max_gain_code),
            vblank: frame_length.saturating_sub(mode.height),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode() -> SensorMode {
        SensorMode { height: 1232, min_frame_length: 1236, ..SensorFacts::imx219().default_mode }
    }

    #[test]
    fn thirty_frames_a_second_and_a_longer_frame_in_the_dark() {
        let (facts, mode) = (SensorFacts::imx219(), mode());
        let lengths = FrameLengths::new(&facts, &mode, 33_333.0, 120_000.0);
        let short = lengths.settings(&facts, &mode, 0.03, 3.06);
        assert_eq!((short.exposure_lines, short.gain_code, short.vblank), (1587, 172, 531));
        let long = lengths.settings(&facts, &mode, 0.066_666, 8.0);
        assert_eq!((long.exposure_lines, long.gain_code, long.vblank), (3526, 224, 2298));
        let too_long = lengths.settings(&facts, &mode, 1.0, 99.0);
        assert_eq!(too_long.exposure_lines + facts.exposure_margin, too_long.vblank + mode.height);
        assert_eq!(too_long.gain_code, facts.max_gain_code);
    }

    #[test]
    fn limits_stay_within_the_mode() {
        let (facts, mode) = (SensorFacts::imx219(), mode());
        assert_eq!(FrameLengths::new(&facts, &mode, 0.0, 0.0), FrameLengths { min: 1236, max: 1236 });
        assert_eq!(FrameLengths::new(&facts, &mode, 1e12, 0.0), FrameLengths { min: 65_535, max: 65_535 });
        assert_eq!(FrameLengths::new(&facts, &mode, f64::NAN, f64::NAN).min, 1236);
    }
}
