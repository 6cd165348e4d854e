//! Enums of interfaces, which have room for numbers that only the other side has a name for.

use std::fmt;

use super::Flags;

/// An enum of an interface. Generated code implements it.
///
/// The two sides of a connection may be of different ages, and only one of them know all enumerators. So a number
/// without a name is a value like any other. The number is all that counts when two values are compared, ordered,
/// hashed or sent, and [`From`] gives a number that has a name the variant of that name.
///
/// ```
/// use ringfence::interfaces::vimc::IpaOperationCode;
///
/// let text = match IpaOperationCode::from(3) {
///     IpaOperationCode::IpaOperationNone => "nothing yet".to_owned(),
///     IpaOperationCode::IpaOperationInit => "it is initialised".to_owned(),
///     IpaOperationCode::IpaOperationStart => "it starts".to_owned(),
///     IpaOperationCode::IpaOperationStop => "it stops".to_owned(),
///     IpaOperationCode::Unknown(number) => format!("operation {number}, of a newer interface"),
/// };
/// assert_eq!(text, "it stops");
/// assert_eq!(IpaOperationCode::from(77), IpaOperationCode::Unknown(77));
/// assert_eq!(i32::from(IpaOperationCode::Unknown(77)), 77);
/// ```
pub trait Enum: Copy + fmt::Debug + Ord + From<i32> + Into<i32> + 'static {
    /// The names of the interface and their numbers, made by [`named`].
    const NAMED: &'static [Flag<Self>];
}

/// An enumerator's name and number, which it has as a set of one.
pub type Flag<E> = bitflags::Flag<Flags<E>>;

/// An entry of [`Enum::NAMED`].
#[must_use]
pub const fn named<E>(name: &'static str, number: i32) -> Flag<E> {
    Flag::new(name, Flags::from_bits_retain(number.cast_unsigned()))
}

/// Compares, orders and hashes an [`Enum`] by its number. Derived code would go by the variant, and the order of
/// the keys in a map would then depend on which of them have names.
#[doc(hidden)]
#[macro_export]
macro_rules! __by_number {
    ($name:ty) => {
        impl ::core::cmp::PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                i32::from(*self) == i32::from(*other)
            }
        }

        impl ::core::cmp::Eq for $name {}

        impl ::core::cmp::PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> ::core::option::Option<::core::cmp::Ordering> {
                ::core::option::Option::Some(::core::cmp::Ord::cmp(self, other))
            }
        }

        impl ::core::cmp::Ord for $name {
            fn cmp(&self, other: &Self) -> ::core::cmp::Ordering {
                ::core::cmp::Ord::cmp(&i32::from(*self), &i32::from(*other))
            }
        }

        impl ::core::hash::Hash for $name {
            fn hash<H: ::core::hash::Hasher>(&self, state: &mut H) {
                ::core::hash::Hash::hash(&i32::from(*self), state);
            }
        }
    };
}

pub use crate::__by_number as by_number;
