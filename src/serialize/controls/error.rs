//! What can be wrong with controls.

use super::{ControlType, IdMap, Shape};

/// Why a packet of controls was refused, or a control could not be set or read.
///
/// ```
/// use ringfence::serialize::controls::{ControlError, ControlList, ids::controls};
///
/// let list = ControlList::default();
/// let error = list.try_get(&controls::EXPOSURE_TIME).unwrap_err();
/// assert!(matches!(error, ControlError::Missing { name: "ExposureTime", .. }));
/// assert_eq!(error.to_string(), "the list has no ExposureTime (control 0x7)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// The packet cannot hold its header, or the entries that the header announces.
    #[error("the packet needs {needed} bytes for {entries} entries and has {available}")]
    Short {
        /// Entries announced.
        entries: u32,
        /// Bytes that the header and they take.
        needed: u64,
        /// Bytes of the packet.
        available: usize,
    },
    /// The header announces another length than the packet has.
    #[error("the packet announces {announced} bytes and has {available}")]
    Length {
        /// Bytes announced.
        announced: u32,
        /// Bytes of the packet.
        available: usize,
    },
    /// More bytes than a packet may have.
    #[error(
        "controls of {bytes} bytes exceed the limit of {limit}; pass large data in a buffer, by descriptor"
    )]
    TooLong {
        /// Bytes of the packet.
        bytes: usize,
        /// The most.
        limit: usize,
    },
    /// A number that names no id map.
    #[error("{value} is no id map; 0 to 2 are")]
    IdMap {
        /// The number found.
        value: u8,
    },
    /// A reserved byte that is not zero.
    #[error("the reserved byte at offset {offset} is {value} instead of zero")]
    Reserved {
        /// Its offset in the packet.
        offset: usize,
        /// What it holds.
        value: u8,
    },
    /// More controls than a packet may have.
    #[error("{entries} controls exceed the limit of {limit}")]
    TooMany {
        /// Controls in the packet.
        entries: u32,
        /// The most.
        limit: usize,
    },
    /// A control that comes twice.
    #[error("control {id:#x} comes more than once")]
    Duplicate {
        /// The control.
        id: u32,
    },
    /// A number that names no direction.
    #[error("control {id:#x} has direction {value}; 1 to 3 are known")]
    Direction {
        /// The control.
        id: u32,
        /// The number found.
        value: u8,
    },
    /// A minimum, maximum or default of another type than the control's.
    #[error("the {member} of control {id:#x} is {found}; for a control of type {kind} it cannot be")]
    Limit {
        /// The control.
        id: u32,
        /// `minimum`, `maximum` or `default`.
        member: &'static str,
        /// Type of the control.
        kind: ControlType,
        /// Type of the member.
        found: ControlType,
    },
    /// A value that is malformed.
    #[error("control {id:#x}: {problem}")]
    Value {
        /// The control.
        id: u32,
        /// What is wrong with it.
        problem: ValueError,
    },
    /// Bytes that belong to no value.
    #[error("{bytes} bytes are left over behind the last value")]
    Trailing {
        /// How many.
        bytes: usize,
    },
    /// A control that is not there.
    #[error("the list has no {name} (control {id:#x})")]
    Missing {
        /// The control.
        id: u32,
        /// Its name.
        name: &'static str,
    },
    /// A control that is there with another type.
    #[error("{name} (control {id:#x}) is {found}, not {expected}")]
    Mismatch {
        /// The control.
        id: u32,
        /// Its name.
        name: &'static str,
        /// What is there.
        found: Shape,
        /// What it should be.
        expected: Shape,
    },
    /// Two lists whose ids mean different things.
    #[error("controls numbered as {found:?} cannot join those numbered as {expected:?}")]
    IdMaps {
        /// The numbering of the list that should be added.
        found: IdMap,
        /// The numbering of the list that should take it.
        expected: IdMap,
    },
    /// A number that names no enumerator.
    #[error("{value} is no value of {name}")]
    Enumerator {
        /// The enum.
        name: &'static str,
        /// The number.
        value: i32,
    },
}

/// What is wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// A number that names no type.
    #[error("{value} is no type of value; 0 to 11 are")]
    Type {
        /// The number found.
        value: u8,
    },
    /// The mark of an array is neither 0 nor 1, or wrong for the type.
    #[error("a value of type {kind} cannot have {value} as mark of an array")]
    ArrayMark {
        /// Type of the value.
        kind: ControlType,
        /// The mark found.
        value: u8,
    },
    /// Bytes behind a short value that are not zero.
    #[error("the unused bytes behind a {kind} are not zero")]
    Padding {
        /// Type of the value.
        kind: ControlType,
    },
    /// The value is somewhere else than it has to be.
    #[error("the value at offset {found} must be at offset {expected}")]
    Misplaced {
        /// Where the slot says it is.
        found: u32,
        /// Where it has to be.
        expected: usize,
    },
    /// The value reaches beyond the packet.
    #[error("{count} elements of type {kind} exceed the {available} bytes that are left")]
    Beyond {
        /// Type of the elements.
        kind: ControlType,
        /// How many are announced.
        count: u32,
        /// Bytes left in the packet.
        available: usize,
    },
    /// The bytes are not a whole number of elements, or not one.
    #[error("{bytes} bytes cannot hold {}{kind}", if *.is_array { "an array of " } else { "one " })]
    Bytes {
        /// Type of the value.
        kind: ControlType,
        /// Whether it is an array.
        is_array: bool,
        /// Bytes given.
        bytes: usize,
    },
    /// A truth value that is neither.
    #[error("element {index} is {value}, which is no truth value; 0 or 1 are")]
    Bool {
        /// Which element.
        index: usize,
        /// What it holds.
        value: u8,
    },
    /// Text that is not UTF-8.
    #[error("the text is not UTF-8 after its first {valid} bytes")]
    Utf8 {
        /// Bytes that are.
        valid: usize,
    },
}

impl ValueError {
    /// The same error, seen from the packet that has the control.
    pub(super) const fn of(self, id: u32) -> ControlError {
        ControlError::Value { id, problem: self }
    }
}
