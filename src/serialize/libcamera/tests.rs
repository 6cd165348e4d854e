//! What golden bytes do not show: the rules about maps, format 1, and what is refused.

use super::*;
use crate::serialize::controls::{
    ControlInfo, ControlInfoMap, ControlList, ControlType, ControlValue, Direction, IdMap,
};
use crate::serialize::{Plane, SharedFd};

fn host(version: Version) -> ControlSerializer {
    ControlSerializer::new(version, Role::Host)
}

fn worker(version: Version) -> ControlSerializer {
    ControlSerializer::new(version, Role::Worker)
}

fn encode<T: Encode>(value: &T, controls: &mut ControlSerializer) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    Encoder::message(value, &mut bytes, &mut Vec::new(), controls).map(|()| bytes)
}

fn decode<T: Decode>(bytes: &[u8], controls: &mut ControlSerializer) -> Result<T, DecodeError> {
    Decoder::message(bytes, &mut [], controls)
}

fn problem<T: Decode + std::fmt::Debug>(bytes: &[u8], controls: &mut ControlSerializer) -> Problem {
    decode::<T>(bytes, controls).unwrap_err().problem().clone()
}

fn map(ids: &[u32]) -> ControlInfoMap {
    let mut map = ControlInfoMap::new(IdMap::V4l2);
    for id in ids {
        map.insert(*id, ControlType::I32, Direction::InOut, &ControlInfo::new(1, 9)).unwrap();
    }
    map
}

fn list(ids: &[u32]) -> ControlList {
    let mut list = ControlList::new(IdMap::V4l2);
    for id in ids {
        list.insert(*id, 7).unwrap();
    }
    list
}

/// The handle in the packet of a list that brings no map along.
fn handle(bytes: &[u8]) -> u32 {
    assert_eq!(bytes[..4], [0; 4], "a map came along");
    u32::from_le_bytes(bytes[12..16].try_into().unwrap())
}

#[test]
fn a_list_names_the_map_that_has_the_most_of_it() {
    for version in Version::ALL {
        let mut host = host(version);
        for ids in [&[1, 2, 3][..], &[10, 11]] {
            encode(&map(ids), &mut host).unwrap();
        }
        assert_eq!(handle(&encode(&list(&[1, 2, 27]), &mut host).unwrap()), 1);
        assert_eq!(handle(&encode(&list(&[11]), &mut host).unwrap()), 3);
        // Of two that are as good, the later one.
        encode(&map(&[10]), &mut host).unwrap();
        assert_eq!(handle(&encode(&list(&[10]), &mut host).unwrap()), 5);
        assert_eq!(encode(&list(&[99]), &mut host), Err(EncodeError::NoMap { id: 99 }));
        host.reset();
        assert_eq!(encode(&list(&[1]), &mut host), Err(EncodeError::NoMap { id: 1 }));
    }
}

#[test]
fn a_received_map_goes_along_once_under_a_handle_of_our_own() {
    for version in Version::ALL {
        let (mut host, mut worker) = (host(version), worker(version));
        let sent = encode(&map(&[1, 2]), &mut host).unwrap();
        decode::<ControlInfoMap>(&sent, &mut worker).unwrap();
        let first = encode(&list(&[1]), &mut worker).unwrap();
        assert_ne!(first[..4], [0; 4]);
        let second = encode(&list(&[2]), &mut worker).unwrap();
        assert_eq!(handle(&second), 2);
        assert_eq!(problem::<ControlList>(&second, &mut host), Problem::UnknownMap { handle: 2 });
        assert_eq!(decode::<ControlList>(&first, &mut host).unwrap(), list(&[1]));
        assert_eq!(decode::<ControlList>(&second, &mut host).unwrap(), list(&[2]));
    }
}

#[test]
fn what_was_not_sent_leaves_no_trace() {
    let mut host = host(Version::V2);
    let before = host.mark();
    encode(&map(&[1]), &mut host).unwrap();
    host.rewind(before);
    assert_eq!(encode(&list(&[1]), &mut host), Err(EncodeError::NoMap { id: 1 }));
    // The second of the two lists cannot be sent, so the map that came before neither.
    host.announce(map(&[1]));
    encode(&vec![list(&[1]), list(&[5])], &mut host).unwrap_err();
    let bytes = encode(&list(&[1]), &mut host).unwrap();
    assert_eq!(u32::from_le_bytes(bytes[12..16].try_into().unwrap()), 1, "the first handle is still free");
}

#[test]
fn a_map_of_zeros_is_empty() {
    let bytes = [&36u32.to_le_bytes()[..], &[0; 36]].concat();
    assert_eq!(decode::<ControlInfoMap>(&bytes, &mut host(Version::V2)).unwrap(), map(&[]));
}

#[test]
fn a_list_of_v4l2_controls_without_a_map_must_be_empty() {
    for version in Version::ALL {
        let mut sender = worker(version);
        sender.announce(map(&[1]));
        encode(&map(&[1]), &mut sender).unwrap();
        let mut bytes = encode(&list(&[1]), &mut sender).unwrap();
        bytes[12..16].fill(0);
        assert_eq!(problem::<ControlList>(&bytes, &mut host(version)), Problem::MissingMap { entries: 1 });
        let empty = encode(&list(&[]), &mut worker(version)).unwrap();
        let mut with_id_map_2 = empty.clone();
        with_id_map_2[28] = 2;
        assert!(decode::<ControlList>(&with_id_map_2, &mut host(version)).unwrap().is_empty());
        // The reader of format 1 would abort.
        assert_eq!(empty[28], if version == Version::V1 { 0 } else { 2 });
    }
}

#[test]
fn format_1_has_its_own_types() {
    let mut values = ControlList::default();
    values.insert(1, -1i32).unwrap();
    values.insert(2, "ab").unwrap();
    let bytes = encode(&values, &mut host(Version::V1)).unwrap();
    assert_eq!(bytes[..8], [0, 0, 0, 0, 78, 0, 0, 0]);
    assert_eq!(
        bytes[40..72],
        [
            1, 0, 0, 0, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
            2, 0, 0, 0, 6, 1, 2, 0, 8, 0, 0, 0, 0, 0, 0, 0,
        ]
    );
    assert_eq!(bytes[72..], [3, 0, 0, 0, 255, 255, 255, 255, 6, 0, 0, 0, b'a', b'b']);
    assert_eq!(decode::<ControlList>(&bytes, &mut worker(Version::V1)).unwrap(), values);
    for value in [ControlValue::from(1u16), 1u32.into()] {
        values.insert(3, value).unwrap();
        let refused = encode(&values, &mut host(Version::V1));
        assert!(matches!(refused, Err(EncodeError::NoSuchType { id: 3, .. })), "{refused:?}");
    }
}

#[test]
fn packets_that_lie_are_refused() {
    let mut values = ControlList::default();
    values.insert(1, 5i32).unwrap();
    let good = encode(&values, &mut host(Version::V2)).unwrap();
    let refused = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        problem::<ControlList>(&bytes, &mut worker(Version::V2))
    };
    assert_eq!(refused(8, 1), Problem::PacketFormat { found: 1, version: Version::V2 });
    assert!(matches!(refused(12, 9), Problem::UnknownMap { handle: 9 }));
    assert!(matches!(refused(16, 2), Problem::PacketLayout { entries: 2, .. }));
    assert!(matches!(refused(20, 255), Problem::PacketLayout { size: 255, .. }));
    assert!(matches!(refused(24, 31), Problem::PacketLayout { data_offset: 31, .. }));
    assert_eq!(refused(28, 3), Problem::IdMap { found: 3 });
    // Type, mark of an array, count, offset.
    for (at, value) in [(44, 12), (45, 2), (46, 2), (48, 1)] {
        assert!(matches!(refused(at, value), Problem::Controls(_)), "byte {at} as {value}");
    }
    let mut nameless = encode(&map(&[1]), &mut host(Version::V2)).unwrap();
    nameless[8] = 0;
    assert_eq!(problem::<ControlInfoMap>(&nameless, &mut worker(Version::V2)), Problem::NoHandle);
    // What is reserved may hold anything.
    for at in (32..40).chain(52..60) {
        let mut bytes = good.clone();
        bytes[at] = 0xaa;
        assert_eq!(decode::<ControlList>(&bytes, &mut worker(Version::V2)).unwrap(), values);
    }
}

#[test]
fn descriptors_only_go_where_they_are_counted() {
    let fd = SharedFd::from(std::os::fd::OwnedFd::from(std::fs::File::open("/dev/null").unwrap()));
    let planes = vec![Plane { fd, offset: 0, length: 1 }];
    let mut controls = host(Version::V2);
    let (mut bytes, mut fds) = (Vec::new(), Vec::new());
    let unmarked = Encoder::message(&Unmarked(&planes), &mut bytes, &mut fds, &mut controls);
    assert_eq!(unmarked, Err(EncodeError::UnmarkedFds { field: "planes", count: 1 }));
    assert!(bytes.is_empty() && fds.is_empty());
}

/// A struct with a field that should be marked `[hasFd]`.
struct Unmarked<'a>(&'a Vec<Plane>);

impl Encode for Unmarked<'_> {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        out.sized("planes", self.0)
    }
}

#[test]
fn counts_are_checked_before_there_is_memory_for_them() {
    let mut controls = host(Version::V2);
    assert!(matches!(problem::<Vec<u32>>(&[255; 4], &mut controls), Problem::Beyond { .. }));
    let one = [1, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0, 1, 2, 3, 4];
    let error = decode::<Vec<u32>>(&one, &mut controls).unwrap_err();
    assert_eq!(error.to_string(), "[0]: 4294967295 bytes are needed at offset 12, where 4 are left");
}
