//! What crosses a connection, as values and as bytes.
//!
//! The value types that an interface can use beside its own ([`SharedFd`], [`Plane`], [`Flags`], the
//! geometry, the [`controls`]), the [`native`] encoding and that of [`libcamera`]. Generated code calls this
//! module, and [`crate::ipc`] moves what it writes. It knows nothing of processes, rings or sockets.

#![forbid(unsafe_code)]

pub mod controls;
mod error;
mod fd;
mod flags;
mod geometry;
pub mod libcamera;
pub mod native;

pub use controls::{
    Control, ControlInfo, ControlInfoMap, ControlList, ControlType, ControlValue, ControlValueRef,
};
pub use fd::{Plane, SharedFd};
pub use flags::{Flag, Flags};
pub use geometry::{Point, Rectangle, Size, SizeRange};
