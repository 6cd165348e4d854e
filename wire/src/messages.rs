//! Which values a message has.

use ringfence_mojom::model::{Method, Parameter, Type};

/// What of a method a message carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// The parameters of a call.
    Request,
    /// The results of a call.
    Reply,
    /// The parameters of an event.
    Event,
}

/// The values in such a message, in order.
pub(crate) fn parameters(method: &Method, block: Block) -> &[Parameter] {
    match block {
        Block::Request | Block::Event => &method.inputs,
        Block::Reply => &method.outputs,
    }
}

/// Whether libcamera's method returns its first result rather than giving it back through a pointer: if that is an
/// `int32`, or the only one and a number or truth value. Such a result stands before the others in a reply.
///
/// ```
/// use ringfence_mojom::configure;
/// use ringfence_wire::direct_return;
///
/// let text = "module a; interface AInterface { start() => (int32 ret); get() => (string name); };";
/// let model = configure().check_text("a.mojom", text)?.model;
/// let methods = &model.modules[model.last().0].interface.as_ref().expect("it has one").methods;
/// assert!(direct_return(&methods[0]) && !direct_return(&methods[1]));
/// # Ok::<_, ringfence_mojom::Diagnostics>(())
/// ```
#[must_use]
pub fn direct_return(method: &Method) -> bool {
    match method.outputs.as_slice() {
        [Parameter { ty: Type::Integer { bits: 32, signed: true }, .. }, ..] => true,
        [only] => matches!(only.ty, Type::Bool | Type::Integer { .. } | Type::Float | Type::Double),
        _ => false,
    }
}
