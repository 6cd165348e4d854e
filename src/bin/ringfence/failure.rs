//! What goes wrong, in one line and with an exit code.

use std::fmt::Display;
use std::process::ExitCode;

/// Why the command ends without having done its work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// What the user gave cannot be used: exit code 2.
    #[error("{0}")]
    Input(String),
    /// An interface file cannot be used: what its compiler says, in lines that show where, is told as it is. Exit code 2.
    #[error("{0}")]
    Interface(String),
    /// The work itself failed: exit code 1.
    #[error("{0}")]
    Work(String),
    /// Whoever read the output has seen enough, as `head` has: nothing to tell, and the exit code of a program that
    /// SIGPIPE ended, 141.
    #[error("nobody reads the output any more")]
    Unread,
}

impl Failure {
    /// The user's input is at fault. Told in one line, whatever a decoder has to say.
    pub fn input(what: impl Display) -> Self {
        let text = what.to_string();
        let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        Self::Input(printable(&lines.join(" ")))
    }

    /// The work failed.
    pub fn work(what: impl Display) -> Self {
        Self::Work(printable(&what.to_string()))
    }

    /// The exit code that tells which it was.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Input(_) | Self::Interface(_) => ExitCode::from(2),
            Self::Work(_) => ExitCode::FAILURE,
            Self::Unread => ExitCode::from(128 + 13),
        }
    }
}

/// The text without what would move a terminal's cursor or change its settings: a worker that nobody trusts, or a
/// file's name, may have written part of it.
pub fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => printable.push(character),
            _ if is_harmful(character) => printable.extend(character.escape_default()),
            _ => printable.push(character),
        }
    }
    printable
}

/// Whether a character can make a terminal show something else than what stands there: it controls it, or reorders text.
pub fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The same in one line, whatever a file's name has in it.
pub fn printable_line(text: &str) -> String {
    printable(text).replace('\n', "\\n").replace('\t', "\\t")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_begin_a_line() {
        assert_eq!(printable_line("a.so\nb.so: valid\t\x1b"), "a.so\\nb.so: valid\\t\\u{1b}");
    }

    #[test]
    fn input_is_refused_in_one_line() {
        let failure = Failure::input("it cannot be decoded (too short,\n  by 8 bytes\n); mend it");
        assert_eq!(failure.to_string(), "it cannot be decoded (too short, by 8 bytes ); mend it");
    }

    #[test]
    fn terminals_are_not_told_what_to_do() {
        let failure = Failure::work("its last words:\n\x1b[2Jall is\twell\u{9b}1m\r\u{202e}");
        assert_eq!(failure.to_string(), "its last words:\n\\u{1b}[2Jall is\twell\\u{9b}1m\\r\\u{202e}");
    }
}
