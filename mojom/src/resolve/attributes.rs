//! Attributes: where they belong, and the rules that Chromium's have.

use super::Resolver;
use super::unknown::closest;
use crate::ast::{self, Attribute, Attributes, TypeKind, ValueKind};
use crate::diagnostic::{Code, Span};
use crate::model::Type;

/// What an attribute stands before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Const,
    Enum,
    Enumerator,
    Struct,
    EmptyStruct,
    Field,
    Interface,
    Method,
    Event,
    Parameter,
}

impl Place {
    fn name(self) -> &'static str {
        match self {
            Self::Const => "a constant",
            Self::Enum => "an enum",
            Self::Enumerator => "an enumerator",
            Self::Struct | Self::EmptyStruct => "a struct",
            Self::Field => "a field",
            Self::Interface => "an interface",
            Self::Method => "a method",
            Self::Event => "an event",
            Self::Parameter => "a parameter",
        }
    }
}

/// The attributes that libcamera gives a meaning, and where.
const LIBCAMERA: [(&str, &[Place], &str); 6] = [
    ("async", &[Place::Method, Place::Event], "methods"),
    ("flags", &[Place::Field, Place::Parameter], "fields and parameters that are enums"),
    ("hasFd", &[Place::Field, Place::EmptyStruct], "fields of structs"),
    ("scopedEnum", &[Place::Enum], "enums"),
    ("skipHeader", &[Place::Struct, Place::EmptyStruct, Place::Enum], "types of the core file"),
    ("skipSerdes", &[Place::Struct, Place::EmptyStruct], "structs of the core file"),
];

/// The attributes that Chromium's tools know.
const CHROMIUM: [&str; 30] = [
    "AllowedContext",
    "CustomSerializer",
    "Default",
    "DispatchDebugAlias",
    "EnableIf",
    "EnableIfNot",
    "EstimateSize",
    "Extensible",
    "FixedTypeName",
    "Frozen",
    "JavaClassName",
    "JavaConstantsClassName",
    "JavaPackage",
    "MinVersion",
    "MojomTypemapping",
    "Native",
    "NoInterrupt",
    "RenamedFrom",
    "RequireContext",
    "RuntimeFeature",
    "ScrambleMessageIds",
    "ServiceSandbox",
    "Stable",
    "SupportsUrgent",
    "Sync",
    "Test",
    "UnlimitedSize",
    "UsesStructTraits",
    "Uuid",
    "Version",
];

impl Resolver<'_> {
    pub(super) fn check_attributes(&mut self, attributes: &Attributes, place: Place) {
        for attribute in &attributes.0 {
            let name = attribute.name.text.as_str();
            match LIBCAMERA.iter().find(|(known, ..)| *known == name) {
                Some((_, places, belongs)) => self.check_place(attribute, place, places, belongs),
                None if CHROMIUM.contains(&name) => {}
                None => self.unknown_attribute(attribute),
            }
        }
    }

    fn unknown_attribute(&mut self, attribute: &Attribute) {
        let name = attribute.name.text.as_str();
        let known = LIBCAMERA.iter().map(|(name, ..)| *name).chain(CHROMIUM);
        let warning =
            self.diagnostic(Code::UnknownAttribute, attribute.name.span, format!("[{name}] has no meaning"));
        self.reports.push(match closest(name, known) {
            Some(meant) => warning.replace(attribute.name.span, &meant, format!("did you mean [{meant}]?")),
            None => warning,
        });
    }

    fn check_place(&mut self, attribute: &Attribute, place: Place, places: &[Place], belongs: &str) {
        let (name, span) = (attribute.name.text.as_str(), attribute.name.span);
        if !places.contains(&place) {
            let message = format!("[{name}] is without effect on {}", place.name());
            let mut warning = self
                .diagnostic(Code::MisplacedAttribute, span, message)
                .note(format!("it belongs to {belongs}"));
            if name == "hasFd" && place == Place::Parameter {
                warning = warning.help("put the value into a struct, as a field that is marked");
            }
            self.reports.push(warning);
            return;
        }
        if name.starts_with("skip") && !self.is_core {
            let message = format!("[{name}] is without effect outside the module `libcamera`");
            self.report(Code::MisplacedAttribute, span, message);
            return;
        }
        if name == "async" && place == Place::Event {
            self.report(Code::RedundantAsync, span, "[async] is redundant: an event is always asynchronous");
            return;
        }
        let Some(value) = &attribute.value else { return };
        let message = match (&value.kind, name) {
            (ValueKind::Bool(true) | ValueKind::Integer { value: 1, .. }, _) => return,
            (ValueKind::Bool(false) | ValueKind::Integer { value: 0, .. }, "async") => return,
            (_, "async") => {
                "any value but `false` and 0 makes the method asynchronous, also this one".to_owned()
            }
            _ => format!("[{name}] acts by being there, whatever its value"),
        };
        self.report(Code::IgnoredAttributeValue, value.span, message);
    }

    /// `[Sync]` and `[NoInterrupt]`.
    pub(super) fn check_sync(&mut self, method: &ast::Method) {
        let active = |name: &str| method.attributes.get(name).filter(|attribute| attribute.is_true());
        if let Some(sync) = active("Sync")
            && !method.has_response
        {
            let message = format!("`{}` is [Sync], but has no response", method.name.text);
            let error = self.diagnostic(Code::SyncWithoutResponse, sync.name.span, message);
            self.reports.push(error.help("add one, be it empty: `=> ()`"));
        }
        if let Some(mark) = active("NoInterrupt")
            && active("Sync").is_none()
        {
            let message = format!("`{}` is [NoInterrupt], but not [Sync]", method.name.text);
            self.report(Code::SyncWithoutResponse, mark.name.span, message);
        }
    }

    /// `[MinVersion]` of fields, in the order of their ordinals.
    pub(super) fn check_versions(&mut self, item: &ast::Struct) {
        let mut next = 0u64;
        let mut fields: Vec<_> = Vec::new();
        for field in &item.fields {
            let ordinal = field.ordinal.map_or(next, |ordinal| ordinal.value.into());
            next = ordinal + 1;
            fields.push((ordinal, field));
        }
        fields.sort_by_key(|(ordinal, _)| *ordinal);
        let mut least = 0;
        for (_, field) in fields {
            let Some(attribute) = field.attributes.get("MinVersion") else {
                if least > 0 {
                    let message =
                        format!("`{}` is of version 0, after a field of version {least}", field.name.text);
                    self.report(Code::MinVersion, field.name.span, message);
                }
                continue;
            };
            let version = match attribute.value.as_ref().map(|value| &value.kind) {
                Some(ValueKind::Integer { value, .. }) if (0..=i128::from(u32::MAX)).contains(value) => {
                    *value
                }
                _ => {
                    let span = attribute.value.as_ref().map_or(attribute.name.span, |value| value.span);
                    self.report(Code::AttributeValue, span, "a version is a number from 0 to 4294967295");
                    continue;
                }
            };
            if version < least {
                let message = format!("version {version} comes after version {least}");
                self.report(Code::MinVersion, attribute.name.span, message);
            } else if version > 0
                && field.ty.nullable.is_none()
                && self.is_reference(&field.ty, &item.name.text)
            {
                let message = format!("`{}` is of a later version and has to be nullable", field.name.text);
                self.report(Code::MinVersion, field.ty.span, message);
            }
            least = least.max(version);
        }
    }

    fn is_reference(&self, ty: &ast::Type, scope: &str) -> bool {
        match &ty.kind {
            TypeKind::Name(name) if name == "string" => true,
            TypeKind::Name(name) => matches!(self.lookup(name, Some(scope)), Some(super::Symbol::Struct(_))),
            _ => true,
        }
    }

    /// Reports a type that may change, where something promises that it does not.
    pub(super) fn check_stable(&mut self, ty: &Type, span: Span, promise: Span) {
        match ty {
            Type::Array { element, .. } => self.check_stable(element, span, promise),
            Type::Map { key, value } => {
                self.check_stable(key, span, promise);
                self.check_stable(value, span, promise);
            }
            Type::Enum(id) | Type::Flags(id) => {
                let name = self.model.enum_name(*id);
                self.check_stable_name(&name, span, promise);
            }
            Type::Struct(_) | Type::Builtin(_) => {
                let name = self.model.mojom(ty);
                self.check_stable_name(&name, span, promise);
            }
            _ => {}
        }
    }

    fn check_stable_name(&mut self, name: &str, span: Span, promise: Span) {
        if !self.stable.contains(name) {
            let error = self.diagnostic(Code::Unstable, span, format!("`{name}` is not [Stable]"));
            self.reports.push(error.also(promise, "but this is"));
        }
    }
}
