//! The inputs from which a fuzzer starts: real encodings, and short programs for the rings.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use arbitrary::{Arbitrary, Unstructured};
use ringfence::interfaces::{libcamera, rpi, vimc};
use ringfence::serialize::libcamera::Version;
use ringfence::serialize::native::{Encode, Encoder};
use ringfence::serialize::{
    ControlInfoMap, ControlList, Flags, Plane, Point, Rectangle, SharedFd, Size, SizeRange,
};
use serde_json::Value;

use crate::Mutator;

/// The directory of a target's seeds.
#[must_use]
pub fn directory(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target)
}

/// The seeds of a target that are checked in, in the order of their names.
///
/// # Panics
/// If they cannot be read.
#[must_use]
pub fn read(target: &str) -> Vec<Vec<u8>> {
    files(&directory(target))
}

/// Inputs for which a target failed once.
///
/// # Panics
/// If they cannot be read.
#[must_use]
pub fn regressions(target: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions").join(target);
    if directory.exists() { files(&directory) } else { Vec::new() }
}

fn files(directory: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a directory can be listed").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a file can be read")).collect()
}

/// The seeds of a target, made anew: names and bytes. The same ones every time.
///
/// # Panics
/// If there is no such target.
#[must_use]
pub fn generate(target: &str) -> Vec<(String, Vec<u8>)> {
    match target {
        "native_rpi" => native_rpi(),
        "native_events" => native_events(),
        "controls" => controls(),
        "libcamera_1" => crate::libcamera::seeds(Version::V1),
        "libcamera_2" => crate::libcamera::seeds(Version::V2),
        "ring_consumer" => programs(8),
        "ring_producer" => programs(7),
        "mojom" => mojom(),
        "mojom_text" => mojom_text(),
        "tuning" => vec![("virtual".into(), include_bytes!("../../src/rpi/tuning/virtual.json").to_vec())],
        "wire" => wire(),
        "handshake" => crate::handshake::seeds(),
        "dispatcher" => crate::dispatcher::seeds(),
        "libcamera_socket" => crate::libcamera_socket::seeds(),
        other => panic!("there is no target {other}"),
    }
}

/// An encoded value of `T`, out of random bytes.
fn encoded<T: for<'a> Arbitrary<'a> + Encode>(mutator: &mut Mutator, size: usize) -> Vec<u8> {
    loop {
        let noise = mutator.noise(size);
        let Ok(value) = T::arbitrary(&mut Unstructured::new(&noise)) else { continue };
        return encode(&value);
    }
}

fn encode<T: Encode + ?Sized>(value: &T) -> Vec<u8> {
    let (mut bytes, mut fds) = (Vec::new(), Vec::new());
    Encoder::message(value, &mut bytes, &mut fds).expect("random values are small");
    bytes
}

/// One or two messages of every kind, in the order of [`crate::native::KINDS`].
fn native_rpi() -> Vec<(String, Vec<u8>)> {
    type Make = fn(&mut Mutator, usize) -> Vec<u8>;
    const MAKE: &[(&str, Make)] = &[
        ("sensor-info", encoded::<libcamera::IpaCameraSensorInfo>),
        ("buffer", encoded::<libcamera::IpaBuffer>),
        ("settings", encoded::<libcamera::IpaSettings>),
        ("stream", encoded::<libcamera::IpaStream>),
        ("sensor-config", encoded::<rpi::SensorConfig>),
        ("init-params", encoded::<rpi::InitParams>),
        ("init-result", encoded::<rpi::InitResult>),
        ("buffer-ids", encoded::<rpi::BufferIds>),
        ("config-params", encoded::<rpi::ConfigParams>),
        ("config-result", encoded::<rpi::ConfigResult>),
        ("start-result", encoded::<rpi::StartResult>),
        ("prepare-params", encoded::<rpi::PrepareParams>),
        ("process-params", encoded::<rpi::ProcessParams>),
        ("operation-code", encoded::<vimc::IpaOperationCode>),
        ("test-flag", encoded::<Flags<vimc::TestFlag>>),
        ("buffers", encoded::<Vec<libcamera::IpaBuffer>>),
        ("streams", encoded::<BTreeMap<u32, libcamera::IpaStream>>),
        ("info-maps", encoded::<BTreeMap<u32, ControlInfoMap>>),
        ("text-map", encoded::<BTreeMap<String, Vec<String>>>),
        ("map-array", encoded::<Vec<BTreeMap<String, bool>>>),
        ("list", encoded::<ControlList>),
        ("info-map", encoded::<ControlInfoMap>),
        ("descriptors", encoded::<Vec<SharedFd>>),
        ("planes", encoded::<Vec<Plane>>),
        ("point", encoded::<Point>),
        ("size", encoded::<Size>),
        ("size-range", encoded::<SizeRange>),
        ("rectangle", encoded::<Rectangle>),
        ("numbers", encoded::<Vec<f64>>),
        ("text", encoded::<String>),
    ];
    assert_eq!(MAKE.len(), crate::native::KINDS.len(), "every kind needs a seed");
    let mut mutator = Mutator::new(1);
    let mut seeds = Vec::new();
    for (kind, (name, make)) in MAKE.iter().enumerate() {
        let message = make(&mut mutator, 160);
        seeds.push(((*name).to_owned(), [&[kind as u8, 0][..], &message].concat()));
    }
    // Random values have no descriptors: here are some that do.
    let fds: Vec<_> = (0..3).map(|_| SharedFd::from(null())).collect();
    let kind = MAKE.iter().position(|(name, _)| *name == "descriptors").expect("in the table") as u8;
    seeds.push(("three-descriptors".to_owned(), [&[kind, 3][..], &encode(&fds)].concat()));
    let planes = vec![Plane { fd: SharedFd::from(null()), offset: 16, length: 64 }, Plane::default()];
    let buffer = libcamera::IpaBuffer { id: 7, planes };
    let kind = MAKE.iter().position(|(name, _)| *name == "buffer").expect("in the table") as u8;
    seeds.push(("buffer-descriptor".to_owned(), [&[kind, 1][..], &encode(&buffer)].concat()));
    seeds
}

fn null() -> std::os::fd::OwnedFd {
    fs::File::open("/dev/null").expect("/dev/null opens").into()
}

/// Every event. The parameters of one are encoded like a struct that has them as fields.
fn native_events() -> Vec<(String, Vec<u8>)> {
    let mut mutator = Mutator::new(2);
    let list = encoded::<ControlList>(&mut mutator, 200);
    // Two fields: the number lies behind the span, and moves what the span points at.
    let mut delayed = list[..8].to_vec();
    delayed[0] = 16;
    delayed.extend([5, 0, 0, 0, 0, 0, 0, 0]);
    delayed.extend(&list[8..]);
    let events: [(&str, u8, u16, &[u8]); 8] = [
        ("prepare-isp-complete", 0, 1, &[1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0]),
        ("process-stats-complete", 0, 2, &[1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]),
        ("metadata-ready", 0, 3, &list),
        ("set-isp-controls", 0, 4, &list),
        ("set-delayed-controls", 0, 5, &delayed),
        ("set-lens-controls", 0, 6, &list),
        ("set-camera-timeout", 0, 7, &[200, 0, 0, 0, 0, 0, 0, 0]),
        ("params-computed", 1, 1, &[7, 0, 0, 0, 0, 0, 0, 0]),
    ];
    let seed = |(name, module, number, message): (&str, u8, u16, &[u8])| {
        let [low, high] = number.to_le_bytes();
        (name.to_owned(), [&[module, low, high][..], message].concat())
    };
    events.map(seed).into()
}

/// Packets with a few changes at their ends.
fn controls() -> Vec<(String, Vec<u8>)> {
    let mut mutator = Mutator::new(3);
    let mut seeds = Vec::new();
    for round in 0..6 {
        let list = encoded::<ControlList>(&mut mutator, 64 << (round / 2));
        let map = encoded::<ControlInfoMap>(&mut mutator, 64 << (round / 2));
        for (name, kind, message) in [("list", 2, list), ("map", 3, map)] {
            let bytes = u32::from_le_bytes(message[4..8].try_into().expect("the count of a span"));
            let changes = mutator.noise(24);
            let packet = &message[8..8 + bytes as usize];
            let seed = [&[kind, changes.len() as u8][..], packet, &changes].concat();
            seeds.push((format!("{name}-{round}"), seed));
        }
    }
    seeds
}

/// Programs of a ring's operations, and one of each operation alone.
fn programs(operations: u8) -> Vec<(String, Vec<u8>)> {
    let mut mutator = Mutator::new(4);
    let mut seeds = Vec::new();
    for operation in 0..operations {
        let mut program = vec![1];
        for _ in 0..4 {
            program.push(operation);
            program.extend(mutator.noise(6));
        }
        seeds.push((format!("operation-{operation}"), program));
    }
    // Honest records and room for them, over and over: what laps around the ring.
    let (write, read): (u8, &[u8]) = if operations == 8 { (7, &[0, 4]) } else { (6, &[2]) };
    let mut laps = vec![0];
    for length in 0..48u8 {
        laps.extend([write, length]);
        laps.extend(if operations == 8 { vec![length; length.into()] } else { vec![0, length, 1] });
        laps.extend(read);
    }
    seeds.push(("laps".into(), laps));
    seeds
}

/// The interfaces shipped, and snippets for what they do not use.
/// Those of the compiler, and what only the formatter has to do with.
fn mojom_text() -> Vec<(String, Vec<u8>)> {
    let comments = "// a\n/* b\n * c */ module m; // d\n\n\nstruct A { // e\n uint8 x /* f */ = /** g */ 1; /* h */\n\n // i\n}; enum E { X // j\n };";
    let grammar = "[Stable] union U { handle<platform>? h @0; string? s; }; feature F { const bool B = true; }; struct N;\ninterface I { [Sync] m@1(pending_remote<J> r, // a\n associated K k) => (array<map<string, uint8>, 3> averyveryverylongname, double andanotherone); };";
    let mut seeds = mojom();
    seeds.extend(
        [("comments", comments), ("grammar", grammar)].map(|(name, text)| (name.into(), text.into())),
    );
    seeds
}

fn mojom() -> Vec<(String, Vec<u8>)> {
    let snippets = [
        ("empty", ""),
        ("constants", "module a.b; const uint32 X = 0x10; const string S = \"s\"; const double D = -1.5e3;"),
        (
            "nested",
            "module m; struct A { enum E { X = 1, Y }; const int8 K = -128; E e = E.X; array<A> as; map<string, array<uint8>> m; };",
        ),
        (
            "interface",
            "module m; interface I { f(int32 a, string s) => (int32 ret); [async] g(); }; interface IEvent { e(bool b); };",
        ),
        ("errors", "module m\nstruct A { B b; }; enum E { X = 99999999999 }; /** open"),
    ];
    let mut seeds: Vec<_> = snippets.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).into();
    seeds.push(("vimc".into(), include_bytes!("../../interfaces/vimc.mojom").to_vec()));
    seeds
}

/// Lines of a file of bytes that libcamera has made.
pub(crate) fn golden(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wire/tests/golden").join(file);
    let text = fs::read_to_string(path).expect("the golden bytes are there");
    text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

/// The bytes in such a line.
pub(crate) fn bytes(line: &Value) -> Vec<u8> {
    let digits = line["bytes"].as_str().expect("there are bytes");
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("they are hexadecimal");
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// How many descriptors go with them.
pub(crate) fn fds(line: &Value) -> u8 {
    line["fds"].as_u64().expect("there is a number of descriptors") as u8
}

/// Bytes that libcamera has made: a value of every type, and the beginnings of recorded sessions.
fn wire() -> Vec<(String, Vec<u8>)> {
    /// Datagrams of each session.
    const DATAGRAMS: usize = 60;
    let mut seeds = Vec::new();
    let values = golden("libcamera-2.jsonl");
    for (kind, name) in crate::wire::TYPES.iter().enumerate() {
        // Those of moderate length are the most telling.
        let mut of_type: Vec<_> = values.iter().filter(|line| line["type"] == *name).collect();
        of_type.sort_by_key(|line| bytes(line).len());
        let Some(line) = of_type.get(of_type.len() / 2) else { continue };
        let letters = |c: char| if c.is_alphanumeric() { c } else { '-' };
        let file = format!("{kind:02}-{}", name.chars().map(letters).collect::<String>());
        seeds.push((file, [&[2, kind as u8, fds(line)][..], &bytes(line)].concat()));
    }
    for (encoding, file) in [(3, "libcamera-1-rpi-session.jsonl"), (4, "libcamera-2-rpi-session.jsonl")] {
        let mut seed = vec![encoding];
        for line in golden(file).iter().take(DATAGRAMS) {
            let datagram = bytes(line);
            seed.push(u8::from(line["from"] == "worker") | fds(line) << 1);
            seed.extend((datagram.len() as u16).to_le_bytes());
            seed.extend(datagram);
        }
        seeds.push((file.replace(".jsonl", ""), seed));
    }
    seeds
}
