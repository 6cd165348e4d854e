//! Standard output.

use std::fmt::Write as _;
use std::io::{ErrorKind, Write};

use crate::failure::{Failure, is_harmful};

/// Prints to standard output. A reader who has seen enough is an end, not a panic: [`Failure::Unread`].
pub fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::Unread,
        _ => Failure::work(format!("standard output: {error}")),
    })
}

/// Prints one object on a line of its own.
pub fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let line = serde_json::to_string(value).map_err(Failure::work)?;
    print(&(escaped(&line) + "\n"))
}

/// The same JSON, without what JSON allows in a string and a terminal obeys: a worker that nobody trusts may have written it.
fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if is_harmful(character) {
            // All of them have four digits.
            let _ = write!(escaped, "\\u{:04x}", u32::from(character));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn json_says_the_same_and_commands_no_terminal() {
        let value = json!({ "a\u{9b}": "\u{1b}[2J\u{9b}2J\u{7f}\u{202e}\n é → 😀" });
        let text = escaped(&value.to_string());
        assert!(!text.contains(is_harmful) && text.contains("é → 😀"), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
