//! The one buffer behind a list and an info map.

use zerocopy::byteorder::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::source::sealed::Source;
use super::{ControlError, ControlType, ControlValueRef, IdMap};
use crate::serialize::native::Fixed;

/// The most bytes of a list or info map, header included: a mistake is then an error before it is an
/// empty memory. Statistics, the largest value in use, have 11 kilobytes.
pub const MAX_BYTES: usize = 16 << 20;

/// The most entries of a list or info map. libcamera has some hundred controls, a camera some dozens.
pub const MAX_ENTRIES: usize = 1024;

/// Start of a packet.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Header {
    pub entries: U32,
    pub bytes: U32,
    pub id_map: u8,
    pub reserved: [u8; 7],
}

/// A value, or where it lies.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Slot {
    pub kind: u8,
    pub is_array: u8,
    pub reserved: [u8; 2],
    /// A scalar, or a [`Place`].
    pub payload: [u8; 8],
}

/// Where a value lies that does not fit its slot.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct Place {
    pub count: U32,
    /// From the start of the values, so that another entry moves nothing but bytes.
    pub offset: U32,
}

/// Whether a value lies among the values rather than in its slot. That depends on its type alone, so
/// that there is one form of each value.
pub(super) const fn is_out_of_line(kind: ControlType, is_array: bool) -> bool {
    is_array || kind.element_bytes() > size_of::<Place>()
}

impl Slot {
    /// Its type, mark of an array, and place if it is out of line. Only for slots known to be valid.
    #[inline]
    fn parts(&self) -> (ControlType, bool, Option<Place>) {
        let kind = ControlType::from_number(self.kind).expect("checked when written or received");
        let is_array = self.is_array != 0;
        let place: Place = zerocopy::transmute!(self.payload);
        (kind, is_array, is_out_of_line(kind, is_array).then_some(place))
    }

    /// The value, given the bytes of all values. Only for slots known to be valid.
    #[inline]
    pub fn value<'a>(&'a self, values: &'a [u8]) -> ControlValueRef<'a> {
        let (kind, is_array, place) = self.parts();
        let bytes = match place {
            Some(place) => {
                let length = place.count.get() as usize * kind.element_bytes();
                &values[place.offset.get() as usize..][..length]
            }
            None => &self.payload[..kind.element_bytes()],
        };
        ControlValueRef::valid(kind, is_array, bytes)
    }

    /// Bytes that it has among the values. Only for slots known to be valid.
    fn bytes(&self) -> usize {
        let (kind, _, place) = self.parts();
        place.map_or(0, |place| place.count.get() as usize * kind.element_bytes())
    }

    /// The slot of this value, which is written to `values` at `offset` if it has to be.
    // In registers, see `libcamera::packet::Values::value`.
    #[inline(always)]
    fn fill<S: Source + ?Sized>(source: &S, values: &mut [u8], offset: &mut usize) -> Self {
        let (kind, is_array, bytes) = (source.control_type(), source.is_array(), source.byte_len());
        let payload = if is_out_of_line(kind, is_array) {
            // All are powers of two, which the compiler cannot know: it would divide.
            let count = bytes >> kind.element_bytes().trailing_zeros();
            // `Packet::put` has made sure that both fit.
            let place = Place { count: U32::new(count as u32), offset: U32::new(*offset as u32) };
            source.write_to(&mut values[*offset..][..bytes]);
            *offset += bytes;
            zerocopy::transmute!(place)
        } else {
            source.payload()
        };
        Self { kind: kind.number(), is_array: is_array.into(), reserved: [0; 2], payload }
    }
}

/// An entry of a packet: an id and slots.
pub(super) trait Entry: Fixed {
    fn id(&self) -> u32;
    fn slots(&self) -> &[Slot];
    fn slots_mut(&mut self) -> &mut [Slot];
    /// What it has beside id and slots.
    fn properties(&self) -> &[u8];
    /// Checks what is no slot, given that the slots are valid. The entry starts at `offset` in the packet.
    fn check(&self, offset: usize) -> Result<(), ControlError>;
}

/// Entries of different ids, then the values that do not fit their slots, in the order of the slots and
/// without gaps.
///
/// The header is kept beside the buffer, in terms of the host, so that an empty packet needs no memory.
#[derive(Debug)]
pub(super) struct Packet<E> {
    pub id_map: IdMap,
    entries: usize,
    buffer: Vec<u8>,
    of: std::marker::PhantomData<fn() -> E>,
}

impl<E: Entry> PartialEq for Packet<E> {
    /// Whether both have the same entries, in whatever order.
    fn eq(&self, other: &Self) -> bool {
        if self.id_map != other.id_map || self.entries != other.entries {
            return false;
        }
        let (entries, values) = self.parts();
        self.buffer == other.buffer
            || entries.iter().all(|entry| {
                other.get(entry.id()).is_some_and(|(twin, twin_values)| {
                    let slots = entry.slots().iter().zip(twin.slots());
                    entry.properties() == twin.properties()
                        && slots.into_iter().all(|(slot, twin)| slot.value(values) == twin.value(twin_values))
                })
            })
    }
}

impl<E: Entry> Eq for Packet<E> {}

impl<E> Clone for Packet<E> {
    fn clone(&self) -> Self {
        Self { buffer: self.buffer.clone(), ..*self }
    }

    fn clone_from(&mut self, source: &Self) {
        // Lists are copied for every frame: the memory of the last one serves again.
        self.buffer.clone_from(&source.buffer);
        (self.id_map, self.entries) = (source.id_map, source.entries);
    }
}

impl<E> Packet<E> {
    pub const fn new(id_map: IdMap) -> Self {
        Self { id_map, entries: 0, buffer: Vec::new(), of: std::marker::PhantomData }
    }

    pub const fn len(&self) -> usize {
        self.entries
    }

    pub fn clear(&mut self) {
        self.buffer.clear();
        self.entries = 0;
    }

    /// Bytes of the packet.
    pub fn bytes(&self) -> usize {
        size_of::<Header>() + self.buffer.len()
    }

    pub fn header(&self) -> Header {
        // `put` and `validate` keep both below `MAX_BYTES`.
        Header {
            entries: U32::new(self.entries as u32),
            bytes: U32::new(self.bytes() as u32),
            id_map: self.id_map.number(),
            reserved: [0; 7],
        }
    }

    /// What follows the header.
    pub fn body(&self) -> &[u8] {
        &self.buffer
    }
}

impl<E: Entry> Packet<E> {
    /// A copy of `bytes`, once they are known to be a packet.
    pub fn copy_from(&mut self, bytes: &[u8]) -> Result<(), ControlError> {
        let (id_map, entries) = super::validate::validate::<E>(bytes)?;
        self.buffer.clear();
        self.buffer.extend_from_slice(&bytes[size_of::<Header>()..]);
        (self.id_map, self.entries) = (id_map, entries);
        Ok(())
    }

    /// A packet of entries and the values for their slots, of which there are `count`, with at most
    /// `value_bytes` bytes in all.
    pub fn collect<'v, const N: usize>(
        id_map: IdMap,
        entries: impl Iterator<Item = Result<(E, [ControlValueRef<'v>; N]), ControlError>>,
        count: usize,
        value_bytes: usize,
    ) -> Result<Self, ControlError> {
        let values_start = count * size_of::<E>();
        let bytes = size_of::<Header>() + values_start + value_bytes;
        if bytes > MAX_BYTES {
            return Err(ControlError::TooLong { bytes, limit: MAX_BYTES });
        }
        let mut buffer = vec![0; values_start + value_bytes];
        let (places, values) = buffer.split_at_mut(values_start);
        let places = <[E]>::mut_from_bytes(places).expect("the split is at a multiple of an entry");
        let mut offset = 0;
        for (place, entry) in places.iter_mut().zip(entries) {
            let (entry, sources) = entry?;
            *place = entry;
            for (slot, source) in place.slots_mut().iter_mut().zip(&sources) {
                *slot = Slot::fill(source, values, &mut offset);
            }
        }
        buffer.truncate(values_start + offset);
        let packet = Self { id_map, entries: count, buffer, of: std::marker::PhantomData };
        super::validate::unique(packet.parts().0)?;
        Ok(packet)
    }

    /// The entries, and the bytes of the values.
    #[inline]
    pub fn parts(&self) -> (&[E], &[u8]) {
        let (entries, values) = self.buffer.split_at(self.entries * size_of::<E>());
        (<[E]>::ref_from_bytes(entries).expect("the split is at a multiple of an entry"), values)
    }

    fn parts_mut(&mut self) -> (&mut [E], &mut [u8]) {
        let (entries, values) = self.buffer.split_at_mut(self.entries * size_of::<E>());
        (<[E]>::mut_from_bytes(entries).expect("the split is at a multiple of an entry"), values)
    }

    /// The place of the entry of `id`.
    #[inline]
    fn find(&self, id: u32) -> Option<usize> {
        self.parts().0.iter().position(|entry| entry.id() == id)
    }

    /// The entry of `id`, and the bytes of the values.
    #[inline]
    pub fn get(&self, id: u32) -> Option<(&E, &[u8])> {
        let (entries, values) = self.parts();
        Some((entries.iter().find(|entry| entry.id() == id)?, values))
    }

    /// Where the values of the entry at `index` start among the values.
    fn values_start(&self, index: usize) -> usize {
        let (entries, values) = self.parts();
        let mut later = entries[index..].iter().flat_map(Entry::slots);
        later.find_map(|slot| slot.parts().2).map_or(values.len(), |place| place.offset.get() as usize)
    }

    /// Writes `entry` in the place of the one of the same id, or behind the others, with these values in
    /// its slots. If the values have as many bytes as those that they replace, nothing else is touched.
    pub fn put<S: Source + ?Sized>(&mut self, mut entry: E, sources: &[&S]) -> Result<(), ControlError> {
        let (index, is_new) = match self.find(entry.id()) {
            Some(index) => (index, false),
            None if self.entries == MAX_ENTRIES => {
                let entries = self.entries as u32 + 1;
                return Err(ControlError::TooMany { entries, limit: MAX_ENTRIES });
            }
            None => (self.entries, true),
        };
        let mut out_of_line =
            sources.iter().filter(|s| is_out_of_line(s.control_type(), s.is_array())).peekable();
        let in_slots = out_of_line.peek().is_none();
        let new = out_of_line.fold(0usize, |sum, source| sum.saturating_add(source.byte_len()));
        let old = self.parts().0.get(index).map_or(0, |entry| entry.slots().iter().map(Slot::bytes).sum());
        let start = match in_slots && old == 0 && !is_new {
            // A scalar over a scalar: where its values would start is of no interest.
            true => 0,
            false => self.values_start(index),
        };
        let added = if is_new { size_of::<E>() } else { 0 };
        let bytes = (self.bytes() - old + added).saturating_add(new);
        if bytes > MAX_BYTES {
            return Err(ControlError::TooLong { bytes, limit: MAX_BYTES });
        }
        self.reshape(index, start, old, new, added);
        let (entries, values) = self.parts_mut();
        let mut offset = start;
        for (slot, source) in entry.slots_mut().iter_mut().zip(sources) {
            *slot = Slot::fill(*source, values, &mut offset);
        }
        entries[index] = entry;
        Ok(())
    }

    /// Makes room at `index` for an entry of `added` bytes, if any, and for `new` bytes of values
    /// instead of the `old` ones from `start`.
    fn reshape(&mut self, index: usize, start: usize, old: usize, new: usize, added: usize) {
        if added == 0 && old == new {
            return;
        }
        let values = self.entries * size_of::<E>();
        let (from, to) = (values + start + old, values + added + start + new);
        let old_end = self.buffer.len();
        let new_end = old_end - from + to;
        self.buffer.resize(old_end.max(new_end), 0);
        self.buffer.copy_within(from..old_end, to);
        if added != 0 {
            let at = index * size_of::<E>();
            self.buffer.copy_within(at..values + start, at + added);
            self.entries += 1;
        }
        self.buffer.truncate(new_end);
        self.move_values(index + 1, old, new);
    }

    /// Removes the entry of `id` and says whether there was one.
    pub fn remove(&mut self, id: u32) -> bool {
        let Some(index) = self.find(id) else { return false };
        let start = self.values_start(index);
        let old: usize = self.parts().0[index].slots().iter().map(Slot::bytes).sum();
        let values = self.entries * size_of::<E>();
        self.buffer.drain(values + start..values + start + old);
        self.buffer.drain(index * size_of::<E>()..(index + 1) * size_of::<E>());
        self.entries -= 1;
        self.move_values(index, old, 0);
        true
    }

    /// Tells the entries from `index` that `old` bytes before their values have become `new`.
    fn move_values(&mut self, index: usize, old: usize, new: usize) {
        if old == new {
            return;
        }
        for slot in self.parts_mut().0[index..].iter_mut().flat_map(Entry::slots_mut) {
            if let (.., Some(mut place)) = slot.parts() {
                let offset = place.offset.get() as usize - old + new;
                place.offset = U32::new(offset as u32);
                slot.payload = zerocopy::transmute!(place);
            }
        }
    }
}
