//! Standard output.

use std::io::{ErrorKind, Write};

use crate::failure::Failure;

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
    print(&(line + "\n"))
}
