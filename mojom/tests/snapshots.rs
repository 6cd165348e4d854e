//! What is said of broken files, to the letter, as text, in colour and as JSON.
//!
//! `UPDATE_GOLDEN=1 cargo test -p ringfence-mojom --test snapshots` writes it anew; the change is then to be read.

use std::path::Path;

use ringfence_mojom::{Diagnostics, Style, configure};

fn all(name: &str) -> Diagnostics {
    let file = format!("{name}.mojom");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics").join(&file);
    let text = std::fs::read_to_string(path).unwrap();
    configure().check_text(&file, &text).expect_err("the file is broken")
}

fn compare(file: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics").join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let line = found.lines().zip(expected.lines()).position(|(new, old)| new != old);
    if let Some(line) = line {
        let at = |text: &str| text.lines().nth(line).unwrap_or_default().to_owned();
        panic!("{file}: line {} is\n{}\nand was\n{}", line + 1, at(found), at(&expected));
    }
    assert_eq!(found.len(), expected.len(), "{file}: one is longer than the other");
}

#[test]
fn text() {
    for name in ["ipa", "names", "original", "syntax", "types", "values"] {
        compare(&format!("{name}.txt"), &format!("{}\n", all(name)));
    }
}

#[test]
fn colour() {
    let coloured = all("types").render(Style::Coloured);
    assert!(coloured.contains("\u{1b}["));
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    assert_eq!(plain, all("types").render(Style::Plain));
}

#[test]
fn json() {
    let lines = all("names").to_json_lines();
    compare("names.json", &lines);
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics/names.mojom"))
            .unwrap();
    for (line, diagnostic) in lines.lines().zip(&all("names")) {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["code"]["code"], diagnostic.code().name());
        assert_eq!(value["level"], diagnostic.level().name());
        let spans = value["spans"].as_array().unwrap();
        let primary = spans.iter().find(|span| span["is_primary"] == true).unwrap();
        assert_eq!(primary["line_start"], diagnostic.line().unwrap());
        assert_eq!(primary["column_start"], diagnostic.column().unwrap());
        for span in spans {
            let number = |name: &str| span[name].as_u64().unwrap() as usize;
            let marked = &text[number("byte_start")..number("byte_end")];
            let line = span["text"][0]["text"].as_str().unwrap();
            let columns = number("column_start") - 1..number("column_end") - 1;
            assert_eq!(line.chars().skip(columns.start).take(columns.len()).collect::<String>(), marked);
        }
    }
}

#[test]
fn a_line_of_a_log() {
    let first = all("names").as_slice()[0].one_line();
    let expected = "names.mojom:6:2: error[unknown-type]: unknown type `libcamera.ControlLst`; did you mean `libcamera.ControlList`?";
    assert_eq!(first, expected);
}
