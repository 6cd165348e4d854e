//! Why a value cannot be encoded or bytes cannot be decoded.

use std::fmt;

use crate::Wire;
use crate::controls::{IdMap, Kind};

/// What is wrong, with the way to the field and, in bytes, the offset.
///
/// ```
/// use ringfence_mojom::configure;
/// use ringfence_wire::{Codec, Subject, Wire};
///
/// let model = configure().check_text("a.mojom", "module a; struct A { bool on; };")?.model;
/// let subject = Subject::parse(&model, "A")?;
/// let error = Codec::new(&model, Wire::Native).decode(&subject, &[7, 0, 0, 0, 0, 0, 0, 0], 0).unwrap_err();
/// assert!(error.to_string().contains("7 is no truth value; 0 and 1 are"), "{error}");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    problem: Problem,
    /// In bytes from the start of what is decoded.
    offset: Option<usize>,
    /// From the innermost to the outermost; filled in only as the error travels up.
    path: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Member(String),
    Index(usize),
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    // What bytes can have.
    #[error("{needed} bytes are needed and {available} are left")]
    Short { needed: u64, available: usize },
    #[error("{bytes} bytes are left over at the end")]
    Trailing { bytes: usize },
    #[error("the region is said to be at offset {found} and must be at {expected}")]
    Region { found: u32, expected: usize },
    #[error("a byte of padding is {value} instead of 0")]
    Padding { value: u8 },
    #[error("{value} is no truth value; 0 and 1 are")]
    Bool { value: u8 },
    #[error("the text is not UTF-8 after its first {valid} bytes")]
    Utf8 { valid: usize },
    #[error("the keys do not ascend strictly")]
    KeyOrder,
    #[error("the descriptor of a value is missing: {available} came with it, and the value needs one more")]
    MissingFd { available: usize },
    #[error("{announced} descriptors are announced and {available} are left")]
    MissingFds { announced: u32, available: usize },
    #[error("descriptor {found} is claimed where {expected} of {count} is due")]
    FdPlace { found: u32, expected: usize, count: usize },
    #[error("{count} descriptors came with the message and {used} belong to it")]
    SurplusFds { count: usize, used: usize },

    // What packets of controls can have.
    #[error("a control packet of version {found}, where version {expected} is spoken")]
    Version { found: u32, expected: u32 },
    #[error("the info map has handle 0, which names no map")]
    NoHandle,
    #[error("the list refers to the info map of handle {handle}, which was not sent since the last reset")]
    UnknownHandle { handle: u32 },
    #[error("info maps that were sent before come again too often, with more than {limit} bytes altogether")]
    Repeated { limit: usize },
    #[error("a list of {entries} V4L2 controls needs an info map, and refers to none")]
    Unbound { entries: usize },
    #[error("{value} is no id map; 0 to 2 are")]
    IdMapNumber { value: u32 },
    #[error(
        "{entries} entries that end at {entries_end}, values from {values} and an end at {end} do not fit {available} bytes"
    )]
    Layout { entries: u32, entries_end: u64, values: u32, end: u32, available: usize },
    #[error("the packet announces {announced} bytes and has {available}")]
    PacketLength { announced: u32, available: usize },
    #[error(
        "control {id:#x}: a value is said to be at offset {found} of the values and must be at {expected}"
    )]
    ValueOffset { id: u32, found: u32, expected: usize },
    #[error("control {id:#x}: {count} elements of type {kind} exceed the {available} bytes that are left")]
    ValueLength { id: u32, kind: Kind, count: usize, available: usize },
    #[error("control {id:#x}: {value} is no type of control in {wire}")]
    KindNumber { id: u32, value: u32, wire: Wire },
    #[error("control {id:#x}: {value} is no mark of an array here")]
    ArrayMark { id: u32, value: u8 },
    #[error("control {id:#x}: a single value of type {kind} cannot have {count} elements")]
    ScalarCount { id: u32, kind: Kind, count: usize },
    #[error("control {id:#x}: {value} is no direction; 1 to 3 are")]
    Direction { id: u32, value: u8 },
    #[error("control {id:#x}: the {member} is of type {found}, which a control of type {kind} cannot have")]
    Limit { id: u32, member: &'static str, kind: Kind, found: Kind },
    #[error("control {id:#x} comes more than once")]
    Duplicate { id: u32 },
    #[error("{entries} controls exceed the limit of {limit}")]
    TooManyControls { entries: usize, limit: usize },
    #[error("controls of {bytes} bytes exceed the limit of {limit}")]
    ControlsTooLong { bytes: usize, limit: usize },

    // What values can have.
    #[error("{found} is no {expected}")]
    Expected { expected: String, found: String },
    #[error("there is no member `{name}`; {known}")]
    UnknownMember { name: String, known: String },
    #[error("the member `{name}` is missing")]
    MissingMember { name: &'static str },
    #[error("{value} is no value of {name}")]
    Enumerator { value: String, name: String },
    #[error("the key {key} comes twice")]
    DuplicateKey { key: String },
    #[error("control {id:#x}: {wire} has no type {kind}")]
    NoSuchKind { id: u32, kind: Kind, wire: Wire },
    #[error("control {id:#x}: {count} elements exceed the {limit} that {wire} can announce")]
    TooManyElements { id: u32, count: usize, limit: usize, wire: Wire },
    #[error("control {id:#x}: the {member} is an array, which {wire} cannot carry")]
    ArrayLimit { id: u32, member: &'static str, wire: Wire },
    #[error("{wire} has no info maps that lists refer to; `map` has to be null")]
    NoBinding { wire: Wire },
    #[error("the list refers to info map {index}, and {known} are known")]
    UnknownMap { index: usize, known: usize },
    #[error("the list brings an info map along as number {index}, and the next number is {next}")]
    MapNumber { index: usize, next: usize },
    #[error("the list is of {list} controls and its info map is of {map} controls")]
    MapKind { list: IdMap, map: IdMap },
    #[error("libcamera drops descriptors here; mark the field with [hasFd]")]
    DroppedFds,
    #[error("{fds} descriptors exceed the {limit} that one message can carry")]
    TooManyFds { fds: usize, limit: usize },
    #[error("{bytes} bytes exceed what a length of 32 bits can say")]
    TooLong { bytes: usize },
    #[error("all handles of info maps are used up")]
    NoMoreHandles,
}

impl Error {
    /// The same error at this offset, unless it has one.
    pub(crate) fn at(mut self, offset: usize) -> Self {
        self.offset.get_or_insert(offset);
        self
    }

    /// The same error, seen from what has the member.
    pub(crate) fn within(mut self, member: &str) -> Self {
        self.path.push(Step::Member(member.to_owned()));
        self
    }

    /// The same error, seen from the array that has the element.
    pub(crate) fn element(mut self, index: usize) -> Self {
        self.path.push(Step::Index(index));
        self
    }

    /// Where it is, in bytes from the start; none if a value is at fault and not bytes.
    #[must_use]
    pub fn offset(&self) -> Option<usize> {
        self.offset
    }

    /// Whether the bytes are at odds only with how few descriptors came.
    #[must_use]
    pub fn is_missing_descriptor(&self) -> bool {
        match self.problem {
            Problem::MissingFd { .. } | Problem::MissingFds { .. } => true,
            Problem::FdPlace { found, expected, count } => found as usize == expected && expected > count,
            _ => false,
        }
    }

    /// The way to the field, such as `params.planes[2].fd`; empty for the whole.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path = String::new();
        for step in self.path.iter().rev() {
            match step {
                Step::Member(name) if path.is_empty() => path.push_str(name),
                Step::Member(name) => path.extend([".", name]),
                Step::Index(index) => path.push_str(&format!("[{index}]")),
            }
        }
        path
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self { problem, offset: None, path: Vec::new() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path())?;
        }
        if let Some(offset) = self.offset {
            write!(f, "at offset {offset}: ")?;
        }
        self.problem.fmt(f)
    }
}

impl std::error::Error for Error {}
