//! Interfaces: which is which, and what every method has to heed.

use std::collections::BTreeMap;

use super::Resolver;
use super::attributes::Place;
use crate::ast;
use crate::diagnostic::{Code, Span};
use crate::model::{Interface, Method, Parameter};
use crate::naming;

/// What an interface of a file is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Main,
    Events,
    /// One that nothing is generated for.
    Other,
}

impl Resolver<'_> {
    pub(super) fn interfaces(&mut self) -> Option<Interface> {
        let items = &self.loaded.file.interfaces;
        let has_ipa = items.iter().any(|item| naming::is_ipa(&item.name.text));
        let role =
            |item: &ast::Interface| if self.is_core { Role::Other } else { role(&item.name.text, has_ipa) };
        let roles: Vec<(&ast::Interface, Role)> = items.iter().map(|item| (item, role(item))).collect();
        let main = self.only(&roles, Role::Main, "interface");
        let events = self.only(&roles, Role::Events, "event interface");
        for (item, _) in roles.iter().filter(|(_, role)| *role == Role::Other) {
            self.other(item, main);
        }
        let resolved_events = events.map(|item| (item, self.methods(item, true)));
        let Some(main) = main else {
            if let Some(events) = events {
                let wanted = events.name.text.replacen("EventInterface", "Interface", 1);
                if !self.loaded.file.garbled.contains(&wanted) {
                    let message = format!("the interface `{wanted}` that has these events is missing");
                    self.report(Code::MissingInterface, events.name.span, message);
                }
            }
            return None;
        };
        if has_ipa {
            self.check_ipa(main, events);
        }
        for item in std::iter::once(main).chain(events) {
            if item.methods.is_empty() && !item.garbled && (!has_ipa || item.name != main.name) {
                let message = format!("`{}` has no methods; at least one is needed", item.name.text);
                self.report(Code::EmptyInterface, item.name.span, message);
            }
        }
        let methods = self.methods(main, false);
        if has_ipa {
            self.check_for_cpp(main, &methods);
            if let Some(first) = items.first().filter(|first| first.name != main.name && !main.garbled) {
                let message =
                    format!("libcamera names its classes after `{}`, which comes first", first.name.text);
                let warning = self.diagnostic(Code::EventInterfaceFirst, first.name.span, message);
                self.reports.push(warning.also(main.name.span, "this one should"));
            }
        }
        let (item, events) = resolved_events.unzip();
        Some(Interface {
            name: main.name.text.clone(),
            doc: main.doc.clone(),
            methods,
            events_name: item.map(|item| item.name.text.clone()),
            events_doc: item.map(|item| item.doc.clone()).unwrap_or_default(),
            events: events.unwrap_or_default(),
        })
    }

    /// The first interface of a role; further ones are reported.
    fn only<'l>(
        &mut self,
        roles: &[(&'l ast::Interface, Role)],
        wanted: Role,
        what: &str,
    ) -> Option<&'l ast::Interface> {
        let mut found = roles.iter().filter(|(_, role)| *role == wanted).map(|(item, _)| *item);
        let first = found.next()?;
        for item in found.filter(|item| item.name.text != first.name.text) {
            let message = format!("a file has one {what}, and that is `{}` here", first.name.text);
            let error = self.diagnostic(Code::SeveralInterfaces, item.name.span, message);
            self.reports.push(error.also(first.name.span, "the first one"));
        }
        Some(first)
    }

    /// An interface that is none of the two that count.
    fn other(&mut self, item: &ast::Interface, main: Option<&ast::Interface>) {
        let name = &item.name.text;
        if main.is_none() && !self.is_core {
            let message = format!("`{name}` is neither called `<Name>Interface` nor `<Name>EventInterface`");
            let error = self.diagnostic(Code::InterfaceName, item.name.span, message);
            self.reports.push(error.replace(
                item.name.span,
                format!("{name}Interface"),
                "call it an interface",
            ));
            return;
        }
        let message = match main {
            Some(main) => format!("`{name}` is ignored: the interface of this file is `{}`", main.name.text),
            None => format!("`{name}` is ignored: the module `{}` has types alone", self.module),
        };
        self.report(Code::IgnoredInterface, item.name.span, message);
        for method in &item.methods {
            for parameter in method.inputs.iter().chain(&method.outputs) {
                self.check_exists(&parameter.ty, Some(name));
            }
        }
    }

    fn methods(&mut self, item: &ast::Interface, are_events: bool) -> Vec<Method> {
        let what = if are_events { "event" } else { "method" };
        self.check_attributes(&item.attributes, Place::Interface);
        let mut methods: Vec<Method> = Vec::new();
        let mut places: BTreeMap<&str, Span> = BTreeMap::new();
        for method in &item.methods {
            let name = &method.name;
            if let Some(first) = places.insert(&name.text, name.span) {
                let message = format!("the {what} `{}` is defined twice", name.text);
                let error = self.diagnostic(Code::DuplicateMethod, name.span, message);
                self.reports.push(error.label("defined again").also(first, "first defined here"));
            }
            methods.push(self.method(item, method, are_events));
        }
        if methods.len() > usize::from(u16::MAX) {
            let message = format!("{} {what}s exceed the limit of {}", methods.len(), u16::MAX);
            self.report(Code::MethodLimit, item.name.span, message);
        }
        methods
    }

    fn method(&mut self, item: &ast::Interface, method: &ast::Method, is_event: bool) -> Method {
        let name = &method.name;
        self.check_attributes(&method.attributes, if is_event { Place::Event } else { Place::Method });
        self.check_sync(method);
        let mark = method.attributes.get("async").filter(|attribute| attribute.is_true());
        if is_event && !method.outputs.is_empty() {
            let message = format!("`{}` is an event and cannot have results", name.text);
            let error = self.diagnostic(Code::EventWithResults, name.span, message);
            self.reports.push(error.help("the host can answer with a method of the interface"));
        } else if let Some(mark) = mark
            && !method.outputs.is_empty()
        {
            let message = format!("`{}` is an [async] method and cannot have results", name.text);
            let error = self.diagnostic(Code::AsyncWithResults, name.span, message);
            self.reports.push(error.also(mark.name.span, "marked here").help("tell the results in an event"));
        }
        self.check_parameter_names(method);
        let scope = Some(item.name.text.as_str());
        let inputs = self.parameters(&method.inputs, scope);
        let outputs = self.parameters(&method.outputs, scope);
        if item.attributes.has("Stable") {
            self.check_stable_method(item, method, &inputs, &outputs);
        }
        let doc = method.doc.clone();
        Method { name: name.text.clone(), asynchronous: is_event || mark.is_some(), inputs, outputs, doc }
    }

    fn check_stable_method(
        &mut self,
        item: &ast::Interface,
        method: &ast::Method,
        inputs: &[Parameter],
        outputs: &[Parameter],
    ) {
        let promise = item.name.span;
        if method.ordinal.is_none() {
            let message =
                format!("`{}` has no ordinal, which methods of a [Stable] interface need", method.name.text);
            let error = self.diagnostic(Code::Unstable, method.name.span, message);
            self.reports.push(error.also(promise, "this is [Stable]"));
        }
        for (resolved, written) in [(inputs, &method.inputs), (outputs, &method.outputs)] {
            for parameter in resolved {
                if let Some(written) = written.iter().find(|written| written.name.text == parameter.name) {
                    self.check_stable(&parameter.ty, written.ty.span, promise);
                }
            }
        }
    }

    fn parameters(&mut self, items: &[ast::Parameter], scope: Option<&str>) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        for item in items {
            self.check_attributes(&item.attributes, Place::Parameter);
            if let Some(ty) = self.member_type(&item.ty, &item.attributes, scope) {
                parameters.push(Parameter { name: item.name.text.clone(), ty });
            }
        }
        parameters
    }

    fn check_parameter_names(&mut self, method: &ast::Method) {
        let mut inputs: BTreeMap<&str, Span> = BTreeMap::new();
        let mut outputs: BTreeMap<&str, Span> = BTreeMap::new();
        for (list, seen, what) in
            [(&method.inputs, &mut inputs, "parameter"), (&method.outputs, &mut outputs, "result")]
        {
            for item in list {
                if let Some(first) = seen.insert(&item.name.text, item.name.span) {
                    let message = format!("the {what} `{}` is defined twice", item.name.text);
                    let error = self.diagnostic(Code::DuplicateParameter, item.name.span, message);
                    self.reports.push(error.label("defined again").also(first, "first defined here"));
                }
            }
        }
        for (name, span) in outputs {
            if let Some(first) = inputs.get(name) {
                let message = format!("`{name}` is both a parameter and a result");
                let error = self.diagnostic(Code::DuplicateParameter, span, message);
                self.reports.push(error.also(*first, "the parameter"));
            }
        }
    }
}

/// What an interface of this name is, in a file that has an IPA's interfaces or has not.
fn role(name: &str, has_ipa: bool) -> Role {
    let stem = naming::stem(name);
    if has_ipa {
        match (naming::is_ipa(name), naming::is_ipa_event(name)) {
            (_, true) => Role::Events,
            (true, false) => Role::Main,
            (false, false) => Role::Other,
        }
    } else if stem == name || matches!(stem, "" | "Event") {
        Role::Other
    } else if stem.ends_with("Event") {
        Role::Events
    } else {
        Role::Main
    }
}
