//! Generated code at work: the compiler's sample interface and libcamera's own.

use std::collections::BTreeMap;
use std::fmt::Debug;

use ringfence::interfaces::{libcamera, rpi, vimc};
use ringfence::serialize::native::{Decode, DecodeError, Decoder, Encoder, Problem};
use ringfence::serialize::{Flags, Rectangle, SharedFd, Size};

/// Types of the compiler's golden file, which so are known to compile.
#[allow(dead_code)]
mod sample {
    include!("../mojom/tests/golden/sample.rs");
}

#[allow(dead_code)]
mod corners {
    include!("../mojom/tests/golden/corners.rs");
}

fn bytes<T: Decode>(value: &T) -> Vec<u8> {
    let (mut bytes, mut fds) = (Vec::new(), Vec::new());
    Encoder::message(value, &mut bytes, &mut fds).unwrap();
    assert!(fds.is_empty());
    bytes
}

fn read<T: Decode>(bytes: &[u8]) -> Result<T, DecodeError> {
    Decoder::message(bytes, &mut [])
}

fn round_trip<T: Decode + PartialEq + Debug>(value: &T) {
    let bytes = bytes(value);
    assert_eq!(read::<T>(&bytes).unwrap(), *value);
    for length in 0..bytes.len() {
        assert!(read::<T>(&bytes[..length]).is_err(), "{length} of {} bytes were accepted", bytes.len());
    }
}

#[test]
fn a_struct_is_its_fields_one_after_another() {
    let buffers = rpi::BufferIds { bayer: 0x040001, embedded: 0, stats: 0x010002 };
    assert_eq!(bytes(&buffers), [1, 0, 4, 0, 0, 0, 0, 0, 2, 0, 1, 0, 0, 0, 0, 0]);
    round_trip(&buffers);
}

#[test]
fn strings_and_nested_structs_survive() {
    round_trip(&libcamera::IpaCameraSensorInfo {
        model: "imx219".into(),
        bits_per_pixel: 10,
        cfa_pattern: 3,
        active_area_size: Size { width: 3280, height: 2464 },
        analog_crop: Rectangle { x: -8, y: 8, width: 3264, height: 2448 },
        output_size: Size { width: 1632, height: 1224 },
        pixel_rate: 182_400_000,
        min_line_length: 3448,
        max_line_length: 3448,
        min_frame_length: 1763,
        max_frame_length: 65535,
    });
}

#[test]
fn default_values_are_those_of_the_interface() {
    let value = sample::Defaults::default();
    assert_eq!(value.name, "nobody");
    assert_eq!(value.count, -3);
    assert_eq!(value.speed, sample::Speed::Fast);
    assert_eq!(value.speed, sample::Speed::RAPID);
    assert_eq!(value.options, Flags::from(sample::Choice::B));
    assert_eq!(sample::Plain::default().speed, sample::Speed::Stopped);
    assert_eq!(sample::MAX_FRAMES, 16);
    assert_eq!(sample::GREETING, "say \"hi\"");
}

#[test]
fn maps_of_arrays_of_structs_survive() {
    let area = Rectangle { x: 1, y: -2, width: 3, height: 4 };
    let plain = sample::Plain { distance: 1.5, r#type: 7, moving: true, speed: sample::Speed::Slow, area };
    round_trip(&sample::Defaults {
        options: Flags::from(sample::Choice::A) | sample::Choice::Top,
        address: vec![1, 2, 3, 4],
        places: BTreeMap::from([("a".into(), vec![plain; 3]), (String::new(), vec![])]),
        ..Default::default()
    });
}

#[test]
fn rare_types_survive() {
    let outer = corners::Outer {
        other: corners::OuterKind::Large,
        bits: vec![vec![], vec![true, false]],
        names: BTreeMap::from([(
            corners::OuterKind::Large,
            BTreeMap::from([(-1, "x".into()), (2, String::new())]),
        )]),
        ..Default::default()
    };
    assert_eq!((outer.kind, outer.low, outer.half), (corners::OuterKind::Large, -1, -0.5));
    assert_eq!((corners::OUTER_LOWEST, corners::LOW, corners::LEVEL_LOW), (i64::MIN, -128, -1));
    round_trip(&corners::Level { outer });
}

#[test]
fn an_error_names_the_field() {
    let mut bytes = bytes(&sample::Plain::default());
    bytes[5] = 2;
    let error = read::<sample::Plain>(&bytes).unwrap_err();
    assert_eq!(error.problem(), &Problem::Bool { value: 2 });
    assert_eq!(error.to_string(), "moving: 2 is no truth value; 0 or 1 are");
}

#[test]
fn descriptors_travel_beside_the_bytes() {
    let fd = || std::os::fd::OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
    let value = rpi::InitParams { lens_present: true, be: SharedFd::from(fd()), ..Default::default() };
    let (mut bytes, mut fds) = (Vec::new(), Vec::new());
    Encoder::message(&value, &mut bytes, &mut fds).unwrap();
    assert_eq!(fds.len(), 1);
    let read: rpi::InitParams = Decoder::message(&bytes, &mut [Some(fd())]).unwrap();
    assert!(read.lens_present && !read.fe.is_valid() && read.be.is_valid());
    assert!(Decoder::message::<rpi::InitParams>(&bytes, &mut []).is_err());
}

#[test]
fn numbers_and_names_are_those_of_the_interface() {
    let names: Vec<_> = rpi::INTERFACE.methods.iter().map(|method| method.name).collect();
    assert_eq!(
        names,
        ["init", "start", "stop", "configure", "mapBuffers", "unmapBuffers", "prepareIsp", "processStats"]
    );
    let asynchronous: Vec<_> = rpi::INTERFACE.methods.iter().map(|method| method.asynchronous).collect();
    assert_eq!(asynchronous, [false, false, false, false, false, false, true, true]);
    assert_eq!(rpi::INTERFACE.name, "ipa.RPi.IPARPiInterface");
    assert_eq!(rpi::INTERFACE.events.len(), 7);
    assert_eq!(vimc::INTERFACE.events, ["paramsComputed"]);
    assert_ne!(rpi::INTERFACE.hash, vimc::INTERFACE.hash);
    assert_eq!(i32::from(vimc::TestFlag::Flag4), 8);
    assert_eq!(rpi::MAX_LS_GRID_SIZE, 32768);
}
