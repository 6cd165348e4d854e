//! Tokens into a [`File`], by recursive descent.
//!
//! After an error the parser goes on behind the next `;` (or the end of the braces), so that one
//! mistake does not hide the others.

mod definitions;
mod parts;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::ast::{Doc, File};
use crate::diagnostic::{Error, Source, Span};
use crate::docs;
use crate::lexer::{self, Kind, Lexed, Token};

/// Reads a file.
pub(crate) fn parse(source: &Source) -> (File, Vec<Error>) {
    let Lexed { tokens, docs, errors } = lexer::tokens(source);
    let garbled = errors.len();
    let mut parser =
        Parser { source, tokens, next: 0, errors, file: File::default(), targets: BTreeMap::new() };
    parser.collect_targets(&docs);
    parser.file();
    let Parser { file, mut errors, .. } = parser;
    // What follows a character without meaning in its line is hardly a mistake of its own.
    let parsed = errors.split_off(garbled);
    let is_told = |error: &Error| errors.iter().any(|told| told.line() == error.line());
    let parsed: Vec<_> = parsed.into_iter().filter(|error| !is_told(error)).collect();
    errors.extend(parsed);
    (file, errors)
}

/// The error is reported already; the caller only has to find its feet again.
#[derive(Debug)]
struct Reported;

type Parse<T> = Result<T, Reported>;

struct Parser<'a> {
    source: &'a Source,
    tokens: Vec<Token>,
    next: usize,
    errors: Vec<Error>,
    file: File,
    /// Documentation that names what it is about, such as `\struct Point` or `\var Point::x`.
    targets: BTreeMap<String, Doc>,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        self.peek_at(0)
    }

    /// The token `ahead` of the next one; the last token stands for all behind it.
    fn peek_at(&self, ahead: usize) -> &Token {
        let last = self.tokens.len() - 1;
        &self.tokens[(self.next + ahead).min(last)]
    }

    fn text(&self, span: Span) -> &str {
        &self.source.text[span.start..span.end]
    }

    fn bump(&mut self) -> Span {
        let span = self.peek().span;
        if self.peek().kind != Kind::End {
            self.next += 1;
        }
        span
    }

    fn at(&self, mark: &str) -> bool {
        matches!(self.peek().kind, Kind::Punctuation(found) if found == mark)
    }

    fn at_word(&self, word: &str) -> bool {
        self.word() == Some(word)
    }

    /// The next token, if it is an identifier or a keyword.
    fn word(&self) -> Option<&str> {
        let token = self.peek();
        matches!(token.kind, Kind::Name | Kind::Keyword).then(|| self.text(token.span))
    }

    fn eat(&mut self, mark: &str) -> Option<Span> {
        self.at(mark).then(|| self.bump())
    }

    fn expect(&mut self, mark: &str) -> Parse<Span> {
        match self.eat(mark) {
            Some(span) => Ok(span),
            None => Err(self.unexpected(&format!("`{mark}`"))),
        }
    }

    /// Reports that something else should stand here.
    fn unexpected(&mut self, wanted: &str) -> Reported {
        let token = self.peek();
        let (span, found) = match token.kind {
            Kind::End => (token.span, "the end of the file".to_owned()),
            Kind::Keyword => (token.span, format!("the keyword `{}`", self.text(token.span))),
            Kind::String(_) => (token.span, "a string".to_owned()),
            _ => (token.span, format!("`{}`", self.text(token.span))),
        };
        self.error(span, format!("expected {wanted}, found {found}"))
    }

    fn error(&mut self, span: Span, message: impl Into<String>) -> Reported {
        self.errors.push(Error::new(self.source, span, message));
        Reported
    }

    fn outside(&mut self, span: Span, what: &str) -> Reported {
        self.error(span, format!("{what} outside the dialect: ringfence has no Rust meaning for them"))
    }

    /// Skips to behind the `;` that ends the current item, or to the `}` around it.
    fn recover(&mut self) {
        let mut depth = 0usize;
        loop {
            match self.peek().kind {
                Kind::End => return,
                Kind::Punctuation(";") if depth == 0 => {
                    self.bump();
                    return;
                }
                Kind::Punctuation("{") => depth += 1,
                Kind::Punctuation("}") if depth == 0 => return,
                Kind::Punctuation("}") => depth -= 1,
                _ => {}
            }
            self.bump();
        }
    }

    /// Documentation for `path`: the comment before the item, or one elsewhere that names it.
    fn doc(&self, comment: Option<Span>, path: &str) -> Doc {
        comment
            .map(|span| docs::lines(self.text(span)))
            .filter(|doc| docs::target(doc).is_none())
            .or_else(|| self.targets.get(path).cloned())
            .unwrap_or_default()
    }

    fn collect_targets(&mut self, comments: &[Span]) {
        for span in comments {
            let doc = docs::lines(self.text(*span));
            match docs::target(&doc) {
                Some(docs::Target::File) => self.file.doc = doc,
                Some(docs::Target::Item(path)) => {
                    self.targets.insert(path, doc);
                }
                None => {}
            }
        }
    }
}
