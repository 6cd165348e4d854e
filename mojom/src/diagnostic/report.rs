//! Diagnostics while they are collected, and once they are complete.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use super::{Code, Diagnostic, Level, SharedSource, Span, Style};
use crate::model::Model;

/// Diagnostics of one file beyond which it is not worth reading on.
const ENOUGH: usize = 500;

/// Diagnostics of one file beyond which no more time is spent on suggestions.
const CROWDED: usize = 100;

/// What checked interfaces mean, and what their author should know beside.
///
/// ```
/// let text = "module a; const uint32 Limit = 4 * 32;";
/// let checked = ringfence_mojom::configure().check_text("a.mojom", text)?;
/// assert_eq!(checked.model.modules[0].consts[0].name, "Limit");
/// assert!(checked.warnings.is_empty());
/// # Ok::<(), ringfence_mojom::Diagnostics>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Checked {
    /// What they mean.
    pub model: Model,
    /// Warnings alone.
    pub warnings: Diagnostics,
}

/// The Rust source of an interface, and what its author should know beside.
///
/// ```no_run
/// let generated = ringfence_mojom::configure().generate("thermometer.mojom")?;
/// for warning in generated.warnings.iter() {
///     eprintln!("{warning}");
/// }
/// println!("{}", generated.code);
/// # Ok::<(), ringfence_mojom::Diagnostics>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Generated {
    /// The Rust source.
    pub code: String,
    /// Warnings alone.
    pub warnings: Diagnostics,
}

/// All that there is to say about some files, file by file and from top to bottom.
///
/// Its [`Debug`](fmt::Debug) form is the readable one, so that a build script may end in
/// `fn main() -> Result<(), Diagnostics>`.
///
/// ```
/// use ringfence_mojom::{Style, configure};
///
/// let errors = configure().check_text("a.mojom", "module a; struct A { Size size; Place place; };").unwrap_err();
/// assert_eq!((errors.errors(), errors.iter().count()), (2, 2));
/// println!("{}", errors.render(Style::Coloured));
/// println!("{}", errors.to_json_lines());
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// The diagnostics; of a compilation that failed, at least one is an error.
    #[must_use]
    pub fn as_slice(&self) -> &[Diagnostic] {
        &self.0
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The diagnostics one after another.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// How many of them are errors.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.iter().filter(|diagnostic| diagnostic.level() == Level::Error).count()
    }

    /// As text for people: each diagnostic with its source line, then how many errors there are.
    #[must_use]
    pub fn render(&self, style: Style) -> String {
        let mut text = String::new();
        for diagnostic in self {
            text.push_str(&diagnostic.render(style));
            text.push_str("\n\n");
        }
        match self.errors() {
            0 => text.truncate(text.trim_end().len()),
            1 => text.push_str("the interface cannot be compiled because of this error"),
            count => {
                text.push_str(&format!("the interface cannot be compiled because of these {count} errors"));
            }
        }
        text
    }

    /// As text for editors: an object a line.
    #[must_use]
    pub fn to_json_lines(&self) -> String {
        self.iter().map(|diagnostic| diagnostic.to_json() + "\n").collect()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Style::Plain))
    }
}

impl fmt::Debug for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}

impl std::error::Error for Diagnostics {}

/// Collects diagnostics while the compiler goes on looking for more.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    list: Vec<Diagnostic>,
    /// How many each file has.
    counts: BTreeMap<PathBuf, usize>,
}

impl Reports {
    /// Adds a diagnostic about a place in `source` that needs no more than a message.
    pub(crate) fn at(&mut self, code: Code, source: &SharedSource, span: Span, message: impl Into<String>) {
        self.push(Diagnostic::new(code, source, span, message));
    }

    /// Adds a diagnostic, unless the file has more than enough of them.
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        let count = self.counts.entry(diagnostic.source.path.clone()).or_default();
        *count += 1;
        if *count < ENOUGH {
            self.list.push(diagnostic);
        } else if *count == ENOUGH {
            let message = format!("more than {ENOUGH} diagnostics; the others of this file are left out");
            let span = diagnostic.span.unwrap_or_default();
            self.list.push(Diagnostic::new(Code::TooManyErrors, &diagnostic.source, span, message));
        }
    }

    /// Whether a file has so many diagnostics that it is not worth guessing what was meant.
    pub(crate) fn is_crowded(&self, source: &SharedSource) -> bool {
        self.counts.get(&source.path).is_some_and(|count| *count > CROWDED)
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.list.iter().any(|diagnostic| diagnostic.level() == Level::Error)
    }

    /// The diagnostics of one file after another, each file's from top to bottom; an error if one is among them.
    pub(crate) fn finish(mut self) -> Result<Diagnostics, Diagnostics> {
        let mut files: Vec<PathBuf> = Vec::new();
        for diagnostic in &self.list {
            if !files.contains(&diagnostic.source.path) {
                files.push(diagnostic.source.path.clone());
            }
        }
        let place = |diagnostic: &Diagnostic| {
            let file = files.iter().position(|file| *file == diagnostic.source.path);
            (file, diagnostic.span.map(|span| span.start))
        };
        self.list.sort_by_key(place);
        self.list.dedup();
        let diagnostics = Diagnostics(self.list);
        if diagnostics.errors() == 0 { Ok(diagnostics) } else { Err(diagnostics) }
    }
}
