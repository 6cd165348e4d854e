//! What the compiler has to say about a file, and where in it.
//!
//! [`code`] lists every diagnostic by name, [`render`] shows one to people and to editors, [`report`] collects them.
//! The rest of the compiler makes them; nothing here knows what mojom is.

mod code;
mod render;
mod report;

use std::path::Path;
use std::sync::Arc;

pub use code::{Code, Level};
pub use render::Style;
pub(crate) use report::Reports;
pub use report::{Checked, Diagnostics, Generated};

/// A file as the compiler sees it: what it is called and what it holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) path: std::path::PathBuf,
    pub(crate) text: String,
    /// Where each line starts.
    lines: Vec<usize>,
}

/// A [`Source`] shared by everything that may have to point into it.
pub(crate) type SharedSource = Arc<Source>;

impl Source {
    pub(crate) fn new(path: impl Into<std::path::PathBuf>, text: impl Into<String>) -> SharedSource {
        let text = text.into();
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(ends).collect();
        Arc::new(Self { path: path.into(), text, lines })
    }

    /// Index of the line that holds the byte, from 0.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at) - 1
    }

    /// Bytes of a line, its line break included.
    pub(crate) fn line_range(&self, line: usize) -> std::ops::Range<usize> {
        self.lines[line]..self.lines.get(line + 1).copied().unwrap_or(self.text.len())
    }

    /// Line and column of a byte, in characters and from 1.
    pub(crate) fn place(&self, at: usize) -> (usize, usize) {
        let line = self.line(at);
        (line + 1, self.text[self.lines[line]..at].chars().count() + 1)
    }

    /// The span, with both ends inside the text and between characters.
    fn fit(&self, span: Span) -> Span {
        let floor = |at: usize| {
            let at = at.min(self.text.len());
            (0..=at).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0)
        };
        let start = floor(span.start);
        Span { start, end: floor(span.end).max(start) }
    }
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

/// A place in a file, with what is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Label {
    source: SharedSource,
    span: Span,
    text: String,
}

/// A remark below the source line.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Remark {
    /// Why it is so.
    Note(String),
    /// How to mend it.
    Help(String),
    /// How to mend it, as a change of the text.
    Replace { span: Span, with: String, text: String },
}

/// One thing that is wrong with an interface, or that its author should know.
///
/// [`Display`](std::fmt::Display) shows it with the line that it is about:
///
/// ```text
/// error[unknown-type]: unknown type `libcamera.ControlLst`
///  --> camera.mojom:7:5
///   |
/// 7 |     libcamera.ControlLst controls;
///   |     ^^^^^^^^^^^^^^^^^^^^
///   |
/// help: did you mean `libcamera.ControlList`?
/// ```
///
/// ```
/// use ringfence_mojom::{Code, configure};
///
/// let broken = "module a;\nstruct A { Sise size; };\nstruct Size {};";
/// let errors = configure().check_text("a.mojom", broken).unwrap_err();
/// let error = &errors.as_slice()[0];
/// assert_eq!((error.code(), error.line(), error.column()), (Code::UnknownType, Some(2), Some(12)));
/// println!("{}", error.one_line());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    code: Code,
    message: String,
    source: SharedSource,
    /// Where in the file; nothing if the file as a whole is meant.
    span: Option<Span>,
    label: String,
    others: Vec<Label>,
    remarks: Vec<Remark>,
}

impl Diagnostic {
    /// About a place in a file.
    pub(crate) fn new(code: Code, source: &SharedSource, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            source: source.clone(),
            span: Some(source.fit(span)),
            label: String::new(),
            others: Vec::new(),
            remarks: Vec::new(),
        }
    }

    /// About a file as a whole: for programs that read and write files themselves.
    #[must_use]
    pub fn about(code: Code, file: impl AsRef<Path>, message: impl Into<String>) -> Self {
        let source = Source::new(file.as_ref(), "");
        Self { span: None, ..Self::new(code, &source, Span::default(), message) }
    }

    /// Whether it is about what starts at the same place of its file.
    pub(crate) fn starts_at(&self, span: Span) -> bool {
        self.span.is_some_and(|own| own.start == span.start)
    }

    /// Says something beside the caret.
    pub(crate) fn label(mut self, text: impl Into<String>) -> Self {
        self.label = text.into();
        self
    }

    /// Points at another place of the same file.
    pub(crate) fn also(self, span: Span, text: impl Into<String>) -> Self {
        let source = self.source.clone();
        self.also_in(&source, span, text)
    }

    /// Points at a place of another file.
    pub(crate) fn also_in(mut self, source: &SharedSource, span: Span, text: impl Into<String>) -> Self {
        let span = source.fit(span);
        self.others.push(Label { source: source.clone(), span, text: text.into() });
        self
    }

    pub(crate) fn note(mut self, text: impl Into<String>) -> Self {
        self.remarks.push(Remark::Note(text.into()));
        self
    }

    pub(crate) fn help(mut self, text: impl Into<String>) -> Self {
        self.remarks.push(Remark::Help(text.into()));
        self
    }

    /// Proposes to replace a part of the file.
    pub(crate) fn replace(mut self, span: Span, with: impl Into<String>, text: impl Into<String>) -> Self {
        let span = self.source.fit(span);
        self.remarks.push(Remark::Replace { span, with: with.into(), text: text.into() });
        self
    }

    /// Which diagnostic it is.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// Whether it is an error or a warning.
    #[must_use]
    pub fn level(&self) -> Level {
        self.code.level()
    }

    /// What is wrong, in one line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The file that it is about.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.source.path
    }

    /// The line that it is about, from 1, unless the file as a whole is meant.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.span.map(|span| self.source.place(span.start).0)
    }

    /// The character in that line at which it starts, from 1.
    #[must_use]
    pub fn column(&self) -> Option<usize> {
        self.span.map(|span| self.source.place(span.start).1)
    }
}

impl std::error::Error for Diagnostic {}
