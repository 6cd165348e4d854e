//! `ringfence run --ipa libcamera` and `ringfence vimc` from the command line.

mod common;
#[path = "common/libcamera.rs"]
mod package;

use common::{Host, watchdog};
use package::Package;
use rustix::process::Signal;
use serde_json::Value;

fn number(object: &Value, name: &str) -> f64 {
    object[name].as_f64().unwrap_or_else(|| panic!("no number {name} in {object}"))
}

/// Mean of each channel of a picture.
fn mean(path: &std::path::Path) -> [f64; 3] {
    let image = image::open(path).expect("a picture").into_rgb8();
    let mut sum = [0.0; 3];
    for pixel in image.pixels() {
        for (sum, value) in sum.iter_mut().zip(pixel.0) {
            *sum += f64::from(value);
        }
    }
    sum.map(|sum| sum / f64::from(image.width() * image.height()))
}

#[test]
fn both_ipas_expose_and_balance_alike() {
    watchdog(|| {
        let Some(package) = Package::find() else { return };
        let tuning = package.tuning("raspberrypi/imx219.json");
        for (kelvin, lux) in [("3000", "200"), ("5000", "1000"), ("6500", "5000")] {
            let run = |ipa| {
                let args = ["--ipa", ipa, "--kelvin", kelvin, "--lux", lux, "--tuning", &tuning];
                Host::small(90, &args).run().expect(0)
            };
            let (libcamera, built_in) = (run("libcamera"), run("built-in"));
            let (frames, summary) = libcamera.report();
            assert_eq!((frames.len(), &summary["lost"]), (90, &Value::from(0)));
            assert_eq!((&summary["ipa"], &summary["mode"]), (&"libcamera 0.0.3".into(), &"isolated".into()));
            assert!(summary["worker_pid"].is_u64() && summary["luma_target"].is_null(), "{summary}");
            for name in ["first.png", "last.png", "convergence.svg"] {
                assert!(std::fs::metadata(libcamera.file(name)).unwrap().len() > 1000, "{name}");
            }
            let other = built_in.report().1;
            for (name, tolerance) in
                [("exposure_us", 0.05), ("mean_luma", 0.05), ("colour_temperature", 0.05)]
            {
                let ratio = number(&summary, name) / number(&other, name);
                assert!((ratio - 1.0).abs() < tolerance, "{name}: {summary}, {other}");
            }
            for channel in 0..2 {
                let [one, other] =
                    [&summary, &other].map(|summary| summary["colour_gains"][channel].as_f64().unwrap());
                assert!((one / other - 1.0).abs() < 0.05, "{one}, {other}");
            }
            let [one, other] = [&libcamera, &built_in].map(|outcome| mean(&outcome.file("last.png")));
            for (one, other) in one.into_iter().zip(other) {
                assert!((one - other).abs() < 10.0, "the pictures' means are {one} and {other} of 255");
            }
        }
    });
}

#[test]
fn the_users_own_paths_count() {
    watchdog(|| {
        let Some(package) = Package::find() else { return };
        let [worker, module] = ["raspberrypi_ipa_proxy", "ipa_rpi.so"].map(|name| package.file(name));
        let tuning = package.tuning("raspberrypi/imx219.json");
        let args = ["--ipa", "libcamera", "--worker", &worker, "--module", &module, "--tuning", &tuning];
        let summary = Host::small(5, &args).run().expect(0).report().1;
        assert_eq!(summary["lost"], 0);
    });
}

#[test]
fn what_is_missing_is_told_in_one_line() {
    watchdog(|| {
        let folder = tempfile::tempdir().unwrap();
        for (args, expected) in [
            (&["run", "--ipa", "libcamera"][..], "`apt-get install libcamera-ipa`"),
            (&["vimc"], "`apt-get install libcamera-ipa`"),
            (&["run", "--ipa", "libcamera", "--worker", "nobody"], "--worker nobody: No such file"),
            (&["run", "--ipa", "libcamera", "--module", "nothing.so"], "--module nothing.so: No such file"),
            (&["run", "--ipa", "libcamera", "--mode", "direct"], "a process of their own"),
            (&["run", "--worker", "nobody"], "--worker goes with --ipa libcamera"),
            (
                &["run", "--ipa", "libcamera", "--worker", "/bin/true", "--module", "/dev/null"],
                "no --tuning is given",
            ),
        ] {
            let outcome = Host::new(args).env("RINGFENCE_LIBCAMERA_ROOT", folder.path()).run().expect(2);
            let [line] = outcome.complaints()[..] else { panic!("{}", outcome.stderr) };
            assert!(line.starts_with("error: ") && line.contains(expected), "{line}");
        }
    });
}

#[test]
fn a_tuning_that_is_not_there_or_none_is_told() {
    watchdog(|| {
        if Package::find().is_none() {
            return;
        }
        let host = Host::small(3, &["--ipa", "libcamera", "--tuning", "mine.json"]);
        std::fs::write(host.folder().join("mine.json"), "{").unwrap();
        let outcome = host.run().expect(2);
        assert!(outcome.complaints()[0].contains("is not valid JSON"), "{}", outcome.stderr);
        let outcome = Host::small(3, &["--ipa", "libcamera", "--tuning", "none.json"]).run().expect(2);
        assert!(outcome.complaints()[0].contains("--tuning none.json: No such file"), "{}", outcome.stderr);
        // It ends itself over a tuning without its algorithms.
        let host = Host::small(3, &["--ipa", "libcamera", "--tuning", "mine.json"]);
        std::fs::write(host.folder().join("mine.json"), "{}").unwrap();
        host.run().expect(1);
    });
}

#[test]
fn a_worker_that_is_none_is_told() {
    watchdog(|| {
        let Some(package) = Package::find() else { return };
        let module = package.file("ipa_rpi.so");
        for (worker, expected) in
            [("/bin/true", "exited with status 0"), ("/etc/passwd", "could not be started")]
        {
            let args = ["--ipa", "libcamera", "--worker", worker, "--module", &module];
            let outcome = Host::small(3, &args).run().expect(1);
            let error = outcome.complaints()[0];
            assert!(error.starts_with("error: ") && error.contains(expected), "{}", outcome.stderr);
        }
    });
}

#[test]
fn a_worker_of_another_version_is_told() {
    watchdog(|| {
        let Some(package) = Package::find() else { return };
        let outcome = Host::small(3, &["--ipa", "libcamera", "--ipa-version", "newest"]).run().expect(1);
        let error = outcome.complaints()[0];
        assert!(error.ends_with("not of the newest libcamera, say so with --ipa-version"), "{error}");
        // It cannot read the first call, and libcamera's workers say nothing then.
        let (worker, module) = (env!("CARGO_BIN_EXE_vimc_ipa_proxy"), package.file("ipa_vimc.so"));
        let outcome = Host::new(["vimc", "--worker", worker, "--module", &module]).run().expect(1);
        let error = outcome.complaints()[0];
        assert!(error.starts_with("error: init did not return within 5."), "{error}");
        assert!(error.ends_with("not of libcamera 0.0.3, say so with --ipa-version"), "{error}");
        // It takes one string for two, and looks for the file of that name.
        let outcome = Host::new(["vimc", "--ipa-version", "newest"]).run().expect(1);
        let error = outcome.complaints()[0];
        assert_eq!(error, "error: the module refused init: it returned -22");
        assert_eq!(outcome.stdout.lines().count(), 1, "{}", outcome.stdout);
    });
}

#[test]
fn a_worker_that_dies_ends_the_run_and_one_outlives_nobody() {
    watchdog(|| {
        if Package::find().is_none() {
            return;
        }
        let args = ["--ipa", "libcamera"];
        let mut running = Host::endless(&["--ipa", "libcamera", "--restarts", "0"]).start();
        running.line(5);
        common::send(running.worker(), Signal::KILL);
        let outcome = running.wait().expect(1);
        assert!(outcome.stderr.contains("signal 9"), "{}", outcome.stderr);

        let mut running = Host::endless(&args).start();
        running.line(5);
        running.signal(Signal::INT);
        running.wait().expect(130);

        let mut running = Host::endless(&args).start();
        running.line(5);
        let worker = running.worker();
        running.signal(Signal::KILL);
        running.wait();
        common::until(|| !common::exists(worker));
    });
}

#[test]
fn descriptors_do_not_add_up() {
    watchdog(|| {
        if Package::find().is_none() {
            return;
        }
        let mut running = Host::endless(&["--ipa", "libcamera"]).start();
        let count = |pid: u32| std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
        let pids = [running.pid(), running.worker()];
        running.line(20);
        let before = pids.map(count);
        running.line(200);
        assert_eq!(pids.map(count), before);
        running.signal(Signal::TERM);
        running.wait().expect(130);
    });
}

#[test]
fn a_vimc_session_is_told_call_by_call() {
    watchdog(|| {
        if Package::find().is_none() {
            return;
        }
        let outcome = Host::new(["vimc"]).run().expect(0);
        let lines: Vec<_> = outcome.stdout.lines().map(str::trim).collect();
        for expected in [
            "configure(2 streams, 1 entity) -> 0",
            "mapBuffers([1, 2])",
            "start() -> 0",
            "fillParamsBuffer(1, 99)",
            "stop()",
        ] {
            assert!(lines.contains(&expected), "{expected} is missing:\n{}", outcome.stdout);
        }
        assert!(lines[0].starts_with("init(") && lines[0].contains("-> (0, ") && lines[0].contains("Flag1"));
        let events: Vec<_> = lines.iter().filter(|line| line.starts_with("paramsBufferReady(")).collect();
        assert!(
            events.len() == 2 && events[0].contains("(1, ") && events[1].contains("(2, "),
            "{}",
            outcome.stdout
        );
    });
}
