//! Generated code and the dynamic codec, which share nothing but the interface, have to agree: on the bytes of every
//! value, and on which bytes are none.

#[path = "../common/mod.rs"]
mod common;
mod connection;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::fd::OwnedFd;

use arbitrary::{Arbitrary, Unstructured};
use common::{seed, watchdog};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ringfence::interfaces::{bench, libcamera, libcamera_0_0_3 as old, rpi, vimc};
use ringfence::serialize::libcamera::Version;
use ringfence::serialize::native::{Decode, Decoder, Encode, Encoder};
use ringfence::serialize::{Flags, Plane, SharedFd};
use ringfence_mojom::Config;
use ringfence_mojom::model::{Model, StructKind};
use ringfence_wire::{Codec, Encoded, Role, Sampler, Subject, Wire};
use serde_json::Value as Json;

/// Values of each type, from either side.
const ROUNDS: usize = 200;

/// Changes to the bytes of each value.
const CHANGES: usize = 8;

/// A type by its name in mojom, with what tests its Rust type.
struct Case {
    name: &'static str,
    run: fn(&Model, &str, &mut ChaCha8Rng),
    /// The same for libcamera's encoding, if it was generated.
    cross: Option<fn(&Model, &str, Version, &mut ChaCha8Rng)>,
}

macro_rules! cases {
    ($($name:literal => $rust:ty,)* native: $($native_name:literal => $native:ty,)*) => {
        &[
            $(Case { name: $name, run: agree::<$rust>, cross: Some(connection::cross::<$rust>) },)*
            $(Case { name: $native_name, run: agree::<$native>, cross: None },)*
        ]
    };
}

/// Every struct and enum of every interface, and what can be made of them.
const CASES: &[Case] = cases! {
    "ringfence.bench.Rival" => bench::Rival,
    "libcamera.ControlInfoMap" => libcamera::ControlInfoMap,
    "libcamera.ControlList" => libcamera::ControlList,
    "libcamera.SharedFD" => SharedFd,
    "libcamera.Point" => libcamera::Point,
    "libcamera.Size" => libcamera::Size,
    "libcamera.SizeRange" => libcamera::SizeRange,
    "libcamera.Rectangle" => libcamera::Rectangle,
    "libcamera.IPACameraSensorInfo" => libcamera::IpaCameraSensorInfo,
    "libcamera.IPABuffer" => libcamera::IpaBuffer,
    "libcamera.IPASettings" => libcamera::IpaSettings,
    "libcamera.IPAStream" => libcamera::IpaStream,
    "ipa.RPi.SensorConfig" => rpi::SensorConfig,
    "ipa.RPi.InitParams" => rpi::InitParams,
    "ipa.RPi.InitResult" => rpi::InitResult,
    "ipa.RPi.BufferIds" => rpi::BufferIds,
    "ipa.RPi.ConfigParams" => rpi::ConfigParams,
    "ipa.RPi.ConfigResult" => rpi::ConfigResult,
    "ipa.RPi.StartResult" => rpi::StartResult,
    "ipa.RPi.PrepareParams" => rpi::PrepareParams,
    "ipa.RPi.ProcessParams" => rpi::ProcessParams,
    "ipa.vimc.IPAOperationCode" => vimc::IpaOperationCode,
    "ipa.vimc.TestFlag" => vimc::TestFlag,
    "[flags] ipa.vimc.TestFlag" => Flags<vimc::TestFlag>,
    "libcamera.FrameBuffer.Plane" => Plane,
    "array<libcamera.IPABuffer>" => Vec<libcamera::IpaBuffer>,
    "array<libcamera.ControlList>" => Vec<libcamera::ControlList>,
    "map<uint32, libcamera.ControlInfoMap>" => BTreeMap<u32, libcamera::ControlInfoMap>,
    "map<string, array<string>>" => BTreeMap<String, Vec<String>>,
    "map<int8, bool>" => BTreeMap<i8, bool>,
    "map<ipa.vimc.IPAOperationCode, float>" => BTreeMap<vimc::IpaOperationCode, f32>,
    "array<double>" => Vec<f64>,
    "array<map<uint64, int16>>" => Vec<BTreeMap<u64, i16>>,
    native:
    "ringfence.bench.Pod" => bench::Pod,
    "ringfence.bench.Prepare" => bench::Prepare,
};

/// Likewise for the interfaces of libcamera 0.0.3.
const OLD_CASES: &[Case] = cases! {
    "libcamera.ControlInfoMap" => old::libcamera::ControlInfoMap,
    "libcamera.ControlList" => old::libcamera::ControlList,
    "libcamera.SharedFD" => SharedFd,
    "libcamera.Point" => old::libcamera::Point,
    "libcamera.Size" => old::libcamera::Size,
    "libcamera.SizeRange" => old::libcamera::SizeRange,
    "libcamera.Rectangle" => old::libcamera::Rectangle,
    "libcamera.IPACameraSensorInfo" => old::libcamera::IpaCameraSensorInfo,
    "libcamera.IPABuffer" => old::libcamera::IpaBuffer,
    "libcamera.IPASettings" => old::libcamera::IpaSettings,
    "libcamera.IPAStream" => old::libcamera::IpaStream,
    "ipa.RPi.SensorConfig" => old::rpi::SensorConfig,
    "ipa.RPi.IPAInitResult" => old::rpi::IpaInitResult,
    "ipa.RPi.ISPConfig" => old::rpi::IspConfig,
    "ipa.RPi.IPAConfig" => old::rpi::IpaConfig,
    "ipa.RPi.IPAConfigResult" => old::rpi::IpaConfigResult,
    "ipa.RPi.StartConfig" => old::rpi::StartConfig,
    "ipa.vimc.IPAOperationCode" => old::vimc::IpaOperationCode,
    "ipa.vimc.TestFlag" => old::vimc::TestFlag,
    native:
};

/// The interfaces, with the cases of each set.
fn sets() -> [(Model, &'static [Case]); 2] {
    let interfaces = concat!(env!("CARGO_MANIFEST_DIR"), "/interfaces");
    let model = |folder: &str, names: &[&str]| {
        let files: Vec<_> = names.iter().map(|name| format!("{folder}/{name}.mojom")).collect();
        Config::new().include(folder).check(&files).unwrap_or_else(|errors| panic!("{errors}")).model
    };
    [
        (model(interfaces, &["bench", "core", "raspberrypi", "vimc"]), CASES),
        (model(&format!("{interfaces}/libcamera-0.0.3"), &["core", "raspberrypi", "vimc"]), OLD_CASES),
    ]
}

/// The bytes that generated code makes of a value.
fn generated<T: Encode>(value: &T) -> Encoded {
    let (mut bytes, mut fds) = (Vec::new(), Vec::new());
    Encoder::message(value, &mut bytes, &mut fds).expect("the value can be sent");
    Encoded { bytes, fds: fds.len() }
}

/// The value that generated code makes of bytes, with descriptors of no interest.
fn read<T: Decode>(bytes: &[u8], fds: usize) -> Result<T, String> {
    Decoder::message(bytes, &mut descriptors(fds)).map_err(|error| error.to_string())
}

fn descriptors(count: usize) -> Vec<Option<OwnedFd>> {
    (0..count).map(|_| Some(OwnedFd::from(File::open("/dev/null").unwrap()))).collect()
}

fn dynamic(model: &Model, subject: &Subject, encoded: &Encoded) -> Result<Json, String> {
    let decoded = Codec::new(model, Wire::Native).decode(subject, &encoded.bytes, encoded.fds);
    decoded.map(|decoded| decoded.value).map_err(|error| error.to_string())
}

/// Checks that both read the bytes as the same value, or that neither reads them at all.
fn same<T: Encode + Decode>(model: &Model, subject: &Subject, name: &str, encoded: &Encoded) -> bool {
    let theirs = read::<T>(&encoded.bytes, encoded.fds);
    let ours = dynamic(model, subject, encoded);
    match (theirs, ours) {
        (Ok(theirs), Ok(ours)) => {
            assert_eq!(generated(&theirs), *encoded, "{name}");
            let again = Codec::new(model, Wire::Native).encode(Role::Proxy, subject, &ours);
            assert_eq!(again.as_ref(), Ok(encoded), "{name}: {ours}");
            true
        }
        (Err(_), Err(_)) => false,
        (Ok(_), Err(error)) => panic!("{name}: only generated code reads {encoded:?}, for: {error}"),
        (Err(error), Ok(value)) => {
            panic!("{name}: only the dynamic codec reads {encoded:?}, as {value}, for: {error}")
        }
    }
}

fn agree<T: for<'a> Arbitrary<'a> + Encode + Decode>(model: &Model, name: &str, random: &mut ChaCha8Rng) {
    let subject = Subject::parse(model, name).unwrap();
    let mut sampler_random = ChaCha8Rng::from_rng(random);
    let mut sampler = Sampler::new(model, Wire::Native, || sampler_random.next_u64());
    let Subject::Value(ty) = &subject else { unreachable!("no case is one of the special types") };
    let mut noise = vec![0; 800];
    let made = Cell::new(0);
    for round in 0..ROUNDS {
        let encoded = if round % 2 == 0 {
            random.fill_bytes(&mut noise);
            let length = random.next_u64() as usize % noise.len();
            let Ok(value) = T::arbitrary(&mut Unstructured::new(&noise[..length])) else { continue };
            generated(&value)
        } else {
            let value = sampler.value(ty);
            let encoded = Codec::new(model, Wire::Native).encode(Role::Proxy, &subject, &value);
            encoded.unwrap_or_else(|error| panic!("{name}: {error} in {value}"))
        };
        made.set(made.get() + 1);
        assert!(
            same::<T>(model, &subject, name, &encoded),
            "{name}: what was encoded is not read: {encoded:?}"
        );
        for _ in 0..CHANGES {
            same::<T>(model, &subject, name, &changed(&encoded, random));
        }
    }
    assert!(made.get() > ROUNDS * 3 / 4, "only {} of {ROUNDS} values of {name} were made", made.get());
}

/// The bytes with one or two changes.
fn changed(encoded: &Encoded, random: &mut ChaCha8Rng) -> Encoded {
    let mut changed = encoded.clone();
    for _ in 0..1 + random.next_u64() % 2 {
        let number = random.next_u64();
        let at = random.next_u64() as usize % (changed.bytes.len() + 1);
        match number % 6 {
            0 => changed.bytes.truncate(at),
            1 => changed.bytes.extend([0; 8]),
            2 => changed.fds = changed.fds * 2 + 1 - (number >> 8) as usize % 2,
            3 if at < changed.bytes.len() => changed.bytes[at] = (number >> 8) as u8 % 16,
            _ if at < changed.bytes.len() => changed.bytes[at] ^= 1 << (number >> 8 & 7),
            _ => {}
        }
    }
    changed
}

#[test]
fn every_type_of_the_interfaces_is_asked_about() {
    for (model, cases) in sets() {
        let module = |index: usize| &model.modules[index].name;
        let structs = model.structs.iter().filter(|structure| structure.kind != StructKind::Empty);
        let structs = structs.map(|structure| format!("{}.{}", module(structure.module.0), structure.name));
        let enums = model.enums.iter().map(|each| format!("{}.{}", module(each.module.0), each.name));
        let listed: BTreeSet<_> = cases.iter().map(|case| case.name.to_owned()).collect();
        let missing: Vec<_> = structs.chain(enums).filter(|name| !listed.contains(name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}

#[test]
fn generated_code_and_the_dynamic_codec_agree() {
    watchdog(|| {
        let mut random = ChaCha8Rng::seed_from_u64(seed());
        for (model, cases) in sets() {
            for case in cases {
                (case.run)(&model, case.name, &mut random);
            }
        }
    });
}

#[test]
fn they_agree_on_connections_of_libcamera() {
    watchdog(|| {
        let mut random = ChaCha8Rng::seed_from_u64(seed());
        for (model, cases) in sets() {
            for (version, case) in Version::ALL.into_iter().flat_map(|v| cases.iter().map(move |c| (v, c))) {
                if let Some(cross) = case.cross {
                    cross(&model, case.name, version, &mut random);
                }
            }
        }
    });
}
