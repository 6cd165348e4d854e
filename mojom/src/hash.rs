//! The interface hash: equal on both ends if, and only if, each can read what the other one says.
//!
//! It is made of what shapes a message in the native encoding:
//!
//! * the interface's full name, since two interfaces may happen to have the same shape,
//! * its methods and its events, in order, because their places are their numbers,
//! * which methods are asynchronous,
//! * the types of parameters, results and fields, in order. A struct is what its fields are, an enum 32 bits that
//!   one of its names may stand for, and flags 32 bits that each may have a name.
//!
//! Everything else leaves no trace: comments and layout, constants, default values, the declared length of an array,
//! which no decoder checks, `[hasFd]`, which shapes libcamera's encoding alone, the files and the order that
//! definitions are in, and all names but the interface's own.
//!
//! # Names and numbers that the hash does not see
//! An enumerator that only one side knows is a value like any other, so another enumerator must not change the hash.
//! Then a changed number cannot change it either: with `{ Off = 0, On = 4 }` and `{ Off = 0, On = 5 }` both equal to
//! what has all three, they are equal to each other. In the same way two fields of one type that change places are two
//! renamed fields. Such changes keep messages readable and make them mean something else; [`compat`](crate::compat),
//! which sees both versions with their names, tells of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::model::{Interface, Method, Model, Module, ModuleId, Parameter, StructId, Type};

impl Model {
    /// The number by which the two ends of a connection recognise that they were built for the same messages, or
    /// `None` if the file has no interface.
    ///
    /// It changes if, and only if, the native encoding of a message does, or the interface's full name.
    ///
    /// # Panics
    /// If the id is of another model.
    #[must_use]
    pub fn interface_hash(&self, id: ModuleId) -> Option<u64> {
        let module = &self.modules[id.0];
        module.interface.as_ref().map(|interface| hash(self, module, interface))
    }
}

/// The first eight bytes of the SHA-256 of [`canonical`], as a little-endian number.
fn hash(model: &Model, module: &Module, interface: &Interface) -> u64 {
    let digest = Sha256::digest(canonical(model, module, interface).as_bytes());
    digest.iter().take(8).rev().fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

/// All that counts, as text.
fn canonical(model: &Model, module: &Module, interface: &Interface) -> String {
    let mut shapes = Shapes::new(model);
    let mut text = format!("interface {}.{}\n", module.name, interface.name);
    for (kind, methods) in [("method", &interface.methods), ("event", &interface.events)] {
        for method in methods {
            let _ = writeln!(text, "{kind} {}", shapes.method(method));
        }
    }
    text
}

/// Describes what types look like in a message.
pub(crate) struct Shapes<'a> {
    model: &'a Model,
    /// A struct may be used many times, and hold others that are, so each is described once and then called by the
    /// digest of its description.
    structs: BTreeMap<StructId, String>,
}

impl<'a> Shapes<'a> {
    pub(crate) fn new(model: &'a Model) -> Self {
        Self { model, structs: BTreeMap::new() }
    }

    /// Equal for two methods if, and only if, their messages are encoded alike.
    pub(crate) fn method(&mut self, method: &Method) -> String {
        let (inputs, outputs) = (self.parameters(&method.inputs), self.parameters(&method.outputs));
        // An asynchronous method has no reply, not even an empty one.
        if method.asynchronous { inputs } else { format!("{inputs} => {outputs}") }
    }

    fn parameters(&mut self, parameters: &[Parameter]) -> String {
        let shapes: Vec<_> = parameters.iter().map(|parameter| self.shape(&parameter.ty)).collect();
        format!("({})", shapes.join(", "))
    }

    /// Equal for two types if, and only if, their values are encoded alike, in whatever models they are.
    pub(crate) fn shape(&mut self, ty: &Type) -> String {
        match ty {
            Type::Enum(_) => "enum".to_owned(),
            Type::Flags(_) => "flags".to_owned(),
            Type::Struct(id) => self.structure(*id),
            Type::Array { element, .. } => format!("array<{}>", self.shape(element)),
            Type::Map { key, value } => {
                let (key, value) = (self.shape(key), self.shape(value));
                format!("map<{key}, {value}>")
            }
            Type::Bool
            | Type::Integer { .. }
            | Type::Float
            | Type::Double
            | Type::String
            | Type::Builtin(_) => self.model.mojom(ty),
        }
    }

    fn structure(&mut self, id: StructId) -> String {
        if let Some(known) = self.structs.get(&id) {
            return known.clone();
        }
        let model = self.model;
        let fields: Vec<_> = model.structure(id).fields.iter().map(|field| self.shape(&field.ty)).collect();
        let digest = Sha256::digest(fields.join(", ").as_bytes());
        let mut shape = "struct ".to_owned();
        for byte in digest {
            let _ = write!(shape, "{byte:02x}");
        }
        self.structs.insert(id, shape.clone());
        shape
    }
}
