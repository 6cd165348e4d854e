//! Lists.

use super::ids::{controls, rpi, v4l2};
use super::*;

/// What a list should behave like.
#[derive(Debug, Default)]
struct Pairs(Vec<(u32, ControlValue)>);

impl Pairs {
    fn get(&self, id: u32) -> Option<&ControlValue> {
        self.0.iter().find(|pair| pair.0 == id).map(|pair| &pair.1)
    }

    fn set(&mut self, id: u32, value: ControlValue) {
        match self.0.iter_mut().find(|pair| pair.0 == id) {
            Some(pair) => pair.1 = value,
            None => self.0.push((id, value)),
        }
    }

    fn remove(&mut self, id: u32) -> bool {
        let before = self.0.len();
        self.0.retain(|pair| pair.0 != id);
        self.0.len() < before
    }
}

#[derive(Debug, Clone)]
enum Step {
    Insert(u32, ControlValue),
    Remove(u32),
    Clear,
    Merge(ControlList),
    CrossTheConnection,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0u32..12, value()).prop_map(|(id, value)| Step::Insert(id, value)),
        3 => (0u32..12).prop_map(Step::Remove),
        1 => Just(Step::Clear),
        1 => list().prop_map(Step::Merge),
        1 => Just(Step::CrossTheConnection),
    ]
}

proptest! {
    #[test]
    fn a_list_behaves_like_an_array_of_pairs(steps in prop::collection::vec(step(), 0..40)) {
        let (mut list, mut model) = (ControlList::default(), Pairs::default());
        for step in steps {
            match step {
                Step::Insert(id, value) => {
                    list.insert(id, &value).unwrap();
                    model.set(id, value);
                }
                Step::Remove(id) => prop_assert_eq!(list.remove(id), model.remove(id)),
                Step::Clear => {
                    list.clear();
                    model.0.clear();
                }
                Step::Merge(other) if other.id_map() == list.id_map() => {
                    list.merge(&other).unwrap();
                    other.iter().for_each(|(id, value)| model.set(id, value.to_owned()));
                }
                Step::Merge(other) => {
                    let error = ControlError::IdMaps { found: other.id_map(), expected: list.id_map() };
                    prop_assert_eq!(list.merge(&other), Err(error));
                }
                Step::CrossTheConnection => {
                    list = Decoder::message(&message(&list), &mut []).unwrap();
                }
            }
            prop_assert_eq!(list.len(), model.0.len());
            prop_assert_eq!(list.is_empty(), model.0.is_empty());
            for id in 0..12u32 {
                prop_assert_eq!(list.contains(id), model.get(id).is_some());
                prop_assert_eq!(list.get(id).map(|value| value.to_owned()), model.get(id).cloned());
            }
            let all: Vec<_> = list.iter().map(|(id, value)| (id, value.to_owned())).collect();
            prop_assert_eq!(&all, &model.0);
            prop_assert!(ControlList::from_packet(&packet(&list)).as_ref() == Ok(&list));
        }
    }

    #[test]
    fn lists_survive(list in list()) {
        round_trip(&list);
    }

    #[test]
    fn the_order_of_setting_does_not_matter(
        values in prop::collection::btree_map(any::<u32>(), value(), 0..12), seed in any::<prop::sample::Index>()
    ) {
        let mut values: Vec<_> = values.into_iter().collect();
        let (mut ordered, mut rotated) = (ControlList::default(), ControlList::default());
        for (id, value) in &values {
            ordered.insert(*id, value).unwrap();
        }
        if !values.is_empty() {
            let middle = seed.index(values.len());
            values.rotate_left(middle);
        }
        for (id, value) in values.iter().rev() {
            rotated.insert(*id, value).unwrap();
        }
        prop_assert_eq!(&ordered, &rotated);
        let Some((id, value)) = values.pop() else { return Ok(()) };
        rotated.insert(id, "another").unwrap();
        prop_assert_eq!(ordered == rotated, value == "another".into());
    }

    #[test]
    fn a_copy_in_used_memory_is_a_copy(list in list(), mut other in list()) {
        other.clone_from(&list);
        prop_assert_eq!(&other, &list);
        other.copy_packet(&packet(&list)).unwrap();
        prop_assert_eq!(&other, &list);
        prop_assert_eq!(list.clone(), list);
    }
}

#[test]
fn the_packet_is_as_documented() {
    let mut list = ControlList::new(IdMap::Properties);
    list.insert(3, "cam").unwrap();
    list.insert(2, 90).unwrap();
    #[rustfmt::skip]
    let expected = [
        2, 0, 0, 0, 51, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, // entries, bytes, id map
        3, 0, 0, 0, 8, 1, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, // Model, string, array, 3 at offset 0
        2, 0, 0, 0, 5, 0, 0, 0, 90, 0, 0, 0, 0, 0, 0, 0, // Rotation, i32, scalar, in its slot
        b'c', b'a', b'm',
    ];
    assert_eq!(packet(&list), expected);
    assert_eq!(ControlList::from_packet(&expected), Ok(list));
    // An empty list is its header.
    assert_eq!(packet(&ControlList::new(IdMap::V4l2)), [0, 0, 0, 0, 16, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn an_empty_array_has_a_place_too() {
    let mut list = ControlList::default();
    list.insert(1, [1u8, 2, 3]).unwrap();
    list.insert(2, 5).unwrap();
    list.insert(2, [0i32; 0]).unwrap();
    assert_eq!(packet(&list)[32..48], [2, 0, 0, 0, 5, 1, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0]);
    round_trip(&list);
}

#[test]
fn keys_bring_their_type() {
    let mut list = ControlList::default();
    list.set(&controls::EXPOSURE_TIME, 20_000);
    list.set(&controls::COLOUR_GAINS, [1.5, 2.0]);
    list.set(&controls::FRAME_DURATION, 33_333);
    list.set(&controls::AE_STATE, AeState::Converged);
    list.set(&controls::AF_WINDOWS, [Rectangle::default()]);
    list.set(&rpi::BCM2835_STATS_OUTPUT, vec![7; 10_824]);
    list.set(&ids::properties::MODEL, "imx219");
    assert_eq!(list.get(&controls::EXPOSURE_TIME), Some(20_000));
    assert_eq!(list.get(&controls::COLOUR_GAINS), Some([1.5, 2.0]));
    assert_eq!(list.get(&controls::FRAME_DURATION), Some(33_333));
    assert_eq!(list.try_get(&controls::AE_STATE).and_then(AeState::try_from), Ok(AeState::Converged));
    assert_eq!(list.get(&controls::AF_WINDOWS), Some(vec![Rectangle::default()]));
    assert_eq!(list.get(&rpi::BCM2835_STATS_OUTPUT).unwrap().len(), 10_824);
    assert_eq!(list.get(&ids::properties::MODEL).as_deref(), Some("imx219"));
    assert!(list.contains(&controls::EXPOSURE_TIME) && !list.contains(&controls::LUX));
    assert!(list.remove(&controls::EXPOSURE_TIME) && !list.remove(&controls::EXPOSURE_TIME));
}

#[test]
fn a_wrong_type_is_named() {
    let mut list = ControlList::default();
    assert_eq!(list.try_get(&controls::LUX).unwrap_err().to_string(), "the list has no Lux (control 0x10)");
    list.insert(controls::LUX.id(), [1.0, 2.0, 3.0f32]).unwrap();
    assert_eq!(list.get(&controls::LUX), None);
    let error = list.try_get(&controls::LUX).unwrap_err();
    assert_eq!(error.to_string(), "Lux (control 0x10) is array of 3 f32, not f32");
    list.insert(controls::COLOUR_GAINS.id(), 1u8).unwrap();
    let error = list.try_get(&controls::COLOUR_GAINS).unwrap_err();
    assert_eq!(error.to_string(), "ColourGains (control 0x14) is byte, not array of 2 f32");
}

#[test]
fn setting_a_value_of_the_same_size_moves_nothing() {
    let mut list = ControlList::new(IdMap::V4l2);
    list.set(&v4l2::GAMMA, [1; 136]);
    list.set(&v4l2::DENOISE, [2; 24]);
    list.set(&v4l2::EXPOSURE, 1000);
    let place = |list: &ControlList| list.get(v4l2::DENOISE.id()).unwrap().bytes().as_ptr();
    let before = place(&list);
    for lines in 0..1000 {
        list.set(&v4l2::EXPOSURE, lines);
        list.set(&v4l2::GAMMA, [lines as u8; 136]);
    }
    assert_eq!(place(&list), before);
    list.clear();
    list.set(&v4l2::EXPOSURE, 1000);
    list.set(&v4l2::GAMMA, [1; 136]);
    list.set(&v4l2::DENOISE, [2; 24]);
    assert_eq!(place(&list), before, "the memory of a cleared list serves again");
}

#[test]
fn large_arrays_are_whole_or_refused() {
    let mut list = ControlList::default();
    for length in [0, 65_535, 65_536, 65_537, 1 << 20] {
        let bytes: Vec<u8> = (0..length).map(|index| (index % 251) as u8).collect();
        list.set(&rpi::PISP_STATS_OUTPUT, &bytes);
        list.set(&controls::EXPOSURE_TIME, length);
        round_trip(&list);
        assert_eq!(list.get(&rpi::PISP_STATS_OUTPUT), Some(bytes));
    }
    let before = list.clone();
    let free = MAX_BYTES - packet(&list).len();
    let error = list.insert(1, vec![0u8; free - 15]).unwrap_err();
    assert_eq!(error, ControlError::TooLong { bytes: MAX_BYTES + 1, limit: MAX_BYTES });
    assert_eq!(list, before, "a refused value changes nothing");
    list.insert(1, vec![0u8; free - 16]).unwrap();
    assert_eq!(packet(&list).len(), MAX_BYTES);
    round_trip(&list);
}

#[test]
fn names_are_shown_as_the_id_map_has_them() {
    let mut list = ControlList::new(IdMap::V4l2);
    list.set(&v4l2::EXPOSURE, 1000);
    list.insert(7, "text").unwrap();
    assert_eq!(format!("{list:?}"), r#"{EXPOSURE: 1000, 0x7: "text"}"#);
}
