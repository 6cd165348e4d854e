//! Values as they are written: literals, names, and expressions of them.
//!
//! libcamera's own tools know literals and names only. Operators bind as in C and in Rust.

use super::{Parse, Parser, Reported};
use crate::ast::{Binary, Unary, Value, ValueKind};
use crate::diagnostic::Code;
use crate::lexer::Kind;

/// Parentheses and signs within each other.
const MAX_NESTING: usize = 32;

/// Operators in one expression, which make a tree as deep.
const MAX_OPERATORS: usize = 256;

/// Where an expression stands in a larger one.
struct Extent {
    nesting: usize,
    operators: usize,
}

impl Parser<'_> {
    /// A literal, a name, or an expression of them.
    pub(super) fn value(&mut self) -> Parse<Value> {
        self.binary(0, &mut Extent { nesting: 0, operators: 0 })
    }

    /// What can be the value of an attribute: a literal or a name.
    pub(super) fn attribute_value(&mut self) -> Parse<Value> {
        let is_number = matches!(self.peek_at(1).kind, Kind::Integer { .. } | Kind::Float(_));
        match self.peek().kind {
            Kind::Punctuation("-" | "+") if is_number => {}
            Kind::Punctuation(_) => return Err(self.unexpected("a value")),
            _ => {}
        }
        self.unary(&mut Extent { nesting: 0, operators: 0 })
    }

    /// Operands and operators that bind at least as tight as `least`.
    fn binary(&mut self, least: usize, extent: &mut Extent) -> Parse<Value> {
        let mut left = self.unary(extent)?;
        while let Some((operator, tokens, strength)) = self.operator() {
            if strength < least {
                break;
            }
            extent.operators += 1;
            if extent.operators > MAX_OPERATORS {
                let message = format!("more than {MAX_OPERATORS} operators in one expression");
                return Err(self.error(Code::NestingLimit, self.peek().span, message));
            }
            for _ in 0..tokens {
                self.bump();
            }
            let right = self.binary(strength + 1, extent)?;
            let span = left.span.to(right.span);
            left = Value { kind: ValueKind::Binary(operator, Box::new((left, right))), span };
        }
        Ok(left)
    }

    /// The operator that follows, of how many tokens it is made, and how tight it binds.
    fn operator(&self) -> Option<(Binary, usize, usize)> {
        let Kind::Punctuation(mark) = self.peek().kind else { return None };
        let next = self.peek_at(1);
        let is_double = next.kind == Kind::Punctuation(mark) && next.span.start == self.peek().span.end;
        Some(match mark {
            "|" => (Binary::Or, 1, 0),
            "^" => (Binary::Xor, 1, 1),
            "&" => (Binary::And, 1, 2),
            "<" if is_double => (Binary::ShiftLeft, 2, 3),
            ">" if is_double => (Binary::ShiftRight, 2, 3),
            "+" => (Binary::Add, 1, 4),
            "-" => (Binary::Subtract, 1, 4),
            "*" => (Binary::Multiply, 1, 5),
            "/" => (Binary::Divide, 1, 5),
            "%" => (Binary::Remainder, 1, 5),
            _ => return None,
        })
    }

    fn unary(&mut self, extent: &mut Extent) -> Parse<Value> {
        let operator = match self.peek().kind {
            Kind::Punctuation("-") => Unary::Minus,
            Kind::Punctuation("+") => Unary::Plus,
            Kind::Punctuation("~") => Unary::Not,
            _ => return self.operand(extent),
        };
        let start = self.bump();
        // A number with its sign is one literal.
        let sign = if operator == Unary::Minus { -1 } else { 1 };
        let literal = match self.peek().kind {
            _ if operator == Unary::Not => None,
            Kind::Integer { value, hex } => Some(ValueKind::Integer { value: sign * i128::from(value), hex }),
            Kind::Float(value) => Some(ValueKind::Float(f64::from(sign as i8) * value)),
            _ => None,
        };
        if let Some(kind) = literal {
            return Ok(Value { kind, span: start.to(self.bump()) });
        }
        let operand = self.deeper(extent, Self::unary)?;
        let span = start.to(operand.span);
        Ok(Value { kind: ValueKind::Unary(operator, Box::new(operand)), span })
    }

    fn deeper(
        &mut self,
        extent: &mut Extent,
        parse: impl FnOnce(&mut Self, &mut Extent) -> Parse<Value>,
    ) -> Parse<Value> {
        if extent.nesting >= MAX_NESTING {
            return Err(self.too_deep());
        }
        extent.nesting += 1;
        let value = parse(self, extent);
        extent.nesting -= 1;
        value
    }

    fn too_deep(&mut self) -> Reported {
        let message = format!("signs and parentheses nest more than {MAX_NESTING} deep here");
        self.error(Code::NestingLimit, self.peek().span, message)
    }

    fn operand(&mut self, extent: &mut Extent) -> Parse<Value> {
        let kind = match self.peek().kind.clone() {
            Kind::Integer { value, hex } => ValueKind::Integer { value: value.into(), hex },
            Kind::Float(value) => ValueKind::Float(value),
            Kind::String(text) => ValueKind::String(text),
            Kind::Garbled => ValueKind::Garbled,
            Kind::Keyword if self.at_word("true") => ValueKind::Bool(true),
            Kind::Keyword if self.at_word("false") => ValueKind::Bool(false),
            Kind::Keyword if self.at_word("default") => ValueKind::Default,
            Kind::Punctuation("(") => {
                let start = self.bump();
                let inner = self.deeper(extent, |parser, extent| parser.binary(0, extent))?;
                let end = self.expect(")")?;
                return Ok(Value { span: start.to(end), ..inner });
            }
            Kind::Name => {
                let name = self.dotted("a value")?;
                return Ok(Value { span: name.span, kind: ValueKind::Name(name.text) });
            }
            Kind::Keyword if self.at_word("feature") => {
                let name = self.dotted("a value")?;
                return Ok(Value { span: name.span, kind: ValueKind::Name(name.text) });
            }
            _ => return Err(self.unexpected("a value")),
        };
        Ok(Value { kind, span: self.bump() })
    }
}
