//! What the IPA says about the controls that it offers.

use super::controls;
use crate::interfaces::libcamera::IpaCameraSensorInfo;
use crate::serialize::ControlInfoMap;
use crate::serialize::controls::ids::controls as ids;
use crate::serialize::controls::{Direction, IdMap};

/// Lines of a frame that the sensors of 0.0.3's helpers cannot expose.
const EXPOSURE_MARGIN: u32 = 4;

/// The controls that applications may use, in the newest numbers: those that reach the IPA.
pub(super) fn translate(old: &ControlInfoMap, sensor: &IpaCameraSensorInfo) -> ControlInfoMap {
    let mut new = ControlInfoMap::new(IdMap::Controls);
    for (id, info) in old.iter() {
        let Some(numbers) = controls::of_old(id).filter(|numbers| numbers.request.is_some()) else {
            continue;
        };
        let mut limits = info.to_owned();
        if numbers.new == ids::EXPOSURE_TIME.id() && info.max().get::<i32>() == Some(0) {
            // On 64-bit machines that are not of ARM's kind, a limit that exceeds 32 bits becomes 0.
            limits.max = longest_exposure_us(sensor).into();
        }
        if let Err(error) = new.insert(numbers.new, info.control_type(), Direction::InOut, &limits) {
            tracing::warn!("control {id} of the IPA: {error}");
        }
    }
    new
}

fn longest_exposure_us(sensor: &IpaCameraSensorInfo) -> i32 {
    let lines = u64::from(sensor.max_frame_length.saturating_sub(EXPOSURE_MARGIN));
    let pixels = lines * u64::from(sensor.max_line_length);
    let us = u128::from(pixels) * 1_000_000 / u128::from(sensor.pixel_rate.max(1));
    i32::try_from(us).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serialize::controls::{ControlInfo, ControlType};

    #[test]
    fn limits_are_renumbered_and_a_lost_one_is_made_good() {
        let sensor = IpaCameraSensorInfo {
            pixel_rate: 182_400_000,
            max_line_length: 3448,
            max_frame_length: 65_535,
            ..Default::default()
        };
        let mut old = ControlInfoMap::new(IdMap::Controls);
        let mut add = |id, kind, info| old.insert(id, kind, Direction::InOut, &info).unwrap();
        add(7, ControlType::I32, ControlInfo::new(75, 0));
        add(8, ControlType::F32, ControlInfo::new(1.0f32, 10.6667f32));
        add(21, ControlType::F32, ControlInfo::new(-16.0f32, 16.0f32));
        let new = translate(&old, &sensor);
        assert_eq!(new.get(&ids::EXPOSURE_TIME).unwrap().max().get::<i32>(), Some(1_238_765));
        assert_eq!(new.get(&ids::ANALOGUE_GAIN).unwrap().max().get::<f32>(), Some(10.6667));
        assert_eq!(new.len(), 2, "the IPA does not heed a colour matrix");
    }
}
