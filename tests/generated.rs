//! Generated code at work: the compiler's sample interface and libcamera's own.

use std::collections::BTreeMap;
use std::fmt::Debug;

use ringfence::interfaces::{libcamera, rpi, vimc};
use ringfence::ipc::{CallError, Options};
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
fn numbers_without_a_name_survive_and_keep_their_order() {
    use sample::Speed;
    let unknown = Speed::from(9);
    assert_eq!(unknown, Speed::Unknown(9));
    round_trip(&sample::Plain { speed: unknown, ..Default::default() });
    // A number that has a name is that name, whoever made it up.
    assert_eq!(Speed::Unknown(1), Speed::Slow);
    assert!(matches!(Speed::from(1), Speed::Slow));
    let mut hashes = std::collections::HashSet::new();
    assert!(hashes.insert(Speed::Unknown(1)) && !hashes.insert(Speed::Slow));
    // The order is that of the numbers, so that the keys of a map do not depend on who knows which names.
    let mut speeds = [Speed::Slow, unknown, Speed::Fast, Speed::Unknown(-3), Speed::Stopped];
    speeds.sort();
    assert_eq!(speeds.map(i32::from), [-3, -2, 0, 1, 9]);
    let names = |key| BTreeMap::from([(corners::OuterKind::Small, BTreeMap::new()), (key, BTreeMap::new())]);
    for key in [corners::OuterKind::Unknown(-1), corners::OuterKind::Unknown(7)] {
        round_trip(&corners::Outer { names: names(key), ..Default::default() });
    }
}

#[test]
fn an_enumerator_may_be_called_unknown() {
    use corners::State;
    assert_eq!([State::Unknown, State::Other, State::Unnamed(7)].map(i32::from), [0, 1, 7]);
    assert_eq!(State::KNOWN, State::Unknown);
    assert_eq!(State::from(8), State::Unnamed(8));
}

#[test]
fn bits_without_a_name_survive() {
    let options = Flags::from_bits_retain(0x4000_0001);
    let value = sample::Defaults { options, ..Default::default() };
    round_trip(&value);
    assert!(options.contains(sample::Choice::A) && !options.contains(sample::Choice::B));
    assert_eq!(format!("{:?}", sample::Choice::A | sample::Choice::Top), "{A, Top}");
    assert_eq!((sample::Choice::B | sample::Choice::Top).bits(), 0x8000_0002);
}

#[test]
fn types_have_the_traits_that_their_fields_allow() {
    fn is_copy<T: Copy + PartialEq>() {}
    fn is_key<T: Clone + Eq + std::hash::Hash>() {}
    is_copy::<sample::Plain>();
    is_copy::<rpi::BufferIds>();
    is_key::<rpi::BufferIds>();
    is_key::<corners::Place>();
    is_key::<libcamera::IpaCameraSensorInfo>();
    is_copy::<sample::Choice>();
    is_key::<Flags<sample::Choice>>();
}

/// A module that answers with what it is given.
struct Corners;

impl corners::Corners for Corners {
    fn many(
        &mut self,
        _: bool,
        _: u8,
        _: i8,
        _: u16,
        _: i16,
        _: u32,
        _: i64,
        _: f64,
    ) -> Result<(), CallError> {
        Ok(())
    }

    fn all(&mut self, order: corners::CornersInterfaceOrder) -> Result<All, CallError> {
        let levels = BTreeMap::from([(true, corners::Level::default())]);
        let flags = corners::Bits::BitOne | corners::Bits::BitTwo;
        Ok((order, flags, "text".to_owned(), vec![String::new(), "b".to_owned()], levels))
    }

    fn number(&mut self) -> Result<f32, CallError> {
        Ok(-0.5)
    }

    fn text(&mut self) -> Result<String, CallError> {
        Ok("ü".to_owned())
    }

    fn r#type(&mut self, _: &str, _: corners::CornersInterfaceOrder) -> Result<(), CallError> {
        Ok(())
    }
}

type All = (
    corners::CornersInterfaceOrder,
    Flags<corners::Bits>,
    String,
    Vec<String>,
    BTreeMap<bool, corners::Level>,
);

#[test]
fn calls_with_all_kinds_of_parameters_return_what_the_module_does() {
    use corners::{Corners as _, CornersInterfaceOrder as Order, CornersProxy};
    let direct = CornersProxy::direct(|_| Corners).unwrap();
    let threaded = CornersProxy::threaded(&Options::new(), |_| Corners).unwrap();
    for mut proxy in [direct, threaded] {
        for order in [Order::Down, Order::Unknown(5)] {
            let (back, flags, text, list, levels) = proxy.all(order).unwrap();
            assert_eq!((back, flags), (order, corners::Bits::BitOne | corners::Bits::BitTwo));
            assert_eq!((text.as_str(), &*list), ("text", &[String::new(), "b".to_owned()][..]));
            assert_eq!(levels[&true], corners::Level::default());
        }
        proxy.many(true, 1, -1, 2, -2, 3, -4, 0.5).unwrap();
        proxy.r#type("match", Order::Up).unwrap();
        assert_eq!(proxy.number().unwrap(), -0.5);
        assert_eq!(proxy.text().unwrap(), "ü");
    }
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
