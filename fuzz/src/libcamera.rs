//! libcamera's encoding, over every kind of value that the interfaces shipped have.

use std::collections::BTreeMap;
use std::fmt::Debug;

use ringfence::interfaces::{libcamera, libcamera_0_0_3 as old, rpi, vimc};
use ringfence::ipc::libcamera::Event;
use ringfence::serialize::libcamera::{ControlSerializer, Decode, Decoder, Encode, Encoder, Role, Version};
use ringfence::serialize::{ControlInfoMap, ControlList, Flags, Plane, Rectangle, SharedFd, SizeRange};

use crate::native::{MOST_FDS, descriptors};

/// Decodes a value as some `T`, encodes what came out, and decodes it again.
type RoundTrip = fn(&[u8], usize, Version);

/// What can be in a message, by the first byte of the input modulo its length.
///
/// New ones go to the end: the seeds name theirs by number.
const KINDS: &[(&str, RoundTrip)] = &[
    ("libcamera.ControlList", round_trip::<ControlList>),
    ("libcamera.ControlInfoMap", round_trip::<ControlInfoMap>),
    ("libcamera.IPACameraSensorInfo", round_trip::<libcamera::IpaCameraSensorInfo>),
    ("libcamera.IPABuffer", round_trip::<libcamera::IpaBuffer>),
    ("libcamera.IPASettings", round_trip::<libcamera::IpaSettings>),
    ("libcamera.IPAStream", round_trip::<libcamera::IpaStream>),
    ("libcamera.SizeRange", round_trip::<SizeRange>),
    ("libcamera.Rectangle", round_trip::<Rectangle>),
    ("libcamera.SharedFD", round_trip::<SharedFd>),
    ("libcamera.FrameBuffer.Plane", round_trip::<Plane>),
    ("ipa.RPi.ConfigParams", round_trip::<rpi::ConfigParams>),
    ("ipa.RPi.ConfigResult", round_trip::<rpi::ConfigResult>),
    ("ipa.RPi.InitParams", round_trip::<rpi::InitParams>),
    ("ipa.RPi.InitResult", round_trip::<rpi::InitResult>),
    ("ipa.RPi.PrepareParams", round_trip::<rpi::PrepareParams>),
    ("ipa.RPi.StartResult", round_trip::<rpi::StartResult>),
    ("array<libcamera.IPABuffer>", round_trip::<Vec<libcamera::IpaBuffer>>),
    ("array<string>", round_trip::<Vec<String>>),
    ("array<uint32>", round_trip::<Vec<u32>>),
    ("map<string, string>", round_trip::<BTreeMap<String, String>>),
    ("map<uint32, libcamera.IPAStream>", round_trip::<BTreeMap<u32, libcamera::IpaStream>>),
    ("map<uint32, libcamera.ControlInfoMap>", round_trip::<BTreeMap<u32, ControlInfoMap>>),
    ("", round_trip::<Vec<BTreeMap<bool, Vec<f64>>>>),
    ("", round_trip::<vimc::IpaOperationCode>),
    ("", round_trip::<Flags<vimc::TestFlag>>),
    ("", round_trip::<old::rpi::IspConfig>),
    ("", round_trip::<old::rpi::IpaConfig>),
    ("", events::<rpi::IpaRPiEvent>),
    ("", events::<vimc::IpaVimcEvent>),
    ("", events::<old::rpi::IpaRPiEvent>),
];

/// Values in `libcamera-1`. The first byte says of which type, the second how many descriptors come along.
pub fn libcamera_1(data: &[u8]) {
    exercise(data, Version::V1);
}

/// Values in `libcamera-2`, likewise.
pub fn libcamera_2(data: &[u8]) {
    exercise(data, Version::V2);
}

fn exercise(data: &[u8], version: Version) {
    let [kind, fds, message @ ..] = data else { return };
    KINDS[usize::from(*kind) % KINDS.len()].1(message, usize::from(*fds) % (MOST_FDS + 1), version);
}

/// A worker's serializer that has every map which the host's has received.
fn sender(receiver: &ControlSerializer) -> ControlSerializer {
    let mut sender = ControlSerializer::new(receiver.version(), Role::Worker);
    for map in (1..1000).filter_map(|handle| receiver.map(handle)) {
        sender.announce(map.clone());
    }
    sender
}

fn round_trip<T: Encode + Decode + Debug>(message: &[u8], count: usize, version: Version) {
    let mut receiver = ControlSerializer::new(version, Role::Host);
    let mut fds = descriptors(count);
    match Decoder::message::<T>(message, &mut fds, &mut receiver) {
        Ok(value) => {
            assert!(fds.iter().all(Option::is_none), "a descriptor was left behind");
            let (mut bytes, mut sent) = (Vec::new(), Vec::new());
            // A list may name a map that has none of its controls, which nobody would send.
            if Encoder::message(&value, &mut bytes, &mut sent, &mut sender(&receiver)).is_ok() {
                assert_eq!(sent.len(), count, "every descriptor belongs to the message");
                let mut fresh = ControlSerializer::new(version, Role::Host);
                let again = Decoder::message::<T>(&bytes, &mut descriptors(count), &mut fresh);
                let again = again.expect("what was written can be read");
                let shown = |value: &T| without_numbers_of_descriptors(&format!("{value:?}"));
                assert_eq!(shown(&again), shown(&value));
            }
        }
        Err(error) => assert!(!error.to_string().contains('\n'), "an error has to be one line: {error}"),
    }
}

/// The text without what tells two descriptors of one file apart.
fn without_numbers_of_descriptors(text: &str) -> String {
    let mut parts = text.split("fd: ");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out += part.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    out
}

/// An event whose number is the first byte of the message.
fn events<E: Event + Debug>(message: &[u8], count: usize, version: Version) {
    let [number, message @ ..] = message else { return };
    let mut receiver = ControlSerializer::new(version, Role::Host);
    let mut fds = descriptors(count);
    let mut decoder = Decoder::new(message, &mut fds, &mut receiver);
    match E::decode((*number).into(), &mut decoder) {
        Ok(event) => assert_eq!(event.number(), u16::from(*number)),
        Err(error) => assert!(!error.to_string().contains('\n'), "an error has to be one line: {error}"),
    }
}

/// What libcamera itself has written of these types, and a list for each version of controls.
pub(crate) fn seeds(version: Version) -> Vec<(String, Vec<u8>)> {
    let golden = include_str!("../../wire/tests/golden/libcamera-2.jsonl");
    let mut seeds = Vec::new();
    for (kind, (name, _)) in KINDS.iter().enumerate().filter(|(_, (name, _))| !name.is_empty()) {
        let of_kind = format!("\"type\":\"{name}\"");
        // Of all roles and random values, a few.
        for (index, line) in golden.lines().filter(|line| line.contains(&of_kind)).step_by(5).enumerate() {
            let member = |name: &str| {
                let start = line.find(name).expect("every line has all members") + name.len();
                line[start..].split(['"', ',', '}']).next().unwrap_or_default()
            };
            let digits: Vec<u32> = member("\"bytes\":\"")
                .chars()
                .map(|digit| digit.to_digit(16).expect("hexadecimal"))
                .collect();
            let mut bytes: Vec<u8> = digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect();
            let fds = member("\"fds\":").parse().expect("a number");
            if version == Version::V1 {
                bytes = with_format_1(bytes);
            }
            bytes.splice(0..0, [kind as u8, fds]);
            seeds.push((format!("{kind:02}-{index}"), bytes));
        }
    }
    seeds
}

/// The bytes with every packet of controls marked as one of format 1, from which a fuzzer finds the rest.
fn with_format_1(mut bytes: Vec<u8>) -> Vec<u8> {
    for at in 0..bytes.len().saturating_sub(32) {
        if bytes[at..at + 4] == 2u32.to_le_bytes() {
            bytes[at] = 1;
        }
    }
    bytes
}
