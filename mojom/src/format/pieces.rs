//! What a file consists of when nothing is left out: tokens and comments.

use crate::diagnostic::SharedSource;
use crate::lexer;

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Token,
    /// `// …`
    Line,
    /// `/* … */`
    Block,
}

/// A token or a comment.
#[derive(Debug, Clone)]
pub(super) struct Piece<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// Ends of lines between the piece before and this one.
    pub(super) lines_before: usize,
}

impl Piece<'_> {
    pub(super) fn is_comment(&self) -> bool {
        self.kind != Kind::Token
    }

    /// Whether the compiler takes the comment for what it says about the next token, or the item before it.
    pub(super) fn is_doc(&self) -> bool {
        self.is_comment() && lexer::is_documentation(self.text)
    }

    /// Whether it is this word or punctuation mark.
    pub(super) fn is(&self, token: &str) -> bool {
        self.kind == Kind::Token && self.text == token
    }

    /// The comment as it is written at the start of a line with this many tabs.
    pub(super) fn comment(&self, depth: usize) -> String {
        let lines: Vec<&str> = self.text.lines().map(str::trim_end).collect();
        let [first, rest @ ..] = &*lines else { return String::new() };
        let is_aligned = rest.iter().all(|line| line.trim_start().starts_with('*'));
        let indent = "\t".repeat(depth);
        rest.iter().fold((*first).to_owned(), |text, line| {
            if is_aligned {
                format!("{text}\n{indent} {}", line.trim_start())
            } else {
                format!("{text}\n{line}")
            }
        })
    }
}

/// Splits a file without errors.
pub(super) fn split(source: &SharedSource) -> Vec<Piece<'_>> {
    let tokens = lexer::tokens(source).tokens;
    let mut splitter = Splitter { text: &source.text, at: 0, lines: 0, pieces: Vec::new() };
    let (_end, tokens) = tokens.split_last().expect("the end is a token");
    for token in tokens {
        splitter.comments(token.span.start);
        splitter.push(Kind::Token, token.span.end);
    }
    splitter.comments(source.text.len());
    splitter.pieces
}

struct Splitter<'a> {
    text: &'a str,
    at: usize,
    /// Ends of lines since the last piece.
    lines: usize,
    pieces: Vec<Piece<'a>>,
}

impl Splitter<'_> {
    fn push(&mut self, kind: Kind, end: usize) {
        let lines_before = std::mem::take(&mut self.lines);
        self.pieces.push(Piece { kind, text: &self.text[self.at..end], lines_before });
        self.at = end;
    }

    /// The comments before `end`, where there is nothing else but white space.
    fn comments(&mut self, end: usize) {
        while self.at < end {
            let rest = &self.text[self.at..end];
            if rest.starts_with("//") {
                self.push(Kind::Line, self.at + rest.find('\n').unwrap_or(rest.len()));
            } else if let Some(body) = rest.strip_prefix("/*") {
                let length = body.find("*/").map_or(rest.len(), |length| length + 4);
                self.push(Kind::Block, self.at + length);
            } else {
                let first = rest.chars().next().map_or(1, char::len_utf8);
                self.lines += usize::from(rest.starts_with('\n'));
                self.at += first;
            }
        }
    }
}
