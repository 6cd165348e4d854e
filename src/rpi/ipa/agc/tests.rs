//! Exposure control, one decision at a time; the closed loop has tests of its own.

use bytemuck::Zeroable;

use super::*;
use crate::rpi::ipa::tuning::Tuning;
use crate::rpi::layout::Region;

const LIMITS: ExposureLimits = ExposureLimits { min_exposure: 75e-6, max_exposure: 0.12, max_gain: 10.0 };
const NEUTRAL: Balance = Balance { red: 1.0, blue: 1.0, kelvin: 5000.0 };

/// A picture of one grey, a fraction of full scale.
fn grey(fraction: f64) -> Statistics {
    let mut statistics = Statistics::zeroed();
    let sum = (fraction * 8191.0 * 1000.0) as u64;
    statistics.agc.fill(Region { counted: 1000, notcounted: 0, r_sum: sum, g_sum: sum, b_sum: sum });
    statistics.histograms[0].g[(fraction * 127.9) as usize] = 15_000;
    statistics
}

fn agc() -> Agc {
    let mut tuning = Tuning::builtin().agc;
    // One grey all over has no highlights to speak of.
    tuning.constraint_modes[0].value.clear();
    Agc::new(tuning)
}

/// Lets `agc` see a scene that has `level` at one second and gain 1, as often as asked, the commands
/// acting at once. Returns the last command.
fn watch(agc: &mut Agc, level: f64, frames: usize) -> Exposure {
    let mut exposure = agc.start(&LIMITS);
    agc.set_commanded(exposure);
    for _ in 0..frames {
        let statistics = grey((level * exposure.total()).min(1.0));
        let digital_gain = agc.digital_gain(exposure);
        let seen =
            Observation { statistics: &statistics, exposure, digital_gain, balance: NEUTRAL, lux: 1000.0 };
        exposure = agc.process(&seen, &LIMITS).unwrap();
        agc.set_commanded(exposure);
    }
    exposure
}

fn near(found: f64, expected: f64) {
    assert!((found / expected - 1.0).abs() < 0.01, "{found} is not near {expected}");
}

#[test]
fn one_grey_comes_to_the_target() {
    let mut agc = agc();
    let exposure = watch(&mut agc, 10.0, 10);
    near(exposure.total(), 0.017);
    assert_eq!(agc.state(), AeState::Converged);
    near(agc.lumas().0, 0.17);
    near(agc.lumas().1, 0.17);
}

#[test]
fn exposure_value_and_base_are_factors() {
    let mut agc = agc();
    agc.set_exposure_value(1.0);
    near(watch(&mut agc, 10.0, 12).total(), 0.034);
    agc.set_exposure_value(-2.0);
    near(watch(&mut agc, 10.0, 60).total(), 0.004_25);
    // Without an end to it a picture would become white, and tell nothing any more.
    agc.set_exposure_value(8.0);
    near(watch(&mut agc, 10.0, 60).total(), 0.09);
}

#[test]
fn fixed_values_hold_and_the_other_follows() {
    let mut agc = agc();
    agc.set_fixed_exposure(Some(0.005));
    let exposure = watch(&mut agc, 10.0, 12);
    near(exposure.seconds, 0.005);
    near(exposure.gain, 3.4);
    assert_eq!(agc.state(), AeState::Converged);
    agc.set_fixed_gain(Some(2.0));
    let exposure = watch(&mut agc, 10.0, 3);
    assert_eq!((exposure.seconds, exposure.gain), (0.005, 2.0));
    assert_eq!((agc.state(), agc.convergence_frames()), (AeState::Idle, 0));
    near(agc.digital_gain(exposure), 1.0);
    agc.enable(true);
    near(watch(&mut agc, 10.0, 60).total(), 0.017);
}

#[test]
fn disabled_it_holds_what_was_commanded() {
    let mut agc = agc();
    let before = watch(&mut agc, 10.0, 12);
    agc.enable(false);
    assert_eq!(agc.state(), AeState::Idle);
    let after = watch(&mut agc, 1.0, 12);
    near(after.seconds, before.seconds);
    near(after.gain, before.gain);
    agc.set_fixed_exposure(Some(0.001));
    near(watch(&mut agc, 1.0, 3).seconds, 0.001);
}

#[test]
fn disabled_from_the_start_it_holds_the_default() {
    let mut agc = agc();
    agc.enable(false);
    let exposure = watch(&mut agc, 10.0, 12);
    assert_eq!((exposure.seconds, exposure.gain), (0.001, 1.0));
}

#[test]
fn constraints_push_up_and_down() {
    let statistics = grey(0.1);
    let exposure = Exposure { seconds: 0.01, gain: 1.0 };
    let seen =
        Observation { statistics: &statistics, exposure, digital_gain: 1.0, balance: NEUTRAL, lux: 1000.0 };
    let mean = between_quantiles(&statistics.histograms[0].g, 0.98, 1.0).unwrap() / HISTOGRAM_BINS as f64;
    for (bound, target, expected) in [
        (Bound::Lower, 0.5, 0.5 / mean),
        (Bound::Upper, 0.05, 0.05 / mean),
        (Bound::Lower, 0.05, 1.7),
        (Bound::Upper, 0.5, 1.7),
    ] {
        let mut tuning = Tuning::builtin().agc;
        let constraint = &mut tuning.constraint_modes[0].value[0];
        constraint.bound = bound;
        constraint.y_target = crate::rpi::ipa::piecewise::Piecewise::new(vec![(0.0, target)]).unwrap();
        let mut agc = Agc::new(tuning);
        near(agc.process(&seen, &LIMITS).unwrap().total(), 0.01 * expected);
        near(agc.lumas().0, 0.1 * expected);
    }
}

#[test]
fn digital_gain_makes_up_for_what_the_sensor_lacks() {
    let mut agc = agc();
    let exposure = watch(&mut agc, 10.0, 12);
    assert_eq!(Agc::new(Tuning::builtin().agc).digital_gain(exposure), 1.0);
    for (part, gain) in
        [(1.0, 1.0), (0.8, 1.25), (0.1, MAX_DIGITAL_GAIN), (2.0, 1.0), (0.0, MAX_DIGITAL_GAIN)]
    {
        let lacking = Exposure { seconds: exposure.seconds * part, gain: exposure.gain };
        let found = agc.digital_gain(lacking);
        assert!(
            (found - gain).abs() < 0.02 || part == 0.0 && (1.0..=gain).contains(&found),
            "{part}: {found}"
        );
    }
}

#[test]
fn after_the_start_steps_are_damped() {
    let mut agc = agc();
    let before = watch(&mut agc, 10.0, 20).total();
    let after = watch(&mut agc, 9.0, 1).total();
    assert!(after > before && after < before * 10.0 / 9.0, "{before}, then {after}");
    near(watch(&mut agc, 9.0, 40).total(), 0.17 / 9.0);
}

#[test]
fn a_picture_out_of_reach_ends_at_the_limits() {
    let mut dark = agc();
    near(watch(&mut dark, 0.01, 20).total(), 0.066_666 * 10.0);
    assert_eq!(dark.state(), AeState::Converged);
    let mut bright = agc();
    near(watch(&mut bright, 1e6, 20).total(), 75e-6);
}

#[test]
fn the_sensor_goes_ahead_of_a_falling_total_only() {
    let mut agc = agc();
    let threshold = agc.tuning.fast_reduce_threshold;
    assert_eq!(agc.relieve_highlights(1.0, 0.8), 1.0);
    let (mut total, mut last) = (1.0, 1.0);
    while total > 0.1 {
        let sensor = agc.relieve_highlights(total, 0.1);
        assert!(sensor <= last && sensor >= 0.1 && sensor >= threshold * total, "{total}: {last}, {sensor}");
        (last, total) = (sensor, total * 0.97);
    }
    assert_eq!(agc.relieve_highlights(0.1, 0.0995), 0.1);
    assert_eq!(agc.relieve_highlights(0.1, 0.08), 0.1);
}

#[test]
fn empty_statistics_teach_nothing() {
    let statistics = Statistics::zeroed();
    let exposure = Exposure { seconds: 0.01, gain: 1.0 };
    let seen =
        Observation { statistics: &statistics, exposure, digital_gain: 1.0, balance: NEUTRAL, lux: 400.0 };
    assert_eq!(agc().process(&seen, &LIMITS), None);
}

#[test]
fn unknown_modes_are_refused() {
    let mut agc = agc();
    assert!(agc.set_metering_mode("spot") && !agc.set_metering_mode("custom"));
    assert!(agc.set_exposure_mode("short") && !agc.set_exposure_mode("custom"));
    assert!(agc.set_constraint_mode("shadows") && !agc.set_constraint_mode("custom"));
}
