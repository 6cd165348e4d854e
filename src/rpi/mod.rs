//! The Raspberry Pi camera: the algorithms, a virtual camera to run them on, and the pipeline handler between them.
//!
//! Only the binaries call this module; it is the first user of [`crate::ipc`], not a part of it.

pub mod camera;
pub mod imx219;
pub mod ipa;
pub mod layout;
pub mod libcamera;
pub mod pipeline;
pub mod response;
pub mod vendor;
pub mod worker;
