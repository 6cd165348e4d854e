//! The header that is checked in is the one that the sources make.

mod common;

use std::process::Command;

use common::{STRICT, has, package, run};

#[test]
fn the_header_is_current() {
    let config = cbindgen::Config::from_file(package("cbindgen.toml")).unwrap();
    let bindings = cbindgen::Builder::new().with_crate(package("")).with_config(config).generate().unwrap();
    let mut made = Vec::new();
    bindings.write(&mut made);
    let made = String::from_utf8(made).unwrap();
    let path = package("include/ringfence_host.h");
    if std::env::var_os("RINGFENCE_MEND").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        made == checked_in,
        "capi/include/ringfence_host.h is stale; make it anew with `RINGFENCE_MEND=1 cargo test -p ringfence-capi --test header`"
    );
}

#[test]
fn it_is_c99_and_cpp11_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    for (compiler, language, standards) in [("cc", "c", ["c99", "c11"]), ("c++", "c++", ["c++11", "c++17"])] {
        if !has(compiler) {
            continue;
        }
        for standard in standards {
            // Twice, for its guard.
            let source = folder.path().join(format!("{standard}.source"));
            let text =
                "#include <ringfence_host.h>\n#include <ringfence_host.h>\nint main(void) { return 0; }\n";
            std::fs::write(&source, text).unwrap();
            let mut command = Command::new(compiler);
            command.args(STRICT).arg(format!("-std={standard}")).arg("-I").arg(package("include"));
            command.args(["-fsyntax-only", "-x", language]).arg(&source);
            run(&mut command);
        }
    }
}
