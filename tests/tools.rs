//! The tools on the command line: completions, manual, `inspect`, `top` and `trace`, and that all of them print JSON.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ringfence::interfaces::vimc;
use ringfence::ipc::module::{ModuleInfo, Version};
use ringfence::ipc::signature::SigningKey;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

mod common;

use common::{Host, Outcome, Running, watchdog};

/// `ringfence` with these arguments, run to its end.
fn run(args: &[&str]) -> Outcome {
    Host::new(args).run()
}

/// Whether a program that is no part of this package is installed.
fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok()
}

/// What a program prints to standard error, given `input`.
fn complaints(program: &str, args: &[&str], input: &Path) -> String {
    let input = std::fs::File::open(input).unwrap();
    let output = Command::new(program).args(args).stdin(input).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn shells_can_read_their_completions() {
    watchdog(|| {
        for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
            let script = run(&["completions", shell]).expect(0);
            assert!(script.stdout.contains("sandbox-probe"), "{shell}");
            let json = run(&["completions", shell, "--json"]).expect(0).objects();
            assert_eq!(
                (json.len(), json[0]["script"].as_str()),
                (1, Some(script.stdout.as_str())),
                "{shell}"
            );
            if ["bash", "zsh", "fish"].contains(&shell) && has(shell) {
                let path = script.folder.path().join("script");
                std::fs::write(&path, &script.stdout).unwrap();
                assert_eq!(complaints(shell, &["-n", path.to_str().unwrap()], Path::new("/dev/null")), "");
            }
        }
        assert_eq!(run(&["completions", "none"]).code, Some(2));
    });
}

#[test]
fn the_manual_can_be_typeset() {
    watchdog(|| {
        let written = run(&["man", "pages", "--json"]).expect(0);
        let files = written.objects()[0]["written"].as_array().unwrap().clone();
        assert!(files.len() >= 15, "{files:?}");
        for file in &files {
            let path = written.folder.path().join(file.as_str().unwrap());
            assert!(std::fs::metadata(&path).unwrap().len() > 100);
            if has("groff") {
                let warnings = complaints("groff", &["-man", "-Tutf8", "-ww", "-z"], &path);
                assert_eq!(warnings, "", "{file}");
            }
        }
        let page = run(&["man"]).expect(0).stdout;
        let file = std::fs::read_to_string(written.folder.path().join("pages/ringfence.1")).unwrap();
        assert_eq!(page, file);
        assert!(run(&["man", "--page", "wire encode"]).expect(0).stdout.contains("ringfence"));
        let unknown = run(&["man", "--page", "walk"]);
        assert_eq!((unknown.code, unknown.complaints().len()), (Some(2), 1), "{}", unknown.stderr);
    });
}

/// A shared object that exports what these lines of C define.
fn compiled(folder: &Path, name: &str, source: &str) -> Option<PathBuf> {
    let (file, module) = (folder.join("module.c"), folder.join(name));
    std::fs::write(&file, source).unwrap();
    let compiler = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&module).arg(&file).status();
    match compiler {
        Ok(status) => {
            assert!(status.success());
            Some(module)
        }
        Err(_) => None,
    }
}

/// A module with this record, if there is a compiler.
fn module(folder: &Path, name: &str, record: &[u8]) -> Option<PathBuf> {
    let bytes: Vec<_> = record.iter().map(u8::to_string).collect();
    let source = format!(
        "const unsigned char ringfence_module_info[512] = {{ {} }};\n\
         int ringfence_module_serve(int s, unsigned f, char *r, unsigned long n) {{ return 1; }}\n",
        bytes.join(",")
    );
    compiled(folder, name, &source)
}

fn info(hash: u64) -> ModuleInfo {
    ModuleInfo {
        name: "tester".into(),
        version: Version { major: 1, minor: 2, patch: 3 },
        pipeline: "vimc".into(),
        pipeline_versions: 1..=4,
        interface: vimc::INTERFACE.name.into(),
        interface_hash: hash,
        protocol: ModuleInfo::PROTOCOL,
        encodings: vec![ModuleInfo::NATIVE],
        loads_until: Some("init".into()),
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_module_is_told_with_its_methods_and_its_signature() {
    watchdog(|| {
        let folder = TempDir::new().unwrap();
        let record = info(vimc::INTERFACE.hash).to_record().unwrap();
        let Some(file) = module(folder.path(), "tester.so", &record) else { return };
        let seen = |args: &[&str]| {
            let outcome = run(&[&["inspect", path(&file), "--json"], args].concat()).expect(0);
            outcome.objects().remove(0)
        };
        let json = seen(&[]);
        assert_eq!(
            (json["kind"].as_str(), json["module"]["version"].as_str()),
            (Some("ringfence"), Some("1.2.3"))
        );
        assert_eq!(json["module"]["pipeline_versions"], serde_json::json!([1, 4]));
        assert_eq!(
            (json["interface"]["state"].as_str(), json["signature"]["state"].as_str()),
            (Some("fits"), Some("none"))
        );
        let methods = json["interface"]["at_hand"]["methods"].as_array().unwrap();
        assert_eq!(methods.len(), vimc::INTERFACE.methods.len());
        let bytes = std::fs::read(&file).unwrap();
        assert_eq!(json["file"]["bytes"], bytes.len());

        let text = run(&["inspect", path(&file)]).expect(0).stdout;
        for expected in [
            "tester 1.2.3",
            "versions 1 to 4",
            "first `init`",
            "interface IPAVimcInterface {",
            "queueRequest(",
        ] {
            assert!(text.contains(expected), "{text}");
        }

        // A signature counts by the key, and for these bytes.
        let keys = folder.path().join("keys");
        std::fs::create_dir(&keys).unwrap();
        let key = SigningKey::generate().unwrap();
        key.sign(&bytes, &record).write_beside(&file).unwrap();
        assert_eq!(seen(&[])["signature"]["state"], "unknown");
        key.write(&folder.path().join("private.pem"), &keys.join("key.pub")).unwrap();
        let signature = seen(&["--keys", path(&keys)])["signature"].take();
        assert_eq!(
            (signature["state"].as_str(), signature["key"].as_str()),
            (Some("valid"), Some(&*key.id().to_string()))
        );
        key.sign(b"other", &record).write_beside(&file).unwrap();
        assert_eq!(seen(&["--keys", path(&keys)])["signature"]["state"], "unknown");
        std::fs::write(folder.path().join("tester.so.sig"), "short").unwrap();
        assert_eq!(seen(&["--keys", path(&keys)])["signature"]["state"], "unusable");
        assert_eq!(run(&["inspect", path(&file), "--keys", "/nowhere"]).code, Some(2));
    });
}

#[test]
fn another_version_of_an_interface_is_told() {
    watchdog(|| {
        let folder = TempDir::new().unwrap();
        let Some(file) = module(folder.path(), "old.so", &info(7).to_record().unwrap()) else { return };
        let outcome = run(&["inspect", path(&file), "--json"]).expect(0);
        assert_eq!(outcome.objects()[0]["interface"]["state"], "differs");
        // Who says which interface it should be wants to know by the exit code.
        let mojom = concat!(env!("CARGO_MANIFEST_DIR"), "/interfaces/vimc.mojom");
        let outcome = run(&["inspect", path(&file), "--interface", mojom]).expect(1);
        assert!(outcome.stdout.contains("ANOTHER VERSION"), "{}", outcome.stdout);
        let broken = run(&["inspect", path(&file), "--interface", "/nowhere.mojom"]);
        assert_eq!(broken.code, Some(2));
    });
}

#[test]
fn what_is_no_module_is_told_and_the_others_all_the_same() {
    watchdog(|| {
        let program = env!("CARGO_BIN_EXE_ringfence");
        let outcome = run(&["inspect", "--json", "/dev/null", "/nowhere", "/dev/zero", program]).expect(1);
        let objects = outcome.objects();
        assert_eq!((objects.len(), objects[0]["kind"].as_str()), (1, Some("none")), "{}", outcome.stdout);
        assert_eq!(outcome.complaints().len(), 3, "{}", outcome.stderr);
        // A record of nonsense is no module, and nothing worse.
        let folder = TempDir::new().unwrap();
        if let Some(file) = module(folder.path(), "bad.so", &[0x1b; 512]) {
            let outcome = run(&["inspect", path(&file)]).expect(1);
            assert!(
                outcome.stdout.contains("malformed") && !outcome.stdout.contains('\x1b'),
                "{}",
                outcome.stdout
            );
        }
    });
}

#[test]
fn modules_of_libcamera_are_known_by_what_they_export() {
    watchdog(|| {
        let folder = TempDir::new().unwrap();
        let source = "struct { int api; unsigned version; char name[256]; } ipaModuleInfo = { 1, 3, \"vimc\" };\n\
                      const char other[] = \"\\0vimc\";";
        let Some(file) = compiled(folder.path(), "ipa_vimc.so", source) else { return };
        let json = run(&["inspect", path(&file), "--json"]).expect(0).objects().remove(0);
        assert_eq!(
            (json["kind"].as_str(), json["libcamera"]["name"].as_str()),
            (Some("libcamera"), Some("vimc"))
        );
        assert_eq!(
            (json["libcamera"]["pipeline_version"].as_u64(), json["libcamera"]["api"].as_i64()),
            (Some(3), Some(1))
        );
        assert_eq!(json["libcamera"]["encoding"], "libcamera-2");
        assert_eq!(json["interface"]["state"], "fits");
    });
}

/// A camera that runs until it is ended, once it has made frames.
fn camera() -> Running {
    let mut camera = Host::endless(&["--restarts", "0"]).start();
    camera.line(2);
    camera
}

fn end(camera: Running) {
    camera.signal(Signal::INT);
    camera.wait();
}

#[test]
fn a_running_connection_is_seen() {
    watchdog(|| {
        let camera = camera();
        let (host, worker) = (camera.pid().to_string(), camera.worker().to_string());
        for pid in [&host, &worker] {
            let seen =
                run(&["top", "--once", "--json", "--interval", "500", "--pid", pid]).expect(0).objects();
            assert_eq!(seen.len(), 1);
            let connections = seen[0]["connections"].as_array().unwrap();
            assert_eq!(connections.len(), 1, "{seen:?}");
            let seen = &connections[0];
            assert_eq!(seen["host_pid"].to_string(), host, "{seen}");
            assert_eq!(
                (seen["mode"].as_str(), seen["encoding"].as_str()),
                (Some("isolated"), Some("native"))
            );
            assert_eq!(seen["interface"], "ipa.RPi.IPARPiInterface");
            for rate in ["calls_per_s", "dropped_events"] {
                assert!(seen[rate].is_number(), "{rate}: {seen}");
            }
            assert!(seen["to_module"]["messages_per_s"].as_f64().unwrap() > 0.0, "{seen}");
            assert!(seen["to_host"]["bytes_per_s"].as_f64().unwrap() > 0.0, "{seen}");
        }
        let text = run(&["top", "--once", "--interval", "200", "--pid", &host]).expect(0).stdout;
        assert!(text.contains("CALLS/s") && text.contains(&worker), "{text}");
        let nobody = run(&["top", "--once", "--interval", "100", "--pid", "1"]).expect(0).stdout;
        assert!(nobody.contains("no connections") && nobody.contains("ringfence run"), "{nobody}");
        let refused = run(&["top"]).expect(2);
        assert!(refused.stderr.contains("--once"), "{}", refused.stderr);
        end(camera);
    });
}

#[test]
fn messages_of_a_running_connection_are_told() {
    watchdog(|| {
        let camera = camera();
        let host = camera.pid().to_string();
        let trace = |args: &[&str]| run(&[&["trace", &host, "--json"], args].concat()).expect(0).objects();
        let told = trace(&["--limit", "40"]);
        assert_eq!(told.len(), 40);
        let mut previous = 0;
        for message in &told {
            assert!(message["values"].is_object(), "{message}");
            let at = message["at_ns"].as_u64().unwrap();
            assert!(at >= previous, "{message}");
            previous = at;
        }
        let kinds = |told: &[Value]| {
            told.iter().map(|it| it["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert!(kinds(&told).iter().any(|kind| kind == "event"), "{told:?}");
        for message in trace(&["--limit", "3", "--method", "processStatsComplete", "--raw"]) {
            assert_eq!(
                (message["kind"].as_str(), message["direction"].as_str()),
                (Some("event"), Some("to-host"))
            );
            assert_eq!(message["raw"].as_str().unwrap().len() as u64, 2 * message["bytes"].as_u64().unwrap());
        }
        let casts = trace(&["--limit", "3", "--direction", "to-module", "--kind", "cast", "--kind", "call"]);
        assert!(kinds(&casts).iter().all(|kind| kind == "cast" || kind == "call"), "{casts:?}");
        // It is told in time that nothing that fits has come.
        assert!(trace(&["--seconds", "0.3", "--method", "stop"]).is_empty());

        let text = run(&["trace", &host, "--limit", "10", "--width", "60"]).expect(0);
        assert!(text.stdout.lines().all(|line| line.chars().count() <= 60), "{}", text.stdout);
        assert!(text.stdout.contains('→') && text.stdout.contains('←'), "{}", text.stdout);
        assert!(text.stderr.contains("following"), "{}", text.stderr);
        end(camera);
    });
}

#[test]
fn a_trace_ends_with_its_connection_or_by_a_signal() {
    watchdog(|| {
        let camera = camera();
        let host = camera.pid().to_string();
        let mut stopped = Host::new(["trace", &host, "--json"]).start();
        stopped.line(1);
        stopped.signal(Signal::INT);
        assert_eq!(stopped.wait().code, Some(0));

        let mut following = Host::new(["trace", &host, "--json"]).start();
        following.line(1);
        end(camera);
        let objects = following.wait().expect(0).objects();
        assert_eq!(objects.last().unwrap()["ended"], true, "{:?}", objects.last());
        assert!(objects.iter().any(|message| message["kind"] == "bye"));
    });
}

#[test]
fn a_name_that_nobody_or_more_than_one_has_is_told_with_those_that_there_are() {
    watchdog(|| {
        let (one, other) = (camera(), camera());
        let pids = [one.pid().to_string(), other.pid().to_string()];
        for name in ["nobody-is-called-so", "ipa.RPi.IPARPiInterface"] {
            let refused = run(&["trace", name]);
            let complaints = refused.complaints();
            assert_eq!((refused.code, complaints.len()), (Some(2), 1), "{}", refused.stderr);
            assert!(pids.iter().all(|pid| complaints[0].contains(pid.as_str())), "{}", refused.stderr);
        }
        let refused = run(&["trace", &pids[0], "--method", "fly"]).expect(2);
        assert!(refused.stderr.contains("processStats"), "{}", refused.stderr);
        let mojom = concat!(env!("CARGO_MANIFEST_DIR"), "/interfaces/vimc.mojom");
        let refused = run(&["trace", &pids[0], "--interface", mojom, "--limit", "1"]);
        // What is built in fits, whatever else is named.
        assert_eq!(refused.code, Some(0), "{}", refused.stderr);
        end(one);
        end(other);
    });
}

#[test]
fn who_embeds_the_library_builds_none_of_the_tools() {
    watchdog(|| {
        let tree = |features: &[&str]| {
            let mut command = Command::new(env!("CARGO"));
            command.args([
                "tree",
                "--offline",
                "-p",
                "ringfence",
                "-e",
                "normal",
                "--prefix",
                "none",
                "-f",
                "{lib}",
            ]);
            let output = command.args(features).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let text = String::from_utf8(output.stdout).unwrap();
            text.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect::<Vec<_>>()
        };
        let (alone, all) = (tree(&["--no-default-features"]), tree(&[]));
        for tool in [
            "clap",
            "clap_complete",
            "clap_mangen",
            "comfy_table",
            "image",
            "indicatif",
            "plotters",
            "ratatui",
            "rayon",
            "signal_hook",
            "tracing_subscriber",
        ] {
            assert!(all.iter().any(|it| it == tool), "{tool} is no dependency of the tools: {all:?}");
            assert!(!alone.iter().any(|it| it == tool), "{tool} is a dependency of the library alone");
        }
    });
}
