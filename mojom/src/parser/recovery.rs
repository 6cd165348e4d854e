//! What to do after an error, and where to say that something is missing.

use std::ops::Range;

use super::{Parse, Parser, Reported};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::lexer::Kind;

/// Words that begin something that cannot stand inside a definition.
const OUTER_KEYWORDS: [&str; 6] = ["struct", "interface", "union", "feature", "module", "import"];

impl Parser<'_> {
    /// Whether a token is the first one of its line.
    pub(super) fn starts_line(&self, index: usize) -> bool {
        let line = |at: usize| self.source.line(at);
        let start = self.tokens[index].span.start;
        index == 0 || line(self.tokens[index - 1].span.end) != line(start)
    }

    /// How far a token is from the start of its line.
    fn column(&self, index: usize) -> usize {
        let start = self.tokens[index].span.start;
        start - self.source.line_range(self.source.line(start)).start
    }

    /// How far the line of a token is indented.
    fn indentation(&self, index: usize) -> usize {
        let line = self.source.line(self.tokens[index].span.start);
        let text = &self.source.text[self.source.line_range(line)];
        text.len() - text.trim_start_matches([' ', '\t']).len()
    }

    /// The end of the line on which something is missing, if that is not the line of the next token.
    pub(super) fn end_of_line_before(&self) -> Option<Span> {
        let previous = self.previous()?;
        let is_complete = matches!(previous.kind, Kind::Punctuation(";" | "{" | "," | "(" | "["));
        let end = previous.span.end;
        (!is_complete && self.starts_line(self.next)).then_some(Span { start: end, end })
    }

    /// The `;` behind an item. If only that is missing, the item is good for the rest.
    pub(super) fn end(&mut self) -> Parse<()> {
        self.end_or_skip(false)
    }

    /// As [`Self::end`], of a definition with a body: what else stands in its last line is skipped.
    pub(super) fn end_of_definition(&mut self) -> Parse<()> {
        self.end_or_skip(true)
    }

    fn end_or_skip(&mut self, skips: bool) -> Parse<()> {
        if self.eat(";").is_some() {
            return Ok(());
        }
        let is_array = self.at("[");
        let reported = self.unexpected_with("`;`", |error| {
            if is_array {
                error.help("arrays are written `array<uint8>` or `array<uint8, 4>`")
            } else {
                error
            }
        });
        let begins = matches!(self.peek().kind, Kind::Name | Kind::Keyword | Kind::Punctuation("["));
        if self.at("}") || self.at_end() || begins && self.starts_line(self.next) {
            return Ok(());
        }
        if !skips {
            return Err(reported);
        }
        // A definition is complete without what follows in its line.
        while !self.at_end() && !self.starts_line(self.next) && self.eat(";").is_none() {
            self.bump();
        }
        Ok(())
    }

    /// The `{` of a definition, or the line behind the place where it is missing.
    pub(super) fn open(&mut self) -> Parse<usize> {
        if self.eat("{").is_some() {
            return Ok(self.next - 1);
        }
        let reported = self.unexpected("`{`");
        let begins = matches!(self.peek().kind, Kind::Name | Kind::Keyword | Kind::Punctuation("["));
        if begins && self.starts_line(self.next) { Ok(self.next - 1) } else { Err(reported) }
    }

    /// Skips to behind the `;` that ends the item that began at token `start`, or to where the next one begins.
    pub(super) fn recover(&mut self, start: usize) {
        let indentation = self.indentation(start);
        let mut depth = 0usize;
        loop {
            match self.peek().kind {
                Kind::End => return,
                Kind::Punctuation("}") if depth == 0 => return,
                _ if self.next > start && self.begins_item(depth, indentation) => return,
                Kind::Punctuation(";") if depth == 0 => {
                    self.bump();
                    return;
                }
                Kind::Punctuation("{") => depth += 1,
                Kind::Punctuation("}") => depth -= 1,
                _ => {}
            }
            self.bump();
        }
    }

    /// Whether the next token looks like the start of an item that is not within the broken one.
    fn begins_item(&self, depth: usize, indentation: usize) -> bool {
        if !self.starts_line(self.next) || self.column(self.next) > indentation {
            return false;
        }
        match self.peek().kind {
            Kind::Punctuation("[") => depth == 0,
            Kind::Name => depth == 0,
            Kind::Keyword => depth == 0 || self.word().is_some_and(|word| OUTER_KEYWORDS.contains(&word)),
            _ => false,
        }
    }

    /// Whether a definition follows that cannot be a part of the one whose `{` is token `open`.
    pub(super) fn at_outer_item(&self, open: usize) -> bool {
        self.word().is_some_and(|word| OUTER_KEYWORDS.contains(&word))
            && self.starts_line(self.next)
            && self.column(self.next) <= self.indentation(open)
    }

    /// Reports the `{` at token `open` that nothing closes.
    pub(super) fn unclosed(&mut self, open: usize) {
        let brace = self.tokens[open].span;
        let found = self.peek().span;
        let error = if self.at_end() {
            Diagnostic::new(Code::UnclosedBrace, self.source, brace, "this brace is never closed")
                .also(found, "the file ends here")
        } else {
            let message = format!("expected `}}`, found the keyword `{}`", self.text(found));
            Diagnostic::new(Code::UnclosedBrace, self.source, found, message)
                .also(brace, "this brace is not closed")
        };
        self.report(error.help("a definition ends with `};`"));
    }

    /// Skips to behind the `]` in this line; without one, what follows is taken for the item itself.
    pub(super) fn skip_attributes(&mut self, open: Span) {
        let line = self.source.line(open.start);
        let mut ahead = 0;
        loop {
            let token = self.peek_at(ahead);
            match token.kind {
                Kind::Punctuation("]") if self.source.line(token.span.start) == line => {
                    self.next += ahead + 1;
                    return;
                }
                Kind::End | Kind::Punctuation(";" | "{" | "}" | "(" | "]") => return,
                _ => ahead += 1,
            }
        }
    }

    /// Skips to the `,` or the end of the list in which an entry is broken. Whether the list goes on.
    pub(super) fn skip_entry(&mut self, close: &str) -> bool {
        let mut angles = 0usize;
        loop {
            match self.peek().kind {
                Kind::Punctuation("<") => angles += 1,
                Kind::Punctuation(">") => angles = angles.saturating_sub(1),
                Kind::Punctuation(",") if angles == 0 => return true,
                Kind::Punctuation(mark) if mark == close => return true,
                Kind::Punctuation(";" | "{" | "}" | "=>") | Kind::End => return false,
                _ => {}
            }
            self.bump();
        }
    }

    /// Keeps the names of what could not be read.
    pub(super) fn keep_garbled(&mut self, tokens: Range<usize>) {
        let mut depth = 0usize;
        for index in tokens {
            let token = &self.tokens[index];
            match token.kind {
                Kind::Punctuation("{" | "(") => depth += 1,
                Kind::Punctuation("}" | ")") => depth = depth.saturating_sub(1),
                Kind::Name if depth == 0 => {
                    let name = self.text(token.span).to_owned();
                    self.file.garbled.insert(name);
                }
                _ => {}
            }
        }
    }

    /// `{ members } ;`, where an error in one member does not stop the others. Whether there was one.
    pub(super) fn body(&mut self, mut member: impl FnMut(&mut Self) -> Parse<()>) -> Parse<bool> {
        let open = self.open()?;
        let mut garbled = false;
        while !self.at("}") {
            if self.at_end() || self.at_outer_item(open) {
                self.unclosed(open);
                return Ok(true);
            }
            let start = self.next;
            if let Err(Reported) = member(self) {
                garbled = true;
                self.recover(start);
                let is_definition = |index: &usize| {
                    matches!(self.text(self.tokens[*index].span), "const" | "enum") && *index < self.next
                };
                if let Some(definition) = (start..self.next).find(is_definition) {
                    self.keep_garbled(definition..self.next);
                }
            }
            if self.next == start {
                self.bump();
            }
        }
        self.bump();
        self.end_of_definition()?;
        Ok(garbled)
    }
}
