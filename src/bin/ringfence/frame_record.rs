//! What is told of a frame.

use ringfence::rpi::pipeline::Frame;
use ringfence::rpi::vendor;
use ringfence::serialize::controls::ids::controls as ids;
use serde::Serialize;

/// One frame, as `--json` prints it and the plot shows it.
#[derive(Debug, Clone, Serialize)]
pub struct FrameRecord {
    /// Number, from 0.
    pub frame: u64,
    /// Exposure that acted, in microseconds.
    pub exposure_us: f64,
    /// Analogue gain that acted.
    pub analogue_gain: f64,
    /// Digital gain that the ISP applied.
    pub digital_gain: f64,
    /// Gains of red and blue that the ISP applied.
    pub colour_gains: [f64; 2],
    /// Colour temperature as the IPA sees it, in kelvin.
    pub colour_temperature: i32,
    /// Brightness of the scene as the IPA sees it, in lux.
    pub lux: f64,
    /// Mean linear luma of the picture, 0 to 1.
    pub mean_luma: f64,
    /// What automatic exposure aims at, on the same scale, if the IPA tells. libcamera's does not.
    pub luma_target: Option<f64>,
    /// Whether automatic exposure is content (2), searching (1) or off (0).
    pub ae_state: i32,
    /// From `prepareIsp` to its completion, in nanoseconds.
    pub prepare_ns: u64,
    /// From `processStats` to its completion, in nanoseconds.
    pub process_ns: u64,
    /// Whether the IPA finished it.
    pub complete: bool,
    /// Why it is lost, if the IPA did not.
    pub lost: Option<&'static str>,
}

impl From<&Frame> for FrameRecord {
    fn from(frame: &Frame) -> Self {
        let metadata = frame.metadata.clone().unwrap_or_default();
        let nanoseconds = |time: std::time::Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Self {
            frame: frame.captured.sequence,
            exposure_us: frame.captured.exposure_seconds() * 1e6,
            analogue_gain: frame.captured.gain(),
            digital_gain: frame.isp.digital_gain,
            colour_gains: [frame.isp.red_gain, frame.isp.blue_gain],
            colour_temperature: metadata.get(&ids::COLOUR_TEMPERATURE).unwrap_or(0),
            lux: metadata.get(&ids::LUX).unwrap_or(0.0).into(),
            mean_luma: frame.mean_luma,
            luma_target: metadata.get(&vendor::AGC_TARGET).map(f64::from),
            ae_state: metadata.get(&ids::AE_STATE).unwrap_or(0),
            prepare_ns: nanoseconds(frame.prepare_time),
            process_ns: nanoseconds(frame.process_time),
            complete: frame.is_complete(),
            lost: frame.lost.as_ref().map(|loss| loss.cause().name()),
        }
    }
}
