//! Standard output.

use std::io::Write;

use crate::failure::Failure;

/// Prints to standard output. A reader who has seen enough is an end, not a panic.
pub fn print(text: &str) -> Result<(), Failure> {
    let written = std::io::stdout().lock().write_all(text.as_bytes());
    written.map_err(|error| Failure::work(format!("standard output: {error}")))
}

/// Prints one object on a line of its own.
pub fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let line = serde_json::to_string(value).map_err(Failure::work)?;
    print(&(line + "\n"))
}
