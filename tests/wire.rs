//! `ringfence wire` from the command line.

mod common;

use std::io::Write;
use std::process::{Command, Stdio};

use common::watchdog;
use serde_json::{Value, json};

struct Outcome {
    code: i32,
    lines: Vec<String>,
    complaints: String,
}

/// Runs `ringfence wire` in the folder of the project, with this on standard input.
fn wire(args: &[&str], input: &str) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command.arg("wire").args(args).current_dir(env!("CARGO_MANIFEST_DIR"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // The child may be gone before it has read anything, if the arguments are wrong.
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Outcome {
        code: output.status.code().unwrap(),
        lines: String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect(),
        complaints: String::from_utf8(output.stderr).unwrap(),
    }
}

const CORE: [&str; 2] = ["--mojom", "interfaces/core.mojom"];

#[test]
fn values_go_in_and_come_out_line_by_line() {
    watchdog(|| {
        for encoding in ["native", "libcamera-1", "libcamera-2"] {
            let value = r#"[{"id":7,"planes":[{"fd":{"fd":true},"offset":0,"length":64}]}]"#;
            let args = [&CORE[..], &["--type", "array<libcamera.IPABuffer>", "--wire", encoding]].concat();
            let encoded = wire(&[&["encode"], &args[..]].concat(), &format!("{value}\n\n[]\n"));
            assert_eq!((encoded.code, encoded.complaints.as_str(), encoded.lines.len()), (0, "", 2));
            let first: Value = serde_json::from_str(&encoded.lines[0]).unwrap();
            assert_eq!(first["fds"], 1);
            let decoded = wire(&[&["decode"], &args[..]].concat(), &encoded.lines.join("\n"));
            assert_eq!((decoded.code, decoded.lines), (0, vec![value.to_owned(), "[]".to_owned()]));
            // Digits alone say nothing of descriptors.
            let hex = wire(&[&["encode", "--hex"], &args[..]].concat(), value);
            assert_eq!(first["bytes"], hex.lines[0]);
            let decoded = wire(&[&["decode", "--hex"], &args[..]].concat(), &hex.lines[0]);
            assert_eq!((decoded.code, decoded.lines), (0, vec![value.to_owned()]));
        }
    });
}

#[test]
fn a_reader_who_has_seen_enough_ends_it_quietly() {
    watchdog(|| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
        command
            .args(["wire", "encode", "--wire", "native", "--type", "array<libcamera.IPABuffer>"])
            .args(CORE);
        command.current_dir(env!("CARGO_MANIFEST_DIR"));
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The end that is read from is closed before there is anything to write.
        drop(child.stdout.take());
        drop(child.stdin.take().unwrap().write_all(b"[]\n[]\n"));
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
        // As of a program that SIGPIPE ended.
        assert_eq!(output.status.code(), Some(141));
    });
}

#[test]
fn a_bad_line_is_told_and_passed_over() {
    watchdog(|| {
        let args =
            ["encode", "--mojom", "interfaces/core.mojom", "--type", "uint8", "--wire", "native", "--hex"];
        let outcome = wire(&args, "1\nx\n300\n2\n");
        assert_eq!((outcome.code, outcome.lines.len()), (1, 2));
        let complaints: Vec<_> = outcome.complaints.lines().collect();
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(complaints[0].starts_with("error: line 2: "), "{complaints:?}");
        assert_eq!(complaints[1], "error: line 3: 300 is no integer from 0 to 255");

        let args = [
            "decode",
            "--mojom",
            "interfaces/core.mojom",
            "--type",
            "uint8",
            "--wire",
            "libcamera-2",
            "--hex",
        ];
        let outcome = wire(&args, "0102\nzz\n0\n");
        assert_eq!((outcome.code, outcome.lines), (1, vec!["1".to_owned()]));
        for expected in [
            "warning: line 1: at offset 1: 1 bytes after the end",
            "error: line 2: `z` is no",
            "error: line 3: 1 hex",
        ] {
            assert!(outcome.complaints.contains(expected), "{}", outcome.complaints);
        }
    });
}

#[test]
fn a_line_that_is_no_text_is_passed_over_too() {
    watchdog(|| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("digits");
        std::fs::write(&file, b"01\n\xff\xfe\n\r\n02\r\n").unwrap();
        let args = ["decode", "--mojom", "interfaces/core.mojom", "--type", "uint8", "--wire", "libcamera-2"];
        let outcome = wire(&[&args[..], &["--hex", file.to_str().unwrap()]].concat(), "");
        assert_eq!((outcome.code, outcome.lines), (1, vec!["1".to_owned(), "2".to_owned()]));
        let [complaint] = outcome.complaints.lines().collect::<Vec<_>>()[..] else {
            panic!("{}", outcome.complaints)
        };
        assert!(complaint.contains(", line 2: invalid utf-8"), "{complaint}");
    });
}

#[test]
fn an_interface_that_is_wrong_is_told_as_its_compiler_does() {
    watchdog(|| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("wrong.mojom");
        std::fs::write(&file, "module ipa.wrong;\nstruct S { uint9 a; };\n").unwrap();
        let args = ["encode", "--mojom", file.to_str().unwrap(), "--type", "S", "--wire", "native"];
        let outcome = wire(&args, "");
        assert_eq!((outcome.code, outcome.lines.len()), (2, 0));
        let first = outcome.complaints.lines().next().unwrap();
        assert_eq!(first, "error[unknown-type]: unknown type `uint9`");
        assert!(outcome.complaints.contains("wrong.mojom:2:12"), "{}", outcome.complaints);
    });
}

#[test]
fn a_list_that_is_sent_again_is_read_with_its_map() {
    watchdog(|| {
        let text = std::fs::read_to_string("wire/tests/golden/libcamera-2.jsonl").unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let line = lines.into_iter().find(|line| line["type"] == "libcamera.ControlList#again").unwrap();
        let args = ["decode", "--mojom", "interfaces/core.mojom", "--type", "libcamera.ControlList#again"];
        let args = [&args[..], &["--wire", "libcamera-2", "--role", "worker"]].concat();
        let input = json!({ "bytes": line["bytes"], "fds": 0, "infomap": line["value"]["infomap"] });
        let outcome = wire(&args, &input.to_string());
        assert_eq!((outcome.code, outcome.lines), (0, vec![line["value"].to_string()]));
        // Without it, nobody knows the handle.
        let outcome = wire(&args, &json!({ "bytes": line["bytes"], "fds": 0 }).to_string());
        assert_eq!(outcome.code, 1);
        assert!(
            outcome.complaints.contains("the info map of handle 2, which was not sent"),
            "{}",
            outcome.complaints
        );
    });
}

#[test]
fn sessions_are_lines_with_names() {
    watchdog(|| {
        let interface = "interfaces/libcamera-0.0.3/raspberrypi.mojom";
        let recording = "wire/tests/golden/libcamera-1-rpi-session.jsonl";
        let args = ["decode", "--wire", "libcamera-1", "--interface", interface, recording];
        let outcome = wire(&args, "");
        assert_eq!((outcome.code, outcome.complaints.as_str(), outcome.lines.len()), (0, "", 174));
        for expected in [
            "worker  reply  start #5 (startConfig: {controls: v4l2@2{ANALOGUE_GAIN: 0, EXPOSURE: 52, VBLANK: 531}, dropFrameCount: 7, maxSensorFrameLengthMs: 1238})",
            "worker  event  runIsp (bufferId: 262145)",
            "host    exit   exit #68",
        ] {
            assert!(outcome.lines.iter().any(|line| line == expected), "{expected}");
        }
        let objects = wire(&[&args[..], &["--json"]].concat(), "");
        assert_eq!((objects.code, objects.lines.len()), (0, 174));
        let reply: Value = serde_json::from_str(&objects.lines[1]).unwrap();
        assert_eq!(
            (&reply["kind"], &reply["name"], &reply["cookie"]),
            (&"reply".into(), &"init".into(), &1.into())
        );
        assert_eq!(reply["parameters"]["result"]["sensorConfig"]["gainDelay"], 1);
    });
}

#[test]
fn what_cannot_be_understood_is_told_where_it_is() {
    watchdog(|| {
        // The older worker has no trace descriptor, and describes sensors in another way.
        let recording = "wire/tests/golden/libcamera-1-vimc-session.jsonl";
        let args = ["decode", "--wire", "libcamera-1", "--interface", "interfaces/vimc.mojom", recording];
        let outcome = wire(&args, "");
        assert_eq!((outcome.code, outcome.lines.len()), (1, 21));
        assert!(outcome.lines[0].starts_with("host    error  "), "{}", outcome.lines[0]);
        assert!(outcome.lines[0].contains("line 2: call `init` with cookie 1: "), "{}", outcome.lines[0]);
        assert_eq!(outcome.lines[1], "worker  reply  init #1 (ret: 0, outFlags: Flag1)");
    });
}

#[test]
fn mistakes_on_the_command_line_are_usage_errors() {
    watchdog(|| {
        for (args, expected) in [
            (&["decode", "--wire", "native"][..], "say what to decode"),
            (
                &["encode", "--mojom", "interfaces/core.mojom", "--type", "Siez", "--wire", "native"],
                "no `Siez` is defined",
            ),
            (
                &["encode", "--mojom", "interfaces/core.mojom", "--type", "array<Size", "--wire", "native"],
                "`array<Size` is no type: `>` is missing at its end",
            ),
            (&["encode", "--mojom", "nowhere.mojom", "--type", "bool", "--wire", "native"], "nowhere.mojom"),
            (
                &["encode", "--mojom", "interfaces/core.mojom", "--type", "bool", "--wire", "morse"],
                "libcamera-1",
            ),
            (
                &["decode", "--wire", "native", "--interface", "interfaces/vimc.mojom"],
                "do not go over a socket",
            ),
            (&["decode", "--wire", "libcamera-2", "--interface", "interfaces/core.mojom"], "no interface"),
            (
                &["decode", "--wire", "libcamera-2", "--interface", "interfaces/vimc.mojom", "nowhere.jsonl"],
                "nowhere.jsonl",
            ),
        ] {
            let outcome = wire(args, "");
            assert_eq!((outcome.code, outcome.lines.len()), (2, 0), "{args:?}");
            assert!(outcome.complaints.contains(expected), "{}", outcome.complaints);
        }
    });
}

/// The commands in the documentation, and what they print.
fn examples(text: &str) -> Vec<(String, String)> {
    let mut examples: Vec<(String, String)> = Vec::new();
    for block in text.split("```console\n").skip(1) {
        for line in block.split("```").next().unwrap().lines() {
            match line.strip_prefix("$ ") {
                Some(command) => examples.push((command.to_owned(), String::new())),
                None => {
                    let output = &mut examples.last_mut().expect("a block begins with a command").1;
                    output.push_str(line);
                    output.push('\n');
                }
            }
        }
    }
    examples
}

#[test]
fn the_documentation_shows_what_happens() {
    watchdog(|| {
        let root = env!("CARGO_MANIFEST_DIR");
        let text = std::fs::read_to_string(format!("{root}/docs/wire.md")).unwrap();
        let examples = examples(&text);
        assert!(examples.len() > 8, "{} examples", examples.len());
        let folder = std::path::Path::new(env!("CARGO_BIN_EXE_ringfence")).parent().unwrap();
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
        for (command, expected) in examples {
            let script = format!("({command}) 2>&1");
            let output =
                Command::new("sh").args(["-c", &script]).current_dir(root).env("PATH", &path).output();
            let printed = String::from_utf8(output.unwrap().stdout).unwrap();
            assert_eq!(printed, expected, "{command}");
        }
    });
}
