//! What the pipeline tells the IPA about the virtual camera.

use crate::interfaces::libcamera::IpaCameraSensorInfo;
use crate::rpi::camera::{CFA_PATTERN, SensorMode};
use crate::rpi::imx219;
use crate::rpi::ipa::controls::ISP;
use crate::serialize::controls::ids::v4l2;
use crate::serialize::controls::{
    Control, ControlInfo, ControlInfoMap, ControlType, ControlValue, Direction, IdMap,
};
use crate::serialize::{Rectangle, Size};

/// Model of the sensor.
pub const MODEL: &str = "imx219";

/// Blanking after each line, in pixels.
pub fn hblank(mode: SensorMode) -> u32 {
    imx219::LINE_LENGTH.saturating_sub(mode.width())
}

/// The sensor and its mode.
pub fn sensor_info(mode: SensorMode) -> IpaCameraSensorInfo {
    let crop = mode.crop();
    IpaCameraSensorInfo {
        model: MODEL.to_owned(),
        bits_per_pixel: imx219::BITS,
        cfa_pattern: CFA_PATTERN,
        active_area_size: Size { width: imx219::ACTIVE_WIDTH, height: imx219::ACTIVE_HEIGHT },
        analog_crop: Rectangle {
            x: crop.x.cast_signed(),
            y: crop.y.cast_signed(),
            width: crop.width,
            height: crop.height,
        },
        output_size: Size { width: mode.width(), height: mode.height() },
        pixel_rate: imx219::PIXEL_RATE,
        min_line_length: imx219::LINE_LENGTH,
        max_line_length: imx219::LINE_LENGTH,
        min_frame_length: mode.height() + imx219::MIN_VBLANK,
        max_frame_length: imx219::MAX_FRAME_LENGTH,
    }
}

/// The sensor's V4L2 controls.
pub fn sensor_controls(mode: SensorMode) -> ControlInfoMap {
    let mut map = ControlInfoMap::new(IdMap::V4l2);
    let longest = imx219::MAX_FRAME_LENGTH - imx219::EXPOSURE_MARGIN;
    let hblank = hblank(mode).cast_signed();
    add(&mut map, &v4l2::EXPOSURE, imx219::MIN_EXPOSURE, longest, 1600);
    add(&mut map, &v4l2::ANALOGUE_GAIN, 0, imx219::MAX_GAIN_CODE, 0);
    add(&mut map, &v4l2::VBLANK, imx219::MIN_VBLANK, mode.max_vblank(), 531.min(mode.max_vblank()));
    add(&mut map, &v4l2::HBLANK, hblank.cast_unsigned(), hblank.cast_unsigned(), hblank.cast_unsigned());
    map
}

/// The ISP's V4L2 controls, all of those that the IPA wants to find.
pub fn isp_controls() -> ControlInfoMap {
    let mut map = ControlInfoMap::new(IdMap::V4l2);
    let gains = [v4l2::RED_BALANCE.id(), v4l2::BLUE_BALANCE.id(), v4l2::DIGITAL_GAIN.id()];
    for id in ISP {
        let (kind, info) = if gains.contains(&id) {
            (ControlType::I32, ControlInfo::new(1, 65_535).with_default(1000))
        } else {
            (ControlType::Byte, ControlInfo::new(0u8, 255u8).with_default(0u8))
        };
        map.insert(id, kind, Direction::InOut, &info).expect("the limits have the type of the control");
    }
    map
}

fn add(map: &mut ControlInfoMap, control: &Control<i32>, min: u32, max: u32, default: u32) {
    let value = |number: u32| ControlValue::from(number.cast_signed());
    let info = ControlInfo { min: value(min), max: value(max), default: Some(value(default)) };
    map.set(control, Direction::InOut, &info).expect("the limits have the type of the control");
}
