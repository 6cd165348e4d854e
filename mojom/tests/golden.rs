//! What is generated of a sample, to the byte.
//!
//! `UPDATE_GOLDEN=1 cargo test -p ringfence-mojom --test golden` writes it anew; the change is then to be
//! read like any other code.

use std::path::Path;

#[test]
fn the_sample_compiles_to_the_golden_file() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let text = std::fs::read_to_string(directory.join("sample.mojom")).unwrap();
    let generated = ringfence_mojom::configure()
        .type_attribute("Plain", "#[non_exhaustive]")
        .type_attribute(".ipa.sample.IPASampleEventInterface", "#[must_use]")
        .compile_text("sample.mojom", &text)
        .unwrap();
    let golden = directory.join("sample.rs");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &generated).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    let line = generated.lines().zip(expected.lines()).position(|(new, old)| new != old);
    if let Some(line) = line {
        let at = |text: &str| text.lines().nth(line).unwrap_or_default().to_owned();
        panic!("line {} is\n{}\nand was\n{}", line + 1, at(&generated), at(&expected));
    }
    assert_eq!(generated.len(), expected.len(), "one is longer than the other");
}
