//! What both encodings do with JSON: scalars, keys, members and defaults.

use ringfence_mojom::model::{Builtin, Constant, Enum, Field, Model, Type};
use serde_json::{Map, Value as Json, json};

use crate::error::{Error, Problem};

/// What is said about a value that is of the wrong kind. Long ones are cut short.
pub(crate) fn expected(expected: impl Into<String>, found: &Json) -> Error {
    const SHOWN: usize = 40;
    let mut text = match found {
        Json::Array(items) => format!("an array of {}", items.len()),
        Json::Object(members) => format!("an object with {} members", members.len()),
        scalar => scalar.to_string(),
    };
    if let Some((cut, _)) = text.char_indices().nth(SHOWN) {
        text.truncate(cut);
        text.push('…');
    }
    Problem::Expected { expected: expected.into(), found: text }.into()
}

/// Bytes of a scalar; none if the type is not one.
pub(crate) fn scalar_bytes(ty: &Type) -> Option<usize> {
    match ty {
        Type::Bool => Some(1),
        Type::Integer { bits, .. } => Some(*bits as usize / 8),
        Type::Float | Type::Enum(_) | Type::Flags(_) => Some(4),
        Type::Double => Some(8),
        _ => None,
    }
}

/// The little-endian bytes of a scalar, the first [`scalar_bytes`] of which count.
pub(crate) fn scalar_to_bytes(model: &Model, ty: &Type, value: &Json) -> Result<[u8; 8], Error> {
    Ok(match ty {
        Type::Bool => u64::from(value.as_bool().ok_or_else(|| expected("truth value", value))?),
        Type::Integer { bits, signed } => integer(value, *bits, *signed)?,
        Type::Float => float(value)?.to_bits().into(),
        Type::Double => double(value)?.to_bits(),
        Type::Enum(id) => enumerator(model.enumeration(*id), &model.enum_name(*id), value)?.into(),
        Type::Flags(id) => flags(model.enumeration(*id), &model.enum_name(*id), value)?.into(),
        _ => unreachable!("only scalars are asked for"),
    }
    .to_le_bytes())
}

/// The scalar of these little-endian bytes, of which there are [`scalar_bytes`].
pub(crate) fn scalar_from_bytes(ty: &Type, bytes: &[u8]) -> Result<Json, Error> {
    let mut all = [0; 8];
    all[..bytes.len()].copy_from_slice(bytes);
    let bits = u64::from_le_bytes(all);
    Ok(match ty {
        Type::Bool => match bits {
            0 => false.into(),
            1 => true.into(),
            value => return Err(Problem::Bool { value: value as u8 }.into()),
        },
        Type::Integer { bits: width, signed: true } => ((bits << (64 - width)) as i64 >> (64 - width)).into(),
        Type::Enum(_) => (bits as i32).into(),
        Type::Integer { .. } | Type::Flags(_) => bits.into(),
        Type::Float => float_json(f32::from_bits(bits as u32)),
        Type::Double => double_json(f64::from_bits(bits)),
        _ => unreachable!("only scalars are asked for"),
    })
}

/// An integer of this width as the lowest bits of a number.
pub(crate) fn integer(value: &Json, bits: u32, signed: bool) -> Result<u64, Error> {
    let number = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
    let (least, most) =
        if signed { (-1i128 << (bits - 1), (1i128 << (bits - 1)) - 1) } else { (0, (1i128 << bits) - 1) };
    match number {
        Some(number) if (least..=most).contains(&number) => Ok(number as u64),
        _ => Err(expected(format!("integer from {least} to {most}"), value)),
    }
}

pub(crate) fn float(value: &Json) -> Result<f32, Error> {
    if let Some(text) = value.as_str() {
        return match text {
            "Infinity" => Ok(f32::INFINITY),
            "-Infinity" => Ok(f32::NEG_INFINITY),
            "NaN" => Ok(f32::NAN),
            _ => {
                let bits = text.strip_prefix("NaN:").and_then(|hex| u32::from_str_radix(hex, 16).ok());
                let number = bits.map(f32::from_bits).filter(|number| number.is_nan());
                number.ok_or_else(|| expected("number", value))
            }
        };
    }
    let number = value.as_f64().ok_or_else(|| expected("number", value))?;
    match number as f32 {
        rounded if rounded.is_infinite() => Err(expected("number that fits 32 bits", value)),
        rounded => Ok(rounded),
    }
}

fn double(value: &Json) -> Result<f64, Error> {
    match value.as_str() {
        Some("Infinity") => Ok(f64::INFINITY),
        Some("-Infinity") => Ok(f64::NEG_INFINITY),
        Some("NaN") => Ok(f64::NAN),
        Some(text) => {
            let bits = text.strip_prefix("NaN:").and_then(|hex| u64::from_str_radix(hex, 16).ok());
            let number = bits.map(f64::from_bits).filter(|number| number.is_nan());
            number.ok_or_else(|| expected("number", value))
        }
        None => value.as_f64().ok_or_else(|| expected("number", value)),
    }
}

pub(crate) fn float_json(number: f32) -> Json {
    match number.to_bits() {
        bits if number.is_nan() && bits != f32::NAN.to_bits() => format!("NaN:{bits:08x}").into(),
        _ => double_json(number.into()),
    }
}

fn double_json(number: f64) -> Json {
    match number {
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        // The quiet one that has no sign and nothing more to say.
        _ if number.to_bits() == f64::NAN.to_bits() => "NaN".into(),
        _ if number.is_nan() => format!("NaN:{:016x}", number.to_bits()).into(),
        _ if is_whole(number) => (number as i64).into(),
        _ => number.into(),
    }
}

/// Whether JSON can have the number without a fraction, and an integer is exactly it.
fn is_whole(number: f64) -> bool {
    const EXACT: f64 = (1i64 << 53) as f64;
    number.fract() == 0.0 && number.abs() < EXACT && number.to_bits() != (-0.0f64).to_bits()
}

fn enumerator(enumeration: &Enum, name: &str, value: &Json) -> Result<u32, Error> {
    if let Some(text) = value.as_str() {
        let named = enumeration.enumerators.iter().find(|enumerator| enumerator.name == text);
        let unknown = || Problem::Enumerator { value: format!("`{text}`"), name: name.to_owned() };
        return Ok(named.ok_or_else(unknown)?.value as u32);
    }
    match value.as_i64() {
        // Above the signed range lies what some people write in hexadecimal.
        Some(number) if (i32::MIN.into()..=u32::MAX.into()).contains(&number) => Ok(number as u32),
        _ => Err(expected(format!("value of {name}"), value)),
    }
}

fn flags(enumeration: &Enum, name: &str, value: &Json) -> Result<u32, Error> {
    match value {
        Json::Array(names) => {
            names.iter().try_fold(0, |bits, item| Ok(bits | enumerator(enumeration, name, item)?))
        }
        value => enumerator(enumeration, name, value),
    }
}

/// A key of a map, in the order of maps.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Number(i128),
    Text(String),
}

/// The key that this is, once it is known to be of the type.
pub(crate) fn key(model: &Model, ty: &Type, value: &Json) -> Result<Key, Error> {
    if *ty == Type::String {
        return Ok(Key::Text(text(value)?.to_owned()));
    }
    let size = scalar_bytes(ty).ok_or_else(|| expected("key", value))?;
    // Names of enumerators become numbers on the way.
    let plain = scalar_from_bytes(ty, &scalar_to_bytes(model, ty, value)?[..size])?;
    let number = plain.as_i64().map(i128::from).or(plain.as_u64().map(i128::from));
    Ok(Key::Number(number.unwrap_or_else(|| plain.as_bool().unwrap_or_default().into())))
}

pub(crate) fn text(value: &Json) -> Result<&str, Error> {
    value.as_str().ok_or_else(|| expected("string", value))
}

pub(crate) fn array(value: &Json) -> Result<&[Json], Error> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| expected("array", value))
}

/// The text in these bytes, which start at `offset`.
pub(crate) fn utf8(bytes: &[u8], offset: usize) -> Result<Json, Error> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.into()),
        Err(error) => Err(Error::from(Problem::Utf8 { valid: error.valid_up_to() }).at(offset)),
    }
}

/// The pairs of a map in ascending order of their keys, each with its place in the value.
pub(crate) fn sorted_pairs<'v>(
    model: &Model,
    key_type: &Type,
    value: &'v Json,
) -> Result<Vec<(usize, &'v Json, &'v Json)>, Error> {
    let mut pairs = Vec::new();
    for (index, pair) in array(value)?.iter().enumerate() {
        let [name, value] = array(pair).map_err(|error| error.element(index))? else {
            return Err(expected("pair of key and value", pair).element(index));
        };
        let key = key(model, key_type, name).map_err(|error| error.within("key").element(index))?;
        pairs.push((key, (index, name, value)));
    }
    pairs.sort_by(|(left, _), (right, _)| left.cmp(right));
    if let Some(twins) = pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let (index, name, _) = twins[1].1;
        return Err(Error::from(Problem::DuplicateKey { key: name.to_string() }).element(index));
    }
    Ok(pairs.into_iter().map(|(_, pair)| pair).collect())
}

/// The object, once it is known to have no members but these.
pub(crate) fn members<'v>(value: &'v Json, names: &[&str]) -> Result<&'v Map<String, Json>, Error> {
    let object = value.as_object().ok_or_else(|| expected("object", value))?;
    match object.keys().find(|name| !names.contains(&name.as_str())) {
        Some(name) => {
            let known = match names {
                [] => "there are none".to_owned(),
                names => format!("there are {}", names.join(", ")),
            };
            Err(Problem::UnknownMember { name: name.clone(), known }.into())
        }
        None => Ok(object),
    }
}

/// A member that has to be there.
pub(crate) fn member<'v>(object: &'v Map<String, Json>, name: &'static str) -> Result<&'v Json, Error> {
    object.get(name).ok_or_else(|| Problem::MissingMember { name }.into())
}

/// A number that has to be there.
pub(crate) fn number(object: &Map<String, Json>, name: &'static str, bits: u32) -> Result<u64, Error> {
    integer(member(object, name)?, bits, false).map_err(|error| error.within(name))
}

/// Whether there is a descriptor.
pub(crate) fn descriptor(value: &Json) -> Result<bool, Error> {
    let valid = member(members(value, &["fd"])?, "fd")?;
    valid.as_bool().ok_or_else(|| expected("truth value", valid).within("fd"))
}

/// Descriptor, offset and length of a plane.
pub(crate) fn plane(value: &Json) -> Result<(bool, u32, u32), Error> {
    let object = members(value, &["fd", "offset", "length"])?;
    let valid = descriptor(member(object, "fd")?).map_err(|error| error.within("fd"))?;
    Ok((valid, number(object, "offset", 32)? as u32, number(object, "length", 32)? as u32))
}

pub(crate) fn descriptor_json(valid: bool) -> Json {
    json!({ "fd": valid })
}

pub(crate) fn plane_json(valid: bool, offset: u32, length: u32) -> Json {
    json!({ "fd": descriptor_json(valid), "offset": offset, "length": length })
}

/// A list without entries, as what was left out reads.
pub(crate) fn empty_list() -> Json {
    json!({ "idmap": "controls", "map": null, "entries": [] })
}

/// An info map without entries, as what was left out reads.
pub(crate) fn empty_info_map() -> Json {
    json!({ "idmap": "controls", "entries": [] })
}

/// What a field is where nothing is said.
pub(crate) fn default_of_field(model: &Model, field: &Field) -> Json {
    match &field.default {
        None => default(model, &field.ty),
        Some(Constant::Integer { value, .. }) => {
            i64::try_from(*value).map(Json::from).unwrap_or_else(|_| (*value as u64).into())
        }
        Some(Constant::Float(number)) if field.ty == Type::Float => float_json(*number as f32),
        Some(Constant::Float(number)) => double_json(*number),
        Some(Constant::Bool(value)) => (*value).into(),
        Some(Constant::String(text)) => text.as_str().into(),
        Some(Constant::Enumerator { of, index }) => model.enumeration(*of).enumerators[*index].value.into(),
    }
}

/// What a value of this type is where nothing is said.
pub(crate) fn default(model: &Model, ty: &Type) -> Json {
    match ty {
        Type::Bool => false.into(),
        Type::Integer { .. } | Type::Enum(_) | Type::Flags(_) => 0.into(),
        Type::Float | Type::Double => 0.0.into(),
        Type::String => "".into(),
        Type::Array { .. } | Type::Map { .. } => json!([]),
        Type::Builtin(Builtin::ControlList) => empty_list(),
        Type::Builtin(Builtin::ControlInfoMap) => empty_info_map(),
        Type::Builtin(Builtin::SharedFd) => descriptor_json(false),
        // libcamera's plane has an offset that stands for none.
        Type::Builtin(Builtin::Plane) => plane_json(false, u32::MAX, 0),
        Type::Struct(id) => {
            let fields = &model.structure(*id).fields;
            fields.iter().map(|field| (field.name.clone(), default_of_field(model, field))).collect()
        }
    }
}
