//! Control packets of the native encoding.
//!
//! | part | content |
//! |---|---|
//! | header | entries `u32`, bytes `u32`, id map `u8`, 7 reserved |
//! | list entry | id `u32`, slot |
//! | info entry | id `u32`, type `u8`, direction `u8`, 2 reserved, 3 slots |
//! | slot | type `u8`, is-array `u8`, 2 reserved, then 8 bytes: a scalar, or count `u32` and offset `u32` |
//! | values | what does not fit its slot: arrays, texts, rectangles |

use serde_json::Value as Json;

use super::packets::check_elements;
use super::{ControlValue, IdMap, Info, InfoMap, Kind, List, first_duplicate};
use crate::Wire;
use crate::error::{Error, Problem};
use crate::reader::Reader;

/// The most entries of a packet.
const MAX_ENTRIES: usize = 1024;

/// The most bytes of a packet.
const MAX_BYTES: usize = 16 << 20;

const HEADER: usize = 16;
const LIST_ENTRY: usize = 16;
const INFO_ENTRY: usize = 44;

/// Bytes of a slot that hold a scalar, or where else a value is.
const PAYLOAD: usize = 8;

fn is_out_of_line(kind: Kind, is_array: bool) -> bool {
    is_array || kind.bytes() > PAYLOAD
}

fn number(kind: Kind) -> u8 {
    kind.number(Wire::Native).expect("the native encoding has every type")
}

fn write_slot(value: &ControlValue, entries: &mut Vec<u8>, values: &mut Vec<u8>) {
    entries.extend([number(value.kind), value.is_array.into(), 0, 0]);
    let mut payload = [0; PAYLOAD];
    if is_out_of_line(value.kind, value.is_array) {
        // Whatever exceeds 32 bits exceeds the limit that `finish` checks, too.
        payload[..4].copy_from_slice(&(value.count() as u32).to_le_bytes());
        payload[4..].copy_from_slice(&(values.len() as u32).to_le_bytes());
        values.extend(&value.bytes);
    } else {
        payload[..value.bytes.len()].copy_from_slice(&value.bytes);
    }
    entries.extend(payload);
}

fn finish(id_map: IdMap, count: usize, entries: &[u8], values: &[u8]) -> Result<Vec<u8>, Error> {
    if count > MAX_ENTRIES {
        return Err(Problem::TooManyControls { entries: count, limit: MAX_ENTRIES }.into());
    }
    let bytes = HEADER + entries.len() + values.len();
    if bytes > MAX_BYTES {
        return Err(Problem::ControlsTooLong { bytes, limit: MAX_BYTES }.into());
    }
    let mut packet = Vec::with_capacity(bytes);
    packet.extend((count as u32).to_le_bytes());
    packet.extend((bytes as u32).to_le_bytes());
    packet.push(id_map.number());
    packet.extend([0; 7]);
    packet.extend(entries);
    packet.extend(values);
    Ok(packet)
}

/// The packet of a list.
pub(crate) fn write_list(value: &Json) -> Result<Vec<u8>, Error> {
    let list = List::from_json(value)?;
    if list.map.is_some() || list.info_map.is_some() {
        return Err(Problem::NoBinding { wire: Wire::Native }.into());
    }
    let (mut entries, mut values) = (Vec::new(), Vec::new());
    for (id, value) in &list.entries {
        entries.extend(id.to_le_bytes());
        write_slot(value, &mut entries, &mut values);
    }
    finish(list.id_map, list.entries.len(), &entries, &values)
}

/// The packet of an info map.
pub(crate) fn write_info_map(value: &Json) -> Result<Vec<u8>, Error> {
    let map = InfoMap::from_json(value)?;
    let (mut entries, mut values) = (Vec::new(), Vec::new());
    for (index, info) in map.entries.iter().enumerate() {
        check_info(info).map_err(|error| error.element(index).within("entries"))?;
        entries.extend(info.id.to_le_bytes());
        entries.extend([number(info.kind), info.direction, 0, 0]);
        for limit in &info.limits {
            write_slot(limit, &mut entries, &mut values);
        }
    }
    finish(map.id_map, map.entries.len(), &entries, &values)
}

fn check_info(info: &Info) -> Result<(), Error> {
    if !(1..=3).contains(&info.direction) {
        return Err(Problem::Direction { id: info.id, value: info.direction }.into());
    }
    info.check_kinds(true)
}

/// Reads the packet that `packet` is: id map, and entries as `entry` reads them.
fn read<'a, T>(
    mut packet: Reader<'a>,
    entry_bytes: usize,
    entry: impl Fn(&mut Reader<'a>, &mut Reader<'a>, usize) -> Result<T, Error>,
    id: impl Fn(&T) -> u32,
) -> Result<(IdMap, Vec<T>), Error> {
    let start = packet.offset();
    let available = packet.left();
    if available > MAX_BYTES {
        return Err(Error::from(Problem::ControlsTooLong { bytes: available, limit: MAX_BYTES }).at(start));
    }
    let mut header = packet.part(HEADER as u64, 0)?;
    let (count, announced) = (header.u32()?, header.u32()?);
    if announced as usize != available {
        return Err(Error::from(Problem::PacketLength { announced, available }).at(start));
    }
    let id_map = header.u8()?;
    let id_map = IdMap::from_number(id_map.into())
        .ok_or_else(|| Error::from(Problem::IdMapNumber { value: id_map.into() }).at(start))?;
    zero(&mut header, 7)?;
    if count as usize > MAX_ENTRIES {
        return Err(
            Error::from(Problem::TooManyControls { entries: count as usize, limit: MAX_ENTRIES }).at(start)
        );
    }
    let mut part = packet.part(u64::from(count) * entry_bytes as u64, 0)?;
    let values_start = packet.offset();
    let mut entries = Vec::new();
    for index in 0..count as usize {
        let read = entry(&mut part, &mut packet, values_start);
        entries.push(read.map_err(|error| error.element(index).within("entries"))?);
    }
    if let Some((index, id)) = first_duplicate(entries.iter().map(id)) {
        return Err(Error::from(Problem::Duplicate { id }).at(start).element(index).within("entries"));
    }
    match packet.left() {
        0 => Ok((id_map, entries)),
        bytes => Err(Error::from(Problem::Trailing { bytes }).at(packet.offset())),
    }
}

/// Checks that the next bytes are zero.
fn zero(reader: &mut Reader<'_>, count: u64) -> Result<(), Error> {
    let offset = reader.offset();
    let bytes = reader.take(count)?;
    match bytes.iter().position(|byte| *byte != 0) {
        Some(index) => Err(Error::from(Problem::Padding { value: bytes[index] }).at(offset + index)),
        None => Ok(()),
    }
}

fn kind(id: u32, reader: &mut Reader<'_>) -> Result<Kind, Error> {
    let offset = reader.offset();
    let value = reader.u8()?.into();
    let known = Kind::from_number(value, Wire::Native);
    known.ok_or_else(|| Error::from(Problem::KindNumber { id, value, wire: Wire::Native }).at(offset))
}

fn read_slot(
    id: u32,
    part: &mut Reader<'_>,
    values: &mut Reader<'_>,
    values_start: usize,
) -> Result<ControlValue, Error> {
    let offset = part.offset();
    let kind = kind(id, part)?;
    let is_array = match (part.u8()?, kind) {
        (0, kind) if kind != Kind::String => false,
        (1, kind) if kind != Kind::None => true,
        (value, _) => return Err(Error::from(Problem::ArrayMark { id, value }).at(offset + 1)),
    };
    zero(part, 2)?;
    let mut payload = part.part(PAYLOAD as u64, 0)?;
    if !is_out_of_line(kind, is_array) {
        let at = payload.offset();
        let bytes = payload.take(kind.bytes() as u64)?;
        check_elements(kind, bytes, at)?;
        let unused = payload.left() as u64;
        zero(&mut payload, unused)?;
        return Ok(ControlValue { kind, is_array, bytes: bytes.to_vec() });
    }
    let (count, found) = (payload.u32()?, payload.u32()?);
    let expected = values.offset() - values_start;
    if found as usize != expected {
        return Err(Error::from(Problem::ValueOffset { id, found, expected }).at(offset));
    }
    if !is_array && count != 1 {
        return Err(Error::from(Problem::ScalarCount { id, kind, count: count as usize }).at(offset));
    }
    let (at, available) = (values.offset(), values.left());
    let bytes = values.take(u64::from(count) * kind.bytes() as u64);
    let count = count as usize;
    let bytes = bytes.map_err(|_| Error::from(Problem::ValueLength { id, kind, count, available }).at(at))?;
    check_elements(kind, bytes, at)?;
    Ok(ControlValue { kind, is_array, bytes: bytes.to_vec() })
}

/// The list whose packet `packet` is.
pub(crate) fn read_list(packet: Reader<'_>) -> Result<Json, Error> {
    let entry = |part: &mut Reader<'_>, values: &mut Reader<'_>, values_start| {
        let id = part.u32()?;
        Ok((id, read_slot(id, part, values, values_start)?))
    };
    let (id_map, entries) = read(packet, LIST_ENTRY, entry, |(id, _)| *id)?;
    Ok(List { id_map, map: None, info_map: None, entries }.to_json())
}

/// The info map whose packet `packet` is.
pub(crate) fn read_info_map(packet: Reader<'_>) -> Result<Json, Error> {
    let entry = |part: &mut Reader<'_>, values: &mut Reader<'_>, values_start| {
        let offset = part.offset();
        let id = part.u32()?;
        let kind = kind(id, part)?;
        let direction = part.u8()?;
        zero(part, 2)?;
        let mut limits = [ControlValue::NONE; 3];
        for limit in &mut limits {
            *limit = read_slot(id, part, values, values_start)?;
        }
        let info = Info { id, kind, direction, limits };
        check_info(&info).map_err(|error| error.at(offset))?;
        Ok(info)
    };
    let (id_map, entries) = read(packet, INFO_ENTRY, entry, |info: &Info| info.id)?;
    Ok(InfoMap { id_map, entries }.to_json())
}
