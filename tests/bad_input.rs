//! Wrong arguments, broken files and workers that are none: one clear line, the right exit code, and nothing left.

mod common;

use std::path::Path;

use common::{Host, Outcome, watchdog};
use serde_json::{Value, json};

const TUNING: &str = include_str!("../src/rpi/tuning/virtual.json");

/// What is said on standard error, once all else about a failure has been found to be right: a line, and perhaps
/// the last words of a worker.
#[track_caller]
fn the_error(outcome: &Outcome, code: i32) -> Vec<String> {
    assert_eq!(outcome.code, Some(code), "signal {:?}: {}", outcome.signal, outcome.stderr);
    assert_eq!(outcome.stdout, "");
    outcome.nothing_left();
    let complaints = outcome.complaints();
    assert!(complaints.iter().all(|line| !line.contains("panicked")), "{}", outcome.stderr);
    let [line, last_words @ ..] = &complaints[..] else { panic!("no word of it: {}", outcome.stderr) };
    assert!(line.starts_with("error: ") && line.len() > 20, "{line}");
    assert!(last_words.is_empty() || line.ends_with("; its last words:"), "{}", outcome.stderr);
    complaints.into_iter().map(str::to_owned).collect()
}

/// Files under a folder, at any depth.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(files(&entry.path())),
            false => found.push(entry.file_name().into_string().unwrap()),
        }
    }
    found.sort();
    found
}

/// Checks that this input is refused before anything is started or written, in a line that contains `words`.
#[track_caller]
fn refused(host: Host, args: &[&str], words: &[&str]) {
    let before = files(host.folder());
    let outcome = host.run();
    let line = the_error(&outcome, 2).remove(0);
    for word in words {
        assert!(line.contains(word), "{args:?}: {word:?} is missing in: {line}");
    }
    assert_eq!(
        outcome.stderr.lines().count(),
        1,
        "nothing was begun, so nothing is logged: {}",
        outcome.stderr
    );
    assert_eq!(files(outcome.folder.path()), before, "{args:?}");
    assert!(!outcome.file("").exists(), "{args:?} left a folder");
}

#[test]
fn wrong_arguments_are_refused() {
    watchdog(|| {
        for (args, words) in [
            (&["--mode", "warp"][..], &["--mode", "warp", "isolated"][..]),
            (&["--mode"], &["--mode"]),
            (&["--kelvin", "0"], &["colour temperature of 0 K", "1700"]),
            (&["--kelvin", "NaN"], &["NaN", "1700"]),
            (&["--kelvin", "inf"], &["inf", "15000"]),
            (&["--kelvin", "-4500"], &["-4500"]),
            (&["--kelvin", "warm"], &["--kelvin", "warm"]),
            (&["--lux", "-1"], &["-1", "lux"]),
            (&["--lux", "0"], &["0 lux", "200000"]),
            (&["--lux", "NaN"], &["NaN"]),
            (&["--frames", "0"], &["--frames", "0"]),
            (&["--frames", "-3"], &["-3"]),
            (&["--frames", "4294967296"], &["--frames"]),
            (&["--frames", "many"], &["--frames", "many"]),
            (&["--fps", "0"], &["--fps", "0.1"]),
            (&["--fps", "NaN"], &["--fps", "max"]),
            (&["--fps", "1e9"], &["--fps", "1000"]),
            (&["--step", "60"], &["--step", "FRAME:LUX:KELVIN"]),
            (&["--step", "60:4000"], &["FRAME:LUX:KELVIN"]),
            (&["--step", "60:4000:6500:1"], &["FRAME:LUX:KELVIN"]),
            (&["--step=-1:4000:6500"], &["--step"]),
            (&["--step", "60:0:6500"], &["--step", "lux"]),
            (&["--step", "60:500:100"], &["--step", "1700"]),
            (&["--step", "60:NaN:6500"], &["--step", "NaN"]),
            (&["--size", "0x0"], &["--size", "64×48"]),
            (&["--size", "641x480"], &["--size", "even"]),
            (&["--size", "99998x99998"], &["3280×2464"]),
            (&["--size", "640"], &["WIDTHxHEIGHT"]),
            (&["--size", "640x-480"], &["WIDTHxHEIGHT"]),
            (&["--seed", "-1"], &["--seed"]),
            (&["--turbo"], &["--turbo", "--help"]),
            (&["jog"], &["jog", "--help"]),
            (&["run", "run"], &["run", "--help"]),
            (&["--scene", ""], &["picture"]),
            (&["--scene", "no/such.png"], &["no/such.png", "does not exist"]),
            (&["--scene", "/"], &["the picture /", "cannot be read"]),
            (&["--tuning", "no/such.json"], &["no/such.json", "No such file"]),
            (&["--tuning", "/"], &["tuning file /", "directory"]),
            (&["--out", "/dev/null"], &["--out /dev/null", "exists"]),
            (&["--out", "/dev/null/deeper"], &["--out /dev/null/deeper"]),
            (&["--out", "/proc/nobody/may"], &["--out /proc/nobody/may"]),
            (&["--out", ""], &["--out"]),
        ] {
            refused(Host::new(args), args, words);
        }
    });
}

/// Checks that a scene of this name and these bytes is refused.
#[track_caller]
fn scene_refused(name: &str, bytes: &[u8], words: &[&str]) {
    let host = Host::new(["--scene", name]);
    std::fs::write(host.folder().join(name), bytes).unwrap();
    refused(host, &["--scene", name], &[&[name], words].concat());
}

fn picture(format: image::ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let image = image::RgbImage::from_fn(200, 150, |x, y| image::Rgb([x as u8, y as u8, (x ^ y) as u8]));
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

#[test]
fn broken_pictures_are_refused() {
    watchdog(|| {
        let (png, jpeg) = (picture(image::ImageFormat::Png), picture(image::ImageFormat::Jpeg));
        scene_refused("empty.png", b"", &["empty"]);
        scene_refused("text.png", b"This is a letter, not a picture.\n", &["PNG or JPEG"]);
        for (name, at) in [("narrow.png", 16), ("flat.png", 20)] {
            let mut bytes = png.clone();
            bytes[at..at + 4].fill(0);
            scene_refused(name, &bytes, &["empty"]);
        }
        let mut bytes = png.clone();
        bytes[16..24].fill(0x7f);
        scene_refused("huge.png", &bytes, &[]);
        scene_refused("header.png", &png[..30], &[]);
        scene_refused("half.png", &png[..png.len() / 2], &[]);
        scene_refused("header.jpg", &jpeg[..100], &[]);
        scene_refused("photo.webp", b"RIFF\x24\x00\x00\x00WEBPVP8 ", &["PNG or JPEG"]);
    });
}

/// Checks that a tuning file with this text is refused.
#[track_caller]
fn tuning_refused(text: impl AsRef<[u8]>, words: &[&str]) {
    let host = Host::new(["--tuning", "mine.json"]);
    std::fs::write(host.folder().join("mine.json"), text).unwrap();
    refused(host, &["--tuning"], &[&["mine.json"], words].concat());
}

#[test]
fn broken_tuning_files_are_refused() {
    watchdog(|| {
        let changed = |change: fn(&mut Value)| {
            let mut tuning: Value = serde_json::from_str(TUNING).unwrap();
            change(&mut tuning);
            tuning.to_string()
        };
        tuning_refused("", &["JSON"]);
        tuning_refused("shutter: fast", &["JSON"]);
        tuning_refused(&TUNING[..TUNING.len() / 2], &["JSON"]);
        tuning_refused([0xff, 0xfe, 0x00], &[]);
        tuning_refused("[".repeat(100_000), &["JSON"]);
        tuning_refused("[]", &["object"]);
        tuning_refused(changed(|tuning| tuning["version"] = json!(1.0)), &["version", "2.0"]);
        tuning_refused(changed(|tuning| tuning["target"] = json!("pisp")), &["target", "bcm2835", "pisp"]);
        tuning_refused(changed(|tuning| tuning["algorithms"] = json!(3)), &["algorithms", "list"]);
        let without_agc = |tuning: &mut Value| {
            tuning["algorithms"].as_array_mut().unwrap().retain(|block| block.get("rpi.agc").is_none());
        };
        tuning_refused(changed(without_agc), &["rpi.agc"]);
        let bad_curve = |tuning: &mut Value| {
            let blocks = tuning["algorithms"].as_array_mut().unwrap();
            blocks.iter_mut().find_map(|block| block.get_mut("rpi.awb")).unwrap()["ct_curve"] =
                json!([2500, "red"]);
        };
        tuning_refused(changed(bad_curve), &["rpi.awb.ct_curve"]);
    });
}

/// Checks that this program as a worker ends the run in one line that contains `words`.
#[track_caller]
fn no_worker(program: &str, words: &[&str]) {
    let outcome = Host::small(3, &[]).env("RINGFENCE_WORKER", program).run();
    let said = the_error(&outcome, 1).join("\n");
    for word in words {
        assert!(said.contains(word), "{program}: {word:?} is missing in: {said}");
    }
    assert!(files(outcome.folder.path()).is_empty(), "{program}");
}

#[test]
fn programs_that_are_no_workers_are_told_apart() {
    watchdog(|| {
        no_worker("/no/such/worker", &["/no/such/worker", "No such file"]);
        no_worker("/", &["could not be started", "denied"]);
        no_worker("/etc/passwd", &["/etc/passwd", "denied"]);
        no_worker("/bin/false", &["exited with status 1", "had not been called"]);
        no_worker("/bin/true", &["exited with status 0"]);
        no_worker("/bin/cat", &["exited with status 1", "/bin/cat: "]);
    });
}

#[test]
fn a_run_that_cannot_write_its_pictures_says_which() {
    watchdog(|| {
        let host = Host::small(3, &[]);
        std::fs::create_dir_all(host.folder().join("out/last.png")).unwrap();
        let outcome = host.run().expect(1);
        let [line] = outcome.complaints()[..] else { panic!("{}", outcome.stderr) };
        assert!(line.starts_with("error: out/last.png: "), "{line}");
    });
}

#[test]
fn the_worker_started_by_hand_says_what_it_is_for() {
    watchdog(|| {
        let worker = env!("CARGO_BIN_EXE_ringfence-worker");
        let outcome = Host::program(worker, ["--help"]).run();
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""));
        assert!(outcome.stderr.contains("started by a host"), "{}", outcome.stderr);
        let outcome = Host::program(worker, [""; 0]).env("RINGFENCE_COMPONENT", "rpi").run();
        assert_eq!((outcome.code, outcome.stderr.lines().count()), (Some(1), 1), "{}", outcome.stderr);
        assert!(outcome.stderr.contains("a host starts it"), "{}", outcome.stderr);
        let outcome = Host::program(worker, [""; 0]).env("RINGFENCE_COMPONENT", "toaster").run();
        assert_eq!(outcome.code, Some(2));
        assert!(outcome.stderr.contains("no component \"toaster\""), "{}", outcome.stderr);
    });
}
