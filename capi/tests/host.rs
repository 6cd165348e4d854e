//! The C host of `tests/c/`, compiled by C's strictest rules and run against a worker.

mod common;

use std::path::Path;
use std::process::Command;

use common::{Installed, STRICT, has, package, run, watchdog, worker};

const CHECKS: [&str; 9] =
    ["calls", "descriptors", "events", "deaths", "deadlines", "arguments", "threads", "log", "leaks"];

/// A host that is to be run with one check.
fn host(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg(worker()).env_remove("RUST_LOG").env_remove("RINGFENCE_WORKER");
    command
}

#[test]
fn a_c99_host_gets_what_the_header_promises() {
    watchdog(|| {
        if !has("cc") || !has("pkg-config") {
            return;
        }
        let installed = Installed::get();
        let flags: Vec<&str> = ["-std=c99", "-O1", "-pthread"].iter().chain(STRICT).copied().collect();
        let program = installed.compile("cc", &flags, &package("tests/c/host.c"), "strict");
        for check in CHECKS {
            run(host(&program).arg(check));
        }
    });
}

#[test]
fn no_memory_of_a_host_is_misused_or_lost() {
    watchdog(|| {
        if !has("cc") || !has("pkg-config") {
            return;
        }
        let installed = Installed::get();
        let flags =
            ["-std=c99", "-pthread", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
        let program = installed.compile("cc", &flags, &package("tests/c/host.c"), "sanitized");
        let options = installed.sanitizer_options();
        for check in CHECKS {
            run(host(&program).arg(check).env("ASAN_OPTIONS", options).env("HOST_ROUNDS", "20"));
        }
    });
}

#[test]
fn it_can_be_linked_statically() {
    watchdog(|| {
        if !has("cc") || !has("pkg-config") {
            return;
        }
        let installed = Installed::get();
        let program = installed.folder().join("static");
        let mut cc = Command::new("cc");
        cc.args(["-std=c99", "-pthread", "-o"]).arg(&program).arg(package("tests/c/host.c"));
        cc.args(installed.pkg_config(&["--cflags"]));
        cc.arg(installed.lib().join("libringfence.a"));
        let libraries = installed.pkg_config(&["--libs", "--static"]);
        cc.args(libraries.iter().filter(|flag| *flag != "-lringfence"));
        run(&mut cc);
        run(host(&program).arg("calls"));
    });
}

#[test]
fn the_library_has_the_name_and_the_functions_of_its_abi() {
    if !has("readelf") {
        return;
    }
    let installed = Installed::get();
    let library = installed.lib().join("libringfence.so");
    let dynamic = run(Command::new("readelf").args(["-W", "-d"]).arg(&library));
    assert!(dynamic.contains("Library soname: [libringfence.so.1]"), "{dynamic}");
    let symbols = run(Command::new("readelf").args(["-W", "--dyn-syms"]).arg(&library));
    let defined = symbols.lines().filter(|line| line.contains(" GLOBAL ") && !line.contains(" UND "));
    let mut names: Vec<&str> = defined.filter_map(|line| line.split_whitespace().last()).collect();
    names.sort_unstable();
    // Only what the header has, and all of it.
    let header = std::fs::read_to_string(package("include/ringfence_host.h")).unwrap();
    let mut promised: Vec<&str> = Vec::new();
    for (at, _) in header.match_indices("rf_") {
        let rest = &header[at..];
        let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap();
        let line = header[..at].rsplit('\n').next().unwrap();
        let is_comment = line.trim_start().starts_with(['*', '/']);
        if rest[end..].starts_with('(') && !is_comment {
            promised.push(&rest[..end]);
        }
    }
    promised.sort_unstable();
    assert_eq!(names, promised);
}
