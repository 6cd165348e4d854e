//! Controls as JSON.

use serde_json::{Value as Json, json};

use super::{ControlValue, IdMap, Info, InfoMap, Kind, LIMITS, List};
use crate::Wire;
use crate::error::{Error, Problem};
use crate::json::{self, expected, member, members, number};

/// Signed and unsigned numbers that an element of four-byte numbers consists of.
fn parts(kind: Kind) -> &'static [(&'static str, bool)] {
    match kind {
        Kind::Rectangle => &[("x", true), ("y", true), ("width", false), ("height", false)],
        Kind::Size => &[("width", false), ("height", false)],
        Kind::Point => &[("x", true), ("y", true)],
        _ => unreachable!("only elements of several numbers have parts"),
    }
}

fn element_to_json(kind: Kind, bytes: &[u8]) -> Json {
    let unsigned = || {
        let mut all = [0; 8];
        all[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(all)
    };
    match kind {
        Kind::Bool | Kind::Byte | Kind::Uint16 | Kind::Uint32 => unsigned().into(),
        Kind::Int32 => (unsigned() as i32).into(),
        Kind::Int64 => (unsigned() as i64).into(),
        Kind::Float => json::float_json(f32::from_bits(unsigned() as u32)),
        Kind::Rectangle | Kind::Size | Kind::Point => {
            let words =
                bytes.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().expect("four bytes")));
            let value = |(word, (name, signed)): (u32, &(&str, bool))| {
                ((*name).to_owned(), if *signed { Json::from(word as i32) } else { word.into() })
            };
            words.zip(parts(kind)).map(value).collect()
        }
        Kind::None | Kind::String => unreachable!("they have no elements of their own in JSON"),
    }
}

fn element_from_json(kind: Kind, value: &Json, out: &mut Vec<u8>) -> Result<(), Error> {
    let bits = match kind {
        Kind::Bool => {
            // Truth values are welcome where they are meant.
            let bit = value.as_bool().map(u64::from).or_else(|| value.as_u64().filter(|bit| *bit <= 1));
            bit.ok_or_else(|| expected("truth value, 0 or 1", value))?
        }
        Kind::Byte => json::integer(value, 8, false)?,
        Kind::Uint16 => json::integer(value, 16, false)?,
        Kind::Uint32 => json::integer(value, 32, false)?,
        Kind::Int32 => json::integer(value, 32, true)?,
        Kind::Int64 => json::integer(value, 64, true)?,
        Kind::Float => json::float(value)?.to_bits().into(),
        Kind::Rectangle | Kind::Size | Kind::Point => {
            let names: Vec<_> = parts(kind).iter().map(|(name, _)| *name).collect();
            let object = members(value, &names)?;
            for (name, signed) in parts(kind) {
                let part = json::integer(member(object, name)?, 32, *signed);
                out.extend((part.map_err(|error| error.within(name))? as u32).to_le_bytes());
            }
            return Ok(());
        }
        Kind::None | Kind::String => unreachable!("they have no elements of their own in JSON"),
    };
    out.extend(&bits.to_le_bytes()[..kind.bytes()]);
    Ok(())
}

impl ControlValue {
    /// A text has to be UTF-8, as whoever read the bytes has made sure.
    pub fn to_json(&self) -> Json {
        let values: Vec<Json> = match self.kind {
            Kind::None => Vec::new(),
            Kind::String => vec![String::from_utf8_lossy(&self.bytes).into()],
            kind => self.bytes.chunks_exact(kind.bytes()).map(|bytes| element_to_json(kind, bytes)).collect(),
        };
        json!({ "type": self.kind.name(), "array": self.is_array, "values": values })
    }

    pub fn from_json(value: &Json) -> Result<Self, Error> {
        let object = members(value, &["type", "array", "values"])?;
        let name = member(object, "type")?;
        let kind = name.as_str().and_then(Kind::named);
        let kind = kind.ok_or_else(|| expected("type of control", name).within("type"))?;
        let is_array = member(object, "array")?;
        let is_array = is_array.as_bool().ok_or_else(|| expected("truth value", is_array).within("array"))?;
        let values = member(object, "values")?;
        let items = json::array(values).map_err(|error| error.within("values"))?;
        let fits = match kind {
            Kind::None => items.is_empty() && !is_array,
            Kind::String => items.len() == 1 && is_array,
            _ => is_array || items.len() == 1,
        };
        if !fits {
            let what = match kind {
                Kind::None => "nothing: neither an array nor with values".to_owned(),
                Kind::String => "array of one text".to_owned(),
                kind => format!("single {kind}"),
            };
            return Err(expected(what, values).within("values"));
        }
        let mut bytes = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let element = match kind {
                Kind::String => json::text(item).map(|text| bytes.extend(text.as_bytes())),
                kind => element_from_json(kind, item, &mut bytes),
            };
            element.map_err(|error| error.element(index).within("values"))?;
        }
        Ok(Self { kind, is_array, bytes })
    }
}

fn id_map_from_json(value: &Json) -> Result<IdMap, Error> {
    let named = value.as_str().and_then(|name| IdMap::ALL.into_iter().find(|id_map| id_map.name() == name));
    named.ok_or_else(|| expected("id map: controls, properties or v4l2", value).within("idmap"))
}

fn entries_from_json<T>(value: &Json, entry: impl Fn(&Json) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    let read = |(index, value)| entry(value).map_err(|error| error.element(index));
    let entries: Result<_, Error> =
        json::array(value).and_then(|items| items.iter().enumerate().map(read).collect());
    entries.map_err(|error| error.within("entries"))
}

impl InfoMap {
    pub fn to_json(&self) -> Json {
        let entry = |info: &Info| {
            let [min, max, def] = info.limits.each_ref().map(ControlValue::to_json);
            let kind = info.kind.number(Wire::Native);
            json!({ "id": info.id, "type": kind, "direction": info.direction, "min": min, "max": max, "def": def })
        };
        json!({ "idmap": self.id_map.name(), "entries": self.entries.iter().map(entry).collect::<Vec<_>>() })
    }

    pub fn from_json(value: &Json) -> Result<Self, Error> {
        let object = members(value, &["idmap", "entries"])?;
        let id_map = id_map_from_json(member(object, "idmap")?)?;
        let entries = entries_from_json(member(object, "entries")?, |value| {
            let object = members(value, &["id", "type", "direction", "min", "max", "def"])?;
            let kind = number(object, "type", 32)?;
            let kind = Kind::from_number(kind as u32, Wire::Native)
                .ok_or_else(|| expected("type of control: 0 to 11 are", &kind.into()).within("type"))?;
            let mut limits = [ControlValue::NONE; 3];
            for (limit, name) in limits.iter_mut().zip(LIMITS) {
                *limit =
                    ControlValue::from_json(member(object, name)?).map_err(|error| error.within(name))?;
            }
            let (id, direction) = (number(object, "id", 32)? as u32, number(object, "direction", 8)? as u8);
            Ok(Info { id, kind, direction, limits })
        })?;
        if let Some((index, id)) = super::first_duplicate(entries.iter().map(|entry| entry.id)) {
            return Err(Error::from(Problem::Duplicate { id }).element(index).within("entries"));
        }
        Ok(Self { id_map, entries })
    }
}

impl List {
    pub fn to_json(&self) -> Json {
        let entry = |(id, value): &(u32, ControlValue)| json!({ "id": id, "value": value.to_json() });
        let entries: Vec<_> = self.entries.iter().map(entry).collect();
        let mut list = json!({ "idmap": self.id_map.name(), "map": self.map });
        if let Some(map) = &self.info_map {
            list["infomap"] = map.to_json();
        }
        list["entries"] = entries.into();
        list
    }

    pub fn from_json(value: &Json) -> Result<Self, Error> {
        let object = members(value, &["idmap", "map", "infomap", "entries"])?;
        let id_map = id_map_from_json(member(object, "idmap")?)?;
        let map = match member(object, "map")? {
            Json::Null => None,
            index => Some(json::integer(index, 32, false).map_err(|error| error.within("map"))? as usize),
        };
        let info_map = match object.get("infomap") {
            None | Some(Json::Null) => None,
            Some(map) => Some(InfoMap::from_json(map).map_err(|error| error.within("infomap"))?),
        };
        let entries = entries_from_json(member(object, "entries")?, |value| {
            let object = members(value, &["id", "value"])?;
            let control = ControlValue::from_json(member(object, "value")?);
            Ok((number(object, "id", 32)? as u32, control.map_err(|error| error.within("value"))?))
        })?;
        if let Some((index, id)) = super::first_duplicate(entries.iter().map(|entry| entry.0)) {
            return Err(Error::from(Problem::Duplicate { id }).element(index).within("entries"));
        }
        Ok(Self { id_map, map, info_map, entries })
    }
}
