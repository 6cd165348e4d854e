//! Where results go, and what is wrong, as people or programs want to read it.

use std::io::{IsTerminal as _, Write as _};

use ringfence_mojom::{Code, Diagnostic, Diagnostics, Style};

use crate::cli::{Color, MessageFormat};

/// Where messages go.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    pub format: MessageFormat,
    style: Style,
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
        Self { format, style: if is_coloured { Style::Coloured } else { Style::Plain } }
    }

    /// Prints to standard error.
    pub fn diagnostics(&self, diagnostics: &Diagnostics) {
        let mut stderr = std::io::stderr().lock();
        for diagnostic in diagnostics {
            let text = match self.format {
                MessageFormat::Text => diagnostic.render(self.style) + "\n\n",
                MessageFormat::Json => diagnostic.to_json() + "\n",
            };
            // There is nowhere left to complain to.
            let _ = stderr.write_all(text.as_bytes());
        }
    }
}

/// Writes to standard output.
pub fn print(text: &str) -> Result<(), Diagnostics> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // Whoever reads has read enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| {
            Diagnostic::about(
                Code::CannotWrite,
                "<standard output>",
                format!("it cannot be written: {error}"),
            )
            .into()
        }),
    }
}
