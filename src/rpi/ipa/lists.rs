//! Between the lists of the interface and the plain types of the algorithms.

use super::controller::IspSettings;
use super::metadata::Metadata;
use super::requests::{AwbMode, ConstraintMode, ExposureModeName, MeteringMode, Requests};
use super::sensor::{DeviceStatus, SensorSettings};
use crate::ipc::CallError;
use crate::rpi::vendor;
use crate::serialize::ControlList;
use crate::serialize::controls::ids::controls as ids;
use crate::serialize::controls::ids::v4l2;

/// What an application asks for. Modes that do not exist are ignored with a warning.
pub fn requests(list: &ControlList) -> Requests {
    if list.is_empty() {
        return Requests::default();
    }
    fn mode<T>(name: &str, number: Option<i32>, of: impl Fn(i32) -> Option<T>) -> Option<T> {
        let mode = of(number?);
        if mode.is_none() {
            tracing::warn!("{name}: there is no mode {}", number.unwrap_or_default());
        }
        mode
    }
    Requests {
        ae_enable: list.get(&ids::AE_ENABLE),
        exposure_time_us: list.get(&ids::EXPOSURE_TIME),
        analogue_gain: list.get(&ids::ANALOGUE_GAIN),
        exposure_value: list.get(&ids::EXPOSURE_VALUE),
        metering_mode: mode("AeMeteringMode", list.get(&ids::AE_METERING_MODE), MeteringMode::from_number),
        exposure_mode: mode(
            "AeExposureMode",
            list.get(&ids::AE_EXPOSURE_MODE),
            ExposureModeName::from_number,
        ),
        constraint_mode: mode(
            "AeConstraintMode",
            list.get(&ids::AE_CONSTRAINT_MODE),
            ConstraintMode::from_number,
        ),
        awb_enable: list.get(&ids::AWB_ENABLE),
        awb_mode: mode("AwbMode", list.get(&ids::AWB_MODE), AwbMode::from_number),
        colour_gains: list.get(&ids::COLOUR_GAINS),
        brightness: list.get(&ids::BRIGHTNESS),
        contrast: list.get(&ids::CONTRAST),
        saturation: list.get(&ids::SATURATION),
        frame_duration_limits_us: list.get(&ids::FRAME_DURATION_LIMITS),
    }
}

/// What acted on the sensor.
pub fn device_status(controls: &ControlList) -> Result<DeviceStatus, CallError> {
    let register = |control| -> Result<u32, CallError> {
        let value = controls.try_get(control).map_err(|error| CallError::Module(error.to_string()))?;
        u32::try_from(value)
            .map_err(|_| CallError::Module(format!("{control:?} is {value}, which is negative")))
    };
    Ok(DeviceStatus {
        exposure_lines: register(&v4l2::EXPOSURE)?,
        gain_code: register(&v4l2::ANALOGUE_GAIN)?,
        vblank: register(&v4l2::VBLANK)?,
        timestamp_ns: controls.get(&ids::SENSOR_TIMESTAMP).unwrap_or(0).max(0).cast_unsigned(),
    })
}

/// What the sensor shall do.
pub fn write_sensor_controls(list: &mut ControlList, settings: SensorSettings) {
    list.set(&v4l2::VBLANK, settings.vblank.cast_signed());
    list.set(&v4l2::EXPOSURE, settings.exposure_lines.cast_signed());
    list.set(&v4l2::ANALOGUE_GAIN, settings.gain_code.cast_signed());
}

/// What the ISP shall do.
pub fn write_isp_controls(list: &mut ControlList, settings: &IspSettings) {
    let thousandths = |gain: f64| (gain * 1000.0).round() as i32;
    list.set(&v4l2::RED_BALANCE, thousandths(settings.red_gain));
    list.set(&v4l2::BLUE_BALANCE, thousandths(settings.blue_gain));
    list.set(&v4l2::DIGITAL_GAIN, thousandths(settings.digital_gain));
    list.set(&v4l2::BLACK_LEVEL, bytemuck::bytes_of(&settings.black_level));
    list.set(&v4l2::CC_MATRIX, bytemuck::bytes_of(&settings.colour_matrix));
    list.set(&v4l2::GAMMA, bytemuck::bytes_of(&settings.gamma));
}

/// What is known of a frame.
pub fn write_metadata(list: &mut ControlList, metadata: &Metadata) {
    list.clear();
    list.set(&ids::AE_STATE, metadata.ae_state as i32);
    list.set(&ids::EXPOSURE_TIME, metadata.exposure_us as i32);
    list.set(&ids::ANALOGUE_GAIN, metadata.analogue_gain as f32);
    list.set(&ids::LUX, metadata.lux as f32);
    list.set(&ids::COLOUR_GAINS, metadata.colour_gains.map(|gain| gain as f32));
    list.set(&ids::COLOUR_TEMPERATURE, metadata.colour_temperature.round() as i32);
    list.set(&ids::SENSOR_BLACK_LEVELS, metadata.black_levels.map(i32::from));
    let matrix = metadata.colour_matrix.as_flattened();
    list.set(&ids::COLOUR_CORRECTION_MATRIX, std::array::from_fn::<f32, 9, _>(|index| matrix[index] as f32));
    list.set(&ids::DIGITAL_GAIN, metadata.digital_gain as f32);
    list.set(&ids::FRAME_DURATION, metadata.frame_duration_us as i64);
    if let Some(limits) = metadata.frame_duration_limits_us {
        list.set(&ids::FRAME_DURATION_LIMITS, limits);
    }
}

/// What is known of a frame that libcamera has no controls for.
pub fn write_vendor_metadata(list: &mut ControlList, metadata: &Metadata) {
    list.set(&vendor::AGC_TARGET, metadata.agc_target as f32);
    list.set(&vendor::AGC_LUMA, metadata.luma as f32);
}
