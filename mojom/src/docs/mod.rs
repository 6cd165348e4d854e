//! Documentation comments: from Doxygen's markup to rustdoc's.
//!
//! [`markdown`] makes the paragraphs, [`inline`] what is within a line, [`links`] finds the items that are referred to.
//! What comes out gives rustdoc no reason for a warning, and no code that it would try to run.

mod inline;
mod links;
mod markdown;

use crate::ast::Doc;
pub(crate) use links::link;
pub(crate) use markdown::{is_empty, is_parameter, markdown, parameter};

/// What names in a comment are called in Rust.
pub(crate) struct Names<'a> {
    /// The name of a parameter.
    pub(crate) parameter: &'a dyn Fn(&str) -> String,
    /// The path of an item, if it is generated: of `Name`, `Name::member` or `Name.member`.
    pub(crate) item: &'a dyn Fn(&str) -> Option<String>,
}

impl Names<'_> {
    /// Names stay as they are, for text that is no documentation of Rust.
    pub(crate) fn of_mojom() -> Self {
        Self { parameter: &|name| name.to_owned(), item: &|_| None }
    }
}

/// What a comment says it is about, if it does not simply stand before it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// `\file`.
    File,
    /// `\struct Name`, `\var Name::field` and the like.
    Item(String),
}

/// The lines of a comment without its markers and without blank lines at either end.
pub(crate) fn lines(comment: &str) -> Doc {
    let strip_star = |line: &str| {
        let line = line.trim();
        let line = line.strip_prefix('*').unwrap_or(line);
        line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned()
    };
    let strip_slashes = |line: &str| {
        let line = line.trim();
        let line = line.get(3..).unwrap_or_default();
        let line = line.strip_prefix('<').unwrap_or(line);
        line.strip_prefix(' ').unwrap_or(line).to_owned()
    };
    let mut lines: Vec<String> = if comment.starts_with("//") {
        comment.lines().map(strip_slashes).collect()
    } else {
        let body = comment.get(3..).unwrap_or_default();
        let body = body.strip_prefix('<').unwrap_or(body);
        let body = body.strip_suffix("*/").unwrap_or(body);
        body.lines().map(strip_star).collect()
    };
    let first = lines.iter().position(|line| !line.is_empty()).unwrap_or(lines.len());
    lines.drain(..first);
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    Doc(lines)
}

/// What the comment names as its subject.
pub(crate) fn target(doc: &Doc) -> Option<Target> {
    let (command, rest) = command(doc.0.first()?)?;
    match command {
        "file" => Some(Target::File),
        "struct" | "enum" | "var" | "fn" | "class" | "interface" => {
            // `\fn Interface::method()` and `\fn Interface::method` mean the same.
            let path = rest.split(['(', ' ']).next().unwrap_or_default();
            Some(Target::Item(path.to_owned()))
        }
        _ => None,
    }
}

/// The command at the start of a line, without its backslash or at sign, and what follows it.
fn command(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let body = line.strip_prefix('\\').or_else(|| line.strip_prefix('@'))?;
    let end = body.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(body.len());
    (end > 0).then(|| (&body[..end], body[end..].trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_stripped() {
        for comment in [
            "/** Width,\n  in pixels. */",
            "/*!\n * Width,\n *  in pixels.\n */",
            "/// Width,\n ///  in pixels.",
        ] {
            let stripped =
                lines(comment).0.iter().map(|line| line.trim_start().to_owned()).collect::<Vec<_>>();
            assert_eq!(stripped, ["Width,", "in pixels."], "{comment}");
        }
        assert_eq!(lines("/**< Width */").0, ["Width"]);
        assert_eq!(lines("///< Width").0, ["Width"]);
    }

    #[test]
    fn comments_may_name_their_subject() {
        assert_eq!(target(&lines("/** \\file a.mojom */")), Some(Target::File));
        assert_eq!(target(&lines("/**\n * \\var A::b\n * \\brief c */")), Some(Target::Item("A::b".into())));
        assert_eq!(target(&lines("/** \\brief c */")), None);
    }
}
