//! Typed names of controls.

use std::fmt;
use std::marker::PhantomData;

use super::{ControlElement, ControlType, ControlValueRef, Shape};
use crate::serialize::{Point, Rectangle, Size};

/// What a control is called, and which type its value has.
///
/// `T` is a [`ControlData`]: a scalar, `[T; N]`, `Vec<T>`, `String`, or `str` and `[u8]` to read
/// without a copy.
///
/// ```
/// use ringfence::serialize::ControlList;
/// use ringfence::serialize::controls::{Control, ControlType};
///
/// /// A control of one's own.
/// const SEPIA: Control<f32> = Control::new(0x9000, "Sepia");
///
/// let mut list = ControlList::default();
/// list.set(&SEPIA, 0.25);
/// assert_eq!(list.get(&SEPIA), Some(0.25));
/// assert_eq!((SEPIA.control_type(), SEPIA.name()), (ControlType::F32, "Sepia"));
/// ```
pub struct Control<T: ?Sized> {
    id: u32,
    name: &'static str,
    of: PhantomData<fn(&T)>,
}

impl<T: ControlData + ?Sized> Control<T> {
    /// The control with this id and name.
    #[must_use]
    pub const fn new(id: u32, name: &'static str) -> Self {
        Self { id, name, of: PhantomData }
    }

    /// Type of its value, or of the elements.
    #[must_use]
    pub const fn control_type(&self) -> ControlType {
        T::TYPE
    }
}

impl<T: ?Sized> Control<T> {
    /// Its number.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<T: ?Sized> Clone for Control<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Control<T> {}

impl<T: ?Sized> fmt::Debug for Control<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:#x})", self.name, self.id)
    }
}

/// What the value of a [`Control`] can be.
pub trait ControlData: sealed::Sealed {
    /// What reading gives: the value itself, or for `str` and `[u8]` a reference into the packet.
    type Output<'a>;

    /// Type of the value, or of its elements.
    const TYPE: ControlType;

    /// Type and length, for messages.
    fn shape() -> Shape;

    /// The value, if it has this type and length.
    fn read(value: ControlValueRef<'_>) -> Option<Self::Output<'_>>;
}

/// What names a control in a list: its id, or a [`Control`], which also says what type to expect.
pub trait ControlKey: sealed::Sealed {
    /// What is found under it.
    type Output<'a>;

    /// The id.
    fn id(&self) -> u32;

    /// The value in the form that the key asks for.
    fn read<'a>(&self, value: ControlValueRef<'a>) -> Option<Self::Output<'a>>;
}

mod sealed {
    use super::{Control, ControlElement};

    pub trait Sealed {}

    impl Sealed for u32 {}
    impl<T: ?Sized> Sealed for &Control<T> {}
    impl Sealed for String {}
    impl Sealed for str {}
    impl Sealed for [u8] {}
    impl<T: ControlElement> Sealed for Vec<T> {}
    impl<T: ControlElement, const N: usize> Sealed for [T; N] {}
}

impl ControlKey for u32 {
    type Output<'a> = ControlValueRef<'a>;

    fn id(&self) -> u32 {
        *self
    }

    fn read<'a>(&self, value: ControlValueRef<'a>) -> Option<ControlValueRef<'a>> {
        Some(value)
    }
}

impl<T: ControlData + ?Sized> ControlKey for &Control<T> {
    type Output<'a> = T::Output<'a>;

    fn id(&self) -> u32 {
        self.id
    }

    #[inline]
    fn read<'a>(&self, value: ControlValueRef<'a>) -> Option<T::Output<'a>> {
        T::read(value)
    }
}

macro_rules! scalars {
    ($($element:ty)*) => {$(
        impl ControlData for $element {
            type Output<'a> = Self;

            const TYPE: ControlType = <Self as ControlElement>::TYPE;

            fn shape() -> Shape {
                Shape::Scalar(<Self as ControlData>::TYPE)
            }

            #[inline]
            fn read(value: ControlValueRef<'_>) -> Option<Self> {
                let wanted = !value.is_array() && value.control_type() == <Self as ControlData>::TYPE;
                wanted.then(|| value.all().next()).flatten()
            }
        }
    )*};
}

scalars! { bool u8 u16 u32 i32 i64 f32 Rectangle Size Point }

macro_rules! sealed_scalars {
    ($($element:ty)*) => {$( impl sealed::Sealed for $element {} )*};
}

// `u32` is sealed as a key already.
sealed_scalars! { bool u8 u16 i32 i64 f32 Rectangle Size Point }

impl<T: ControlElement, const N: usize> ControlData for [T; N] {
    type Output<'a> = Self;

    const TYPE: ControlType = T::TYPE;

    fn shape() -> Shape {
        Shape::ArrayOf(T::TYPE, N)
    }

    #[inline]
    fn read(value: ControlValueRef<'_>) -> Option<Self> {
        let mut elements = value.elements::<T>().filter(|elements| elements.len() == N)?;
        Some(std::array::from_fn(|_| elements.next().expect("there are N elements")))
    }
}

impl<T: ControlElement> ControlData for Vec<T> {
    type Output<'a> = Self;

    const TYPE: ControlType = T::TYPE;

    fn shape() -> Shape {
        Shape::Array(T::TYPE)
    }

    fn read(value: ControlValueRef<'_>) -> Option<Self> {
        value.elements().map(Iterator::collect)
    }
}

impl ControlData for [u8] {
    type Output<'a> = &'a Self;

    const TYPE: ControlType = ControlType::Byte;

    fn shape() -> Shape {
        Shape::Array(ControlType::Byte)
    }

    fn read(value: ControlValueRef<'_>) -> Option<&Self> {
        value.as_bytes()
    }
}

impl ControlData for str {
    type Output<'a> = &'a Self;

    const TYPE: ControlType = ControlType::String;

    fn shape() -> Shape {
        Shape::Scalar(ControlType::String)
    }

    fn read(value: ControlValueRef<'_>) -> Option<&Self> {
        value.as_str()
    }
}

impl ControlData for String {
    type Output<'a> = Self;

    const TYPE: ControlType = ControlType::String;

    fn shape() -> Shape {
        Shape::Scalar(ControlType::String)
    }

    fn read(value: ControlValueRef<'_>) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }
}
