//! Control packets.

use ringfence::serialize::controls::{ControlInfo, ControlValue, ControlValueRef, Direction, ids};
use ringfence::serialize::native::{Decoder, Encoder};
use ringfence::serialize::{ControlInfoMap, ControlList, Point, Rectangle, Size};

use crate::input::Input;

/// Control lists and control info maps from bytes: what is accepted can be read by every accessor, is sent
/// on as the same bytes, and stays a valid packet whatever is then set, replaced and removed.
///
/// The first byte picks list or map, the second how many bytes at the end are the changes to make. If the
/// first byte has bit 1, the packet's header is told the right length, which a fuzzer would seldom find.
pub fn controls(data: &[u8]) {
    let [kind, changes, rest @ ..] = data else { return };
    let (packet, changes) = rest.split_at(rest.len() - usize::from(*changes).min(rest.len()));
    let mut packet = packet.to_vec();
    let length = packet.len() as u32;
    if let Some(announced) = packet.get_mut(4..8).filter(|_| kind & 2 != 0) {
        announced.copy_from_slice(&length.to_le_bytes());
    }
    match kind & 1 {
        0 => list(&packet, Input(changes)),
        _ => map(&packet, Input(changes)),
    }
}

fn list(packet: &[u8], mut changes: Input<'_>) {
    let Ok(mut list) = ControlList::from_packet(packet) else { return };
    read_list(&list);
    assert_eq!(packet_of(&list), packet, "{list:?} is sent as other bytes than it came");
    let original = list.clone();
    while !changes.is_empty() {
        let id = id(&mut changes, list.iter().map(|(id, _)| id));
        match changes.u8() % 8 {
            0 => {
                let before = list.len();
                let was_there = list.contains(id);
                assert_eq!(list.remove(id), was_there);
                assert_eq!(list.len(), before - usize::from(was_there));
            }
            1 => list.merge(&original).expect("the same id map, and not too many"),
            2 => list.clear(),
            _ => {
                let value = value(&mut changes);
                list.insert(id, &value).expect("small values fit");
                assert_eq!(list.get(id).map(|found| found.to_owned()), Some(value));
            }
        }
        read_list(&list);
        let again = ControlList::from_packet(&packet_of(&list)).expect("a changed list is a valid packet");
        assert_eq!(again, list);
    }
}

fn map(packet: &[u8], mut changes: Input<'_>) {
    let Ok(mut map) = ControlInfoMap::from_packet(packet) else { return };
    read_map(&map);
    assert_eq!(packet_of(&map), packet, "{map:?} is sent as other bytes than it came");
    while !changes.is_empty() {
        let id = id(&mut changes, map.iter().map(|(id, _)| id));
        match changes.u8() % 4 {
            0 => {
                let was_there = map.contains(id);
                assert_eq!(map.remove(id), was_there);
            }
            1 => map.clear(),
            _ => {
                let (min, max) = (value(&mut changes), value(&mut changes));
                let kind = min.control_type();
                let info = ControlInfo { min, max, default: None };
                let before = map.clone();
                match map.insert(id, kind, Direction::InOut, &info) {
                    Ok(()) => assert_eq!(map.get(id).map(|found| found.to_owned()), Some(info)),
                    Err(_) => assert_eq!(map, before, "a refused change left a trace"),
                }
            }
        }
        read_map(&map);
        let again = ControlInfoMap::from_packet(&packet_of(&map)).expect("a changed map is a valid packet");
        assert_eq!(again, map);
    }
}

/// Everything that can be asked of a list.
fn read_list(list: &ControlList) {
    let mut ids = Vec::with_capacity(list.len());
    for (id, value) in list.iter() {
        read(value);
        assert_eq!(list.get(id), Some(value));
        assert_eq!(ControlValueRef::new(value.control_type(), value.is_array(), value.bytes()), Ok(value));
        ids.push(id);
    }
    assert_eq!(ids.len(), list.len());
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), list.len(), "an id comes twice");
    let _ = list.get(&ids::controls::EXPOSURE_TIME);
    let _ = list.get(&ids::controls::COLOUR_GAINS);
    let _ = list.try_get(&ids::controls::ANALOGUE_GAIN);
    let _ = list.try_get(&ids::controls::SCALER_CROP);
    let _ = format!("{list:?}");
}

fn read_map(map: &ControlInfoMap) {
    for (id, info) in map.iter() {
        read(info.min());
        read(info.max());
        info.default().map(read);
        let _ = (info.control_type(), info.direction());
        assert_eq!(map.get(id).map(|found| found.to_owned()), Some(info.to_owned()));
    }
    let _ = format!("{map:?}");
}

/// Reads a value as everything that it may be.
fn read(value: ControlValueRef<'_>) {
    let owned = value.to_owned();
    assert_eq!((owned.control_type(), owned.is_array()), (value.control_type(), value.is_array()));
    let _ = format!("{value:?} {} {owned:?}", value.shape());
    macro_rules! as_types {
        ($($element:ty)*) => {$(
            let _ = (value.get::<$element>(), value.get::<[$element; 2]>());
            let all = value.get::<Vec<$element>>();
            assert_eq!(all.map(|all| all.len()), value.elements::<$element>().map(|all| all.len()));
        )*};
    }
    as_types! { bool u8 u16 u32 i32 i64 f32 Rectangle Size Point }
    let _ =
        (value.get::<str>(), value.get::<String>(), value.get::<[u8]>(), value.as_str(), value.as_bytes());
}

/// The packet of a list or map, out of the message in which it is sent.
fn packet_of<T: ringfence::serialize::native::Encode>(value: &T) -> Vec<u8> {
    let (mut bytes, mut fds) = (Vec::new(), Vec::new());
    Encoder::message(value, &mut bytes, &mut fds).expect("packets are small");
    let mut decoder = Decoder::new(&bytes, &mut []);
    let span = *decoder.fixed::<ringfence::serialize::native::Span>().expect("a packet lies behind a span");
    decoder.region(&span, 1).expect("the span is right").to_vec()
}

/// One of these ids, or another one.
fn id(input: &mut Input<'_>, known: impl ExactSizeIterator<Item = u32>) -> u32 {
    let (choice, count) = (usize::from(input.u8()), known.len());
    let mut known = known;
    match choice % 2 {
        0 if count != 0 => known.nth(choice / 2 % count).expect("below the count"),
        _ => input.u32() % 64,
    }
}

fn value(input: &mut Input<'_>) -> ControlValue {
    let count = usize::from(input.u8()) % 24;
    match input.u8() % 9 {
        0 => ControlValue::None,
        1 => (input.u8() & 1 == 1).into(),
        2 => f32::from_bits(input.u32()).into(),
        3 => Rectangle { x: 1, y: 2, width: input.u32(), height: 4 }.into(),
        4 => input.bytes(count).to_vec().into(),
        5 => (0..count).map(|_| input.u8() & 1 == 1).collect::<Vec<_>>().into(),
        6 => String::from_utf8_lossy(input.bytes(count)).into_owned().into(),
        7 => vec![input.u64() as i64; count].into(),
        _ => vec![Point { x: 3, y: -4 }; count].into(),
    }
}
