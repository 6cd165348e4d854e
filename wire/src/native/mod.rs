//! The native encoding: fixed parts, and regions for what varies in length.
//!
//! A message is the fixed part of its outermost value, then regions, each on a multiple of eight bytes and in the
//! order in which the values are declared, depth first. A string, array, map or packet of controls has in the
//! fixed part where its region is and how many elements it has, `u32` each. Everything that is not a value is
//! zero, so there is one form of each value.

mod decode;
mod encode;

pub(crate) use decode::Decoder;
pub(crate) use encode::Encoder;

use ringfence_mojom::model::{Builtin, Model, Type};

use crate::json::scalar_bytes;

/// Bytes of a fixed part.
fn fixed_bytes(model: &Model, ty: &Type) -> usize {
    if let Some(bytes) = scalar_bytes(ty) {
        return bytes;
    }
    match ty {
        Type::Builtin(Builtin::SharedFd) => 4,
        Type::Builtin(Builtin::Plane) => 12,
        Type::Struct(id) => {
            let fields = &model.structure(*id).fields;
            fields.iter().map(|field| fixed_bytes(model, &field.ty)).sum()
        }
        _ => 8,
    }
}
