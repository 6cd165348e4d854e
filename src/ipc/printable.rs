//! Text that a peer wrote, made fit for a terminal and a log.

/// One line: everything that moves a cursor, ends a line or reorders text is replaced. Colours and the like are left out.
pub(super) fn printable_line(text: &str) -> String {
    printable(text, |c| !is_harmful(c))
}

/// The same for several lines.
pub(super) fn printable_lines(text: &str) -> String {
    printable(text, |c| c == '\n' || c == '\t' || !is_harmful(c))
}

fn printable(mut text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut line = String::with_capacity(text.len());
    loop {
        text = without_sequence(text);
        let mut left = text.chars();
        let Some(c) = left.next() else { return line };
        line.push(if keep(c) { c } else { char::REPLACEMENT_CHARACTER });
        text = left.as_str();
    }
}

/// What follows the control sequences that the text starts with, such as those that choose a colour.
fn without_sequence(mut text: &str) -> &str {
    while let Some(rest) = after_sequence(text) {
        text = rest;
    }
    text
}

/// What follows a control sequence (ECMA-48, section 5.4), if the text starts with a whole one.
fn after_sequence(text: &str) -> Option<&str> {
    let body = text.strip_prefix("\u{1b}[").or_else(|| text.strip_prefix('\u{9b}'))?;
    let parameters = |c| matches!(c, '0'..='?');
    let intermediates = |c| matches!(c, ' '..='/');
    body.trim_start_matches(parameters)
        .trim_start_matches(intermediates)
        .strip_prefix(|c| matches!(c, '@'..='~'))
}

/// Whether a character can make a terminal show something else than what stands there: control characters,
/// the start of escape sequences among them, and those that change the direction of text.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sequences_go_and_what_is_left_loses_its_start() {
        assert_eq!(printable_line("\u{1b}[1;32m INFO\u{1b}[0m\u{9b}2J x"), " INFO x");
        assert_eq!(
            printable_line("\u{1b}]0;title\u{7}\u{1b}[31\u{1b}[\r\nerror: \u{202e}x é\u{9b}"),
            "\u{fffd}]0;title\u{fffd}\u{fffd}[31\u{fffd}[\u{fffd}\u{fffd}error: \u{fffd}x é\u{fffd}"
        );
        assert_eq!(printable_lines("one\n\ttwo\r\u{7}\n"), "one\n\ttwo\u{fffd}\u{fffd}\n");
    }

    /// Text of which much is control sequences, whole ones and pieces of them.
    fn text() -> impl Strategy<Value = String> {
        let pieces = prop_oneof![
            "\\PC{0,4}",
            any::<char>().prop_map(String::from),
            "(\u{1b}\\[|\u{9b})[0-?]{0,3}[ -/]{0,2}[@-~]?",
            Just("\u{1b}".to_owned()),
        ];
        proptest::collection::vec(pieces, 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn no_text_reaches_the_terminal_that_could_harm_it(text in text()) {
            let line = printable_line(&text);
            prop_assert!(!line.contains(is_harmful), "{text:?} -> {line:?}");
            let lines = printable_lines(&text);
            prop_assert!(!lines.contains(|c| c != '\n' && c != '\t' && is_harmful(c)), "{text:?} -> {lines:?}");
        }

        #[test]
        fn a_sequence_leaves_no_trace(before in "\\PC*", sequence in "(\u{1b}\\[|\u{9b})[0-?]{0,9}[ -/]{0,2}[@-~]", after in "\\PC*") {
            let plain = printable_line(&format!("{before}{after}"));
            prop_assert_eq!(printable_line(&format!("{before}{sequence}{after}")), plain);
        }
    }
}
