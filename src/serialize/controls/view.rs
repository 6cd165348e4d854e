//! Values that lie in somebody else's buffer.

use std::fmt;

use zerocopy::FromBytes;

use super::{ControlData, ControlElement, ControlType, ControlValue, Shape, ValueError};

/// A value in a packet: its type and its bytes, which are known to be valid.
///
/// Equality is that of the bytes, as for [`ControlValue`].
///
/// ```
/// use ringfence::serialize::ControlList;
/// use ringfence::serialize::controls::{ControlType, ids::controls};
///
/// let mut list = ControlList::default();
/// list.set(&controls::COLOUR_GAINS, [1.5, 2.0]);
/// // By its number, a control gives whatever value it has.
/// let value = list.get(controls::COLOUR_GAINS.id()).expect("it was set");
/// assert_eq!((value.control_type(), value.len()), (ControlType::F32, 2));
/// assert_eq!(value.elements::<f32>().map(|elements| elements.sum()), Some(3.5));
/// assert_eq!(value.get::<[i32; 2]>(), None, "it is no array of that");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ControlValueRef<'a> {
    kind: ControlType,
    is_array: bool,
    /// Whole elements, little-endian; valid truth values or text if the type is one of these.
    bytes: &'a [u8],
}

impl<'a> ControlValueRef<'a> {
    /// No value.
    pub const NONE: Self = Self::valid(ControlType::None, false, &[]);

    /// The value with these bytes, little-endian, elements back to back.
    ///
    /// # Errors
    /// [`ValueError`] if there is no such value. Only a text has to be an array, only "none" cannot be.
    #[inline]
    pub fn new(kind: ControlType, is_array: bool, bytes: &'a [u8]) -> Result<Self, ValueError> {
        match kind {
            ControlType::String if !is_array => return Err(ValueError::ArrayMark { kind, value: 0 }),
            ControlType::None if is_array => return Err(ValueError::ArrayMark { kind, value: 1 }),
            _ => {}
        }
        let fits = match (kind.element_bytes(), is_array) {
            (0, _) => bytes.is_empty(),
            // All are powers of two, which the compiler cannot know: it would divide.
            (element, true) => bytes.len() & (element - 1) == 0,
            (element, false) => bytes.len() == element,
        };
        if !fits {
            return Err(ValueError::Bytes { kind, is_array, bytes: bytes.len() });
        }
        match kind {
            ControlType::Bool => {
                if let Some(index) = bytes.iter().position(|byte| *byte > 1) {
                    return Err(ValueError::Bool { index, value: bytes[index] });
                }
            }
            ControlType::String => {
                std::str::from_utf8(bytes)
                    .map_err(|error| ValueError::Utf8 { valid: error.valid_up_to() })?;
            }
            _ => {}
        }
        Ok(Self { kind, is_array, bytes })
    }

    /// The value with these bytes, out of a packet that is valid.
    pub(super) const fn valid(kind: ControlType, is_array: bool, bytes: &'a [u8]) -> Self {
        Self { kind, is_array, bytes }
    }

    /// Type of the value, or of its elements.
    #[must_use]
    pub const fn control_type(&self) -> ControlType {
        self.kind
    }

    /// Whether it is an array; a text is one, of bytes.
    #[must_use]
    pub const fn is_array(&self) -> bool {
        self.is_array
    }

    /// Elements in it: 1 for a scalar, 0 for "none", bytes for a text.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a scalar is neither empty nor not")]
    pub const fn len(&self) -> usize {
        match self.kind.element_bytes() {
            0 => 0,
            element => self.bytes.len() / element,
        }
    }

    /// Its bytes, whatever the type: little-endian, elements back to back.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Type and length, for messages.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        match (self.kind, self.is_array) {
            (ControlType::String, _) | (_, false) => Shape::Scalar(self.kind),
            (_, true) => Shape::ArrayOf(self.kind, self.len()),
        }
    }

    /// The value as a `T`, if it is one: `get::<f32>()`, `get::<[f32; 2]>()`, `get::<Vec<u8>>()`,
    /// `get::<str>()`, which borrows.
    #[must_use]
    #[inline]
    pub fn get<T: ControlData + ?Sized>(&self) -> Option<T::Output<'a>> {
        T::read(*self)
    }

    /// The elements, if the value is an array of `T`.
    #[must_use]
    pub fn elements<T: ControlElement>(&self) -> Option<Elements<'a, T>> {
        (self.is_array && self.kind == T::TYPE).then(|| self.all())
    }

    /// The text, if the value is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&'a str> {
        (self.kind == ControlType::String).then(|| self.text())
    }

    /// The bytes, if the value is an array of bytes.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&'a [u8]> {
        (self.is_array && self.kind == ControlType::Byte).then_some(self.bytes)
    }

    /// A copy that owns what it holds.
    #[must_use]
    pub fn to_owned(&self) -> ControlValue {
        (*self).into()
    }

    /// The elements of a value that is known to consist of `T`.
    #[inline]
    pub(super) fn all<T: ControlElement>(&self) -> Elements<'a, T> {
        debug_assert_eq!(self.kind, T::TYPE);
        Elements(<[T::Wire]>::ref_from_bytes(self.bytes).expect("a value is whole elements").iter())
    }

    /// The text of a value that is known to be one.
    pub(super) fn text(&self) -> &'a str {
        std::str::from_utf8(self.bytes).expect("text is checked when it is written or received")
    }
}

/// The elements of an array in a packet.
pub struct Elements<'a, T: ControlElement>(std::slice::Iter<'a, T::Wire>);

impl<T: ControlElement> Iterator for Elements<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.0.next().copied().map(T::from_wire)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<T: ControlElement> ExactSizeIterator for Elements<'_, T> {}

impl<T: ControlElement> Clone for Elements<'_, T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: ControlElement + fmt::Debug> fmt::Debug for Elements<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// More than a colour matrix has, less than a page of statistics.
        const SHOWN: usize = 16;
        let mut list = f.debug_list();
        list.entries(self.clone().take(SHOWN));
        match self.len().saturating_sub(SHOWN) {
            0 => list.finish(),
            more => list.entry(&format_args!("and {more} more")).finish(),
        }
    }
}

impl fmt::Debug for ControlValueRef<'_> {
    /// The value alone; of a long array only the start.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn elements<T: ControlElement + fmt::Debug>(
            value: ControlValueRef<'_>,
            f: &mut fmt::Formatter<'_>,
        ) -> fmt::Result {
            let mut elements = value.all::<T>();
            match elements.next() {
                Some(scalar) if !value.is_array => scalar.fmt(f),
                _ => value.all::<T>().fmt(f),
            }
        }
        match self.kind {
            ControlType::None => f.write_str("none"),
            ControlType::Bool => elements::<bool>(*self, f),
            ControlType::Byte => elements::<u8>(*self, f),
            ControlType::U16 => elements::<u16>(*self, f),
            ControlType::U32 => elements::<u32>(*self, f),
            ControlType::I32 => elements::<i32>(*self, f),
            ControlType::I64 => elements::<i64>(*self, f),
            ControlType::F32 => elements::<f32>(*self, f),
            ControlType::String => self.text().fmt(f),
            ControlType::Rectangle => elements::<crate::serialize::Rectangle>(*self, f),
            ControlType::Size => elements::<crate::serialize::Size>(*self, f),
            ControlType::Point => elements::<crate::serialize::Point>(*self, f),
        }
    }
}
