//! What crosses a connection, as values and as bytes.
//!
//! The value types that an interface can use beside its own ([`SharedFd`], [`Plane`], [`Flags`] of an [`Enum`], the
//! geometry, the [`controls`]), the [`native`] encoding and that of [`libcamera`]. Generated code calls this
//! module, and [`crate::ipc`] moves what it writes. It knows nothing of processes, rings or sockets.
//!
//! ```
//! use ringfence::interfaces::vimc::TestFlag;
//! use ringfence::serialize::{ControlList, Flags, Rectangle, SharedFd, native};
//! use ringfence::serialize::controls::ids::controls::{ANALOGUE_GAIN, SCALER_CROP};
//!
//! let flags = TestFlag::Flag1 | TestFlag::Flag2;
//! let mut controls = ControlList::default();
//! controls.set(&ANALOGUE_GAIN, 2.0);
//! controls.set(&SCALER_CROP, Rectangle { x: 0, y: 0, width: 1640, height: 1232 });
//!
//! // Each value has one encoding, whose length is known before it is written.
//! assert_eq!(native::encoded_bytes(&flags), 8);
//! assert_eq!(native::encoded_bytes(&controls) % 8, 0);
//! ```

#![forbid(unsafe_code)]

pub mod controls;
mod enums;
mod error;
mod fd;
mod flags;
mod geometry;
pub mod libcamera;
pub mod native;

pub use controls::{
    Control, ControlInfo, ControlInfoMap, ControlList, ControlType, ControlValue, ControlValueRef,
};
#[doc(hidden)]
pub use enums::by_number;
pub use enums::{Enum, Flag, named};
pub use fd::{Plane, SharedFd};
pub use flags::Flags;
pub use geometry::{Point, Rectangle, Size, SizeRange};
