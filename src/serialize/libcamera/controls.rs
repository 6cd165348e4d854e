//! Control lists and control info maps.

use std::sync::Arc;

use super::packet;
use super::serializer::Reference;
use super::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, Problem};
use crate::serialize::controls::{ControlInfoMap, ControlList, IdMap};

/// [`ControlList`] and [`ControlInfoMap`], which are left out of structs when they are empty.
pub trait Controls: Encode + Decode + Default + sealed::Sealed {
    /// Whether there are no controls in it.
    fn is_empty(&self) -> bool;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::ControlList {}
    impl Sealed for super::ControlInfoMap {}
}

impl Controls for ControlList {
    fn is_empty(&self) -> bool {
        self.is_empty()
    }
}

impl Controls for ControlInfoMap {
    fn is_empty(&self) -> bool {
        self.is_empty()
    }
}

impl Encoder<'_> {
    /// Writes the packet of a map, which gets a handle of its own.
    fn map(&mut self, map: Arc<ControlInfoMap>) -> Result<u32, EncodeError> {
        let version = self.controls.version();
        let handle = self.controls.assign(Arc::clone(&map));
        packet::write_map(version, handle, &map, self.bytes)?;
        Ok(handle)
    }
}

impl Encode for ControlInfoMap {
    /// The size of its packet, and the packet. A map that was sent before is sent anew, under another handle:
    /// libcamera's writer would send zeros, which its reader takes for an empty map.
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        let reserved = out.reserve(false);
        out.map(Arc::new(self.clone()))?;
        out.end("map", reserved, false)
    }
}

impl Decode for ControlInfoMap {
    /// A packet of zeros is what libcamera sends instead of a map that it has sent before; its own reader takes it
    /// for an empty map, and so do we.
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let size = input.number()? as usize;
        let bytes = input.take(size)?;
        if size >= packet::HEADER_BYTES && bytes.iter().all(|byte| *byte == 0) {
            return Ok(Self::new(IdMap::V4l2));
        }
        let (handle, map) = packet::read_map(input.controls.version(), bytes)?;
        remember(input, handle, &map)?;
        Ok(map)
    }
}

fn remember(input: &mut Decoder<'_>, handle: u32, map: &ControlInfoMap) -> Result<(), DecodeError> {
    Ok(input.controls.receive(handle, Arc::new(map.clone()))?)
}

impl Encode for ControlList {
    /// The sizes of both packets, that of the map if it has to go along, and that of the list.
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        let (map_size, list_size) = (out.reserve(false), out.reserve(false));
        let start = out.offset();
        let handle = match out.controls.refer(self)? {
            Reference::Nothing => 0,
            Reference::Sent(handle) => handle,
            Reference::Along(map) => out.map(map)?,
        };
        out.fill("list", map_size, false, start)?;
        let start = out.offset();
        packet::write_list(out.controls.version(), handle, self, out.bytes)?;
        out.fill("list", list_size, false, start)
    }
}

impl Decode for ControlList {
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let (map_size, list_size) = (input.number()? as usize, input.number()? as usize);
        let version = input.controls.version();
        if map_size != 0 {
            let (handle, map) = packet::read_map(version, input.take(map_size)?)?;
            remember(input, handle, &map)?;
        }
        let packet = packet::List::parse(version, input.take(list_size)?)?;
        let id_map = match (packet.handle, IdMap::from_number(packet.id_map as u8)) {
            // libcamera's reader aborts the process.
            (0, Some(IdMap::V4l2)) if packet.entries != 0 => {
                return Err(Problem::MissingMap { entries: packet.entries }.into());
            }
            (0, Some(id_map)) if packet.id_map <= u32::from(u8::MAX) => id_map,
            (0, _) => return Err(Problem::IdMap { found: packet.id_map }.into()),
            // The map knows better what its ids are.
            (handle, _) => input.controls.map(handle).ok_or(Problem::UnknownMap { handle })?.id_map(),
        };
        packet.read(id_map)
    }
}
