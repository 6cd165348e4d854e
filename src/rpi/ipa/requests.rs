//! What an application may ask of the algorithms with a frame.

/// Metering: which parts of the picture decide its exposure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MeteringMode {
    /// The middle counts most.
    CentreWeighted,
    /// Only the middle counts.
    Spot,
    /// All parts count the same.
    Matrix,
    /// Whatever the tuning calls `custom`.
    Custom,
}

/// Exposure mode: how total exposure is divided into time and gain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExposureModeName {
    /// The usual compromise.
    Normal,
    /// Short exposures, at the price of noise.
    Short,
    /// Long exposures, at the price of blur.
    Long,
    /// Whatever the tuning calls `custom`.
    Custom,
}

/// Constraint mode: what the histogram must fulfil.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConstraintMode {
    /// The usual constraints.
    Normal,
    /// Keep highlights from clipping.
    Highlight,
    /// Keep shadows visible.
    Shadows,
    /// Whatever the tuning calls `custom`.
    Custom,
}

/// White-balance mode: among which lights to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AwbMode {
    /// All.
    Auto,
    /// Incandescent lamps.
    Incandescent,
    /// Tungsten lamps.
    Tungsten,
    /// Fluorescent lamps.
    Fluorescent,
    /// What is met indoors.
    Indoor,
    /// Daylight.
    Daylight,
    /// Daylight under clouds.
    Cloudy,
    /// Whatever the tuning calls `custom`.
    Custom,
}

macro_rules! numbered {
    ($type:ident { $($number:literal => $variant:ident, $name:literal;)* }) => {
        impl $type {
            /// From the number of the libcamera control; `None` if there is no such mode.
            #[must_use]
            pub fn from_number(number: i32) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }

            /// The name of the mode in tuning files.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

numbered!(MeteringMode { 0 => CentreWeighted, "centre-weighted"; 1 => Spot, "spot"; 2 => Matrix, "matrix"; 3 => Custom, "custom"; });
numbered!(ExposureModeName { 0 => Normal, "normal"; 1 => Short, "short"; 2 => Long, "long"; 3 => Custom, "custom"; });
numbered!(ConstraintMode { 0 => Normal, "normal"; 1 => Highlight, "highlight"; 2 => Shadows, "shadows"; 3 => Custom, "custom"; });
numbered!(AwbMode {
    0 => Auto, "auto"; 1 => Incandescent, "incandescent"; 2 => Tungsten, "tungsten"; 3 => Fluorescent, "fluorescent";
    4 => Indoor, "indoor"; 5 => Daylight, "daylight"; 6 => Cloudy, "cloudy"; 7 => Custom, "custom";
});

/// The requests of one frame. What is `None` stays as it was. Values out of range are brought within it,
/// those that are no numbers are ignored.
///
/// ```
/// use ringfence::rpi::ipa::requests::{MeteringMode, Requests};
///
/// let requests = Requests {
///     exposure_value: Some(-0.5),
///     metering_mode: MeteringMode::from_number(1),
///     ..Requests::default()
/// };
/// assert_eq!(requests.metering_mode.map(MeteringMode::name), Some("spot"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Requests {
    /// Automatic exposure: `true` frees fixed exposure and gain, `false` holds the values of the moment.
    pub ae_enable: Option<bool>,
    /// Fixed exposure in microseconds; 0: automatic.
    pub exposure_time_us: Option<i32>,
    /// Fixed analogue gain, 1 and up; 0: automatic.
    pub analogue_gain: Option<f32>,
    /// Exposure value in stops, -8 to 8: how much brighter than usual.
    pub exposure_value: Option<f32>,
    /// Metering mode.
    pub metering_mode: Option<MeteringMode>,
    /// Exposure mode.
    pub exposure_mode: Option<ExposureModeName>,
    /// Constraint mode.
    pub constraint_mode: Option<ConstraintMode>,
    /// Automatic white balance: `true` frees fixed gains, `false` holds the gains of the moment.
    pub awb_enable: Option<bool>,
    /// White-balance mode.
    pub awb_mode: Option<AwbMode>,
    /// Fixed gains of red and blue, above 0 to 32; a zero: automatic.
    pub colour_gains: Option<[f32; 2]>,
    /// Brightness, -1 to 1.
    pub brightness: Option<f32>,
    /// Contrast, 0 to 32; 1 is neutral.
    pub contrast: Option<f32>,
    /// Saturation, 0 to 32; 1 is neutral.
    pub saturation: Option<f32>,
    /// Shortest and longest duration of a frame, in microseconds; a zero: the default.
    pub frame_duration_limits_us: Option<[i64; 2]>,
}
