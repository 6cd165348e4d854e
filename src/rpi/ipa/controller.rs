//! All algorithms together, in step with the frames of a camera.
//!
//! For each frame, in this order: [`Controller::prepare`] when the frame is captured and before the ISP
//! runs on it, then [`Controller::process`] with the statistics that the ISP made of it, then
//! [`Controller::metadata`]. The next frame begins after that.
//!
//! Statistics of the first frame after a start are not trusted: the sensor may still have been busy with
//! other settings. Every other frame is processed; a limit on the rate, which an ordinary camera of more
//! than 30 frames a second would want, is left out.

use super::agc::{Agc, Exposure, ExposureLimits, Observation};
use super::awb::{Awb, Balance};
use super::ccm::{self, Matrix};
use super::lux::{self, DEFAULT_LUX};
use super::metadata::{AeState, Metadata};
use super::requests::Requests;
use super::sensor::{DeviceStatus, FrameLengths, SensorFacts, SensorMode, SensorSettings};
use super::tuning::{BlackLevelTuning, CcmTuning, ContrastTuning, LuxTuning, Tuning};
use super::{black_level, contrast};
use crate::rpi::layout::{self, Statistics};

/// Durations of a frame unless others are requested, in microseconds.
pub const DEFAULT_FRAME_DURATION_US: [i64; 2] = [33_333, 120_000];

/// Frames after a start whose statistics are not trusted.
pub const MISTRUSTED_FRAMES: u32 = 1;

/// Exposure that a sensor is configured with before its first start, in seconds.
const CONFIGURED_EXPOSURE: f64 = 0.02;

/// White balance of a camera without colour.
const NEUTRAL: Balance = Balance { red: 1.0, blue: 1.0, kelvin: 4500.0 };

/// What the ISP shall do with a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IspSettings {
    /// Black levels.
    pub black_level: layout::BlackLevel,
    /// Gain of red; green's is 1.
    pub red_gain: f64,
    /// Gain of blue.
    pub blue_gain: f64,
    /// Gain of all channels, 1 to 4.
    pub digital_gain: f64,
    /// Colour matrix, after the gains.
    pub colour_matrix: layout::ColourMatrix,
    /// Gamma curve, last.
    pub gamma: layout::Gamma,
}

/// How to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartSettings {
    /// What the sensor shall begin with.
    pub sensor: SensorSettings,
    /// Frames from the start that an application should not see.
    pub drop_frames: u32,
}

/// The algorithms of one camera.
///
/// ```
/// use ringfence::rpi::ipa::controller::Controller;
/// use ringfence::rpi::ipa::requests::Requests;
/// use ringfence::rpi::ipa::sensor::SensorFacts;
/// use ringfence::rpi::ipa::tuning::Tuning;
///
/// let facts = SensorFacts::imx219();
/// let mut controller = Controller::new(Tuning::builtin(), facts);
/// assert!(controller.configure(facts.default_mode).is_some(), "the first time it sets the sensor up");
/// let fixed = Requests { exposure_time_us: Some(10_000), analogue_gain: Some(1.0), ..Requests::default() };
/// let start = controller.start(&fixed);
/// assert_eq!((start.sensor.exposure_lines, start.sensor.gain_code), (529, 0));
/// ```
#[derive(Debug, Clone)]
pub struct Controller {
    facts: SensorFacts,
    black_level: BlackLevelTuning,
    lux_tuning: Option<LuxTuning>,
    ccm: Option<CcmTuning>,
    contrast_tuning: Option<ContrastTuning>,
    agc: Agc,
    awb: Option<Awb>,
    mode: SensorMode,
    durations_us: [i64; 2],
    lengths: FrameLengths,
    configured: bool,
    started: bool,
    mistrust: u32,
    lux: f64,
    brightness: f64,
    contrast: f64,
    saturation: f64,
    metadata: Metadata,
}

impl Controller {
    /// Algorithms for a kind of sensor, with what the tuning knows about it.
    #[must_use]
    pub fn new(tuning: Tuning, facts: SensorFacts) -> Self {
        let [shortest, longest] = DEFAULT_FRAME_DURATION_US.map(|us| us as f64);
        Self {
            facts,
            black_level: tuning.black_level,
            lux_tuning: tuning.lux,
            ccm: tuning.ccm,
            contrast_tuning: tuning.contrast,
            agc: Agc::new(tuning.agc),
            awb: tuning.awb.map(Awb::new),
            mode: facts.default_mode,
            durations_us: DEFAULT_FRAME_DURATION_US,
            lengths: FrameLengths::new(&facts, &facts.default_mode, shortest, longest),
            configured: false,
            started: false,
            mistrust: MISTRUSTED_FRAMES,
            lux: DEFAULT_LUX,
            brightness: 0.0,
            contrast: 1.0,
            saturation: 1.0,
            metadata: Metadata { lux: DEFAULT_LUX, digital_gain: 1.0, ..Metadata::default() },
        }
    }

    /// Changes the sensor mode. The first time it returns what to set up the sensor with (20 ms at gain
    /// 1); later the sensor keeps what it has until the next start.
    ///
    /// A mode whose line lasts no time at all, or no finite one, is left aside with a warning.
    pub fn configure(&mut self, mode: SensorMode) -> Option<SensorSettings> {
        if mode.line_seconds.is_finite() && mode.line_seconds > 0.0 {
            self.mode = mode;
        } else {
            tracing::warn!("a sensor mode with lines of {} s: the mode stays as it was", mode.line_seconds);
        }
        self.update_lengths();
        let first = !self.configured;
        self.configured = true;
        first.then(|| self.lengths.settings(&self.facts, &self.mode, CONFIGURED_EXPOSURE, 1.0))
    }

    /// Begins to stream: exposure and gain of the tuning the first time, the last ones later, fixed ones
    /// where `requests` say so.
    pub fn start(&mut self, requests: &Requests) -> StartSettings {
        self.apply(requests);
        let drop_frames = if self.started {
            0
        } else {
            let colour = self.awb.as_ref().map_or(0, Awb::convergence_frames);
            self.agc.convergence_frames().max(colour) + MISTRUSTED_FRAMES
        };
        self.started = true;
        self.mistrust = MISTRUSTED_FRAMES;
        let exposure = self.agc.start(&self.exposure_limits());
        StartSettings { sensor: self.command(exposure), drop_frames }
    }

    /// Takes the requests of a frame that was captured with `status`, and says what the ISP shall do with
    /// it. Digital gain makes up for what the sensor's exposure lacks.
    pub fn prepare(&mut self, status: &DeviceStatus, requests: &Requests) -> IspSettings {
        self.metadata.frame_duration_limits_us = None;
        self.apply(requests);
        let exposure = self.exposure_of(status);
        let balance = self.awb.as_ref().map_or(NEUTRAL, Awb::balance_now);
        let digital_gain = self.agc.digital_gain(exposure);
        let matrix: Matrix =
            self.ccm.as_ref().map_or(ccm::saturate(&ccm::IDENTITY, self.saturation), |tuning| {
                ccm::matrix(tuning, balance.kelvin, self.lux, self.saturation)
            });
        self.metadata = Metadata {
            ae_state: self.agc.state(),
            exposure_us: exposure.seconds * 1e6,
            analogue_gain: exposure.gain,
            digital_gain,
            frame_duration_us: self.mode.lines_to_us(self.mode.height.saturating_add(status.vblank)),
            timestamp_ns: status.timestamp_ns,
            lux: self.lux,
            colour_gains: [balance.red, balance.blue],
            colour_temperature: balance.kelvin,
            black_levels: black_level::reported(&self.black_level),
            colour_matrix: matrix,
            ..self.metadata
        };
        IspSettings {
            black_level: black_level::payload(&self.black_level),
            red_gain: balance.red,
            blue_gain: balance.blue,
            digital_gain,
            colour_matrix: ccm::payload(&matrix),
            gamma: contrast::gamma(self.contrast_tuning.as_ref(), self.brightness, self.contrast),
        }
    }

    /// Learns from the statistics of the frame that was prepared last, captured with `status`. Returns
    /// what the sensor shall do from now on; `None` leaves it as it is, for a frame that is not trusted
    /// or has empty statistics.
    pub fn process(&mut self, statistics: &Statistics, status: &DeviceStatus) -> Option<SensorSettings> {
        if self.mistrust > 0 {
            self.mistrust -= 1;
            return None;
        }
        let exposure = self.exposure_of(status);
        if let Some(tuning) = &self.lux_tuning {
            let estimate = lux::estimate(tuning, statistics, exposure.seconds * 1e6, exposure.gain);
            self.lux = estimate.unwrap_or(self.lux);
        }
        let [red, blue] = self.metadata.colour_gains;
        let seen = Observation {
            statistics,
            exposure,
            digital_gain: self.metadata.digital_gain,
            // What the frame was given, not what is known by now: so the luma reported is the frame's.
            balance: Balance { red, blue, kelvin: self.metadata.colour_temperature },
            lux: self.lux,
        };
        let next = self.agc.process(&seen, &self.exposure_limits());
        if let Some(awb) = &mut self.awb {
            awb.process(statistics, self.lux);
        }
        let (agc_target, luma) = self.agc.lumas();
        let ae_state = self.agc.state();
        self.metadata = Metadata { ae_state, lux: self.lux, agc_target, luma, ..self.metadata };
        next.map(|exposure| self.command(exposure))
    }

    /// What is known about the frame processed last.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Shortest and longest frame that the present limits and mode allow, in microseconds.
    #[must_use]
    pub fn frame_durations_us(&self) -> [i64; 2] {
        [self.lengths.min, self.lengths.max].map(|lines| self.mode.lines_to_us(lines) as i64)
    }

    /// Shortest and longest frame that the mode allows whatever the present limits, in microseconds.
    #[must_use]
    pub fn mode_frame_durations_us(&self) -> [i64; 2] {
        let widest = FrameLengths::new(&self.facts, &self.mode, 0.0, f64::MAX);
        [widest.min, widest.max].map(|lines| self.mode.lines_to_us(lines) as i64)
    }

    /// Range of exposure times and analogue gains within the present limits.
    #[must_use]
    pub fn exposure_limits(&self) -> ExposureLimits {
        let seconds = |lines: u32| f64::from(lines) * self.mode.line_seconds;
        ExposureLimits {
            min_exposure: seconds(self.facts.min_exposure),
            max_exposure: seconds(self.lengths.max_exposure(&self.facts)),
            max_gain: (self.facts.gain_of_code)(self.facts.max_gain_code),
        }
    }

    /// Whether automatic exposure has settled (libcamera's former `AeLocked`).
    #[must_use]
    pub fn ae_locked(&self) -> bool {
        self.metadata.ae_state == AeState::Converged
    }

    fn apply(&mut self, requests: &Requests) {
        self.apply_exposure(requests);
        self.apply_colour(requests);
        let number = |value: Option<f32>| value.filter(|value| !value.is_nan()).map(f64::from);
        self.brightness = number(requests.brightness).map_or(self.brightness, |value| value.clamp(-1.0, 1.0));
        self.contrast = number(requests.contrast).map_or(self.contrast, |value| value.clamp(0.0, 32.0));
        self.saturation = number(requests.saturation).map_or(self.saturation, |value| value.clamp(0.0, 32.0));
        if let Some(limits) = requests.frame_duration_limits_us {
            self.durations_us = std::array::from_fn(|end| match limits[end] {
                ..=0 => DEFAULT_FRAME_DURATION_US[end],
                us => us,
            });
            self.update_lengths();
            self.metadata.frame_duration_limits_us = Some(self.frame_durations_us());
        }
    }

    fn apply_exposure(&mut self, requests: &Requests) {
        // First, since it frees what the following may fix in the same request.
        if let Some(enable) = requests.ae_enable {
            self.agc.enable(enable);
        }
        if let Some(us) = requests.exposure_time_us {
            self.agc.set_fixed_exposure((us > 0).then(|| f64::from(us) * 1e-6));
        }
        if let Some(gain) = requests.analogue_gain {
            self.agc.set_fixed_gain((gain > 0.0).then(|| f64::from(gain)));
        }
        if let Some(stops) = requests.exposure_value.filter(|stops| !stops.is_nan()) {
            self.agc.set_exposure_value(f64::from(stops));
        }
        if let Some(mode) = requests.metering_mode {
            warn_unless(self.agc.set_metering_mode(mode.name()), "metering mode", mode.name());
        }
        if let Some(mode) = requests.exposure_mode {
            warn_unless(self.agc.set_exposure_mode(mode.name()), "exposure mode", mode.name());
        }
        if let Some(mode) = requests.constraint_mode {
            warn_unless(self.agc.set_constraint_mode(mode.name()), "constraint mode", mode.name());
        }
    }

    fn apply_colour(&mut self, requests: &Requests) {
        let Some(awb) = &mut self.awb else { return };
        if let Some(enable) = requests.awb_enable {
            awb.enable(enable);
        }
        if let Some(mode) = requests.awb_mode {
            warn_unless(awb.set_mode(mode.name()), "white-balance mode", mode.name());
        }
        if let Some(gains) = requests.colour_gains.filter(|gains| !gains.iter().any(|gain| gain.is_nan())) {
            let [red, blue] = gains.map(|gain| f64::from(gain).clamp(0.0, 32.0));
            awb.set_manual(red, blue);
        }
    }

    fn update_lengths(&mut self) {
        let [shortest, longest] = self.durations_us.map(|us| us as f64);
        self.lengths = FrameLengths::new(&self.facts, &self.mode, shortest, longest);
    }

    /// Brings an exposure to whole lines and codes and remembers it.
    fn command(&mut self, exposure: Exposure) -> SensorSettings {
        let settings = self.lengths.settings(&self.facts, &self.mode, exposure.seconds, exposure.gain);
        self.agc.set_commanded(Exposure {
            seconds: f64::from(settings.exposure_lines) * self.mode.line_seconds,
            gain: (self.facts.gain_of_code)(settings.gain_code),
        });
        settings
    }

    fn exposure_of(&self, status: &DeviceStatus) -> Exposure {
        Exposure {
            seconds: f64::from(status.exposure_lines) * self.mode.line_seconds,
            gain: (self.facts.gain_of_code)(status.gain_code),
        }
    }
}

fn warn_unless(known: bool, kind: &str, name: &str) {
    if !known {
        tracing::warn!("the tuning has no {kind} {name:?}: the mode stays as it was");
    }
}

#[cfg(all(test, feature = "camera"))]
#[path = "controller/tests.rs"]
mod tests;
