//! What stands inside structs and interfaces.

use super::definitions::path;
use super::{Parse, Parser, Reported};
use crate::ast::{Field, Method, Ordinal, Parameter};
use crate::diagnostic::{Code, Diagnostic};
use crate::lexer::Kind;

impl Parser<'_> {
    pub(super) fn struct_member(&mut self, of: &str, fields: &mut Vec<Field>) -> Parse<()> {
        let prefix = self.prefix();
        match self.word() {
            Some("const") => return self.constant(prefix, Some(of)),
            Some("enum") => return self.enumeration(prefix, Some(of)),
            Some("struct" | "interface" | "union") => return Err(self.nested("a struct", "fields")),
            _ => {}
        }
        let ty = self.ty()?;
        let name = self.name("the field's name")?;
        let ordinal = self.ordinal();
        let default = if self.eat("=").is_some() { Some(self.value()?) } else { None };
        let end = self.end();
        let comment = prefix.comment.or(self.peek().doc_of_previous);
        let doc = self.doc(comment, &path(Some(of), &name.text));
        if !prefix.attributes.remove_item() {
            fields.push(Field { name, attributes: prefix.attributes, ty, ordinal, default, doc });
        }
        end
    }

    /// Reports a definition that cannot stand here.
    fn nested(&mut self, inside: &str, members: &str) -> Reported {
        let span = self.peek().span;
        let word = self.text(span).to_owned();
        let message = format!("{inside} cannot hold a {word}, only constants, enums and {members}");
        let error = Diagnostic::new(Code::NestedDefinition, self.source, span, message);
        let is_c = self.peek_at(1).kind == Kind::Name && self.peek_at(2).kind == Kind::Name;
        self.report(if is_c {
            error.help(format!("a type is called by its name alone; leave out `{word}`"))
        } else {
            error.help("define it before, and use its name here")
        })
    }

    pub(super) fn interface_member(&mut self, of: &str, methods: &mut Vec<Method>) -> Parse<()> {
        let prefix = self.prefix();
        match self.word() {
            Some("const") => return self.constant(prefix, Some(of)),
            Some("enum") => return self.enumeration(prefix, Some(of)),
            Some("struct" | "interface" | "union") => return Err(self.nested("an interface", "methods")),
            _ => {}
        }
        let name = self.name("a method's name")?;
        let ordinal = self.ordinal();
        if self.peek().kind == Kind::Name {
            let ty = name.text.clone();
            return Err(self.unexpected_with("`(`", |error| {
                error.help(format!("results come last: `method() => ({ty} result)`"))
            }));
        }
        let inputs = self.parameters()?;
        let is_arrow_missing = self.at("(");
        if is_arrow_missing {
            let span = self.peek().span;
            self.error(Code::Syntax, span, "expected `=>` before the results, found `(`");
        }
        let has_response = self.eat("=>").is_some() || is_arrow_missing;
        let outputs = if has_response { self.response()? } else { Vec::new() };
        let doc = self.doc(prefix.comment, &path(Some(of), &name.text));
        if !prefix.attributes.remove_item() {
            let attributes = prefix.attributes;
            methods.push(Method { name, attributes, ordinal, inputs, outputs, has_response, doc });
        }
        self.end()
    }

    /// What follows the `=>`.
    fn response(&mut self) -> Parse<Vec<Parameter>> {
        let is_result = self.at_word("result") && self.peek_at(1).kind == Kind::Punctuation("<");
        if !is_result {
            return self.parameters();
        }
        let start = self.bump();
        self.bump();
        self.ty()?;
        self.expect(",")?;
        self.ty()?;
        let end = self.expect(">")?;
        let message = "`result` responses are outside the dialect: libcamera has no errors of methods";
        let error = Diagnostic::new(Code::OutsideDialect, self.source, start.to(end), message);
        self.report(error.help("return a number that tells, such as `=> (int32 ret)`"));
        Ok(Vec::new())
    }

    /// A list in parentheses. After an error in one parameter the others are still read.
    fn parameters(&mut self) -> Parse<Vec<Parameter>> {
        self.expect("(")?;
        let mut parameters = Vec::new();
        if self.eat(")").is_some() {
            return Ok(parameters);
        }
        let mut garbled = false;
        let mut told_line = None;
        loop {
            let line = self.source.line(self.peek().span.start);
            let told = self.errors.len();
            match self.parameter() {
                Ok(Some(parameter)) => parameters.push(parameter),
                Ok(None) => {}
                Err(reported) => {
                    garbled = true;
                    // A second error in the same line is hardly one of its own.
                    if told_line == Some(line) {
                        self.errors.truncate(told);
                    }
                    told_line = Some(line);
                    if !self.skip_entry(")") {
                        return Err(reported);
                    }
                }
            }
            if self.eat(")").is_some() {
                break;
            }
            if self.eat(",").is_none() {
                let reported = self.unexpected("`,` or `)`");
                garbled = true;
                if !self.skip_entry(")") {
                    return Err(reported);
                }
                if self.eat(",").is_none() {
                    self.eat(")");
                    break;
                }
            }
        }
        if garbled { Err(Reported) } else { Ok(parameters) }
    }

    /// Nothing if an attribute removes it.
    fn parameter(&mut self) -> Parse<Option<Parameter>> {
        let attributes = self.attributes();
        let ty = self.ty()?;
        let name = self.name("the parameter's name")?;
        self.ordinal();
        if let Some(start) = self.eat("=") {
            let end = self.value()?.span;
            let message = "parameters have no default values";
            self.error(Code::ParameterDefault, start.to(end), message);
        }
        Ok((!attributes.remove_item()).then_some(Parameter { name, attributes, ty }))
    }

    pub(super) fn ordinal(&mut self) -> Option<Ordinal> {
        match self.peek().kind {
            Kind::Ordinal(value) => Some(Ordinal { value, span: self.bump() }),
            // Reported by the lexer, and the only thing that could have stood here.
            Kind::Garbled if self.text(self.peek().span).starts_with('@') => {
                self.bump();
                None
            }
            _ => None,
        }
    }
}
