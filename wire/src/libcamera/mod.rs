//! libcamera's encoding: everything in the order of its declaration, unaligned, with sizes before what varies.

mod decode;
mod encode;

pub(crate) use decode::Decoder;
pub(crate) use encode::Encoder;

use ringfence_mojom::model::{Builtin, Field, Model, Type};

/// How a field stands in its struct.
enum Framing {
    /// Nothing but its bytes.
    Bare,
    /// Its size before it.
    Sized,
    /// Its size before it, which is 0 if there are no controls in it.
    Controls,
    /// Its size and the count of its descriptors before it.
    Counted,
}

fn framing(model: &Model, field: &Field) -> Framing {
    match &field.ty {
        Type::Bool
        | Type::Integer { .. }
        | Type::Float
        | Type::Double
        | Type::Enum(_)
        | Type::Flags(_)
        | Type::Builtin(Builtin::SharedFd) => Framing::Bare,
        Type::Builtin(Builtin::ControlList | Builtin::ControlInfoMap) => Framing::Controls,
        Type::String => Framing::Sized,
        Type::Struct(_) | Type::Builtin(Builtin::Plane) | Type::Array { .. } | Type::Map { .. } => {
            if model.field_counts_fds(field) { Framing::Counted } else { Framing::Sized }
        }
    }
}
