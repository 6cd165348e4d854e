//! The check of every packet that somebody else wrote.
//!
//! One pass over entries and values, and a sort of the ids if they do not ascend; no memory but the
//! stack, and nothing that depends on a number which has not been checked. Offsets are running sums, so
//! that values cannot overlap.

use zerocopy::FromBytes;

use super::packet::{Entry, Header, MAX_BYTES, MAX_ENTRIES, Place, Slot, is_out_of_line};
use super::{ControlError, ControlType, ControlValueRef, IdMap, ValueError};

/// Entries up to which comparing each with each is the fastest way.
const FEW_ENTRIES: usize = 16;

/// Checks that `bytes` are exactly what a packet of these entries looks like, and returns its id map
/// and how many entries it has.
pub(super) fn validate<E: Entry>(bytes: &[u8]) -> Result<(IdMap, usize), ControlError> {
    let available = bytes.len();
    if available > MAX_BYTES {
        return Err(ControlError::TooLong { bytes: available, limit: MAX_BYTES });
    }
    let short = |entries| ControlError::Short {
        entries,
        needed: size_of::<Header>() as u64 + u64::from(entries) * size_of::<E>() as u64,
        available,
    };
    let (header, body) = Header::ref_from_prefix(bytes).map_err(|_| short(0))?;
    if header.bytes.get() as usize != available {
        return Err(ControlError::Length { announced: header.bytes.get(), available });
    }
    let id_map = IdMap::from_number(header.id_map).ok_or(ControlError::IdMap { value: header.id_map })?;
    zero(&header.reserved, std::mem::offset_of!(Header, reserved))?;

    let count = header.entries.get();
    if count as usize > MAX_ENTRIES {
        return Err(ControlError::TooMany { entries: count, limit: MAX_ENTRIES });
    }
    let (entries, mut values) =
        <[E]>::ref_from_prefix_with_elems(body, count as usize).map_err(|_| short(count))?;
    let whole = values.len();
    unique(entries)?;
    for (index, entry) in entries.iter().enumerate() {
        let id = entry.id();
        let offset = size_of::<Header>() + index * size_of::<E>();
        let slots_offset = offset + size_of::<E>() - size_of_val(entry.slots());
        for (slot_index, slot) in entry.slots().iter().enumerate() {
            let reserved =
                slots_offset + slot_index * size_of::<Slot>() + std::mem::offset_of!(Slot, reserved);
            zero(&slot.reserved, reserved)?;
            values = check_slot(slot, values, whole).map_err(|problem| problem.of(id))?;
        }
        entry.check(offset)?;
    }
    match values.len() {
        0 => Ok((id_map, entries.len())),
        bytes => Err(ControlError::Trailing { bytes }),
    }
}

/// Checks that no id comes twice among these entries, of which there are at most [`MAX_ENTRIES`].
pub(super) fn unique<E: Entry>(entries: &[E]) -> Result<(), ControlError> {
    // Whoever sets controls in the order of their numbers spares the reader the rest.
    if entries.is_sorted_by(|left, right| left.id() < right.id()) {
        return Ok(());
    }
    // Ids in use are close together: mostly no two of them end in the same six bits.
    let mut ends = 0u64;
    let differ = entries.iter().all(|entry| {
        let end = 1 << (entry.id() % u64::BITS);
        let is_new = ends & end == 0;
        ends |= end;
        is_new
    });
    if differ {
        return Ok(());
    }
    // A handful is compared faster than the memory to sort many is cleared.
    if entries.len() <= FEW_ENTRIES {
        let repeats = |index: usize| entries[..index].iter().any(|entry| entry.id() == entries[index].id());
        return match (1..entries.len()).find(|&index| repeats(index)) {
            Some(index) => Err(ControlError::Duplicate { id: entries[index].id() }),
            None => Ok(()),
        };
    }
    let mut ids = [0; MAX_ENTRIES];
    let ids = &mut ids[..entries.len()];
    for (id, entry) in ids.iter_mut().zip(entries) {
        *id = entry.id();
    }
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(ControlError::Duplicate { id: pair[0] }),
        None => Ok(()),
    }
}

/// Checks that the bytes from `offset` are zero.
#[inline]
pub(super) fn zero(reserved: &[u8], offset: usize) -> Result<(), ControlError> {
    match reserved.iter().position(|byte| *byte != 0) {
        Some(index) => Err(ControlError::Reserved { offset: offset + index, value: reserved[index] }),
        None => Ok(()),
    }
}

/// Checks a slot whose value has to be next in `values`, what is left of `whole` bytes, and returns
/// what is left behind it.
#[inline]
fn check_slot<'a>(slot: &Slot, values: &'a [u8], whole: usize) -> Result<&'a [u8], ValueError> {
    let kind = ControlType::from_number(slot.kind).ok_or(ValueError::Type { value: slot.kind })?;
    let is_array = match slot.is_array {
        0 => false,
        1 => true,
        value => return Err(ValueError::ArrayMark { kind, value }),
    };
    if !is_out_of_line(kind, is_array) {
        // Of all scalars only a truth value can be wrong, and a text that is one; what a scalar leaves of the
        // payload must be zero.
        if matches!(kind, ControlType::Bool | ControlType::String) {
            ControlValueRef::new(kind, is_array, &slot.payload[..1])?;
        }
        let unused = u64::from_le_bytes(slot.payload).checked_shr(8 * kind.element_bytes() as u32);
        return match unused.unwrap_or(0) {
            0 => Ok(values),
            _ => Err(ValueError::Padding { kind }),
        };
    }
    let place: Place = zerocopy::transmute!(slot.payload);
    let (found, expected) = (place.offset.get(), whole - values.len());
    if found as usize != expected {
        return Err(ValueError::Misplaced { found, expected });
    }
    let count = place.count.get();
    let length = (count as usize).checked_mul(kind.element_bytes());
    let (value, rest) = length
        .and_then(|length| values.split_at_checked(length))
        .ok_or(ValueError::Beyond { kind, count, available: values.len() })?;
    // An array of "none", whose elements take no bytes however many they are, is refused here.
    ControlValueRef::new(kind, is_array, value)?;
    Ok(rest)
}
