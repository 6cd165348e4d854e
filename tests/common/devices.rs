//! What the devices of a Raspberry Pi's camera accept.

use ringfence::serialize::ControlInfoMap;
use ringfence::serialize::controls::{ControlInfo, ControlType, Direction, IdMap};

/// V4L2's id of the exposure, in lines.
pub const EXPOSURE: u32 = 0x0098_0911;
/// V4L2's id of the gain's code.
pub const ANALOGUE_GAIN: u32 = 0x009e_0903;
/// V4L2's id of the vertical blanking, in lines.
pub const VBLANK: u32 = 0x009e_0901;
/// V4L2's id of the horizontal blanking, in pixels.
pub const HBLANK: u32 = 0x009e_0902;

/// A map of V4L2 controls of 32 bits: id, least, greatest, default.
fn v4l2_map(controls: &[(u32, i32, i32, i32)]) -> ControlInfoMap {
    let mut map = ControlInfoMap::new(IdMap::V4l2);
    for (id, min, max, default) in controls {
        let info = ControlInfo::new(*min, *max).with_default(*default);
        map.insert(*id, ControlType::I32, Direction::InOut, &info).unwrap();
    }
    map
}

/// What an IMX219 accepts.
pub fn sensor_map() -> ControlInfoMap {
    v4l2_map(&[
        (EXPOSURE, 4, 1759, 1600),
        (ANALOGUE_GAIN, 0, 232, 0),
        (VBLANK, 4, 64_303, 531),
        (HBLANK, 1808, 1808, 1808),
    ])
}

/// What the bcm2835's ISP accepts.
pub fn isp_map() -> ControlInfoMap {
    let mut map = v4l2_map(&[
        (0x0098_090e, 1, 65_535, 1000),
        (0x0098_090f, 1, 65_535, 1000),
        (0x009f_0905, 1, 65_535, 1000),
    ]);
    for id in 0x0098_19e1..=0x0098_19e9 {
        let info = ControlInfo::new(0u8, 255u8).with_default(0u8);
        map.insert(id, ControlType::Byte, Direction::InOut, &info).unwrap();
    }
    map
}
