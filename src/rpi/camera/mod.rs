//! A virtual camera: scene, light, sensor, statistics and image signal processor of a Raspberry Pi in
//! software, so that the algorithms can run, and be judged by the picture, without any hardware.
//!
//! The pipeline handler of [`crate::rpi`] and the binaries call it. It must never know of connections,
//! workers or algorithms: it takes register values and ISP settings, and yields raw pictures, statistics
//! and finished pictures.
//!
//! The way of one frame: [`VirtualSensor::capture`] exposes a [`Scene`] under a [`Light`] into a
//! [`RawFrame`]; [`measure`] makes the bcm2835 statistics of it, which travel in a [`SharedBuffer`];
//! [`SoftwareIsp::process`] makes the picture, with the [`IspSettings`] that the algorithms chose. A
//! [`VirtualCamera`] holds them together, as the one [`Camera`] that a pipeline handler needs.
//!
//! Every result is a function of the inputs and of the seed alone: rows are worked on in parallel, but
//! sums are of integers and every row has its own stream of noise, so the number of threads changes no bit.
//!
//! ```
//! use ringfence::rpi::camera::{IspSettings, Light, RawFrame, Scene, SensorMode, SoftwareIsp, VirtualSensor, measure};
//!
//! let mode = SensorMode::new(320, 240)?;
//! let mut sensor = VirtualSensor::new(mode, &Scene::chart(320, 240)?, 1);
//! let mut raw = RawFrame::new(mode.width(), mode.height());
//! let captured = sensor.capture(Light::new(5000.0, 400.0)?, &mut raw);
//!
//! let settings = IspSettings::default();
//! let statistics = measure(&raw, settings.black_level);
//! let picture = SoftwareIsp::new().process(&raw, &settings);
//! assert_eq!((captured.sequence, picture.image.dimensions()), (0, (320, 240)));
//! assert!(statistics.awb.iter().any(|zone| zone.counted > 0) && picture.linear_mean > 0.0);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

pub mod chart;
pub mod colour;
mod demosaic;
mod device;
mod frame;
mod isp;
mod light;
mod mode;
mod noise;
mod register;
mod resample;
mod scene;
mod sensor;
mod settings;
mod statistics;

pub use super::buffers::{self, BufferError, BufferKind, MappedBuffer, SharedBuffer};
pub use chart::Chart;
pub use device::{Camera, VirtualCamera};
pub use frame::{BayerColour, CFA_PATTERN, RawFrame, Rect};
pub use isp::{IspOutput, SoftwareIsp};
pub use light::{Light, LightError};
pub use mode::{ModeError, SensorMode};
pub use noise::{CONVERTER_NOISE, NoiseModel, READ_NOISE_ELECTRONS, noise_model};
pub use scene::{Scene, SceneError};
pub use sensor::{CapturedFrame, SensorControls, VirtualSensor, camera_colour};
pub use settings::{IspSettings, SettingsError, srgb_gamma};
pub use statistics::{AGC_LAYOUT, measure};

#[cfg(test)]
mod tests;
