//! What libcamera's generator demands of an IPA, and what it makes broken C++ of.

use super::Resolver;
use crate::ast;
use crate::diagnostic::{Code, Span};
use crate::model::{Method, Type};
use crate::naming;

/// Words that C++ reserves and mojom does not.
const CPP_KEYWORDS: [&str; 82] = [
    "alignas",
    "alignof",
    "and",
    "and_eq",
    "asm",
    "auto",
    "bitand",
    "bitor",
    "break",
    "case",
    "catch",
    "char",
    "char16_t",
    "char32_t",
    "char8_t",
    "class",
    "co_await",
    "co_return",
    "co_yield",
    "compl",
    "concept",
    "const_cast",
    "consteval",
    "constexpr",
    "constinit",
    "continue",
    "decltype",
    "delete",
    "do",
    "dynamic_cast",
    "else",
    "explicit",
    "export",
    "extern",
    "for",
    "friend",
    "goto",
    "if",
    "inline",
    "int",
    "long",
    "mutable",
    "namespace",
    "new",
    "noexcept",
    "not",
    "not_eq",
    "nullptr",
    "operator",
    "or",
    "or_eq",
    "private",
    "protected",
    "public",
    "register",
    "reinterpret_cast",
    "requires",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "static_assert",
    "static_cast",
    "switch",
    "template",
    "this",
    "thread_local",
    "throw",
    "try",
    "typedef",
    "typeid",
    "typename",
    "unsigned",
    "using",
    "virtual",
    "void",
    "volatile",
    "wchar_t",
    "while",
    "xor",
    "xor_eq",
];

/// Names of variables in the bodies that libcamera generates for methods and for events.
const METHOD_LOCALS: [&str; 2] = ["_ret", "header"];
const EVENT_LOCALS: [&str; 3] = ["data", "dataSize", "fds"];

impl Resolver<'_> {
    /// What libcamera's generator refuses.
    pub(super) fn check_ipa(&mut self, main: &ast::Interface, events: Option<&ast::Interface>) {
        let loaded = self.loaded;
        if let Some(module) = &loaded.file.module
            && module.text.strip_prefix("ipa.").is_none_or(str::is_empty)
        {
            let message = format!("the module of an IPA is called `ipa.<name>`, not `{}`", module.text);
            self.report(Code::ModuleName, module.span, message);
        }
        let name = &main.name;
        let wanted = format!("{}EventInterface", naming::stem(&name.text));
        if events.is_none() && !loaded.file.garbled.contains(&wanted) {
            let message = format!("the event interface `{wanted}` is missing");
            let error = self.diagnostic(Code::MissingEventInterface, name.span, message);
            self.reports.push(error.help("add one; it needs at least one event"));
        }
        for required in ["init", "start", "stop"] {
            if !main.garbled && !main.methods.iter().any(|method| method.name.text == required) {
                let message = format!("the method `{required}` is missing, which every IPA has");
                self.report(Code::MissingMethod, name.span, message);
            }
        }
        for stop in main.methods.iter().filter(|method| method.name.text == "stop") {
            if !stop.inputs.is_empty() || !stop.outputs.is_empty() {
                self.report(Code::StopSignature, stop.name.span, "`stop` has neither parameters nor results");
            }
        }
    }

    /// What libcamera's generator takes, and makes C++ of that does not compile.
    pub(super) fn check_for_cpp(&mut self, main: &ast::Interface, methods: &[Method]) {
        for (written, method) in main.methods.iter().zip(methods) {
            let span = written.name.span;
            let name = method.name.as_str();
            if matches!(name, "exit" | "Exit") {
                let message = format!("`{name}` collides with the command `Exit` of libcamera's protocol");
                self.report(Code::ExitMethod, span, message);
            }
            if name == "stop" && method.asynchronous {
                let message = "libcamera waits for `stop`, and its C++ does not compile if it is [async]";
                self.report(Code::AsyncStop, span, message);
            }
            if method.outputs.len() != written.outputs.len() || method.asynchronous {
                continue;
            }
            let returned = has_return_value(method);
            let others = method.outputs.len() - usize::from(returned);
            if others > 0 && method.inputs.is_empty() {
                let message =
                    format!("libcamera's C++ for `{name}` does not compile: results without parameters");
                let warning = self.diagnostic(Code::OutputsWithoutInputs, span, message);
                self.reports
                    .push(warning.help("give it any parameter, or a single number as its only result"));
            } else if others > 0 && returned && name == "start" {
                let message = "libcamera's C++ does not compile for a `start` with a return value and more";
                let warning = self.diagnostic(Code::StartOutputs, span, message);
                self.reports.push(warning.note("a first result of type `int32` is the return value"));
            }
        }
    }

    /// Names that mean something else in C++.
    pub(super) fn check_cpp_names(&mut self) {
        if !self.is_for_libcamera {
            return;
        }
        let file = &self.loaded.file;
        for item in &file.structs {
            self.check_cpp_name(&item.name, &[]);
            for field in &item.fields {
                self.check_cpp_name(&field.name, &[]);
            }
        }
        for item in &file.consts {
            self.check_cpp_name(&item.name, &[]);
        }
        for item in &file.enums {
            self.check_cpp_name(&item.name, &[]);
            for entry in &item.enumerators {
                self.check_cpp_name(&entry.name, &[]);
            }
        }
        for item in file.interfaces.iter().filter(|item| naming::is_ipa(&item.name.text)) {
            let locals: &[&str] =
                if naming::is_ipa_event(&item.name.text) { &EVENT_LOCALS } else { &METHOD_LOCALS };
            for method in &item.methods {
                self.check_cpp_name(&method.name, &[]);
                for parameter in method.inputs.iter().chain(&method.outputs) {
                    self.check_cpp_name(&parameter.name, locals);
                }
            }
        }
    }

    fn check_cpp_name(&mut self, name: &ast::Name, locals: &[&str]) {
        let text = name.text.as_str();
        let message = if CPP_KEYWORDS.contains(&text) {
            format!("`{text}` is a keyword of C++, and libcamera does not change names")
        } else if locals.contains(&text) {
            format!("`{text}` collides with a variable in the C++ that libcamera generates")
        } else {
            return;
        };
        let span: Span = name.span;
        self.report(Code::CppName, span, message);
    }
}

/// Whether the first result is what the function returns in C++: an `int32`, or a number on its own.
fn has_return_value(method: &Method) -> bool {
    match method.outputs.as_slice() {
        [] => false,
        [first, ..] if first.ty == (Type::Integer { bits: 32, signed: true }) => true,
        [only] => matches!(only.ty, Type::Bool | Type::Integer { .. } | Type::Float | Type::Double),
        _ => false,
    }
}
