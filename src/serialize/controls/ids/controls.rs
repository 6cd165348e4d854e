//! libcamera's controls that the Raspberry Pi IPA accepts or reports.

use super::super::Control;
use crate::serialize::Rectangle;

ids! {
    /// Whether exposure time and gain are found automatically. In only; default true.
    AE_ENABLE: bool = 1, "AeEnable";
    /// What automatic exposure is doing, an [`AeState`](crate::serialize::controls::AeState). Out only.
    AE_STATE: i32 = 2, "AeState";
    /// Which parts of the image count, an
    /// [`AeMeteringMode`](crate::serialize::controls::AeMeteringMode); default 0.
    AE_METERING_MODE: i32 = 3, "AeMeteringMode";
    /// What to keep, an [`AeConstraintMode`](crate::serialize::controls::AeConstraintMode); default 0.
    AE_CONSTRAINT_MODE: i32 = 4, "AeConstraintMode";
    /// Rather time or rather gain, an [`AeExposureMode`](crate::serialize::controls::AeExposureMode);
    /// default 0.
    AE_EXPOSURE_MODE: i32 = 5, "AeExposureMode";
    /// Correction of automatic exposure, in EV steps, each a factor of two: -8.0 to 8.0, default 0.0.
    EXPOSURE_VALUE: f32 = 6, "ExposureValue";
    /// Time for which the sensor collects light, in microseconds: 1 to 66666, default 20000.
    EXPOSURE_TIME: i32 = 7, "ExposureTime";
    /// Who determines the exposure time, a [`Switch`](crate::serialize::controls::Switch); default 0.
    EXPOSURE_TIME_MODE: i32 = 8, "ExposureTimeMode";
    /// Gain of the sensor before conversion, as a factor: 1.0 to 16.0, default 1.0.
    ANALOGUE_GAIN: f32 = 9, "AnalogueGain";
    /// Who determines the analogue gain, a [`Switch`](crate::serialize::controls::Switch); default 0.
    ANALOGUE_GAIN_MODE: i32 = 10, "AnalogueGainMode";
    /// How flicker of lamps is avoided: 0 not, 1 by [`AE_FLICKER_PERIOD`], 2 automatically (not offered);
    /// default 0.
    AE_FLICKER_MODE: i32 = 11, "AeFlickerMode";
    /// Period of the flicker, in microseconds: 100 to 1000000; 10000 for mains of 50 Hz. No default.
    AE_FLICKER_PERIOD: i32 = 12, "AeFlickerPeriod";
    /// Offset to the image's brightness, as a part of its range: -1.0 to 1.0, default 0.0.
    BRIGHTNESS: f32 = 14, "Brightness";
    /// Contrast, as a factor: 0.0 to 32.0, default 1.0.
    CONTRAST: f32 = 15, "Contrast";
    /// Estimate of the scene's illuminance, in lux. Out only.
    LUX: f32 = 16, "Lux";
    /// Whether white balance is found automatically. No default.
    AWB_ENABLE: bool = 17, "AwbEnable";
    /// Which light to assume, an [`AwbMode`](crate::serialize::controls::AwbMode); default 0.
    AWB_MODE: i32 = 18, "AwbMode";
    /// Gains of red and blue relative to green, as factors: 0.0 to 32.0. No default.
    COLOUR_GAINS: [f32; 2] = 20, "ColourGains";
    /// Correlated colour temperature of the light, in kelvin: 100 to 100000. Declared as out only, but
    /// accepted.
    COLOUR_TEMPERATURE: i32 = 21, "ColourTemperature";
    /// Saturation, as a factor: 0.0 (grey) to 32.0, default 1.0.
    SATURATION: f32 = 22, "Saturation";
    /// Black levels of red, green, green, blue, scaled to 16 bits. Out only.
    SENSOR_BLACK_LEVELS: [i32; 4] = 23, "SensorBlackLevels";
    /// Sharpening, as a factor of the tuning's: 0.0 (none) to 16.0, default 1.0.
    SHARPNESS: f32 = 24, "Sharpness";
    /// Figure of merit of the focus: greater is sharper, without unit. Out only.
    FOCUS_FOM: i32 = 25, "FocusFoM";
    /// Colour correction matrix of three by three, row by row, from the sensor's RGB to the
    /// display's: each 0.0 to 8.0 as advertised, though negative ones are usual. No default.
    COLOUR_CORRECTION_MATRIX: [f32; 9] = 26, "ColourCorrectionMatrix";
    /// Part of the sensor's image that is scaled to the output, in pixels of the sensor's full array.
    /// For the pipeline handler; the IPA ignores it.
    SCALER_CROP: Rectangle = 27, "ScalerCrop";
    /// Gain after conversion, as a factor. Out only.
    DIGITAL_GAIN: f32 = 28, "DigitalGain";
    /// Time from the start of this frame to the start of the next, in microseconds. Out only.
    FRAME_DURATION: i64 = 29, "FrameDuration";
    /// Least and greatest frame duration, in microseconds: 33333 to 250000000, default 33333 for both.
    FRAME_DURATION_LIMITS: [i64; 2] = 30, "FrameDurationLimits";
    /// Temperature of the sensor, in degrees Celsius. Out only.
    SENSOR_TEMPERATURE: f32 = 31, "SensorTemperature";
    /// When the first line was exposed, in nanoseconds since boot. Out only, from the pipeline handler.
    SENSOR_TIMESTAMP: i64 = 32, "SensorTimestamp";
    /// Who moves the lens, an [`AfMode`](crate::serialize::controls::AfMode); default 0.
    AF_MODE: i32 = 33, "AfMode";
    /// Distances to search: 0 normal, 1 macro, 2 full; default 0.
    AF_RANGE: i32 = 34, "AfRange";
    /// Speed of the search: 0 normal, 1 fast; default 0.
    AF_SPEED: i32 = 35, "AfSpeed";
    /// Parts of the image that should be sharp: 0 automatic, 1 [`AF_WINDOWS`]; default 0.
    AF_METERING: i32 = 36, "AfMetering";
    /// Parts of the image that should be sharp, in pixels of the sensor's full array.
    AF_WINDOWS: Vec<Rectangle> = 37, "AfWindows";
    /// 0 starts a scan, 1 cancels it. In only; default 0.
    AF_TRIGGER: i32 = 38, "AfTrigger";
    /// 0 pauses continuous focus at once, 1 after the scan, 2 resumes it. In only; default 0.
    AF_PAUSE: i32 = 39, "AfPause";
    /// Position of the lens, in dioptres, the reciprocal of the distance in metres: 0.0 (infinity)
    /// to 32.0, default 1.0.
    LENS_POSITION: f32 = 40, "LensPosition";
    /// What automatic focus is doing, an [`AfState`](crate::serialize::controls::AfState). Out only.
    AF_STATE: i32 = 41, "AfState";
    /// Whether continuous focus runs: 0 running, 1 pausing, 2 paused. Out only.
    AF_PAUSE_STATE: i32 = 42, "AfPauseState";
    /// How exposures are combined, an [`HdrMode`](crate::serialize::controls::HdrMode); default 0.
    HDR_MODE: i32 = 43, "HdrMode";
    /// Which exposure of several the frame is: 0 none, 1 short, 2 medium, 3 long. Out only.
    HDR_CHANNEL: i32 = 44, "HdrChannel";
    /// When the frame was taken, in nanoseconds since 1970. Out only, from the pipeline handler.
    FRAME_WALL_CLOCK: i64 = 47, "FrameWallClock";
}
