//! Values that own what they hold.

use super::element;
use super::source::sealed::Source;
use super::{ControlElement, ControlType, ControlValueRef};
use crate::serialize::{Point, Rectangle, Size};

macro_rules! values {
    ($($scalar:ident, $array:ident: $element:ty, $doc:literal;)*) => {
        /// A value of any type, scalar or array.
        ///
        /// Two values are equal if their bytes are: `NaN` equals itself, and `0.0` is not `-0.0`. So
        /// what is read back equals what was written, whatever it was.
        ///
        /// ```
        /// use ringfence::serialize::controls::{ControlType, ControlValue};
        ///
        /// let value = ControlValue::from([1.5f32, 2.0]);
        /// assert!(value.is_array() && value.control_type() == ControlType::F32);
        /// ```
        #[derive(Debug, Clone, Default)]
        #[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
        #[non_exhaustive]
        pub enum ControlValue {
            /// No value.
            #[default]
            None,
            $(
                #[doc = concat!("One ", $doc, ".")]
                $scalar($element),
                #[doc = concat!("An array of ", $doc, "s.")]
                $array(Vec<$element>),
            )*
            /// A text.
            String(String),
        }

        impl ControlValue {
            /// The value as something that can be written.
            pub(super) fn source(&self) -> &dyn Source {
                match self {
                    Self::None => &(),
                    $(
                        Self::$scalar(value) => value,
                        Self::$array(values) => values,
                    )*
                    Self::String(text) => text,
                }
            }
        }

        impl PartialEq for ControlValue {
            fn eq(&self, other: &Self) -> bool {
                match (self, other) {
                    (Self::None, Self::None) => true,
                    $(
                        (Self::$scalar(left), Self::$scalar(right)) => element::same(left, right),
                        (Self::$array(left), Self::$array(right)) => {
                            left.len() == right.len()
                                && left.iter().zip(right).all(|(left, right)| element::same(left, right))
                        }
                    )*
                    (Self::String(left), Self::String(right)) => left == right,
                    _ => false,
                }
            }
        }

        impl From<ControlValueRef<'_>> for ControlValue {
            fn from(value: ControlValueRef<'_>) -> Self {
                match value.control_type() {
                    ControlType::None => Self::None,
                    ControlType::String => Self::String(value.text().to_owned()),
                    $(
                        <$element>::TYPE => {
                            let mut elements = value.all::<$element>();
                            match value.is_array() {
                                true => Self::$array(elements.collect()),
                                false => Self::$scalar(elements.next().expect("a scalar has one element")),
                            }
                        }
                    )*
                }
            }
        }

        $(
            impl From<$element> for ControlValue {
                fn from(value: $element) -> Self {
                    Self::$scalar(value)
                }
            }

            impl From<Vec<$element>> for ControlValue {
                fn from(values: Vec<$element>) -> Self {
                    Self::$array(values)
                }
            }

            impl From<&[$element]> for ControlValue {
                fn from(values: &[$element]) -> Self {
                    Self::$array(values.to_vec())
                }
            }

            impl<const N: usize> From<[$element; N]> for ControlValue {
                fn from(values: [$element; N]) -> Self {
                    Self::$array(values.to_vec())
                }
            }
        )*
    };
}

values! {
    Bool, BoolArray: bool, "truth value";
    Byte, ByteArray: u8, "byte";
    U16, U16Array: u16, "unsigned 16-bit number";
    U32, U32Array: u32, "unsigned 32-bit number";
    I32, I32Array: i32, "signed 32-bit number";
    I64, I64Array: i64, "signed 64-bit number";
    F32, F32Array: f32, "32-bit float";
    Rectangle, RectangleArray: Rectangle, "rectangle";
    Size, SizeArray: Size, "size";
    Point, PointArray: Point, "point";
}

impl ControlValue {
    /// Type of the value, or of its elements.
    #[must_use]
    pub fn control_type(&self) -> ControlType {
        self.source().control_type()
    }

    /// Whether it is an array; a text is one, of bytes.
    #[must_use]
    pub fn is_array(&self) -> bool {
        self.source().is_array()
    }
}

impl Eq for ControlValue {}

impl From<&str> for ControlValue {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for ControlValue {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}
