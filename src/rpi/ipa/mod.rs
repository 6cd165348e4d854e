//! The image-processing algorithms: from statistics of a picture to settings of sensor and ISP.
//!
//! Here live the tuning files ([`tuning`]), one module for each algorithm, and the [`controller`] that
//! runs them frame by frame. Whoever drives a camera calls the controller: the IPA [`module`], wherever it
//! runs, or a test with a model of a camera. The module and its helpers `controls` and `lists` speak the
//! raspberrypi interface; everything else in here is plain arithmetic on plain types, which must never
//! know of processes, messages, file descriptors, buffers or clocks, and allocates nothing once it is made.
//!
//! Left out on purpose: lens shading, denoising, focus, HDR, flicker avoidance, adaptive contrast.
//!
//! ```
//! use bytemuck::Zeroable;
//! use ringfence::rpi::ipa::controller::Controller;
//! use ringfence::rpi::ipa::requests::Requests;
//! use ringfence::rpi::ipa::sensor::{DeviceStatus, SensorFacts};
//! use ringfence::rpi::ipa::tuning::Tuning;
//! use ringfence::rpi::layout::Statistics;
//!
//! let facts = SensorFacts::imx219();
//! let mut algorithms = Controller::new(Tuning::builtin(), facts);
//! algorithms.configure(facts.default_mode);
//! let start = algorithms.start(&Requests::default());
//!
//! // For each frame:
//! let status = DeviceStatus { exposure_lines: 1600, ..DeviceStatus::default() };
//! let isp = algorithms.prepare(&status, &Requests::default());
//! let statistics = Statistics::zeroed();
//! let sensor = algorithms.process(&statistics, &status);
//! assert_eq!(sensor, None, "the first frame is not trusted");
//! assert!(start.drop_frames > 0 && isp.red_gain > 1.0);
//! ```

#![forbid(unsafe_code)]

pub mod agc;
pub mod awb;
pub mod black_level;
pub mod ccm;
pub mod contrast;
pub mod controller;
pub mod controls;
pub mod histogram;
mod lists;
pub mod lux;
pub mod metadata;
pub mod module;
pub mod piecewise;
pub mod requests;
pub mod sensor;
pub mod tuning;

#[cfg(all(test, feature = "camera"))]
mod closed_loop;
#[cfg(all(test, feature = "camera"))]
mod model_camera;
