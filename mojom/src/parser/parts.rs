//! What definitions are made of: names, attributes, types and values.

use super::{Parse, Parser};
use crate::ast::{Attribute, Attributes, Name, Type, TypeKind, Value, ValueKind};
use crate::lexer::Kind;

/// Arrays and maps within each other; more would only serve to exhaust the stack.
const MAX_NESTING: usize = 16;

impl Parser<'_> {
    pub(super) fn name(&mut self, what: &str) -> Parse<Name> {
        if self.peek().kind != Kind::Name && !self.at_word("feature") {
            return Err(self.unexpected(what));
        }
        let span = self.bump();
        Ok(Name { text: self.text(span).to_owned(), span })
    }

    /// Names with dots in between.
    pub(super) fn dotted(&mut self, what: &str) -> Parse<Name> {
        let mut name = self.name(what)?;
        while self.eat(".").is_some() {
            let part = self.name("a name")?;
            name.text = format!("{}.{}", name.text, part.text);
            name.span = name.span.to(part.span);
        }
        Ok(name)
    }

    pub(super) fn ordinal(&mut self) {
        if self.peek().kind == Kind::Ordinal {
            self.bump();
        }
    }

    pub(super) fn attributes(&mut self) -> Parse<Attributes> {
        let mut attributes = Attributes::default();
        if self.eat("[").is_none() || self.eat("]").is_some() {
            return Ok(attributes);
        }
        loop {
            let name = self.name("an attribute")?;
            let value = if self.eat("=").is_some() { Some(self.value()?) } else { None };
            if attributes.has(&name.text) {
                self.error(name.span, format!("the attribute `{}` is repeated", name.text));
            }
            if matches!(name.text.as_str(), "EnableIf" | "EnableIfNot" | "Native") {
                self.outside(name.span, &format!("[{}] attributes are", name.text));
            }
            attributes.0.push(Attribute { name, value });
            if self.eat(",").is_none() {
                self.expect("]")?;
                return Ok(attributes);
            }
        }
    }

    pub(super) fn ty(&mut self) -> Parse<Type> {
        self.nested_ty(0)
    }

    fn nested_ty(&mut self, depth: usize) -> Parse<Type> {
        let start = self.peek().span;
        if depth > MAX_NESTING {
            return Err(self.error(start, format!("arrays and maps nest more than {MAX_NESTING} deep")));
        }
        let (kind, end) = match self.word() {
            Some("array") => {
                self.bump();
                self.expect("<")?;
                let element = Box::new(self.nested_ty(depth + 1)?);
                let length = if self.eat(",").is_some() { Some(self.array_length()?) } else { None };
                (TypeKind::Array { element, length }, self.expect(">")?)
            }
            Some("map") => {
                self.bump();
                self.expect("<")?;
                if matches!(self.word(), Some("array" | "map" | "handle")) {
                    let span = self.peek().span;
                    return Err(
                        self.error(span, "a map's key is a number, a truth value, a string or an enum")
                    );
                }
                let key = Box::new(self.nested_ty(depth + 1)?);
                self.expect(",")?;
                let value = Box::new(self.nested_ty(depth + 1)?);
                (TypeKind::Map { key, value }, self.expect(">")?)
            }
            Some("handle") => return Err(self.outside(start, "handles are")),
            Some("associated") => return Err(self.outside(start, "associated interfaces are")),
            Some(
                "pending_remote"
                | "pending_receiver"
                | "pending_associated_remote"
                | "pending_associated_receiver",
            ) => return Err(self.outside(start, "interfaces as values are")),
            _ => {
                let name = self.dotted("a type")?;
                (TypeKind::Name(name.text), name.span)
            }
        };
        let span = start.to(end);
        if let Some(mark) = self.eat("?") {
            return Err(self.outside(span.to(mark), "nullable types are"));
        }
        Ok(Type { kind, span })
    }

    fn array_length(&mut self) -> Parse<u32> {
        let span = self.peek().span;
        match self.peek().kind {
            Kind::Integer { value, hex: false } if (1..=u64::from(u32::MAX)).contains(&value) => {
                self.bump();
                Ok(value as u32)
            }
            _ => Err(self.error(span, "an array's length is a decimal number from 1 to 4294967295")),
        }
    }

    /// A literal, or the name of a constant or enumerator.
    pub(super) fn value(&mut self) -> Parse<Value> {
        let start = self.peek().span;
        let sign = match self.eat("-") {
            Some(_) => Some(-1),
            None => self.eat("+").map(|_| 1),
        };
        let factor = sign.unwrap_or(1);
        let kind = match self.peek().kind.clone() {
            Kind::Integer { value, hex } => {
                ValueKind::Integer { value: i128::from(value) * i128::from(factor), hex }
            }
            Kind::Float(value) => ValueKind::Float(value * f64::from(factor)),
            _ if sign.is_some() => return Err(self.unexpected("a number")),
            Kind::String(text) => ValueKind::String(text),
            Kind::Keyword if self.at_word("true") => ValueKind::Bool(true),
            Kind::Keyword if self.at_word("false") => ValueKind::Bool(false),
            Kind::Keyword if self.at_word("default") => {
                return Err(self.outside(start, "`default` values are"));
            }
            _ => {
                let name = self.dotted("a value")?;
                return Ok(Value { span: name.span, kind: ValueKind::Name(name.text) });
            }
        };
        let end = self.bump();
        if matches!(self.peek().kind, Kind::Punctuation("+" | "-" | "<" | ">")) {
            return Err(self.unexpected("the end of the value, as expressions do not exist"));
        }
        Ok(Value { kind, span: start.to(end) })
    }
}
