//! Packets that nobody should send.

use super::*;
use crate::serialize::native::Problem;

/// A list with a scalar, a rectangle, truth values, and a text; entries at 16, 32, 48, 64, values at 80.
fn sample() -> Vec<u8> {
    let mut list = ControlList::default();
    list.insert(1, true).unwrap();
    list.insert(2, Rectangle { x: 1, y: 2, width: 3, height: 4 }).unwrap();
    list.insert(3, [true, false]).unwrap();
    list.insert(4, "text").unwrap();
    packet(&list)
}

/// The error of the sample with these bytes at `offset`.
fn refused(offset: usize, bytes: &[u8]) -> ControlError {
    let mut packet = sample();
    packet[offset..offset + bytes.len()].copy_from_slice(bytes);
    ControlList::from_packet(&packet).unwrap_err()
}

fn of(id: u32, problem: ValueError) -> ControlError {
    ControlError::Value { id, problem }
}

#[test]
fn a_broken_header_is_refused() {
    let short = ControlError::Short { entries: 0, needed: 16, available: 15 };
    assert_eq!(ControlList::from_packet(&sample()[..15]), Err(short));
    assert_eq!(refused(4, &[103]), ControlError::Length { announced: 103, available: 102 });
    assert_eq!(refused(8, &[3]), ControlError::IdMap { value: 3 });
    assert_eq!(refused(15, &[9]), ControlError::Reserved { offset: 15, value: 9 });
    assert_eq!(refused(0, &[255; 4]), ControlError::TooMany { entries: u32::MAX, limit: MAX_ENTRIES });
    assert_eq!(refused(0, &[7]), ControlError::Short { entries: 7, needed: 128, available: 102 });
    let error = ControlList::from_packet(&vec![0; MAX_BYTES + 1]).unwrap_err();
    assert_eq!(error, ControlError::TooLong { bytes: MAX_BYTES + 1, limit: MAX_BYTES });
}

#[test]
fn no_control_comes_twice() {
    assert_eq!(refused(32, &[1]), ControlError::Duplicate { id: 1 });
    assert_eq!(refused(64, &[2]), ControlError::Duplicate { id: 2 });
    assert_eq!(refused(64, &[2]).to_string(), "control 0x2 comes more than once");
}

#[test]
fn the_number_of_controls_is_limited() {
    let mut list = ControlList::default();
    for id in (0..MAX_ENTRIES as u32).rev() {
        list.insert(id, ControlValue::None).unwrap();
    }
    round_trip(&list);
    let before = list.clone();
    let error = ControlError::TooMany { entries: MAX_ENTRIES as u32 + 1, limit: MAX_ENTRIES };
    assert_eq!(list.insert(5000, 1), Err(error.clone()));
    assert_eq!(list, before);
    list.insert(5, 1).unwrap();

    let mut packet = packet(&list);
    packet.extend([0; 16]);
    let bytes = packet.len() as u32;
    packet[..4].copy_from_slice(&(MAX_ENTRIES as u32 + 1).to_le_bytes());
    packet[4..8].copy_from_slice(&bytes.to_le_bytes());
    assert_eq!(ControlList::from_packet(&packet), Err(error));
}

#[test]
fn broken_slots_are_refused() {
    assert_eq!(refused(20, &[12]), of(1, ValueError::Type { value: 12 }));
    assert_eq!(refused(21, &[2]), of(1, ValueError::ArrayMark { kind: ControlType::Bool, value: 2 }));
    assert_eq!(refused(20, &[8]), of(1, ValueError::ArrayMark { kind: ControlType::String, value: 0 }));
    assert_eq!(refused(22, &[1]), ControlError::Reserved { offset: 22, value: 1 });
    assert_eq!(refused(39, &[1]), ControlError::Reserved { offset: 39, value: 1 });
    assert_eq!(refused(25, &[1]), of(1, ValueError::Padding { kind: ControlType::Bool }));
    assert_eq!(refused(20, &[0]), of(1, ValueError::Padding { kind: ControlType::None }));
    assert_eq!(refused(24, &[2]), of(1, ValueError::Bool { index: 0, value: 2 }));
}

#[test]
fn broken_places_are_refused() {
    assert_eq!(refused(44, &[1]), of(2, ValueError::Misplaced { found: 1, expected: 0 }));
    // The truth values claim the rectangle's bytes.
    assert_eq!(refused(60, &[0]), of(3, ValueError::Misplaced { found: 0, expected: 16 }));
    let bytes = ValueError::Bytes { kind: ControlType::Rectangle, is_array: false, bytes: 0 };
    assert_eq!(refused(40, &[0]), of(2, bytes));
    let beyond = |kind, count, available| ValueError::Beyond { kind, count, available };
    assert_eq!(refused(40, &[2]), of(2, beyond(ControlType::Rectangle, 2, 22)));
    assert_eq!(refused(72, &[5]), of(4, beyond(ControlType::String, 5, 4)));
    assert_eq!(refused(72, &[255; 4]), of(4, beyond(ControlType::String, u32::MAX, 4)));
    // Elements that take no bytes could be announced without end.
    let error = refused(68, &[0, 1, 0, 0, 255, 255, 255, 255]);
    assert_eq!(error, of(4, ValueError::ArrayMark { kind: ControlType::None, value: 1 }));
}

#[test]
fn broken_values_are_refused() {
    assert_eq!(refused(97, &[7]), of(3, ValueError::Bool { index: 1, value: 7 }));
    assert_eq!(refused(99, &[255]), of(4, ValueError::Utf8 { valid: 1 }));
    assert_eq!(refused(72, &[3]), ControlError::Trailing { bytes: 1 });
}

#[test]
fn broken_info_is_refused() {
    let mut map = ControlInfoMap::default();
    map.insert(9, ControlType::I32, Direction::In, &ControlInfo::new(1, 2).with_default(1)).unwrap();
    let refused = |offset: usize, value: u8| {
        let mut packet = packet(&map);
        packet[offset] = value;
        ControlInfoMap::from_packet(&packet).unwrap_err()
    };
    assert_eq!(refused(20, 12), of(9, ValueError::Type { value: 12 }));
    assert_eq!(refused(21, 0), ControlError::Direction { id: 9, value: 0 });
    assert_eq!(refused(21, 4), ControlError::Direction { id: 9, value: 4 });
    assert_eq!(refused(22, 1), ControlError::Reserved { offset: 22, value: 1 });
    // The reserved bytes of the maximum's slot.
    assert_eq!(refused(38, 1), ControlError::Reserved { offset: 38, value: 1 });
    let (kind, found) = (ControlType::I32, ControlType::F32);
    assert_eq!(refused(24, 7), ControlError::Limit { id: 9, member: "minimum", kind, found });
    assert_eq!(refused(36, 7), ControlError::Limit { id: 9, member: "maximum", kind, found });
    assert_eq!(refused(48, 7), ControlError::Limit { id: 9, member: "default", kind, found });
    assert_eq!(refused(37, 2), of(9, ValueError::ArrayMark { kind, value: 2 }));
}

#[test]
fn a_message_names_the_problem() {
    let mut bytes = message(&ControlList::default());
    bytes[8 + 8] = 9;
    let error = Decoder::message::<ControlList>(&bytes, &mut []).unwrap_err();
    assert_eq!(error.problem(), &Problem::Controls(ControlError::IdMap { value: 9 }));
    assert_eq!(error.to_string(), "9 is no id map; 0 to 2 are");
}

/// What is accepted must be what would have been written; the rest must be refused in peace.
fn probe(bytes: &[u8]) {
    if let Ok(list) = ControlList::from_packet(bytes) {
        assert_eq!(packet(&list), bytes);
        let mut copy = ControlList::new(list.id_map());
        copy.merge(&list).unwrap();
        assert_eq!(packet(&copy), bytes);
        let _ = format!("{list:?}");
    }
    if let Ok(map) = ControlInfoMap::from_packet(bytes) {
        assert_eq!(packet(&map), bytes);
        let mut copy = ControlInfoMap::new(map.id_map());
        for (id, info) in map.iter() {
            copy.insert(id, info.control_type(), info.direction(), &info.to_owned()).unwrap();
        }
        assert_eq!(packet(&copy), bytes);
        let _ = format!("{map:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_check_panic(bytes in any::<Vec<u8>>()) {
        probe(&bytes);
    }

    #[test]
    fn no_change_makes_the_check_panic(
        packet in prop_oneof![list().prop_map(|list| packet(&list)), map().prop_map(|map| packet(&map))],
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![any::<u8>(), 0u8..12]), 1..4),
        length in any::<prop::sample::Index>(),
    ) {
        let mut changed = packet.clone();
        for (index, value) in changes {
            let index = index.index(changed.len());
            changed[index] = value;
        }
        probe(&changed);
        // Cut short, with a header that knows.
        let length = length.index(packet.len());
        let mut cut = packet[..length].to_vec();
        probe(&cut);
        if length >= 8 {
            cut[4..8].copy_from_slice(&(length as u32).to_le_bytes());
            probe(&cut);
        }
    }

    #[test]
    fn any_number_is_accepted_where_one_was(list in list(), value in any::<[u8; 4]>()) {
        let mut packet = packet(&list);
        for slot in packet[16..][..16 * list.len()].chunks_exact_mut(16).map(|entry| &mut entry[4..]) {
            if slot[..4] == [5, 0, 0, 0] {
                slot[4..8].copy_from_slice(&value);
            }
        }
        prop_assert!(ControlList::from_packet(&packet).is_ok());
        probe(&packet);
    }
}
