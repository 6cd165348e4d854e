//! Values to the native encoding.

use ringfence_mojom::model::{Builtin, Model, Type};
use serde_json::Value as Json;

use super::fixed_bytes;
use crate::controls::native;
use crate::error::{Error, Problem};
use crate::json::{
    array, default_of_field, descriptor, members, plane, scalar_bytes, scalar_to_bytes, sorted_pairs, text,
};

/// A message that is being written.
#[derive(Debug)]
pub(crate) struct Encoder<'m> {
    model: &'m Model,
    out: Vec<u8>,
    fds: usize,
}

impl<'m> Encoder<'m> {
    /// The message whose fixed parts are these values, one behind the other, and its descriptors.
    pub fn message<'v>(
        model: &'m Model,
        values: impl Iterator<Item = (&'v str, &'v Type, &'v Json)> + Clone,
    ) -> Result<(Vec<u8>, usize), Error> {
        let mut encoder = Self { model, out: Vec::new(), fds: 0 };
        let fixed = values.clone().map(|(_, ty, _)| fixed_bytes(model, ty)).sum();
        encoder.region(fixed)?;
        let mut at = 0;
        for (name, ty, value) in values {
            let put = encoder.put(ty, value, at);
            put.map_err(|error| if name.is_empty() { error } else { error.within(name) })?;
            at += fixed_bytes(model, ty);
        }
        // The end of the message is where the next region would start.
        encoder.region(0)?;
        Ok((encoder.out, encoder.fds))
    }

    /// Makes room for a region of so many bytes, and says where it starts.
    fn region(&mut self, bytes: usize) -> Result<usize, Error> {
        let start = self.out.len().next_multiple_of(8);
        let end = start.saturating_add(bytes);
        if u32::try_from(end).is_err() {
            return Err(Problem::TooLong { bytes: end }.into());
        }
        self.out.resize(end, 0);
        Ok(start)
    }

    /// A region of so many elements, with the span that refers to it written at `at`.
    fn span(&mut self, at: usize, count: usize, each: usize) -> Result<usize, Error> {
        let start = self.region(count.saturating_mul(each))?;
        // Every element has bytes, so the count is below the end.
        self.write(at, &(start as u32).to_le_bytes());
        self.write(at + 4, &(count as u32).to_le_bytes());
        Ok(start)
    }

    fn write(&mut self, at: usize, bytes: &[u8]) {
        self.out[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn bytes(&mut self, at: usize, bytes: &[u8]) -> Result<(), Error> {
        let start = self.span(at, bytes.len(), 1)?;
        self.write(start, bytes);
        Ok(())
    }

    fn descriptor(&mut self, valid: bool, at: usize) {
        if valid {
            self.fds += 1;
            self.write(at, &(self.fds as u32).to_le_bytes());
        }
    }

    /// Writes a value, its fixed part at `at`.
    fn put(&mut self, ty: &Type, value: &Json, at: usize) -> Result<(), Error> {
        if let Some(size) = scalar_bytes(ty) {
            let bytes = scalar_to_bytes(self.model, ty, value)?;
            self.write(at, &bytes[..size]);
            return Ok(());
        }
        match ty {
            Type::String => self.bytes(at, text(value)?.as_bytes()),
            Type::Array { element, .. } => {
                let (items, each) = (array(value)?, fixed_bytes(self.model, element));
                let start = self.span(at, items.len(), each)?;
                for (index, item) in items.iter().enumerate() {
                    self.put(element, item, start + index * each).map_err(|error| error.element(index))?;
                }
                Ok(())
            }
            Type::Map { key, value: value_type } => {
                let pairs = sorted_pairs(self.model, key, value)?;
                let (key_bytes, value_bytes) =
                    (fixed_bytes(self.model, key), fixed_bytes(self.model, value_type));
                let start = self.span(at, pairs.len(), key_bytes + value_bytes)?;
                for (place, (index, name, value)) in pairs.into_iter().enumerate() {
                    let at = start + place * (key_bytes + value_bytes);
                    self.put(key, name, at).map_err(|error| error.within("key").element(index))?;
                    self.put(value_type, value, at + key_bytes)
                        .map_err(|error| error.within("value").element(index))?;
                }
                Ok(())
            }
            Type::Struct(id) => {
                let fields = &self.model.structure(*id).fields;
                let names: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
                let object = members(value, &names)?;
                let mut at = at;
                for field in fields {
                    let default;
                    let value = match object.get(&field.name) {
                        Some(value) => value,
                        None => {
                            default = default_of_field(self.model, field);
                            &default
                        }
                    };
                    self.put(&field.ty, value, at).map_err(|error| error.within(&field.name))?;
                    at += fixed_bytes(self.model, &field.ty);
                }
                Ok(())
            }
            Type::Builtin(Builtin::SharedFd) => {
                self.descriptor(descriptor(value)?, at);
                Ok(())
            }
            Type::Builtin(Builtin::Plane) => {
                let (valid, offset, length) = plane(value)?;
                self.descriptor(valid, at);
                self.write(at + 4, &offset.to_le_bytes());
                self.write(at + 8, &length.to_le_bytes());
                Ok(())
            }
            Type::Builtin(Builtin::ControlList) => self.bytes(at, &native::write_list(value)?),
            Type::Builtin(Builtin::ControlInfoMap) => self.bytes(at, &native::write_info_map(value)?),
            _ => unreachable!("scalars were dealt with"),
        }
    }
}
