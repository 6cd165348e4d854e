//! The items that comments refer to.

use std::collections::BTreeMap;

use crate::model::{EnumId, Interface, Model, Module, ModuleId, StructId, StructKind};
use crate::naming::{self, const_name, type_name, value_name, variant_name};

/// The path to the item that `reference` names, if one is generated: relative for those of the file `id`, and
/// below the module's place in `externs` for others.
pub(crate) fn link(
    model: &Model,
    id: ModuleId,
    externs: &BTreeMap<String, String>,
    reference: &str,
) -> Option<String> {
    let reference = reference.replace("::", ".");
    let own = &model.modules[id.0];
    let qualified = format!("{}.", own.name);
    if let Some(path) = in_module(model, own, reference.strip_prefix(&qualified).unwrap_or(&reference)) {
        return Some(path);
    }
    let others = model.modules.iter().filter(|module| !module.name.is_empty() && module.name != own.name);
    for module in others {
        let Some(name) = reference.strip_prefix(&module.name).and_then(|rest| rest.strip_prefix('.')) else {
            continue;
        };
        let place = externs.get(&module.name)?;
        return in_module(model, module, name).map(|path| format!("{place}::{path}"));
    }
    None
}

/// The path of `Name`, `Name.member` or a method, relative to the module's place in Rust.
fn in_module(model: &Model, module: &Module, name: &str) -> Option<String> {
    // Nested enums and constants have the name of what is around them as a part of theirs.
    if let Some(path) = definition(model, module, name) {
        return Some(path);
    }
    match name.rsplit_once('.') {
        Some((of, member)) => self::member(model, module, of, member),
        None => module.interface.as_ref().and_then(|interface| method(interface, None, name)),
    }
}

fn definition(model: &Model, module: &Module, name: &str) -> Option<String> {
    if structure(model, module, name).is_some() || enumeration(model, module, name).is_some() {
        return plain(type_name(name));
    }
    if module.consts.iter().any(|item| item.name == name) {
        return plain(const_name(name));
    }
    interface_path(module.interface.as_ref()?, name)
}

fn interface_path(interface: &Interface, name: &str) -> Option<String> {
    let stem = type_name(naming::stem(&interface.name));
    if interface.name == name {
        plain(stem)
    } else if interface.events_name.as_deref() == Some(name) {
        plain(format!("{stem}Events"))
    } else {
        None
    }
}

fn member(model: &Model, module: &Module, of: &str, member: &str) -> Option<String> {
    if let Some(id) = structure(model, module, of) {
        let field = model.structure(id).fields.iter().find(|field| field.name == member)?;
        return Some(format!("{}::{}", type_name(of), plain(value_name(&field.name))?));
    }
    if let Some(id) = enumeration(model, module, of) {
        let enumerator =
            model.enumeration(id).enumerators.iter().find(|enumerator| enumerator.name == member)?;
        let name = match enumerator.alias_of {
            Some(_) => const_name(&enumerator.name),
            None => variant_name(&enumerator.name),
        };
        return Some(format!("{}::{}", type_name(of), plain(name)?));
    }
    method(module.interface.as_ref()?, Some(of), member)
}

/// A method, or an event, of the interface of the name `of`, or of either.
fn method(interface: &Interface, of: Option<&str>, name: &str) -> Option<String> {
    let is_of = |interface: &str| of.is_none_or(|of| of == interface);
    let events_name = interface.events_name.as_deref().unwrap_or_default();
    for (of, methods) in [(interface.name.as_str(), &interface.methods), (events_name, &interface.events)] {
        if is_of(of) && methods.iter().any(|method| method.name == name) {
            return Some(format!("{}::{}", interface_path(interface, of)?, plain(value_name(name))?));
        }
    }
    None
}

fn structure(model: &Model, module: &Module, name: &str) -> Option<StructId> {
    let is_generated = |id: &StructId| model.structure(*id).kind != StructKind::Empty;
    module.structs.iter().copied().filter(is_generated).find(|id| model.structure(*id).name == name)
}

fn enumeration(model: &Model, module: &Module, name: &str) -> Option<EnumId> {
    module.enums.iter().copied().find(|id| model.enumeration(*id).name == name)
}

/// The name, unless a link cannot spell it.
fn plain(name: String) -> Option<String> {
    (!naming::ident(&name).to_string().starts_with("r#")).then_some(name)
}
