//! Types of fields, parameters and constants.

use super::{Resolver, Symbol};
use crate::ast::{self, Attributes, TypeKind};
use crate::diagnostic::Span;
use crate::model::{Builtin, StructKind, Type};

impl Resolver<'_> {
    /// The type of a field or parameter, or `None` once an error is reported.
    pub(super) fn member_type(
        &mut self,
        ty: &ast::Type,
        attributes: &Attributes,
        scope: Option<&str>,
    ) -> Option<Type> {
        let resolved = self.ty(ty, scope, false)?;
        let Some(flags) = attributes.get("flags") else { return Some(resolved) };
        match resolved {
            Type::Enum(id) => {
                self.model.enums[id.0].is_flags = true;
                Some(Type::Flags(id))
            }
            _ => {
                self.error(flags.name.span, "[flags] needs an enum; this is none");
                None
            }
        }
    }

    fn ty(&mut self, ty: &ast::Type, scope: Option<&str>, in_container: bool) -> Option<Type> {
        match &ty.kind {
            TypeKind::Array { element, length } => {
                let element = Box::new(self.ty(element, scope, true)?);
                Some(Type::Array { element, length: *length })
            }
            TypeKind::Map { key, value } => {
                let key_type = self.ty(key, scope, true);
                let value = Box::new(self.ty(value, scope, true)?);
                let key_type = key_type?;
                let problem = match key_type {
                    Type::Float | Type::Double => "numbers with fractions have no total order",
                    Type::Struct(_) | Type::Builtin(_) => "structs have no order",
                    _ => return Some(Type::Map { key: Box::new(key_type), value }),
                };
                let name = self.model.mojom(&key_type);
                self.error(key.span, format!("`{name}` cannot be the key of a map: {problem}"));
                None
            }
            TypeKind::Name(name) => self.named(name, ty.span, scope, in_container),
        }
    }

    fn named(&mut self, name: &str, span: Span, scope: Option<&str>, in_container: bool) -> Option<Type> {
        if let Some(scalar) = scalar(name) {
            return Some(scalar);
        }
        if name == Builtin::Plane.mojom() {
            if !in_container {
                self.error(span, "`FrameBuffer.Plane` can only be the element of an array or map");
                return None;
            }
            return Some(Type::Builtin(Builtin::Plane));
        }
        match self.lookup(name, scope) {
            Some(Symbol::Enum(id)) => Some(Type::Enum(*id)),
            Some(Symbol::Struct(id)) => {
                let id = *id;
                match self.model.structure(id).kind {
                    StructKind::Runtime(builtin) => Some(Type::Builtin(builtin)),
                    StructKind::Empty => {
                        self.error(span, format!("the struct `{name}` is empty: there is nothing to send"));
                        None
                    }
                    StructKind::Generated | StructKind::RuntimeType => Some(Type::Struct(id)),
                }
            }
            Some(Symbol::Interface) => {
                self.error(span, format!("`{name}` is an interface; interfaces are no values"));
                None
            }
            Some(Symbol::Const(_)) => {
                self.error(span, format!("`{name}` is a constant, not a type"));
                None
            }
            None => {
                let hint = match self.similar(name) {
                    Some(full) => format!("; `{full}` exists"),
                    None => String::new(),
                };
                self.error(span, format!("unknown type `{name}`{hint}"));
                None
            }
        }
    }
}

/// The type that every file knows by this name.
pub(super) fn scalar(name: &str) -> Option<Type> {
    let (signed, bits) = match name {
        "bool" => return Some(Type::Bool),
        "float" => return Some(Type::Float),
        "double" => return Some(Type::Double),
        "string" => return Some(Type::String),
        _ => match name.strip_prefix("uint") {
            Some(bits) => (false, bits),
            None => (true, name.strip_prefix("int")?),
        },
    };
    let bits = match bits {
        "8" => 8,
        "16" => 16,
        "32" => 32,
        "64" => 64,
        _ => return None,
    };
    Some(Type::Integer { bits, signed })
}
