//! What can be written into a packet.

use super::element;
use super::{ControlElement, ControlType, ControlValue, ControlValueRef};

/// A value that can be stored under a control's id: scalars, arrays and slices of every
/// [`ControlElement`], text, [`ControlValue`], [`ControlValueRef`], and references to them.
pub trait ControlSource: sealed::Source {}

impl<S: sealed::Source + ?Sized> ControlSource for S {}

/// A [`ControlSource`] that suits a [`Control<T>`](super::Control): `T` itself, and what can be
/// borrowed from a `T`.
#[diagnostic::on_unimplemented(message = "`{Self}` cannot be set on a `Control<{T}>`")]
pub trait SourceOf<T: ?Sized>: ControlSource {}

/// How a [`ControlSource`] is written; here so that nobody else can lie about a length.
pub(super) mod sealed {
    use super::ControlType;

    pub trait Source {
        fn control_type(&self) -> ControlType;
        fn is_array(&self) -> bool;
        fn byte_len(&self) -> usize;
        /// Writes the value to `out`, which has exactly `byte_len` bytes.
        fn write_to(&self, out: &mut [u8]);

        /// The value with zeros after it, if it has at most eight bytes.
        fn payload(&self) -> [u8; 8] {
            let mut payload = [0; 8];
            self.write_to(&mut payload[..self.byte_len()]);
            payload
        }
    }
}

use sealed::Source;

impl<S: Source + ?Sized> Source for &S {
    fn control_type(&self) -> ControlType {
        (**self).control_type()
    }

    fn is_array(&self) -> bool {
        (**self).is_array()
    }

    fn byte_len(&self) -> usize {
        (**self).byte_len()
    }

    fn write_to(&self, out: &mut [u8]) {
        (**self).write_to(out);
    }
}

impl<T: ?Sized, S: SourceOf<T> + ?Sized> SourceOf<T> for &S {}

macro_rules! scalars {
    ($($element:ty)*) => {$(
        impl Source for $element {
            fn control_type(&self) -> ControlType {
                Self::TYPE
            }

            fn is_array(&self) -> bool {
                false
            }

            fn byte_len(&self) -> usize {
                Self::TYPE.element_bytes()
            }

            fn write_to(&self, out: &mut [u8]) {
                element::write(std::slice::from_ref(self), out);
            }
        }

        impl SourceOf<$element> for $element {}
    )*};
}

scalars! {
    bool u8 u16 u32 i32 i64 f32
    crate::serialize::Rectangle crate::serialize::Size crate::serialize::Point
}

impl<T: ControlElement> Source for [T] {
    fn control_type(&self) -> ControlType {
        T::TYPE
    }

    fn is_array(&self) -> bool {
        true
    }

    fn byte_len(&self) -> usize {
        self.len() * T::TYPE.element_bytes()
    }

    fn write_to(&self, out: &mut [u8]) {
        element::write(self, out);
    }
}

impl Source for str {
    fn control_type(&self) -> ControlType {
        ControlType::String
    }

    fn is_array(&self) -> bool {
        true
    }

    fn byte_len(&self) -> usize {
        self.len()
    }

    fn write_to(&self, out: &mut [u8]) {
        out.copy_from_slice(self.as_bytes());
    }
}

/// Writes a value as something that it can be borrowed as.
macro_rules! written_as {
    ($(($($generics:tt)*) $owned:ty => |$value:ident| $borrowed:expr;)*) => {$(
        impl<$($generics)*> Source for $owned {
            fn control_type(&self) -> ControlType {
                let $value = self;
                $borrowed.control_type()
            }

            fn is_array(&self) -> bool {
                let $value = self;
                $borrowed.is_array()
            }

            fn byte_len(&self) -> usize {
                let $value = self;
                $borrowed.byte_len()
            }

            fn write_to(&self, out: &mut [u8]) {
                let $value = self;
                $borrowed.write_to(out);
            }
        }
    )*};
}

written_as! {
    (T: ControlElement, const N: usize) [T; N] => |array| array.as_slice();
    (T: ControlElement) Vec<T> => |items| items.as_slice();
    () String => |text| text.as_str();
    () ControlValue => |value| value.source();
}

impl Source for ControlValueRef<'_> {
    fn control_type(&self) -> ControlType {
        ControlValueRef::control_type(self)
    }

    fn is_array(&self) -> bool {
        ControlValueRef::is_array(self)
    }

    fn byte_len(&self) -> usize {
        self.bytes().len()
    }

    #[inline]
    fn write_to(&self, out: &mut [u8]) {
        out.copy_from_slice(self.bytes());
    }

    #[inline]
    fn payload(&self) -> [u8; 8] {
        // Most values are one number, which stays in registers: stored as four bytes and loaded again as eight, it would
        // have to wait for the store to reach the cache.
        match *self.bytes() {
            [a] => u64::from(a).to_le_bytes(),
            [a, b, c, d] => u64::from(u32::from_le_bytes([a, b, c, d])).to_le_bytes(),
            ref bytes => {
                let mut payload = [0; 8];
                payload[..bytes.len()].copy_from_slice(bytes);
                payload
            }
        }
    }
}

/// No value at all.
impl Source for () {
    fn control_type(&self) -> ControlType {
        ControlType::None
    }

    fn is_array(&self) -> bool {
        false
    }

    fn byte_len(&self) -> usize {
        0
    }

    fn write_to(&self, _: &mut [u8]) {}
}

impl<T: ControlElement, const N: usize> SourceOf<[T; N]> for [T; N] {}
impl<T: ControlElement, const N: usize> SourceOf<Vec<T>> for [T; N] {}
impl<T: ControlElement> SourceOf<Vec<T>> for [T] {}
impl<T: ControlElement> SourceOf<Vec<T>> for Vec<T> {}
impl<T: ControlElement, const N: usize> SourceOf<[T]> for [T; N] {}
impl<T: ControlElement> SourceOf<[T]> for [T] {}
impl<T: ControlElement> SourceOf<[T]> for Vec<T> {}
impl SourceOf<String> for str {}
impl SourceOf<String> for String {}
impl SourceOf<str> for str {}
impl SourceOf<str> for String {}
