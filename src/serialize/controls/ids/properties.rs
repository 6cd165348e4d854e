//! libcamera's camera properties.

use super::super::Control;

ids! {
    /// Rotation of the camera in its mount, in degrees.
    ROTATION: i32 = 2, "Rotation";
    /// Model of the sensor.
    MODEL: String = 3, "Model";
}
