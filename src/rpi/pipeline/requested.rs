//! What an application has asked for so far, to be said again to an IPA that has never heard it.

use crate::serialize::controls::ids::controls as ids;
use crate::serialize::controls::{Control, ControlList, IdMap};

/// `ExposureTimeMode` and `AnalogueGainMode`: as the application says.
const MANUAL: i32 = 1;

/// What acted in the last frame that was processed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Acted {
    /// Exposure, in microseconds.
    pub exposure_us: f64,
    /// Analogue gain.
    pub analogue_gain: f64,
    /// Gains of red and blue.
    pub colour_gains: [f64; 2],
}

/// All requests so far, as one.
#[derive(Debug)]
pub(super) struct Requested(ControlList);

impl Default for Requested {
    fn default() -> Self {
        Self(ControlList::new(IdMap::Controls))
    }
}

impl Requested {
    /// Takes note of a request. What it frees is no longer asked for.
    pub fn remember(&mut self, request: &ControlList) {
        if request.is_empty() {
            return;
        }
        let enabled = |control: &Control<bool>| request.get(control) == Some(true);
        let automatic = |control: &Control<i32>| request.get(control).is_some_and(|mode| mode != MANUAL);
        if enabled(&ids::AE_ENABLE) || automatic(&ids::EXPOSURE_TIME_MODE) {
            self.0.remove(&ids::EXPOSURE_TIME);
        }
        if enabled(&ids::AE_ENABLE) || automatic(&ids::ANALOGUE_GAIN_MODE) {
            self.0.remove(&ids::ANALOGUE_GAIN);
        }
        if enabled(&ids::AWB_ENABLE) {
            self.0.remove(&ids::COLOUR_GAINS);
        }
        if let Err(error) = self.0.merge(request) {
            tracing::warn!("a request will not be repeated to an IPA that is started later: {error}");
        }
    }

    /// The one request that brings a new IPA to where the old one was: whoever was told to hold the values of the moment
    /// is told the values.
    pub fn again(&self, acted: Option<Acted>) -> ControlList {
        let mut list = self.0.clone();
        let Some(acted) = acted else { return list };
        let holds = |switch: &Control<bool>, mode: Option<&Control<i32>>| {
            self.0.get(switch) == Some(false) || mode.is_some_and(|mode| self.0.get(mode) == Some(MANUAL))
        };
        if holds(&ids::AE_ENABLE, Some(&ids::EXPOSURE_TIME_MODE))
            && self.0.get(&ids::EXPOSURE_TIME).is_none_or(|us| us <= 0)
        {
            list.set(&ids::EXPOSURE_TIME, acted.exposure_us.round() as i32);
        }
        if holds(&ids::AE_ENABLE, Some(&ids::ANALOGUE_GAIN_MODE))
            && self.0.get(&ids::ANALOGUE_GAIN).is_none_or(|gain| gain <= 0.0)
        {
            list.set(&ids::ANALOGUE_GAIN, acted.analogue_gain as f32);
        }
        if holds(&ids::AWB_ENABLE, None)
            && self.0.get(&ids::COLOUR_GAINS).is_none_or(|gains| gains.contains(&0.0))
        {
            list.set(&ids::COLOUR_GAINS, acted.colour_gains.map(|gain| gain as f32));
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTED: Acted = Acted { exposure_us: 12_000.4, analogue_gain: 2.5, colour_gains: [1.5, 2.0] };

    fn again(requests: &[&dyn Fn(&mut ControlList)]) -> ControlList {
        let mut requested = Requested::default();
        for set in requests {
            let mut request = ControlList::new(IdMap::Controls);
            set(&mut request);
            requested.remember(&request);
        }
        requested.again(Some(ACTED))
    }

    #[test]
    fn the_last_word_counts() {
        let list = again(&[
            &|list| list.set(&ids::EXPOSURE_TIME, 5000),
            &|_| {},
            &|list| list.set(&ids::BRIGHTNESS, 0.5),
            &|list| list.set(&ids::EXPOSURE_TIME, 7000),
        ]);
        assert_eq!((list.get(&ids::EXPOSURE_TIME), list.get(&ids::BRIGHTNESS)), (Some(7000), Some(0.5)));
        assert_eq!(list.len(), 2);
    }

    #[test]
    fn what_was_freed_is_not_fixed_again() {
        let fix = |list: &mut ControlList| {
            list.set(&ids::EXPOSURE_TIME, 5000);
            list.set(&ids::ANALOGUE_GAIN, 4.0);
            list.set(&ids::COLOUR_GAINS, [1.0, 1.0]);
        };
        let list = again(&[&fix, &|list| list.set(&ids::AE_ENABLE, true)]);
        assert!(!list.contains(&ids::EXPOSURE_TIME) && !list.contains(&ids::ANALOGUE_GAIN));
        assert!(list.contains(&ids::COLOUR_GAINS));
        let list = again(&[&fix, &|list| list.set(&ids::EXPOSURE_TIME_MODE, 0)]);
        assert!(!list.contains(&ids::EXPOSURE_TIME) && list.contains(&ids::ANALOGUE_GAIN));
        let list = again(&[&fix, &|list| list.set(&ids::AWB_ENABLE, true)]);
        assert!(!list.contains(&ids::COLOUR_GAINS));
        // Fixed in the request that frees: the value is newer.
        let list = again(&[&fix, &|list| {
            list.set(&ids::AE_ENABLE, true);
            list.set(&ids::EXPOSURE_TIME, 9000);
        }]);
        assert_eq!(list.get(&ids::EXPOSURE_TIME), Some(9000));
    }

    #[test]
    fn values_of_the_moment_are_said_aloud() {
        let list = again(&[&|list| {
            list.set(&ids::AE_ENABLE, false);
            list.set(&ids::AWB_ENABLE, false);
        }]);
        assert_eq!(list.get(&ids::EXPOSURE_TIME), Some(12_000));
        assert_eq!(list.get(&ids::ANALOGUE_GAIN), Some(2.5));
        assert_eq!(list.get(&ids::COLOUR_GAINS), Some([1.5, 2.0]));
        // What the application says itself stays.
        let list = again(&[&|list| {
            list.set(&ids::AE_ENABLE, false);
            list.set(&ids::EXPOSURE_TIME, 8000);
        }]);
        assert_eq!((list.get(&ids::EXPOSURE_TIME), list.get(&ids::ANALOGUE_GAIN)), (Some(8000), Some(2.5)));
        let list = again(&[&|list| list.set(&ids::EXPOSURE_TIME_MODE, MANUAL)]);
        assert_eq!((list.get(&ids::EXPOSURE_TIME), list.get(&ids::ANALOGUE_GAIN)), (Some(12_000), None));
    }
}
