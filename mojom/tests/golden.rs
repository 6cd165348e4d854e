//! What is generated of two samples, to the byte.
//!
//! `UPDATE_GOLDEN=1 cargo test -p ringfence-mojom --test golden` writes it anew; the change is then to be
//! read like any other code.

use std::path::Path;

use ringfence_mojom::{Config, configure};

fn check(name: &str, config: &Config) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let file = format!("{name}.mojom");
    let text = std::fs::read_to_string(directory.join(&file)).unwrap();
    let generated = config.compile_text(&file, &text).unwrap();
    let golden = directory.join(name).with_extension("rs");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &generated).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    let line = generated.lines().zip(expected.lines()).position(|(new, old)| new != old);
    if let Some(line) = line {
        let at = |text: &str| text.lines().nth(line).unwrap_or_default().to_owned();
        panic!("{name}: line {} is\n{}\nand was\n{}", line + 1, at(&generated), at(&expected));
    }
    assert_eq!(generated.len(), expected.len(), "{name}: one is longer than the other");
}

#[test]
fn a_little_of_everything() {
    let config = configure()
        .type_attribute("Plain", "#[non_exhaustive]")
        .field_attribute("Plain.distance", "#[doc(alias = \"far\")]")
        .enumerator_attribute(".ipa.sample.Speed.Fast", "#[doc(alias = \"quick\")]")
        .type_attribute(".ipa.sample.IPASampleEventInterface", "#[must_use]");
    check("sample", &config);
}

#[test]
fn what_is_legal_but_rare() {
    check("corners", &configure());
}
