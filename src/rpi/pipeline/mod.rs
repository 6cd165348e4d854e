//! The pipeline handler: drives sensor, ISP and IPA frame by frame, in the order of the raspberrypi interface.
//!
//! The binaries call it; it calls the IPA through [`CameraIpa`] and cannot tell how that runs, nor what version of the
//! interface it speaks. For a frame:
//!
//! 1. the sensor starts the frame, delayed controls are written, the raw picture is captured;
//! 2. `prepareIsp` with what acted on the sensor; the IPA answers with `setIspControls` and `prepareIspComplete`;
//! 3. the ISP makes the statistics, into a shared buffer, and the picture;
//! 4. `processStats`; the IPA answers with `setDelayedControls`, `metadataReady` and `processStatsComplete`.
//!
//! The next frame begins after that, so that a run gives the same pictures whatever the speed of the worker.
//!
//! A [supervised](Pipeline::supervised) camera outlives its IPA: the next one is brought up where the old one was, and
//! the frame that was under way is reported as lost. See `recovery.rs`.

pub mod delayed_controls;
mod handler;
mod listener;
mod outcome;
mod recovery;
mod requested;
mod sensor_info;
mod setup;

pub use super::camera_ipa::CameraIpa;
pub use handler::{Frame, Pipeline, PipelineError};
pub use outcome::{Cause, Ledger, Loss};
