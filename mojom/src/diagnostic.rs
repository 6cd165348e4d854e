//! Errors that point at the place in the source.

use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// A file as the compiler sees it: what it is called and what it holds.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// A range of bytes in a [`Source`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    /// From the start of this span to the end of `last`.
    pub(crate) fn to(self, last: Span) -> Span {
        Span { start: self.start, end: last.end.max(self.end) }
    }
}

/// Where in a file an error is, and the line it is on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Excerpt {
    line: usize,
    column: usize,
    text: String,
    /// Characters to underline.
    width: usize,
}

/// One reason why an interface cannot be compiled.
///
/// [`Display`](fmt::Display) shows it with the line it is about:
///
/// ```text
/// error: unknown type `Szie`
///  --> camera.mojom:7:2
///   |
/// 7 |     Szie size;
///   |     ^^^^
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    file: PathBuf,
    message: String,
    excerpt: Option<Excerpt>,
}

impl Error {
    /// An error about a place in a file.
    pub(crate) fn new(source: &Source, span: Span, message: impl Into<String>) -> Self {
        let text = &source.text;
        let start = floor(text, span.start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let end = floor(text, span.end).clamp(start, line_end);
        let excerpt = Excerpt {
            line: text[..line_start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            text: text[line_start..line_end].trim_end().to_owned(),
            width: text[start..end].chars().count().max(1),
        };
        Self { file: source.path.clone(), message: message.into(), excerpt: Some(excerpt) }
    }

    /// An error about a file as a whole.
    pub(crate) fn about(file: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self { file: file.into(), message: message.into(), excerpt: None }
    }

    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The file it is in.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The line it is on, from 1, unless the file as a whole is meant.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.excerpt.as_ref().map(|excerpt| excerpt.line)
    }

    /// The character in that line where it starts, from 1.
    #[must_use]
    pub fn column(&self) -> Option<usize> {
        self.excerpt.as_ref().map(|excerpt| excerpt.column)
    }
}

/// The character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", self.message)?;
        let Some(Excerpt { line, column, text, width }) = &self.excerpt else {
            return write!(f, " --> {}", self.file.display());
        };
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        // A tab stays a tab, so that the caret stands below its character however wide tabs are.
        let indent: String =
            text.chars().take(column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        writeln!(f, "{margin}--> {}:{line}:{column}", self.file.display())?;
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {text}")?;
        write!(f, "{margin} | {indent}{}", "^".repeat(*width))
    }
}

impl std::error::Error for Error {}

/// Everything that is wrong with the interfaces, in the order of the files and lines.
///
/// Its [`Debug`](fmt::Debug) form is the readable one, so that a build script may end in
/// `fn main() -> Result<(), Errors>`.
#[derive(Clone, PartialEq, Eq)]
pub struct Errors(Vec<Error>);

impl Errors {
    /// The errors; there is at least one.
    #[must_use]
    pub fn as_slice(&self) -> &[Error] {
        &self.0
    }
}

impl From<Error> for Errors {
    fn from(error: Error) -> Self {
        Self(vec![error])
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.0 {
            write!(f, "{error}\n\n")?;
        }
        match self.0.len() {
            1 => write!(f, "the interface cannot be compiled because of this error"),
            count => write!(f, "the interface cannot be compiled because of these {count} errors"),
        }
    }
}

impl fmt::Debug for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}

impl std::error::Error for Errors {}

/// Collects errors while the compiler goes on looking for more.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    errors: Vec<Error>,
}

impl Reports {
    /// Adds an error about a place in `source`.
    pub(crate) fn at(&mut self, source: &Source, span: Span, message: impl Into<String>) {
        self.errors.push(Error::new(source, span, message));
    }

    /// Adds an error.
    pub(crate) fn push(&mut self, error: Error) {
        self.errors.push(error);
    }

    /// The errors of one file after another, each file's from top to bottom.
    pub(crate) fn finish(mut self) -> Result<(), Errors> {
        if self.errors.is_empty() {
            return Ok(());
        }
        let mut files: Vec<PathBuf> = Vec::new();
        for error in &self.errors {
            if !files.contains(&error.file) {
                files.push(error.file.clone());
            }
        }
        let place = |error: &Error| {
            let file = files.iter().position(|file| *file == error.file);
            (file, error.line(), error.column())
        };
        self.errors.sort_by_key(place);
        self.errors.dedup();
        Err(Errors(self.errors))
    }
}

/// A [`Source`] shared by everything that may have to point into it.
pub(crate) type SharedSource = Rc<Source>;
