//! The whole camera: what comes out of the ISP when it is told the truth about the light.

use super::colour::{apply, delta_e, linear_srgb_to_lab};
use super::*;
use crate::rpi::response;

const SIZE: (u32, u32) = (480, 360);

/// The settings that undo the sensor under light of `kelvin`.
fn ideal(kelvin: f64) -> IspSettings {
    let (rg, bg) = response::grey_ratios(kelvin);
    IspSettings {
        red_gain: 1.0 / rg,
        blue_gain: 1.0 / bg,
        colour_matrix: response::invert(response::crosstalk(kelvin)),
        // The curve of a straight line: 8 bits of linear light.
        gamma: std::array::from_fn(crate::rpi::layout::gamma_x),
        ..IspSettings::default()
    }
}

/// The chart under `light`, exposed so that a perfect white reaches the fraction `white` of full scale.
fn shoot(light: Light, white: f64, seed: u64) -> (RawFrame, CapturedFrame, f64) {
    let mode = SensorMode::new(SIZE.0, SIZE.1).unwrap();
    let scene = Scene::chart(SIZE.0, SIZE.1).unwrap();
    let mut sensor = VirtualSensor::new(mode, &scene, seed);
    let per_line = response::SENSITIVITY * light.lux() * crate::rpi::imx219::line_seconds() / 0.18;
    let lines = (white / per_line).round() as u32;
    sensor.write_standby(SensorControls {
        exposure_lines: Some(lines),
        gain_code: Some(0),
        vblank: Some(lines + 100),
    });
    let mut raw = RawFrame::new(SIZE.0, SIZE.1);
    let frame = sensor.capture(light, &mut raw);
    assert_eq!(frame.exposure_lines, lines);
    (raw, frame, per_line * f64::from(lines))
}

/// Mean of a patch of a linear 8-bit picture, per channel, 0 to 1.
fn patch(image: &image::RgbImage, index: usize) -> [f64; 3] {
    let rect = Chart::patch_rect(index, image.width(), image.height());
    let mut sums = [0.0; 3];
    for y in rect.y..rect.y + rect.height {
        for x in rect.x..rect.x + rect.width {
            for (sum, value) in sums.iter_mut().zip(image.get_pixel(x, y).0) {
                *sum += f64::from(value);
            }
        }
    }
    sums.map(|sum| sum / f64::from(rect.width * rect.height) / 255.0)
}

#[test]
fn colours_are_constant_under_ideal_settings() {
    for kelvin in [2500.0, 4000.0, 6500.0, 10_000.0] {
        // Bright enough for little noise; below saturation for every channel.
        let (rg, bg) = response::grey_ratios(kelvin);
        let mut sums = [[0.0; 3]; Chart::PATCHES];
        const FRAMES: u64 = 12;
        for seed in 0..FRAMES {
            let light = Light::new(kelvin, 1000.0).unwrap();
            let (raw, _, white) = shoot(light, 0.9 / rg.max(bg).max(1.0), seed);
            let settings = IspSettings { digital_gain: 1.0 / white, ..ideal(kelvin) };
            let image = SoftwareIsp::new().process(&raw, &settings).image;
            for (index, sum) in sums.iter_mut().enumerate() {
                for (sum, value) in sum.iter_mut().zip(patch(&image, index)) {
                    *sum += value / FRAMES as f64;
                }
            }
        }
        for (index, measured) in sums.into_iter().enumerate() {
            if chart::GREY_PATCHES.contains(&index) {
                let green = measured[1];
                for value in measured {
                    // One per cent of the patch, or what noise clipped at black leaves in the darkest.
                    let tolerance = (0.01 * green).max(0.001);
                    assert!((value - green).abs() < tolerance, "patch {index} at {kelvin} K: {measured:?}");
                }
            }
            let lab = linear_srgb_to_lab(measured);
            // The screen's gamut ends where the cyan begins.
            let expected = linear_srgb_to_lab(Chart::patch_srgb(index).map(|value| value.max(0.0)));
            let difference = delta_e(lab, expected);
            assert!(
                difference < 2.5,
                "patch {index} at {kelvin} K is off by {difference}: {lab:?} for {expected:?}"
            );
        }
    }
}

#[test]
fn wrong_gains_tint_the_greys() {
    let (raw, ..) = shoot(Light::new(3000.0, 1000.0).unwrap(), 0.6, 12);
    let output = SoftwareIsp::new().process(&raw, &ideal(6500.0));
    let grey = patch(&output.image, 21);
    assert!(grey[0] > 1.3 * grey[1] && grey[2] < 0.8 * grey[1], "{grey:?}");
}

#[test]
fn linear_mean_is_the_mean_of_the_picture() {
    let (raw, ..) = shoot(Light::new(5000.0, 1000.0).unwrap(), 0.8, 13);
    let output = SoftwareIsp::new().process(&raw, &ideal(5000.0));
    let sum: f64 = output
        .image
        .pixels()
        .map(|pixel| (0..3).map(|c| colour::LUMA[c] * f64::from(pixel.0[c]) / 255.0).sum::<f64>())
        .sum();
    let mean = sum / f64::from(SIZE.0 * SIZE.1);
    assert!((output.linear_mean - mean).abs() < 1e-4, "{} {mean}", output.linear_mean);
    let scene = Scene::chart(SIZE.0, SIZE.1).unwrap();
    let reflectance: f64 = scene
        .pixels()
        .iter()
        .map(|pixel| (0..3).map(|c| colour::LUMA[c] * f64::from(pixel[c])).sum::<f64>())
        .sum::<f64>()
        / scene.pixels().len() as f64;
    assert!((output.linear_mean / 0.8 / reflectance - 1.0).abs() < 0.01);
}

#[test]
fn statistics_see_the_light() {
    for kelvin in [3000.0, 6000.0] {
        let light = Light::new(kelvin, 500.0).unwrap();
        let (raw, frame, white) = shoot(light, 0.5, 14);
        let statistics = measure(&raw, IspSettings::default().black_level);
        let zone = statistics.awb[0];
        let mean = |sum: u64| sum as f64 / f64::from(zone.counted) / 8191.0;
        let expected = camera_colour(kelvin, [f64::from(chart::BACKGROUND); 3]).map(|value| value * white);
        for (measured, expected) in
            [mean(zone.r_sum), mean(zone.g_sum), mean(zone.b_sum)].into_iter().zip(expected)
        {
            assert!((measured / expected - 1.0).abs() < 0.03, "{measured} {expected}");
        }
        assert!(frame.exposure_seconds() > 0.0);
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let (raw, ..) = shoot(Light::new(4500.0, 300.0).unwrap(), 0.7, 15);
            let output = SoftwareIsp::new().process(&raw, &ideal(4500.0));
            let statistics = measure(&raw, [4096; 3]);
            (raw, output, statistics)
        })
    };
    let one = run(1);
    for threads in [2, 5] {
        let many = run(threads);
        assert!(one.0 == many.0, "raw pictures differ with {threads} threads");
        assert!(one.1 == many.1, "pictures differ with {threads} threads");
        assert!(one.2 == many.2, "statistics differ with {threads} threads");
    }
}

#[test]
fn noise_and_colour_matrix_agree_about_grey() {
    // Rows of the crosstalk sum to one: a grey surface has the camera colour of the light.
    let (rg, bg) = response::grey_ratios(5000.0);
    let camera = camera_colour(5000.0, [0.5; 3]);
    for (value, expected) in camera.into_iter().zip([0.5 * rg, 0.5, 0.5 * bg]) {
        assert!((value - expected).abs() < 1e-12);
    }
    let back = apply(&ideal(5000.0).colour_matrix, [camera[0] / rg, camera[1], camera[2] / bg]);
    assert!(back.into_iter().all(|value| (value - 0.5).abs() < 1e-12));
}
