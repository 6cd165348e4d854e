//! Reading of tuning files: what is accepted, and what every mistake is called.

use super::*;
use crate::rpi::layout::gamma_x;
use crate::rpi::response;

const VIRTUAL: &str = include_str!("../../tuning/virtual.json");

/// The embedded tuning with one piece of its text replaced.
fn with(from: &str, to: &str) -> Result<Tuning, TuningError> {
    assert!(VIRTUAL.contains(from), "the tuning has no {from}");
    Tuning::parse(&VIRTUAL.replacen(from, to, 1))
}

/// Expects an error at `at` that expects something containing `expected`.
fn refused(result: Result<Tuning, TuningError>, at: &str, expected: &str) {
    match result {
        Err(TuningError::Value { at: place, expected: what, found }) => {
            assert_eq!(place, at, "expected {what}, found {found}");
            assert!(what.contains(expected), "{at}: expected {what:?}, not {expected:?}");
        }
        other => panic!("{at}: {other:?}"),
    }
}

#[test]
fn the_builtin_tuning_agrees_with_the_virtual_sensor() {
    let tuning = Tuning::builtin();
    assert_eq!(tuning.warnings, Vec::<String>::new());
    assert_eq!(tuning.black_level.levels, [4096; 3]);

    let lux = tuning.lux.unwrap();
    let y = response::SENSITIVITY * lux.lux * lux.exposure_us * 1e-6 * lux.gain * 65_536.0;
    assert!((lux.y / y - 1.0).abs() < 1e-3, "reference_Y {} should be {y}", lux.y);

    let awb = tuning.awb.unwrap();
    assert!(awb.curve[0].kelvin <= 2500.0 && awb.curve.last().unwrap().kelvin >= 8600.0);
    for point in &awb.curve {
        let (r, b) = response::grey_ratios(point.kelvin);
        assert!((point.r / r - 1.0).abs() < 1e-3 && (point.b / b - 1.0).abs() < 1e-3, "{point:?}: {r}, {b}");
    }
    assert_eq!((awb.sensitivity_r, awb.sensitivity_b), (1.0, 1.0));

    for (kelvin, matrix) in &tuning.ccm.unwrap().matrices {
        let exact = response::invert(response::crosstalk(*kelvin));
        for (row, exact) in matrix.iter().zip(exact) {
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-4, "{kelvin} K: {row:?}");
            assert!(
                row.iter().zip(exact).all(|(a, b)| (a - b).abs() < 1e-4),
                "{kelvin} K: {row:?}, {exact:?}"
            );
        }
    }
}

#[test]
fn the_builtin_curve_lies_on_the_response_between_its_points_too() {
    let curve = Tuning::builtin().awb.unwrap().curve;
    for pair in curve.windows(2) {
        let (r, b) = response::grey_ratios(0.5 * (pair[0].kelvin + pair[1].kelvin));
        assert!((0.5 * (pair[0].r + pair[1].r) / r - 1.0).abs() < 0.005, "{pair:?}: {r}");
        assert!((0.5 * (pair[0].b + pair[1].b) / b - 1.0).abs() < 0.005, "{pair:?}: {b}");
    }
}

#[test]
fn the_builtin_gamma_is_that_of_srgb() {
    let gamma = Tuning::builtin().contrast.unwrap().gamma;
    for index in 0..33 {
        let x = f64::from(gamma_x(index)) / 65_535.0;
        // IEC 61966-2-1.
        let y = if x <= 0.003_130_8 { 12.92 * x } else { 1.055 * x.powf(1.0 / 2.4) - 0.055 };
        assert!((gamma.at(f64::from(gamma_x(index))) - 65_535.0 * y).abs() < 1.0);
    }
}

#[test]
fn the_builtin_modes_are_those_of_the_controls() {
    let agc = Tuning::builtin().agc;
    let names = |modes: Vec<&str>| modes.join(" ");
    assert_eq!(
        names(agc.metering_modes.iter().map(|m| m.name.as_str()).collect()),
        "matrix centre-weighted spot"
    );
    assert_eq!(names(agc.exposure_modes.iter().map(|m| m.name.as_str()).collect()), "normal short long");
    assert_eq!(
        names(agc.constraint_modes.iter().map(|m| m.name.as_str()).collect()),
        "normal highlight shadows"
    );
    assert_eq!(agc.exposure_modes[0].value.stages.last(), Some(&(66_666.0, 10.6)));
    assert_eq!((agc.speed, agc.convergence_frames, agc.default_exposure_us), (0.2, 6, 1000.0));
}

#[test]
fn published_files_load_as_they_are() {
    let Some(directory) = published_directory() else {
        println!("skipped: no published tuning files on this machine");
        return;
    };
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let tuning = Tuning::load(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        println!("{}: {:?}", path.display(), tuning.warnings);
        assert!(tuning.warnings.len() <= 1);
        assert!(!tuning.warnings.iter().any(|warning| warning.contains("unknown")), "{:?}", tuning.warnings);
    }
}

#[test]
fn what_is_ignored_is_named_in_one_warning() {
    let tuning = with(
        r#"{ "rpi.black_level": { "black_level": 4096 } },"#,
        r#"{ "rpi.sharpen": {} }, { "rpi.magic": [] }, { "rpi.alsc": {} },"#,
    )
    .unwrap();
    assert_eq!(
        tuning.warnings,
        ["parts of the tuning are ignored; no algorithm for rpi.sharpen, rpi.alsc; unknown: rpi.magic"]
    );
    assert_eq!(tuning.black_level, BlackLevelTuning::default());
    let adaptive = with("\"ce_enable\": 0", "\"ce_enable\": 1").unwrap();
    assert!(adaptive.warnings[0].contains("rpi.contrast.ce_enable"), "{:?}", adaptive.warnings);
}

#[test]
fn channels_are_read_and_all_but_the_first_are_named() {
    let mut json: serde_json::Value = serde_json::from_str(VIRTUAL).unwrap();
    let blocks = json["algorithms"].as_array_mut().unwrap();
    let agc = blocks.iter_mut().find_map(|block| block.get_mut("rpi.agc")).unwrap();
    let mut first = agc.take();
    first["base_ev"] = 0.5.into();
    *agc = serde_json::json!({ "channels": [first.clone(), first.clone(), first] });
    let tuning = Tuning::parse(&json.to_string()).unwrap();
    assert_eq!(tuning.agc.base_ev, 0.5);
    assert!(tuning.warnings[0].contains("rpi.agc.channels[1..3]"), "{:?}", tuning.warnings);

    let broken = json.to_string().replace("\"LOWER\"", "\"lower\"");
    let at = "rpi.agc.channels[0].constraint_modes.normal[0].bound";
    refused(Tuning::parse(&broken), at, "LOWER");
}

#[test]
fn a_missing_file_is_named() {
    let error = Tuning::load("/nowhere/imx219.json").unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read the tuning file /nowhere/imx219.json: No such file or directory (os error 2)"
    );
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn broken_json_says_where() {
    for text in ["", "{", "{ \"version\": NaN }", "{ \"version\": 1e999 }"] {
        let error = Tuning::parse(text).unwrap_err();
        assert!(matches!(error, TuningError::Json(_)), "{text}: {error:?}");
        assert!(error.to_string().contains("line 1"), "{error}");
    }
}

#[test]
fn the_frame_of_the_file_is_checked() {
    refused(Tuning::parse("[]"), "the file", "an object");
    refused(Tuning::parse("{}"), "version", "a value");
    refused(with("\"version\": 2.0", "\"version\": 1.0"), "version", "2.0");
    refused(with("\"version\": 2.0", "\"version\": \"2.0\""), "version", "a number");
    refused(with("bcm2835", "pisp"), "target", "bcm2835");
    refused(with("\"algorithms\": [", "\"algorithms\": [ 7,"), "algorithms[0]", "an object");
    refused(with("\"algorithms\": [", "\"algorithms\": [ {},"), "algorithms[0]", "only key");
    refused(with("rpi.agc", "rpi.age"), "algorithms", "rpi.agc");
    let twice = with("\"algorithms\": [", "\"algorithms\": [ { \"rpi.black_level\": {} },");
    refused(twice, "rpi.black_level", "only once");
}

#[test]
fn values_are_checked_where_they_stand() {
    for (from, to, at, expected) in [
        ("\"black_level\": 4096", "\"black_level\": 70000", "rpi.black_level.black_level", "0 to 65535"),
        ("\"reference_lux\": 1000", "\"reference_lux\": 0", "rpi.lux.reference_lux", "above zero"),
        ("\"reference_Y\"", "\"reference_y\"", "rpi.lux.reference_Y", "a value"),
        ("2400.0, 1.05924", "2100.0, 1.05924", "rpi.awb.ct_curve[3]", "above 2200"),
        ("2400.0, 1.05924", "2400.0, -1.0", "rpi.awb.ct_curve[4]", "above zero"),
        ("2400.0, 1.05924", "2400.0, null", "rpi.awb.ct_curve[4]", "a number"),
        ("2400.0, 1.05924", "2400.0", "rpi.awb.ct_curve", "groups of 3"),
        ("\"ct_curve\"", "\"curve\"", "rpi.awb.ct_curve", "a value"),
        ("\"lux\": 800", "\"lux\": 0", "rpi.awb.priors[1].lux", "above 0"),
        ("2000, 0.4, 3000", "2000, 0.4, 1000", "rpi.awb.priors[0].prior[2]", "above 2000"),
        ("\"hi\": 8000", "\"hi\": 2000", "rpi.awb.modes.auto.hi", "at least 2500"),
        ("\"bayes\": 1", "\"bayes\": \"yes\"", "rpi.awb.bayes", "true, false"),
        ("\"speed\": 0.1", "\"speed\": 1.5", "rpi.awb.speed", "0 to 1"),
        ("3, 3, 3, 2", "3, 3, 2", "rpi.agc.metering_modes.centre-weighted.weights", "15 weights"),
        ("3, 3, 3, 2", "3, -3, 3, 2", "rpi.agc.metering_modes.centre-weighted.weights[1]", "0 to"),
        (
            "100, 10000, 33000",
            "100, 33000, 10000",
            "rpi.agc.exposure_modes.normal.shutter[2]",
            "at least 33000",
        ),
        ("1.0, 2.0, 5.0, 10.6", "1.0, 2.0, 5.0", "rpi.agc.exposure_modes.normal.gain", "4 gains"),
        ("1.0, 2.0, 5.0, 10.6", "0.5, 2.0, 5.0, 10.6", "rpi.agc.exposure_modes.normal.gain[0]", "at least 1"),
        ("\"LOWER\"", "\"UP\"", "rpi.agc.constraint_modes.normal[0].bound", "LOWER"),
        ("\"q_hi\": 1.0", "\"q_hi\": 0.9", "rpi.agc.constraint_modes.normal[0].q_hi", "above 0.98"),
        ("0, 0.16, 1000", "0, 0.16, 0", "rpi.agc.y_target[2]", "above 0"),
        ("0, 0.16, 1000", "0, 16, 1000", "rpi.agc.y_target[1]", "0.001 to 1"),
        ("\"y_target\": [ 0, 0.16", "\"target\": [ 0, 0.16", "rpi.agc.y_target", "a value"),
        ("\"gamma_curve\": [", "\"gamma_curve\": [ 9,", "rpi.contrast.gamma_curve", "groups of 2"),
        ("\"ct\": 3200", "\"ct\": 2000", "rpi.ccm.ccms[1].ct", "above 2800"),
        ("\"ct\": 2800, \"ccm\": [", "\"ct\": 2800, \"ccm\": [ 1,", "rpi.ccm.ccms[0].ccm", "9 numbers"),
    ] {
        refused(with(from, to), at, expected);
    }
}

#[test]
fn an_error_reads_as_a_sentence() {
    let error = with("2400.0, 1.05924", "2400.0, \"red\"").unwrap_err();
    assert_eq!(error.to_string(), "tuning: rpi.awb.ct_curve[4]: expected a number, found \"red\"");
}
