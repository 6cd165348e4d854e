//! libcamera's encoding, whose lists depend on the maps that went before: values cross a connection one after another,
//! from either side, and somebody listens who has nothing but the interface.
//!
//! Values are compared in the form that the dynamic codec gives the native encoding, which is held to its own.

use arbitrary::{Arbitrary, Unstructured};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ringfence::serialize::controls::{ControlInfo, ControlType, Direction, IdMap};
use ringfence::serialize::libcamera::{
    ControlSerializer, Decode, Decoder, Encode, EncodeError, Encoder, Role as Side, Version,
};
use ringfence::serialize::{ControlInfoMap, native};
use ringfence_mojom::model::Model;
use ringfence_wire::{Codec, Encoded, Role, Sampler, Subject, Wire};
use serde_json::{Value as Json, json};

/// Connections of each type and kind.
const CONNECTIONS: usize = 8;

/// Values that cross each of them: few, since each may bring dozens of maps, and a peer's are not kept without limit.
const VALUES: usize = 6;

/// Changes to the bytes of each value.
const CHANGES: usize = 8;

/// Both ends and a listener.
struct Connection<'m> {
    model: &'m Model,
    subject: &'m Subject,
    name: String,
    host: ControlSerializer,
    worker: ControlSerializer,
    listener: Codec<'m>,
    /// Writes what the listener heard.
    writer: Codec<'m>,
}

impl<'m> Connection<'m> {
    fn new(model: &'m Model, subject: &'m Subject, name: &str, version: Version) -> Self {
        Self {
            model,
            subject,
            name: format!("{name} in {version}"),
            host: ControlSerializer::new(version, Side::Host),
            worker: ControlSerializer::new(version, Side::Worker),
            listener: Codec::new(model, wire(version)),
            writer: Codec::new(model, wire(version)),
        }
    }

    /// The value that the other end of generated code makes of what `from` has sent.
    fn receive<T: Decode>(&mut self, from: Role, encoded: &Encoded) -> T {
        let receiver = if from == Role::Proxy { &mut self.worker } else { &mut self.host };
        let read = Decoder::message(&encoded.bytes, &mut super::descriptors(encoded.fds), receiver);
        read.unwrap_or_else(|error| panic!("{}: {error} in {encoded:?}", self.name))
    }

    /// What generated code writes for this value, which is given the maps that its lists lack.
    fn send<T: Encode>(&mut self, from: Role, value: &T) -> Option<Encoded> {
        let sender = if from == Role::Proxy { &mut self.host } else { &mut self.worker };
        let (mut bytes, mut fds) = (Vec::new(), Vec::new());
        loop {
            match Encoder::message(value, &mut bytes, &mut fds, sender) {
                Ok(()) => return Some(Encoded { bytes, fds: fds.len() }),
                Err(EncodeError::NoMap { id }) => sender.announce(map_with(id)),
                // Of the values that can be made, some have no form in the older format.
                Err(EncodeError::NoSuchType { .. } | EncodeError::ArrayLimit { .. }) => return None,
                Err(error) => panic!("{}: {error}", self.name),
            }
        }
    }

    /// The form in which values are compared.
    fn form<T: native::Encode>(&self, value: &T) -> Json {
        let json = super::dynamic(self.model, self.subject, &super::generated(value));
        self.comparable(json.unwrap_or_else(|error| panic!("{}: {error}", self.name)))
    }

    /// The value without what a list does not hold itself, which map it belongs to, and without what the encoding does not
    /// say: what the ids of an empty list in a struct are, and in format 1 who may write a control.
    fn comparable(&self, value: Json) -> Json {
        match value {
            Json::Object(mut members) => {
                if members.contains_key("idmap") {
                    members.remove("map");
                    members.remove("infomap");
                    if members["entries"].as_array().is_some_and(Vec::is_empty) {
                        members["idmap"] = json!("controls");
                    }
                }
                if members.contains_key("direction") && self.listener.wire() == Wire::Libcamera1 {
                    members["direction"] = json!(Direction::InOut.number());
                }
                members.into_iter().map(|(name, value)| (name, self.comparable(value))).collect()
            }
            Json::Array(items) => items.into_iter().map(|item| self.comparable(item)).collect(),
            value => value,
        }
    }

    /// Checks that bytes which are no message, or another one, are not read as what they are not: generated code takes
    /// less than libcamera does, and nothing else. What libcamera only puts up with, the listener remarks upon; a map that
    /// comes under a known handle is a new one here, and the old one there.
    fn distrust<T: Decode + native::Encode>(&self, from: Role, encoded: &Encoded) {
        let mut receiver = if from == Role::Proxy { self.worker.clone() } else { self.host.clone() };
        let read = Decoder::message::<T>(&encoded.bytes, &mut super::descriptors(encoded.fds), &mut receiver);
        let Ok(value) = read else { return };
        let heard = self.listener.clone().decode(self.subject, &encoded.bytes, encoded.fds);
        let heard = heard
            .unwrap_or_else(|error| panic!("{}: only generated code reads {encoded:?}: {error}", self.name));
        if heard.remarks.is_empty() {
            assert_eq!(self.comparable(heard.value), self.form(&value), "{}: {encoded:?}", self.name);
        }
    }
}

fn wire(version: Version) -> Wire {
    version.name().parse().expect("both are called the same")
}

/// A map of V4L2 controls that has this one.
fn map_with(id: u32) -> ControlInfoMap {
    let mut map = ControlInfoMap::new(IdMap::V4l2);
    map.insert(id, ControlType::I32, Direction::InOut, &ControlInfo::new(0, 9)).expect("it fits");
    map
}

fn either(random: &mut ChaCha8Rng) -> Role {
    if random.next_u64().is_multiple_of(2) { Role::Proxy } else { Role::Worker }
}

fn other(role: Role) -> Role {
    if role == Role::Proxy { Role::Worker } else { Role::Proxy }
}

/// Lets values of a type cross connections.
pub fn cross<T>(model: &Model, name: &str, version: Version, random: &mut ChaCha8Rng)
where
    T: for<'a> Arbitrary<'a> + Encode + Decode + native::Encode,
{
    let subject = Subject::parse(model, name).unwrap();
    for _ in 0..CONNECTIONS {
        read_what_the_codec_writes::<T>(Connection::new(model, &subject, name, version), random);
        write_what_the_codec_reads::<T>(Connection::new(model, &subject, name, version), random);
    }
}

fn read_what_the_codec_writes<T: Decode + native::Encode>(
    mut connection: Connection<'_>,
    random: &mut ChaCha8Rng,
) {
    let Subject::Value(ty) = connection.subject else { unreachable!("no case is one of the special types") };
    let mut sampler_random = ChaCha8Rng::from_rng(random);
    let mut sampler = Sampler::new(connection.model, connection.writer.wire(), || sampler_random.next_u64());
    for _ in 0..VALUES {
        let (from, value) = (either(random), sampler.value(ty));
        let encoded = connection.writer.encode(from, connection.subject, &value).unwrap();
        for _ in 0..CHANGES {
            connection.distrust::<T>(from, &super::changed(&encoded, random));
        }
        // Either end, since that of the sender has to know the maps too.
        for from in [from, other(from)] {
            let received = connection.receive::<T>(from, &encoded);
            assert_eq!(
                connection.form(&received),
                connection.comparable(value.clone()),
                "{}",
                connection.name
            );
        }
        connection.listener.decode(connection.subject, &encoded.bytes, encoded.fds).unwrap();
    }
}

fn write_what_the_codec_reads<T>(mut connection: Connection<'_>, random: &mut ChaCha8Rng)
where
    T: for<'a> Arbitrary<'a> + Encode + Decode + native::Encode,
{
    let mut noise = vec![0; 800];
    let mut sent = 0;
    for tries in 0.. {
        assert!(tries < 100 * VALUES, "{}: only {sent} values could be sent", connection.name);
        random.fill_bytes(&mut noise);
        let length = random.next_u64() as usize % noise.len();
        let Ok(value) = T::arbitrary(&mut Unstructured::new(&noise[..length])) else { continue };
        let from = either(random);
        let Some(encoded) = connection.send(from, &value) else { continue };
        for _ in 0..CHANGES {
            connection.distrust::<T>(from, &super::changed(&encoded, random));
        }
        let form = connection.form(&value);
        let received = connection.receive::<T>(from, &encoded);
        assert_eq!(connection.form(&received), form, "{}", connection.name);
        let heard = connection.listener.decode(connection.subject, &encoded.bytes, encoded.fds).unwrap();
        assert_eq!(heard.remarks, [""; 0], "{}", connection.name);
        let again = connection.writer.encode(from, connection.subject, &heard.value);
        assert_eq!(again.as_ref(), Ok(&encoded), "{}: {}", connection.name, heard.value);
        assert_eq!(connection.comparable(heard.value), form, "{}", connection.name);
        sent += 1;
        if sent == VALUES {
            break;
        }
    }
}
