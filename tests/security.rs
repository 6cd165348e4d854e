//! Every test that docs/security.md names has to exist, and every row has to name one.

use std::collections::BTreeSet;
use std::path::Path;

/// Names of the tests in all Rust files below `folder`.
fn tests(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() && !path.ends_with("target") {
            tests(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            for (_, after) in text.match_indices("#[test]").map(|(at, mark)| text.split_at(at + mark.len())) {
                let function = after.split_once("fn ").and_then(|(_, rest)| rest.split_once('('));
                found.extend(function.map(|(name, _)| name.to_owned()));
            }
        }
    }
}

#[test]
fn every_claim_names_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut known = BTreeSet::new();
    for folder in ["src", "tests", "wire", "mojom", "examples"] {
        tests(&root.join(folder), &mut known);
    }
    let text = std::fs::read_to_string(root.join("docs/security.md")).unwrap();
    let mut shown = false;
    let mut rows = 0;
    for (number, line) in text.lines().enumerate() {
        let Some(row) = line.strip_prefix('|') else {
            shown = false;
            continue;
        };
        let last = row.trim_end_matches('|').rsplit('|').next().unwrap().trim();
        if last == "shown by" {
            shown = true;
        } else if shown && !last.starts_with('-') {
            rows += 1;
            let names: Vec<_> = last.split(", ").map(|name| name.trim_matches('`')).collect();
            for name in &names {
                assert!(
                    known.contains(*name),
                    "docs/security.md, line {}: there is no test {name:?}",
                    number + 1
                );
            }
        }
    }
    // The survey's 56 weaknesses, and the attacks.
    assert!(rows > 56 + 20, "only {rows} rows were found");
    for number in 1..=56 {
        assert!(text.contains(&format!("| W{number} |")), "weakness {number} is missing");
    }
}
