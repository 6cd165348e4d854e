//! Names of controls. libcamera 0.0.3 numbers its controls in another way than the newest does.

use ringfence::serialize::controls::{IdMap, ids};
use ringfence_wire::Wire;

/// Controls of libcamera 0.0.3, by their numbers: in the order of its declarations, from 1.
const LIBCAMERA_0_0_3: [&str; 48] = [
    "AeEnable",
    "AeLocked",
    "AeMeteringMode",
    "AeConstraintMode",
    "AeExposureMode",
    "ExposureValue",
    "ExposureTime",
    "AnalogueGain",
    "Brightness",
    "Contrast",
    "Lux",
    "AwbEnable",
    "AwbMode",
    "AwbLocked",
    "ColourGains",
    "ColourTemperature",
    "Saturation",
    "SensorBlackLevels",
    "Sharpness",
    "FocusFoM",
    "ColourCorrectionMatrix",
    "ScalerCrop",
    "DigitalGain",
    "FrameDuration",
    "FrameDurationLimits",
    "SensorTemperature",
    "SensorTimestamp",
    "AfMode",
    "AfRange",
    "AfSpeed",
    "AfMetering",
    "AfWindows",
    "AfTrigger",
    "AfPause",
    "LensPosition",
    "AfState",
    "AfPauseState",
    "AePrecaptureTrigger",
    "NoiseReductionMode",
    "ColorCorrectionAberrationMode",
    "AeState",
    "AwbState",
    "SensorRollingShutterSkew",
    "LensShadingMapMode",
    "SceneFlicker",
    "PipelineDepth",
    "MaxLatency",
    "TestPatternMode",
];

/// The name of a control, if it is a known one. `id_map` is as it is in JSON.
///
/// Sensors' lists hold libcamera's own controls beside those of V4L2, whose numbers are far above.
pub fn name_of(id: u32, id_map: &str, wire: Wire) -> Option<&'static str> {
    let libcamera = || match wire {
        Wire::Libcamera1 => LIBCAMERA_0_0_3.get((id as usize).checked_sub(1)?).copied(),
        Wire::Libcamera2 | Wire::Native => ids::name_of(id, IdMap::Controls),
    };
    match id_map {
        "controls" => libcamera().or_else(|| ids::name_of(id, IdMap::V4l2)),
        "properties" => ids::name_of(id, IdMap::Properties),
        _ => ids::name_of(id, IdMap::V4l2).or_else(libcamera),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_differ_between_releases() {
        for (wire, lux, timestamp) in [(Wire::Libcamera1, 11, 27), (Wire::Libcamera2, 16, 32)] {
            assert_eq!(name_of(lux, "controls", wire), Some("Lux"));
            assert_eq!(name_of(timestamp, "v4l2", wire), Some("SensorTimestamp"));
            assert_eq!(name_of(0x0098_0911, "v4l2", wire), Some("EXPOSURE"));
            assert_eq!(name_of(0, "controls", wire), None);
        }
        assert_eq!(name_of(39, "controls", Wire::Libcamera1), Some("NoiseReductionMode"));
    }
}
