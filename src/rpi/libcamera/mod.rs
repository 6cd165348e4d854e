//! libcamera 0.0.3's Raspberry Pi IPA, which Debian 12 ships, as an IPA of the newest interface.
//!
//! [`LibcameraIpa`] translates calls, events and controls, so that a pipeline handler cannot tell the difference.
//! libcamera's worker ends itself, or worse, over many a call that does not suit it; each such call is answered with an
//! error here, and never reaches it. [`Installation`] finds worker, module and tuning files, and [`Modes`] knows what a
//! tuning file offers to choose from.
//!
//! The binaries call this module; it calls the generated proxy of
//! [`libcamera_0_0_3`](crate::interfaces::libcamera_0_0_3). It must never know of cameras or pictures.
//!
//! ```no_run
//! use ringfence::ipc::Options;
//! use ringfence::rpi::libcamera::{Installation, LibcameraIpa};
//!
//! let installed = Installation::find()?;
//! let worker = installed.worker("raspberrypi_ipa_proxy", "ipa_rpi.so");
//! let ipa = LibcameraIpa::start(&Options::new(), &worker)?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod adapter;
mod buffers;
mod controls;
mod events;
mod installation;
mod limits;
mod modes;
mod requests;

pub use adapter::LibcameraIpa;
pub use installation::{Installation, InterfaceVersion, NotInstalled, ROOT};
pub use modes::{Modes, ModesError};
