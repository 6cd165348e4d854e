//! Text that a peer wrote, made fit for a terminal and a log.

/// One line: everything that moves a cursor, ends a line or reorders text is replaced.
pub(super) fn printable_line(text: &str) -> String {
    text.chars().map(|c| if is_harmful(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// The same for several lines.
pub(super) fn printable_lines(text: &str) -> String {
    let keep = |c| c == '\n' || c == '\t' || !is_harmful(c);
    text.chars().map(|c| if keep(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// Whether a character can make a terminal show something else than what stands there: control characters,
/// the start of escape sequences among them, and those that change the direction of text.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_lose_their_start() {
        assert_eq!(
            printable_line("\u{1b}[2J\u{9b}1mred\r\nerror: \u{202e}x é"),
            "\u{fffd}[2J\u{fffd}1mred\u{fffd}\u{fffd}error: \u{fffd}x é"
        );
        assert_eq!(printable_lines("one\n\ttwo\r\u{7}\n"), "one\n\ttwo\u{fffd}\u{fffd}\n");
    }
}
