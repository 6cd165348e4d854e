//! Structs: their kinds and their fields.

use std::collections::BTreeMap;

use super::attributes::Place;
use super::{Resolver, Symbol};
use crate::ast;
use crate::diagnostic::{Code, Span};
use crate::load::Loaded;
use crate::model::{Builtin, Field, Struct, StructId, StructKind, Type};

/// Structs of the core module that the runtime has as types, with fields of the same names.
const RUNTIME_TYPES: [&str; 4] = ["Point", "Rectangle", "Size", "SizeRange"];

/// The struct of this name as it is written.
pub(super) fn item<'l>(loaded: &'l Loaded, name: &str) -> Option<&'l ast::Struct> {
    loaded.file.structs.iter().find(|item| item.name.text == name)
}

impl Resolver<'_> {
    /// Makes the names of structs and interfaces known, which may be used before they are defined.
    pub(super) fn declare(&mut self) {
        let file = &self.loaded.file;
        for item in &file.structs {
            let full = self.full(None, &item.name.text);
            let is_new = self.claim(&full, item.name.span);
            let kind = self.kind(item);
            let id = StructId(self.model.structs.len());
            let name = item.name.text.clone();
            let doc = item.doc.clone();
            let has_fd = item.attributes.has("hasFd");
            self.model.structs.push(Struct { module: self.id, name, kind, fields: Vec::new(), has_fd, doc });
            if item.attributes.has("Stable") {
                self.stable.insert(full.clone());
            }
            if is_new {
                self.own.insert(full, Symbol::Struct(id));
            }
        }
        for item in &file.interfaces {
            self.declare_as(&item.name, Symbol::Interface);
        }
        for item in &file.foreign {
            self.declare_as(&item.name, Symbol::Foreign(item.what));
        }
    }

    fn declare_as(&mut self, name: &ast::Name, symbol: Symbol) {
        let full = self.full(None, &name.text);
        if self.claim(&full, name.span) {
            self.own.insert(full, symbol);
        }
    }

    fn kind(&mut self, item: &ast::Struct) -> StructKind {
        let name = item.name.text.as_str();
        let skip_header = self.is_core && item.attributes.has("skipHeader");
        let skip_serdes = self.is_core && item.attributes.has("skipSerdes");
        match (skip_header, Builtin::named(name)) {
            (true, Some(builtin)) if skip_serdes && item.fields.is_empty() => StructKind::Runtime(builtin),
            (true, _) if !skip_serdes && RUNTIME_TYPES.contains(&name) => StructKind::RuntimeType,
            (true, _) => {
                let message = format!("the runtime has no type for the [skipHeader] struct `{name}`");
                let error = self.diagnostic(Code::UnknownRuntimeType, item.name.span, message);
                self.reports.push(error.help("without the attribute, a type is generated"));
                StructKind::Empty
            }
            _ if item.fields.is_empty() && !item.garbled => StructKind::Empty,
            _ => StructKind::Generated,
        }
    }

    pub(super) fn struct_fields(&mut self) {
        let loaded = self.loaded;
        let first = self.model.structs.len() - loaded.file.structs.len();
        for (index, item) in loaded.file.structs.iter().enumerate() {
            let place = if item.fields.is_empty() { Place::EmptyStruct } else { Place::Struct };
            self.check_attributes(&item.attributes, place);
            let fields = self.fields(item);
            self.check_versions(item);
            self.check_ordinals(item);
            self.check_definition_order(item, first + index, &fields);
            self.model.structs[first + index].fields = fields;
        }
    }

    fn fields(&mut self, item: &ast::Struct) -> Vec<Field> {
        let scope = Some(item.name.text.as_str());
        let is_stable = item.attributes.has("Stable");
        let mut fields: Vec<Field> = Vec::new();
        let mut places: BTreeMap<&str, Span> = BTreeMap::new();
        for field in &item.fields {
            let name = &field.name.text;
            if let Some(first) = places.insert(name, field.name.span) {
                let message = format!("the field `{name}` is defined twice");
                let error = self.diagnostic(Code::DuplicateField, field.name.span, message);
                self.reports.push(error.label("defined again").also(first, "first defined here"));
                continue;
            }
            self.check_attributes(&field.attributes, Place::Field);
            let Some(ty) = self.member_type(&field.ty, &field.attributes, scope) else { continue };
            if is_stable {
                self.check_stable(&ty, field.ty.span, item.name.span);
            }
            let default = field.default.as_ref().and_then(|value| self.default_value(value, &ty, scope));
            let has_fd = field.attributes.has("hasFd");
            fields.push(Field { name: name.clone(), ty, default, has_fd, doc: field.doc.clone() });
        }
        fields
    }

    fn default_value(
        &mut self,
        value: &ast::Value,
        ty: &Type,
        scope: Option<&str>,
    ) -> Option<crate::model::Constant> {
        if matches!(ty, Type::Struct(_) | Type::Builtin(_) | Type::Array { .. } | Type::Map { .. }) {
            let message = format!("a field of type `{}` cannot have a default value", self.model.mojom(ty));
            self.report(Code::DefaultType, value.span, message);
            return None;
        }
        self.value(value, ty, scope)
    }

    /// Fields are sent in the order in which they are declared; ordinals only have to make sense.
    fn check_ordinals(&mut self, item: &ast::Struct) {
        if item.garbled {
            // Fields are missing.
            return;
        }
        let mut next = 0u64;
        let mut seen: BTreeMap<u64, Span> = BTreeMap::new();
        let mut differing = None;
        for (index, field) in item.fields.iter().enumerate() {
            let span = field.ordinal.map_or(field.name.span, |ordinal| ordinal.span);
            let value = field.ordinal.map_or(next, |ordinal| ordinal.value.into());
            next = value + 1;
            if value >= item.fields.len() as u64 {
                let message = format!("the ordinal {value} is too high for {} fields", item.fields.len());
                let error = self.diagnostic(Code::FieldOrdinals, span, message);
                self.reports
                    .push(error.help("number the fields from 0 on, without gaps, or leave the ordinals out"));
                return;
            }
            if let Some(first) = seen.insert(value, span) {
                let error =
                    self.diagnostic(Code::FieldOrdinals, span, format!("the ordinal {value} is taken"));
                self.reports.push(error.also(first, "first used here"));
                return;
            }
            if value != index as u64 && field.ordinal.is_some() {
                differing = differing.or(Some((value, index, span)));
            }
        }
        if let Some((value, index, span)) = differing {
            let message = format!("the ordinal {value} is without effect: the field is number {index}");
            let warning = self.diagnostic(Code::IgnoredOrdinal, span, message);
            self.reports.push(warning.note("fields are sent in the order in which they are declared"));
        }
    }

    /// C++ wants to know a struct before it is a part of another one.
    fn check_definition_order(&mut self, item: &ast::Struct, index: usize, fields: &[Field]) {
        if !self.is_for_libcamera {
            return;
        }
        for field in fields {
            let mut inner = Vec::new();
            super::carried::structs_in(&field.ty, &mut inner);
            let Some(later) = inner.into_iter().find(|id| id.0 > index) else { continue };
            let name = self.model.structure(later).name.clone();
            let Some(span) = item
                .fields
                .iter()
                .find(|written| written.name.text == field.name)
                .map(|written| written.ty.span)
            else {
                continue;
            };
            let message = format!("`{name}` is used before it is defined, which libcamera's C++ cannot");
            let mut warning = self.diagnostic(Code::UsedBeforeDefinition, span, message);
            if let Some(place) = self.places.get(&self.full(None, &name)) {
                warning = warning.also(*place, "defined here");
            }
            self.reports.push(warning.help(format!("move `{name}` before `{}`", item.name.text)));
        }
    }
}
