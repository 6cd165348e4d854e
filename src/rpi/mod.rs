//! The Raspberry Pi camera: the algorithms, a virtual camera to run them on, and the pipeline handler between them.
//!
//! The feature `camera` adds the virtual camera and the pipeline handler: an algorithm needs neither.
//!
//! Only the binaries call this module; it is the first user of [`crate::ipc`], not a part of it.

pub mod buffers;
#[cfg(feature = "camera")]
pub mod camera;
mod camera_ipa;
pub mod imx219;
pub mod ipa;
pub mod layout;
pub mod libcamera;
#[cfg(feature = "camera")]
pub mod pipeline;
pub mod response;
pub mod vendor;
pub mod worker;

pub use camera_ipa::CameraIpa;
