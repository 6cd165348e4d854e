//! libcamera's controls that are not settled yet.

use super::super::Control;

ids! {
    /// Effort against noise, a [`NoiseReductionMode`](crate::serialize::controls::NoiseReductionMode);
    /// default 0.
    NOISE_REDUCTION_MODE: i32 = 10002, "NoiseReductionMode";
}
