//! Documentation comments: from Doxygen's markup to rustdoc's.

use crate::ast::Doc;

/// What a comment says it is about, if it does not simply stand before it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// `\file`.
    File,
    /// `\struct Name`, `\var Name::field` and the like.
    Item(String),
}

/// The lines of a comment without its asterisks and without blank lines at either end.
pub(crate) fn lines(comment: &str) -> Doc {
    let body = comment.strip_prefix("/**").unwrap_or(comment);
    let body = body.strip_suffix("*/").unwrap_or(body);
    let strip = |line: &str| {
        let line = line.trim();
        let line = line.strip_prefix('*').unwrap_or(line);
        line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned()
    };
    let mut lines: Vec<String> = body.lines().map(strip).collect();
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
        "struct" | "enum" | "var" | "fn" | "class" => {
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

/// Whether the comment says nothing.
pub(crate) fn is_empty(doc: &Doc) -> bool {
    markdown(doc, &|name| name.to_owned()).is_empty()
}

/// The comment as Markdown; `rename` turns a parameter's name into the one it has in Rust.
pub(crate) fn markdown(doc: &Doc, rename: &dyn Fn(&str) -> String) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut in_list = false;
    let mut brief = None;
    for line in &doc.0 {
        let Some((command, rest)) = command(line) else {
            if line.is_empty() {
                in_list = false;
            }
            let text = if in_list { format!("  {}", inline(line.trim_start())) } else { inline(line) };
            out.push(text.trim_end().to_owned());
            continue;
        };
        match command {
            "file" | "struct" | "enum" | "var" | "fn" | "class" => continue,
            "brief" => {
                brief = Some(out.len());
                out.push(inline(rest));
            }
            "param" => {
                let (name, text) = parameter_parts(line).unwrap_or((rest, ""));
                begin_list(&mut out, in_list);
                in_list = true;
                out.push(format!("- `{}`: {}", rename(name), inline(text)).trim_end().to_owned());
            }
            "return" | "returns" => {
                begin_list(&mut out, false);
                in_list = false;
                out.push(inline(&format!("Returns {rest}")));
            }
            "sa" | "see" => {
                begin_list(&mut out, false);
                out.push(inline(&format!("See {rest}.")));
            }
            "note" => out.push(inline(&format!("Note: {rest}"))),
            "todo" => out.push(inline(&format!("To do: {rest}"))),
            _ => out.push(inline(line)),
        }
    }
    if let Some(start) = brief {
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

/// Whether the line begins the documentation of a parameter.
pub(crate) fn is_parameter(line: &str) -> bool {
    command(line).is_some_and(|(command, _)| command == "param")
}

/// What the comment says about a parameter.
pub(crate) fn parameter(doc: &Doc, name: &str) -> Option<String> {
    let start = doc.0.iter().position(|line| {
        is_parameter(line) && parameter_parts(line).is_some_and(|(found, _)| found == name)
    })?;
    let (_, text) = parameter_parts(&doc.0[start])?;
    let rest = doc.0[start + 1..].iter().take_while(|line| !line.is_empty() && command(line).is_none());
    let text = rest.fold(text.to_owned(), |text, line| format!("{text} {}", line.trim()));
    let mut text = inline(&text);
    end_sentence(&mut text);
    (!text.is_empty()).then_some(text)
}

/// Adds the full stop that Doxygen's briefs do without.
fn end_sentence(text: &mut String) {
    if text.ends_with(|c: char| c.is_alphanumeric() || matches!(c, ')' | '`')) {
        text.push('.');
    }
}

/// The name and the text of a line about a parameter.
fn parameter_parts(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = command(line)?;
    let rest = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(rest, |(_, rest)| rest);
    let (name, text) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
    Some((name, text.trim()))
}

/// A blank line before the first entry of a list, so that it does not run into the text.
fn begin_list(out: &mut Vec<String>, in_list: bool) {
    if !in_list && out.last().is_some_and(|line| !line.is_empty()) {
        out.push(String::new());
    }
}

/// One line: code words marked, and what Markdown would take for links or HTML escaped.
fn inline(line: &str) -> String {
    let mut out = String::new();
    let mut in_code = false;
    let mut words = line.split(' ').peekable();
    while let Some(word) = words.next() {
        let code = matches!(word, "\\a" | "\\p" | "\\c" | "\\ref" | "@a" | "@p" | "@c" | "@ref");
        match words.peek() {
            Some(next) if code && !in_code => {
                let name = next.trim_end_matches(['.', ',', ';', ':', ')']);
                out.push_str(&format!("`{name}`{}", &next[name.len()..]));
                words.next();
            }
            _ => {
                for c in word.chars() {
                    in_code ^= c == '`';
                    if !in_code && matches!(c, '[' | ']' | '<' | '>') {
                        out.push('\\');
                    }
                    out.push(c);
                }
            }
        }
        if words.peek().is_some() {
            out.push(' ');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rust(comment: &str) -> String {
        markdown(&lines(comment), &|name| name.to_uppercase()).join("\n")
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
    }

    #[test]
    fn comments_may_name_their_subject() {
        assert_eq!(target(&lines("/** \\file a.mojom */")), Some(Target::File));
        assert_eq!(target(&lines("/**\n * \\var A::b\n * \\brief c */")), Some(Target::Item("A::b".into())));
        assert_eq!(target(&lines("/** \\brief c */")), None);
        assert_eq!(rust("/** \\var A::b\n \\brief c */"), "c.");
    }
}
