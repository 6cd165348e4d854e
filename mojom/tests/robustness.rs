//! Whatever the text, the compiler answers with code or with errors that point into it.

use proptest::prelude::*;

const SAMPLE: &str = include_str!("golden/sample.mojom");

/// Words that mojom is made of, so that random text gets beyond the first error.
const WORDS: [&str; 44] = [
    "module",
    "import",
    "struct",
    "enum",
    "interface",
    "const",
    "array",
    "map",
    "union",
    "handle",
    "default",
    "true",
    "uint8",
    "float",
    "string",
    "A",
    "B",
    "AInterface",
    "IPAXInterface",
    "libcamera.Size",
    "init",
    "[flags]",
    "[async]",
    "[skipHeader, skipSerdes]",
    "{",
    "}",
    "(",
    ")",
    "<",
    ">",
    ";",
    ";",
    ",",
    "=",
    "=>",
    "0",
    "-1",
    "0xffffffff",
    "1.5",
    "\"core.mojom\"",
    "/** \\param x */",
    "@1",
    "?",
    ".",
];

fn compile(text: &str) -> Result<(), TestCaseError> {
    if let Err(errors) = ringfence_mojom::configure().compile_text("random.mojom", text) {
        prop_assert!(!errors.as_slice().is_empty());
        for error in errors.as_slice() {
            let (Some(line), Some(column)) = (error.line(), error.column()) else {
                return Err(TestCaseError::fail(format!("without a place: {error}")));
            };
            let text = text.split('\n').nth(line - 1);
            prop_assert!(text.is_some_and(|text| column <= text.chars().count() + 1), "{error}");
        }
        prop_assert!(!errors.to_string().is_empty());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_text(text in any::<String>()) {
        compile(&text)?;
    }

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        compile(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn random_words(words in prop::collection::vec(prop::sample::select(&WORDS[..]), 0..60)) {
        compile(&format!("module ipa.x; {}", words.join(" ")))?;
    }

    #[test]
    fn a_sample_with_a_piece_cut_out(start in 0..SAMPLE.len(), length in 0usize..60) {
        let end = (start + length).min(SAMPLE.len());
        compile(&format!("{}{}", &SAMPLE[..start], &SAMPLE[end..]))?;
    }

    #[test]
    fn a_sample_with_words_put_in(
        places in prop::collection::vec((0..SAMPLE.len(), prop::sample::select(&WORDS[..])), 1..4)
    ) {
        let mut text = SAMPLE.to_owned();
        for (at, word) in places {
            text.insert_str(at, word);
        }
        compile(&text)?;
    }

    #[test]
    fn a_sample_with_names_mixed_up(from in 0..SAMPLE.len(), to in 0..SAMPLE.len()) {
        let word = |at: usize| {
            let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let start = SAMPLE[..at].rfind(|c| !is_word(c)).map_or(0, |at| at + 1);
            let end = SAMPLE[at..].find(|c| !is_word(c)).map_or(SAMPLE.len(), |length| at + length);
            (start, end.max(start))
        };
        let ((start, end), (other_start, other_end)) = (word(from), word(to));
        let text = format!("{}{}{}", &SAMPLE[..start], &SAMPLE[other_start..other_end], &SAMPLE[end..]);
        compile(&text)?;
    }
}
