//! Interfaces like those that libcamera has compile, those of this project among them.

use std::path::{Path, PathBuf};

use ringfence_mojom::{Code, Level, configure};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interfaces")
}

/// Compiles a file to Rust, which the compiler formats and therefore knows to be tokens, and checks it for warnings.
fn compile(path: &Path) -> Vec<(usize, Code)> {
    let text = std::fs::read_to_string(path).unwrap();
    configure().compile_text(path, &text).unwrap_or_else(|errors| panic!("{errors}"));
    let checked = configure().check(&[path]).unwrap();
    checked.warnings.iter().map(|warning| (warning.line().unwrap(), warning.code())).collect()
}

#[test]
fn those_like_libcameras_compile_without_a_word() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../interfaces");
    let own = ["raspberrypi.mojom", "vimc.mojom", "bench.mojom"].map(|name| repository.join(name));
    let alike = ["ipu3", "rkisp1", "mali-c55", "softisp", "serialization"];
    let alike = alike.map(|name| directory().join(name).with_extension("mojom"));
    for path in own.into_iter().chain(alike) {
        let warnings = compile(&path);
        assert!(warnings.is_empty(), "{}: {warnings:?}", path.display());
    }
}

#[test]
fn the_core_types_compile_without_a_word() {
    let core = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/core.mojom");
    assert!(configure().check(&[core]).unwrap().warnings.is_empty());
}

#[test]
fn what_libcamera_takes_is_taken_with_a_warning() {
    let warnings = compile(&directory().join("accepted.mojom"));
    assert!(warnings.iter().all(|(_, code)| code.level() == Level::Warning));
    let names: Vec<_> = warnings.iter().map(|(line, code)| format!("{line} {code}")).collect();
    let expected = [
        "5 repeated-import",
        "15 empty-enum",
        "16 ignored-definition",
        "17 ignored-definition",
        "18 ignored-definition",
        "20 unknown-attribute",
        "22 ignored-ordinal",
        "24 ignored-length",
        "25 unqualified-name",
        "26 ignored-nullable",
        "27 ignored-nullable",
        "32 ignored-interface",
        "32 event-interface-first",
        "37 unknown-attribute",
        "37 misplaced-attribute",
        "41 ignored-attribute-value",
        "45 redundant-async",
    ];
    assert_eq!(names, expected);
}
