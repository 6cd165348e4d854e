//! Controls: what a list and an info map hold, their JSON form, and the packets of all three encodings.
//!
//! Nothing here knows of messages. The packets of libcamera's two formats are in `packets.rs`, those of the native
//! encoding in `native.rs`, and which info maps have been sent is kept in `state.rs`.

mod json;
mod kind;
pub(crate) mod native;
pub(crate) mod packets;
mod state;

use std::fmt;

pub(crate) use kind::Kind;
pub(crate) use state::ControlState;

use crate::error::{Error, Problem};

/// Where the numbers of controls come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdMap {
    Controls,
    Properties,
    V4l2,
}

impl IdMap {
    const ALL: [Self; 3] = [Self::Controls, Self::Properties, Self::V4l2];

    /// The id map of this number, in every encoding.
    pub fn from_number(value: u32) -> Option<Self> {
        Self::ALL.get(usize::try_from(value).ok()?).copied()
    }

    pub fn number(self) -> u8 {
        self as u8
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Controls => "controls",
            Self::Properties => "properties",
            Self::V4l2 => "v4l2",
        }
    }
}

impl fmt::Display for IdMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The value of a control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ControlValue {
    pub kind: Kind,
    pub is_array: bool,
    /// The elements back to back, little-endian, as in every encoding.
    pub bytes: Vec<u8>,
}

impl ControlValue {
    pub const NONE: Self = Self { kind: Kind::None, is_array: false, bytes: Vec::new() };

    /// Elements in it; none has no elements.
    pub fn count(&self) -> usize {
        match self.kind.bytes() {
            0 => 0,
            each => self.bytes.len() / each,
        }
    }
}

/// What can be set of a control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Info {
    pub id: u32,
    pub kind: Kind,
    pub direction: u8,
    /// Minimum, maximum and default.
    pub limits: [ControlValue; 3],
}

/// Names of [`Info::limits`], as they are in JSON.
pub(crate) const LIMITS: [&str; 3] = ["min", "max", "def"];

impl Info {
    /// Checks the type of the minimum, which libcamera asserts; with `all`, those of the others too.
    pub fn check_kinds(&self, all: bool) -> Result<(), Error> {
        // A text is as long as some number, not as some text.
        let limit = if self.kind == Kind::String { Kind::Int32 } else { self.kind };
        let checked = if all { 3 } else { 1 };
        for ((index, value), expected) in
            self.limits.iter().enumerate().zip([limit, limit, self.kind]).take(checked)
        {
            let is_absent = index == 2 && value.kind == Kind::None;
            if value.kind != expected && !is_absent {
                let member = LIMITS[index];
                return Err(Problem::Limit { id: self.id, member, kind: self.kind, found: value.kind }.into());
            }
        }
        Ok(())
    }
}

/// What can be set of each control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InfoMap {
    pub id_map: IdMap,
    pub entries: Vec<Info>,
}

impl InfoMap {
    /// Bytes that it takes in a packet, roughly.
    pub fn bytes(&self) -> usize {
        let values = self.entries.iter().flat_map(|info| &info.limits).map(|value| value.bytes.len());
        64 * (self.entries.len() + 1) + values.sum::<usize>()
    }
}

/// Controls and their values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct List {
    pub id_map: IdMap,
    /// Number of the info map that it belongs to.
    pub map: Option<usize>,
    /// That map, if the list brings it along.
    pub info_map: Option<InfoMap>,
    pub entries: Vec<(u32, ControlValue)>,
}

/// The place of the first id that came before.
pub(crate) fn first_duplicate(ids: impl Iterator<Item = u32>) -> Option<(usize, u32)> {
    let mut seen = std::collections::HashSet::new();
    ids.enumerate().find(|(_, id)| !seen.insert(*id))
}
