//! White balance on made-up statistics.

use bytemuck::Zeroable;

use super::*;
use crate::rpi::ipa::tuning::Tuning;
use crate::rpi::layout::Region;
use crate::rpi::response;

fn region(r: f64, b: f64, green: f64) -> Region {
    let sum = |ratio: f64| (ratio * green * 100.0) as u64;
    Region { counted: 100, notcounted: 0, r_sum: sum(r), g_sum: sum(1.0), b_sum: sum(b) }
}

/// A picture of grey zones, with every `colourful`-th of some other colour.
fn picture((r, b): (f64, f64), colourful: usize) -> Statistics {
    let mut statistics = Statistics::zeroed();
    for (index, zone) in statistics.awb.iter_mut().enumerate() {
        *zone = if index % colourful == 0 { region(2.0 * r, 0.5 * b, 900.0) } else { region(r, b, 900.0) };
    }
    statistics
}

fn awb() -> Awb {
    Awb::new(Tuning::builtin().awb.unwrap())
}

fn near(found: f64, expected: f64, fraction: f64) {
    assert!((found / expected - 1.0).abs() < fraction, "{found} is not near {expected}");
}

#[test]
fn finds_black_bodies_among_colours() {
    for kelvin in [2700.0, 3000.0, 3600.0, 4500.0, 5600.0, 6500.0, 7500.0] {
        for colourful in [2, 3, 1000] {
            let (r, b) = response::grey_ratios(kelvin);
            let mut awb = awb();
            awb.process(&picture((r, b), colourful), 300.0);
            let found = awb.balance_now();
            near(found.kelvin, kelvin, 0.03);
            near(found.red, 1.0 / r, 0.01);
            near(found.blue, 1.0 / b, 0.01);
        }
    }
}

#[test]
fn a_greenish_lamp_is_found_beside_the_curve() {
    let (r, b) = response::grey_ratios(4200.0);
    let (r, b) = (r - 0.015, b - 0.015);
    let mut awb = awb();
    awb.process(&picture((r, b), 4), 300.0);
    near(awb.balance_now().red, 1.0 / r, 0.01);
    near(awb.balance_now().blue, 1.0 / b, 0.01);
    near(awb.balance_now().kelvin, 4200.0, 0.04);
}

#[test]
fn modes_limit_the_search_and_unknown_ones_change_nothing() {
    let statistics = picture(response::grey_ratios(3000.0), 1000);
    let mut awb = awb();
    assert!(awb.set_mode("daylight") && !awb.set_mode("moonlight"));
    awb.process(&statistics, 300.0);
    assert!((5500.0..=6500.0).contains(&awb.balance_now().kelvin), "{:?}", awb.balance_now());
    assert!(awb.set_mode("auto"));
    awb.process(&statistics, 300.0);
    near(awb.balance_now().kelvin, 3000.0, 0.03);
}

#[test]
fn manual_gains_stay_and_a_zero_ends_them() {
    let statistics = picture(response::grey_ratios(3000.0), 1000);
    let mut awb = awb();
    let (r, b) = response::grey_ratios(6000.0);
    awb.set_manual(1.0 / r, 1.0 / b);
    awb.process(&statistics, 300.0);
    let found = awb.balance_now();
    assert_eq!((found.red, found.blue), (1.0 / r, 1.0 / b));
    near(found.kelvin, 6000.0, 0.01);
    assert_eq!(awb.convergence_frames(), 0);
    awb.set_manual(0.0, 2.0);
    awb.process(&statistics, 300.0);
    near(awb.balance_now().kelvin, 3000.0, 0.03);
}

#[test]
fn disabled_it_holds() {
    let mut awb = awb();
    let before = awb.balance_now();
    awb.enable(false);
    awb.process(&picture(response::grey_ratios(3000.0), 1000), 300.0);
    assert_eq!(awb.balance_now(), before);
}

#[test]
fn after_the_start_gains_go_slowly_and_without_overshoot() {
    let mut awb = awb();
    for _ in 0..20 {
        awb.process(&picture(response::grey_ratios(3000.0), 1000), 300.0);
    }
    let mut last = awb.balance_now();
    let goal = response::grey_ratios(6500.0);
    for _ in 0..80 {
        awb.process(&picture(goal, 1000), 300.0);
        let now = awb.balance_now();
        assert!(now.red >= last.red - 1e-9 && now.red - last.red < 0.15, "{last:?}, then {now:?}");
        last = now;
    }
    near(last.red, 1.0 / goal.0, 0.02);
}

#[test]
fn dark_small_and_few_zones_do_not_count() {
    let mut awb = awb();
    let before = awb.balance_now();
    let mut statistics = Statistics::zeroed();
    awb.process(&statistics, 300.0);
    statistics.awb[..10].fill(region(1.0, 0.3, 900.0));
    awb.process(&statistics, 300.0);
    statistics.awb.fill(region(1.0, 0.3, 31.0));
    awb.process(&statistics, 300.0);
    statistics.awb.fill(Region { counted: 15, r_sum: 15_000, g_sum: 15_000, b_sum: 5000, notcounted: 0 });
    awb.process(&statistics, 300.0);
    assert_eq!(awb.balance_now(), before);
    statistics.awb[..11].fill(region(0.9, 0.4, 900.0));
    awb.process(&statistics, 300.0);
    assert_ne!(awb.balance_now(), before);
}

#[test]
fn priors_decide_where_the_picture_does_not() {
    // One colour all over, far from every light: nothing is grey under any of them.
    let statistics = picture((0.1, 3.0), 1000);
    let mut dim = awb();
    dim.process(&statistics, 0.0);
    let mut bright = awb();
    bright.process(&statistics, 5000.0);
    assert!(dim.balance_now().kelvin < 2600.0, "{:?}", dim.balance_now());
    assert!(bright.balance_now().kelvin > 5900.0, "{:?}", bright.balance_now());
}

#[test]
fn grey_world_balances_the_average() {
    let mut tuning = Tuning::builtin().awb.unwrap();
    tuning.bayes = false;
    let mut awb = Awb::new(tuning);
    awb.process(&picture((0.6, 0.5), 5), 300.0);
    near(awb.balance_now().red, 1.0 / 0.6, 0.01);
    near(awb.balance_now().blue, 2.0, 0.01);
}

#[test]
fn hostile_statistics_give_sane_gains() {
    for bayes in [true, false] {
        let mut tuning = Tuning::builtin().awb.unwrap();
        tuning.bayes = bayes;
        let mut awb = Awb::new(tuning);
        for (r, g, b) in [(u64::MAX, 1 << 20, 0), (0, u64::MAX, 0), (u64::MAX, u64::MAX, u64::MAX)] {
            let mut statistics = Statistics::zeroed();
            statistics.awb.fill(Region { counted: 100, notcounted: u32::MAX, r_sum: r, g_sum: g, b_sum: b });
            awb.process(&statistics, f64::MAX);
            let found = awb.balance_now();
            assert!((0.05..=16.0).contains(&found.red) && (0.05..=16.0).contains(&found.blue), "{found:?}");
            assert!((1000.0..20_000.0).contains(&found.kelvin), "{found:?}");
        }
    }
}
