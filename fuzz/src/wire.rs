//! The dynamic codec, over values in every encoding and over sessions.

use std::path::Path;
use std::sync::LazyLock;

use ringfence_mojom::Config;
use ringfence_mojom::model::Model;
use ringfence_wire::{Codec, Datagram, Role, Session, Side, Subject, Wire};
use serde_json::Value;

/// What can be in a message, by the second byte of the input modulo its length.
///
/// New ones go to the end: the seeds name theirs by number.
pub(crate) const TYPES: &[&str] = &[
    "bool",
    "uint32",
    "int64",
    "float",
    "double",
    "string",
    "array<uint32>",
    "array<string>",
    "map<string, string>",
    "map<uint32, libcamera.IPAStream>",
    "map<uint32, libcamera.ControlInfoMap>",
    "libcamera.SharedFD",
    "libcamera.FrameBuffer.Plane",
    "libcamera.Size",
    "libcamera.Point",
    "libcamera.Rectangle",
    "libcamera.SizeRange",
    "libcamera.IPACameraSensorInfo",
    "libcamera.IPABuffer",
    "array<libcamera.IPABuffer>",
    "libcamera.IPASettings",
    "libcamera.IPAStream",
    "libcamera.ControlList",
    "libcamera.ControlInfoMap",
    "libcamera.ControlList#bound",
    "libcamera.ControlList#again",
    "ipa.RPi.SensorConfig",
    "ipa.RPi.InitParams",
    "ipa.RPi.InitResult",
    "ipa.RPi.BufferIds",
    "ipa.RPi.ConfigParams",
    "ipa.RPi.ConfigResult",
    "ipa.RPi.StartResult",
    "ipa.RPi.PrepareParams",
    "ipa.RPi.ProcessParams",
    "[flags] ipa.vimc.TestFlag",
];

/// The interfaces of recorded sessions.
struct Models {
    /// Of the Raspberry Pi and vimc, the newest.
    newest: Model,
    /// Of the Raspberry Pi, in libcamera 0.0.3.
    old: Model,
}

static MODELS: LazyLock<Models> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../interfaces");
    let check = |folder: &Path, files: &[&str]| {
        let files: Vec<_> = files.iter().map(|file| folder.join(file)).collect();
        Config::new().include(folder).check(&files).expect("the interfaces are well-formed").model
    };
    // The session is of the last one.
    let newest = check(&folder, &["vimc.mojom", "raspberrypi.mojom"]);
    Models { newest, old: check(&folder.join("libcamera-0.0.3"), &["raspberrypi.mojom"]) }
});

/// A value: encoding, type, descriptors, and the message. Or a session: 3 for libcamera-1 and 4 for libcamera-2, then
/// datagrams, each as sender and descriptors, length, and its bytes.
///
/// # Panics
/// If a decoder does not keep its promises.
pub fn wire(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    match kind % 5 {
        encoding @ 0..3 => {
            let [kind, fds, message @ ..] = data else { return };
            value(
                Wire::ALL[usize::from(encoding)],
                TYPES[usize::from(*kind) % TYPES.len()],
                (fds % 8).into(),
                message,
            );
        }
        3 => session(&MODELS.old, Wire::Libcamera1, data),
        _ => session(&MODELS.newest, Wire::Libcamera2, data),
    }
}

fn value(wire: Wire, name: &str, fds: usize, message: &[u8]) {
    let model = &MODELS.newest;
    let subject = Subject::parse(model, name).expect("the type is in the interfaces");
    let decoded = match Codec::new(model, wire).decode(&subject, message, fds) {
        Ok(decoded) => decoded,
        Err(error) => return one_line(&error),
    };
    match Codec::new(model, wire).encode(Role::Proxy, &subject, &decoded.value) {
        Ok(encoded) if wire == Wire::Native => {
            // There is one form of each value.
            assert_eq!((encoded.bytes.as_slice(), encoded.fds), (message, fds));
        }
        Ok(encoded) => {
            let mut reader = Codec::new(model, wire);
            if subject == Subject::Again {
                reader.remember(Role::Proxy, &decoded.value["infomap"]).expect("it is an info map");
            }
            let again = reader.decode(&subject, &encoded.bytes, encoded.fds);
            let again = again.expect("what was encoded can be decoded");
            assert_eq!(comparable(again.value).to_string(), comparable(decoded.value).to_string());
        }
        // libcamera reads things that nobody should write, such as an info map in the place of another.
        Err(error) => {
            assert_ne!(wire, Wire::Native, "{error}");
            one_line(&error);
        }
    }
}

/// The value without what the encoding does not say: what the ids of an empty list in a struct are.
fn comparable(value: Value) -> Value {
    match value {
        Value::Object(mut members) => {
            if members.contains_key("idmap") && members["entries"].as_array().is_some_and(Vec::is_empty) {
                members.remove("idmap");
            }
            members.into_iter().map(|(name, value)| (name, comparable(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(comparable).collect(),
        value => value,
    }
}

fn session(model: &Model, wire: Wire, mut data: &[u8]) {
    let mut session = Session::new(model, wire).expect("there is an interface");
    while let [head, low, high, rest @ ..] = data {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (bytes, rest) = rest.split_at(length);
        let side = if head & 1 == 0 { Side::Host } else { Side::Worker };
        let datagram = Datagram { bytes: bytes.to_vec(), fds: usize::from(head >> 1) };
        if let Err(error) = session.datagram(side, &datagram) {
            one_line(&error);
        }
        data = rest;
    }
}

fn one_line(error: &impl std::fmt::Display) {
    let text = error.to_string();
    assert!(!text.contains('\n'), "an error has to be one line: {text}");
}
