//! Controls of our own, which libcamera does not have: what the exposure algorithm aims at.
//!
//! Their ids lie beyond the ranges that libcamera gives to its vendors (the last starts at 30000).
//!
//! ```
//! use ringfence::rpi::vendor::{AGC_LUMA, AGC_TARGET};
//! use ringfence::serialize::ControlList;
//!
//! let mut metadata = ControlList::default();
//! metadata.set(&AGC_TARGET, 0.16);
//! metadata.set(&AGC_LUMA, 0.155);
//! assert_eq!(metadata.get(&AGC_TARGET), Some(0.16));
//! ```

use crate::serialize::controls::Control;

/// Mean luma that automatic exposure aims at, linear, as a fraction of full scale. Out only.
pub const AGC_TARGET: Control<f32> = Control::new(40_001, "ringfence.AgcTarget");

/// Metered mean luma of the frame on the same scale. Out only.
pub const AGC_LUMA: Control<f32> = Control::new(40_002, "ringfence.AgcLuma");
