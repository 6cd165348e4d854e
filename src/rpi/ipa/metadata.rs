//! What is told about a frame.
//!
//! ```
//! use ringfence::rpi::ipa::metadata::{AeState, Metadata};
//!
//! let unknown = Metadata::default();
//! assert_eq!((unknown.ae_state, unknown.frame_duration_limits_us), (AeState::Idle, None));
//! ```

/// State of automatic exposure, with libcamera's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AeState {
    /// Off, or both exposure and gain are fixed.
    #[default]
    Idle = 0,
    /// On the way.
    Searching = 1,
    /// Arrived: the exposure has been right for several frames.
    Converged = 2,
}

/// What is known about a frame after [`process`](super::controller::Controller::process).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Metadata {
    /// State of automatic exposure.
    pub ae_state: AeState,
    /// Exposure of the frame, in microseconds.
    pub exposure_us: f64,
    /// Analogue gain of the frame.
    pub analogue_gain: f64,
    /// Gain applied by the ISP, 1 to 4.
    pub digital_gain: f64,
    /// Duration of the frame, in microseconds.
    pub frame_duration_us: f64,
    /// The limits in force after a request for some, in microseconds; `None` in frames without.
    pub frame_duration_limits_us: Option<[i64; 2]>,
    /// Time at which the frame started, in nanoseconds.
    pub timestamp_ns: u64,
    /// Brightness of the scene, in lux.
    pub lux: f64,
    /// Gains of red and blue applied to the frame.
    pub colour_gains: [f64; 2],
    /// Colour temperature that they belong to, in kelvin.
    pub colour_temperature: f64,
    /// Black levels: red, green, green, blue; on a scale of 16 bits.
    pub black_levels: [u16; 4],
    /// Colour matrix applied to the frame, row-major.
    pub colour_matrix: [[f64; 3]; 3],
    /// Mean luma aimed at: metered, linear, white-balanced, as a fraction of full scale. It is the
    /// tuning's `y_target`, or what the constraints on the histogram make of it. 0 until known.
    pub agc_target: f64,
    /// Mean luma of this frame, on the same scale, after digital gain. 0 until known.
    pub luma: f64,
}
