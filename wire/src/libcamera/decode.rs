//! Values from libcamera's encoding.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use ringfence_mojom::model::{Builtin, Field, Model, Parameter, Type};
use serde_json::{Map, Value as Json};

use super::{Framing, framing};
use crate::Wire;
use crate::controls::packets::{self, Header};
use crate::controls::{ControlState, IdMap, InfoMap, List};
use crate::error::{Error, Problem};
use crate::json::{
    descriptor_json, empty_info_map, empty_list, key, plane_json, scalar_bytes, scalar_from_bytes, utf8,
};
use crate::reader::Reader;
use crate::remark::Remarks;

/// What is known while bytes are read.
#[derive(Debug)]
pub(crate) struct Decoder<'a> {
    pub model: &'a Model,
    pub wire: Wire,
    pub controls: &'a mut ControlState,
    pub remarks: Remarks,
    /// Bytes of info maps that were sent before and stand in their place again.
    pub repeated: usize,
}

/// The most bytes of [`Decoder::repeated`]. No libcamera sends any.
const MAX_REPEATED: usize = 1 << 20;

impl Decoder<'_> {
    /// Reads the value that `part` is, to its end.
    pub fn value(&mut self, ty: &Type, mut part: Reader<'_>) -> Result<Json, Error> {
        let value = self.body(ty, &mut part)?;
        if part.left() > 0 {
            let bytes = part.left();
            self.remarks.add(part.offset(), || format!("{bytes} bytes after the end of a value are ignored"));
        }
        if part.fds_used < part.fds {
            let fds = part.fds - part.fds_used;
            self.remarks.add(part.offset(), || format!("{fds} descriptors that no value claims are ignored"));
        }
        Ok(value)
    }

    fn body(&mut self, ty: &Type, part: &mut Reader<'_>) -> Result<Json, Error> {
        if scalar_bytes(ty).is_some() {
            return scalar(ty, part);
        }
        match ty {
            Type::String => {
                let offset = part.offset();
                utf8(part.rest(), offset)
            }
            Type::Array { element, .. } => {
                let mut items = Vec::new();
                for index in 0..part.u32()? as usize {
                    items.push(self.element(element, part).map_err(|error| error.element(index))?);
                }
                Ok(items.into())
            }
            Type::Map { key, value } => self.map(key, value, part),
            Type::Struct(id) => {
                let mut object = Map::new();
                for field in &self.model.structure(*id).fields {
                    let value = self.field(field, part).map_err(|error| error.within(&field.name))?;
                    object.insert(field.name.clone(), value);
                }
                Ok(object.into())
            }
            Type::Builtin(Builtin::SharedFd) => Ok(descriptor_json(descriptor(part)?)),
            Type::Builtin(Builtin::Plane) => {
                let valid = descriptor(part).map_err(|error| error.within("fd"))?;
                Ok(plane_json(valid, part.u32()?, part.u32()?))
            }
            Type::Builtin(Builtin::ControlList) => self.list(part),
            Type::Builtin(Builtin::ControlInfoMap) => self.info_map(part),
            _ => unreachable!("scalars were dealt with"),
        }
    }

    fn element(&mut self, ty: &Type, part: &mut Reader<'_>) -> Result<Json, Error> {
        let (size, fds) = (part.u32()?, part.u32()?);
        let body = part.part(size.into(), fds)?;
        self.value(ty, body)
    }

    fn map(&mut self, key_type: &Type, value_type: &Type, part: &mut Reader<'_>) -> Result<Json, Error> {
        let mut pairs = BTreeMap::new();
        for index in 0..part.u32()? as usize {
            let offset = part.offset();
            let name = self.element(key_type, part).map_err(|error| error.within("key").element(index))?;
            let value =
                self.element(value_type, part).map_err(|error| error.within("value").element(index))?;
            let this = key(self.model, key_type, &name)?;
            match pairs.entry(this) {
                Entry::Vacant(entry) => drop(entry.insert(vec![name, value])),
                Entry::Occupied(_) => {
                    self.remarks.add(offset, || format!("the key {name} comes again; the first one counts"));
                }
            }
        }
        Ok(pairs.into_values().map(Json::from).collect())
    }

    fn field(&mut self, field: &Field, part: &mut Reader<'_>) -> Result<Json, Error> {
        let (size, fds) = match framing(self.model, field) {
            // Descriptors of the struct's own are in its order.
            Framing::Bare => return self.body(&field.ty, part),
            Framing::Sized => (part.u32()?, 0),
            Framing::Counted => (part.u32()?, part.u32()?),
            Framing::Controls => match (part.u32()?, &field.ty) {
                (0, Type::Builtin(Builtin::ControlList)) => return Ok(empty_list()),
                (0, _) => return Ok(empty_info_map()),
                (size, _) => (size, 0),
            },
        };
        let body = part.part(size.into(), fds)?;
        self.value(&field.ty, body)
    }

    fn info_map(&mut self, part: &mut Reader<'_>) -> Result<Json, Error> {
        let size = part.u32()?;
        let packet = part.part(size.into(), 0)?;
        let offset = packet.offset();
        if size > 0 && packet.clone().rest().iter().all(|byte| *byte == 0) {
            // What libcamera writes for a map that it has sent before.
            self.remarks.add(offset, || {
                format!("an info map that was sent before, as {size} zero bytes; it reads as empty")
            });
            return Ok(empty_info_map());
        }
        let known = self.controls.len();
        let index = self.info_packet(packet)?;
        let map = self.map_of(index);
        if index < known {
            // A few bytes stand for a whole map, again and again.
            self.repeated = self.repeated.saturating_add(map.bytes());
            if self.repeated > MAX_REPEATED {
                return Err(Error::from(Problem::Repeated { limit: MAX_REPEATED }).at(offset));
            }
        }
        Ok(self.map_of(index).to_json())
    }

    fn map_of(&self, index: usize) -> &InfoMap {
        self.controls.by_number(index).expect("the number is that of a map that was found or kept").1
    }

    /// Reads the packet of an info map, keeps the map, and returns its number.
    fn info_packet(&mut self, mut packet: Reader<'_>) -> Result<usize, Error> {
        let offset = packet.offset();
        let header = Header::read(&mut packet)?;
        let handle = header.handle;
        if let Some((index, _)) = self.controls.by_handle(handle) {
            self.remarks
                .add(offset, || format!("an info map of handle {handle} was sent before, and stands"));
            return Ok(index);
        }
        if handle == 0 {
            return Err(Error::from(Problem::NoHandle).at(offset));
        }
        let map = packets::read_info_map(&mut packet, &header, self.wire, &mut self.remarks)?;
        Ok(self.controls.keep(handle, map))
    }

    fn list(&mut self, part: &mut Reader<'_>) -> Result<Json, Error> {
        if part.left() == 0 {
            // What libcamera writes when it cannot write a list.
            self.remarks.add(part.offset(), || "a list without any bytes; it reads as empty".to_owned());
            return Ok(empty_list());
        }
        Ok(self.read_list(part)?.to_json())
    }

    fn read_list(&mut self, part: &mut Reader<'_>) -> Result<List, Error> {
        let (info_size, list_size) = (part.u32()?, part.u32()?);
        let info = part.part(info_size.into(), 0)?;
        let mut packet = part.part(list_size.into(), 0)?;
        let mut brought = None;
        if info_size > 0 {
            let known = self.controls.len();
            let index = self.info_packet(info).map_err(|error| error.within("infomap"))?;
            // A map that was known before is not brought along, whatever the bytes say.
            brought = (index >= known).then(|| self.map_of(index).clone());
        }
        let offset = packet.offset();
        let header = Header::read(&mut packet)?;
        let entries = packets::read_list(&mut packet, &header, self.wire, &mut self.remarks)?;
        let id_map = IdMap::from_number(header.id_map);
        match header.handle {
            0 => match id_map {
                Some(id_map) if id_map != IdMap::V4l2 || entries.is_empty() => {
                    Ok(List { id_map, map: None, info_map: None, entries })
                }
                None if entries.is_empty() => {
                    self.remarks.add(offset, || {
                        format!("a list of id map {}, which there is none of", header.id_map)
                    });
                    Ok(List { id_map: IdMap::V4l2, map: None, info_map: None, entries })
                }
                None => Err(Error::from(Problem::IdMapNumber { value: header.id_map }).at(offset)),
                Some(_) => Err(Error::from(Problem::Unbound { entries: entries.len() }).at(offset)),
            },
            handle => {
                let unknown = || Error::from(Problem::UnknownHandle { handle }).at(offset);
                let (index, map) = self.controls.by_handle(handle).ok_or_else(unknown)?;
                if id_map != Some(map.id_map) {
                    let (said, is) = (header.id_map, map.id_map);
                    self.remarks
                        .add(offset, || format!("the list says id map {said}, and its info map is of {is}"));
                }
                Ok(List { id_map: map.id_map, map: Some(index), info_map: brought, entries })
            }
        }
    }

    /// Reads a list that brings its info map along, or, if `again`, has brought it before.
    pub fn bound(&mut self, mut part: Reader<'_>, again: bool) -> Result<Json, Error> {
        let mut list = self.read_list(&mut part)?;
        let map = match (again, list.info_map.take(), list.map) {
            (false, Some(map), _) => map,
            (true, None, Some(index)) => self.map_of(index).clone(),
            (false, ..) => return Err(Problem::MissingMember { name: "infomap" }.into()),
            (true, ..) => {
                let name = "infomap".to_owned();
                let known = "a list that is sent again has only the handle of its map".to_owned();
                return Err(Problem::UnknownMember { name, known }.into());
            }
        };
        Ok(serde_json::json!({ "infomap": map.to_json(), "list": list.to_json() }))
    }

    /// Reads a block of parameters. If `open`, the last one reaches to the end whatever the table says.
    pub fn block(
        &mut self,
        parameters: &[Parameter],
        part: &mut Reader<'_>,
        open: bool,
        object: &mut Map<String, Json>,
    ) -> Result<(), Error> {
        let mut sizes: Vec<(u32, u32)> = Vec::new();
        if parameters.len() > 1 {
            for parameter in parameters {
                let read = part.u32().and_then(|size| {
                    Ok((size, if self.model.parameter_counts_fds(&parameter.ty) { part.u32()? } else { 0 }))
                });
                sizes.push(read.map_err(|error| error.within(&parameter.name))?);
            }
        }
        for (index, parameter) in parameters.iter().enumerate() {
            let is_last = index + 1 == parameters.len();
            let body = match sizes.get(index) {
                Some((size, fds)) if !(is_last && open) => {
                    part.part((*size).into(), *fds).map_err(|error| error.within(&parameter.name))?
                }
                size => {
                    let mut body = part.remainder();
                    let (bytes, offset) = (body.left(), body.offset());
                    if let Some((size, _)) = size.filter(|(size, _)| *size as usize != bytes) {
                        self.remarks.add(offset, || {
                            format!("{size} bytes of the last parameter are announced, and {bytes} are there")
                        });
                    }
                    if !self.model.parameter_counts_fds(&parameter.ty) && body.fds > 0 {
                        let fds = std::mem::take(&mut body.fds);
                        self.remarks.add(offset, || {
                            format!("{fds} descriptors that no parameter claims are ignored")
                        });
                    }
                    body
                }
            };
            let value = self.value(&parameter.ty, body).map_err(|error| error.within(&parameter.name))?;
            object.insert(parameter.name.clone(), value);
        }
        Ok(())
    }

    /// Reads a scalar that stands before other things.
    pub fn leading(&mut self, ty: &Type, part: &mut Reader<'_>) -> Result<Json, Error> {
        scalar(ty, part)
    }
}

fn scalar(ty: &Type, part: &mut Reader<'_>) -> Result<Json, Error> {
    let offset = part.offset();
    let bytes = part.take(scalar_bytes(ty).expect("only scalars are asked for") as u64)?;
    scalar_from_bytes(ty, bytes).map_err(|error| error.at(offset))
}

/// Whether a descriptor is announced, which then has to have come.
fn descriptor(part: &mut Reader<'_>) -> Result<bool, Error> {
    let offset = part.offset();
    if part.u32()? == 0 {
        return Ok(false);
    }
    if part.fds_used == part.fds {
        return Err(Error::from(Problem::MissingFd { available: part.fds }).at(offset));
    }
    part.fds_used += 1;
    Ok(true)
}
