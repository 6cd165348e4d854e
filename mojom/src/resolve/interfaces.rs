//! Interfaces: which is which, and what libcamera demands of their methods.

use super::Resolver;
use crate::ast;
use crate::model::{Interface, Method, Parameter};
use crate::naming;

impl Resolver<'_> {
    pub(super) fn interfaces(&mut self) -> Option<Interface> {
        let loaded = self.loaded;
        let mut main: Option<&ast::Interface> = None;
        let mut events: Option<&ast::Interface> = None;
        for item in &loaded.file.interfaces {
            let name = item.name.text.as_str();
            let slot = match naming::stem(name) {
                "" | "Event" => None,
                stem if stem == name => None,
                stem if stem.ends_with("Event") => Some((&mut events, "event interface")),
                _ => Some((&mut main, "interface")),
            };
            match slot {
                None => self.error(
                    item.name.span,
                    format!("`{name}` is no name for an interface; `<Name>Interface` and `<Name>EventInterface` are"),
                ),
                Some((Some(first), what)) => {
                    let first = first.name.text.clone();
                    self.error(item.name.span, format!("a file has one {what}, and that is `{first}` here"));
                }
                Some((slot, _)) => *slot = Some(item),
            }
        }
        let resolved_events = events.map(|item| (item, self.methods(item, true)));
        let Some(main) = main else {
            if let Some(events) = events {
                let wanted = events.name.text.replace("EventInterface", "Interface");
                self.error(
                    events.name.span,
                    format!("the interface `{wanted}` that has these events is missing"),
                );
            }
            return None;
        };
        if main.methods.is_empty() {
            self.error(main.name.span, "an interface has at least one method");
        } else if main.name.text.starts_with("IPA") {
            self.check_ipa(main, events);
        }
        let methods = self.methods(main, false);
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

    /// What libcamera's generator demands of an IPA.
    fn check_ipa(&mut self, main: &ast::Interface, events: Option<&ast::Interface>) {
        let loaded = self.loaded;
        if let Some(module) = &loaded.file.module
            && module.text.strip_prefix("ipa.").is_none_or(str::is_empty)
        {
            self.error(
                module.span,
                format!("the module of an IPA is called `ipa.<name>`, not `{}`", module.text),
            );
        }
        let name = &main.name;
        match events {
            None => {
                let wanted = format!("{}EventInterface", naming::stem(&name.text));
                self.error(name.span, format!("the event interface `{wanted}` is missing"));
            }
            Some(events) if events.methods.is_empty() => {
                self.error(events.name.span, "an event interface has at least one event");
            }
            Some(_) => {}
        }
        for required in ["init", "start", "stop"] {
            if !main.methods.iter().any(|method| method.name.text == required) {
                self.error(name.span, format!("the method `{required}` is missing, which every IPA has"));
            }
        }
        for stop in main.methods.iter().filter(|method| method.name.text == "stop") {
            if !stop.inputs.is_empty() || !stop.outputs.is_empty() {
                self.error(stop.name.span, "`stop` has neither parameters nor results");
            }
        }
    }

    fn methods(&mut self, item: &ast::Interface, are_events: bool) -> Vec<Method> {
        let what = if are_events { "event" } else { "method" };
        let scope = Some(item.name.text.as_str());
        let mut methods: Vec<Method> = Vec::new();
        for method in &item.methods {
            let name = &method.name;
            if methods.iter().any(|other| other.name == name.text) {
                self.error(name.span, format!("the {what} `{}` is defined twice", name.text));
            }
            let asynchronous = are_events || is_async(method);
            if asynchronous && !method.outputs.is_empty() {
                let reason = if are_events { "an event" } else { "an [async] method" };
                self.error(name.span, format!("`{}` is {reason} and cannot have results", name.text));
            }
            self.check_parameter_names(method);
            let inputs = self.parameters(&method.inputs, scope);
            let outputs = self.parameters(&method.outputs, scope);
            let (name, doc) = (name.text.clone(), method.doc.clone());
            methods.push(Method { name, asynchronous, inputs, outputs, doc });
        }
        if methods.len() > usize::from(u16::MAX) {
            self.error(item.name.span, format!("{} {what}s exceed the limit of {}", methods.len(), u16::MAX));
        }
        methods
    }

    fn parameters(&mut self, items: &[ast::Parameter], scope: Option<&str>) -> Vec<Parameter> {
        let resolve = |item: &ast::Parameter| {
            let ty = self.member_type(&item.ty, &item.attributes, scope)?;
            Some(Parameter { name: item.name.text.clone(), ty })
        };
        items.iter().filter_map(resolve).collect()
    }

    fn check_parameter_names(&mut self, method: &ast::Method) {
        for (list, what) in [(&method.inputs, "parameter"), (&method.outputs, "result")] {
            for (index, item) in list.iter().enumerate() {
                if list[..index].iter().any(|other| other.name.text == item.name.text) {
                    self.error(item.name.span, format!("the {what} `{}` is defined twice", item.name.text));
                }
            }
        }
        for output in &method.outputs {
            if method.inputs.iter().any(|input| input.name.text == output.name.text) {
                let name = &output.name;
                self.error(name.span, format!("`{}` is both a parameter and a result", name.text));
            }
        }
    }
}

/// `[async]`, and any value but a false one.
fn is_async(method: &ast::Method) -> bool {
    let Some(attribute) = method.attributes.get("async") else { return false };
    let value = attribute.value.as_ref().map(|value| &value.kind);
    !matches!(value, Some(ast::ValueKind::Bool(false) | ast::ValueKind::Integer { value: 0, .. }))
}
