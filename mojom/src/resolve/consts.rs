//! Constants, and the values that are referred to.

use super::attributes::Place;
use super::types::scalar;
use super::unknown::closest;
use super::{Resolver, Symbol};
use crate::ast::{self, TypeKind, Value};
use crate::diagnostic::{Code, Span};
use crate::model::{Const, Constant, EnumId, Type};

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
        self.check_attributes(&item.attributes, Place::Const);
        let scope = item.scope.as_deref();
        let full = self.full(scope, &item.name.text);
        let is_new = self.claim(&full, item.name.span);
        let ty = match &item.ty.kind {
            TypeKind::Name(name) if item.ty.nullable.is_none() => scalar(name),
            _ => None,
        };
        let value = match &ty {
            Some(ty) => self.value(&item.value, ty, scope),
            None => {
                self.const_type(&item.ty, scope);
                None
            }
        };
        if !is_new {
            return None;
        }
        // What refers to a wrong constant is not wrong itself.
        self.own.insert(full, value.clone().map_or(Symbol::Garbled, Symbol::Const));
        let (ty, value) = (ty?, value?);
        let name =
            scope.map_or_else(|| item.name.text.clone(), |scope| format!("{scope}.{}", item.name.text));
        Some(Const { name, ty, value, doc: item.doc.clone() })
    }

    fn const_type(&mut self, ty: &ast::Type, scope: Option<&str>) {
        if let TypeKind::Name(name) = &ty.kind
            && scalar(name).is_none()
            && self.lookup(name, scope).is_none()
        {
            let later = self.loaded.file.enums.iter().any(|item| item.name.text == *name);
            if !later {
                self.unknown_type(name, ty.span);
                return;
            }
        }
        self.report(Code::ConstType, ty.span, "a constant is a number, a truth value or a string");
    }

    /// Computes a value of type `ty`; `None` once an error is reported.
    pub(super) fn value(&mut self, value: &Value, ty: &Type, scope: Option<&str>) -> Option<Constant> {
        let mut constant = self.evaluate(value, ty, scope)?;
        if let (Type::Integer { .. }, Constant::Enumerator { .. }) = (ty, &constant) {
            let (value, hex) = self.number(&constant)?;
            constant = Constant::Integer { value, hex };
        }
        let (code, problem) = match (ty, &constant) {
            (Type::Integer { bits, signed }, Constant::Integer { value, .. }) => {
                let (low, high) = range(*bits, *signed);
                if (low..=high).contains(value) {
                    return Some(constant);
                }
                let name = self.model.mojom(ty);
                (Code::OutOfRange, format!("{value} is not in the range of `{name}`, {low} to {high}"))
            }
            (Type::Float | Type::Double, Constant::Integer { value, .. }) => {
                return Some(Constant::Float(*value as f64));
            }
            (Type::Float, Constant::Float(number)) if (*number as f32).is_infinite() => {
                (Code::OutOfRange, format!("{number:e} is not in the range of `float`"))
            }
            (Type::Float | Type::Double, Constant::Float(_))
            | (Type::Bool, Constant::Bool(_))
            | (Type::String, Constant::String(_)) => return Some(constant),
            (Type::Enum(id) | Type::Flags(id), Constant::Enumerator { of, .. }) if id == of => {
                return Some(constant);
            }
            _ => {
                let (found, wanted) = (self.describe(&constant), self.model.mojom(ty));
                (Code::TypeMismatch, format!("{found} is no value of `{wanted}`"))
            }
        };
        self.report(code, value.span, problem);
        None
    }

    /// The constant or enumerator of this name. Inside an enum, and where a value of an enum is due,
    /// the enumerator's own name is enough.
    pub(super) fn reference(
        &mut self,
        name: &str,
        span: Span,
        expected: Option<EnumId>,
        scope: Option<&str>,
    ) -> Option<Constant> {
        match self.lookup(name, scope) {
            Some(Symbol::Const(constant)) => return Some(constant.clone()),
            Some(Symbol::Garbled) => return None,
            _ => {}
        }
        if let Some(id) = expected
            && let Some(index) = self.enumerator_index(id, name)
        {
            return Some(Constant::Enumerator { of: id, index });
        }
        if let Some((of, enumerator)) = name.rsplit_once('.') {
            match self.lookup(of, scope) {
                Some(Symbol::Garbled) => return None,
                Some(Symbol::Enum(id)) => {
                    let id = *id;
                    let found = self.enumerator_index(id, enumerator);
                    if found.is_none() && !self.is_excused(of) {
                        self.unknown_enumerator(of, id, enumerator, span);
                    }
                    return found.map(|index| Constant::Enumerator { of: id, index });
                }
                _ => {}
            }
        }
        self.unknown_constant(name, span, expected, scope);
        None
    }

    fn enumerator_index(&self, id: EnumId, name: &str) -> Option<usize> {
        self.model.enumeration(id).enumerators.iter().position(|enumerator| enumerator.name == name)
    }

    fn unknown_enumerator(&mut self, of: &str, id: EnumId, name: &str, span: Span) {
        let message = format!("the enum `{of}` has no `{name}` here or before");
        let error = self.diagnostic(Code::UnknownConstant, span, message);
        let known = self.model.enumeration(id).enumerators.iter().map(|enumerator| enumerator.name.as_str());
        let meant = closest(name, known).map(|meant| format!("{of}.{meant}"));
        self.reports.push(match meant {
            Some(meant) => error.replace(span, &meant, format!("did you mean `{meant}`?")),
            None => error,
        });
    }

    fn unknown_constant(&mut self, name: &str, span: Span, expected: Option<EnumId>, scope: Option<&str>) {
        let of_enum = expected.is_some_and(|id| {
            let full = self.model.enumeration(id).name.clone();
            self.is_excused(&full)
        });
        if of_enum || self.is_excused(name) {
            return;
        }
        if let Some(("float" | "double", "INFINITY" | "NEGATIVE_INFINITY" | "NAN")) = name.split_once('.') {
            let message = format!("`{name}` is outside the dialect: libcamera generates no C++ for it");
            self.report(Code::OutsideDialect, span, message);
            return;
        }
        if self.lookup(name, scope).is_some() {
            let message = format!("`{name}` is no constant, and has no value");
            self.report(Code::UnknownConstant, span, message);
            return;
        }
        let message = format!("no constant or enumerator `{name}` is defined before this");
        let mut error = self.diagnostic(Code::UnknownConstant, span, message);
        if let Some(later) = self.defined_later(name, span) {
            error = error
                .also(later, "defined here")
                .help("values can only refer to what is before them; move it up");
        } else if let Some(meant) = self.similar_constant(name, expected) {
            error = error.replace(span, &meant, format!("did you mean `{meant}`?"));
        }
        self.reports.push(error);
    }

    fn defined_later(&self, name: &str, span: Span) -> Option<Span> {
        let file = &self.loaded.file;
        let last = name.rsplit('.').next().unwrap_or(name);
        let consts = file.consts.iter().map(|item| &item.name);
        let enumerators = file.enums.iter().flat_map(|item| &item.enumerators).map(|entry| &entry.name);
        let later = consts.chain(enumerators).find(|item| item.text == last && item.span.start > span.start);
        later.map(|item| item.span)
    }

    fn similar_constant(&self, name: &str, expected: Option<EnumId>) -> Option<String> {
        if self.reports.is_crowded(&self.loaded.source) {
            return None;
        }
        let imported = self.loaded.imports.iter().map(|import| &self.imported[import.index]);
        let mut known: Vec<String> = Vec::new();
        for (full, symbol) in std::iter::once(&self.own).chain(imported).flatten() {
            let short = self.short(full);
            match symbol {
                Symbol::Const(_) => known.push(short.to_owned()),
                Symbol::Enum(id) => {
                    let names = self.model.enumeration(*id).enumerators.iter();
                    if expected == Some(*id) {
                        known.extend(names.map(|enumerator| enumerator.name.clone()));
                    } else {
                        known.extend(names.map(|enumerator| format!("{short}.{}", enumerator.name)));
                    }
                }
                _ => {}
            }
        }
        closest(name, known.iter().map(String::as_str))
    }

    pub(super) fn describe(&self, constant: &Constant) -> String {
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
}

/// Lowest and highest value of an integer type.
pub(super) fn range(bits: u32, signed: bool) -> (i128, i128) {
    if signed { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) } else { (0, (1 << bits) - 1) }
}
