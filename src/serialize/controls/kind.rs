//! What a control can be: its type, its direction, and where its number is from.

use std::fmt;

/// Type of a control's value, or of its elements.
///
/// ```
/// use ringfence::serialize::controls::{ControlType, ids::controls};
///
/// assert_eq!(controls::COLOUR_GAINS.control_type(), ControlType::F32);
/// assert_eq!(ControlType::from_number(7), Some(ControlType::F32));
/// assert_eq!((ControlType::Rectangle.element_bytes(), ControlType::Size.to_string()), (16, "size".into()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[repr(u8)]
#[non_exhaustive]
pub enum ControlType {
    /// No value.
    #[default]
    None = 0,
    /// A truth value.
    Bool = 1,
    /// A byte.
    Byte = 2,
    /// An unsigned number of 16 bits.
    U16 = 3,
    /// An unsigned number of 32 bits.
    U32 = 4,
    /// A signed number of 32 bits, or an enumerator.
    I32 = 5,
    /// A signed number of 64 bits.
    I64 = 6,
    /// A floating-point number of 32 bits.
    F32 = 7,
    /// Text in UTF-8.
    String = 8,
    /// A [`Rectangle`](crate::serialize::Rectangle).
    Rectangle = 9,
    /// A [`Size`](crate::serialize::Size).
    Size = 10,
    /// A [`Point`](crate::serialize::Point).
    Point = 11,
}

impl ControlType {
    /// Every type; each stands at its own number.
    pub const ALL: [Self; 12] = [
        Self::None,
        Self::Bool,
        Self::Byte,
        Self::U16,
        Self::U32,
        Self::I32,
        Self::I64,
        Self::F32,
        Self::String,
        Self::Rectangle,
        Self::Size,
        Self::Point,
    ];

    /// The type with this number in a packet (libcamera has the same numbers).
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        if (number as usize) < Self::ALL.len() { Some(Self::ALL[number as usize]) } else { None }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Bytes of one element, in a packet as in libcamera's.
    #[must_use]
    pub const fn element_bytes(self) -> usize {
        match self {
            Self::None => 0,
            Self::Bool | Self::Byte | Self::String => 1,
            Self::U16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::I64 | Self::Size | Self::Point => 8,
            Self::Rectangle => 16,
        }
    }
}

impl fmt::Display for ControlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Bool => "bool",
            Self::Byte => "byte",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::String => "string",
            Self::Rectangle => "rectangle",
            Self::Size => "size",
            Self::Point => "point",
        })
    }
}

/// Type of a value and how many elements it has, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One value, or a text.
    Scalar(ControlType),
    /// An array of any length.
    Array(ControlType),
    /// An array of so many elements.
    ArrayOf(ControlType, usize),
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(kind) => kind.fmt(f),
            Self::Array(kind) => write!(f, "array of {kind}"),
            Self::ArrayOf(kind, count) => write!(f, "array of {count} {kind}"),
        }
    }
}

/// Who may write a control.
///
/// ```
/// use ringfence::serialize::controls::Direction;
///
/// assert!(Direction::InOut.is_input() && Direction::InOut.is_output());
/// assert_eq!(Direction::from_number(2), Some(Direction::Out));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[repr(u8)]
pub enum Direction {
    /// It is set, and never reported.
    In = 1,
    /// It is reported, and cannot be set.
    Out = 2,
    /// It is set, and reported in metadata.
    InOut = 3,
}

impl Direction {
    /// The direction with this number in a packet.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::In),
            2 => Some(Self::Out),
            3 => Some(Self::InOut),
            _ => None,
        }
    }

    /// Its number: bit 0 for in, bit 1 for out.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Whether the control can be set.
    #[must_use]
    pub const fn is_input(self) -> bool {
        self as u8 & 1 != 0
    }

    /// Whether the control is reported.
    #[must_use]
    pub const fn is_output(self) -> bool {
        self as u8 & 2 != 0
    }
}

/// Which numbering the ids of a list or map are from.
///
/// ```
/// use ringfence::serialize::controls::{IdMap, ids};
///
/// assert_eq!(ids::name_of(7, IdMap::Controls), Some("ExposureTime"));
/// assert_eq!(ids::name_of(0x0098_0911, IdMap::V4l2), Some("EXPOSURE"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[repr(u8)]
pub enum IdMap {
    /// libcamera's controls, see [`ids::controls`](super::ids::controls).
    #[default]
    Controls = 0,
    /// libcamera's camera properties, see [`ids::properties`](super::ids::properties).
    Properties = 1,
    /// V4L2's controls, or a device's own, see [`ids::v4l2`](super::ids::v4l2).
    V4l2 = 2,
}

impl IdMap {
    /// The numbering with this number in a packet (libcamera has the same numbers).
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Controls),
            1 => Some(Self::Properties),
            2 => Some(Self::V4l2),
            _ => None,
        }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}
