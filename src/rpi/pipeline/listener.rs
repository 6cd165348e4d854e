//! What the IPA tells the pipeline handler during a frame.

use super::delayed_controls::{DelayedControls, SensorValues};
use super::setup::sensor_change;
use crate::interfaces::rpi::{BufferIds, IpaRPiEvents};
use crate::rpi::camera::IspSettings;
use crate::rpi::imx219;
use crate::serialize::ControlList;
use crate::serialize::controls::Control;
use crate::serialize::controls::ids::v4l2;

/// The sensor's longest frame, in milliseconds.
const LONGEST_FRAME_MS: u32 =
    (imx219::MAX_FRAME_LENGTH as u64 * imx219::LINE_LENGTH as u64 * 1000).div_ceil(imx219::PIXEL_RATE) as u32;

/// Takes the IPA's events. What a hostile IPA says is taken over only as far as it makes sense.
#[derive(Debug)]
pub(super) struct Listener {
    /// What the ISP shall do.
    pub isp: IspSettings,
    /// What the sensor shall do.
    pub delayed: DelayedControls,
    /// Metadata of the frame.
    pub metadata: Option<ControlList>,
    /// Buffers with which `prepareIsp` was completed.
    pub prepared: Option<BufferIds>,
    /// Buffers with which `processStats` was completed.
    pub processed: Option<BufferIds>,
    /// Longest frame that the IPA will ask for, in milliseconds.
    pub max_frame_length_ms: u32,
    /// Events so far.
    pub events: u64,
    /// Frames for which sensor and ISP keep what they have, whatever the IPA says: it has only just begun, and knows
    /// less than the one before it did.
    pub hold: u32,
}

impl Listener {
    /// For a sensor that has these values now.
    pub fn new(values: SensorValues) -> Self {
        Self {
            isp: IspSettings::default(),
            delayed: DelayedControls::new(values),
            metadata: None,
            prepared: None,
            processed: None,
            max_frame_length_ms: 0,
            events: 0,
            hold: 0,
        }
    }
}

impl IpaRPiEvents for Listener {
    fn prepare_isp_complete(&mut self, buffers: &BufferIds, _stitch_swap_buffers: bool) {
        self.events += 1;
        self.prepared = Some(*buffers);
    }

    fn process_stats_complete(&mut self, buffers: &BufferIds) {
        self.events += 1;
        self.processed = Some(*buffers);
    }

    fn metadata_ready(&mut self, metadata: &ControlList) {
        self.events += 1;
        self.metadata.get_or_insert_default().clone_from(metadata);
    }

    fn set_isp_controls(&mut self, controls: &ControlList) {
        self.events += 1;
        if self.hold > 0 {
            return;
        }
        if let Some(gain) = controls.get(&v4l2::RED_BALANCE) {
            self.isp.red_gain = f64::from(gain) / 1000.0;
        }
        if let Some(gain) = controls.get(&v4l2::BLUE_BALANCE) {
            self.isp.blue_gain = f64::from(gain) / 1000.0;
        }
        if let Some(gain) = controls.get(&v4l2::DIGITAL_GAIN) {
            self.isp.digital_gain = f64::from(gain) / 1000.0;
        }
        if let Some(payload) = payload(controls, &v4l2::BLACK_LEVEL) {
            self.isp.set_black_level(&payload);
        }
        let matrix = payload(controls, &v4l2::CC_MATRIX).map(|payload| self.isp.set_colour_matrix(&payload));
        let gamma = payload(controls, &v4l2::GAMMA).map(|payload| self.isp.set_gamma(&payload));
        for error in [matrix, gamma].into_iter().flatten().filter_map(Result::err) {
            tracing::warn!("setIspControls: {error}");
        }
    }

    fn set_delayed_controls(&mut self, controls: &ControlList, delay_context: u32) {
        self.events += 1;
        if self.hold == 0 {
            self.delayed.push(sensor_change(controls), delay_context);
        }
    }

    fn set_lens_controls(&mut self, _controls: &ControlList) {
        // The virtual camera has no lens that moves.
        self.events += 1;
    }

    fn set_camera_timeout(&mut self, max_frame_length_ms: u32) {
        self.events += 1;
        // No frame of this sensor is longer, whatever the IPA says.
        self.max_frame_length_ms = max_frame_length_ms.min(LONGEST_FRAME_MS);
    }
}

/// The payload of an ISP control, if it is there and has the right size.
fn payload<T: bytemuck::AnyBitPattern>(controls: &ControlList, control: &Control<Vec<u8>>) -> Option<T> {
    let value = controls.get(control.id())?;
    let payload = bytemuck::try_pod_read_unaligned(value.as_bytes()?).ok();
    if payload.is_none() {
        tracing::warn!(
            "setIspControls: {} has {} bytes, {} are due",
            control.name(),
            value.len(),
            size_of::<T>()
        );
    }
    payload
}
