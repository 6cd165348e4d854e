//! The interface compiler.

use std::collections::BTreeMap;

use ringfence_mojom::configure;
use ringfence_mojom::format::format_text;

/// Any text is compiled or refused, and every complaint is a message. What is compiled is Rust of which no
/// rule of the language can be asked here, but it is not empty.
pub fn mojom(data: &[u8]) {
    let Some(text) = text(data) else { return };
    match configure().compile_text("fuzzed.mojom", text) {
        Ok(source) => assert!(!source.is_empty()),
        Err(errors) => assert!(!errors.to_string().is_empty()),
    }
}

/// Any text is read, and what can be formatted means the same afterwards: nothing in it is lost, and formatting it
/// once more changes nothing.
pub fn mojom_text(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let model = configure().check_text("fuzzed.mojom", text);
    let Ok(formatted) = format_text("fuzzed.mojom", text) else { return };
    let again = format_text("fuzzed.mojom", &formatted).expect("what is formatted can be formatted");
    assert_eq!(again, formatted, "formatting has no end");
    assert_eq!(characters(&formatted), characters(text), "something was lost or made up");
    let same = configure().check_text("fuzzed.mojom", &formatted);
    match (model, same) {
        (Ok(model), Ok(same)) => {
            assert_eq!(format!("{:?}", same.model), format!("{:?}", model.model), "it means something else")
        }
        (model, same) => assert_eq!(model.is_ok(), same.is_ok(), "only one of both texts is an interface"),
    }
}

/// The input as text, unless it would read files: those that happen to be there are no part of the input, and a
/// device might never end.
fn text(data: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(data).ok()?;
    (text.match_indices("import").count() <= text.match_indices(CORE).count()).then_some(text)
}

/// How often each character occurs, but for white space and commas: the last enumerator gets one.
fn characters(text: &str) -> BTreeMap<char, usize> {
    let mut counts = BTreeMap::new();
    let is_layout = |c: char| c.is_whitespace() || c == ',' || c == '\u{feff}';
    for c in text.chars().filter(|c| !is_layout(*c)) {
        *counts.entry(c).or_default() += 1;
    }
    counts
}

/// The one import that is found without a file.
const CORE: &str = "import \"include/libcamera/ipa/core.mojom\"";
