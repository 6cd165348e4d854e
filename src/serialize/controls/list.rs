//! Values of controls.

use std::fmt;

use zerocopy::byteorder::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::packet::{Entry, Packet, Slot};
use super::{
    Control, ControlData, ControlError, ControlKey, ControlSource, ControlValueRef, IdMap, SourceOf, ids,
};

/// An entry: a control and its value.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct ListEntry {
    id: U32,
    value: Slot,
}

impl Entry for ListEntry {
    #[inline]
    fn id(&self) -> u32 {
        self.id.get()
    }

    fn slots(&self) -> &[Slot] {
        std::slice::from_ref(&self.value)
    }

    fn slots_mut(&mut self) -> &mut [Slot] {
        std::slice::from_mut(&mut self.value)
    }

    fn properties(&self) -> &[u8] {
        &[]
    }

    fn check(&self, _: usize) -> Result<(), ControlError> {
        Ok(())
    }
}

/// Controls and their values, at most one value a control, in one buffer.
///
/// ```
/// use ringfence::serialize::ControlList;
/// use ringfence::serialize::controls::ids::controls;
///
/// let mut list = ControlList::default();
/// list.set(&controls::EXPOSURE_TIME, 20_000);
/// list.set(&controls::COLOUR_GAINS, [1.5, 2.0]);
/// assert_eq!(list.get(&controls::COLOUR_GAINS), Some([1.5, 2.0]));
/// assert_eq!(list.get(&controls::ANALOGUE_GAIN), None);
/// assert_eq!(format!("{list:?}"), "{ExposureTime: 20000, ColourGains: [1.5, 2.0]}");
/// ```
///
/// Controls stay in the order in which they were first set. An empty list takes no memory from the
/// heap. Setting a value where one of the same size was moves nothing; another size, or another
/// control, moves the arrays behind it.
///
/// Two lists are equal if they have the same id map, the same controls, in whatever order, and values of
/// the same bytes: `NaN` equals itself, and `0.0` is not `-0.0`.
#[derive(PartialEq, Eq)]
pub struct ControlList(pub(super) Packet<ListEntry>);

impl ControlList {
    /// An empty list of controls numbered like this.
    #[must_use]
    pub const fn new(id_map: IdMap) -> Self {
        Self(Packet::new(id_map))
    }

    /// How its controls are numbered.
    #[must_use]
    pub const fn id_map(&self) -> IdMap {
        self.0.id_map
    }

    /// Controls in the list.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a control. A [`Control`] gives its type, or `None` if the value has another; an id
    /// gives a [`ControlValueRef`].
    #[must_use]
    #[inline]
    pub fn get<K: ControlKey>(&self, key: K) -> Option<K::Output<'_>> {
        let (entry, values) = self.0.get(key.id())?;
        key.read(entry.value.value(values))
    }

    /// The value of a control, which has to be there.
    ///
    /// # Errors
    /// [`ControlError::Missing`], or [`ControlError::Mismatch`] if it has another type or length.
    pub fn try_get<T: ControlData + ?Sized>(
        &self,
        control: &Control<T>,
    ) -> Result<T::Output<'_>, ControlError> {
        let (id, name) = (control.id(), control.name());
        let value = self.get(id).ok_or(ControlError::Missing { id, name })?;
        T::read(value).ok_or_else(|| ControlError::Mismatch {
            id,
            name,
            found: value.shape(),
            expected: T::shape(),
        })
    }

    /// Whether a control has a value, of whatever type.
    #[must_use]
    pub fn contains<K: ControlKey>(&self, key: K) -> bool {
        self.0.get(key.id()).is_some()
    }

    /// Sets the value of a control.
    ///
    /// # Panics
    /// If the list would exceed [`MAX_BYTES`](super::MAX_BYTES) or [`MAX_ENTRIES`](super::MAX_ENTRIES);
    /// [`ControlList::insert`] tells instead.
    pub fn set<T: ?Sized>(&mut self, control: &Control<T>, value: impl SourceOf<T>) {
        if let Err(error) = self.insert(control.id(), value) {
            panic!("{control:?} cannot be set: {error}");
        }
    }

    /// Sets the value of the control with this id, of whatever type.
    ///
    /// # Errors
    /// [`ControlError::TooLong`] or [`ControlError::TooMany`] if the list would exceed
    /// [`MAX_BYTES`](super::MAX_BYTES) or [`MAX_ENTRIES`](super::MAX_ENTRIES); it is then as it was.
    pub fn insert(&mut self, id: u32, value: impl ControlSource) -> Result<(), ControlError> {
        self.0.put(ListEntry { id: id.into(), value: Slot::default() }, &[&value])
    }

    /// Removes the value of a control, and says whether there was one.
    pub fn remove<K: ControlKey>(&mut self, key: K) -> bool {
        self.0.remove(key.id())
    }

    /// Removes all values, and keeps the memory for others.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Sets all values of `other`, over those that are there.
    ///
    /// # Errors
    /// [`ControlError::IdMaps`] if the lists are numbered differently. As [`ControlList::insert`] if this
    /// one would grow too large; it has then some of the values.
    pub fn merge(&mut self, other: &Self) -> Result<(), ControlError> {
        if self.id_map() != other.id_map() {
            return Err(ControlError::IdMaps { found: other.id_map(), expected: self.id_map() });
        }
        other.iter().try_for_each(|(id, value)| self.insert(id, value))
    }

    /// The controls and their values, in the order in which they were first set.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u32, ControlValueRef<'_>)> + Clone {
        let (entries, values) = self.0.parts();
        entries.iter().map(|entry| (entry.id(), entry.value.value(values)))
    }

    /// A list of `count` controls, whose values have at most `value_bytes` bytes in all.
    pub(in crate::serialize) fn collect<'v>(
        id_map: IdMap,
        entries: impl Iterator<Item = Result<(u32, ControlValueRef<'v>), ControlError>>,
        count: usize,
        value_bytes: usize,
    ) -> Result<Self, ControlError> {
        let entries = entries.map(|entry| {
            entry.map(|(id, value)| (ListEntry { id: id.into(), value: Slot::default() }, [value]))
        });
        Packet::collect(id_map, entries, count, value_bytes).map(Self)
    }

    /// A list from the bytes of its packet, see [`controls`](super).
    ///
    /// # Errors
    /// [`ControlError`] if they are not exactly what a list is encoded to.
    pub fn from_packet(bytes: &[u8]) -> Result<Self, ControlError> {
        let mut list = Self::default();
        list.copy_packet(bytes)?;
        Ok(list)
    }

    /// Becomes the list of this packet, in the memory at hand if it suffices.
    ///
    /// # Errors
    /// As [`ControlList::from_packet`]; the list is then as it was.
    pub fn copy_packet(&mut self, bytes: &[u8]) -> Result<(), ControlError> {
        self.0.copy_from(bytes)
    }
}

impl Clone for ControlList {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }

    fn clone_from(&mut self, source: &Self) {
        self.0.clone_from(&source.0);
    }
}

impl Default for ControlList {
    /// An empty list of libcamera's controls.
    fn default() -> Self {
        Self::new(IdMap::Controls)
    }
}

impl fmt::Debug for ControlList {
    /// Names and values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(id, value)| (Name(id, self.id_map()), value))).finish()
    }
}

/// The name of a control if it is known, or its id.
pub(super) struct Name(pub u32, pub IdMap);

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match ids::name_of(self.0, self.1) {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#x}", self.0),
        }
    }
}
