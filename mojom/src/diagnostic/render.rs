//! How a diagnostic looks: to people, in a line of a log, and to an editor.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Element, Level as Severity, Origin, Patch, Renderer, Snippet};
use serde::Serialize;

use super::{Diagnostic, Label, Level, Remark, Source, Span};

/// Bytes of source around a diagnostic beyond which only the place is told: nobody reads such lines.
const MAX_EXCERPT: usize = 16384;

/// Whether a terminal will show it.
///
/// ```
/// use ringfence_mojom::{Style, configure};
///
/// let errors = configure().check_text("a.mojom", "module a; struct A { Size size; };").unwrap_err();
/// assert!(errors.render(Style::Plain).starts_with("error[unknown-type]"));
/// assert!(errors.render(Style::Coloured).contains("\x1b["));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// Plain text, for files and pipes.
    #[default]
    Plain,
    /// With the escape sequences for colours.
    Coloured,
}

impl Diagnostic {
    /// The diagnostic with its source line, over several lines and without a line break at the end.
    #[must_use]
    pub fn render(&self, style: Style) -> String {
        let renderer = match style {
            Style::Plain => Renderer::plain(),
            Style::Coloured => Renderer::styled(),
        };
        let severity = match self.level() {
            Level::Error => Severity::ERROR,
            Level::Warning => Severity::WARNING,
        };
        let path = self.source.path.to_string_lossy().into_owned();
        let mut group = severity
            .primary_title(self.message.as_str())
            .id(self.code.name())
            .elements([] as [Element<'_>; 0]);
        match self.span {
            None => group = group.element(Origin::path(path)),
            Some(span) => {
                let here = self.others.iter().filter(|other| other.source == self.source);
                let spans = here.clone().map(|other| other.span).chain([span]);
                match Excerpt::around(&self.source, spans) {
                    Some(excerpt) => {
                        let primary = AnnotationKind::Primary.span(excerpt.range(span));
                        let mut snippet = excerpt.snippet().annotation(primary.label(self.own_label()));
                        for other in here {
                            let range = excerpt.range(other.span);
                            snippet = snippet
                                .annotation(AnnotationKind::Context.span(range).label(other.text.as_str()));
                        }
                        group = group.element(snippet);
                    }
                    None => {
                        let (line, column) = self.source.place(span.start);
                        group = group.element(Origin::path(path).line(line).char_column(column));
                    }
                }
            }
        }
        for other in self.others.iter().filter(|other| other.source != self.source) {
            if let Some(excerpt) = Excerpt::around(&other.source, [other.span].into_iter()) {
                let context = AnnotationKind::Context.span(excerpt.range(other.span));
                group = group.element(excerpt.snippet().annotation(context.label(other.text.as_str())));
            }
        }
        let mut groups = vec![];
        for remark in &self.remarks {
            match remark {
                Remark::Note(text) => group = group.element(Severity::NOTE.message(text.as_str())),
                Remark::Help(text) => group = group.element(Severity::HELP.message(text.as_str())),
                Remark::Replace { span, with, text } => {
                    match Excerpt::around(&self.source, [*span].into_iter()) {
                        Some(excerpt) => {
                            let patch = Patch::new(excerpt.range(*span), with.as_str());
                            let title = Severity::HELP.secondary_title(text.as_str());
                            groups.push(title.element(excerpt.snippet_of(&self.source).patch(patch)));
                        }
                        None => group = group.element(Severity::HELP.message(text.as_str())),
                    }
                }
            }
        }
        groups.insert(0, group);
        renderer.render(&groups)
    }

    fn own_label(&self) -> Option<&str> {
        Some(self.label.as_str()).filter(|label| !label.is_empty())
    }

    /// The diagnostic in one line: `camera.mojom:7:5: error[unknown-type]: unknown type …`.
    #[must_use]
    pub fn one_line(&self) -> String {
        let place = match (self.line(), self.column()) {
            (Some(line), Some(column)) => format!(":{line}:{column}"),
            _ => String::new(),
        };
        let mut line =
            format!("{}{place}: {}[{}]: {}", self.file().display(), self.level(), self.code, self.message);
        for remark in &self.remarks {
            if let Remark::Help(text) | Remark::Replace { text, .. } = remark {
                line.push_str("; ");
                line.push_str(text);
            }
        }
        line
    }

    /// The diagnostic as a JSON object in one line, with the fields that rustc's have.
    #[must_use]
    pub fn to_json(&self) -> String {
        let primary = self.span.map(|span| JsonSpan::new(&self.source, span, self.own_label(), true));
        let others = self.others.iter().map(JsonSpan::secondary);
        let message = Message {
            message_type: "diagnostic",
            message: &self.message,
            code: Some(JsonCode { code: self.code.name(), explanation: self.code.summary() }),
            level: self.level().name(),
            spans: primary.into_iter().chain(others).collect(),
            children: self.remarks.iter().map(|remark| self.child(remark)).collect(),
            rendered: Some(self.render(Style::Plain) + "\n"),
        };
        serde_json::to_string(&message).expect("strings and numbers are JSON")
    }

    fn child<'a>(&'a self, remark: &'a Remark) -> Message<'a> {
        let (level, message, spans) = match remark {
            Remark::Note(text) => ("note", text, Vec::new()),
            Remark::Help(text) => ("help", text, Vec::new()),
            Remark::Replace { span, with, text } => {
                let mut span = JsonSpan::new(&self.source, *span, None, true);
                span.suggested_replacement = Some(with);
                ("help", text, vec![span])
            }
        };
        Message {
            message_type: "diagnostic",
            message,
            code: None,
            level,
            spans,
            children: Vec::new(),
            rendered: None,
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Style::Plain))
    }
}

/// The lines that a snippet shows.
struct Excerpt<'a> {
    path: String,
    text: &'a str,
    /// Where the text starts in the file.
    start: usize,
    /// Number of its first line, from 1.
    line: usize,
}

impl<'a> Excerpt<'a> {
    /// The lines of all spans and those between; nothing if that is too much.
    fn around(source: &'a Source, spans: impl Iterator<Item = Span>) -> Option<Self> {
        let (first, last) = spans.fold((usize::MAX, 0), |(first, last), span| {
            (first.min(source.line(span.start)), last.max(source.line(span.end)))
        });
        let start = source.line_range(first).start;
        let text = source.text.get(start..source.line_range(last).end)?;
        let path = source.path.to_string_lossy().into_owned();
        (text.len() <= MAX_EXCERPT).then_some(Self { path, text, start, line: first + 1 })
    }

    fn range(&self, span: Span) -> Range<usize> {
        span.start - self.start..span.end - self.start
    }

    fn snippet(&self) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        Snippet::source(self.text).path(self.path.clone()).line_start(self.line)
    }

    /// The same lines, to be changed.
    fn snippet_of(&self, source: &'a Source) -> Snippet<'a, Patch<'a>> {
        Snippet::source(self.text).path(source.path.to_string_lossy()).line_start(self.line)
    }
}

#[derive(Serialize)]
struct Message<'a> {
    #[serde(rename = "$message_type")]
    message_type: &'static str,
    message: &'a str,
    code: Option<JsonCode>,
    level: &'static str,
    spans: Vec<JsonSpan<'a>>,
    children: Vec<Message<'a>>,
    rendered: Option<String>,
}

#[derive(Serialize)]
struct JsonCode {
    code: &'static str,
    explanation: &'static str,
}

/// A place: lines and columns from 1, columns in characters; the ends are behind the last character.
#[derive(Serialize)]
struct JsonSpan<'a> {
    file_name: String,
    byte_start: usize,
    byte_end: usize,
    line_start: usize,
    line_end: usize,
    column_start: usize,
    column_end: usize,
    is_primary: bool,
    text: Vec<JsonLine<'a>>,
    label: Option<&'a str>,
    suggested_replacement: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonLine<'a> {
    text: &'a str,
    highlight_start: usize,
    highlight_end: usize,
}

impl<'a> JsonSpan<'a> {
    fn new(source: &'a Source, span: Span, label: Option<&'a str>, is_primary: bool) -> Self {
        let ((line_start, column_start), (line_end, column_end)) =
            (source.place(span.start), source.place(span.end));
        let bytes = source.line_range(line_start - 1).start..source.line_range(line_end - 1).end;
        let shown = if bytes.len() > MAX_EXCERPT { line_start..line_start } else { line_start..line_end + 1 };
        let text = shown
            .map(|line| {
                let text = source.text[source.line_range(line - 1)].trim_end_matches(['\r', '\n']);
                let length = text.chars().count();
                let highlight_start = if line == line_start { column_start } else { 1 };
                let highlight_end = if line == line_end { column_end } else { length + 1 };
                JsonLine { text, highlight_start, highlight_end }
            })
            .collect();
        Self {
            file_name: source.path.to_string_lossy().into_owned(),
            byte_start: span.start,
            byte_end: span.end,
            line_start,
            line_end,
            column_start,
            column_end,
            is_primary,
            text,
            label,
            suggested_replacement: None,
        }
    }

    fn secondary(label: &'a Label) -> Self {
        Self::new(&label.source, label.span, Some(&label.text), false)
    }
}
