//! The Raspberry Pi camera: the algorithms, a virtual camera to run them on, and the pipeline handler between them.
//!
//! The feature `camera` adds the virtual camera and the pipeline handler: an algorithm needs neither.
//!
//! Only the binaries call this module; it is the first user of [`crate::ipc`], not a part of it.
//!
//! Twenty frames of the virtual camera, with the algorithms linked in:
//!
//! ```
//! use image::RgbImage;
//! use ringfence::interfaces::rpi::IpaRPiProxy;
//! use ringfence::rpi::camera::{Light, Scene, SensorMode, VirtualCamera, VirtualSensor};
//! use ringfence::rpi::ipa::module::RaspberryPiIpa;
//! use ringfence::rpi::pipeline::Pipeline;
//! use ringfence::serialize::ControlList;
//!
//! let mode = SensorMode::new(128, 96)?;
//! let camera = VirtualCamera::new(VirtualSensor::new(mode, &Scene::chart(128, 96)?, 1));
//! let none = ControlList::default();
//! let mut pipeline = Pipeline::start(IpaRPiProxy::direct(RaspberryPiIpa::new)?, camera, "", &none)?;
//!
//! let mut image = RgbImage::new(mode.width(), mode.height());
//! let light = Light::new(4500.0, 500.0)?;
//! for _ in 0..20 {
//!     let frame = pipeline.frame(light, &none, &mut image)?;
//!     assert!(frame.is_complete());
//! }
//! assert!(pipeline.ledger().closes());
//! pipeline.stop()?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

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
