//! Control packets of libcamera, formats 1 and 2.
//!
//! | part | format 1 | format 2 |
//! |---|---|---|
//! | header | version, handle, entries, bytes, start of the values, id map: `u32` each; 8 reserved | the same |
//! | list entry | id `u32`, type `u8`, is-array `u8`, count `u16`, offset `u32`, 4 reserved | id `u32`, slot |
//! | info entry | id `u32`, type `u32`, offset `u32`, 4 reserved | id `u32`, type `u32`, direction `u8`, 7 reserved, 3 slots |
//! | slot | | type `u8`, is-array `u8`, count `u16`, offset `u32`, 8 reserved |
//! | value | type `u32`, elements | elements |
//!
//! Offsets are from the start of the values and have to be running sums.

use super::{ControlValue, IdMap, Info, InfoMap, Kind, LIMITS, first_duplicate};
use crate::Wire;
use crate::error::{Error, Problem};
use crate::json;
use crate::reader::Reader;
use crate::remark::Remarks;

const HEADER: usize = 32;

/// In maps of format 1, which has no directions: in and out.
const BOTH_DIRECTIONS: u8 = 3;

fn version(wire: Wire) -> u32 {
    if wire == Wire::Libcamera1 { 1 } else { 2 }
}

fn list_entry_bytes(wire: Wire) -> usize {
    if wire == Wire::Libcamera1 { 16 } else { 20 }
}

fn info_entry_bytes(wire: Wire) -> usize {
    if wire == Wire::Libcamera1 { 16 } else { 64 }
}

/// Builds a packet: entries and values apart, for the values start where the entries end.
struct Writer {
    wire: Wire,
    entries: Vec<u8>,
    values: Vec<u8>,
}

impl Writer {
    fn u32(&mut self, number: u32) {
        self.entries.extend(number.to_le_bytes());
    }

    fn offset(&self) -> Result<u32, Error> {
        let bytes = self.values.len();
        u32::try_from(bytes).map_err(|_| Problem::TooLong { bytes }.into())
    }

    /// Writes a value and returns its type, mark of an array, count and offset.
    fn value(&mut self, id: u32, value: &ControlValue) -> Result<(u8, u8, u16, u32), Error> {
        let (wire, kind) = (self.wire, value.kind);
        let number = kind.number(wire).ok_or(Problem::NoSuchKind { id, kind, wire })?;
        // Of what has no elements libcamera counts one.
        let count = if kind == Kind::None { 1 } else { value.count() };
        let limit = usize::from(u16::MAX);
        let count = u16::try_from(count).map_err(|_| Problem::TooManyElements { id, count, limit, wire })?;
        let offset = self.offset()?;
        if wire == Wire::Libcamera1 {
            self.values.extend(u32::from(number).to_le_bytes());
        }
        self.values.extend(&value.bytes);
        Ok((number, value.is_array.into(), count, offset))
    }

    fn slot(&mut self, id: u32, value: &ControlValue) -> Result<(), Error> {
        let (number, is_array, count, offset) = self.value(id, value)?;
        self.entries.extend([number, is_array]);
        self.entries.extend(count.to_le_bytes());
        self.u32(offset);
        let reserved = if self.wire == Wire::Libcamera1 { 4 } else { 8 };
        self.entries.extend(&[0; 8][..reserved]);
        Ok(())
    }

    fn finish(self, out: &mut Vec<u8>, handle: u32, entries: usize, id_map: IdMap) -> Result<(), Error> {
        let values = HEADER + self.entries.len();
        let bytes = values + self.values.len();
        let size = u32::try_from(bytes).map_err(|_| Problem::TooLong { bytes })?;
        // Both are below the size.
        for word in [version(self.wire), handle, entries as u32, size, values as u32, id_map.number().into()]
        {
            out.extend(word.to_le_bytes());
        }
        out.extend([0; 8]);
        out.extend(&self.entries);
        out.extend(&self.values);
        Ok(())
    }
}

/// Appends the packet of a list.
pub(crate) fn write_list(
    out: &mut Vec<u8>,
    wire: Wire,
    handle: u32,
    id_map: IdMap,
    entries: &[(u32, ControlValue)],
) -> Result<(), Error> {
    let mut writer = Writer { wire, entries: Vec::new(), values: Vec::new() };
    for (index, (id, value)) in entries.iter().enumerate() {
        writer.u32(*id);
        writer.slot(*id, value).map_err(|error| error.element(index).within("entries"))?;
    }
    writer.finish(out, handle, entries.len(), id_map)
}

/// Appends the packet of an info map.
pub(crate) fn write_info_map(out: &mut Vec<u8>, wire: Wire, handle: u32, map: &InfoMap) -> Result<(), Error> {
    let mut writer = Writer { wire, entries: Vec::new(), values: Vec::new() };
    for (index, info) in map.entries.iter().enumerate() {
        write_info(&mut writer, info).map_err(|error| error.element(index).within("entries"))?;
    }
    writer.finish(out, handle, map.entries.len(), map.id_map)
}

fn write_info(writer: &mut Writer, info: &Info) -> Result<(), Error> {
    let (id, wire, kind) = (info.id, writer.wire, info.kind);
    info.check_kinds(false)?;
    writer.u32(id);
    writer.u32(kind.number(wire).ok_or(Problem::NoSuchKind { id, kind, wire })?.into());
    if wire == Wire::Libcamera1 {
        let first = writer.offset()?;
        writer.u32(first);
        writer.u32(0);
        for (value, member) in info.limits.iter().zip(LIMITS) {
            // Its readers take each for a single value.
            if value.is_array && value.count() != 1 {
                return Err(Problem::ArrayLimit { id, member, wire }.into());
            }
            writer.value(id, value)?;
        }
        return Ok(());
    }
    writer.entries.push(info.direction);
    writer.entries.extend([0; 7]);
    info.limits.iter().try_for_each(|value| writer.slot(id, value))
}

/// What a packet says about itself.
#[derive(Debug)]
pub(crate) struct Header {
    pub version: u32,
    pub handle: u32,
    pub entries: u32,
    size: u32,
    values: u32,
    pub id_map: u32,
    /// Where the packet starts in the message.
    start: usize,
}

impl Header {
    /// Reads the header of the packet that `packet` is.
    pub fn read(packet: &mut Reader<'_>) -> Result<Self, Error> {
        let start = packet.offset();
        let mut header = packet.part(HEADER as u64, 0)?;
        Ok(Self {
            version: header.u32()?,
            handle: header.u32()?,
            entries: header.u32()?,
            size: header.u32()?,
            values: header.u32()?,
            id_map: header.u32()?,
            start,
        })
    }

    pub fn check_version(&self, wire: Wire) -> Result<(), Error> {
        let (found, expected) = (self.version, version(wire));
        if found == expected {
            Ok(())
        } else {
            Err(Error::from(Problem::Version { found, expected }).at(self.start))
        }
    }

    /// The entries and the values, out of what follows the header.
    fn split<'a>(
        &self,
        packet: &mut Reader<'a>,
        entry_bytes: usize,
        remarks: &mut Remarks,
    ) -> Result<(Reader<'a>, Values<'a>), Error> {
        let available = HEADER + packet.left();
        let entries = u64::from(self.entries) * entry_bytes as u64;
        let entries_end = HEADER as u64 + entries;
        if entries_end > self.values.into() || self.values > self.size || self.size as usize > available {
            let layout = Problem::Layout {
                entries: self.entries,
                entries_end,
                values: self.values,
                end: self.size,
                available,
            };
            return Err(Error::from(layout).at(self.start));
        }
        let part = packet.part(entries, 0)?;
        let gap = u64::from(self.values) - entries_end;
        if gap > 0 {
            remarks.add(packet.offset(), || {
                format!("{gap} bytes between entries and values of a packet are ignored")
            });
        }
        packet.take(gap)?;
        let values = packet.part((self.size - self.values).into(), 0)?;
        let slack = packet.left();
        if slack > 0 {
            remarks.add(packet.offset(), || format!("{slack} bytes after a packet are ignored"));
        }
        Ok((part, Values { start: values.offset(), reader: values }))
    }
}

/// The values of a packet, one after the other.
struct Values<'a> {
    reader: Reader<'a>,
    start: usize,
}

impl Values<'_> {
    /// Checks that the next value is where it is said to be.
    fn check_offset(&self, id: u32, found: u32) -> Result<(), Error> {
        let expected = self.reader.offset() - self.start;
        let problem = Problem::ValueOffset { id, found, expected };
        if found as usize == expected { Ok(()) } else { Err(Error::from(problem).at(self.reader.offset())) }
    }

    /// The next value, of which type, mark and count are known.
    fn value(&mut self, id: u32, kind: Kind, is_array: u8, count: usize) -> Result<ControlValue, Error> {
        let offset = self.reader.offset();
        let is_array = match is_array {
            0 => false,
            1 => true,
            value => return Err(Error::from(Problem::ArrayMark { id, value }).at(offset)),
        };
        if !is_array && count != 1 && !matches!(kind, Kind::None | Kind::String) {
            return Err(Error::from(Problem::ScalarCount { id, kind, count }).at(offset));
        }
        let available = self.reader.left();
        let bytes = self.reader.take((count * kind.bytes()) as u64);
        let bytes =
            bytes.map_err(|_| Error::from(Problem::ValueLength { id, kind, count, available }).at(offset))?;
        check_elements(kind, bytes, offset)?;
        // A text is one whatever its mark says, and nothing is no array of it.
        let is_array = (is_array || kind == Kind::String) && kind != Kind::None;
        Ok(ControlValue { kind, is_array, bytes: bytes.to_vec() })
    }

    /// The type before a value of format 1.
    fn kind(&mut self, id: u32) -> Result<Kind, Error> {
        let offset = self.reader.offset();
        kind(id, self.reader.u32()?, Wire::Libcamera1, offset)
    }

    fn finish(&self, remarks: &mut Remarks) {
        let slack = self.reader.left();
        if slack > 0 {
            remarks.add(self.reader.offset(), || {
                format!("{slack} bytes after the last value of a packet are ignored")
            });
        }
    }
}

/// Checks truth values and text, of which not all bytes are valid.
pub(crate) fn check_elements(kind: Kind, bytes: &[u8], offset: usize) -> Result<(), Error> {
    match kind {
        Kind::Bool => match bytes.iter().position(|byte| *byte > 1) {
            Some(index) => Err(Error::from(Problem::Bool { value: bytes[index] }).at(offset + index)),
            None => Ok(()),
        },
        Kind::String => json::utf8(bytes, offset).map(drop),
        _ => Ok(()),
    }
}

fn kind(id: u32, value: u32, wire: Wire, offset: usize) -> Result<Kind, Error> {
    let known = Kind::from_number(value, wire);
    known.ok_or_else(|| Error::from(Problem::KindNumber { id, value, wire }).at(offset))
}

/// The entries of the list of which `packet` has been read up to the end of the header.
pub(crate) fn read_list(
    packet: &mut Reader<'_>,
    header: &Header,
    wire: Wire,
    remarks: &mut Remarks,
) -> Result<Vec<(u32, ControlValue)>, Error> {
    header.check_version(wire)?;
    let (mut part, mut values) = header.split(packet, list_entry_bytes(wire), remarks)?;
    let mut entries: Vec<(u32, ControlValue)> = Vec::new();
    let mut read = || -> Result<(u32, ControlValue), Error> {
        let offset = part.offset();
        let id = part.u32()?;
        let (number, is_array, count, at) = (part.u8()?, part.u8()?, part.u16()?, part.u32()?);
        part.take(if wire == Wire::Libcamera1 { 4 } else { 8 })?;
        values.check_offset(id, at)?;
        // Format 1 has the type twice, and readers heed the one with the value.
        let kind = match wire {
            Wire::Libcamera1 => values.kind(id)?,
            _ => kind(id, number.into(), wire, offset)?,
        };
        Ok((id, values.value(id, kind, is_array, count.into())?))
    };
    for index in 0..header.entries as usize {
        entries.push(read().map_err(|error| error.element(index).within("entries"))?);
    }
    values.finish(remarks);
    if let Some((_, id)) = first_duplicate(entries.iter().map(|entry| entry.0)) {
        remarks.add(header.start, || {
            format!("control {id:#x} comes more than once in a list; the last one counts")
        });
        entries = last_of_each(entries);
    }
    Ok(entries)
}

fn last_of_each(entries: Vec<(u32, ControlValue)>) -> Vec<(u32, ControlValue)> {
    let mut seen = std::collections::HashSet::new();
    let mut last: Vec<_> = entries.into_iter().rev().filter(|(id, _)| seen.insert(*id)).collect();
    last.reverse();
    last
}

/// The info map of which `packet` has been read up to the end of the header.
pub(crate) fn read_info_map(
    packet: &mut Reader<'_>,
    header: &Header,
    wire: Wire,
    remarks: &mut Remarks,
) -> Result<InfoMap, Error> {
    header.check_version(wire)?;
    let id_map = IdMap::from_number(header.id_map)
        .ok_or_else(|| Error::from(Problem::IdMapNumber { value: header.id_map }).at(header.start))?;
    let (mut part, mut values) = header.split(packet, info_entry_bytes(wire), remarks)?;
    let mut entries: Vec<Info> = Vec::new();
    for index in 0..header.entries as usize {
        let info = read_info(&mut part, &mut values, wire);
        entries.push(info.map_err(|error| error.element(index).within("entries"))?);
    }
    values.finish(remarks);
    if let Some((index, id)) = first_duplicate(entries.iter().map(|entry| entry.id)) {
        if id_map == IdMap::V4l2 {
            let problem = Error::from(Problem::Duplicate { id }).at(header.start);
            return Err(problem.element(index).within("entries"));
        }
        remarks.add(header.start, || {
            format!("control {id:#x} comes more than once in an info map; the first one counts")
        });
        let mut seen = std::collections::HashSet::new();
        entries.retain(|info| seen.insert(info.id));
    }
    Ok(InfoMap { id_map, entries })
}

fn read_info(part: &mut Reader<'_>, values: &mut Values<'_>, wire: Wire) -> Result<Info, Error> {
    let offset = part.offset();
    let id = part.u32()?;
    let kind_of_control = kind(id, part.u32()?, wire, offset)?;
    let mut limits = [ControlValue::NONE; 3];
    let direction = if wire == Wire::Libcamera1 {
        values.check_offset(id, part.u32()?)?;
        part.take(4)?;
        for limit in &mut limits {
            let kind = values.kind(id)?;
            *limit = values.value(id, kind, 0, 1)?;
        }
        BOTH_DIRECTIONS
    } else {
        let direction = part.u8()?;
        part.take(7)?;
        for limit in &mut limits {
            let (number, is_array, count, at) = (part.u8()?, part.u8()?, part.u16()?, part.u32()?);
            part.take(8)?;
            values.check_offset(id, at)?;
            *limit = values.value(id, kind(id, number.into(), wire, offset)?, is_array, count.into())?;
        }
        direction
    };
    let info = Info { id, kind: kind_of_control, direction, limits };
    info.check_kinds(false).map_err(|error| error.at(offset))?;
    Ok(info)
}
