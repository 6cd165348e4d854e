//! Black level: what the sensor reports in darkness, straight from the tuning.
//!
//! ```
//! use ringfence::rpi::ipa::black_level::{payload, reported};
//! use ringfence::rpi::ipa::tuning::Tuning;
//!
//! let tuning = Tuning::builtin().black_level;
//! assert_eq!((payload(&tuning).g, reported(&tuning)), (4096, [4096; 4]));
//! ```

use super::tuning::BlackLevelTuning;
use crate::rpi::layout;

/// The ISP's payload for the black levels of `tuning`.
#[must_use]
pub fn payload(tuning: &BlackLevelTuning) -> layout::BlackLevel {
    let [r, g, b] = tuning.levels;
    layout::BlackLevel { enabled: 1, r, g, b, padding: [0; 2] }
}

/// The black levels in the order of the `SensorBlackLevels` control: red, green, green, blue; 16 bits.
#[must_use]
pub fn reported(tuning: &BlackLevelTuning) -> [u16; 4] {
    let [r, g, b] = tuning.levels;
    [r, g, g, b]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_keep_their_places() {
        let tuning = BlackLevelTuning { levels: [1, 2, 3] };
        assert_eq!(reported(&tuning), [1, 2, 2, 3]);
        let payload = payload(&tuning);
        assert_eq!((payload.enabled, payload.r, payload.g, payload.b, payload.padding), (1, 1, 2, 3, [0, 0]));
    }
}
