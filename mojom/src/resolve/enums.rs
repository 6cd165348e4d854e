//! Enums and their values.

use std::collections::BTreeMap;

use super::attributes::Place;
use super::{Resolver, Symbol};
use crate::ast::{self, ValueKind};
use crate::diagnostic::{Code, Span};
use crate::model::{Enum, EnumId, Enumerator, Type};

/// What is known of the enumerators before the next one.
#[derive(Default)]
struct Earlier {
    /// Where each name stands.
    names: BTreeMap<String, Span>,
    /// The first enumerator of each value.
    values: BTreeMap<i32, (usize, Span)>,
}

impl Resolver<'_> {
    pub(super) fn enumeration(&mut self, item: &ast::Enum) {
        self.check_attributes(&item.attributes, Place::Enum);
        let scope = item.scope.as_deref();
        let full = self.full(scope, &item.name.text);
        let is_new = self.claim(&full, item.name.span);
        let name = item.name.text.as_str();
        if item.enumerators.is_empty() {
            if !item.garbled {
                let message = format!("the enum `{name}` has no values: nothing is generated for it");
                self.report(Code::EmptyEnum, item.name.span, message);
            }
            let symbol = if item.garbled { Symbol::Garbled } else { Symbol::EmptyEnum };
            if is_new {
                self.own.insert(full, symbol);
            }
            return;
        }
        let id = EnumId(self.model.enums.len());
        self.model.enums.push(Enum {
            module: self.id,
            name: scope.map_or_else(|| name.to_owned(), |scope| format!("{scope}.{name}")),
            enumerators: Vec::new(),
            is_flags: false,
            doc: item.doc.clone(),
        });
        if item.attributes.has("Stable") {
            self.stable.insert(full.clone());
        }
        if is_new {
            self.own.insert(full, Symbol::Enum(id));
        }
        self.check_extensible(item);
        self.count(item, id);
        let enumeration = &mut self.model.enums[id.0];
        let bits = enumeration.enumerators.iter().map(|e| e.value.cast_unsigned());
        enumeration.is_flags = bits.clone().filter(|bits| bits.is_power_of_two()).count() > 1
            && bits.clone().all(|bits| bits == 0 || bits.is_power_of_two())
            && enumeration.enumerators.iter().any(|e| e.hex);
    }

    fn count(&mut self, item: &ast::Enum, id: EnumId) {
        let scope = item.scope.as_deref();
        let mut earlier = Earlier::default();
        let mut next: i128 = 0;
        // After a value that is wrong, those that are counted on from it are as well.
        let mut is_certain = true;
        self.counted = Some((id, Vec::new()));
        for entry in &item.enumerators {
            self.check_attributes(&entry.attributes, Place::Enumerator);
            let mut hex = false;
            let mut value = next;
            if let Some(written) = &entry.value {
                let found = self.enumerator_value(written, id, scope);
                is_certain = found.is_some();
                (value, hex) = found.unwrap_or((next, false));
            }
            next = value.saturating_add(1);
            is_certain &= self.enumerator(id, entry, value, hex, is_certain, &mut earlier);
        }
        self.counted = None;
    }

    /// The number that an enumerator is set to, and whether to show it in hexadecimal.
    fn enumerator_value(
        &mut self,
        value: &ast::Value,
        id: EnumId,
        scope: Option<&str>,
    ) -> Option<(i128, bool)> {
        let constant = self.evaluate(value, &Type::Enum(id), scope)?;
        let number = self.number(&constant);
        if number.is_none() {
            let message = format!("an enumerator's value is an integer, not {}", self.describe(&constant));
            self.report(Code::TypeMismatch, value.span, message);
        }
        number
    }

    /// Adds an enumerator; says whether its value can be counted on.
    fn enumerator(
        &mut self,
        id: EnumId,
        entry: &ast::Enumerator,
        value: i128,
        hex: bool,
        is_certain: bool,
        earlier: &mut Earlier,
    ) -> bool {
        let span = entry.value.as_ref().map_or(entry.name.span, |value| value.span);
        let name = &entry.name.text;
        if let Some(first) = earlier.names.insert(name.clone(), entry.name.span) {
            let message = format!("the enumerator `{name}` is defined twice");
            let error = self.diagnostic(Code::DuplicateEnumerator, entry.name.span, message);
            self.reports.push(error.label("defined again").also(first, "first defined here"));
            return true;
        }
        let mut is_valid = true;
        let bits = as_32_bits(value).unwrap_or_else(|| {
            is_valid = false;
            value as i32
        });
        if is_certain && !is_valid {
            self.report(Code::EnumRange, span, format!("{value} does not fit the 32 bits of an enum"));
        } else if is_certain && matches!(bits, -128 | -127) {
            is_valid = false;
            let message =
                format!("{bits} cannot be the value of an enumerator: mojom reserves -128 and -127");
            self.report(Code::ReservedEnumValue, span, message);
        }
        let is_certain = is_certain && is_valid;
        let alias_of = earlier.values.get(&bits).copied();
        if let Some((index, first)) = alias_of
            && is_certain
        {
            self.same_value(id, entry, value, index, first, span);
        }
        let index = self.model.enumeration(id).enumerators.len();
        earlier.values.entry(bits).or_insert((index, entry.name.span));
        if let Some((_, values)) = &mut self.counted {
            values.push(value);
        }
        let (doc, alias_of) = (entry.doc.clone(), alias_of.map(|(index, _)| index));
        self.model.enums[id.0].enumerators.push(Enumerator {
            name: name.clone(),
            value: bits,
            hex,
            alias_of,
            doc,
        });
        is_valid
    }

    /// Another name for a value is fine if it is written as such.
    fn same_value(
        &mut self,
        id: EnumId,
        entry: &ast::Enumerator,
        value: i128,
        index: usize,
        first: Span,
        span: Span,
    ) {
        let other = self.model.enumeration(id).enumerators[index].name.clone();
        let written = self.counted.as_ref().map_or(value, |(_, values)| values[index]);
        let name = &entry.name.text;
        if written != value {
            let message = format!("{value} and {written}, the value of `{other}`, are the same in 32 bits");
            let error = self.diagnostic(Code::EnumSameBits, span, message);
            self.reports.push(error.also(first, "first used here"));
            return;
        }
        let message = match entry.value.as_ref().map(|value| &value.kind) {
            None => format!("`{name}` is counted to {value}, which is the value of `{other}`"),
            Some(ValueKind::Integer { .. }) => format!("`{name}` has the value {value}, as has `{other}`"),
            Some(_) => return,
        };
        let warning = self.diagnostic(Code::EnumValueClash, span, message).also(first, "first used here");
        self.reports.push(warning.help(format!("if it is to be another name, write `{name} = {other}`")));
    }

    fn check_extensible(&mut self, item: &ast::Enum) {
        let mut defaults = item.enumerators.iter().filter_map(|entry| entry.attributes.get("Default"));
        let (first, second) = (defaults.next(), defaults.next());
        let extensible = item.attributes.get("Extensible").filter(|attribute| attribute.is_true());
        let error = match (extensible, first, second) {
            (_, Some(first), Some(second)) => self
                .diagnostic(Code::ExtensibleEnum, second.name.span, "a second [Default] enumerator")
                .also(first.name.span, "the first one"),
            (None, Some(first), None) => self.diagnostic(
                Code::ExtensibleEnum,
                first.name.span,
                format!(
                    "[Default] enumerators only exist in [Extensible] enums, and `{}` is none",
                    item.name.text
                ),
            ),
            (Some(extensible), None, _) if !item.garbled => self.diagnostic(
                Code::ExtensibleEnum,
                extensible.name.span,
                format!("one enumerator of the [Extensible] enum `{}` has to be [Default]", item.name.text),
            ),
            _ => return,
        };
        self.reports.push(error);
    }
}

/// The value as a signed or an unsigned number of 32 bits.
fn as_32_bits(value: i128) -> Option<i32> {
    i32::try_from(value).ok().or_else(|| u32::try_from(value).ok().map(u32::cast_signed))
}
