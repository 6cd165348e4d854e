//! Sets of enumerators whose values are bits.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::ops::{BitAnd, BitAndAssign, BitOr, BitOrAssign, BitXor, BitXorAssign, Not, Sub, SubAssign};
use std::str::FromStr;

use super::Enum;

/// A set of enumerators of `E`: what `[flags] E` is in Rust.
///
/// Wherever a set is wanted, an enumerator will do. Bits without a name, which a peer that knows more of them may
/// send, are kept and sent on. [`bitflags::Flags`] has everything else: all names, iterators, complements.
///
/// ```
/// use ringfence::interfaces::vimc::TestFlag;
/// use ringfence::serialize::Flags;
///
/// let mut flags = TestFlag::Flag1 | TestFlag::Flag3;
/// assert!(flags.contains(TestFlag::Flag1) && !flags.contains(TestFlag::Flag2));
/// assert_eq!(flags.to_string(), "Flag1 | Flag3");
/// assert!("Flag3 | Flag1".parse().is_ok_and(|parsed: Flags<TestFlag>| parsed == flags));
///
/// flags.remove(TestFlag::Flag1);
/// assert_eq!(flags, Flags::from(TestFlag::Flag3));
/// assert_eq!(flags.iter().collect::<Vec<_>>(), [TestFlag::Flag3]);
/// ```
pub struct Flags<E> {
    bits: u32,
    of: PhantomData<fn() -> E>,
}

impl<E> Flags<E> {
    /// The empty set.
    #[must_use]
    pub const fn empty() -> Self {
        Self::from_bits_retain(0)
    }

    /// The set with these bits, whether they have names or not.
    #[must_use]
    pub const fn from_bits_retain(bits: u32) -> Self {
        Self { bits, of: PhantomData }
    }

    /// The bits of all members.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.bits
    }

    /// Whether no bit is set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.bits == 0
    }
}

impl<E: Enum> Flags<E> {
    /// Whether all bits of `flags`, an enumerator or a set, are set.
    #[must_use]
    pub fn contains(self, flags: impl Into<Self>) -> bool {
        let bits = flags.into().bits;
        self.bits & bits == bits
    }

    /// Adds an enumerator or a set.
    pub fn insert(&mut self, flags: impl Into<Self>) {
        *self |= flags;
    }

    /// Takes an enumerator or a set away.
    pub fn remove(&mut self, flags: impl Into<Self>) {
        *self -= flags;
    }

    /// The members that have names, in the order in which the interface lists them.
    pub fn iter(self) -> impl Iterator<Item = E> {
        bitflags::Flags::iter_names(&self).map(|(_, flag)| E::from(flag.bits.cast_signed()))
    }
}

impl<E: Enum> bitflags::Flags for Flags<E> {
    const FLAGS: &'static [bitflags::Flag<Self>] = E::NAMED;

    type Bits = u32;

    fn bits(&self) -> u32 {
        self.bits
    }

    fn from_bits_retain(bits: u32) -> Self {
        Self::from_bits_retain(bits)
    }
}

impl<E> Clone for Flags<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Flags<E> {}

impl<E> Default for Flags<E> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<E> PartialEq for Flags<E> {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}

impl<E> Eq for Flags<E> {}

impl<E> Hash for Flags<E> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bits.hash(state);
    }
}

/// The names with bars in between; bits without a name are one number at the end.
impl<E: Enum> fmt::Display for Flags<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bitflags::parser::to_writer(self, f)
    }
}

/// Reads what [`Display`](fmt::Display) writes.
impl<E: Enum> FromStr for Flags<E> {
    type Err = bitflags::parser::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        bitflags::parser::from_str(text)
    }
}

impl<E: Enum> fmt::Debug for Flags<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = bitflags::Flags::iter_names(self);
        let mut set = f.debug_set();
        for (name, _) in names.by_ref() {
            set.entry(&format_args!("{name}"));
        }
        let rest = names.remaining().bits;
        if rest != 0 {
            set.entry(&format_args!("{rest:#x}"));
        }
        set.finish()
    }
}

impl<E: Enum> From<E> for Flags<E> {
    fn from(flag: E) -> Self {
        Self::from_bits_retain(flag.into().cast_unsigned())
    }
}

/// The union of all.
impl<E: Enum, T: Into<Self>> FromIterator<T> for Flags<E> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        items.into_iter().fold(Self::empty(), |set, item| set | item)
    }
}

impl<E: Enum> Extend<E> for Flags<E> {
    fn extend<I: IntoIterator<Item = E>>(&mut self, items: I) {
        for item in items {
            *self |= item;
        }
    }
}

macro_rules! operator {
    ($($operator:ident::$method:ident, $assign:ident::$assign_method:ident, $bits:expr;)*) => {$(
        impl<E: Enum, T: Into<Self>> $operator<T> for Flags<E> {
            type Output = Self;

            fn $method(self, other: T) -> Self {
                let bits: fn(u32, u32) -> u32 = $bits;
                Self::from_bits_retain(bits(self.bits, other.into().bits))
            }
        }

        impl<E: Enum, T: Into<Self>> $assign<T> for Flags<E> {
            fn $assign_method(&mut self, other: T) {
                *self = $operator::$method(*self, other);
            }
        }
    )*};
}

operator! {
    BitOr::bitor, BitOrAssign::bitor_assign, |a, b| a | b;
    BitAnd::bitand, BitAndAssign::bitand_assign, |a, b| a & b;
    BitXor::bitxor, BitXorAssign::bitxor_assign, |a, b| a ^ b;
    Sub::sub, SubAssign::sub_assign, |a, b| a & !b;
}

/// All flags with names but those of the set.
impl<E: Enum> Not for Flags<E> {
    type Output = Self;

    fn not(self) -> Self {
        bitflags::Flags::complement(self)
    }
}

#[cfg(feature = "arbitrary")]
impl<'a, E> arbitrary::Arbitrary<'a> for Flags<E> {
    fn arbitrary(input: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(Self::from_bits_retain(input.arbitrary()?))
    }
}

#[cfg(test)]
mod tests {
    use bitflags::Flags as _;

    use super::*;
    use crate::interfaces::vimc::TestFlag;

    #[test]
    fn bits_without_a_name_are_kept_and_shown() {
        let flags = Flags::<TestFlag>::from_bits_retain(0x105);
        assert_eq!(format!("{flags:?}"), "{Flag1, Flag3, 0x100}");
        assert_eq!(flags.to_string(), "Flag1 | Flag3 | 0x100");
        assert_eq!(flags.to_string().parse::<Flags<TestFlag>>().unwrap(), flags);
        assert!(flags.contains(TestFlag::from(0x100)));
        assert!(flags.contains_unknown_bits());
        assert_eq!(flags.iter().collect::<Vec<_>>(), [TestFlag::Flag1, TestFlag::Flag3]);
        assert!("Flag9".parse::<Flags<TestFlag>>().is_err());
    }

    #[test]
    fn sets_and_enumerators_are_combined_alike() {
        let both = TestFlag::Flag1 | TestFlag::Flag2;
        assert_eq!(both | both, both);
        assert_eq!(both - TestFlag::Flag1, TestFlag::Flag2.into());
        assert_eq!(both & TestFlag::Flag1, TestFlag::Flag1.into());
        assert_eq!(both ^ both, Flags::empty());
        assert_eq!(!both, TestFlag::Flag3 | TestFlag::Flag4);
        assert_eq!([TestFlag::Flag2, TestFlag::Flag1].into_iter().collect::<Flags<_>>(), both);
        assert_eq!(Flags::<TestFlag>::all().bits(), 0xf);
        let mut set = Flags::empty();
        set.extend([TestFlag::Flag1]);
        set.insert(TestFlag::Flag2);
        assert_eq!(set, both);
        set.remove(both);
        assert!(Flags::is_empty(set));
    }
}
