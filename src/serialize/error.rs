//! Why a value could not be written or read.

use std::fmt;

use super::controls::{ControlError, ControlType};
use super::libcamera::Version;

/// Why a value cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// More descriptors than one message can carry.
    #[error(
        "a message with {count} file descriptors exceeds the {limit} that one message can carry; send them in several calls"
    )]
    TooManyFds {
        /// Descriptors in the message.
        count: usize,
        /// The most that a message can carry.
        limit: usize,
    },
    /// More bytes than offsets can express.
    #[error("a message of {bytes} bytes exceeds the {limit} that offsets can express")]
    TooLong {
        /// Bytes of the message.
        bytes: usize,
        /// The most.
        limit: usize,
    },
    /// Descriptors where libcamera's encoding has no place for them.
    #[error(
        "`{field}` holds {count} file descriptors; libcamera sends none there unless it is marked `[hasFd]`"
    )]
    UnmarkedFds {
        /// The field or parameter.
        field: &'static str,
        /// Descriptors in it.
        count: usize,
    },
    /// A list of V4L2 controls that the peer could not read: it needs a map of them first.
    #[error(
        "a list of V4L2 controls ({id:#x} and others) needs a control info map that has them, and none was sent or received since `configure`; send the map first"
    )]
    NoMap {
        /// The first control of the list.
        id: u32,
    },
    /// An array of controls that is longer than a count of 16 bits can say.
    #[error(
        "control {id:#x} has {count} elements, more than the {} that libcamera's encoding can count",
        u16::MAX
    )]
    TooManyElements {
        /// The control.
        id: u32,
        /// Its elements.
        count: usize,
    },
    /// A type of control that the version does not have.
    #[error("control {id:#x} is of type {kind}, which {version} does not have")]
    NoSuchType {
        /// The control.
        id: u32,
        /// Its type.
        kind: ControlType,
        /// The encoding.
        version: Version,
    },
    /// An array among the limits of a control, where only scalars can be sent.
    #[error(
        "a limit of control {id:#x} is an array, and {version} only has scalars there; leave out the default"
    )]
    ArrayLimit {
        /// The control.
        id: u32,
        /// The encoding.
        version: Version,
    },
}

/// Why a message was refused: what is wrong, and in which field.
///
/// ```
/// use ringfence::serialize::native::{DecodeError, Decoder, Problem};
///
/// // Two truth values, of which the second is neither.
/// let message = [8, 0, 0, 0, 2, 0, 0, 0, 1, 7, 0, 0, 0, 0, 0, 0];
/// let error: DecodeError = Decoder::message::<Vec<bool>>(&message, &mut []).unwrap_err();
/// assert_eq!(*error.problem(), Problem::Bool { value: 7 });
/// assert_eq!(error.to_string(), "[1]: 7 is no truth value; 0 or 1 are");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    problem: Problem,
    /// Fields from the innermost to the outermost; filled in only as the error travels up.
    path: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Field(&'static str),
    Index(usize),
}

/// What is wrong with a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The message ends too early.
    #[error("{needed} bytes are needed at offset {offset}, the message has {available}")]
    Short {
        /// Where the bytes should be.
        offset: usize,
        /// Bytes needed there.
        needed: u64,
        /// Bytes of the whole message.
        available: usize,
    },
    /// A region is somewhere else than it has to be.
    #[error("a region at offset {found} must be at offset {expected}")]
    Misplaced {
        /// Where the span says it is.
        found: usize,
        /// Where it has to be.
        expected: usize,
    },
    /// A byte that only fills up to the next region is not zero.
    #[error("the byte at offset {offset} is padding and must be 0, not {value}")]
    Padding {
        /// Where it is.
        offset: usize,
        /// The byte found.
        value: u8,
    },
    /// Bytes are left after the last value.
    #[error("{bytes} bytes are left over at the end")]
    Trailing {
        /// How many.
        bytes: usize,
    },
    /// A truth value that is neither.
    #[error("{value} is no truth value; 0 or 1 are")]
    Bool {
        /// The byte found.
        value: u8,
    },
    /// Text that is not UTF-8.
    #[error("the text is not UTF-8 after its first {valid} bytes")]
    Utf8 {
        /// Bytes that are.
        valid: usize,
    },
    /// A map whose keys do not ascend, or repeat.
    #[error("the keys do not ascend strictly")]
    KeyOrder,
    /// A descriptor is claimed that did not come, or out of turn.
    #[error("descriptor {found} is claimed where {expected} of {count} is due")]
    Fd {
        /// Its place, from 1.
        found: u32,
        /// The place that is due.
        expected: usize,
        /// Descriptors that came with the message.
        count: usize,
    },
    /// Descriptors came that nothing claims.
    #[error("{count} file descriptors came with the message, {used} belong to it")]
    SurplusFds {
        /// Descriptors that came.
        count: usize,
        /// Descriptors claimed.
        used: usize,
    },
    /// A control list or control info map is malformed.
    #[error(transparent)]
    Controls(#[from] ControlError),
    /// A value ends too early, or reaches beyond what holds it.
    #[error("{needed} bytes are needed at offset {offset}, where {left} are left")]
    Beyond {
        /// Where the bytes should be, from the start of the message.
        offset: usize,
        /// Bytes needed there.
        needed: u64,
        /// Bytes that are left there.
        left: usize,
    },
    /// A value claims descriptors that do not belong to it, or leaves some over.
    #[error(
        "the value has {used} file descriptors where {announced} are announced, of {available} that are left"
    )]
    AnnouncedFds {
        /// Descriptors that it claimed.
        used: usize,
        /// Descriptors announced.
        announced: usize,
        /// Descriptors left of those that came with the message.
        available: usize,
    },
    /// A map that has a key twice.
    #[error("a key comes more than once")]
    RepeatedKey,
    /// A packet of controls of another format.
    #[error("a packet of controls has format {found}, and {version} has another")]
    PacketFormat {
        /// The number found.
        found: u32,
        /// The encoding.
        version: Version,
    },
    /// A packet of controls whose parts do not fit into it.
    #[error(
        "a packet of controls with {entries} entries, data at {data_offset} and {size} bytes does not fit into {available} bytes"
    )]
    PacketLayout {
        /// Entries announced.
        entries: u32,
        /// Start of the values.
        data_offset: u32,
        /// Bytes announced.
        size: u32,
        /// Bytes there are.
        available: usize,
    },
    /// A number that names no id map.
    #[error("{found} is no id map; 0 to 2 are")]
    IdMap {
        /// The number found.
        found: u32,
    },
    /// A map under the handle that means "no map".
    #[error("a control info map has handle 0, which names none")]
    NoHandle,
    /// A list whose map was never sent.
    #[error("a list refers to control info map {handle}, which is not known")]
    UnknownMap {
        /// The handle.
        handle: u32,
    },
    /// A list of V4L2 controls that names no map.
    #[error("a list of {entries} V4L2 controls names no control info map")]
    MissingMap {
        /// Controls in the list.
        entries: u32,
    },
    /// More maps than anybody wants to keep.
    #[error("more than {limit} control info maps came since `configure`")]
    TooManyMaps {
        /// The most that are kept.
        limit: usize,
    },
}

impl DecodeError {
    /// What is wrong.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The same error, seen from the struct that has the field.
    #[must_use]
    pub fn within(mut self, field: &'static str) -> Self {
        self.path.push(Step::Field(field));
        self
    }

    /// The same error, seen from the array that has the element.
    #[must_use]
    pub fn at(mut self, index: usize) -> Self {
        self.path.push(Step::Index(index));
        self
    }
}

impl From<Problem> for DecodeError {
    fn from(problem: Problem) -> Self {
        Self { problem, path: Vec::new() }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, step) in self.path.iter().rev().enumerate() {
            match step {
                Step::Field(name) if depth == 0 => write!(f, "{name}")?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        let separator = if self.path.is_empty() { "" } else { ": " };
        write!(f, "{separator}{}", self.problem)
    }
}

impl std::error::Error for DecodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.problem)
    }
}
