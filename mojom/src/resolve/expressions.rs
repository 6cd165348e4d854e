//! What expressions come to. They are an extension: libcamera's own tools know literals and names only.

use super::Resolver;
use super::consts::range;
use crate::ast::{Binary, Unary, Value, ValueKind};
use crate::diagnostic::{Code, Span};
use crate::model::{Constant, Type};

/// Bits by which a number can be shifted; types have no more.
const MAX_SHIFT: i128 = 63;

impl Resolver<'_> {
    /// The value, be it of the type `ty` or not; `None` once an error is reported.
    pub(super) fn evaluate(&mut self, value: &Value, ty: &Type, scope: Option<&str>) -> Option<Constant> {
        Some(match &value.kind {
            ValueKind::Integer { value, hex } => Constant::Integer { value: *value, hex: *hex },
            ValueKind::Float(value) => Constant::Float(*value),
            ValueKind::Bool(value) => Constant::Bool(*value),
            ValueKind::String(value) => Constant::String(value.clone()),
            ValueKind::Name(name) => {
                let expected = match ty {
                    Type::Enum(id) | Type::Flags(id) => Some(*id),
                    _ => None,
                };
                return self.reference(name, value.span, expected, scope);
            }
            ValueKind::Default => {
                let message = "`default` values are outside the dialect: libcamera generates no C++ for them";
                let error = self.diagnostic(Code::OutsideDialect, value.span, message);
                self.reports.push(error.help("leave it out; numbers are zero then, and the rest is empty"));
                return None;
            }
            ValueKind::Garbled => return None,
            ValueKind::Unary(operator, operand) => {
                return self.unary(*operator, operand, value.span, ty, scope);
            }
            ValueKind::Binary(operator, operands) => {
                let (left, right) =
                    (self.evaluate(&operands.0, ty, scope), self.evaluate(&operands.1, ty, scope));
                let left = self.operand(left?, operands.0.span);
                let right = self.operand(right?, operands.1.span);
                return self.binary(*operator, left?, right?, operands.1.span, value.span);
            }
        })
    }

    fn unary(
        &mut self,
        operator: Unary,
        operand: &Value,
        span: Span,
        ty: &Type,
        scope: Option<&str>,
    ) -> Option<Constant> {
        let constant = self.evaluate(operand, ty, scope)?;
        if let (Unary::Minus | Unary::Plus, Constant::Float(value)) = (operator, &constant) {
            return Some(Constant::Float(if operator == Unary::Minus { -value } else { *value }));
        }
        let (value, hex) = self.operand(constant, operand.span)?;
        let result = match operator {
            Unary::Plus => Some(value),
            Unary::Minus => value.checked_neg(),
            // As many bits as the type has, as in a language with unsigned numbers.
            Unary::Not => match ty {
                Type::Integer { bits, signed: false } if value >= 0 => Some(value ^ range(*bits, false).1),
                _ => Some(!value),
            },
        };
        self.result(result, hex || operator == Unary::Not, span)
    }

    fn binary(
        &mut self,
        operator: Binary,
        (left, left_hex): (i128, bool),
        (right, right_hex): (i128, bool),
        right_span: Span,
        span: Span,
    ) -> Option<Constant> {
        let is_shift = matches!(operator, Binary::ShiftLeft | Binary::ShiftRight);
        if is_shift && !(0..=MAX_SHIFT).contains(&right) {
            let message = format!("a number can be shifted by 0 to {MAX_SHIFT} bits, not by {right}");
            self.report(Code::ArithmeticOverflow, right_span, message);
            return None;
        }
        if matches!(operator, Binary::Divide | Binary::Remainder) && right == 0 {
            self.report(Code::DivisionByZero, right_span, "this divides by zero");
            return None;
        }
        let result = match operator {
            Binary::Add => left.checked_add(right),
            Binary::Subtract => left.checked_sub(right),
            Binary::Multiply => left.checked_mul(right),
            Binary::Divide => left.checked_div(right),
            Binary::Remainder => left.checked_rem(right),
            Binary::ShiftLeft => left.checked_mul(1 << right),
            Binary::ShiftRight => Some(left >> right),
            Binary::And => Some(left & right),
            Binary::Or => Some(left | right),
            Binary::Xor => Some(left ^ right),
        };
        let is_bitwise = is_shift || matches!(operator, Binary::And | Binary::Or | Binary::Xor);
        self.result(result, left_hex || right_hex || is_bitwise, span)
    }

    fn result(&mut self, result: Option<i128>, hex: bool, span: Span) -> Option<Constant> {
        match result {
            Some(value) => Some(Constant::Integer { value, hex }),
            None => {
                self.report(Code::ArithmeticOverflow, span, "the value of this expression exceeds 128 bits");
                None
            }
        }
    }

    /// The number that an operator works on.
    fn operand(&mut self, constant: Constant, span: Span) -> Option<(i128, bool)> {
        let number = self.number(&constant);
        if number.is_none() {
            let message = format!("operators work on integers, not on {}", self.describe(&constant));
            self.report(Code::TypeMismatch, span, message);
        }
        number
    }

    /// The number that an integer or enumerator is, and whether to show it in hexadecimal.
    pub(super) fn number(&self, constant: &Constant) -> Option<(i128, bool)> {
        match constant {
            Constant::Integer { value, hex } => Some((*value, *hex)),
            Constant::Enumerator { of, index } => {
                let enumerator = &self.model.enumeration(*of).enumerators[*index];
                let value = match &self.counted {
                    Some((counted, values)) if counted == of => values[*index],
                    _ => enumerator.value.into(),
                };
                Some((value, enumerator.hex))
            }
            _ => None,
        }
    }
}
