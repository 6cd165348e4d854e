//! Tokens into a [`File`], by recursive descent.
//!
//! One mistake must neither hide another one nor make one up. What can only be a missing `;` or brace is reported
//! and taken as if it were there; otherwise the parser goes on behind the next `;`, at the `}` around it, or at the
//! next line that is not indented deeper. What a broken definition was called is kept in [`File::garbled`], so that
//! nobody complains of its use.

mod definitions;
mod members;
mod recovery;
#[cfg(test)]
mod tests;
mod types;
mod values;

use std::collections::BTreeMap;

use crate::ast::{Attribute, Attributes, Doc, File, Name};
use crate::diagnostic::{Code, Diagnostic, SharedSource, Span};
use crate::docs;
use crate::lexer::{self, Kind, Lexed, Token};

/// Reads a file.
pub(crate) fn parse(source: &SharedSource) -> (File, Vec<Diagnostic>) {
    let Lexed { tokens, docs, errors: mut told } = lexer::tokens(source);
    let mut parser = Parser {
        source,
        tokens,
        next: 0,
        errors: Vec::new(),
        file: File::default(),
        targets: BTreeMap::new(),
    };
    parser.collect_targets(&docs);
    parser.file();
    let Parser { file, errors, .. } = parser;
    // What follows a character without meaning in its line is hardly a mistake of its own.
    let is_told = |error: &Diagnostic| told.iter().any(|told| told.line() == error.line());
    let errors: Vec<_> = errors.into_iter().filter(|error| !is_told(error)).collect();
    told.extend(errors);
    (file, told)
}

/// The error is reported already; the caller only has to find its feet again.
#[derive(Debug)]
struct Reported;

type Parse<T> = Result<T, Reported>;

struct Parser<'a> {
    source: &'a SharedSource,
    tokens: Vec<Token>,
    next: usize,
    errors: Vec<Diagnostic>,
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

    /// The token before the next one.
    fn previous(&self) -> Option<&Token> {
        self.next.checked_sub(1).map(|index| &self.tokens[index])
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

    fn at_end(&self) -> bool {
        self.peek().kind == Kind::End
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
        self.unexpected_with(wanted, |error| error)
    }

    /// As [`Self::unexpected`], with something added.
    fn unexpected_with(&mut self, wanted: &str, add: impl FnOnce(Diagnostic) -> Diagnostic) -> Reported {
        let token = self.peek();
        let found = match token.kind {
            // Reported by the lexer.
            Kind::Garbled => return Reported,
            Kind::End => "the end of the file".to_owned(),
            Kind::Keyword => format!("the keyword `{}`", self.text(token.span)),
            Kind::String(_) => "a string".to_owned(),
            _ => format!("`{}`", self.text(token.span)),
        };
        let span = self.end_of_line_before().unwrap_or(token.span);
        // Of what cannot be read at all, one complaint is enough.
        if self.errors.last().is_some_and(|error| error.starts_at(span)) {
            return Reported;
        }
        let mut error =
            Diagnostic::new(Code::Syntax, self.source, span, format!("expected {wanted}, found {found}"));
        error = error.label(format!("expected {wanted}"));
        self.errors.push(add(error));
        Reported
    }

    fn error(&mut self, code: Code, span: Span, message: impl Into<String>) -> Reported {
        self.report(Diagnostic::new(code, self.source, span, message))
    }

    fn report(&mut self, diagnostic: Diagnostic) -> Reported {
        self.errors.push(diagnostic);
        Reported
    }

    /// A name that is to be given; `what` it is the name of.
    fn name(&mut self, what: &str) -> Parse<Name> {
        let token = self.peek();
        let span = token.span;
        match token.kind {
            Kind::Name => {}
            Kind::Keyword if self.at_word("feature") => {}
            // At the start of a line it rather begins the next definition.
            Kind::Keyword if !self.starts_line(self.next) => {
                let message = format!("`{}` is a keyword and cannot be {what}", self.text(span));
                self.error(Code::KeywordAsName, span, message);
            }
            _ => return Err(self.unexpected(what)),
        }
        self.bump();
        Ok(Name { text: self.text(span).to_owned(), span })
    }

    /// Names with dots in between.
    fn dotted(&mut self, what: &str) -> Parse<Name> {
        let mut name = self.name(what)?;
        while self.eat(".").is_some() {
            let part = self.name("a name")?;
            name.text.push('.');
            name.text.push_str(&part.text);
            name.span = name.span.to(part.span);
        }
        Ok(name)
    }

    /// The list of attributes before an item. After an error in it, the item itself is still read.
    fn attributes(&mut self) -> Attributes {
        let mut attributes = Attributes::default();
        let Some(open) = self.eat("[") else { return attributes };
        if self.eat("]").is_none() && self.attribute_list(&mut attributes).is_err() {
            self.skip_attributes(open);
        }
        if self.at("[") {
            let second = self.bump();
            self.report(
                Diagnostic::new(Code::Syntax, self.source, second, "an item has one list of attributes")
                    .also(open, "the first one begins here")
                    .help("put all of them into one pair of brackets, separated by `,`"),
            );
            self.skip_attributes(second);
        }
        if let (Some(first), Some(second)) = (attributes.get("EnableIf"), attributes.get("EnableIfNot")) {
            let (first, second) = (first.name.span, second.name.span);
            self.report(
                Diagnostic::new(
                    Code::ConflictingConditions,
                    self.source,
                    first.to(second),
                    "[EnableIf] and [EnableIfNot] exclude each other",
                )
                .help("keep one of them"),
            );
        }
        attributes
    }

    fn attribute_list(&mut self, attributes: &mut Attributes) -> Parse<()> {
        loop {
            let name = self.name("an attribute")?;
            let value = match self.eat("=") {
                None => None,
                Some(_) if self.at_word("default") => {
                    let span = self.bump();
                    let message = "`default` is no value of an attribute";
                    self.error(Code::AttributeValue, span, message);
                    None
                }
                Some(_) => Some(self.attribute_value()?),
            };
            match attributes.get(&name.text) {
                Some(first) => {
                    let message = format!("the attribute `{}` is repeated", name.text);
                    let error = Diagnostic::new(Code::RepeatedAttribute, self.source, name.span, message)
                        .also(first.name.span, "first here");
                    self.report(error);
                }
                None => attributes.0.push(Attribute { name, value }),
            }
            if self.eat("]").is_some() {
                return Ok(());
            }
            if self.eat(",").is_none() {
                return Err(self.unexpected("`,` or `]`"));
            }
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
