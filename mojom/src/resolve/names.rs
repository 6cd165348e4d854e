//! Names that are fine in mojom but not in Rust: they collide once converted, or mean something else.

use std::collections::BTreeMap;

use super::Resolver;
use crate::ast;
use crate::diagnostic::{Code, Span};
use crate::model::{Interface, StructKind};
use crate::naming::{self, const_name, type_name, value_name, variant_name};

/// Types and traits that generated code uses by their bare names.
const PRELUDE: [&str; 20] = [
    "BTreeMap",
    "Box",
    "Clone",
    "Copy",
    "Default",
    "Err",
    "FnOnce",
    "FromBytes",
    "Immutable",
    "IntoBytes",
    "KnownLayout",
    "None",
    "Ok",
    "Option",
    "Result",
    "Send",
    "Some",
    "String",
    "Unaligned",
    "Vec",
];

/// What a proxy and the traits of the prelude already call their methods.
const METHODS: [&str; 17] = [
    "as_fd",
    "as_mut",
    "as_ref",
    "clone",
    "connection",
    "connection_mut",
    "direct",
    "dispatch",
    "fmt",
    "into",
    "isolated",
    "mode",
    "next_event",
    "threaded",
    "try_into",
    "wait",
    "drop",
];

/// What is wrong, and the message.
type Problem = (Code, String);

/// The Rust names of one namespace, with the mojom name that each came from.
#[derive(Default)]
struct Namespace {
    taken: BTreeMap<String, String>,
}

impl Namespace {
    /// Takes `rust` for `mojom`, or says why not.
    fn claim(&mut self, rust: String, mojom: &str) -> Result<(), Problem> {
        if !naming::is_identifier(&rust) {
            return Err((
                Code::UnusableName,
                format!("`{mojom}` has no name in Rust: `{rust}` would be left"),
            ));
        }
        match self.taken.get(&rust) {
            // Reported as a duplicate already.
            Some(other) if *other == format!("`{mojom}`") => Ok(()),
            Some(other) => {
                Err((Code::NameClash, format!("`{mojom}` becomes `{rust}` in Rust, as does {other}")))
            }
            None => {
                self.taken.insert(rust, format!("`{mojom}`"));
                Ok(())
            }
        }
    }

    fn reserve(&mut self, rust: String, why: &str) {
        self.taken.entry(rust).or_insert_with(|| why.to_owned());
    }
}

impl Resolver<'_> {
    pub(super) fn check_rust_names(&mut self, interface: Option<&Interface>) {
        let loaded = self.loaded;
        let file = &loaded.file;
        self.check_types(file, interface);

        let mut consts = Namespace::default();
        consts.reserve("INTERFACE".to_owned(), "the description of the interface");
        for item in &file.consts {
            let name = scoped(item.scope.as_deref(), &item.name);
            self.check(consts.claim(const_name(&name), &name), item.name.span);
        }
        for item in &file.structs {
            let mut fields = Namespace::default();
            for field in &item.fields {
                self.check(fields.claim(value_name(&field.name.text), &field.name.text), field.name.span);
            }
        }
        for item in &file.enums {
            let (mut variants, mut aliases) = (Namespace::default(), Namespace::default());
            for entry in &item.enumerators {
                let name = &entry.name.text;
                let claim = variants.claim(variant_name(name), name);
                // As a second name of a value it would be a constant.
                let claim = claim.and_then(|()| aliases.claim(const_name(name), name));
                self.check(claim, entry.name.span);
            }
        }
        let counts = |name: &str| {
            interface.is_some_and(|found| found.name == name || found.events_name.as_deref() == Some(name))
        };
        for item in file.interfaces.iter().filter(|item| counts(&item.name.text)) {
            self.check_methods(item);
        }
    }

    fn check_types(&mut self, file: &ast::File, interface: Option<&Interface>) {
        let mut types = Namespace::default();
        for name in PRELUDE {
            types.reserve(name.to_owned(), "a type that generated code uses");
        }
        if let Some(interface) = interface {
            let stem = type_name(naming::stem(&interface.name));
            let parts = ["", "Events", "Event", "Proxy", "Dispatcher"];
            for part in parts {
                types.reserve(format!("{stem}{part}"), &format!("a part of `{}`", interface.name));
            }
        }
        let first = self.model.structs.len() - file.structs.len();
        for (index, item) in file.structs.iter().enumerate() {
            if !matches!(self.model.structs[first + index].kind, StructKind::Empty) {
                self.check(types.claim(type_name(&item.name.text), &item.name.text), item.name.span);
            }
        }
        for item in &file.enums {
            let name = scoped(item.scope.as_deref(), &item.name);
            self.check(types.claim(type_name(&name), &name), item.name.span);
        }
    }

    fn check_methods(&mut self, item: &ast::Interface) {
        let (mut methods, mut variants) = (Namespace::default(), Namespace::default());
        for name in METHODS {
            methods.reserve(name.to_owned(), "a method of Rust's or of the proxy");
        }
        let mut commands: BTreeMap<String, &ast::Name> = BTreeMap::new();
        for method in &item.methods {
            let name = &method.name;
            let command = upper_first(&name.text);
            if let Some(first) = commands.get(&command).filter(|first| first.text != name.text) {
                let message =
                    format!("`{}` and `{}` differ only in their first letter's case", first.text, name.text);
                let error = self.diagnostic(Code::CaseClash, name.span, message);
                let error = error.also(first.span, "first defined here");
                self.reports.push(error.note(format!("the message of both would be called `{command}`")));
                continue;
            }
            commands.insert(command, name);
            self.check(methods.claim(value_name(&name.text), &name.text), name.span);
            self.check(variants.claim(variant_name(&name.text), &name.text), name.span);
            for list in [&method.inputs, &method.outputs] {
                let mut parameters = Namespace::default();
                for parameter in list {
                    let name = &parameter.name;
                    self.check(parameters.claim(value_name(&name.text), &name.text), name.span);
                }
            }
        }
    }

    fn check(&mut self, claim: Result<(), Problem>, span: Span) {
        if let Err((code, problem)) = claim {
            self.report(code, span, problem);
        }
    }
}

fn scoped(scope: Option<&str>, name: &ast::Name) -> String {
    scope.map_or_else(|| name.text.clone(), |scope| format!("{scope}.{}", name.text))
}

fn upper_first(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + chars.as_str())
}
