//! Facts about the Sony IMX219 as a Raspberry Pi drives it: modes, exposure in lines, gain codes, delays.
//!
//! ```
//! use ringfence::rpi::imx219::{code_of_gain, gain_of_code, line_seconds};
//!
//! assert_eq!((gain_of_code(128), code_of_gain(2.0)), (2.0, 128));
//! assert!((line_seconds() * 1e6 - 18.9).abs() < 0.01, "a line takes 18.9 µs");
//! ```

/// Clock of the pixel array, in pixels a second.
pub const PIXEL_RATE: u64 = 182_400_000;

/// Length of a line, blanking included, in pixels; the sensor offers no other.
pub const LINE_LENGTH: u32 = 3448;

/// Width of the active array, in pixels.
pub const ACTIVE_WIDTH: u32 = 3280;

/// Height of the active array, in lines.
pub const ACTIVE_HEIGHT: u32 = 2464;

/// Resolution of the converter, in bits.
pub const BITS: u32 = 10;

/// Largest raw value.
pub const WHITE_LEVEL: u16 = 1023;

/// Raw value of darkness.
pub const BLACK_LEVEL: u16 = 64;

/// Smallest exposure, in lines.
pub const MIN_EXPOSURE: u32 = 4;

/// Lines of a frame that cannot be exposed: exposure is at most the frame length less this.
pub const EXPOSURE_MARGIN: u32 = 4;

/// Smallest vertical blanking, in lines.
pub const MIN_VBLANK: u32 = 4;

/// Longest frame, blanking included, in lines.
pub const MAX_FRAME_LENGTH: u32 = 65_535;

/// Largest gain code.
pub const MAX_GAIN_CODE: u32 = 232;

/// Frames between the start of the frame in which an exposure is written and the first frame exposed with it.
pub const EXPOSURE_DELAY: usize = 2;

/// As [`EXPOSURE_DELAY`], for the vertical blanking.
pub const VBLANK_DELAY: usize = 2;

/// As [`EXPOSURE_DELAY`], for the analogue gain.
pub const GAIN_DELAY: usize = 1;

/// Analogue gain of a gain code: `256 / (256 - code)`. Codes above [`MAX_GAIN_CODE`] count as that.
#[must_use]
pub fn gain_of_code(code: u32) -> f64 {
    256.0 / f64::from(256 - code.min(MAX_GAIN_CODE))
}

/// The gain code next below `gain`: `floor(256 - 256 / gain)`, within `0..=MAX_GAIN_CODE`.
#[must_use]
pub fn code_of_gain(gain: f64) -> u32 {
    // The tiny offset keeps `code_of_gain(gain_of_code(code)) == code` in spite of rounding.
    let code = (256.0 - 256.0 / gain.max(1.0) + 1e-9).floor();
    (code as u32).min(MAX_GAIN_CODE)
}

/// Duration of one line, in seconds.
#[must_use]
pub fn line_seconds() -> f64 {
    f64::from(LINE_LENGTH) / PIXEL_RATE as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gain_codes_survive_the_round_trip() {
        for code in 0..=MAX_GAIN_CODE {
            assert_eq!(code_of_gain(gain_of_code(code)), code);
        }
    }
}
