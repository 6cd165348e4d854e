//! The controller's bookkeeping: starts, requests, limits, metadata.

use bytemuck::Zeroable;

use super::super::model_camera::{Camera, Scene, mode};
use super::super::requests::{AwbMode, MeteringMode};
use super::*;

fn controller() -> Controller {
    let mut controller = Controller::new(Tuning::builtin(), SensorFacts::imx219());
    controller.configure(mode()).unwrap();
    controller
}

fn camera(lux: f64) -> Camera {
    Camera::start(Tuning::builtin(), Scene::chart(), 4500.0, lux)
}

fn frames(camera: &mut Camera, count: usize) {
    for _ in 0..count {
        camera.frame(&Requests::default());
    }
}

#[test]
fn the_first_configuration_sets_up_the_sensor_and_the_first_start_drops_frames() {
    let mut controller = Controller::new(Tuning::builtin(), SensorFacts::imx219());
    let first = controller.configure(mode()).unwrap();
    assert_eq!((first.exposure_lines, first.gain_code, first.vblank), (1058, 0, 531));
    assert_eq!(controller.configure(mode()), None);
    let start = controller.start(&Requests::default());
    assert_eq!((start.sensor.exposure_lines, start.sensor.gain_code, start.sensor.vblank), (52, 0, 531));
    assert_eq!(start.drop_frames, 7);
    assert_eq!(controller.start(&Requests::default()).drop_frames, 0);
}

#[test]
fn fixed_exposure_and_gain_act_from_the_first_frame_on() {
    let fixed = Requests { exposure_time_us: Some(10_000), analogue_gain: Some(2.0), ..Requests::default() };
    let mut controller = controller();
    let start = controller.start(&fixed);
    assert_eq!((start.sensor.exposure_lines, start.sensor.gain_code, start.drop_frames), (529, 128, 4));
    assert_eq!(controller.prepare(&DeviceStatus::default(), &Requests::default()).digital_gain, 1.0);
    assert_eq!(controller.metadata().ae_state, AeState::Idle);
}

#[test]
fn the_first_statistics_are_not_trusted_and_empty_ones_change_nothing() {
    let mut controller = controller();
    controller.start(&Requests::default());
    let status = DeviceStatus { exposure_lines: 52, gain_code: 0, vblank: 531, timestamp_ns: 5 };
    let mut statistics = Statistics::zeroed();
    statistics.agc[0].notcounted = 1;
    statistics.histograms[0].g[127] = 1;
    controller.prepare(&status, &Requests::default());
    assert_eq!(controller.process(&statistics, &status), None);
    assert_eq!((controller.metadata().lux, controller.metadata().timestamp_ns), (400.0, 5));
    controller.prepare(&status, &Requests::default());
    assert!(controller.process(&statistics, &status).is_some());
    assert!(controller.metadata().lux > 1000.0);
    assert_eq!(controller.process(&Statistics::zeroed(), &status), None);
}

#[test]
fn metadata_tell_of_the_frame() {
    let mut camera = camera(500.0);
    frames(&mut camera, 60);
    let picture = camera.frame(&Requests::default());
    let metadata = camera.controller.metadata();
    assert!((metadata.exposure_us - mode().lines_to_us(picture.exposure_lines)).abs() < 1e-6);
    assert!((metadata.analogue_gain - picture.gain).abs() < 1e-12);
    assert!((metadata.frame_duration_us - mode().lines_to_us(1232 + picture.vblank)).abs() < 1e-6);
    assert_eq!(metadata.black_levels, [4096; 4]);
    assert!((metadata.luma / picture.luma - 1.0).abs() < 0.03, "{metadata:?}, {picture:?}");
    assert!(metadata.colour_matrix.iter().all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-3));
    assert!(camera.controller.ae_locked());
}

#[test]
fn after_a_stop_it_goes_on_where_it_was() {
    let mut camera = camera(50.0);
    frames(&mut camera, 60);
    let before = camera.frame(&Requests::default());
    camera.controller.configure(mode());
    let start = camera.controller.start(&Requests::default());
    assert_eq!(start.drop_frames, 0);
    assert!(start.sensor.exposure_lines.abs_diff(before.exposure_lines) <= 1, "{start:?}, {before:?}");
}

#[test]
fn a_higher_frame_rate_turns_exposure_into_gain() {
    let mut camera = camera(55.0);
    frames(&mut camera, 60);
    assert!(camera.frame(&Requests::default()).exposure_lines > 2000);
    let fast = Requests { frame_duration_limits_us: Some([33_333, 33_333]), ..Requests::default() };
    camera.frame(&fast);
    assert_eq!(camera.controller.metadata().frame_duration_limits_us, Some([33_326, 33_326]));
    frames(&mut camera, 40);
    let picture = camera.frame(&Requests::default());
    assert_eq!((picture.exposure_lines, picture.vblank), (1759, 531));
    assert!(picture.gain > 8.0, "{picture:?}");
    let metadata = camera.controller.metadata();
    assert!((picture.luma / metadata.agc_target - 1.0).abs() < 0.05, "{picture:?}, {metadata:?}");
    assert_eq!(metadata.frame_duration_limits_us, None);
}

#[test]
fn frame_durations_are_brought_within_the_mode() {
    let mut controller = controller();
    let ask = |controller: &mut Controller, limits| {
        let requests = Requests { frame_duration_limits_us: Some(limits), ..Requests::default() };
        controller.prepare(&DeviceStatus::default(), &requests);
        controller.metadata().frame_duration_limits_us.unwrap()
    };
    assert_eq!(ask(&mut controller, [1, i64::MAX]), [23_364, 1_238_841]);
    assert_eq!(ask(&mut controller, [0, 0]), [33_326, 119_999]);
    assert_eq!(ask(&mut controller, [50_000, 40_000]), [49_999, 49_999]);
    assert_eq!(ask(&mut controller, [i64::MIN, -1]), [33_326, 119_999]);
    assert_eq!(controller.mode_frame_durations_us(), [23_364, 1_238_841]);
    let limits = controller.exposure_limits();
    assert!((limits.min_exposure - 75.6e-6).abs() < 1e-7 && limits.max_exposure < 0.12, "{limits:?}");
    assert!((limits.max_gain - 10.6667).abs() < 1e-4, "{limits:?}");
}

#[test]
fn picture_controls_reach_the_isp_and_nonsense_does_not() {
    let mut controller = controller();
    controller.start(&Requests::default());
    let status = DeviceStatus::default();
    let plain = controller.prepare(&status, &Requests::default());
    let nonsense = Requests {
        brightness: Some(f32::NAN),
        contrast: Some(f32::NAN),
        saturation: Some(f32::NAN),
        exposure_value: Some(f32::NAN),
        analogue_gain: Some(f32::NAN),
        colour_gains: Some([f32::NAN, 1.0]),
        exposure_time_us: Some(i32::MIN),
        metering_mode: Some(MeteringMode::Custom),
        awb_mode: Some(AwbMode::Custom),
        ..Requests::default()
    };
    assert_eq!(controller.prepare(&status, &nonsense), plain);
    let changed = Requests { brightness: Some(0.2), saturation: Some(0.0), ..Requests::default() };
    let changed = controller.prepare(&status, &changed);
    assert!(changed.gamma.y[5] > plain.gamma.y[5]);
    let [first, second, third] = changed.colour_matrix.coefficients;
    assert!(first == second && second == third, "{changed:?}");
    // Requests last.
    assert_eq!(controller.prepare(&status, &Requests::default()), changed);
    let gains = Requests { colour_gains: Some([1.5, 99.0]), ..Requests::default() };
    let gains = controller.prepare(&status, &gains);
    assert_eq!((gains.red_gain, gains.blue_gain), (1.5, 32.0));
}

#[test]
fn exposure_value_moves_the_picture_by_stops() {
    let mut camera = camera(500.0);
    frames(&mut camera, 60);
    let before = camera.frame(&Requests::default());
    camera.frame(&Requests { exposure_value: Some(-1.0), ..Requests::default() });
    frames(&mut camera, 60);
    let after = camera.frame(&Requests::default());
    // The chart's white patch keeps it from getting darker than the constraint on highlights allows.
    assert!(after.milliseconds < 0.6 * before.milliseconds, "{before:?}, then {after:?}");
}

#[test]
fn hostile_input_never_panics() {
    let mut controller = controller();
    controller.configure(SensorMode { line_seconds: f64::NAN, ..mode() });
    controller.configure(SensorMode { height: u32::MAX, min_frame_length: u32::MAX, ..mode() });
    controller.start(&Requests::default());
    let status =
        DeviceStatus { exposure_lines: 0, gain_code: u32::MAX, vblank: u32::MAX, timestamp_ns: u64::MAX };
    let mut bytes = vec![0xff_u8; size_of::<Statistics>()];
    for fill in [0xff, 0, 0x80, 1] {
        bytes.fill(fill);
        let statistics: Statistics = bytemuck::pod_read_unaligned(&bytes);
        for _ in 0..3 {
            let isp = controller.prepare(&status, &Requests::default());
            assert!((1.0..=4.0).contains(&isp.digital_gain), "{isp:?}");
            assert!(isp.red_gain.is_finite() && isp.blue_gain.is_finite());
            controller.process(&statistics, &status);
        }
    }
}
