//! libcamera's encoding, compared with bytes that libcamera itself has written.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use ringfence::interfaces::{libcamera as core, rpi};
use ringfence::serialize::controls::{ControlType, IdMap};
use ringfence::serialize::libcamera::{ControlSerializer, Decode, Decoder, Encode, Encoder, Role, Version};
use ringfence::serialize::{
    ControlInfoMap, ControlList, ControlValueRef, Plane, Point, Rectangle, SharedFd, Size, SizeRange,
};
use serde_json::{Value, json};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/wire/tests/golden");

/// A value as the golden file writes it.
trait Json {
    fn json(&self) -> Value;
}

macro_rules! as_is {
    ($($ty:ty)*) => {$( impl Json for $ty { fn json(&self) -> Value { json!(*self) } } )*};
}

as_is! { bool u32 i32 i64 u64 }

/// Whole numbers are written without a fraction, whatever their type.
fn float(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 1e15 { json!(number as i64) } else { json!(number) }
}

impl Json for f32 {
    fn json(&self) -> Value {
        float((*self).into())
    }
}

impl Json for f64 {
    fn json(&self) -> Value {
        float(*self)
    }
}

impl Json for String {
    fn json(&self) -> Value {
        json!(self)
    }
}

impl<T: Json> Json for Vec<T> {
    fn json(&self) -> Value {
        self.iter().map(Json::json).collect()
    }
}

impl<K: Json, V: Json> Json for BTreeMap<K, V> {
    fn json(&self) -> Value {
        self.iter().map(|(key, value)| json!([key.json(), value.json()])).collect()
    }
}

impl Json for SharedFd {
    fn json(&self) -> Value {
        json!({"fd": self.is_valid()})
    }
}

/// `gainDelay` from `gain_delay`.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |all, word| all + &word[..1].to_uppercase() + &word[1..])
}

macro_rules! structs {
    ($($ty:ty { $($field:ident)* })*) => {$(
        impl Json for $ty {
            fn json(&self) -> Value {
                Value::Object([$((camel(stringify!($field)), self.$field.json())),*].into_iter().collect())
            }
        }
    )*};
}

structs! {
    Point { x y }
    Size { width height }
    SizeRange { min max h_step v_step }
    Rectangle { x y width height }
    Plane { fd offset length }
    core::IpaBuffer { id planes }
    core::IpaSettings { configuration_file sensor_model }
    core::IpaStream { pixel_format size }
    core::IpaCameraSensorInfo {
        model bits_per_pixel cfa_pattern active_area_size analog_crop output_size pixel_rate min_line_length
        max_line_length min_frame_length max_frame_length
    }
    rpi::BufferIds { bayer embedded stats }
    rpi::ConfigParams { transform sensor_controls isp_controls lens_controls ls_table_handle }
    rpi::ConfigResult { mode_sensitivity control_info sensor_controls lens_controls }
    rpi::InitParams { lens_present sensor_info controller_min_frame_duration_us fe be }
    rpi::InitResult { sensor_config control_info }
    rpi::PrepareParams { buffers sensor_controls request_controls ipa_context delay_context }
    rpi::ProcessParams { buffers ipa_context }
    rpi::SensorConfig { sensor_metadata }
    rpi::StartResult { controls startup_frame_count invalid_frame_count }
}

fn type_name(kind: ControlType) -> &'static str {
    match kind {
        ControlType::U16 => "uint16",
        ControlType::U32 => "uint32",
        ControlType::I32 => "int32",
        ControlType::I64 => "int64",
        ControlType::F32 => "float",
        ControlType::None => "none",
        ControlType::Bool => "bool",
        ControlType::Byte => "byte",
        ControlType::String => "string",
        ControlType::Rectangle => "rectangle",
        ControlType::Size => "size",
        ControlType::Point => "point",
        _ => panic!("{kind} is new"),
    }
}

/// The elements of a value, read here from its bytes.
fn elements(value: ControlValueRef<'_>) -> Value {
    let kind = value.control_type();
    if kind == ControlType::String {
        return json!([value.as_str().unwrap()]);
    }
    if kind == ControlType::None {
        return json!([]);
    }
    let i32_at = |bytes: &[u8], at: usize| i32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let u32_at = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let element = |bytes: &[u8]| match kind {
        ControlType::Bool | ControlType::Byte => json!(bytes[0]),
        ControlType::U16 => json!(u16::from_le_bytes(bytes.try_into().unwrap())),
        ControlType::U32 => json!(u32_at(bytes, 0)),
        ControlType::I32 => json!(i32_at(bytes, 0)),
        ControlType::I64 => json!(i64::from_le_bytes(bytes.try_into().unwrap())),
        ControlType::F32 => f32::from_le_bytes(bytes.try_into().unwrap()).json(),
        ControlType::Size => json!({"width": u32_at(bytes, 0), "height": u32_at(bytes, 4)}),
        ControlType::Point => json!({"x": i32_at(bytes, 0), "y": i32_at(bytes, 4)}),
        ControlType::Rectangle => json!({
            "x": i32_at(bytes, 0), "y": i32_at(bytes, 4),
            "width": u32_at(bytes, 8), "height": u32_at(bytes, 12),
        }),
        kind => panic!("{kind} is new"),
    };
    value.bytes().chunks_exact(kind.element_bytes()).map(element).collect()
}

fn control_value(value: ControlValueRef<'_>) -> Value {
    let kind = value.control_type();
    json!({"type": type_name(kind), "array": value.is_array(), "values": elements(value)})
}

fn id_map(id_map: IdMap) -> &'static str {
    match id_map {
        IdMap::Controls => "controls",
        IdMap::Properties => "properties",
        IdMap::V4l2 => "v4l2",
    }
}

impl Json for ControlList {
    fn json(&self) -> Value {
        let entries: Value =
            self.iter().map(|(id, value)| json!({"id": id, "value": control_value(value)})).collect();
        json!({"idmap": id_map(self.id_map()), "entries": entries})
    }
}

impl Json for ControlInfoMap {
    fn json(&self) -> Value {
        let entries: Value = self
            .iter()
            .map(|(id, info)| {
                json!({
                    "id": id,
                    "type": info.control_type().number(),
                    "direction": info.direction().number(),
                    "min": control_value(info.min()),
                    "max": control_value(info.max()),
                    "def": control_value(info.default().unwrap_or(ControlValueRef::NONE)),
                })
            })
            .collect();
        json!({"idmap": id_map(self.id_map()), "entries": entries})
    }
}

/// What a value looks like here, of one as it is in the file: links to maps are not part of a list, and an empty list
/// or map in a struct has no bytes that could say what its ids are.
fn simplified(value: &Value, is_member: bool) -> Value {
    match value {
        Value::Object(members) if members.contains_key("idmap") => {
            let mut members = members.clone();
            members.remove("map");
            if is_member && members["entries"].as_array().is_some_and(Vec::is_empty) {
                members["idmap"] = json!("controls");
            }
            Value::Object(members)
        }
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), simplified(value, true))).collect()
        }
        Value::Array(items) => items.iter().map(|item| simplified(item, false)).collect(),
        Value::Number(number) if number.is_f64() => float(number.as_f64().unwrap()),
        value => value.clone(),
    }
}

struct Line {
    role: Role,
    ty: String,
    value: Value,
    fds: usize,
    bytes: Vec<u8>,
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

fn lines() -> Vec<Line> {
    let text = std::fs::read_to_string(format!("{GOLDEN}/libcamera-2.jsonl")).unwrap();
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        Line {
            role: if line["role"] == "proxy" { Role::Host } else { Role::Worker },
            ty: line["type"].as_str().unwrap().to_owned(),
            fds: line["fds"].as_u64().unwrap() as usize,
            bytes: unhex(line["bytes"].as_str().unwrap()),
            value: line["value"].clone(),
        }
    };
    text.lines().map(line).collect()
}

fn other(role: Role) -> Role {
    match role {
        Role::Host => Role::Worker,
        Role::Worker => Role::Host,
    }
}

fn descriptors(count: usize) -> Vec<Option<OwnedFd>> {
    let open = || OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
    (0..count).map(|_| Some(open())).collect()
}

fn decode<T: Decode>(line: &Line, serializer: &mut ControlSerializer) -> T {
    let mut fds = descriptors(line.fds);
    let decoded = Decoder::message(&line.bytes, &mut fds, serializer);
    decoded.unwrap_or_else(|error| panic!("{}: {error}", line.ty))
}

fn encode<T: Encode>(value: &T, serializer: &mut ControlSerializer) -> (Vec<u8>, usize) {
    let (mut bytes, mut fds) = (Vec::new(), Vec::new());
    Encoder::message(value, &mut bytes, &mut fds, serializer).unwrap();
    (bytes, fds.len())
}

/// Both directions, the value included.
fn check<T: Decode + Encode + Json>(line: &Line) {
    let value: T = decode(line, &mut ControlSerializer::new(Version::V2, other(line.role)));
    assert_eq!(value.json(), simplified(&line.value, false), "{}", line.ty);
    let (bytes, fds) = encode(&value, &mut ControlSerializer::new(Version::V2, line.role));
    assert_eq!((bytes, fds), (line.bytes.clone(), line.fds), "{}", line.ty);
    // Whatever is cut off, it is noticed. What varies in length at the end may be shorter; it is then another value.
    for length in 0..line.bytes.len() {
        let mut fds = descriptors(line.fds);
        let mut serializer = ControlSerializer::new(Version::V2, other(line.role));
        if let Ok(value) = Decoder::message::<T>(&line.bytes[..length], &mut fds, &mut serializer) {
            assert_eq!(line.ty, "string", "{length} bytes are {}", value.json());
        }
    }
}

#[test]
fn every_golden_value_passes_in_both_directions() {
    let mut seen = 0;
    let mut peers: BTreeMap<String, ControlSerializer> = BTreeMap::new();
    for line in lines() {
        seen += 1;
        match &*line.ty {
            "bool" => check::<bool>(&line),
            "uint32" => check::<u32>(&line),
            "int64" => check::<i64>(&line),
            "float" => check::<f32>(&line),
            "double" => check::<f64>(&line),
            "string" => check::<String>(&line),
            "array<uint32>" => check::<Vec<u32>>(&line),
            "array<string>" => check::<Vec<String>>(&line),
            "array<libcamera.IPABuffer>" => check::<Vec<core::IpaBuffer>>(&line),
            "map<string, string>" => check::<BTreeMap<String, String>>(&line),
            "map<uint32, libcamera.IPAStream>" => check::<BTreeMap<u32, core::IpaStream>>(&line),
            "map<uint32, libcamera.ControlInfoMap>" => check::<BTreeMap<u32, ControlInfoMap>>(&line),
            "libcamera.SharedFD" => check::<SharedFd>(&line),
            "libcamera.FrameBuffer.Plane" => check::<Plane>(&line),
            "libcamera.Point" => check::<Point>(&line),
            "libcamera.Size" => check::<Size>(&line),
            "libcamera.SizeRange" => check::<SizeRange>(&line),
            "libcamera.Rectangle" => check::<Rectangle>(&line),
            "libcamera.IPABuffer" => check::<core::IpaBuffer>(&line),
            "libcamera.IPASettings" => check::<core::IpaSettings>(&line),
            "libcamera.IPAStream" => check::<core::IpaStream>(&line),
            "libcamera.IPACameraSensorInfo" => check::<core::IpaCameraSensorInfo>(&line),
            "libcamera.ControlList" => check::<ControlList>(&line),
            "libcamera.ControlInfoMap" => check::<ControlInfoMap>(&line),
            "ipa.RPi.BufferIds" => check::<rpi::BufferIds>(&line),
            "ipa.RPi.ConfigParams" => check::<rpi::ConfigParams>(&line),
            "ipa.RPi.ConfigResult" => check::<rpi::ConfigResult>(&line),
            "ipa.RPi.InitParams" => check::<rpi::InitParams>(&line),
            "ipa.RPi.InitResult" => check::<rpi::InitResult>(&line),
            "ipa.RPi.PrepareParams" => check::<rpi::PrepareParams>(&line),
            "ipa.RPi.ProcessParams" => check::<rpi::ProcessParams>(&line),
            "ipa.RPi.SensorConfig" => check::<rpi::SensorConfig>(&line),
            "ipa.RPi.StartResult" => check::<rpi::StartResult>(&line),
            "libcamera.ControlList#bound" => {
                peers.insert(format!("{:?}", line.role), check_bound(&line));
            }
            "libcamera.ControlList#again" => {
                // The line before was the same list by the same serializer.
                let peer = peers.get_mut(&format!("{:?}", line.role)).unwrap();
                check_again(&line, peer);
            }
            ty => panic!("no golden value is left out, but {ty} is"),
        }
    }
    assert_eq!(seen, 432);
}

/// A list that brings its map along. Returns the receiver.
fn check_bound(line: &Line) -> ControlSerializer {
    let mut receiver = ControlSerializer::new(Version::V2, other(line.role));
    let list: ControlList = decode(line, &mut receiver);
    assert_eq!(list.json(), simplified(&line.value["list"], false));
    let handle = if line.role == Role::Host { 1 } else { 2 };
    let map = receiver.map(handle).expect("the map came along").clone();
    assert_eq!(map.json(), simplified(&line.value["infomap"], false));
    let mut sender = ControlSerializer::new(Version::V2, line.role);
    sender.announce(map);
    assert_eq!(encode(&list, &mut sender).0, line.bytes);
    receiver
}

/// The same list once more, without its map.
fn check_again(line: &Line, receiver: &mut ControlSerializer) {
    let list: ControlList = decode(line, receiver);
    assert_eq!(list.json(), simplified(&line.value["list"], false));
    let handle = if line.role == Role::Host { 1 } else { 2 };
    let mut sender = ControlSerializer::new(Version::V2, line.role);
    sender.announce(receiver.map(handle).unwrap().clone());
    encode(&list, &mut sender);
    assert_eq!(encode(&list, &mut sender).0, line.bytes);
}
