//! The numbers of libcamera's controls: those of 0.0.3 beside the newest.
//!
//! 0.0.3 numbers its controls in the order in which they are declared; new ones have been put in between since. Those
//! of V4L2 have kept their numbers.

use crate::serialize::ControlList;
use crate::serialize::controls::ids::{controls, draft};
use crate::serialize::controls::{AeState, Control, ControlType, IdMap};

/// A control in both numberings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers {
    /// Its number in 0.0.3.
    pub old: u32,
    /// Its newest number.
    pub new: u32,
    /// Whether the IPA of 0.0.3 takes it with a request, and what it has to be then.
    pub request: Option<Request>,
}

/// What the IPA has to be given. It ends itself over anything else.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    /// Type of the value, or of its elements.
    pub kind: ControlType,
    /// Number of elements, if it is an array.
    pub elements: Option<usize>,
}

/// 0.0.3's control that tells whether automatic exposure has settled.
pub(super) const AE_LOCKED: Control<bool> = Control::new(2, "AeLocked");
/// 0.0.3's number of `ExposureTime`.
pub(super) const EXPOSURE_TIME: Control<i32> = Control::new(7, "ExposureTime");
/// 0.0.3's number of `AnalogueGain`.
pub(super) const ANALOGUE_GAIN: Control<f32> = Control::new(8, "AnalogueGain");
/// 0.0.3's number of `ColourGains`.
pub(super) const COLOUR_GAINS: Control<[f32; 2]> = Control::new(15, "ColourGains");
/// 0.0.3's number of `SensorTimestamp`.
pub(super) const SENSOR_TIMESTAMP: Control<i64> = Control::new(27, "SensorTimestamp");

/// Every control that both versions have.
const TABLE: &[Numbers] = &[
    request(1, controls::AE_ENABLE.id(), ControlType::Bool),
    request(3, controls::AE_METERING_MODE.id(), ControlType::I32),
    request(4, controls::AE_CONSTRAINT_MODE.id(), ControlType::I32),
    request(5, controls::AE_EXPOSURE_MODE.id(), ControlType::I32),
    request(6, controls::EXPOSURE_VALUE.id(), ControlType::F32),
    request(7, controls::EXPOSURE_TIME.id(), ControlType::I32),
    request(8, controls::ANALOGUE_GAIN.id(), ControlType::F32),
    request(9, controls::BRIGHTNESS.id(), ControlType::F32),
    request(10, controls::CONTRAST.id(), ControlType::F32),
    result(11, controls::LUX.id()),
    request(12, controls::AWB_ENABLE.id(), ControlType::Bool),
    request(13, controls::AWB_MODE.id(), ControlType::I32),
    pair(15, controls::COLOUR_GAINS.id(), ControlType::F32),
    result(16, controls::COLOUR_TEMPERATURE.id()),
    request(17, controls::SATURATION.id(), ControlType::F32),
    result(18, controls::SENSOR_BLACK_LEVELS.id()),
    request(19, controls::SHARPNESS.id(), ControlType::F32),
    result(20, controls::FOCUS_FOM.id()),
    result(21, controls::COLOUR_CORRECTION_MATRIX.id()),
    result(22, controls::SCALER_CROP.id()),
    result(23, controls::DIGITAL_GAIN.id()),
    result(24, controls::FRAME_DURATION.id()),
    pair(25, controls::FRAME_DURATION_LIMITS.id(), ControlType::I64),
    result(26, controls::SENSOR_TEMPERATURE.id()),
    result(27, controls::SENSOR_TIMESTAMP.id()),
    result(28, controls::AF_MODE.id()),
    result(29, controls::AF_RANGE.id()),
    result(30, controls::AF_SPEED.id()),
    result(31, controls::AF_METERING.id()),
    result(32, controls::AF_WINDOWS.id()),
    result(33, controls::AF_TRIGGER.id()),
    result(34, controls::AF_PAUSE.id()),
    result(35, controls::LENS_POSITION.id()),
    result(36, controls::AF_STATE.id()),
    result(37, controls::AF_PAUSE_STATE.id()),
    request(39, draft::NOISE_REDUCTION_MODE.id(), ControlType::I32),
];

const fn request(old: u32, new: u32, kind: ControlType) -> Numbers {
    Numbers { old, new, request: Some(Request { kind, elements: None }) }
}

const fn pair(old: u32, new: u32, kind: ControlType) -> Numbers {
    Numbers { old, new, request: Some(Request { kind, elements: Some(2) }) }
}

/// One that is only reported, or that the IPA does not act upon.
const fn result(old: u32, new: u32) -> Numbers {
    Numbers { old, new, request: None }
}

/// The control of this number in the newest libcamera.
pub(super) fn of_new(new: u32) -> Option<&'static Numbers> {
    TABLE.iter().find(|numbers| numbers.new == new)
}

/// The control of this number in 0.0.3.
pub(super) fn of_old(old: u32) -> Option<&'static Numbers> {
    TABLE.iter().find(|numbers| numbers.old == old)
}

/// What 0.0.3 says about a frame, in the newest numbers. What has no newest number is left out.
pub(super) fn metadata(old: &ControlList) -> ControlList {
    let mut new = ControlList::new(IdMap::Controls);
    for (id, value) in old.iter() {
        if let Some(numbers) = of_old(id) {
            // It came in a list, so it fits into one.
            if let Err(error) = new.insert(numbers.new, value) {
                tracing::warn!("metadata: control {id}: {error}");
            }
        }
    }
    if let Some(locked) = old.get(&AE_LOCKED) {
        let state = if locked { AeState::Converged } else { AeState::Searching };
        new.set(&controls::AE_STATE, state as i32);
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_stands_for_two_controls() {
        for (index, numbers) in TABLE.iter().enumerate() {
            assert!(TABLE[..index].iter().all(|other| other.old < numbers.old), "{numbers:?}");
            assert!(TABLE[..index].iter().all(|other| other.new != numbers.new), "{numbers:?}");
        }
    }

    #[test]
    fn metadata_is_renumbered() {
        let mut old = ControlList::new(IdMap::Controls);
        old.set(&EXPOSURE_TIME, 29_999);
        old.set(&AE_LOCKED, true);
        old.insert(15, [1.5f32, 2.5]).unwrap();
        // It has no counterpart.
        old.insert(44, 1i32).unwrap();
        let new = metadata(&old);
        assert_eq!(new.get(&controls::EXPOSURE_TIME), Some(29_999));
        assert_eq!(new.get(&controls::AE_STATE), Some(2));
        assert_eq!(new.get(&controls::COLOUR_GAINS), Some([1.5, 2.5]));
        assert_eq!(new.len(), 3);
    }
}
