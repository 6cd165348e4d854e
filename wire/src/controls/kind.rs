//! Types of controls.

use std::fmt;

use crate::Wire;

/// The type of a control's value, or of its elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    None,
    Bool,
    Byte,
    Uint16,
    Uint32,
    Int32,
    Int64,
    Float,
    String,
    Rectangle,
    Size,
    Point,
}

/// Each stands at its number in the newest encodings and in JSON.
const ALL: [Kind; 12] = [
    Kind::None,
    Kind::Bool,
    Kind::Byte,
    Kind::Uint16,
    Kind::Uint32,
    Kind::Int32,
    Kind::Int64,
    Kind::Float,
    Kind::String,
    Kind::Rectangle,
    Kind::Size,
    Kind::Point,
];

/// Each stands at its number in control packets of format 1.
const FORMAT_1: [Kind; 9] = [
    Kind::None,
    Kind::Bool,
    Kind::Byte,
    Kind::Int32,
    Kind::Int64,
    Kind::Float,
    Kind::String,
    Kind::Rectangle,
    Kind::Size,
];

/// Each stands at its number.
fn numbered(wire: Wire) -> &'static [Kind] {
    if wire == Wire::Libcamera1 { &FORMAT_1 } else { &ALL }
}

impl Kind {
    pub fn from_number(number: u32, wire: Wire) -> Option<Self> {
        numbered(wire).get(usize::try_from(number).ok()?).copied()
    }

    /// Its number in packets, if the encoding has it.
    pub fn number(self, wire: Wire) -> Option<u8> {
        numbered(wire).iter().position(|kind| *kind == self).map(|index| index as u8)
    }

    /// Bytes of one element.
    pub fn bytes(self) -> usize {
        match self {
            Self::None => 0,
            Self::Bool | Self::Byte | Self::String => 1,
            Self::Uint16 => 2,
            Self::Uint32 | Self::Int32 | Self::Float => 4,
            Self::Int64 | Self::Size | Self::Point => 8,
            Self::Rectangle => 16,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bool => "bool",
            Self::Byte => "byte",
            Self::Uint16 => "uint16",
            Self::Uint32 => "uint32",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Float => "float",
            Self::String => "string",
            Self::Rectangle => "rectangle",
            Self::Size => "size",
            Self::Point => "point",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
