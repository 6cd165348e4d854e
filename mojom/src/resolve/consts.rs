//! Constants, enums and the values they refer to.

use super::types::scalar;
use super::{Resolver, Symbol};
use crate::ast::{self, TypeKind, Value, ValueKind};
use crate::model::{Const, Constant, Enum, EnumId, Enumerator, Type};

impl Resolver<'_> {
    /// Constants and enums in the order of the file: a value may only refer to what is before it.
    pub(super) fn consts_and_enums(&mut self) -> Vec<Const> {
        enum Item<'a> {
            Const(&'a ast::Const),
            Enum(&'a ast::Enum),
        }
        let file = &self.loaded.file;
        let mut items: Vec<_> =
            file.consts.iter().map(|item| (item.name.span.start, Item::Const(item))).collect();
        items.extend(file.enums.iter().map(|item| (item.name.span.start, Item::Enum(item))));
        items.sort_by_key(|(start, _)| *start);

        let mut consts = Vec::new();
        for (_, item) in items {
            match item {
                Item::Const(item) => consts.extend(self.constant(item)),
                Item::Enum(item) => self.enumeration(item),
            }
        }
        consts
    }

    fn constant(&mut self, item: &ast::Const) -> Option<Const> {
        let scope = item.scope.as_deref();
        let full = self.full(scope, &item.name.text);
        let is_new = self.claim(&full, item.name.span);
        let ty = match &item.ty.kind {
            TypeKind::Name(name) => scalar(name),
            _ => None,
        };
        let Some(ty) = ty else {
            self.error(item.ty.span, "a constant is a number, a truth value or a string");
            return None;
        };
        let value = self.value(&item.value, &ty, scope)?;
        if !is_new {
            return None;
        }
        self.own.insert(full, Symbol::Const(value.clone()));
        let name =
            scope.map_or_else(|| item.name.text.clone(), |scope| format!("{scope}.{}", item.name.text));
        Some(Const { name, ty, value, doc: item.doc.clone() })
    }

    /// Computes a value of type `ty`; `None` once an error is reported.
    pub(super) fn value(&mut self, value: &Value, ty: &Type, scope: Option<&str>) -> Option<Constant> {
        let constant = match &value.kind {
            ValueKind::Integer { value, hex } => Constant::Integer { value: *value, hex: *hex },
            ValueKind::Float(value) => Constant::Float(*value),
            ValueKind::Bool(value) => Constant::Bool(*value),
            ValueKind::String(value) => Constant::String(value.clone()),
            ValueKind::Name(name) => {
                let expected = match ty {
                    Type::Enum(id) | Type::Flags(id) => Some(*id),
                    _ => None,
                };
                self.reference(name, value, expected, scope)?
            }
        };
        let problem = match (ty, &constant) {
            (Type::Integer { bits, signed }, Constant::Integer { value, .. }) => {
                let (low, high) = range(*bits, *signed);
                if (low..=high).contains(value) {
                    return Some(constant);
                }
                format!("{value} is not in the range of `{}`, {low} to {high}", self.model.mojom(ty))
            }
            (Type::Float | Type::Double, Constant::Integer { value, .. }) => {
                return Some(Constant::Float(*value as f64));
            }
            (Type::Float, Constant::Float(number)) if (*number as f32).is_infinite() => {
                format!("{number:e} is not in the range of `float`")
            }
            (Type::Float | Type::Double, Constant::Float(_))
            | (Type::Bool, Constant::Bool(_))
            | (Type::String, Constant::String(_)) => return Some(constant),
            (Type::Enum(id) | Type::Flags(id), Constant::Enumerator { of, .. }) if id == of => {
                return Some(constant);
            }
            _ => format!("{} is no value of `{}`", self.describe(&constant), self.model.mojom(ty)),
        };
        self.error(value.span, problem);
        None
    }

    /// The constant or enumerator of this name. Inside an enum, and where a value of an enum is due,
    /// the enumerator's own name is enough.
    fn reference(
        &mut self,
        name: &str,
        value: &Value,
        expected: Option<EnumId>,
        scope: Option<&str>,
    ) -> Option<Constant> {
        if let Some(Symbol::Const(constant)) = self.lookup(name, scope) {
            return Some(constant.clone());
        }
        if let Some(id) = expected
            && let Some(index) = self.model.enumeration(id).enumerators.iter().position(|e| e.name == name)
        {
            return Some(Constant::Enumerator { of: id, index });
        }
        if let Some((of, enumerator)) = name.rsplit_once('.')
            && let Some(Symbol::Enum(id)) = self.lookup(of, scope)
        {
            let id = *id;
            let found = self.model.enumeration(id).enumerators.iter().position(|e| e.name == enumerator);
            if found.is_none() {
                self.error(value.span, format!("the enum `{of}` has no `{enumerator}` here or before"));
            }
            return found.map(|index| Constant::Enumerator { of: id, index });
        }
        self.error(value.span, format!("no constant or enumerator `{name}` is defined before this"));
        None
    }

    fn describe(&self, constant: &Constant) -> String {
        match constant {
            Constant::Integer { value, .. } => format!("the number {value}"),
            Constant::Float(value) => format!("the number {value:?}"),
            Constant::Bool(value) => format!("the truth value {value}"),
            Constant::String(_) => "a string".to_owned(),
            Constant::Enumerator { of, index } => {
                let enumeration = self.model.enumeration(*of);
                format!("`{}.{}`", enumeration.name, enumeration.enumerators[*index].name)
            }
        }
    }

    fn enumeration(&mut self, item: &ast::Enum) {
        let scope = item.scope.as_deref();
        let full = self.full(scope, &item.name.text);
        let is_new = self.claim(&full, item.name.span);
        let id = EnumId(self.model.enums.len());
        let name =
            scope.map_or_else(|| item.name.text.clone(), |scope| format!("{scope}.{}", item.name.text));
        self.model.enums.push(Enum {
            module: self.id,
            name,
            enumerators: Vec::new(),
            is_flags: false,
            doc: item.doc.clone(),
        });
        if is_new {
            self.own.insert(full, Symbol::Enum(id));
        }
        if item.enumerators.is_empty() {
            self.error(item.name.span, format!("the enum `{}` has no values", item.name.text));
        }
        let mut next: i128 = 0;
        // The values as written: -1 and 0xffffffff are the same 32 bits, but not the same number.
        let mut written: Vec<i128> = Vec::new();
        for entry in &item.enumerators {
            let (value, hex) = match &entry.value {
                Some(value) => self.enumerator_value(value, id, scope, &written).unwrap_or((next, false)),
                None => (next, false),
            };
            next = value + 1;
            self.enumerator(id, entry, value, hex, &mut written);
        }
        let enumeration = &mut self.model.enums[id.0];
        let bits = enumeration.enumerators.iter().map(|e| e.value.cast_unsigned());
        enumeration.is_flags = bits.clone().filter(|bits| bits.is_power_of_two()).count() > 1
            && bits.clone().all(|bits| bits == 0 || bits.is_power_of_two())
            && enumeration.enumerators.iter().any(|e| e.hex);
    }

    /// The number that an enumerator is set to, and whether to show it in hexadecimal.
    fn enumerator_value(
        &mut self,
        value: &Value,
        id: EnumId,
        scope: Option<&str>,
        written: &[i128],
    ) -> Option<(i128, bool)> {
        let constant = match &value.kind {
            ValueKind::Integer { value, hex } => return Some((*value, *hex)),
            ValueKind::Name(name) => self.reference(name, value, Some(id), scope)?,
            _ => {
                self.error(value.span, "an enumerator's value is an integer");
                return None;
            }
        };
        match constant {
            Constant::Integer { value, hex } => Some((value, hex)),
            Constant::Enumerator { of, index } => {
                let enumerator = &self.model.enumeration(of).enumerators[index];
                let number = if of == id { written[index] } else { i128::from(enumerator.value) };
                Some((number, enumerator.hex))
            }
            other => {
                let what = self.describe(&other);
                self.error(value.span, format!("an enumerator's value is an integer, not {what}"));
                None
            }
        }
    }

    fn enumerator(
        &mut self,
        id: EnumId,
        entry: &ast::Enumerator,
        value: i128,
        hex: bool,
        written: &mut Vec<i128>,
    ) {
        let span = entry.value.as_ref().map_or(entry.name.span, |value| value.span);
        let name = &entry.name.text;
        let earlier = &self.model.enumeration(id).enumerators;
        if earlier.iter().any(|e| e.name == *name) {
            self.error(entry.name.span, format!("the enumerator `{name}` is defined twice"));
            return;
        }
        let Some(bits) = as_32_bits(value) else {
            self.error(span, format!("{value} does not fit the 32 bits of an enum"));
            return;
        };
        let alias_of = earlier.iter().position(|e| e.value == bits);
        if let Some(index) = alias_of.filter(|index| written[*index] != value) {
            let (other, number) = (earlier[index].name.clone(), written[index]);
            self.error(
                span,
                format!("{value} and {number}, the value of `{other}`, are the same in 32 bits"),
            );
        }
        written.push(value);
        let doc = entry.doc.clone();
        let enumerator = Enumerator { name: name.clone(), value: bits, hex, alias_of, doc };
        self.model.enums[id.0].enumerators.push(enumerator);
    }
}

/// Lowest and highest value of an integer type.
fn range(bits: u32, signed: bool) -> (i128, i128) {
    if signed { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) } else { (0, (1 << bits) - 1) }
}

/// The value as a signed or an unsigned number of 32 bits.
fn as_32_bits(value: i128) -> Option<i32> {
    i32::try_from(value).ok().or_else(|| u32::try_from(value).ok().map(u32::cast_signed))
}
