//! The interface hash: equal on both ends exactly if they mean the same by every message.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::model::{EnumId, Interface, Method, Model, Module, Parameter, StructId, Type};

/// The first eight bytes of the SHA-256 of [`canonical`], as a little-endian number.
pub(crate) fn hash(model: &Model, module: &Module, interface: &Interface) -> u64 {
    let digest = Sha256::digest(canonical(model, module, interface).as_bytes());
    digest.iter().take(8).rev().fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

/// Everything that shapes a message, and nothing else: the methods and events in order, and the structs
/// and enums that they reach, by name. Comments, layout, constants, default values, attributes without
/// effect on the encoding and the files that things are in leave no trace.
fn canonical(model: &Model, module: &Module, interface: &Interface) -> String {
    let mut text = format!("interface {}.{}\n", module.name, interface.name);
    let mut reached = Reached { model, structs: BTreeSet::new(), enums: BTreeSet::new() };
    for (kind, methods) in [("method", &interface.methods), ("event", &interface.events)] {
        for method in methods {
            method_line(&mut text, model, kind, method);
            for parameter in method.inputs.iter().chain(&method.outputs) {
                reached.add(&parameter.ty);
            }
        }
    }
    let mut definitions: Vec<String> = Vec::new();
    for id in &reached.structs {
        let mut text = format!("struct {}\n", model.mojom(&Type::Struct(*id)));
        for field in &model.structure(*id).fields {
            let _ = writeln!(text, "  {} {}", model.mojom(&field.ty), field.name);
        }
        definitions.push(text);
    }
    for id in &reached.enums {
        let mut text = format!("enum {}\n", model.enum_name(*id));
        for enumerator in &model.enumeration(*id).enumerators {
            let _ = writeln!(text, "  {} = {}", enumerator.name, enumerator.value);
        }
        definitions.push(text);
    }
    // Ids depend on the order of the files; names do not.
    definitions.sort();
    text + &definitions.concat()
}

fn method_line(text: &mut String, model: &Model, kind: &str, method: &Method) {
    let list = |parameters: &[Parameter]| {
        let one = |parameter: &Parameter| format!("{} {}", model.mojom(&parameter.ty), parameter.name);
        parameters.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let asynchronous = if method.asynchronous { "async " } else { "" };
    let (inputs, outputs) = (list(&method.inputs), list(&method.outputs));
    let _ = writeln!(text, "{asynchronous}{kind} {}({inputs}) => ({outputs})", method.name);
}

struct Reached<'a> {
    model: &'a Model,
    structs: BTreeSet<StructId>,
    enums: BTreeSet<EnumId>,
}

impl Reached<'_> {
    fn add(&mut self, ty: &Type) {
        match ty {
            Type::Enum(id) | Type::Flags(id) => {
                self.enums.insert(*id);
            }
            Type::Struct(id) if self.structs.insert(*id) => {
                for field in &self.model.structure(*id).fields {
                    self.add(&field.ty);
                }
            }
            Type::Array { element, .. } => self.add(element),
            Type::Map { key, value } => {
                self.add(key);
                self.add(value);
            }
            _ => {}
        }
    }
}
