//! What a pipeline handler needs of a camera, and the virtual one that has it.
#![forbid(unsafe_code)]

use image::RgbImage;

use super::frame::RawFrame;
use super::isp::SoftwareIsp;
use super::light::Light;
use super::mode::SensorMode;
use super::sensor::{CapturedFrame, SensorControls, VirtualSensor};
use super::settings::IspSettings;
use super::statistics::measure;
use crate::rpi::layout::Statistics;

/// A sensor and the image signal processor behind it.
///
/// Time is the camera's own: a frame begins with [`capture`](Self::capture).
pub trait Camera {
    /// The mode of the sensor.
    fn mode(&self) -> SensorMode;

    /// Number of the next frame.
    fn next_sequence(&self) -> u64;

    /// Writes registers while the sensor stands still: they act from the next frame on.
    fn write_standby(&mut self, controls: SensorControls);

    /// Writes registers at the start of the next frame, each to act after its delay.
    fn write_controls(&mut self, controls: SensorControls);

    /// Takes the next frame under `light`.
    fn capture(&mut self, light: Light) -> CapturedFrame;

    /// What the image signal processor, so set, measures of the frame that was taken last.
    fn measure(&mut self, settings: &IspSettings) -> Statistics;

    /// Makes a picture of the frame that was taken last, and returns its mean linear luma, 0 to 1.
    fn process(&mut self, settings: &IspSettings, image: &mut RgbImage) -> f64;
}

/// The virtual sensor before its scene, with the ISP in software.
///
/// ```
/// use image::RgbImage;
/// use ringfence::rpi::camera::{Camera, IspSettings, Light, Scene, SensorMode, VirtualCamera, VirtualSensor};
///
/// let mode = SensorMode::new(64, 48)?;
/// let mut camera = VirtualCamera::new(VirtualSensor::new(mode, &Scene::chart(64, 48)?, 1));
/// camera.capture(Light::new(6500.0, 1000.0)?);
/// let mut image = RgbImage::new(64, 48);
/// let luma = camera.process(&IspSettings::default(), &mut image);
/// assert!(luma > 0.0 && camera.next_sequence() == 1);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct VirtualCamera {
    sensor: VirtualSensor,
    isp: SoftwareIsp,
    raw: RawFrame,
}

impl VirtualCamera {
    /// The camera of this sensor.
    #[must_use]
    pub fn new(sensor: VirtualSensor) -> Self {
        let mode = sensor.mode();
        Self { sensor, isp: SoftwareIsp::new(), raw: RawFrame::new(mode.width(), mode.height()) }
    }
}

impl Camera for VirtualCamera {
    fn mode(&self) -> SensorMode {
        self.sensor.mode()
    }

    fn next_sequence(&self) -> u64 {
        self.sensor.next_sequence()
    }

    fn write_standby(&mut self, controls: SensorControls) {
        self.sensor.write_standby(controls);
    }

    fn write_controls(&mut self, controls: SensorControls) {
        self.sensor.write_controls(controls);
    }

    fn capture(&mut self, light: Light) -> CapturedFrame {
        self.sensor.capture(light, &mut self.raw)
    }

    fn measure(&mut self, settings: &IspSettings) -> Statistics {
        measure(&self.raw, settings.black_level)
    }

    fn process(&mut self, settings: &IspSettings, image: &mut RgbImage) -> f64 {
        self.isp.process_into(&self.raw, settings, image)
    }
}
