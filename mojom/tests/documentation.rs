//! `docs/mojom.md` lists every diagnostic, and each example there yields it where the mark is.

use std::path::Path;

use ringfence_mojom::{Code, Diagnostic, Diagnostics, configure};

/// What the examples may import.
const OTHER: &str = "module other; struct Shared { bool x; };";

/// Diagnostics that take more than a few lines of mojom, or something else than mojom, to come by.
const WITHOUT_EXAMPLE: [Code; 9] = [
    Code::FileNotFound,
    Code::FileUnreadable,
    Code::CannotWrite,
    Code::Configuration,
    Code::DuplicateOutput,
    Code::ExternModule,
    Code::TooManyErrors,
    Code::StructSize,
    Code::MethodLimit,
];

/// A section about a diagnostic.
struct Entry {
    name: String,
    level: String,
    summary: String,
    example: Option<String>,
}

fn entries() -> Vec<Entry> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/mojom.md");
    let text = std::fs::read_to_string(path).unwrap();
    let sections = text.split("\n#### ").skip(1);
    sections
        .map(|section| {
            let mut lines = section.lines();
            let (name, level) = lines.next().unwrap().split_once(' ').unwrap();
            let example = section.split("```mojom\n").nth(1).and_then(|rest| rest.split("\n```").next());
            Entry {
                name: name.trim_matches('`').to_owned(),
                level: level.trim_matches(['(', ')']).to_owned(),
                summary: lines.find(|line| !line.is_empty()).unwrap().to_owned(),
                example: example.map(str::to_owned),
            }
        })
        .collect()
}

fn all(example: &str) -> Diagnostics {
    let directory = tempfile::tempdir().unwrap();
    let begins = example.contains("module ") || example.contains("(no module)");
    let text = if begins { example.to_owned() } else { format!("module example; {example}") };
    std::fs::write(directory.path().join("example.mojom"), text).unwrap();
    std::fs::write(directory.path().join("other.mojom"), OTHER).unwrap();
    let checked = configure().include(directory.path()).check(&[directory.path().join("example.mojom")]);
    checked.map_or_else(|all| all, |checked| checked.warnings)
}

#[test]
fn the_list_is_complete_and_in_order() {
    let described: Vec<_> =
        entries().into_iter().map(|entry| (entry.name, entry.level, entry.summary)).collect();
    let code = |code: &Code| (code.name().to_owned(), code.level().to_string(), code.summary().to_owned());
    let known: Vec<_> = Code::ALL.iter().map(code).collect();
    assert_eq!(described, known);
    let without: Vec<_> =
        entries().into_iter().filter(|entry| entry.example.is_none()).map(|entry| entry.name).collect();
    assert_eq!(without, WITHOUT_EXAMPLE.map(|code| code.name().to_owned()));
}

#[test]
fn each_example_yields_its_diagnostic_and_no_other() {
    let mut wrong = Vec::new();
    for entry in entries() {
        let Some(example) = entry.example else { continue };
        let line = example.lines().position(|line| line.contains("//~")).expect("a line is marked") + 1;
        let found = all(&example);
        let place = |found: &Diagnostic| (found.code().name(), found.line().unwrap_or(0));
        let places: Vec<_> = found.iter().map(place).collect();
        if places != [(entry.name.as_str(), line)] {
            wrong.push(format!("{}, line {line}, yields {found}", entry.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn the_examples_of_the_language_compile_without_a_word() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/mojom.md");
    let text = std::fs::read_to_string(path).unwrap();
    let language = text.split("\n## Diagnostics").next().unwrap();
    let examples: Vec<_> =
        language.split("```mojom\n").skip(1).filter_map(|rest| rest.split("\n```").next()).collect();
    assert!(examples.len() >= 2);
    for example in examples {
        let checked = configure().check_text("example.mojom", example).unwrap();
        assert!(checked.warnings.is_empty(), "{}", checked.warnings);
    }
}
