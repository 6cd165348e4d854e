//! Controls: what is set on a camera for a frame, what was used for it, and what can be set at all.
//!
//! A [`ControlList`] and a [`ControlInfoMap`] are packets from the start: entries in the order in
//! which they were set, then value bytes, in one buffer. Sending one is a copy, receiving one a validation and a
//! copy, and changing a value in place moves nothing. [`ids`] names the controls and gives each its
//! type. Anybody may use this module; it knows nothing of connections, or of any encoding but the
//! native one.
//!
//! ```
//! use ringfence::serialize::controls::{AeMeteringMode, ControlList, IdMap, ids};
//!
//! let mut list = ControlList::new(IdMap::Controls);
//! list.set(&ids::controls::AE_METERING_MODE, AeMeteringMode::Spot);
//! list.set(&ids::controls::EXPOSURE_VALUE, -0.5);
//!
//! for (id, value) in list.iter() {
//!     println!("{}: {value:?}", ids::name_of(id, list.id_map()).unwrap_or("?"));
//! }
//! let mode = list.try_get(&ids::controls::AE_METERING_MODE)?;
//! assert_eq!(AeMeteringMode::try_from(mode)?, AeMeteringMode::Spot);
//! # Ok::<_, ringfence::serialize::controls::ControlError>(())
//! ```
//!
//! # Layout
//! All numbers are little-endian, nothing is aligned, all reserved and unused bytes are zero.
//!
//! | part | bytes | content |
//! |---|---|---|
//! | header | 16 | entries `u32`, bytes of the packet `u32`, id map `u8`, 7 reserved |
//! | list entry | 16 each | id `u32`, value slot |
//! | or info entry | 44 each | id `u32`, type `u8`, direction `u8`, 2 reserved, slots of minimum, maximum, default |
//! | values | the rest | the values that do not fit their slot, in the order of the slots, without gaps |
//!
//! A slot has 12 bytes: type `u8`, is-array `u8`, 2 reserved, and 8 that hold a scalar itself or, for
//! arrays, strings and rectangles, the count of elements `u32` and the offset `u32` of the value from
//! the start of the values. No id comes twice. All of this is checked on receipt, so what is accepted
//! is sent on as the very same bytes. Order is kept because libcamera's encoding has one too, though
//! neither side may give it a meaning: equality ignores it.
//!
//! A packet has at most [`MAX_ENTRIES`] and [`MAX_BYTES`]. The former keeps a lookup, which walks the
//! entries, and the search for duplicates cheap whoever wrote the packet.

mod element;
mod enums;
mod error;
pub mod ids;
mod info;
mod key;
mod kind;
mod list;
mod native;
mod packet;
mod source;
mod validate;
mod value;
mod view;

pub use element::ControlElement;
pub use enums::{
    AeConstraintMode, AeExposureMode, AeMeteringMode, AeState, AfMode, AfState, AwbMode, HdrMode,
    NoiseReductionMode, Switch,
};
pub use error::{ControlError, ValueError};
pub use info::{ControlInfo, ControlInfoMap, ControlInfoRef};
pub use key::{Control, ControlData, ControlKey};
pub use kind::{ControlType, Direction, IdMap, Shape};
pub use list::ControlList;
pub use packet::{MAX_BYTES, MAX_ENTRIES};
pub use source::{ControlSource, SourceOf};
pub use value::ControlValue;
pub use view::{ControlValueRef, Elements};

#[cfg(test)]
mod tests;
