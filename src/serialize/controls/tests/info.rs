//! Info maps.

use super::ids::controls;
use super::*;

proptest! {
    #[test]
    fn maps_survive(map in map()) {
        round_trip(&map);
        for (id, info) in map.iter() {
            let mut one = ControlInfoMap::new(map.id_map());
            one.insert(id, info.control_type(), info.direction(), &info.to_owned()).unwrap();
            prop_assert_eq!(one.get(id).unwrap().to_owned(), info.to_owned());
        }
    }

    #[test]
    fn the_last_of_an_id_counts(mut map in map(), id in 0u32..20, (kind, info) in limits(), direction in direction()) {
        let others: Vec<_> = map.iter().filter(|(other, _)| *other != id).map(|(id, info)| (id, info.to_owned())).collect();
        map.insert(id, kind, direction, &info).unwrap();
        let found = map.get(id).unwrap();
        prop_assert_eq!((found.control_type(), found.direction(), found.to_owned()), (kind, direction, info));
        prop_assert!(map.contains(id) && map.remove(id) && !map.contains(id) && !map.remove(id));
        let left: Vec<_> = map.iter().map(|(id, info)| (id, info.to_owned())).collect();
        prop_assert_eq!(left, others);
        round_trip(&map);
        map.clear();
        prop_assert!(map.is_empty());
        prop_assert_eq!(map.clone(), ControlInfoMap::new(map.id_map()));
    }
}

#[test]
fn the_packet_is_as_documented() {
    let mut map = ControlInfoMap::default();
    let limits = ControlInfo::new(1i64, 2i64).with_default([3i64, 4]);
    map.set(&controls::FRAME_DURATION_LIMITS, Direction::InOut, &limits).unwrap();
    #[rustfmt::skip]
    let expected = [
        1, 0, 0, 0, 76, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // entries, bytes, id map
        30, 0, 0, 0, 6, 3, 0, 0, // id, type, direction
        6, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, // minimum
        6, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, // maximum
        6, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, // default, an array of 2 at offset 0
        3, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0,
    ];
    assert_eq!(packet(&map), expected);
    assert_eq!(ControlInfoMap::from_packet(&expected), Ok(map));
}

#[test]
fn limits_of_another_type_are_refused() {
    let mut map = ControlInfoMap::default();
    for (member, info, found) in [
        ("minimum", ControlInfo::new(1i32, 2.0f32), ControlType::I32),
        ("maximum", ControlInfo::new(1.0f32, ControlValue::None), ControlType::None),
        ("default", ControlInfo::new(1.0f32, 2.0f32).with_default(false), ControlType::Bool),
    ] {
        let error = map.set(&controls::LUX, Direction::Out, &info).unwrap_err();
        let id = controls::LUX.id();
        assert_eq!(error, ControlError::Limit { id, member, kind: ControlType::F32, found });
    }
    assert!(map.is_empty());
    let lengths = ControlInfo::new(0, 64).with_default("imx219");
    map.set(&ids::properties::MODEL, Direction::Out, &lengths).unwrap();
    round_trip(&map);
}

#[test]
fn no_default_is_none() {
    let mut map = ControlInfoMap::default();
    map.set(&controls::AWB_ENABLE, Direction::InOut, &ControlInfo::new(false, true)).unwrap();
    let info = map.get(&controls::AWB_ENABLE).unwrap();
    assert!(info.default().is_none());
    assert!(info.direction().is_input() && info.direction().is_output());
    assert_eq!(format!("{map:?}"), "{AwbEnable: InOut bool false..true}");
}
