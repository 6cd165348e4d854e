//! What can be set, within which limits.

use std::fmt;

use zerocopy::byteorder::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::list::Name;
use super::packet::{Entry, Packet, Slot};
use super::source::sealed::Source;
use super::validate::zero;
use super::{
    Control, ControlData, ControlError, ControlKey, ControlType, ControlValue, ControlValueRef, Direction,
    IdMap,
};

/// An entry: a control, what it is, and its limits.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct InfoEntry {
    id: U32,
    kind: u8,
    direction: u8,
    reserved: [u8; 2],
    /// Minimum, maximum, default.
    values: [Slot; 3],
}

impl InfoEntry {
    /// An entry without values, whose limits will have these types.
    fn new(
        id: u32,
        kind: ControlType,
        direction: Direction,
        limits: [ControlType; 3],
    ) -> Result<Self, ControlError> {
        check_types(id, kind, limits)?;
        Ok(Self {
            id: id.into(),
            kind: kind.number(),
            direction: direction.number(),
            reserved: [0; 2],
            values: [Slot::default(); 3],
        })
    }
}

impl Entry for InfoEntry {
    #[inline]
    fn id(&self) -> u32 {
        self.id.get()
    }

    fn slots(&self) -> &[Slot] {
        &self.values
    }

    fn slots_mut(&mut self) -> &mut [Slot] {
        &mut self.values
    }

    fn properties(&self) -> &[u8] {
        // Type, direction and the reserved bytes.
        &self.as_bytes()[size_of::<U32>()..std::mem::offset_of!(Self, values)]
    }

    fn check(&self, offset: usize) -> Result<(), ControlError> {
        let id = self.id();
        zero(&self.reserved, offset + std::mem::offset_of!(Self, reserved))?;
        let value = self.direction;
        Direction::from_number(value).ok_or(ControlError::Direction { id, value })?;
        let kind =
            ControlType::from_number(self.kind).ok_or(super::ValueError::Type { value: self.kind }.of(id))?;
        let types = self.values.map(|slot| ControlType::from_number(slot.kind).unwrap_or_default());
        check_types(id, kind, types)
    }
}

/// Checks that minimum, maximum and default can be those of a control of type `kind`. libcamera's own
/// reader aborts the process if the minimum cannot.
fn check_types(id: u32, kind: ControlType, types: [ControlType; 3]) -> Result<(), ControlError> {
    let limit = match kind {
        ControlType::String => ControlType::I32,
        kind => kind,
    };
    let members = ["minimum", "maximum", "default"];
    for ((member, found), expected) in members.into_iter().zip(types).zip([limit, limit, kind]) {
        let absent = member == "default" && found == ControlType::None;
        if found != expected && !absent {
            return Err(ControlError::Limit { id, member, kind, found });
        }
    }
    Ok(())
}

/// Limits of a control.
///
/// ```
/// use ringfence::serialize::controls::ControlInfo;
///
/// let exposure = ControlInfo::new(1, 66_666).with_default(20_000);
/// let gain = ControlInfo::new(1.0f32, 16.0f32);
/// assert!(exposure.default.is_some() && gain.default.is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ControlInfo {
    /// The least value, or for an array the least of each element. For a text, its length in bytes.
    pub min: ControlValue,
    /// The greatest value, likewise.
    pub max: ControlValue,
    /// The value if nobody sets one.
    pub default: Option<ControlValue>,
}

impl ControlInfo {
    /// Limits without a default.
    #[must_use]
    pub fn new(min: impl Into<ControlValue>, max: impl Into<ControlValue>) -> Self {
        Self { min: min.into(), max: max.into(), default: None }
    }

    /// The same limits with this default.
    #[must_use]
    pub fn with_default(self, default: impl Into<ControlValue>) -> Self {
        Self { default: Some(default.into()), ..self }
    }
}

/// Limits of a control, in a map.
#[derive(Clone, Copy)]
pub struct ControlInfoRef<'a> {
    entry: &'a InfoEntry,
    values: &'a [u8],
}

impl<'a> ControlInfoRef<'a> {
    /// Type of the control.
    #[must_use]
    pub fn control_type(&self) -> ControlType {
        ControlType::from_number(self.entry.kind).expect("checked when written or received")
    }

    /// Who may write the control.
    #[must_use]
    pub fn direction(&self) -> Direction {
        Direction::from_number(self.entry.direction).expect("checked when written or received")
    }

    /// See [`ControlInfo::min`].
    #[must_use]
    pub fn min(&self) -> ControlValueRef<'a> {
        self.entry.values[0].value(self.values)
    }

    /// See [`ControlInfo::max`].
    #[must_use]
    pub fn max(&self) -> ControlValueRef<'a> {
        self.entry.values[1].value(self.values)
    }

    /// See [`ControlInfo::default`].
    #[must_use]
    pub fn default(&self) -> Option<ControlValueRef<'a>> {
        let value = self.entry.values[2].value(self.values);
        (value.control_type() != ControlType::None).then_some(value)
    }

    /// A copy that owns its values.
    #[must_use]
    pub fn to_owned(&self) -> ControlInfo {
        ControlInfo {
            min: self.min().to_owned(),
            max: self.max().to_owned(),
            default: self.default().map(|value| value.to_owned()),
        }
    }
}

impl fmt::Debug for ControlInfoRef<'_> {
    /// As in `In f32 1.0..16.0, default 1.0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} {:?}..{:?}", self.direction(), self.control_type(), self.min(), self.max())?;
        match self.default() {
            Some(value) => write!(f, ", default {value:?}"),
            None => Ok(()),
        }
    }
}

/// Controls and their limits, at most one entry a control, in one buffer.
///
/// ```
/// use ringfence::serialize::controls::{ControlInfo, ControlInfoMap, Direction, ids::controls};
///
/// let mut map = ControlInfoMap::default();
/// let limits = ControlInfo::new(1.0f32, 16.0f32).with_default(1.0f32);
/// map.set(&controls::ANALOGUE_GAIN, Direction::InOut, &limits).unwrap();
/// assert_eq!(map.get(&controls::ANALOGUE_GAIN).unwrap().max().get::<f32>(), Some(16.0));
/// assert_eq!(format!("{map:?}"), "{AnalogueGain: InOut f32 1.0..16.0, default 1.0}");
/// ```
///
/// Equality is as for a [`ControlList`](super::ControlList).
#[derive(PartialEq, Eq)]
pub struct ControlInfoMap(pub(super) Packet<InfoEntry>);

impl ControlInfoMap {
    /// An empty map of controls numbered like this.
    #[must_use]
    pub const fn new(id_map: IdMap) -> Self {
        Self(Packet::new(id_map))
    }

    /// How its controls are numbered.
    #[must_use]
    pub const fn id_map(&self) -> IdMap {
        self.0.id_map
    }

    /// Controls in the map.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is known of a control.
    #[must_use]
    pub fn get<K: ControlKey>(&self, key: K) -> Option<ControlInfoRef<'_>> {
        let (entry, values) = self.0.get(key.id())?;
        Some(ControlInfoRef { entry, values })
    }

    /// Whether the map has a control.
    #[must_use]
    pub fn contains<K: ControlKey>(&self, key: K) -> bool {
        self.0.get(key.id()).is_some()
    }

    /// Sets what is known of a control.
    ///
    /// # Errors
    /// As [`ControlInfoMap::insert`].
    pub fn set<T: ControlData + ?Sized>(
        &mut self,
        control: &Control<T>,
        direction: Direction,
        info: &ControlInfo,
    ) -> Result<(), ControlError> {
        self.insert(control.id(), T::TYPE, direction, info)
    }

    /// Sets what is known of the control with this id, whose values are of type `kind`.
    ///
    /// # Errors
    /// [`ControlError::Limit`] if minimum, maximum or default have another type: the limits of a text
    /// are its lengths, in [`ControlType::I32`], others have the type of the control.
    /// [`ControlError::TooLong`] or [`ControlError::TooMany`] if the map would exceed
    /// [`MAX_BYTES`](super::MAX_BYTES) or [`MAX_ENTRIES`](super::MAX_ENTRIES). The map is then as it was.
    pub fn insert(
        &mut self,
        id: u32,
        kind: ControlType,
        direction: Direction,
        info: &ControlInfo,
    ) -> Result<(), ControlError> {
        let default = info.default.as_ref().unwrap_or(&ControlValue::None);
        let sources = [&info.min, &info.max, default].map(ControlValue::source);
        let entry = InfoEntry::new(id, kind, direction, sources.map(Source::control_type))?;
        self.0.put(entry, &sources)
    }

    /// A map of `count` controls: what each is, and its minimum, maximum and default, whose values have at most
    /// `value_bytes` bytes in all.
    pub(in crate::serialize) fn collect<'v>(
        id_map: IdMap,
        entries: impl Iterator<
            Item = Result<(u32, ControlType, Direction, [ControlValueRef<'v>; 3]), ControlError>,
        >,
        count: usize,
        value_bytes: usize,
    ) -> Result<Self, ControlError> {
        let entries = entries.map(|entry| {
            let (id, kind, direction, limits) = entry?;
            let types = limits.map(|limit| limit.control_type());
            Ok((InfoEntry::new(id, kind, direction, types)?, limits))
        });
        Packet::collect(id_map, entries, count, value_bytes).map(Self)
    }

    /// Removes a control, and says whether it was there.
    pub fn remove<K: ControlKey>(&mut self, key: K) -> bool {
        self.0.remove(key.id())
    }

    /// Removes all controls, and keeps the memory for others.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The controls and what is known of them, in the order in which they were first set.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u32, ControlInfoRef<'_>)> + Clone {
        let (entries, values) = self.0.parts();
        entries.iter().map(move |entry| (entry.id(), ControlInfoRef { entry, values }))
    }

    /// A map from the bytes of its packet, see [`controls`](super).
    ///
    /// # Errors
    /// [`ControlError`] if they are not exactly what a map is encoded to.
    pub fn from_packet(bytes: &[u8]) -> Result<Self, ControlError> {
        let mut map = Self::default();
        map.0.copy_from(bytes)?;
        Ok(map)
    }
}

impl Clone for ControlInfoMap {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }

    fn clone_from(&mut self, source: &Self) {
        self.0.clone_from(&source.0);
    }
}

impl Default for ControlInfoMap {
    /// An empty map of libcamera's controls.
    fn default() -> Self {
        Self::new(IdMap::Controls)
    }
}

impl fmt::Debug for ControlInfoMap {
    /// Names and limits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(id, info)| (Name(id, self.id_map()), info))).finish()
    }
}
