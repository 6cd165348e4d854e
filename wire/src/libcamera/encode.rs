//! Values to libcamera's encoding.

use ringfence_mojom::model::{Builtin, Field, Model, Parameter, Type};
use serde_json::{Map, Value as Json};

use super::{Framing, framing};
use crate::controls::{ControlState, IdMap, InfoMap, List, packets};
use crate::error::{Error, Problem};
use crate::json::{
    array, default, default_of_field, descriptor, member, members, plane, scalar_bytes, scalar_to_bytes,
    sorted_pairs, text,
};
use crate::{Role, Wire};

/// Bytes that are being written.
#[derive(Debug)]
pub(crate) struct Encoder<'a> {
    model: &'a Model,
    wire: Wire,
    role: Role,
    controls: &'a mut ControlState,
    out: Vec<u8>,
    fds: usize,
}

impl<'a> Encoder<'a> {
    pub fn new(model: &'a Model, wire: Wire, role: Role, controls: &'a mut ControlState) -> Self {
        Self { model, wire, role, controls, out: Vec::new(), fds: 0 }
    }

    /// The bytes, and the descriptors that go with them.
    pub fn finish(self) -> (Vec<u8>, usize) {
        (self.out, self.fds)
    }

    fn u32(&mut self, number: u32) {
        self.out.extend(number.to_le_bytes());
    }

    fn count(&mut self, count: usize) -> Result<(), Error> {
        self.u32(u32::try_from(count).map_err(|_| Problem::TooLong { bytes: count })?);
        Ok(())
    }

    /// Writes what `body` writes, and overwrites the word at `at` with how many bytes these are.
    fn sized(&mut self, at: usize, body: impl FnOnce(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        let start = self.out.len();
        body(self)?;
        let bytes = self.out.len() - start;
        let size = u32::try_from(bytes).map_err(|_| Problem::TooLong { bytes })?;
        self.out[at..at + 4].copy_from_slice(&size.to_le_bytes());
        Ok(())
    }

    /// As [`Encoder::sized`], and the word behind is how many descriptors there are.
    fn counted(&mut self, at: usize, body: impl FnOnce(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        let fds = self.fds;
        self.sized(at, body)?;
        let count = (self.fds - fds) as u32;
        self.out[at + 4..at + 8].copy_from_slice(&count.to_le_bytes());
        Ok(())
    }

    /// As [`Encoder::sized`], where descriptors would be lost.
    fn without_fds(
        &mut self,
        at: usize,
        body: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let fds = self.fds;
        self.sized(at, body)?;
        if self.fds == fds { Ok(()) } else { Err(Problem::DroppedFds.into()) }
    }

    /// Words to be overwritten.
    fn blank(&mut self, words: usize) -> usize {
        let at = self.out.len();
        self.out.resize(at + 4 * words, 0);
        at
    }

    /// Writes a value as it stands on its own.
    pub fn value(&mut self, ty: &Type, value: &Json) -> Result<(), Error> {
        if let Some(size) = scalar_bytes(ty) {
            let bytes = scalar_to_bytes(self.model, ty, value)?;
            self.out.extend(&bytes[..size]);
            return Ok(());
        }
        match ty {
            Type::String => self.out.extend(text(value)?.as_bytes()),
            Type::Array { element, .. } => {
                let items = array(value)?;
                self.count(items.len())?;
                for (index, item) in items.iter().enumerate() {
                    self.element(element, item).map_err(|error| error.element(index))?;
                }
            }
            Type::Map { key, value: value_type } => {
                let pairs = sorted_pairs(self.model, key, value)?;
                self.count(pairs.len())?;
                for (index, name, value) in pairs {
                    self.element(key, name).map_err(|error| error.within("key").element(index))?;
                    self.element(value_type, value).map_err(|error| error.within("value").element(index))?;
                }
            }
            Type::Struct(id) => {
                let model = self.model;
                let fields = &model.structure(*id).fields;
                let names: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
                let object = members(value, &names)?;
                for field in fields {
                    self.field(field, object).map_err(|error| error.within(&field.name))?;
                }
            }
            Type::Builtin(Builtin::SharedFd) => self.descriptor(descriptor(value)?),
            Type::Builtin(Builtin::Plane) => {
                let (valid, offset, length) = plane(value)?;
                self.descriptor(valid);
                self.u32(offset);
                self.u32(length);
            }
            Type::Builtin(Builtin::ControlList) => self.list(List::from_json(value)?)?,
            Type::Builtin(Builtin::ControlInfoMap) => self.info_map(InfoMap::from_json(value)?)?,
            _ => unreachable!("scalars were dealt with"),
        }
        Ok(())
    }

    fn descriptor(&mut self, valid: bool) {
        self.fds += usize::from(valid);
        self.u32(valid.into());
    }

    /// Writes an element of an array, or a key or value of a map.
    fn element(&mut self, ty: &Type, value: &Json) -> Result<(), Error> {
        let at = self.blank(2);
        self.counted(at, |encoder| encoder.value(ty, value))
    }

    fn field(&mut self, field: &Field, object: &Map<String, Json>) -> Result<(), Error> {
        let missing;
        let value = match object.get(&field.name) {
            Some(value) => value,
            None => {
                missing = default_of_field(self.model, field);
                &missing
            }
        };
        let body = |encoder: &mut Self| encoder.value(&field.ty, value);
        match framing(self.model, field) {
            Framing::Bare => body(self),
            Framing::Sized => {
                let at = self.blank(1);
                self.without_fds(at, body)
            }
            Framing::Counted => {
                let at = self.blank(2);
                self.counted(at, body)
            }
            Framing::Controls => {
                let at = self.blank(1);
                match is_empty(&field.ty, value)? {
                    true => Ok(()),
                    false => self.sized(at, body),
                }
            }
        }
    }

    /// Writes the packet of an info map, which is given a handle, with its size before it.
    fn info_map(&mut self, map: InfoMap) -> Result<(), Error> {
        let at = self.blank(1);
        self.sized(at, |encoder| encoder.info_packet(map).map(drop))
    }

    /// Writes the packet of an info map, and returns its handle and its number.
    fn info_packet(&mut self, map: InfoMap) -> Result<(u32, usize), Error> {
        let mut packet = Vec::new();
        let (handle, index) = self.controls.send(self.role, map)?;
        let (_, map) = self.controls.by_number(index).expect("it was kept just now");
        packets::write_info_map(&mut packet, self.wire, handle, map)?;
        self.out.extend(packet);
        Ok((handle, index))
    }

    fn list(&mut self, list: List) -> Result<(), Error> {
        let at = self.blank(2);
        let handle = match (list.map, list.info_map) {
            (index, Some(map)) => {
                let next = self.controls.len();
                if let Some(index) = index.filter(|index| *index != next) {
                    return Err(Error::from(Problem::MapNumber { index, next }).within("map"));
                }
                check_id_map(list.id_map, map.id_map)?;
                let mut handle = 0;
                self.sized(at, |encoder| {
                    let sent = encoder.info_packet(map).map_err(|error| error.within("infomap"));
                    handle = sent?.0;
                    Ok(())
                })?;
                handle
            }
            (Some(index), None) => {
                let known = self.controls.len();
                let unknown = || Error::from(Problem::UnknownMap { index, known }).within("map");
                let (handle, map) = self.controls.by_number(index).ok_or_else(unknown)?;
                check_id_map(list.id_map, map.id_map)?;
                handle
            }
            // libcamera's readers abort on such a list.
            (None, None) if list.id_map == IdMap::V4l2 && !list.entries.is_empty() => {
                return Err(Problem::Unbound { entries: list.entries.len() }.into());
            }
            (None, None) => 0,
        };
        self.sized(at + 4, |encoder| {
            packets::write_list(&mut encoder.out, encoder.wire, handle, list.id_map, &list.entries)
        })
    }

    /// Writes a block of parameters: one on its own as it is, several with a table of sizes before them.
    pub fn block(&mut self, parameters: &[Parameter], object: &Map<String, Json>) -> Result<(), Error> {
        let value = |parameter: &Parameter| match object.get(&parameter.name) {
            Some(value) => value.clone(),
            None => default(self.model, &parameter.ty),
        };
        let values: Vec<_> = parameters.iter().map(value).collect();
        let model = self.model;
        let counts: Vec<_> =
            parameters.iter().map(|parameter| model.parameter_counts_fds(&parameter.ty)).collect();
        let mut places = Vec::new();
        if parameters.len() > 1 {
            places = counts.iter().map(|counts| self.blank(1 + usize::from(*counts))).collect();
        }
        for (index, (parameter, value)) in parameters.iter().zip(&values).enumerate() {
            let fds = self.fds;
            let body = |encoder: &mut Self| encoder.value(&parameter.ty, value);
            let written = match places.get(index) {
                Some(at) if counts[index] => self.counted(*at, body),
                Some(at) => self.without_fds(*at, body),
                None => body(self).and_then(|()| match counts[index] || self.fds == fds {
                    true => Ok(()),
                    false => Err(Problem::DroppedFds.into()),
                }),
            };
            written.map_err(|error| error.within(&parameter.name))?;
        }
        Ok(())
    }
}

fn check_id_map(list: IdMap, map: IdMap) -> Result<(), Error> {
    if list == map { Ok(()) } else { Err(Problem::MapKind { list, map }.into()) }
}

/// Whether there are no controls in it. What else is in it is checked, but not sent.
fn is_empty(ty: &Type, value: &Json) -> Result<bool, Error> {
    match ty {
        Type::Builtin(Builtin::ControlList) => Ok(List::from_json(value)?.entries.is_empty()),
        _ => Ok(InfoMap::from_json(value)?.entries.is_empty()),
    }
}

/// A list with its info map, as in `libcamera.ControlList#bound`.
pub(crate) fn bound_list(value: &Json) -> Result<List, Error> {
    let object = members(value, &["infomap", "list"])?;
    let map = InfoMap::from_json(member(object, "infomap")?).map_err(|error| error.within("infomap"))?;
    let list = List::from_json(member(object, "list")?).map_err(|error| error.within("list"))?;
    Ok(List { info_map: Some(map), ..list })
}

impl Encoder<'_> {
    /// Writes a list that brings its info map along, or, if `again`, does so no more.
    pub fn bound(&mut self, value: &Json, again: bool) -> Result<(), Error> {
        let mut list = bound_list(value)?;
        if again {
            let map = list.info_map.take().expect("it was put there just now");
            let (_, index) = self.controls.send(self.role, map)?;
            list.map = Some(index);
        }
        self.list(list)
    }
}
