//! Structs, enums and constants.

use super::methods::Member;
use super::pairs::{Fate, pair};
use super::{Comparison, Effects, Pair};
use crate::model::{Constant, Enum, EnumId, Model, Module, Struct, StructId, Type};

impl Comparison<'_> {
    /// Compares definitions that are in use, and those that come up on the way.
    pub(super) fn pending_definitions(&mut self) {
        let mut first = 0;
        while first < self.pending.len() {
            let next = self.pending[first];
            first += 1;
            if !self.seen.insert(next) {
                continue;
            }
            match next {
                Pair::Structs(old, new) => self.structs(old, new),
                Pair::Enums(old, new) => self.enums(old, new),
            }
        }
        self.pending.clear();
    }

    /// Pairs the definitions of the files by name that nothing has led to yet.
    pub(super) fn other_definitions(&mut self, old: &Module, new: &Module) {
        let seen: Vec<Pair> = self.seen.iter().copied().collect();
        for &id in old.structs.iter().filter(|id| !seen.iter().any(|pair| pair.is_of_struct(**id))) {
            let structure = self.old.structure(id);
            let found = new.structs.iter().find(|other| self.new.structure(**other).name == structure.name);
            match found {
                Some(&other) => self.pending.push(Pair::Structs(id, other)),
                None => {
                    self.change(format!("struct `{}`", structure.name), "it is removed", Effects::SOURCE);
                }
            }
        }
        for &id in old.enums.iter().filter(|id| !seen.iter().any(|pair| pair.is_of_enum(**id))) {
            let enumeration = self.old.enumeration(id);
            let found = new.enums.iter().find(|other| self.new.enumeration(**other).name == enumeration.name);
            match found {
                Some(&other) => self.pending.push(Pair::Enums(id, other)),
                None => {
                    self.change(format!("enum `{}`", enumeration.name), "it is removed", Effects::SOURCE);
                }
            }
        }
    }

    fn structs(&mut self, old_id: StructId, new_id: StructId) {
        let (old, new) = (self.old.structure(old_id), self.new.structure(new_id));
        let item = format!("struct `{}`", old.name);
        self.full_names(&item, &Type::Struct(old_id), &Type::Struct(new_id));
        let (old_fields, new_fields) = (fields(self.old, old), fields(self.new, new));
        self.members(&item, "field", &old_fields, &new_fields);
        for field in &old.fields {
            let Some(other) = new.fields.iter().find(|other| other.name == field.name) else { continue };
            let (was, is) = (shown(self.old, &field.default), shown(self.new, &other.default));
            if was != is {
                let message = format!("the default value of the field `{}` is {is}, was {was}", field.name);
                self.change(&item, message, Effects::NONE);
            }
        }
    }

    fn enums(&mut self, old_id: EnumId, new_id: EnumId) {
        let (old, new) = (self.old.enumeration(old_id), self.new.enumeration(new_id));
        let item = format!("enum `{}`", old.name);
        self.full_names(&item, &Type::Enum(old_id), &Type::Enum(new_id));
        for enumerator in &old.enumerators {
            let name = &enumerator.name;
            if let Some(other) = new.enumerators.iter().find(|other| other.name == *name) {
                if other.value != enumerator.value {
                    let message = format!("`{name}` is {}, was {}", other.value, enumerator.value);
                    self.change(&item, message, Effects::MISREAD);
                }
                continue;
            }
            let successor = new
                .enumerators
                .iter()
                .find(|other| other.value == enumerator.value && !has(old, &other.name));
            let message = match successor {
                Some(other) => format!("`{name}` is called `{}`", other.name),
                None => format!(
                    "`{name}` is removed; {} has no name where others still send it",
                    enumerator.value
                ),
            };
            self.change(&item, message, Effects::SOURCE);
        }
        for enumerator in &new.enumerators {
            let is_renamed =
                old.enumerators.iter().any(|other| other.value == enumerator.value && !has(new, &other.name));
            if !has(old, &enumerator.name) && !is_renamed {
                let message = format!(
                    "`{}` is added; older builds have no name for {}",
                    enumerator.name, enumerator.value
                );
                // A `match` that names all the others has to name it as well.
                self.change(&item, message, Effects::SOURCE);
            }
        }
    }

    fn full_names(&mut self, item: &str, old: &Type, new: &Type) {
        let (was, is) = (self.old.mojom(old), self.new.mojom(new));
        if was != is {
            self.change(item, format!("it is `{is}`, was `{was}`"), Effects::SOURCE);
        }
    }

    pub(super) fn consts(&mut self, old: &Module, new: &Module) {
        let (old_names, new_names): (Vec<_>, Vec<_>) = (
            old.consts.iter().map(|item| item.name.as_str()).collect(),
            new.consts.iter().map(|item| item.name.as_str()).collect(),
        );
        for fate in pair(&old_names, &new_names) {
            let (old, new) = match fate {
                Fate::Kept { old: place, new: other, .. } if old_names[place] == new_names[other] => {
                    (&old.consts[place], &new.consts[other])
                }
                Fate::Kept { old: place, .. } | Fate::Removed { old: place } => {
                    self.change(format!("constant `{}`", old_names[place]), "it is removed", Effects::SOURCE);
                    continue;
                }
                Fate::Added { .. } => continue,
            };
            let item = format!("constant `{}`", old.name);
            let (was, is) = (self.old.mojom(&old.ty), self.new.mojom(&new.ty));
            if was != is {
                self.change(&item, format!("it is of type `{is}`, was of `{was}`"), Effects::SOURCE);
            }
            let (was, is) =
                (shown(self.old, &Some(old.value.clone())), shown(self.new, &Some(new.value.clone())));
            if was != is {
                self.change(&item, format!("it is {is}, was {was}"), Effects::NONE);
            }
        }
    }
}

impl Pair {
    fn is_of_struct(self, id: StructId) -> bool {
        matches!(self, Self::Structs(old, _) if old == id)
    }

    fn is_of_enum(self, id: EnumId) -> bool {
        matches!(self, Self::Enums(old, _) if old == id)
    }
}

fn has(enumeration: &Enum, name: &str) -> bool {
    enumeration.enumerators.iter().any(|enumerator| enumerator.name == name)
}

fn fields<'m>(model: &'m Model, structure: &'m Struct) -> Vec<Member<'m>> {
    let member = |field: &'m crate::model::Field| Member {
        name: field.name.as_str(),
        ty: &field.ty,
        counts_fds: model.field_counts_fds(field),
    };
    structure.fields.iter().map(member).collect()
}

/// A constant for readers; whether it was written in hexadecimal does not matter.
fn shown(model: &Model, constant: &Option<Constant>) -> String {
    match constant {
        None => "none".to_owned(),
        Some(Constant::Integer { value, .. }) => value.to_string(),
        Some(Constant::Float(value)) => format!("{value:?}"),
        Some(Constant::Bool(value)) => value.to_string(),
        Some(Constant::String(text)) => format!("{text:?}"),
        Some(Constant::Enumerator { of, index }) => {
            format!("`{}`", model.enumeration(*of).enumerators[*index].name)
        }
    }
}
