//! The example of `docs/c-api.md`.

mod common;

use std::process::Command;

use common::{Installed, STRICT, has, package, run, watchdog, worker};

#[test]
fn the_example_of_the_documentation_says_what_is_told() {
    watchdog(|| {
        if !has("cc") || !has("pkg-config") {
            return;
        }
        let text = std::fs::read_to_string(package("../docs/c-api.md")).unwrap();
        let block = |start: &str| text.split_once(start).unwrap().1.split_once("```").unwrap().0;
        let installed = Installed::get();
        let source = installed.folder().join("host.c");
        std::fs::write(&source, block("```c\n")).unwrap();
        let flags: Vec<&str> = ["-std=c99"].iter().chain(STRICT).copied().collect();
        let program = installed.compile("cc", &flags, &source, "host");
        let output = run(Command::new(program).arg(worker()).env_remove("RINGFENCE_WORKER"));
        assert_eq!(output, block("$ ./host target/debug/ringfence-capi-echo\n"));
    });
}
