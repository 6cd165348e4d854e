//! Sets of enumerators whose values are bits.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{BitOr, BitOrAssign};

/// An enum whose values may be combined in [`Flags`]. Generated code implements it.
pub trait Flag: Copy + fmt::Debug + 'static {
    /// Name of the enum, for messages.
    const NAME: &'static str;
    /// Every enumerator.
    const VARIANTS: &'static [Self];

    /// The enumerator's value.
    fn bits(self) -> u32;
}

/// A set of enumerators of `E`.
pub struct Flags<E> {
    bits: u32,
    of: PhantomData<fn() -> E>,
}

impl<E: Flag> Flags<E> {
    /// The empty set.
    #[must_use]
    pub const fn empty() -> Self {
        Self { bits: 0, of: PhantomData }
    }

    /// The set with these bits, or `None` if a bit belongs to no enumerator.
    #[must_use]
    pub fn from_bits(bits: u32) -> Option<Self> {
        let known = E::VARIANTS.iter().fold(0, |known, flag| known | flag.bits());
        (bits & !known == 0).then_some(Self { bits, of: PhantomData })
    }

    /// The bits of all members.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.bits
    }

    /// Whether all bits of `flag` are set.
    #[must_use]
    pub fn contains(self, flag: E) -> bool {
        self.bits & flag.bits() == flag.bits()
    }

    /// Whether no bit is set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.bits == 0
    }
}

impl<E> Clone for Flags<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Flags<E> {}

impl<E: Flag> Default for Flags<E> {
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

impl<E: Flag> fmt::Debug for Flags<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(E::VARIANTS.iter().filter(|flag| self.contains(**flag))).finish()
    }
}

impl<E: Flag> From<E> for Flags<E> {
    fn from(flag: E) -> Self {
        Self { bits: flag.bits(), of: PhantomData }
    }
}

impl<E: Flag> BitOr<E> for Flags<E> {
    type Output = Self;

    fn bitor(mut self, flag: E) -> Self {
        self |= flag;
        self
    }
}

impl<E: Flag> BitOrAssign<E> for Flags<E> {
    fn bitor_assign(&mut self, flag: E) {
        self.bits |= flag.bits();
    }
}

#[cfg(feature = "arbitrary")]
impl<'a, E: Flag> arbitrary::Arbitrary<'a> for Flags<E> {
    fn arbitrary(input: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let mut set = Self::empty();
        for flag in E::VARIANTS {
            if input.arbitrary()? {
                set |= *flag;
            }
        }
        Ok(set)
    }
}
