//! Packets of controls, in both formats.
//!
//! A header, entries, and value bytes, packed without gaps. Format 2 has the type of a value and the direction of a control in the
//! entries. Format 1 has shorter entries, puts the type before each value, and numbers the types otherwise.

use zerocopy::byteorder::little_endian::{U16, U32};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{DecodeError, EncodeError, Problem, Version};
use crate::serialize::controls::{
    ControlError, ControlInfoMap, ControlInfoRef, ControlList, ControlType, ControlValueRef, Direction,
    IdMap, MAX_ENTRIES, ValueError,
};

/// Bytes before the entries.
pub(super) const HEADER_BYTES: usize = size_of::<Header>();

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Header {
    format: U32,
    handle: U32,
    entries: U32,
    size: U32,
    data_offset: U32,
    id_map: U32,
    reserved: [u8; 8],
}

/// A value in format 2.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Value2 {
    kind: u8,
    is_array: u8,
    count: U16,
    offset: U32,
    reserved: [u8; 8],
}

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct ListEntry2 {
    id: U32,
    value: Value2,
}

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct InfoEntry2 {
    id: U32,
    kind: U32,
    direction: u8,
    reserved: [u8; 7],
    /// Minimum, maximum, default.
    values: [Value2; 3],
}

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct ListEntry1 {
    id: U32,
    kind: u8,
    is_array: u8,
    count: U16,
    offset: U32,
    reserved: [u8; 4],
}

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct InfoEntry1 {
    id: U32,
    kind: U32,
    offset: U32,
    reserved: [u8; 4],
}

/// The number of a type, if the version has the type.
const fn number(version: Version, kind: ControlType) -> Option<u8> {
    match (version, kind) {
        (Version::V2, kind) => Some(kind.number()),
        (Version::V1, ControlType::U16 | ControlType::U32 | ControlType::Point) => None,
        (Version::V1, ControlType::None | ControlType::Bool | ControlType::Byte) => Some(kind.number()),
        // It has neither of the two unsigned types that come before.
        (Version::V1, kind) => Some(kind.number() - 2),
    }
}

/// The type of this number.
#[inline]
fn kind(version: Version, number: u32) -> Result<ControlType, ValueError> {
    let value = u8::try_from(number).unwrap_or(u8::MAX);
    let kind = match (version, value) {
        (Version::V1, 0..=2) | (Version::V2, _) => ControlType::from_number(value),
        (Version::V1, 3..=8) => ControlType::from_number(value + 2),
        (Version::V1, _) => None,
    };
    kind.ok_or(ValueError::Type { value })
}

fn known_number(version: Version, id: u32, kind: ControlType) -> Result<u8, EncodeError> {
    number(version, kind).ok_or(EncodeError::NoSuchType { id, kind, version })
}

/// Bytes before each value.
const fn prefix(version: Version) -> usize {
    match version {
        Version::V1 => 4,
        Version::V2 => 0,
    }
}

/// Elements of a value as they are counted here: "none" is one of no bytes.
fn count(id: u32, value: &ControlValueRef<'_>) -> Result<u16, EncodeError> {
    let count = if value.control_type() == ControlType::None { 1 } else { value.len() };
    u16::try_from(count).map_err(|_| EncodeError::TooManyElements { id, count })
}

/// Writes the type of a value, if the version puts it there, and the value.
fn write_value(version: Version, value: &ControlValueRef<'_>, out: &mut Vec<u8>) {
    if version == Version::V1 {
        // Whoever wrote the entry has found the type to have a number.
        let number = number(version, value.control_type()).unwrap_or(0);
        out.extend_from_slice(&u32::from(number).to_le_bytes());
    }
    out.extend_from_slice(value.bytes());
}

/// Reserves a header, and returns where it starts.
fn begin(out: &mut Vec<u8>) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER_BYTES]);
    start
}

/// Fills in the header that was reserved at `start`; the packet ends here.
fn end(
    out: &mut [u8],
    start: usize,
    data: usize,
    (version, handle, entries, id_map): (Version, u32, usize, IdMap),
) {
    // `Encoder::message` makes sure that all of them fit.
    let header = Header {
        format: U32::new(format(version)),
        handle: U32::new(handle),
        entries: U32::new(entries as u32),
        size: U32::new((out.len() - start) as u32),
        data_offset: U32::new((data - start) as u32),
        id_map: U32::new(id_map.number().into()),
        reserved: [0; 8],
    };
    out[start..][..HEADER_BYTES].copy_from_slice(header.as_bytes());
}

const fn format(version: Version) -> u32 {
    match version {
        Version::V1 => 1,
        Version::V2 => 2,
    }
}

/// Appends the packet of a list.
pub(super) fn write_list(
    version: Version,
    handle: u32,
    list: &ControlList,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let start = begin(out);
    let mut offset = 0usize;
    for (id, value) in list.iter() {
        let kind = known_number(version, id, value.control_type())?;
        let (is_array, count) = (u8::from(value.is_array()), count(id, &value)?.into());
        let (id, place) = (U32::new(id), U32::new(offset as u32));
        match version {
            Version::V1 => {
                let entry = ListEntry1 { id, kind, is_array, count, offset: place, reserved: [0; 4] };
                out.extend_from_slice(entry.as_bytes());
            }
            Version::V2 => {
                let value = Value2 { kind, is_array, count, offset: place, reserved: [0; 8] };
                out.extend_from_slice(ListEntry2 { id, value }.as_bytes());
            }
        }
        offset += prefix(version) + value.bytes().len();
    }
    let data = out.len();
    for (_, value) in list.iter() {
        write_value(version, &value, out);
    }
    // Format 1 has no empty list without a map: its reader aborts the process.
    let id_map = match (version, list.id_map()) {
        (Version::V1, IdMap::V4l2) if handle == 0 => IdMap::Controls,
        (_, id_map) => id_map,
    };
    end(out, start, data, (version, handle, list.len(), id_map));
    Ok(())
}

/// Minimum, maximum and default, which may be "none".
fn limits<'a>(info: &ControlInfoRef<'a>) -> [ControlValueRef<'a>; 3] {
    [info.min(), info.max(), info.default().unwrap_or(ControlValueRef::NONE)]
}

/// Appends the packet of a map.
pub(super) fn write_map(
    version: Version,
    handle: u32,
    map: &ControlInfoMap,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let start = begin(out);
    let mut offset = 0usize;
    for (id, info) in map.iter() {
        let control_kind = U32::new(known_number(version, id, info.control_type())?.into());
        let first = U32::new(offset as u32);
        let mut values = [Value2::new_zeroed(); 3];
        for (slot, value) in values.iter_mut().zip(limits(&info)) {
            *slot = Value2 {
                kind: known_number(version, id, value.control_type())?,
                is_array: value.is_array().into(),
                count: count(id, &value)?.into(),
                offset: U32::new(offset as u32),
                reserved: [0; 8],
            };
            // There, each value is read as one element.
            if version == Version::V1 && value.is_array() {
                return Err(EncodeError::ArrayLimit { id, version });
            }
            offset += prefix(version) + value.bytes().len();
        }
        let (id, kind) = (U32::new(id), control_kind);
        match version {
            Version::V1 => {
                let entry = InfoEntry1 { id, kind, offset: first, reserved: [0; 4] };
                out.extend_from_slice(entry.as_bytes());
            }
            Version::V2 => {
                let direction = info.direction().number();
                let entry = InfoEntry2 { id, kind, direction, reserved: [0; 7], values };
                out.extend_from_slice(entry.as_bytes());
            }
        }
    }
    let data = out.len();
    for value in map.iter().flat_map(|(_, info)| limits(&info)) {
        write_value(version, &value, out);
    }
    end(out, start, data, (version, handle, map.len(), map.id_map()));
    Ok(())
}

/// A packet whose layout is known to be sound.
struct Packet<'a, E> {
    header: &'a Header,
    entries: &'a [E],
    data: &'a [u8],
}

/// Looks at the header of a packet of entries `E`.
fn parse<E: FromBytes + KnownLayout + Immutable + Unaligned>(
    version: Version,
    bytes: &[u8],
) -> Result<Packet<'_, E>, DecodeError> {
    let available = bytes.len();
    let Ok((header, _)) = Header::ref_from_prefix(bytes) else {
        return Err(ControlError::Short { entries: 0, needed: HEADER_BYTES as u64, available })
            .map_err(|error| Problem::Controls(error).into());
    };
    let found = header.format.get();
    if found != format(version) {
        return Err(Problem::PacketFormat { found, version }.into());
    }
    let (entries, data_offset, size) = (header.entries.get(), header.data_offset.get(), header.size.get());
    if entries as usize > MAX_ENTRIES {
        return Err(Problem::Controls(ControlError::TooMany { entries, limit: MAX_ENTRIES }).into());
    }
    let layout = || {
        let packet = bytes.get(..size as usize)?;
        let (head, data) = packet.split_at_checked(data_offset as usize)?;
        let (entries, _) =
            <[E]>::ref_from_prefix_with_elems(head.get(HEADER_BYTES..)?, entries as usize).ok()?;
        Some(Packet { header, entries, data })
    };
    layout().ok_or_else(|| Problem::PacketLayout { entries, data_offset, size, available }.into())
}

/// Values that come one after another.
struct Values<'a> {
    version: Version,
    data: &'a [u8],
    at: usize,
}

impl<'a> Values<'a> {
    fn new(version: Version, data: &'a [u8]) -> Self {
        Self { version, data, at: 0 }
    }

    /// Checks that a value that is said to be at `found` is the next one.
    #[inline]
    fn expect(&self, found: U32) -> Result<(), ValueError> {
        let found = found.get();
        if found as usize != self.at {
            return Err(ValueError::Misplaced { found, expected: self.at });
        }
        Ok(())
    }

    #[inline]
    fn take(&mut self, kind: ControlType, count: u16, each: usize) -> Result<&'a [u8], ValueError> {
        let rest = &self.data[self.at..];
        let bytes = rest.get(..usize::from(count) * each).ok_or(ValueError::Beyond {
            kind,
            count: count.into(),
            available: rest.len(),
        })?;
        self.at += bytes.len();
        Ok(bytes)
    }

    /// The type before the next value, in format 1.
    #[inline(always)]
    fn kind(&mut self) -> Result<ControlType, ValueError> {
        let word = self.take(ControlType::None, 1, size_of::<U32>())?;
        let number = U32::read_from_bytes(word).expect("as many bytes as were asked for");
        kind(self.version, number.get())
    }

    /// The next value, of so many elements.
    // In registers: a result that is stored in pieces and loaded as a whole stalls for each control, which made a list
    // take nearly twice the time. So for `kind`, `value2` and `Slot::fill`.
    #[inline(always)]
    fn value(
        &mut self,
        kind: ControlType,
        is_array: u8,
        count: u16,
    ) -> Result<ControlValueRef<'a>, ValueError> {
        let is_array = match is_array {
            // A text is an array of characters, even where nobody says so.
            0 => kind == ControlType::String,
            1 => true,
            value => return Err(ValueError::ArrayMark { kind, value }),
        };
        let bytes = self.take(kind, count, kind.element_bytes())?;
        ControlValueRef::new(kind, is_array, bytes)
    }

    #[inline(always)]
    fn value2(&mut self, value: &Value2) -> Result<ControlValueRef<'a>, ValueError> {
        self.expect(value.offset)?;
        self.value(kind(self.version, value.kind.into())?, value.is_array, value.count.get())
    }

    /// A scalar behind its type, in format 1.
    fn scalar1(&mut self) -> Result<ControlValueRef<'a>, ValueError> {
        let kind = self.kind()?;
        self.value(kind, 0, 1)
    }
}

/// The packet of a list, as far as its header says.
pub(super) struct List<'a> {
    /// The map that it names, or 0.
    pub handle: u32,
    /// Controls in it.
    pub entries: u32,
    /// The number of what its ids are.
    pub id_map: u32,
    values: ListValues<'a>,
}

enum ListValues<'a> {
    V1(Packet<'a, ListEntry1>),
    V2(Packet<'a, ListEntry2>),
}

impl<'a> List<'a> {
    /// Looks at the header.
    pub fn parse(version: Version, bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (header, values) = match version {
            Version::V1 => {
                let packet = parse(version, bytes)?;
                (packet.header, ListValues::V1(packet))
            }
            Version::V2 => {
                let packet = parse(version, bytes)?;
                (packet.header, ListValues::V2(packet))
            }
        };
        let (handle, entries, id_map) = (header.handle.get(), header.entries.get(), header.id_map.get());
        Ok(Self { handle, entries, id_map, values })
    }

    /// The list, whose ids are of this kind.
    pub fn read(&self, id_map: IdMap) -> Result<ControlList, DecodeError> {
        match &self.values {
            ListValues::V1(packet) => {
                let mut values = Values::new(Version::V1, packet.data);
                collect_list(id_map, packet.entries, packet.data.len(), |entry| {
                    let id = entry.id.get();
                    let mut read = || {
                        values.expect(entry.offset)?;
                        let kind = values.kind()?;
                        values.value(kind, entry.is_array, entry.count.get())
                    };
                    Ok((id, read().map_err(|problem| ControlError::Value { id, problem })?))
                })
            }
            ListValues::V2(packet) => {
                let mut values = Values::new(Version::V2, packet.data);
                collect_list(id_map, packet.entries, packet.data.len(), |entry| {
                    let id = entry.id.get();
                    let value = values.value2(&entry.value);
                    Ok((id, value.map_err(|problem| ControlError::Value { id, problem })?))
                })
            }
        }
    }
}

fn collect_list<'v, E>(
    id_map: IdMap,
    entries: &[E],
    value_bytes: usize,
    read: impl FnMut(&E) -> Result<(u32, ControlValueRef<'v>), ControlError>,
) -> Result<ControlList, DecodeError> {
    let list = ControlList::collect(id_map, entries.iter().map(read), entries.len(), value_bytes);
    list.map_err(|error| Problem::Controls(error).into())
}

/// The handle and the map of a packet.
pub(super) fn read_map(version: Version, bytes: &[u8]) -> Result<(u32, ControlInfoMap), DecodeError> {
    let id_map = |header: &Header| {
        let found = header.id_map.get();
        let id_map = u8::try_from(found).ok().and_then(IdMap::from_number);
        id_map.ok_or(Problem::IdMap { found })
    };
    let of = |id: u32| move |problem| ControlError::Value { id, problem };
    let (handle, map) = match version {
        Version::V1 => {
            let packet = parse::<InfoEntry1>(version, bytes)?;
            let mut values = Values::new(version, packet.data);
            let entries = packet.entries.iter().map(|entry| {
                let id = entry.id.get();
                let mut read = || {
                    values.expect(entry.offset)?;
                    Ok((
                        kind(version, entry.kind.get())?,
                        [values.scalar1()?, values.scalar1()?, values.scalar1()?],
                    ))
                };
                let (kind, limits) = read().map_err(of(id))?;
                // It does not say who may write the control.
                Ok((id, kind, Direction::InOut, limits))
            });
            let map = ControlInfoMap::collect(
                id_map(packet.header)?,
                entries,
                packet.entries.len(),
                packet.data.len(),
            );
            (packet.header.handle.get(), map)
        }
        Version::V2 => {
            let packet = parse::<InfoEntry2>(version, bytes)?;
            let mut values = Values::new(version, packet.data);
            let entries = packet.entries.iter().map(|entry| {
                let id = entry.id.get();
                let mut read = || {
                    let [min, max, default] = &entry.values;
                    let limits = [values.value2(min)?, values.value2(max)?, values.value2(default)?];
                    Ok((kind(version, entry.kind.get())?, limits))
                };
                let (kind, limits) = read().map_err(of(id))?;
                let value = entry.direction;
                let direction = Direction::from_number(value).ok_or(ControlError::Direction { id, value })?;
                Ok((id, kind, direction, limits))
            });
            let map = ControlInfoMap::collect(
                id_map(packet.header)?,
                entries,
                packet.entries.len(),
                packet.data.len(),
            );
            (packet.header.handle.get(), map)
        }
    };
    Ok((handle, map.map_err(Problem::Controls)?))
}
