//! Every message that the library can end with has to be in docs/troubleshooting.md, and every message quoted there has to
//! exist.
//!
//! A quotation stands in the first column of a table that is headed *message*, in backticks, with `…` for what differs from
//! time to time. Looked for in the document are the texts of all `#[error("…")]`, and the warnings and errors of the log.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Folders of sources whose messages a user can meet.
const SOURCES: [&str; 2] = ["src", "wire/src"];
/// Folders in which the document may quote a text, besides.
const MORE_SOURCES: [&str; 2] = ["mojom/src", "mojomc/src"];
/// What stands for the parts of a message that differ.
const ELLIPSIS: char = '…';

/// A text between quotation marks in a source file, with all escapes carried out.
struct Literal {
    file: PathBuf,
    line: usize,
    text: String,
    /// Whether it is the text of an error or of a warning in the log.
    is_message: bool,
}

impl Literal {
    /// The text as the document quotes it.
    fn quotation(&self) -> String {
        let mut quotation = String::new();
        let mut left = self.text.chars().peekable();
        while let Some(c) = left.next() {
            match c {
                '{' | '}' if left.peek() == Some(&c) => quotation.extend(left.next()),
                '{' => {
                    left.by_ref().find(|c| *c == '}');
                    // Two of them are no clearer than one.
                    if !quotation.ends_with(ELLIPSIS) {
                        quotation.push(ELLIPSIS);
                    }
                }
                '|' => quotation.push_str("\\|"),
                _ => quotation.push(c),
            }
        }
        quotation
    }

    /// The longest part that is the same whenever the message is shown; nothing if no part can be searched for.
    fn fixed_part(&self) -> Option<String> {
        let quotation = self.quotation();
        let longest = quotation.split(ELLIPSIS).max_by_key(|part| part.len())?.trim();
        longest.contains(char::is_alphabetic).then(|| longest.to_owned())
    }
}

/// All Rust files below `folder` that are not tests.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if entry.file_type().unwrap().is_dir() {
            if name != "tests" {
                files(&path, found);
            }
        } else if name.ends_with(".rs") && name != "tests.rs" {
            found.push(path);
        }
    }
}

/// Everything between quotation marks in a source text. A module of tests at its end is left out.
fn literals(file: &Path, text: &str) -> Vec<Literal> {
    let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if let Some(hashes) = raw_hashes(text, at) {
            // Raw texts hold no messages here.
            let end = format!("\"{}", "#".repeat(hashes));
            let begin = 2 + hashes;
            at += begin + rest[begin..].find(&end).expect("a raw text ends") + end.len();
        } else if c == '\'' {
            at += character(rest);
        } else if c == '"' {
            let (literal, length) = unescaped(&rest[1..]);
            let line = text[..at].matches('\n').count() + 1;
            found.push(Literal {
                file: file.to_owned(),
                line,
                text: literal,
                is_message: is_message(&text[..at]),
            });
            at += 1 + length;
        } else {
            at += c.len_utf8();
        }
    }
    found
}

/// How many `#` the raw text has that begins at `at`, if one does.
fn raw_hashes(text: &str, at: usize) -> Option<usize> {
    let rest = text[at..].strip_prefix('r')?;
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let within_a_word =
        text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') && !text[..at].ends_with('b');
    (rest[hashes..].starts_with('"') && !within_a_word).then_some(hashes)
}

/// Bytes of the character between marks, or of the mark of a lifetime, that `rest` begins with.
fn character(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => 3 + rest[3..].find('\'').unwrap_or(0) + 1,
        Some(_) => match chars.next() {
            Some((end, '\'')) => end + 1,
            _ => 1,
        },
        None => 1,
    }
}

/// The text up to the closing mark, and the bytes of its source with the mark.
fn unescaped(rest: &str) -> (String, usize) {
    let mut text = String::new();
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (text, at + 1),
            '\\' => match chars.next().map(|(_, c)| c) {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('\n') => while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {},
                // Numbers of characters are of no use to whoever searches.
                Some('u' | 'x') => text.push(char::REPLACEMENT_CHARACTER),
                Some(other) => text.push(other),
                None => break,
            },
            _ => text.push(c),
        }
    }
    panic!("a text that begins with {:?} does not end", rest.lines().next());
}

/// Whether what follows is the text of an error, or of a warning or error in the log.
fn is_message(before: &str) -> bool {
    if before.trim_end().ends_with("#[error(") {
        return true;
    }
    // The last text of an event is its message; fields before it are no texts.
    let Some(open) =
        ["tracing::warn!(", "tracing::error!("].iter().filter_map(|call| before.rfind(call)).max()
    else {
        return false;
    };
    !before[open..].contains([';', '"'])
}

/// The quotations of the document, each with its line.
fn quotations(document: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut within = false;
    for (index, line) in document.lines().enumerate() {
        let Some(row) = line.strip_prefix('|') else {
            within = false;
            continue;
        };
        // A bar within a cell is marked.
        let end = row.match_indices('|').map(|(at, _)| at).find(|at| !row[..*at].ends_with('\\'));
        let cell = row[..end.expect("a row has cells")].trim();
        if cell == "message" {
            within = true;
        } else if within && !cell.starts_with('-') {
            for quotation in cell.split("<br>").map(str::trim) {
                let inner = quotation.trim_matches('`');
                let marks = quotation.len() - inner.len();
                assert!(
                    marks >= 2 && marks.is_multiple_of(2) && !inner.trim().is_empty(),
                    "docs/troubleshooting.md, line {}: {quotation:?} is no quotation in backticks",
                    index + 1
                );
                found.push((index + 1, inner.trim().to_owned()));
            }
        }
    }
    found
}

/// The row that a message needs.
fn row(literal: &Literal) -> String {
    let quotation = literal.quotation();
    // What has backticks in it needs two around it, and a space.
    let marked =
        if quotation.contains('`') { format!("`` {quotation} ``") } else { format!("`{quotation}`") };
    format!("| {} | WHY IT HAPPENS | WHAT TO DO |", marked.replace('\n', " "))
}

#[test]
fn every_message_is_in_the_document_and_every_quotation_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(root.join("docs/troubleshooting.md")).unwrap();
    let quoted = quotations(&document);
    let mut known = Vec::new();
    for folder in SOURCES.iter().chain(&MORE_SOURCES) {
        let mut paths = Vec::new();
        files(&root.join(folder), &mut paths);
        paths.sort();
        for path in paths {
            let text = std::fs::read_to_string(&path).unwrap();
            let relative = path.strip_prefix(root).unwrap();
            let mut found = literals(relative, &text);
            let counts = SOURCES.contains(folder);
            found.iter_mut().for_each(|literal| literal.is_message &= counts);
            known.extend(found);
        }
    }
    let messages = known.iter().filter(|literal| literal.is_message);
    // 150 errors and some 40 lines of the log, when this was written: fewer say that they are not found any more.
    assert!(messages.clone().count() > 150, "only {} messages were found", messages.count());

    let mut wrong = String::new();
    for literal in messages {
        let Some(part) = literal.fixed_part() else { continue };
        if !quoted.iter().any(|(_, quotation)| quotation.contains(&part)) {
            let (file, line) = (literal.file.display(), literal.line);
            let row = row(literal);
            let _ = write!(
                wrong,
                "\n{file}, line {line}: docs/troubleshooting.md does not have this message. Add a row to the table where its \
                 readers will look, and say there why it happens and what to do:\n{row}\n"
            );
        }
    }
    // All parts of a quotation, in their order, in one text.
    let occurs = |quotation: &str, literal: &Literal| {
        let text = literal.quotation().replace('\n', " ");
        let mut rest = text.as_str();
        quotation.split(ELLIPSIS).all(|part| match rest.split_once(part.trim()) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
    };
    for (line, quotation) in &quoted {
        if !known.iter().any(|literal| occurs(quotation, literal)) {
            let _ = write!(
                wrong,
                "\ndocs/troubleshooting.md, line {line}: no source has a text like this any more. Quote what it says now, or \
                 remove it:\n{quotation}\n"
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn sources_are_read_as_the_compiler_reads_them() {
    let source = r##"
//! "not this"
fn a<'a>(_: &'a str) -> [char; 3] { ['"', '\'', '\u{41}'] }
/// "nor this"
#[error("{count} of \"{{}}\" are \
         left")]
#[error(
    "the second {0:?}{1}"
)]
fn b() { tracing::warn!(%error, "a warning"); tell("no message"); r#"raw " text"#; }
#[cfg(test)]
mod tests { "in a test" }
"##;
    let found = literals(Path::new("a.rs"), source);
    let found: Vec<_> =
        found.iter().map(|literal| (literal.line, literal.quotation(), literal.is_message)).collect();
    let expected = [
        (5, "… of \"{}\" are left", true),
        (8, "the second …", true),
        (10, "a warning", true),
        (10, "no message", false),
    ];
    assert_eq!(found, expected.map(|(line, text, is_message)| (line, text.to_owned(), is_message)));
}

#[test]
fn quotations_are_found_in_tables_of_messages_only() {
    let document = "| name | x |\n|---|---|\n| `no` | |\n\ntext\n\n| message | why |\n|---|---|\n| `a \\| …`<br>`` b `c` `` | y |\n| `d` | |\n";
    let expected = [(9, "a \\| …"), (9, "b `c`"), (10, "d")];
    assert_eq!(quotations(document), expected.map(|(line, text)| (line, text.to_owned())));
}
