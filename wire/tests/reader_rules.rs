//! What libcamera's readers abort on is an error, with its place; what they accept is accepted, and remarked on.

mod common;

use common::{check, from_hex};
use ringfence_mojom::model::Model;
use ringfence_wire::{Block, Codec, Role, Subject, Wire};
use serde_json::{Value as Json, json};

fn model() -> Model {
    check("", &["raspberrypi.mojom", "vimc.mojom"])
}

fn bytes(hex: &str) -> Vec<u8> {
    from_hex(&hex.split_whitespace().collect::<String>().into())
}

/// The value, and what is remarked.
fn read(wire: Wire, ty: &str, message: &[u8], fds: usize) -> Result<(Json, String), String> {
    let model = model();
    let decoded = Codec::new(&model, wire).decode(&Subject::parse(&model, ty).unwrap(), message, fds);
    decoded.map(|decoded| (decoded.value, decoded.remarks.join("; "))).map_err(|error| error.to_string())
}

#[track_caller]
fn refused(wire: Wire, ty: &str, message: &[u8], fds: usize, expected: &str) {
    match read(wire, ty, message, fds) {
        Ok(read) => panic!("it reads as {read:?}"),
        Err(error) => assert!(error.contains(expected), "{error}"),
    }
}

#[track_caller]
fn remarked(wire: Wire, ty: &str, message: &[u8], fds: usize, expected: &str) -> Json {
    let (value, remarks) = read(wire, ty, message, fds).unwrap();
    assert!(remarks.contains(expected), "{remarks}");
    value
}

/// A list of exposure time and colour gains, with header and entries to be changed.
fn list() -> Vec<u8> {
    bytes(
        "00000000 4c000000
         02000000 00000000 02000000 4c000000 48000000 00000000 0000000000000000
         07000000 05000100 00000000 0000000000000000
         01000000 01000000 04000000 0000000000000000",
    )
}

/// The list with a word changed, counted from the start of its packet.
fn list_with(at: usize, word: u32) -> Vec<u8> {
    let mut list = complete_list();
    list[8 + at..12 + at].copy_from_slice(&word.to_le_bytes());
    list
}

fn complete_list() -> Vec<u8> {
    let mut list = list();
    // An int32 and, as the second value, a bool.
    list[8 + 32 + 20 + 4..][..4].copy_from_slice(&[1, 0, 1, 0]);
    list.extend([7, 0, 0, 0, 1]);
    list[4..8].copy_from_slice(&77u32.to_le_bytes());
    list[8 + 12..8 + 16].copy_from_slice(&77u32.to_le_bytes());
    list
}

const LIST: &str = "libcamera.ControlList";
const MAP: &str = "libcamera.ControlInfoMap";

#[test]
fn the_list_to_be_spoiled_is_right() {
    let (value, remarks) = read(Wire::Libcamera2, LIST, &complete_list(), 0).unwrap();
    let int = json!({ "type": "int32", "array": false, "values": [7] });
    let truth = json!({ "type": "bool", "array": false, "values": [1] });
    let entries = json!([{ "id": 7, "value": int }, { "id": 1, "value": truth }]);
    assert_eq!(value, json!({ "idmap": "controls", "map": null, "entries": entries }));
    assert_eq!(remarks, "");
}

#[test]
fn lists_that_make_libcamera_abort_or_give_up_are_refused() {
    for (at, word, expected) in [
        (0, 1, "at offset 8: a control packet of version 1, where version 2 is spoken"),
        (4, 9, "the info map of handle 9, which was not sent"),
        (8, 0x1000_0000, "268435456 entries"),
        (12, 500, "an end at 500 do not fit 77 bytes"),
        (16, 31, "values from 31"),
        (16, 500, "values from 500"),
        (20, 2, "a list of 2 V4L2 controls needs an info map"),
        (20, 3, "3 is no id map"),
        (
            32 + 4,
            0x0001_000c,
            "entries[0]: at offset 40: control 0x7: 12 is no type of control in libcamera-2",
        ),
        (32 + 4, 0x0001_0205, "2 is no mark of an array"),
        (32 + 4, 0x0002_0005, "a single value of type int32 cannot have 2 elements"),
        (32 + 4, 0xffff_0105, "65535 elements of type int32 exceed the 5 bytes that are left"),
        (32 + 8, 4, "said to be at offset 4 of the values and must be at 0"),
    ] {
        refused(Wire::Libcamera2, LIST, &list_with(at, word), 0, expected);
    }
    let mut spoiled = complete_list();
    *spoiled.last_mut().unwrap() = 2;
    refused(Wire::Libcamera2, LIST, &spoiled, 0, "2 is no truth value");
    for length in 1..77 + 8 {
        refused(Wire::Libcamera2, LIST, &complete_list()[..length], 0, "bytes are needed and");
    }
}

#[test]
fn reserved_bytes_are_ignored_and_room_is_remarked_on() {
    let mut noisy = complete_list();
    for at in [24..32, 32 + 12..32 + 20, 52 + 12..52 + 20].into_iter().flatten() {
        noisy[8 + at] = 0xa5;
    }
    assert_eq!(read(Wire::Libcamera2, LIST, &noisy, 0), read(Wire::Libcamera2, LIST, &complete_list(), 0));
    let plain = read(Wire::Libcamera2, LIST, &complete_list(), 0).unwrap().0;
    let longer = [&complete_list()[..], &[1, 2]].concat();
    assert_eq!(remarked(Wire::Libcamera2, LIST, &longer, 0, "at offset 85: 2 bytes after the end"), plain);
    let mut slack = [&complete_list()[..], &[1, 2]].concat();
    slack[4] += 2;
    assert_eq!(remarked(Wire::Libcamera2, LIST, &slack, 0, "2 bytes after a packet"), plain);
    let twice = list_with(52, 7);
    let value = remarked(Wire::Libcamera2, LIST, &twice, 0, "control 0x7 comes more than once");
    assert_eq!(value["entries"].as_array().unwrap().len(), 1);
    assert_eq!(value["entries"][0]["value"]["type"], "bool");
    remarked(Wire::Libcamera2, LIST, &[], 0, "a list without any bytes");
}

#[test]
fn a_failed_configure_of_the_old_worker_can_be_read() {
    let empty =
        bytes("00000000 20000000 01000000 00000000 00000000 20000000 20000000 02000000 0000000000000000");
    let (value, remarks) = read(Wire::Libcamera1, LIST, &empty, 0).unwrap();
    assert_eq!((value, remarks), (json!({ "idmap": "v4l2", "map": null, "entries": [] }), String::new()));
}

#[test]
fn a_map_that_libcamera_sends_again_reads_as_empty() {
    let zeros = [&[99, 0, 0, 0][..], &[0; 99]].concat();
    let value = remarked(Wire::Libcamera2, MAP, &zeros, 0, "sent before, as 99 zero bytes");
    assert_eq!(value, json!({ "idmap": "controls", "entries": [] }));
}

#[test]
fn a_map_of_a_known_handle_is_the_one_that_is_known() {
    let model = model();
    let subject = Subject::parse(&model, MAP).unwrap();
    let limit = json!({ "type": "bool", "array": false, "values": [0] });
    let entry = json!({ "id": 1, "type": 1, "direction": 1, "min": limit, "max": limit, "def": limit });
    let map = json!({ "idmap": "controls", "entries": [entry] });
    let bytes = Codec::new(&model, Wire::Libcamera2).encode(Role::Proxy, &subject, &map).unwrap().bytes;
    let mut codec = Codec::new(&model, Wire::Libcamera2);
    assert_eq!(codec.decode(&subject, &bytes, 0).unwrap().value, map);
    let mut other = bytes.clone();
    other[4] = 77;
    let again = codec.decode(&subject, &other, 0).unwrap();
    assert_eq!(again.value, map);
    assert!(again.remarks[0].contains("handle 1 was sent before"), "{:?}", again.remarks);
    // A few bytes cannot stand for any number of maps.
    let element = [&(bytes.len() as u32).to_le_bytes()[..], &[0; 4], &bytes].concat();
    let many = [&100_000u32.to_le_bytes()[..], &element.repeat(100_000)].concat();
    let array = Subject::parse(&model, "array<libcamera.ControlInfoMap>").unwrap();
    let error = codec.decode(&array, &many, 0).unwrap_err();
    assert!(error.to_string().contains("come again too often"), "{error}");
    // The type of the minimum is asserted by libcamera.
    let mut mismatched = bytes.clone();
    mismatched[4 + 32 + 4] = 5;
    let error = Codec::new(&model, Wire::Libcamera2).decode(&subject, &mismatched, 0).unwrap_err();
    assert!(
        error.to_string().contains("the min is of type bool, which a control of type int32 cannot have"),
        "{error}"
    );
    // A new map gets the next handle of its side.
    let sent = codec.encode(Role::Proxy, &subject, &map).unwrap();
    assert_eq!(sent.bytes[8..12], [3, 0, 0, 0]);
    let sent = codec.encode(Role::Worker, &subject, &map).unwrap();
    assert_eq!(sent.bytes[8..12], [2, 0, 0, 0]);
    codec.reset();
    let sent = codec.encode(Role::Proxy, &subject, &map).unwrap();
    assert_eq!(sent.bytes, bytes);
}

#[test]
fn descriptors_are_counted() {
    let buffer = bytes("05000000 18000000 01000000 01000000 0c000000 01000000 01000000 10000000 00100000");
    let ty = "libcamera.IPABuffer";
    assert!(read(Wire::Libcamera2, ty, &buffer, 1).unwrap().1.is_empty());
    refused(
        Wire::Libcamera2,
        ty,
        &buffer,
        0,
        "planes: at offset 12: 1 descriptors are announced and 0 are left",
    );
    remarked(Wire::Libcamera2, ty, &buffer, 2, "1 descriptors that no value claims are ignored");
    let mut uncounted = buffer.clone();
    uncounted[20] = 0;
    refused(
        Wire::Libcamera2,
        ty,
        &uncounted,
        1,
        "planes[0].fd: at offset 24: the descriptor of a value is missing",
    );
    refused(Wire::Libcamera2, "libcamera.SharedFD", &[1, 0, 0, 0], 0, "the descriptor of a value is missing");
}

#[test]
fn tables_have_counts_of_descriptors_where_libcamera_has_them() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interfaces");
    let model = ringfence_mojom::Config::new().check(&[folder.join("corners.mojom")]).unwrap().model;
    let interface = model.modules.last().unwrap().interface.as_ref().unwrap();
    let method = |name: &str| interface.methods.iter().find(|method| method.name == name).unwrap();
    let encode = |name: &str, block, values: Json| {
        Codec::new(&model, Wire::Libcamera2).encode_block(Role::Proxy, method(name), block, &values)
    };
    let several = encode("several", Block::Request, json!({ "e": "x" })).unwrap().bytes;
    // Sizes of number, struct, array, list and text; the struct has descriptors itself, the array a marked field.
    let table = bytes("01000000 44000000 00000000 04000000 00000000 28000000 01000000");
    assert_eq!(several[..28], table);
    // The int32 stands before the others, which have a table of their own.
    let reply = encode("several", Block::Reply, json!({ "ret": -2, "g": 7 })).unwrap().bytes;
    assert_eq!(reply[..16], bytes("feffffff 44000000 00000000 01000000"));
    // A number or truth value that is the only one, but no enum, is returned; what it looks like is the same.
    assert!(
        ringfence_wire::direct_return(method("only_one"))
            && !ringfence_wire::direct_return(method("enumerated"))
    );
    // Planes have descriptors, and no parameter of their own can carry them.
    let plane = |valid: bool| json!({ "planes": [{ "fd": { "fd": valid }, "offset": 0, "length": 1 }] });
    encode("planes", Block::Request, plane(false)).unwrap();
    let error = encode("planes", Block::Request, plane(true)).unwrap_err();
    assert_eq!(error.to_string(), "planes: libcamera drops descriptors here; mark the field with [hasFd]");
    // Marks within the type of a field do not count.
    let dropped = Subject::parse(&model, "Dropped").unwrap();
    let value = json!({ "buffer": { "planes": plane(true)["planes"] } });
    let error = Codec::new(&model, Wire::Libcamera2).encode(Role::Proxy, &dropped, &value).unwrap_err();
    assert!(error.to_string().starts_with("buffer: libcamera drops"), "{error}");
}

#[test]
fn maps_are_sorted_and_the_first_of_two_keys_counts() {
    let map =
        bytes("02000000 01000000 00000000 05 01000000 00000000 61 01000000 00000000 05 01000000 00000000 62");
    let value = remarked(Wire::Libcamera2, "map<uint8, string>", &map, 0, "the key 5 comes again");
    assert_eq!(value, json!([[5, "a"]]));
    refused(Wire::Libcamera2, "map<uint8, string>", &map[..8], 0, "[0]");
    // Counts that could never be there cost nothing.
    refused(
        Wire::Libcamera2,
        "array<uint8>",
        &[0xff; 4],
        0,
        "[0]: at offset 4: 4 bytes are needed and 0 are left",
    );
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let model = model();
    let refused = |wire, ty: &str, value: Json, expected: &str| {
        let subject = Subject::parse(&model, ty).unwrap();
        let error = Codec::new(&model, wire).encode(Role::Proxy, &subject, &value).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    let point = json!({ "type": "point", "array": false, "values": [{ "x": 1, "y": 2 }] });
    let list = |id_map: &str, map: Json, value: &Json| json!({ "idmap": id_map, "map": map, "entries": [{ "id": 7, "value": value }] });
    refused(Wire::Libcamera1, LIST, list("controls", Json::Null, &point), "libcamera-1 has no type point");
    refused(
        Wire::Libcamera2,
        LIST,
        list("v4l2", Json::Null, &point),
        "needs an info map, and refers to none",
    );
    refused(
        Wire::Libcamera2,
        LIST,
        list("v4l2", 3.into(), &point),
        "map: the list refers to info map 3, and 0 are known",
    );
    refused(Wire::Native, LIST, list("v4l2", 0.into(), &point), "native has no info maps");
    let many = json!({ "type": "byte", "array": true, "values": vec![0; 65536] });
    refused(Wire::Libcamera2, LIST, list("controls", Json::Null, &many), "65536 elements exceed the 65535");
    refused(Wire::Native, "ipa.vimc.IPAOperationCode", "Nope".into(), "`Nope` is no value of");
    refused(Wire::Native, "uint8", 256.into(), "256 is no integer from 0 to 255");
    refused(
        Wire::Native,
        "libcamera.Size",
        json!({ "with": 1 }),
        "there is no member `with`; there are width, height",
    );
    refused(Wire::Native, "map<uint8, bool>", json!([[1, true], [1, false]]), "[1]: the key 1 comes twice");
}

#[test]
fn names_stand_for_numbers_and_defaults_for_what_is_missing() {
    let model = model();
    let encode = |ty: &str, value: Json| {
        let subject = Subject::parse(&model, ty).unwrap();
        Codec::new(&model, Wire::Libcamera2).encode(Role::Proxy, &subject, &value).unwrap().bytes
    };
    assert_eq!(encode("ipa.vimc.IPAOperationCode", "IPAOperationStop".into()), [3, 0, 0, 0]);
    assert_eq!(encode("[flags] ipa.vimc.TestFlag", json!(["Flag1", "Flag4"])), [9, 0, 0, 0]);
    assert_eq!(encode("Size", json!({ "height": 3 })), [0, 0, 0, 0, 3, 0, 0, 0]);
    for (name, expected) in [
        ("array<uint32", "`>` is missing"),
        ("map<float, bool>", "cannot be keys"),
        ("libcamera.Siez", "no `libcamera.Siez` is defined"),
        ("uint32 x", "`x` is left over"),
        (&"array<".repeat(100), "more than 32 deep"),
    ] {
        let error = Subject::parse(&model, name).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
