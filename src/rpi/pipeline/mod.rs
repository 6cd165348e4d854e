//! The pipeline handler.

pub mod delayed_controls;
