//! Values at random of types at random, in all encodings; and what is left of them when bytes are damaged.

mod common;

use std::path::Path;

use common::{check, random, seed, watchdog};
use ringfence_mojom::Config;
use ringfence_mojom::model::{Builtin, EnumId, Model, StructId, StructKind, Type};
use ringfence_wire::{Block, Codec, Role, Sampler, Session, Side, Subject, Wire};
use serde_json::Value as Json;

fn corners() -> Model {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interfaces");
    Config::new().check(&[folder.join("corners.mojom")]).unwrap_or_else(|errors| panic!("{errors}")).model
}

/// A type at random, out of those of the model and what can be made of them.
fn any_type(model: &Model, random: &mut impl FnMut() -> u64, depth: usize) -> Type {
    let integer = |bits, signed| Type::Integer { bits, signed };
    let simple = [
        Type::Bool,
        integer(8, true),
        integer(16, false),
        integer(32, true),
        integer(64, false),
        integer(64, true),
        Type::String,
    ];
    let structs = model.structs.iter().enumerate().filter(|(_, structure)| {
        matches!(structure.kind, StructKind::Generated | StructKind::RuntimeType)
            && structure.name != "Dropped"
    });
    let mut all: Vec<_> = structs.map(|(index, _)| Type::Struct(StructId(index))).collect();
    let builtins = [Builtin::ControlInfoMap, Builtin::ControlList, Builtin::SharedFd, Builtin::Plane];
    all.extend(builtins.map(Type::Builtin));
    all.extend(
        (0..model.enums.len()).flat_map(|index| [Type::Enum(EnumId(index)), Type::Flags(EnumId(index))]),
    );
    all.extend([Type::Float, Type::Double]);
    all.extend(simple.clone());
    let mut pick = |from: &[Type]| from[random() as usize % from.len()].clone();
    match (pick(&[integer(8, false), integer(8, true), Type::Bool]), depth) {
        (_, 3..) | (Type::Bool, _) => pick(&all),
        (Type::Integer { signed: true, .. }, _) => {
            let keys = [&simple[..], &[Type::Enum(EnumId(0))]].concat();
            let key = Box::new(pick(&keys));
            Type::Map { key, value: Box::new(any_type(model, random, depth + 1)) }
        }
        _ => Type::Array { element: Box::new(any_type(model, random, depth + 1)), length: None },
    }
}

#[test]
fn values_of_any_type_come_back_from_every_encoding() {
    watchdog();
    let model = corners();
    let seed = seed();
    for wire in Wire::ALL {
        for round in 0..400 {
            let mut numbers = random(seed.wrapping_add(round));
            let ty = any_type(&model, &mut numbers, 0);
            let name = model.mojom(&ty);
            // The name leads back to the type.
            assert_eq!(Subject::parse(&model, &name).unwrap(), Subject::Value(ty.clone()), "{name}");
            let mut sampler = Sampler::new(&model, wire, &mut numbers);
            let (mut writer, mut reader) = (Codec::new(&model, wire), Codec::new(&model, wire));
            // Several after each other: lists refer to the info maps of earlier values.
            for _ in 0..3 {
                let value = sampler.value(&ty);
                let subject = Subject::Value(ty.clone());
                let encoded = writer.encode(Role::Worker, &subject, &value);
                let encoded = encoded.unwrap_or_else(|error| panic!("{wire} {name}: {error} in {value}"));
                let decoded = reader.decode(&subject, &encoded.bytes, encoded.fds);
                let decoded = decoded.unwrap_or_else(|error| panic!("{wire} {name}: {error} in {value}"));
                assert_eq!(decoded.value.to_string(), value.to_string(), "{wire} {name}");
                assert!(decoded.remarks.is_empty(), "{:?}", decoded.remarks);
                if encoded.fds > 0 {
                    let fewer = reader.decode(&subject, &encoded.bytes, encoded.fds - 1);
                    assert!(fewer.unwrap_err().is_missing_descriptor(), "{wire} {name}");
                }
            }
        }
    }
}

#[test]
fn parameters_and_results_come_back() {
    watchdog();
    let model = corners();
    let interface = model.modules.last().unwrap().interface.as_ref().unwrap();
    let methods =
        interface.methods.iter().flat_map(|method| [(method, Block::Request), (method, Block::Reply)]);
    let events = interface.events.iter().map(|event| (event, Block::Event));
    let all: Vec<_> = methods.chain(events).filter(|(method, _)| method.name != "planes").collect();
    let seed = seed();
    for (wire, round) in Wire::ALL.into_iter().flat_map(|wire| (0..60).map(move |round| (wire, round))) {
        let mut sampler = Sampler::new(&model, wire, random(seed.wrapping_add(round)));
        let (mut writer, mut reader) = (Codec::new(&model, wire), Codec::new(&model, wire));
        for (method, block) in &all {
            let parameters = if *block == Block::Reply { &method.outputs } else { &method.inputs };
            let values: Json =
                parameters.iter().map(|each| (each.name.clone(), sampler.value(&each.ty))).collect();
            let encoded = writer.encode_block(Role::Proxy, method, *block, &values).unwrap();
            let decoded = reader.decode_block(method, *block, &encoded.bytes, encoded.fds);
            let decoded = decoded.unwrap_or_else(|error| panic!("{wire} {} {block:?}: {error}", method.name));
            assert_eq!(decoded.value.to_string(), values.to_string(), "{wire} {} {block:?}", method.name);
            assert!(decoded.remarks.is_empty(), "{:?}", decoded.remarks);
        }
    }
}

/// One change: cut off, lengthened, or a byte or a word overwritten.
fn damage(bytes: &mut Vec<u8>, random: &mut impl FnMut() -> u64) {
    const EDGES: [u32; 8] = [0, 1, 2, 31, 33, 0x7fff_ffff, 0xffff_fff8, u32::MAX];
    let number = random();
    let at = random() as usize % (bytes.len() + 1);
    match number % 4 {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, (number >> 8) as u8),
        2 if at < bytes.len() => bytes[at] ^= 1 << (number >> 8 & 7),
        _ if at + 4 <= bytes.len() => {
            bytes[at..at + 4].copy_from_slice(&EDGES[(number >> 8) as usize % 8].to_le_bytes());
        }
        _ => {}
    }
}

#[test]
fn damaged_bytes_are_refused_or_read_as_something() {
    watchdog();
    let model = corners();
    let seed = seed();
    let mut accepted = 0;
    for wire in Wire::ALL {
        for round in 0..1500 {
            let mut numbers = random(seed.wrapping_add(round));
            let subject = Subject::Value(any_type(&model, &mut numbers, 0));
            let Subject::Value(ty) = &subject else { unreachable!() };
            let value = Sampler::new(&model, wire, &mut numbers).value(ty);
            let encoded = Codec::new(&model, wire).encode(Role::Proxy, &subject, &value).unwrap();
            let mut bytes = encoded.bytes.clone();
            for _ in 0..1 + numbers() % 3 {
                damage(&mut bytes, &mut numbers);
            }
            let mut codec = Codec::new(&model, wire);
            match codec.decode(&subject, &bytes, encoded.fds) {
                Ok(decoded) if wire == Wire::Native => {
                    // There is one form of each value.
                    let again = codec.encode(Role::Proxy, &subject, &decoded.value).unwrap();
                    assert_eq!((again.bytes, again.fds), (bytes, encoded.fds), "{}", decoded.value);
                    accepted += 1;
                }
                Ok(_) => accepted += 1,
                Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
            }
        }
    }
    assert!(accepted > 100, "only {accepted} are read, so the damage is too great to find anything");
}

#[test]
fn native_values_that_are_cut_off_are_refused() {
    watchdog();
    let (model, seed) = (corners(), seed());
    for round in 0..100 {
        let mut numbers = random(seed.wrapping_add(round));
        let ty = any_type(&model, &mut numbers, 0);
        let value = Sampler::new(&model, Wire::Native, &mut numbers).value(&ty);
        let subject = Subject::Value(ty);
        let encoded = Codec::new(&model, Wire::Native).encode(Role::Proxy, &subject, &value).unwrap();
        for length in 0..encoded.bytes.len().min(400) {
            let cut =
                Codec::new(&model, Wire::Native).decode(&subject, &encoded.bytes[..length], encoded.fds);
            assert!(cut.is_err(), "{length} of {} bytes of {value}", encoded.bytes.len());
        }
    }
}

#[test]
fn damaged_sessions_are_read_to_the_end() {
    watchdog();
    let seed = seed();
    for (file, folder, wire) in [
        ("libcamera-1-rpi-session.jsonl", "libcamera-0.0.3", Wire::Libcamera1),
        ("libcamera-2-rpi-session.jsonl", "", Wire::Libcamera2),
    ] {
        let model = check(folder, &["raspberrypi.mojom"]);
        let recording = common::recording(file);
        for round in 0..40 {
            let mut numbers = random(seed.wrapping_add(round));
            let mut session = Session::new(&model, wire).unwrap();
            let (mut read, mut faults) = (0, 0);
            for (side, mut datagram) in recording.iter().cloned() {
                if numbers().is_multiple_of(20) {
                    damage(&mut datagram.bytes, &mut numbers);
                }
                match session.datagram(side, &datagram) {
                    Ok(message) => {
                        read += usize::from(message.is_some_and(|message| message.from == Side::Worker))
                    }
                    Err(error) => {
                        assert!(!error.to_string().contains('\n'), "{error}");
                        faults += 1;
                    }
                }
            }
            assert!(read > 0 && faults > 0, "{read} messages read, {faults} faults");
        }
    }
}
