//! What is wrong, as people or programs want to read it.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use ringfence_mojom::Errors;
use serde_json::json;

use crate::cli::{Color, MessageFormat};

/// Why a command could not do its work.
#[derive(Debug)]
pub enum Failure {
    /// Something is wrong with interface files.
    Interface(Errors),
    /// A file, or standard input or output, cannot be read or written.
    File { path: PathBuf, message: String },
}

impl From<Errors> for Failure {
    fn from(errors: Errors) -> Self {
        Self::Interface(errors)
    }
}

/// Where messages go.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    pub format: MessageFormat,
    is_coloured: bool,
}

impl Output {
    pub fn new(format: MessageFormat, color: Color) -> Self {
        let is_coloured = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
            }
        };
        Self { format, is_coloured }
    }

    /// Prints to standard error.
    pub fn failure(&self, failure: &Failure) {
        match (failure, self.format) {
            (Failure::Interface(errors), MessageFormat::Text) => self.text(&errors.to_string()),
            (Failure::Interface(errors), MessageFormat::Json) => {
                for error in errors.as_slice() {
                    let file = error.file().to_string_lossy();
                    self.json(error.message(), &file, error.line(), error.column());
                }
            }
            (Failure::File { path, message }, MessageFormat::Text) => {
                self.text(&format!("error: {message}\n --> {}", path.display()));
            }
            (Failure::File { path, message }, MessageFormat::Json) => {
                self.json(message, &path.to_string_lossy(), None, None);
            }
        }
    }

    fn text(&self, text: &str) {
        let mut stderr = std::io::stderr().lock();
        for line in text.lines() {
            let line = match line.strip_prefix("error") {
                Some(rest) if self.is_coloured => format!("\x1b[1;31merror\x1b[0m{rest}"),
                _ => line.to_owned(),
            };
            // There is nowhere left to complain to.
            let _ = writeln!(stderr, "{line}");
        }
    }

    fn json(&self, message: &str, file: &str, line: Option<usize>, column: Option<usize>) {
        let object =
            json!({ "level": "error", "message": message, "file": file, "line": line, "column": column });
        let _ = writeln!(std::io::stderr(), "{object}");
    }
}

/// Writes to standard output.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // Whoever reads has read enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| Failure::File {
            path: "<standard output>".into(),
            message: format!("it cannot be written: {error}"),
        }),
    }
}
