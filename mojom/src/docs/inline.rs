//! Words: references, code, and what Markdown would take for something else.

use super::Names;

/// What ends a word without belonging to it.
const CLOSERS: [char; 7] = ['.', ',', ';', ':', ')', '!', '?'];

/// One line of text as Markdown. `parameters` are the names that the comment documents.
pub(super) fn inline(line: &str, names: &Names<'_>, parameters: &[&str]) -> String {
    let mut out = String::new();
    let mut in_code = false;
    let mut words = line.split(' ').peekable();
    while let Some(word) = words.next() {
        let argument = words.peek().copied().filter(|next| !in_code && !next.is_empty());
        match (word.strip_prefix(['\\', '@']), argument) {
            (Some("a" | "p"), Some(name)) => {
                let (name, rest) = split_closer(name);
                let renamed =
                    if parameters.contains(&name) { (names.parameter)(name) } else { name.to_owned() };
                out.push_str(&format!("`{renamed}`"));
                escape(rest, &mut out, &mut in_code);
                words.next();
            }
            (Some("c"), Some(name)) => {
                let (name, rest) = split_closer(name);
                out.push_str(&format!("`{name}`"));
                escape(rest, &mut out, &mut in_code);
                words.next();
            }
            (Some("ref" | "link"), Some(name)) => {
                let (name, rest) = split_reference(name);
                out.push_str(&reference(name, names));
                escape(rest, &mut out, &mut in_code);
                words.next();
            }
            (Some("b" | "e" | "em"), Some(text)) => {
                let (text, rest) = split_closer(text);
                let mark = if word.ends_with('b') { "**" } else { "*" };
                out.push_str(mark);
                escape(text, &mut out, &mut in_code);
                out.push_str(mark);
                escape(rest, &mut out, &mut in_code);
                words.next();
            }
            (Some("endlink" | "n"), _) if !in_code => {}
            _ if in_code => escape(word, &mut out, &mut in_code),
            _ => plain(word, names, &mut out, &mut in_code),
        }
        if words.peek().is_some() {
            out.push(' ');
        }
    }
    out
}

/// A word without a command before it.
fn plain(word: &str, names: &Names<'_>, out: &mut String, in_code: &mut bool) {
    let opener = word.len() - word.trim_start_matches(['(', '"', '\'']).len();
    let (open, body) = word.split_at(opener);
    escape(open, out, in_code);
    if let Some(at) =
        ["https://", "http://"].iter().find_map(|scheme| body.strip_prefix(scheme).and(Some(body)))
    {
        let (url, rest) = split_closer(at);
        let is_link = !url.contains(['<', '>', '`', '\\', '[', ']']);
        if is_link {
            out.push_str(&format!("<{url}>"));
            escape(rest, out, in_code);
            return;
        }
    }
    let (name, rest) = split_reference(body);
    let bare = name.strip_suffix("()").unwrap_or(name);
    let is_path = bare.contains("::") || bare.len() < name.len();
    if is_path && is_reference(bare) {
        out.push_str(&reference(name, names));
        escape(rest, out, in_code);
        return;
    }
    // Doxygen's way to say that a word is no reference.
    let body = match body.strip_prefix('%') {
        Some(rest) if rest.starts_with(|c: char| c.is_alphabetic()) => rest,
        _ => body,
    };
    escape(body, out, in_code);
}

/// Whether it is made like a name of C++.
fn is_reference(name: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    name.split("::").all(is_part)
}

/// A link to an item, or its name as code.
fn reference(name: &str, names: &Names<'_>) -> String {
    let bare = name.trim_start_matches('#').strip_suffix("()").unwrap_or(name.trim_start_matches('#'));
    let name = name.trim_start_matches('#');
    match (names.item)(bare) {
        // With the path as its text, a link must not name it again.
        Some(path) if !path.starts_with("::") && !path.starts_with("crate::") => format!("[`{path}`]"),
        Some(path) => {
            let own = path.rsplit("::").collect::<Vec<_>>();
            // A member is shown with its type.
            let parts = bare.split("::").count().min(2).min(own.len());
            let is_member = own.get(1).is_some_and(|part| part.starts_with(|c: char| c.is_ascii_uppercase()));
            let shown =
                if parts == 2 && is_member { format!("{}::{}", own[1], own[0]) } else { own[0].to_owned() };
            format!("[`{shown}`]({path})")
        }
        None if name.contains('`') || name.is_empty() => {
            let mut out = String::new();
            escape(name, &mut out, &mut false);
            out
        }
        None => format!("`{name}`"),
    }
}

/// A word and the punctuation behind it.
fn split_closer(word: &str) -> (&str, &str) {
    let length = word.trim_end_matches(CLOSERS).len();
    if length == 0 { (word, "") } else { word.split_at(length) }
}

/// As [`split_closer`], where `()` belongs to the word.
fn split_reference(word: &str) -> (&str, &str) {
    match word.find("()") {
        Some(at) if word[at + 2..].chars().all(|c| CLOSERS.contains(&c) || c == '\'' || c == '"') => {
            word.split_at(at + 2)
        }
        _ => split_closer(word),
    }
}

/// Escapes what Markdown would take for links or HTML, outside of code.
fn escape(text: &str, out: &mut String, in_code: &mut bool) {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        *in_code ^= c == '`';
        match c {
            '[' | ']' | '<' | '>' if !*in_code => {
                out.push('\\');
                out.push(c);
            }
            // Doxygen's escapes, some of which Markdown does not have.
            '\\' if !*in_code
                && chars.peek().is_some_and(|next| matches!(next, '@' | '&' | '#' | '%' | '"' | '.')) => {}
            c => out.push(c),
        }
    }
}
