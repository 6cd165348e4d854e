//! Values from the native encoding.

use ringfence_mojom::model::{Builtin, Model, Type};
use serde_json::{Map, Value as Json};

use super::fixed_bytes;
use crate::controls::native;
use crate::error::{Error, Problem};
use crate::json::{descriptor_json, key, plane_json, scalar_bytes, scalar_from_bytes, utf8};
use crate::reader::Reader;

/// A message that is being read.
#[derive(Debug)]
pub(crate) struct Decoder<'a> {
    model: &'a Model,
    /// What of the message is left, region by region.
    regions: Reader<'a>,
}

impl<'a> Decoder<'a> {
    /// The values whose fixed parts are at the start of the message, one behind the other, by their names.
    pub fn message<'v>(
        model: &'a Model,
        bytes: &'a [u8],
        fds: usize,
        values: impl Iterator<Item = (&'v str, &'v Type)> + Clone,
    ) -> Result<Vec<(&'v str, Json)>, Error> {
        let mut decoder = Self { model, regions: Reader::new(bytes, fds) };
        let fixed: usize = values.clone().map(|(_, ty)| fixed_bytes(model, ty)).sum();
        let mut part = decoder.take(fixed as u64)?;
        let mut read = Vec::new();
        for (name, ty) in values {
            let value = decoder.get(ty, &mut part);
            read.push((
                name,
                value.map_err(|error| if name.is_empty() { error } else { error.within(name) })?,
            ));
        }
        let left = decoder.regions;
        if left.left() > 0 {
            return Err(Error::from(Problem::Trailing { bytes: left.left() }).at(left.offset()));
        }
        if left.fds_used != left.fds {
            return Err(Problem::SurplusFds { count: left.fds, used: left.fds_used }.into());
        }
        Ok(read)
    }

    /// The next region, with what fills it up checked and passed over.
    fn take(&mut self, bytes: u64) -> Result<Reader<'a>, Error> {
        let region = self.regions.part(bytes, 0)?;
        let end = self.regions.offset();
        let padding = self.regions.take((end.next_multiple_of(8) - end) as u64)?;
        match padding.iter().position(|byte| *byte != 0) {
            Some(index) => Err(Error::from(Problem::Padding { value: padding[index] }).at(end + index)),
            None => Ok(region),
        }
    }

    /// The region of the span that is next in `part`, and how many elements of `each` bytes it has.
    fn span(&mut self, part: &mut Reader<'a>, each: usize) -> Result<(u32, Reader<'a>), Error> {
        let at = part.offset();
        let (found, count) = (part.u32()?, part.u32()?);
        let expected = self.regions.offset();
        if found as usize != expected {
            return Err(Error::from(Problem::Region { found, expected }).at(at));
        }
        Ok((count, self.take(u64::from(count) * each as u64)?))
    }

    fn descriptor(&mut self, part: &mut Reader<'a>) -> Result<bool, Error> {
        let at = part.offset();
        let found = part.u32()?;
        if found == 0 {
            return Ok(false);
        }
        let (expected, count) = (self.regions.fds_used + 1, self.regions.fds);
        if found as usize != expected || expected > count {
            return Err(Error::from(Problem::FdPlace { found, expected, count }).at(at));
        }
        self.regions.fds_used += 1;
        Ok(true)
    }

    /// The value whose fixed part is next in `part`.
    fn get(&mut self, ty: &Type, part: &mut Reader<'a>) -> Result<Json, Error> {
        let at = part.offset();
        if let Some(size) = scalar_bytes(ty) {
            let bytes = part.take(size as u64)?;
            return scalar_from_bytes(ty, bytes).map_err(|error| error.at(at));
        }
        match ty {
            Type::String => {
                let (_, mut region) = self.span(part, 1)?;
                let offset = region.offset();
                utf8(region.rest(), offset)
            }
            Type::Array { element, .. } => {
                let (count, mut region) = self.span(part, fixed_bytes(self.model, element))?;
                let mut items = Vec::new();
                for index in 0..count as usize {
                    items.push(self.get(element, &mut region).map_err(|error| error.element(index))?);
                }
                Ok(items.into())
            }
            Type::Map { key: key_type, value } => {
                let each = fixed_bytes(self.model, key_type) + fixed_bytes(self.model, value);
                let (count, mut region) = self.span(part, each)?;
                let mut pairs: Vec<Json> = Vec::new();
                let mut last = None;
                for index in 0..count as usize {
                    let at = region.offset();
                    let name = self.get(key_type, &mut region);
                    let name = name.map_err(|error| error.within("key").element(index))?;
                    let value = self.get(value, &mut region);
                    let value = value.map_err(|error| error.within("value").element(index))?;
                    let this = Some(key(self.model, key_type, &name)?);
                    if last >= this {
                        return Err(Error::from(Problem::KeyOrder).at(at).element(index));
                    }
                    last = this;
                    pairs.push(vec![name, value].into());
                }
                Ok(pairs.into())
            }
            Type::Struct(id) => {
                let mut object = Map::new();
                for field in &self.model.structure(*id).fields {
                    let value = self.get(&field.ty, part).map_err(|error| error.within(&field.name))?;
                    object.insert(field.name.clone(), value);
                }
                Ok(object.into())
            }
            Type::Builtin(Builtin::SharedFd) => Ok(descriptor_json(self.descriptor(part)?)),
            Type::Builtin(Builtin::Plane) => {
                let valid = self.descriptor(part).map_err(|error| error.within("fd"))?;
                Ok(plane_json(valid, part.u32()?, part.u32()?))
            }
            Type::Builtin(Builtin::ControlList) => {
                let (_, region) = self.span(part, 1)?;
                native::read_list(region)
            }
            Type::Builtin(Builtin::ControlInfoMap) => {
                let (_, region) = self.span(part, 1)?;
                native::read_info_map(region)
            }
            _ => unreachable!("scalars were dealt with"),
        }
    }
}
