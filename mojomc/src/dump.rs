//! The model as JSON. `docs/mojomc.md` describes it; what is there stays as it is unless `format` changes.

use ringfence_mojom::model::{
    Constant, Doc, Enum, Field, Interface, Method, Model, Module, ModuleId, Parameter, Struct, StructKind,
    Type,
};
use serde_json::{Value, json};

/// Version of the form.
const FORMAT: u32 = 1;

/// All files, imported ones first.
pub fn model(model: &Model) -> Value {
    let modules: Vec<_> = model
        .modules
        .iter()
        .enumerate()
        .map(|(index, module)| Dump { model }.module(ModuleId(index), module))
        .collect();
    json!({ "format": FORMAT, "modules": modules })
}

#[derive(Clone, Copy)]
struct Dump<'a> {
    model: &'a Model,
}

impl Dump<'_> {
    fn module(self, id: ModuleId, module: &Module) -> Value {
        let consts = module.consts.iter().map(|item| {
            json!({
                "name": item.name,
                "type": self.ty(&item.ty),
                "value": self.constant(&item.value),
                "doc": doc(&item.doc),
            })
        });
        json!({
            "name": module.name,
            "file": module.file,
            "doc": doc(&module.doc),
            "constants": consts.collect::<Vec<_>>(),
            "enums": list(&module.enums, |id| enumeration(self.model.enumeration(*id))),
            "structs": list(&module.structs, |id| self.structure(self.model.structure(*id))),
            "interface": module.interface.as_ref().map(|interface| self.interface(id, interface)),
        })
    }

    fn structure(self, structure: &Struct) -> Value {
        let kind = match structure.kind {
            StructKind::Generated => "generated",
            StructKind::RuntimeType => "runtime type",
            StructKind::Runtime(_) => "runtime",
            StructKind::Empty => "empty",
        };
        json!({
            "name": structure.name,
            "kind": kind,
            "hasFd": structure.has_fd,
            "fields": list(&structure.fields, |field| self.field(field)),
            "doc": doc(&structure.doc),
        })
    }

    fn field(self, field: &Field) -> Value {
        json!({
            "name": field.name,
            "type": self.ty(&field.ty),
            "default": field.default.as_ref().map(|default| self.constant(default)),
            "hasFd": field.has_fd,
            "doc": doc(&field.doc),
        })
    }

    fn interface(self, id: ModuleId, interface: &Interface) -> Value {
        let hash = self.model.interface_hash(id).map(|hash| format!("{hash:#018x}"));
        json!({
            "name": interface.name,
            "hash": hash,
            "doc": doc(&interface.doc),
            "methods": self.methods(&interface.methods),
            "eventInterface": interface.events_name,
            "eventDoc": doc(&interface.events_doc),
            "events": self.methods(&interface.events),
        })
    }

    fn methods(self, methods: &[Method]) -> Value {
        let method = |(index, method): (usize, &Method)| {
            json!({
                "name": method.name,
                "number": index + 1,
                "async": method.asynchronous,
                "parameters": self.parameters(&method.inputs),
                "results": self.parameters(&method.outputs),
                "doc": doc(&method.doc),
            })
        };
        methods.iter().enumerate().map(method).collect()
    }

    fn parameters(self, parameters: &[Parameter]) -> Value {
        list(parameters, |parameter| json!({ "name": parameter.name, "type": self.ty(&parameter.ty) }))
    }

    fn ty(self, ty: &Type) -> Value {
        match ty {
            Type::Bool
            | Type::Integer { .. }
            | Type::Float
            | Type::Double
            | Type::String
            | Type::Builtin(_) => {
                json!(self.model.mojom(ty))
            }
            Type::Enum(id) => json!({ "enum": self.model.enum_name(*id) }),
            Type::Flags(id) => json!({ "flags": self.model.enum_name(*id) }),
            Type::Struct(_) => json!({ "struct": self.model.mojom(ty) }),
            Type::Array { element, length } => json!({ "array": self.ty(element), "length": length }),
            Type::Map { key, value } => json!({ "map": self.ty(value), "key": self.ty(key) }),
        }
    }

    fn constant(self, constant: &Constant) -> Value {
        match constant {
            Constant::Integer { value, .. } => match i64::try_from(*value) {
                Ok(value) => json!(value),
                // What does not fit is a `uint64`, as values fit their types.
                Err(_) => json!(u64::try_from(*value).unwrap_or(u64::MAX)),
            },
            Constant::Float(value) => json!(value),
            Constant::Bool(value) => json!(value),
            Constant::String(text) => json!(text),
            Constant::Enumerator { of, index } => {
                let name = &self.model.enumeration(*of).enumerators[*index].name;
                json!({ "enum": self.model.enum_name(*of), "enumerator": name })
            }
        }
    }
}

fn enumeration(enumeration: &Enum) -> Value {
    json!({
        "name": enumeration.name,
        "flags": enumeration.is_flags,
        "enumerators": list(&enumeration.enumerators, |enumerator| json!({
            "name": enumerator.name,
            "value": enumerator.value,
            "doc": doc(&enumerator.doc),
        })),
        "doc": doc(&enumeration.doc),
    })
}

fn list<T>(items: &[T], item: impl Fn(&T) -> Value) -> Value {
    items.iter().map(item).collect()
}

/// The lines of a comment.
fn doc(doc: &Doc) -> Value {
    json!(doc.0)
}
