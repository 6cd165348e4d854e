//! Paragraphs, lists and code.

use super::inline::inline;
use super::{Names, command};
use crate::ast::Doc;

/// Commands that say what a comment is about, or where it belongs, and nothing to a reader.
const STRUCTURE: [&str; 14] = [
    "addtogroup",
    "class",
    "defgroup",
    "enum",
    "file",
    "fn",
    "ingroup",
    "interface",
    "internal",
    "name",
    "struct",
    "union",
    "var",
    "endinternal",
];

/// Whether the comment says nothing.
pub(crate) fn is_empty(doc: &Doc) -> bool {
    markdown(doc, &Names::of_mojom()).is_empty()
}

/// The comment as Markdown.
pub(crate) fn markdown(doc: &Doc, names: &Names<'_>) -> Vec<String> {
    let parameters: Vec<&str> =
        doc.0.iter().filter_map(|line| parameter_parts(line)).map(|(name, _)| name).collect();
    let mut writer = Writer { out: Vec::new(), in_list: false, brief: None, fence: None, names, parameters };
    for line in &doc.0 {
        writer.line(line);
    }
    writer.finish()
}

struct Writer<'a> {
    out: Vec<String>,
    in_list: bool,
    /// The line that the brief description starts at.
    brief: Option<usize>,
    /// What ends the code block that is open.
    fence: Option<&'static str>,
    names: &'a Names<'a>,
    parameters: Vec<&'a str>,
}

impl Writer<'_> {
    fn line(&mut self, line: &str) {
        if let Some(end) = self.fence {
            let ends = if end == "```" {
                line.trim_start().starts_with(end)
            } else {
                command(line).is_some_and(|(found, _)| found == end)
            };
            if ends {
                self.fence = None;
                self.out.push("```".to_owned());
            } else {
                // A fence within would end the block.
                self.out.push(line.replace("```", "'''"));
            }
            return;
        }
        if let Some(language) = line.trim_start().strip_prefix("```") {
            self.open("```", language);
            return;
        }
        // A command within a line begins a paragraph all the same.
        let (line, rest) = match paragraph_within(line) {
            Some(at) => (line[..at].trim_end(), Some(&line[at..])),
            None => (line, None),
        };
        match command(line) {
            Some((command, rest)) => self.command(command, rest, line),
            None => self.text(line),
        }
        if let Some(rest) = rest {
            self.line(rest);
        }
    }

    /// Begins a block of code, which rustdoc must not take for Rust to be tested.
    fn open(&mut self, end: &'static str, language: &str) {
        let language = language.trim().trim_matches(['{', '}', '.']);
        let is_word = !language.is_empty() && language.chars().all(|c| c.is_ascii_alphanumeric());
        let language = if is_word && !matches!(language, "rust" | "rs") { language } else { "text" };
        self.separate();
        self.out.push(format!("```{language}"));
        self.fence = Some(end);
    }

    fn text(&mut self, line: &str) {
        if line.is_empty() {
            self.in_list = false;
        }
        let body = line.trim_start();
        let indent = line.len() - body.len();
        let text = self.inline(body);
        let text = if self.in_list {
            format!("  {text}")
        } else {
            // Four spaces would make it code, and Rust at that.
            format!("{}{text}", &"   "[..indent.min(3)])
        };
        self.out.push(text.trim_end().to_owned());
    }

    fn command(&mut self, command: &str, rest: &str, line: &str) {
        match command {
            command if STRUCTURE.contains(&command) => {}
            "brief" | "short" => {
                self.brief = Some(self.out.len());
                self.push(rest);
            }
            "param" | "tparam" => {
                let (name, text) = parameter_parts(line).unwrap_or((rest, ""));
                self.entry(&format!("`{}`: ", (self.names.parameter)(name)), text);
            }
            "retval" => {
                let (value, text) = rest.split_once(' ').unwrap_or((rest, ""));
                self.entry(&format!("Returns `{value}`: "), text);
            }
            "li" | "arg" => self.entry("", rest),
            "return" | "returns" | "result" => self.paragraph("Returns ", rest),
            "sa" | "see" => {
                let references =
                    rest.trim_end_matches('.').split(',').map(|name| self.reference(name.trim()));
                let references = references.collect::<Vec<_>>().join(", ");
                self.paragraph_as_is(format!("See {references}."));
            }
            "note" | "remark" | "remarks" => self.paragraph("Note: ", rest),
            "warning" | "attention" => self.paragraph("Warning: ", rest),
            "deprecated" => self.paragraph("Deprecated: ", rest),
            "since" => self.paragraph("Since ", rest),
            "todo" => self.paragraph("To do: ", rest),
            "pre" => self.paragraph("Before: ", rest),
            "post" => self.paragraph("After: ", rest),
            "details" | "par" => self.paragraph("", rest),
            "code" => self.open("endcode", rest),
            "verbatim" => self.open("endverbatim", ""),
            _ => self.text(line),
        }
    }

    fn inline(&self, text: &str) -> String {
        inline(text, self.names, &self.parameters)
    }

    /// What `\sa` names: an item, or words.
    fn reference(&self, name: &str) -> String {
        if name.is_empty() || name.contains(' ') || name.starts_with('\\') {
            return self.inline(name);
        }
        self.inline(&format!("\\ref {name}"))
    }

    fn push(&mut self, text: &str) {
        let text = self.inline(text);
        self.out.push(text.trim_end().to_owned());
    }

    fn paragraph(&mut self, lead: &str, text: &str) {
        let text = format!("{lead}{}", self.inline(text));
        self.paragraph_as_is(text);
    }

    fn paragraph_as_is(&mut self, text: String) {
        self.separate();
        self.in_list = false;
        self.out.push(text.trim_end().to_owned());
    }

    fn entry(&mut self, lead: &str, text: &str) {
        // A blank line before the first one, so that it does not run into the text.
        if !self.in_list {
            self.separate();
        }
        self.in_list = true;
        let text = format!("- {lead}{}", self.inline(text));
        self.out.push(text.trim_end().to_owned());
    }

    fn separate(&mut self) {
        if self.out.last().is_some_and(|line| !line.is_empty()) {
            self.out.push(String::new());
        }
    }

    fn finish(mut self) -> Vec<String> {
        if self.fence.is_some() {
            self.out.push("```".to_owned());
        }
        let mut out = self.out;
        if let Some(start) = self.brief {
            let lines =
                out[start..].iter().take_while(|line| !line.is_empty() && !line.starts_with("- ")).count();
            if let Some(last) = out.get_mut(start + lines.saturating_sub(1)) {
                end_sentence(last);
            }
        }
        while out.last().is_some_and(String::is_empty) {
            out.pop();
        }
        let first = out.iter().position(|line| !line.is_empty()).unwrap_or(out.len());
        out.drain(..first);
        out
    }
}

/// Where in the line, if not at its start, a command stands that begins a paragraph.
fn paragraph_within(line: &str) -> Option<usize> {
    const PARAGRAPHS: [&str; 9] =
        ["note", "param", "result", "return", "returns", "retval", "sa", "see", "warning"];
    let starts =
        line.match_indices([' ', '\t']).map(|(at, _)| at + 1).filter(|at| !line[..*at].trim().is_empty());
    let is_paragraph =
        |at: &usize| command(&line[*at..]).is_some_and(|(found, _)| PARAGRAPHS.contains(&found));
    starts.into_iter().find(|at| line[*at..].starts_with(['\\', '@']) && is_paragraph(at))
}

/// Whether the line begins the documentation of a parameter.
pub(crate) fn is_parameter(line: &str) -> bool {
    command(line).is_some_and(|(command, _)| command == "param")
}

/// What the comment says about a parameter.
pub(crate) fn parameter(doc: &Doc, name: &str, names: &Names<'_>) -> Option<String> {
    let start =
        doc.0.iter().position(|line| parameter_parts(line).is_some_and(|(found, _)| found == name))?;
    let (_, text) = parameter_parts(&doc.0[start])?;
    let rest = doc.0[start + 1..].iter().take_while(|line| !line.is_empty() && command(line).is_none());
    let text = rest.fold(text.to_owned(), |text, line| format!("{text} {}", line.trim()));
    let mut text = inline(&text, names, &[]);
    end_sentence(&mut text);
    (!text.is_empty()).then_some(text)
}

/// Adds the full stop that Doxygen's briefs do without.
fn end_sentence(text: &mut String) {
    if text.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ')' | ']' | '`')) {
        text.push('.');
    }
}

/// The name and the text of a line about a parameter.
fn parameter_parts(line: &str) -> Option<(&str, &str)> {
    if !is_parameter(line) {
        return None;
    }
    let (_, rest) = command(line)?;
    let rest = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(rest, |(_, rest)| rest);
    let (name, text) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
    Some((name, text.trim()))
}

#[cfg(test)]
mod tests {
    use super::super::lines;
    use super::*;

    fn rust(comment: &str) -> String {
        let item = |name: &str| match name {
            "Size" => Some("Size".to_owned()),
            "IPAXInterface::start" | "start" => Some("IpaX::start".to_owned()),
            "libcamera::Point" => Some("::ringfence::Point".to_owned()),
            _ => None,
        };
        let names = Names { parameter: &|name| name.to_uppercase(), item: &item };
        markdown(&lines(comment), &names).join("\n")
    }

    #[test]
    fn a_line_and_a_block_read_the_same() {
        assert_eq!(rust("/** Width, in pixels. */"), "Width, in pixels.");
        assert_eq!(rust("/**\n * Width,\n *  in pixels.\n */"), "Width,\n in pixels.");
    }

    #[test]
    fn doxygen_becomes_markdown() {
        let comment = "/**\n * \\brief Starts it\n *\n * See \\a stop, and a<b> [0, 1] `c[0]`.\n * \\param[in] one First,\n * and on\n * @param two Second\n * \\return Zero\n */";
        let expected = "Starts it.\n\nSee `stop`, and a\\<b\\> \\[0, 1\\] `c[0]`.\n\n- `ONE`: First,\n  and on\n- `TWO`: Second\n\nReturns Zero";
        assert_eq!(rust(comment), expected);
        assert_eq!(rust("/** \\var A::b\n \\brief c */"), "c.");
        let comment = "/** \\brief A\n * \\retval 0 Good\n * \\li One\n * \\note Careful\n * \\ingroup x */";
        assert_eq!(rust(comment), "A.\n\n- Returns `0`: Good\n- One\n\nNote: Careful");
    }

    #[test]
    fn references_become_links_where_they_lead_somewhere() {
        assert_eq!(rust("/** See \\ref Size, and \\ref Foo. */"), "See [`Size`], and `Foo`.");
        assert_eq!(
            rust("/** IPAXInterface::start() or start() or gone(). */"),
            "[`IpaX::start`] or [`IpaX::start`] or `gone()`."
        );
        assert_eq!(rust("/** libcamera::Point, x::y */"), "[`Point`](::ringfence::Point), `x::y`");
        assert_eq!(rust("/** A\n * \\sa start(), Size\n */"), "A\n\nSee [`IpaX::start`], [`Size`].");
        assert_eq!(rust("/** \\brief Starts \\sa start */"), "Starts.\n\nSee [`IpaX::start`].");
        assert_eq!(rust("/** \\brief B \\a one\n * \\param one O */"), "B `ONE`.\n\n- `ONE`: O");
    }

    #[test]
    fn code_is_never_taken_for_rust() {
        assert_eq!(
            rust("/** A\n * \\code{.cpp}\n * if (a[0] < b) {\n *     c();\n * \\endcode\n * B */"),
            "A\n\n```cpp\nif (a[0] < b) {\n    c();\n```\nB"
        );
        assert_eq!(rust("/** A\n * ```\n * [x]\n * ```\n */"), "A\n\n```text\n[x]\n```");
        assert_eq!(rust("/** A\n *\n *     let a = b[0];\n */"), "A\n\n   let a = b\\[0\\];");
        assert_eq!(rust("/** A\n * \\verbatim\n * never ends */"), "A\n\n```text\nnever ends\n```");
    }

    #[test]
    fn rustdoc_has_nothing_to_warn_of() {
        assert_eq!(rust("/** At https://a.b/c_d. Mail <x@y.z> */"), "At <https://a.b/c_d>. Mail \\<x@y.z\\>");
        assert_eq!(rust("/** \\b bold \\e soft %Size \\@ \\& */"), "**bold** *soft* Size @ &");
    }
}
