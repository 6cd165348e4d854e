//! The C++ example, compiled as strictly as may be, and run with the sanitizers.

mod common;

use std::process::Command;

use common::{Installed, STRICT, has, package, run, watchdog, worker};

#[test]
fn the_example_runs_clean() {
    watchdog(|| {
        if !has("c++") || !has("pkg-config") {
            return;
        }
        let installed = Installed::get();
        let sanitizers = ["-std=c++17", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
        let flags: Vec<&str> = sanitizers.iter().chain(STRICT).copied().collect();
        let program = installed.compile("c++", &flags, &package("../examples/cpp-host/main.cpp"), "host");
        let mut host = Command::new(program);
        host.arg(worker()).env_remove("RUST_LOG").env_remove("RINGFENCE_WORKER");
        host.env("ASAN_OPTIONS", installed.sanitizer_options());
        let output = run(&mut host);
        let expected = "sendSync: 3 bytes, 1 descriptor\nrecv: 5 messages, 1 exception\n";
        assert!(output.contains(&format!("{expected}{expected}done\n")), "{output}");
    });
}
