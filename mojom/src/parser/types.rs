//! Types as they are written.

use super::{Parse, Parser};
use crate::ast::{Type, TypeKind};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::lexer::Kind;

/// Arrays and maps within each other; more would only serve to exhaust the stack.
const MAX_NESTING: usize = 16;

/// What can be behind a handle in Chromium.
const HANDLE_KINDS: [&str; 5] =
    ["data_pipe_consumer", "data_pipe_producer", "message_pipe", "shared_buffer", "platform"];

impl Parser<'_> {
    pub(super) fn ty(&mut self) -> Parse<Type> {
        self.nested_ty(0)
    }

    fn nested_ty(&mut self, depth: usize) -> Parse<Type> {
        let start = self.peek().span;
        if depth > MAX_NESTING {
            let message = format!("arrays and maps nest more than {MAX_NESTING} deep");
            return Err(self.error(Code::NestingLimit, start, message));
        }
        let (kind, end) = match self.word() {
            Some("array") => {
                self.bump();
                self.expect("<")?;
                let element = Box::new(self.nested_ty(depth + 1)?);
                let length = if self.eat(",").is_some() { self.array_length()? } else { None };
                (TypeKind::Array { element, length }, self.expect(">")?)
            }
            Some("map") => {
                self.bump();
                self.expect("<")?;
                let key = Box::new(self.nested_ty(depth + 1)?);
                self.expect(",")?;
                let value = Box::new(self.nested_ty(depth + 1)?);
                (TypeKind::Map { key, value }, self.expect(">")?)
            }
            Some("handle") => {
                let word = self.bump();
                let end = if self.eat("<").is_some() { self.handle_kind()? } else { word };
                (TypeKind::Foreign("handles"), end)
            }
            Some("associated") => {
                self.bump();
                let name = self.dotted("an interface")?;
                (TypeKind::Foreign("associated interfaces"), name.span)
            }
            Some(
                "pending_remote"
                | "pending_receiver"
                | "pending_associated_remote"
                | "pending_associated_receiver",
            ) => {
                self.bump();
                self.expect("<")?;
                self.dotted("an interface")?;
                (TypeKind::Foreign("interfaces as values"), self.expect(">")?)
            }
            _ => {
                if self.peek().kind != Kind::Name && !self.at_word("feature") {
                    return Err(self.unexpected("a type"));
                }
                let name = self.dotted("a type")?;
                (TypeKind::Name(name.text), name.span)
            }
        };
        let nullable = self.eat("?");
        Ok(Type { kind, span: start.to(end), nullable })
    }

    fn handle_kind(&mut self) -> Parse<Span> {
        let name = self.name("a kind of handle")?;
        if !HANDLE_KINDS.contains(&name.text.as_str()) {
            let message = format!("there is no kind of handle called `{}`", name.text);
            let error = Diagnostic::new(Code::HandleKind, self.source, name.span, message);
            return Err(self.report(error.note(format!("the kinds are {}", HANDLE_KINDS.join(", ")))));
        }
        self.expect(">")
    }

    fn array_length(&mut self) -> Parse<Option<(u32, Span)>> {
        let span = self.peek().span;
        match self.peek().kind {
            Kind::Integer { value, hex: false } if (1..=u64::from(u32::MAX)).contains(&value) => {
                self.bump();
                Ok(Some((value as u32, span)))
            }
            Kind::Garbled => {
                self.bump();
                Ok(None)
            }
            Kind::Integer { .. } | Kind::Float(_) | Kind::Name => {
                self.bump();
                let message = "an array's length is a decimal number from 1 to 4294967295";
                self.error(Code::ArrayLength, span, message);
                Ok(None)
            }
            Kind::Punctuation("-" | "+") => {
                let sign = self.bump();
                let message = "an array's length is a decimal number from 1 to 4294967295, without a sign";
                let end = self.bump();
                self.error(Code::ArrayLength, sign.to(end), message);
                Ok(None)
            }
            _ => Err(self.unexpected("the array's length")),
        }
    }
}
