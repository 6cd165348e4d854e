//! The program as a whole: what it prints where, and what it exits with.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

const GOOD: &str = "module example;

enum Place {
\tIndoors,
\tOutdoors,
};

interface ThermometerInterface {
\tmeasure(Place place) => (float celsius);
};
";
const BAD: &str = "module example;\nstruct A { Szie size; };\nstruct B { uint8 x = 300; };\n";

struct Files(tempfile::TempDir);

/// What a run left behind.
struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        Self(directory)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Run {
        run_in(self.0.path(), arguments, "")
    }
}

fn run_in(directory: &Path, arguments: &[&str], stdin: &str) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mojomc"))
        .args(arguments)
        .current_dir(directory)
        .env_remove("NO_COLOR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that reads nothing may be gone already.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[track_caller]
fn assert_run(run: &Run, code: i32, stdout: &str, stderr: &str) {
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (code, stdout, stderr));
}

#[test]
fn check_is_silent_unless_something_is_wrong() {
    let files = Files::new(&[("good.mojom", GOOD), ("bad.mojom", BAD)]);
    assert_run(&files.run(&["check", "good.mojom"]), 0, "", "");
    let run = files.run(&["check", "good.mojom", "bad.mojom"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    for part in ["bad.mojom:2:12", "Szie", "bad.mojom:3:22", "300"] {
        assert!(run.stderr.contains(part), "{part} is missing:\n{}", run.stderr);
    }
    assert!(!run.stderr.contains('\x1b'), "colours in a pipe");
    let run = files.run(&["check", "none.mojom"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("none.mojom"), "{}", run.stderr);
}

#[test]
fn warnings_are_told_and_change_nothing() {
    let odd = GOOD.replace("enum Place", "[Whatever] enum Place");
    let files = Files::new(&[("good.mojom", GOOD), ("odd.mojom", &odd)]);
    let told = files.run(&["check", "odd.mojom"]);
    assert_eq!((told.code, told.stdout.as_str()), (0, ""));
    assert!(told.stderr.starts_with("warning[unknown-attribute]: "), "{}", told.stderr);
    let run = files.run(&["rust", "odd.mojom"]);
    assert_eq!((run.code, &run.stderr), (0, &told.stderr));
    let plain = files.run(&["rust", "good.mojom"]);
    assert_eq!(run.stdout.replace("odd.mojom", "good.mojom"), plain.stdout);
    let run = files.run(&["compat", "good.mojom", "odd.mojom"]);
    assert_eq!((run.code, &run.stderr), (0, &told.stderr));
    let run = files.run(&["check", "odd.mojom", "--message-format=json"]);
    let object: serde_json::Value = serde_json::from_str(&run.stderr).unwrap();
    assert_eq!((run.code, &object["level"]), (0, &"warning".into()));
}

#[test]
fn messages_are_objects_or_have_colours_if_that_is_wanted() {
    let files = Files::new(&[("bad.mojom", BAD)]);
    let run = files.run(&["check", "bad.mojom", "--message-format", "json"]);
    assert_eq!(run.code, 1);
    let objects: Vec<serde_json::Value> =
        run.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 2, "{}", run.stderr);
    assert!(objects.iter().all(|object| object["level"] == "error"), "{}", run.stderr);
    assert_eq!(objects[0]["code"]["code"], "unknown-type");
    assert_eq!(objects[1]["spans"][0]["line_start"], 3);
    // What the program itself cannot do is told in the same form.
    let run = files.run(&["fmt", "none.mojom", "--message-format=json"]);
    let object: serde_json::Value = serde_json::from_str(&run.stderr).unwrap();
    assert_eq!((run.code, &object["code"]["code"]), (1, &"file-unreadable".into()));
    let run = files.run(&["--color=always", "check", "bad.mojom"]);
    assert!(run.stderr.contains('\x1b'), "{}", run.stderr);
}

#[test]
fn wrong_arguments_are_another_status() {
    let files = Files::new(&[]);
    for arguments in [
        &[][..],
        &["check"],
        &["nothing", "a"],
        &["rust", "a", "b"],
        &["check", "--color", "red", "a"],
        &["rust", "a", "--extern", "b"],
    ] {
        let run = files.run(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(run.stderr.contains("Usage") || run.stderr.contains("--help"), "{}", run.stderr);
    }
    assert_eq!(files.run(&["--help"]).code, 0);
    assert!(files.run(&["--version"]).stdout.starts_with("mojomc "));
}

#[test]
fn rust_goes_to_standard_output_or_to_a_file() {
    let files = Files::new(&[("good.mojom", GOOD), ("bad.mojom", BAD)]);
    let run = files.run(&["rust", "good.mojom"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.contains("pub trait Thermometer {"), "{}", run.stdout);
    let again = files.run(&["rust", "good.mojom", "-o", "out.rs"]);
    assert_run(&again, 0, "", "");
    assert_eq!(files.read("out.rs"), run.stdout);
    let run = files.run(&["rust", "bad.mojom", "-o", "bad.rs"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert!(!files.0.path().join("bad.rs").exists());
    let run = files.run(&["rust", "good.mojom", "-o", "no/such/directory.rs"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.starts_with("error[cannot-write]: the file cannot be written: "), "{}", run.stderr);
}

#[test]
fn imports_are_found_and_have_a_place_in_rust() {
    let files = Files::new(&[(
        "main.mojom",
        "module m; import \"types.mojom\"; import \"core.mojom\"; struct B { shared.A a; libcamera.Size s; };",
    )]);
    std::fs::create_dir(files.0.path().join("sub")).unwrap();
    std::fs::write(files.0.path().join("sub/types.mojom"), "module shared; struct A { bool x; };").unwrap();
    assert_eq!(files.run(&["check", "main.mojom"]).code, 1);
    assert_run(&files.run(&["check", "main.mojom", "-I", "sub"]), 0, "", "");
    let run = files.run(&["rust", "main.mojom", "-Isub"]);
    assert_eq!(run.code, 1);
    let run = files.run(&["rust", "main.mojom", "-Isub", "--extern", "shared=crate::types"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.contains("use crate::types;"), "{}", run.stdout);
}

#[test]
fn fmt_changes_files_or_names_them() {
    let messy = GOOD.replace("\n\n", "\n").replace('\t', "  ");
    let files = Files::new(&[("good.mojom", GOOD), ("messy.mojom", &messy), ("open.mojom", "struct A {")]);
    let run = files.run(&["fmt", "--check", "good.mojom", "messy.mojom"]);
    assert_run(&run, 1, "messy.mojom\n", "");
    assert_eq!(files.read("messy.mojom"), messy);
    // One that cannot be formatted keeps none of the others from it.
    let run = files.run(&["fmt", "open.mojom", "good.mojom", "messy.mojom"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert!(run.stderr.contains("open.mojom:1:10"), "{}", run.stderr);
    assert_eq!(files.read("messy.mojom"), GOOD);
    assert_run(&files.run(&["fmt", "--check", "good.mojom", "messy.mojom"]), 0, "", "");
}

#[test]
fn fmt_is_a_filter_too() {
    let directory = tempfile::tempdir().unwrap();
    let run = run_in(directory.path(), &["fmt", "-"], "struct  A{bool x;};");
    assert_run(&run, 0, "struct A {\n\tbool x;\n};\n", "");
    let run = run_in(directory.path(), &["fmt", "--check", "-"], "struct  A{bool x;};");
    assert_run(&run, 1, "<standard input>\n", "");
    let run = run_in(directory.path(), &["fmt", "-"], "}");
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert!(run.stderr.contains("<standard input>:1:1"), "{}", run.stderr);
}

#[test]
fn dump_is_the_checked_model() {
    let text = "module m; const uint64 Max = 0xffffffffffffffff;
        enum E { A, B = 4 }; struct S { map<string, array<E, 2>> entries; [flags] E set = B; bool on = true; };
        interface StoreInterface { /** \\brief Gets it */ get(S s) => (int32 ret); [async] put(float f); };
        interface StoreEventInterface { done(); };";
    let files = Files::new(&[("m.mojom", text), ("bad.mojom", BAD)]);
    let run = files.run(&["dump", "m.mojom"]);
    assert_eq!(run.code, 0);
    assert!(run.stderr.starts_with("warning[ignored-length]: "), "{}", run.stderr);
    let dump: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(dump["format"], 1);
    let module = &dump["modules"][0];
    assert_eq!(module["name"], "m");
    assert_eq!(module["constants"][0]["value"], u64::MAX);
    assert_eq!(module["enums"][0]["enumerators"][1]["value"], 4);
    let fields = &module["structs"][0]["fields"];
    let expected = serde_json::json!({ "map": { "array": { "enum": "m.E" }, "length": 2 }, "key": "string" });
    assert_eq!(fields[0]["type"], expected);
    assert_eq!(fields[1]["type"], serde_json::json!({ "flags": "m.E" }));
    assert_eq!(fields[1]["default"], serde_json::json!({ "enum": "m.E", "enumerator": "B" }));
    assert_eq!(fields[2]["default"], true);
    let interface = &module["interface"];
    assert!(interface["hash"].as_str().unwrap().starts_with("0x"));
    assert_eq!(interface["methods"][1]["number"], 2);
    assert_eq!(interface["methods"][1]["async"], true);
    assert_eq!(interface["methods"][0]["doc"][0], "\\brief Gets it");
    assert_eq!(interface["methods"][0]["results"][0]["type"], "int32");
    assert_eq!(interface["events"][0]["name"], "done");
    assert_eq!(files.run(&["dump", "bad.mojom"]).code, 1);
}

#[test]
fn compat_says_what_breaks_for_whom() {
    let files = Files::new(&[
        ("old.mojom", GOOD),
        ("renamed.mojom", &GOOD.replace("Place place", "Place where")),
        ("more.mojom", &GOOD.replace("};\n\ninterface", "\tAttic,\n};\n\ninterface")),
        ("retyped.mojom", &GOOD.replace("float celsius", "uint32 celsius")),
        ("doubled.mojom", &GOOD.replace("float celsius", "double celsius")),
        ("moved.mojom", &GOOD.replace("module example", "module elsewhere")),
    ]);
    let same = "native encoding: compatible; libcamera's encoding: compatible; source code: can stay\n";
    assert_run(&files.run(&["compat", "old.mojom", "old.mojom"]), 0, same, "");
    let run = files.run(&["compat", "old.mojom", "renamed.mojom"]);
    let expected = "source only: method `measure`: the parameter `place` is called `where`
native encoding: compatible; libcamera's encoding: compatible; source code: may have to change
";
    assert_run(&run, 0, expected, "");
    let run = files.run(&["compat", "old.mojom", "more.mojom"]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    let run = files.run(&["compat", "old.mojom", "retyped.mojom"]);
    let expected = "broken (native), misread (libcamera): method `measure`: the result `celsius` is of type `uint32`, was of `float`
native encoding: broken; libcamera's encoding: misread; source code: may have to change
";
    assert_run(&run, 1, expected, "");
    let run = files.run(&["compat", "old.mojom", "doubled.mojom", "--encoding", "libcamera"]);
    assert_eq!(run.code, 1, "{}", run.stdout);
    let run = files.run(&["compat", "old.mojom", "moved.mojom", "--encoding", "libcamera"]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    let run = files.run(&["compat", "old.mojom", "moved.mojom", "--message-format", "json"]);
    assert_eq!(run.code, 1);
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&report["native"], &report["libcamera"]), (&"broken".into(), &"compatible".into()));
    assert_ne!(report["hash"]["old"], report["hash"]["new"]);
    assert_eq!(report["changes"][0]["item"], "module `example`");
}
