//! Which controls the module accepts and reports, and within which limits.
//!
//! ```
//! use ringfence::rpi::ipa::controls::supported;
//! use ringfence::serialize::controls::ids::controls::EXPOSURE_VALUE;
//!
//! let limits = supported();
//! let range = limits.get(&EXPOSURE_VALUE).expect("it is supported");
//! assert_eq!((range.min().get::<f32>(), range.max().get::<f32>()), (Some(-8.0), Some(8.0)));
//! ```

use super::sensor::{SensorFacts, SensorMode};
use crate::serialize::Rectangle;
use crate::serialize::controls::ids::controls as ids;
use crate::serialize::controls::ids::v4l2;
use crate::serialize::controls::{
    Control, ControlData, ControlInfo, ControlInfoMap, ControlValue, Direction, IdMap,
};

/// The controls that an ISP must have: those of the bcm2835.
pub const ISP: [u32; 12] = [
    v4l2::RED_BALANCE.id(),
    v4l2::BLUE_BALANCE.id(),
    v4l2::DIGITAL_GAIN.id(),
    v4l2::CC_MATRIX.id(),
    v4l2::LENS_SHADING.id(),
    v4l2::BLACK_LEVEL.id(),
    v4l2::GEQ.id(),
    v4l2::GAMMA.id(),
    v4l2::DENOISE.id(),
    v4l2::SHARPEN.id(),
    v4l2::DPC.id(),
    v4l2::CDN.id(),
];

/// The controls of a camera before its mode is known.
#[must_use]
pub fn supported() -> ControlInfoMap {
    let facts = SensorFacts::imx219();
    supported_in_mode(&facts.default_mode, &facts)
}

/// The controls of a camera in a mode.
#[must_use]
pub fn supported_in_mode(mode: &SensorMode, facts: &SensorFacts) -> ControlInfoMap {
    let mut map = ControlInfoMap::new(IdMap::Controls);
    let us = |lines: u32| mode.lines_to_us(lines);
    let longest = us(mode.max_frame_length.saturating_sub(facts.exposure_margin)).min(f64::from(i32::MAX));
    let max_gain = (facts.gain_of_code)(facts.max_gain_code) as f32;
    let limits = [us(mode.min_frame_length) as i64, us(mode.max_frame_length) as i64];
    let default_limits = super::controller::DEFAULT_FRAME_DURATION_US;

    add(&mut map, &ids::AE_ENABLE, Direction::In, false, true, Some(true.into()));
    for (control, modes) in
        [(&ids::AE_METERING_MODE, 3), (&ids::AE_CONSTRAINT_MODE, 3), (&ids::AE_EXPOSURE_MODE, 3)]
    {
        add(&mut map, control, Direction::InOut, 0, modes, Some(0.into()));
    }
    add(&mut map, &ids::EXPOSURE_VALUE, Direction::InOut, -8.0f32, 8.0f32, Some(0.0f32.into()));
    let shortest = us(facts.min_exposure).ceil() as i32;
    add(&mut map, &ids::EXPOSURE_TIME, Direction::InOut, shortest, longest as i32, Some(20_000.into()));
    add(&mut map, &ids::ANALOGUE_GAIN, Direction::InOut, 1.0f32, max_gain, Some(1.0f32.into()));
    add(&mut map, &ids::BRIGHTNESS, Direction::InOut, -1.0f32, 1.0f32, Some(0.0f32.into()));
    add(&mut map, &ids::CONTRAST, Direction::InOut, 0.0f32, 32.0f32, Some(1.0f32.into()));
    add(&mut map, &ids::SATURATION, Direction::InOut, 0.0f32, 32.0f32, Some(1.0f32.into()));
    add(&mut map, &ids::AWB_ENABLE, Direction::InOut, false, true, None);
    add(&mut map, &ids::AWB_MODE, Direction::InOut, 0, 7, Some(0.into()));
    add(&mut map, &ids::COLOUR_GAINS, Direction::InOut, 0.0f32, 32.0f32, None);
    add(&mut map, &ids::COLOUR_TEMPERATURE, Direction::Out, 100, 100_000, None);
    let [shortest, longest] = limits;
    let default = Some(ControlValue::from(default_limits));
    add(&mut map, &ids::FRAME_DURATION_LIMITS, Direction::InOut, shortest, longest, default);
    map
}

/// Adds what a libcamera host does with the frame itself, and yet looks for among the controls of its module.
pub fn add_those_of_libcamera(map: &mut ControlInfoMap) {
    let [none, all] = [0, 65_535].map(|side: u16| Rectangle {
        x: side.into(),
        y: side.into(),
        width: side.into(),
        height: side.into(),
    });
    add(map, &ids::SCALER_CROP, Direction::InOut, none, all, Some(none.into()));
}

fn add<T: ControlData + ?Sized>(
    map: &mut ControlInfoMap,
    control: &Control<T>,
    direction: Direction,
    min: impl Into<ControlValue>,
    max: impl Into<ControlValue>,
    default: Option<ControlValue>,
) {
    let info = ControlInfo { min: min.into(), max: max.into(), default };
    map.set(control, direction, &info).expect("the limits above have the types of their controls");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_of_the_mode() {
        let facts = SensorFacts::imx219();
        let mode = SensorMode { height: 1232, min_frame_length: 1236, ..facts.default_mode };
        let map = supported_in_mode(&mode, &facts);
        let durations = map.get(&ids::FRAME_DURATION_LIMITS).unwrap();
        assert_eq!(durations.min().get::<i64>(), Some(23_364));
        assert_eq!(durations.max().get::<i64>(), Some(1_238_841));
        assert_eq!(map.get(&ids::ANALOGUE_GAIN).unwrap().max().get::<f32>(), Some(256.0 / 24.0));
        assert_eq!(map.get(&ids::COLOUR_TEMPERATURE).unwrap().direction(), Direction::Out);
    }
}
