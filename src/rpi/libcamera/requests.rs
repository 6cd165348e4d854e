//! What an application asks for, as the IPA of 0.0.3 can bear to be asked.

use std::collections::BTreeSet;

use super::controls::{self, ANALOGUE_GAIN, COLOUR_GAINS, EXPOSURE_TIME};
use super::modes::Modes;
use crate::serialize::ControlList;
use crate::serialize::controls::ids::controls as ids;
use crate::serialize::controls::ids::name_of;
use crate::serialize::controls::{ControlValueRef, IdMap};

/// `ExposureTimeMode` and `AnalogueGainMode`: found automatically.
const AUTO: i32 = 0;
/// Likewise: as the application says.
const MANUAL: i32 = 1;

/// Translates requests. What the IPA would die of, or does not know, is left out, and told once.
#[derive(Debug, Default)]
pub(super) struct Requests {
    modes: Modes,
    told: BTreeSet<u32>,
}

/// Exposure and gain of the frame that was reported last, to hold on to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reported {
    /// In microseconds.
    pub exposure_time: Option<i32>,
    /// As a factor.
    pub analogue_gain: Option<f32>,
}

impl Requests {
    /// For a tuning with these modes.
    pub fn new(modes: Modes) -> Self {
        Self { modes, told: BTreeSet::new() }
    }

    /// The request in 0.0.3's terms.
    pub fn translate(&mut self, new: &ControlList, reported: Reported) -> ControlList {
        let mut old = ControlList::new(IdMap::Controls);
        for (id, value) in new.iter() {
            match self.check(id, value) {
                Ok(Some(number)) => {
                    if let Err(error) = old.insert(number, value) {
                        self.tell(id, &error.to_string());
                    }
                }
                Ok(None) => {}
                Err(why) => self.tell(id, why),
            }
        }
        translate_switches(new, reported, &mut old);
        old
    }

    /// The number of a control in 0.0.3; `None` if something else stands for it there.
    fn check(&self, id: u32, value: ControlValueRef<'_>) -> Result<Option<u32>, &'static str> {
        if id == ids::EXPOSURE_TIME_MODE.id() || id == ids::ANALOGUE_GAIN_MODE.id() {
            let known = value.get::<i32>().is_some_and(|mode| mode == AUTO || mode == MANUAL);
            return if known { Ok(None) } else { Err("there is no such mode") };
        }
        let numbers = controls::of_new(id).ok_or("libcamera 0.0.3 does not know it")?;
        let request = numbers.request.ok_or("libcamera 0.0.3's IPA does not act upon it")?;
        let elements = value.is_array().then_some(value.len());
        if value.control_type() != request.kind || elements != request.elements {
            return Err("its value has the wrong type");
        }
        if value.get::<i32>().is_some_and(|number| !self.modes.allow(id, number)) {
            return Err("the tuning has no such mode");
        }
        let finite = |number: f32| number.is_finite();
        if value.get::<f32>().is_some_and(|number| !finite(number))
            || value.get::<[f32; 2]>().is_some_and(|pair| !pair.into_iter().all(finite))
        {
            return Err("its value is not a number");
        }
        Ok(Some(numbers.old))
    }

    fn tell(&mut self, id: u32, why: &str) {
        if self.told.insert(id) {
            let name = name_of(id, IdMap::Controls).unwrap_or("?");
            tracing::warn!("control {id} ({name}) is left out of requests: {why}");
        }
    }
}

/// Who decides about exposure, gain and colours: the newest libcamera has a switch for each, and enabling an algorithm frees
/// what was fixed; in 0.0.3 a zero does.
fn translate_switches(new: &ControlList, reported: Reported, old: &mut ControlList) {
    let enabled = new.get(&ids::AE_ENABLE) == Some(true);
    match new.get(&ids::EXPOSURE_TIME_MODE) {
        Some(AUTO) => old.set(&EXPOSURE_TIME, 0),
        Some(MANUAL) if !old.contains(&EXPOSURE_TIME) => {
            if let Some(time) = reported.exposure_time {
                old.set(&EXPOSURE_TIME, time);
            }
        }
        None if enabled && !old.contains(&EXPOSURE_TIME) => old.set(&EXPOSURE_TIME, 0),
        _ => {}
    }
    match new.get(&ids::ANALOGUE_GAIN_MODE) {
        Some(AUTO) => old.set(&ANALOGUE_GAIN, 0.0),
        Some(MANUAL) if !old.contains(&ANALOGUE_GAIN) => {
            if let Some(gain) = reported.analogue_gain {
                old.set(&ANALOGUE_GAIN, gain);
            }
        }
        None if enabled && !old.contains(&ANALOGUE_GAIN) => old.set(&ANALOGUE_GAIN, 0.0),
        _ => {}
    }
    if new.get(&ids::AWB_ENABLE) == Some(true) && !old.contains(&COLOUR_GAINS) {
        old.set(&COLOUR_GAINS, [0.0; 2]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serialize::controls::ids::rpi;

    fn translate(set: impl FnOnce(&mut ControlList)) -> Vec<u32> {
        let mut new = ControlList::new(IdMap::Controls);
        set(&mut new);
        let old = Requests::default().translate(&new, Reported::default());
        old.iter().map(|(id, _)| id).collect()
    }

    #[test]
    fn what_would_end_the_worker_is_left_out() {
        let left_out = |set: fn(&mut ControlList), why: &str| assert!(translate(set).is_empty(), "{why}");
        left_out(|new| new.set(&rpi::STATS_OUTPUT_ENABLE, true), "unknown to it");
        left_out(|new| new.insert(15, 1i32).unwrap(), "a whole number for a fraction");
        left_out(|new| new.insert(20, [1.0f32]).unwrap(), "one gain for two");
        left_out(|new| new.set(&ids::AE_METERING_MODE, 3), "not in the tuning");
        left_out(|new| new.set(&ids::BRIGHTNESS, f32::NAN), "not a number");
        left_out(|new| new.insert(12_345, ()).unwrap(), "unknown to anybody");
        assert_eq!(translate(|new| new.set(&ids::BRIGHTNESS, 0.5)), [9u32]);
        assert_eq!(translate(|new| new.set(&ids::COLOUR_GAINS, [1.0, 2.0])), [15u32]);
    }

    #[test]
    fn switches_become_zeros_or_what_was_reported() {
        let reported = Reported { exposure_time: Some(12_000), analogue_gain: Some(2.0) };
        let translate = |modes: [i32; 2]| {
            let mut new = ControlList::new(IdMap::Controls);
            new.set(&ids::EXPOSURE_TIME_MODE, modes[0]);
            new.set(&ids::ANALOGUE_GAIN_MODE, modes[1]);
            let old = Requests::default().translate(&new, reported);
            (old.get(&EXPOSURE_TIME), old.get(&ANALOGUE_GAIN))
        };
        assert_eq!(translate([AUTO, AUTO]), (Some(0), Some(0.0)));
        assert_eq!(translate([MANUAL, AUTO]), (Some(12_000), Some(0.0)));
        assert_eq!(translate([AUTO, MANUAL]), (Some(0), Some(2.0)));
        assert_eq!(translate([7, 7]), (None, None));
    }

    #[test]
    fn enabling_automatic_exposure_frees_what_was_fixed() {
        let mut new = ControlList::new(IdMap::Controls);
        new.set(&ids::AE_ENABLE, true);
        new.set(&ids::ANALOGUE_GAIN, 4.0);
        let old = Requests::default().translate(&new, Reported::default());
        assert_eq!((old.get(&EXPOSURE_TIME), old.get(&ANALOGUE_GAIN)), (Some(0), Some(4.0)));
    }
}
