//! `ringfence run` from the command line to the files on disk.

mod common;

use std::path::Path;

use common::{Host, Outcome, watchdog};
use image::RgbImage;
use ringfence::rpi::camera::Chart;
use serde_json::{Value, json};

const MODES: [&str; 3] = ["direct", "threaded", "isolated"];
/// Indices of the chart's grey patches, from white to black.
const GREYS: std::ops::Range<usize> = 18..24;
/// Values that depend on when and where a run takes place.
const CIRCUMSTANCES: [&str; 7] =
    ["prepare_ns", "process_ns", "call_ns", "worker_pid", "host_cpu_us", "worker_cpu_us", "mode"];

/// The report without what may differ between two runs of the same camera.
fn essence(outcome: &Outcome) -> Vec<Value> {
    let (mut objects, summary) = outcome.report();
    objects.push(summary);
    for object in objects.iter_mut().filter_map(Value::as_object_mut) {
        object.retain(|name, _| !CIRCUMSTANCES.contains(&name.as_str()));
    }
    objects
}

fn number(object: &Value, name: &str) -> f64 {
    object[name].as_f64().unwrap_or_else(|| panic!("no number {name} in {object}"))
}

/// Checks that frame `index`, and the few before it, have the brightness that is aimed at, and the colour of the light.
#[track_caller]
fn assert_settled(frames: &[Value], index: usize, kelvin: f64) {
    for frame in &frames[index - 4..=index] {
        let (luma, target) = (number(frame, "mean_luma"), number(frame, "luma_target"));
        assert!(target > 0.05, "{frame}");
        assert!((luma / target - 1.0).abs() < 0.05, "luma {luma}, target {target}: {frame}");
        let found = number(frame, "colour_temperature");
        assert!((found / kelvin - 1.0).abs() < 0.08, "found {found} K in a light of {kelvin} K: {frame}");
    }
}

/// Mean of each channel in a patch of the chart.
fn patch(image: &RgbImage, index: usize) -> [f64; 3] {
    let rect = Chart::patch_rect(index, image.width(), image.height());
    let mut sum = [0.0; 3];
    for (x, y) in
        (rect.y..rect.y + rect.height).flat_map(|y| (rect.x..rect.x + rect.width).map(move |x| (x, y)))
    {
        for (sum, value) in sum.iter_mut().zip(image.get_pixel(x, y).0) {
            *sum += f64::from(value);
        }
    }
    sum.map(|sum| sum / f64::from(rect.width * rect.height))
}

/// Checks that the grey patches of a picture are grey.
#[track_caller]
fn assert_greys(path: &Path) {
    let image = image::open(path).expect("a picture").into_rgb8();
    for index in GREYS {
        let channels = patch(&image, index);
        let (low, high) =
            channels.iter().fold((f64::MAX, 0.0f64), |(low, high), &value| (low.min(value), high.max(value)));
        assert!(high / low - 1.0 < 0.04, "patch {index} is {channels:?} in {}", path.display());
    }
    let [white, black] = [GREYS.start, GREYS.end - 1].map(|index| patch(&image, index)[1]);
    assert!(white > 3.0 * black, "white {white}, black {black}");
}

/// Checks that the files of a run are there and whole.
#[track_caller]
fn assert_files(outcome: &Outcome, width: u32, height: u32) {
    let mut names: Vec<_> =
        std::fs::read_dir(outcome.file("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["convergence.svg", "first.png", "last.png"]);
    for name in ["first.png", "last.png"] {
        let image = image::open(outcome.file(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((image.width(), image.height()), (width, height));
    }
    let text = std::fs::read_to_string(outcome.file("convergence.svg")).unwrap();
    let svg = roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{error}:\n{text}"));
    assert_eq!(svg.root_element().tag_name().name(), "svg");
    let drawn = svg
        .descendants()
        .filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "polyline")))
        .count();
    assert!(drawn >= 6, "{drawn} lines for three panels of two series");
}

#[test]
fn the_three_modes_give_the_same_frames_and_pictures_bit_for_bit() {
    watchdog(|| {
        let run = |mode, seed| {
            let args = ["--mode", mode, "--seed", seed, "--step", "20:4000:6500", "--step", "30:500:3000"];
            Host::small(40, &args).run().expect(0)
        };
        let bytes = |outcome: &Outcome| {
            ["first.png", "last.png"].map(|name| std::fs::read(outcome.file(name)).unwrap())
        };
        let runs = MODES.map(|mode| run(mode, "7"));
        for (mode, outcome) in MODES.iter().zip(&runs) {
            let (frames, summary) = outcome.report();
            assert_eq!(frames.len(), 40);
            assert_eq!(summary["mode"], *mode);
            assert_eq!(summary["lost"], 0);
            assert_eq!(summary["worker_pid"].is_u64(), *mode == "isolated");
            assert!(outcome.complaints().is_empty(), "{}", outcome.stderr);
            assert_files(outcome, 410, 308);
            for (index, (one, other)) in essence(&runs[0]).iter().zip(essence(outcome)).enumerate() {
                assert_eq!(*one, other, "object {index} of direct and {mode}");
            }
            assert!(bytes(&runs[0]) == bytes(outcome), "the pictures of direct and {mode} differ");
        }
        assert!(bytes(&runs[2]) == bytes(&run("isolated", "7")), "the same run gives the same pictures");
        assert!(bytes(&runs[2]) != bytes(&run("isolated", "8")), "another seed gives other noise");
    });
}

#[test]
fn the_report_has_every_field() {
    watchdog(|| {
        let outcome = Host::small(30, &[]).run().expect(0);
        let (frames, summary) = outcome.report();
        for (index, frame) in frames.iter().enumerate() {
            assert_eq!(frame["frame"], index);
            assert_eq!(frame["complete"], true);
            for name in [
                "exposure_us",
                "analogue_gain",
                "digital_gain",
                "colour_temperature",
                "mean_luma",
                "prepare_ns",
                "process_ns",
            ] {
                assert!(number(frame, name) > 0.0, "{name} in {frame}");
            }
        }
        assert_eq!((&summary["frames"], &summary["lost"]), (&json!(30), &json!(0)));
        // ISP controls, two completions and metadata each, and some changes of the sensor.
        assert!(number(&summary, "events") >= 120.0, "{summary}");
        let [p50, p99, p999] = ["p50", "p99", "p999"].map(|name| number(&summary["call_ns"], name));
        assert!(0.0 < p50 && p50 <= p99 && p99 <= p999, "{summary}");
        let last = &frames[29];
        for name in
            ["exposure_us", "analogue_gain", "colour_gains", "colour_temperature", "mean_luma", "luma_target"]
        {
            assert_eq!(summary[name], last[name], "{name}");
        }
        assert!(number(&summary, "worker_pid") > 1.0);
    });
}

#[test]
fn exposure_and_white_balance_settle_in_every_light() {
    watchdog(|| {
        for kelvin in [3000.0, 4500.0, 6500.0] {
            for lux in [50.0, 500.0, 5000.0] {
                let [kelvin_arg, lux_arg] = [kelvin.to_string(), lux.to_string()];
                let args = ["--kelvin", &kelvin_arg, "--lux", &lux_arg];
                let outcome = Host::of_size("820x616", 60, &args).run().expect(0);
                let (frames, summary) = outcome.report();
                assert_eq!(summary["lost"], 0);
                assert_settled(&frames, 59, kelvin);
                assert_greys(&outcome.file("last.png"));
            }
        }
    });
}

#[test]
fn exposure_settles_again_after_a_step_of_the_light() {
    watchdog(|| {
        for kelvin in [3000.0, 4500.0, 6500.0] {
            // No darker than what the longest exposure and the highest gain can make up for.
            for (lux, factor) in [(50.0, 8.0), (500.0, 8.0), (5000.0, 8.0), (500.0, 0.125), (5000.0, 0.125)] {
                let [kelvin_arg, lux_arg] = [kelvin.to_string(), lux.to_string()];
                let step = format!("60:{}:{kelvin}", lux * factor);
                let args = ["--kelvin", &kelvin_arg, "--lux", &lux_arg, "--step", &step];
                let outcome = Host::small(100, &args).run().expect(0);
                let (frames, summary) = outcome.report();
                assert_eq!(summary["lost"], 0);
                let before = &frames[59];
                let jump = number(&frames[60], "mean_luma") / number(before, "mean_luma");
                assert!(if factor > 1.0 { jump > 1.5 } else { jump < 0.5 }, "the light did change: {jump}");
                assert_settled(&frames, 99, kelvin);
            }
        }
    });
}

#[test]
fn the_default_size_works_at_the_default_speed() {
    watchdog(|| {
        let outcome = Host::new(["--frames", "45", "--json", "--out", "deep/er/out"]).run().expect(0);
        let (frames, summary) = outcome.report();
        assert_eq!((frames.len(), &summary["lost"]), (45, &json!(0)));
        assert_settled(&frames, 44, 4500.0);
        let image = outcome.folder.path().join("deep/er/out/last.png");
        assert_eq!(image::image_dimensions(&image).unwrap(), (1640, 1232));
        assert_greys(&image);
    });
}

#[test]
fn a_picture_of_ones_own_is_what_the_camera_sees() {
    watchdog(|| {
        for name in ["scene.png", "scene.jpg"] {
            let host = Host::small(40, &["--scene", name]);
            let scene = RgbImage::from_fn(320, 240, |x, _| {
                image::Rgb(if x < 160 { [200, 60, 60] } else { [60, 60, 200] })
            });
            scene.save(host.folder().join(name)).unwrap();
            let outcome = host.run().expect(0);
            assert_files(&outcome, 410, 308);
            let seen = image::open(outcome.file("last.png")).unwrap().into_rgb8();
            let [left, right] = [100, 310].map(|x| seen.get_pixel(x, 154).0.map(i32::from));
            assert!(left[0] > right[0] + 40 && right[2] > left[2] + 40, "left {left:?}, right {right:?}");
        }
    });
}

#[test]
fn a_tuning_file_of_ones_own_counts_and_what_it_has_too_much_is_told() {
    watchdog(|| {
        let mut tuning: Value = serde_json::from_str(include_str!("../src/rpi/tuning/virtual.json")).unwrap();
        let algorithms = tuning["algorithms"].as_array_mut().unwrap();
        let agc = algorithms.iter_mut().find_map(|block| block.get_mut("rpi.agc")).unwrap();
        // A single target that does not depend on the light.
        agc["y_target"] = json!([0, 0.08, 100000, 0.08]);
        algorithms.push(json!({ "rpi.clairvoyance": { "depth": 3 } }));
        for mode in MODES {
            let host = Host::small(60, &["--mode", mode, "--tuning", "mine.json"]);
            std::fs::write(host.folder().join("mine.json"), tuning.to_string()).unwrap();
            let outcome = host.run().expect(0);
            let (frames, summary) = outcome.report();
            let target = number(&summary, "luma_target");
            assert!((0.05..0.1).contains(&target), "{target}");
            assert_settled(&frames, 59, 4500.0);
            let warned = outcome
                .complaints()
                .iter()
                .any(|line| line.contains("WARN") && line.contains("rpi.clairvoyance"));
            assert!(warned, "{}", outcome.stderr);
        }
    });
}

#[test]
fn without_json_there_is_a_table_and_no_progress_where_there_is_no_terminal() {
    watchdog(|| {
        let outcome = Host::new(["run", "--frames", "3", "--fps", "max", "--size", "64x48"]).run().expect(0);
        for text in [
            "isolated (worker ",
            "3, 0 lost",
            "mean luma",
            "wrote out/first.png",
            "wrote out/convergence.svg",
        ] {
            assert!(outcome.stdout.contains(text), "{text} is missing:\n{}", outcome.stdout);
        }
        assert!(!outcome.stdout.contains('{') && !outcome.stdout.contains('\x1b'), "{}", outcome.stdout);
        assert!(outcome.complaints().is_empty(), "{}", outcome.stderr);
        assert!(
            !outcome.stderr.contains("frames") && !outcome.stderr.contains(['\r', '\x1b']),
            "{}",
            outcome.stderr
        );
    });
}

#[test]
fn help_and_version_are_told() {
    watchdog(|| {
        let help = Host::new(["--help"]).run().expect(0);
        for option in [
            "--mode", "--scene", "--kelvin", "--lux", "--frames", "--fps", "--step", "--tuning", "--out",
            "--json",
        ] {
            assert!(help.stdout.contains(option), "{option}:\n{}", help.stdout);
        }
        let version = Host::new(["--version"]).run().expect(0);
        assert_eq!(version.stdout, format!("ringfence {}\n", env!("CARGO_PKG_VERSION")));
        assert_eq!(help.stderr + &version.stderr, "");
    });
}

#[test]
fn a_reader_who_has_seen_enough_ends_the_run() {
    watchdog(|| {
        for mode in MODES {
            let pipeline = r#"{ "$0" "$@"; echo "ended with $?" >&2; } | head -n 1"#;
            let run = ["--mode", mode, "--frames", "1000000", "--fps", "max", "--size", "64x48", "--json"];
            let args = ["-c", pipeline, env!("CARGO_BIN_EXE_ringfence")];
            let outcome = Host::program("/bin/sh", args.iter().chain(&run)).run().expect(0);
            assert_eq!(outcome.objects().len(), 1);
            assert_eq!(outcome.complaints(), ["ended with 141"], "{}", outcome.stderr);
        }
    });
}
