//! Text into tokens.

use crate::diagnostic::{Code, Diagnostic, SharedSource, Span};

/// One token and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
    /// The documentation comment before it, markers and all.
    pub(crate) doc: Option<Span>,
    /// A comment before it that is about what comes before the comment: `/**< … */`.
    pub(crate) doc_of_previous: Option<Span>,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// An identifier that is no keyword.
    Name,
    /// A reserved word.
    Keyword,
    /// An integer without its sign, and whether it was written in hexadecimal.
    Integer { value: u64, hex: bool },
    /// A floating-point number without its sign.
    Float(f64),
    /// What a string literal stands for.
    String(String),
    /// `@` and a number.
    Ordinal(u32),
    /// A single character, or `=>`.
    Punctuation(&'static str),
    /// What should have been a number, string or ordinal, and was reported.
    Garbled,
    /// The end of the file.
    End,
}

const KEYWORDS: [&str; 19] = [
    "handle",
    "import",
    "module",
    "struct",
    "union",
    "interface",
    "enum",
    "const",
    "true",
    "false",
    "default",
    "array",
    "map",
    "associated",
    "pending_remote",
    "pending_receiver",
    "pending_associated_remote",
    "pending_associated_receiver",
    "feature",
];

/// Shifts are two tokens, as `array<array<uint8>>` has to end.
const PUNCTUATION: [&str; 23] = [
    "=>", "(", ")", "[", "]", "{", "}", "<", ">", ";", ",", ".", "=", "?", "+", "-", "*", "/", "%", "&", "|",
    "^", "~",
];

/// Errors after which a file is not worth reading on: it is no mojom.
const ENOUGH_ERRORS: usize = 100;

/// What a file consists of.
#[derive(Debug, Default)]
pub(crate) struct Lexed {
    /// At least one; the last one is [`Kind::End`].
    pub(crate) tokens: Vec<Token>,
    /// All documentation comments, also those that stand before no token of their own.
    pub(crate) docs: Vec<Span>,
    pub(crate) errors: Vec<Diagnostic>,
}

/// Splits `source` into tokens.
///
/// What is no token is reported and left out, so that the parser sees the rest.
pub(crate) fn tokens(source: &SharedSource) -> Lexed {
    let mut lexer = Lexer { source, at: 0, doc: None, doc_of_previous: None, out: Lexed::default() };
    while lexer.at < source.text.len() && lexer.out.errors.len() < ENOUGH_ERRORS {
        lexer.step();
    }
    let end = source.text.trim_end().len();
    lexer.at = end;
    lexer.push(Kind::End, 0);
    lexer.out
}

struct Lexer<'a> {
    source: &'a SharedSource,
    at: usize,
    doc: Option<Span>,
    doc_of_previous: Option<Span>,
    out: Lexed,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.source.text[self.at..]
    }

    /// Reports what lies between `start` and here.
    fn error(&mut self, code: Code, start: usize, message: impl Into<String>) -> &mut Diagnostic {
        let span = Span { start, end: self.at };
        self.out.errors.push(Diagnostic::new(code, self.source, span, message));
        self.out.errors.last_mut().expect("one was pushed")
    }

    /// As [`Self::error`], and leaves a token where a good one would be.
    fn garbled(&mut self, code: Code, length: usize, message: impl Into<String>) {
        let start = self.at;
        self.push(Kind::Garbled, length);
        self.error(code, start, message);
    }

    fn push(&mut self, kind: Kind, length: usize) {
        let span = Span { start: self.at, end: self.at + length };
        self.at += length;
        let (doc, doc_of_previous) = (self.doc.take(), self.doc_of_previous.take());
        self.out.tokens.push(Token { kind, span, doc, doc_of_previous });
    }

    /// Consumes one token, comment or stretch of white space.
    fn step(&mut self) {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return };
        if first == '\u{feff}' && self.at == 0 {
            self.at += first.len_utf8();
        } else if matches!(first, ' ' | '\t' | '\r' | '\n') {
            self.at += 1;
        } else if rest.starts_with("//") {
            self.line_comment();
        } else if rest.starts_with("/*") {
            self.block_comment();
        } else if first.is_ascii_alphabetic() || first == '_' {
            let length = word(rest);
            let kind = if KEYWORDS.contains(&&rest[..length]) { Kind::Keyword } else { Kind::Name };
            self.push(kind, length);
        } else if first.is_ascii_digit()
            || (first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit()))
        {
            self.number();
        } else if first == '"' {
            self.string();
        } else if first == '@' {
            self.ordinal();
        } else if rest.starts_with("::") {
            // What is meant is clear, so the parser need not stumble.
            let start = self.at;
            self.push(Kind::Punctuation("."), 2);
            let error = self.error(Code::IllegalCharacter, start, "`::` has no meaning here");
            let span = Span { start, end: start + 2 };
            *error = error.clone().replace(span, ".", "the parts of a name are separated by `.`");
        } else if let Some(mark) = PUNCTUATION.iter().find(|mark| rest.starts_with(**mark)) {
            self.push(Kind::Punctuation(mark), mark.len());
        } else {
            self.illegal(first);
        }
    }

    /// Characters without meaning, as many as there are in a row.
    fn illegal(&mut self, first: char) {
        let (start, rest) = (self.at, self.rest());
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = if first.is_alphanumeric() {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        self.at += length;
        let help = match first {
            '#' => Some("there is no preprocessor; comments begin with `//`"),
            '\'' => Some("strings are in double quotes"),
            _ => None,
        };
        let shown: String = rest[..length].chars().take(20).flat_map(char::escape_debug).collect();
        let error = self.error(Code::IllegalCharacter, start, format!("`{shown}` has no meaning here"));
        if let Some(help) = help {
            *error = error.clone().help(help);
        }
        if first == '#' {
            // What a C programmer would write there is a line of its own.
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    fn line_comment(&mut self) {
        let (start, rest) = (self.at, self.rest());
        self.at += rest.find('\n').unwrap_or(rest.len());
        let is_doc = rest.starts_with("///") && !rest.starts_with("////");
        let is_inner = rest.starts_with("//!");
        if !is_doc && !is_inner {
            return;
        }
        let span = Span { start, end: self.at };
        if rest[3..].starts_with('<') {
            self.doc_of_previous = Some(span);
            return;
        }
        let text = &self.source.text;
        match (&mut self.doc, self.out.docs.last_mut()) {
            // Lines that follow each other are one comment.
            (Some(doc), Some(last))
                if text[doc.start..].starts_with("//") && text[doc.end..start].trim().is_empty() =>
            {
                doc.end = span.end;
                last.end = span.end;
            }
            _ => {
                self.doc = Some(span);
                self.out.docs.push(span);
            }
        }
    }

    fn block_comment(&mut self) {
        let (start, rest) = (self.at, self.rest());
        let Some(length) = rest[2..].find("*/").map(|at| at + 4) else {
            self.at += 2;
            self.error(Code::UnterminatedComment, start, "the comment does not end; `*/` is missing");
            self.at = self.source.text.len();
            return;
        };
        self.at += length;
        // `/**/` and rules of asterisks are decoration.
        let is_doc =
            (rest.starts_with("/**") && !rest.starts_with("/***") || rest.starts_with("/*!")) && length > 4;
        if is_doc {
            let span = Span { start, end: self.at };
            if rest[3..].starts_with('<') {
                self.doc_of_previous = Some(span);
                return;
            }
            self.doc = Some(span);
            self.out.docs.push(span);
        }
    }

    fn number(&mut self) {
        let rest = self.rest();
        let body = &rest[..number_length(rest)];
        let after = &rest[body.len()..];
        if after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
            let length = body.len() + word_or_digits(after);
            let text: String = rest[..length].chars().take(40).collect();
            self.garbled(
                Code::BadNumber,
                length,
                format!("`{text}` is no number; suffixes and other bases do not exist"),
            );
            return;
        }
        let hex = body.get(..2).filter(|prefix| prefix.eq_ignore_ascii_case("0x"));
        let kind = match hex {
            Some(_) => {
                u64::from_str_radix(&body[2..], 16).ok().map(|value| Kind::Integer { value, hex: true })
            }
            None if body.contains(['.', 'e', 'E']) => {
                body.parse().ok().filter(|value: &f64| value.is_finite()).map(Kind::Float)
            }
            None if body.len() > 1 && body.starts_with('0') => {
                let message = "a number does not start with 0; octal numbers do not exist";
                self.garbled(Code::BadNumber, body.len(), message);
                return;
            }
            None => body.parse().ok().map(|value| Kind::Integer { value, hex: false }),
        };
        match kind {
            Some(kind) => self.push(kind, body.len()),
            None => {
                let what = if body.len() == 2 { "has no digits" } else { "is too large" };
                let text: String = body.chars().take(40).collect();
                self.garbled(Code::BadNumber, body.len(), format!("the number `{text}` {what}"));
            }
        }
    }

    fn string(&mut self) {
        let (start, rest) = (self.at, self.rest());
        let mut value = String::new();
        let mut chars = rest.char_indices().skip(1).peekable();
        let mut bad_escape = None;
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    match bad_escape {
                        None => self.push(Kind::String(value), at + 1),
                        Some((escape, message)) => {
                            self.push(Kind::Garbled, at + 1);
                            let span = Span { start: start + escape, end: start + escape + 2 };
                            self.out.errors.push(Diagnostic::new(
                                Code::BadEscape,
                                self.source,
                                span,
                                message,
                            ));
                        }
                    }
                    return;
                }
                '\n' => break,
                '\\' => match escape(&rest[at + 1..]) {
                    Ok((c, length)) => {
                        value.push(c);
                        while chars.peek().is_some_and(|(next, _)| *next < at + 1 + length) {
                            chars.next();
                        }
                    }
                    Err(message) => {
                        bad_escape = bad_escape.or(Some((at, message)));
                        if !matches!(chars.peek(), Some((_, '\n'))) {
                            chars.next();
                        }
                    }
                },
                c => value.push(c),
            }
        }
        let line = rest.find('\n').map_or(rest, |end| &rest[..end]);
        // What closes the statement is hardly meant to be a part of it.
        let length = line.trim_end().trim_end_matches([';', ',', ')', '}', ' ']).len().max(1);
        self.garbled(Code::UnterminatedString, length, "the string does not end on its line");
    }

    fn ordinal(&mut self) {
        let rest = self.rest();
        let digits = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
        let text = &rest[1..=digits];
        match text.parse::<u32>() {
            Ok(value) if word(&rest[1..]) == digits && (digits == 1 || !text.starts_with('0')) => {
                self.push(Kind::Ordinal(value), digits + 1)
            }
            _ => {
                let length = 1 + word_or_digits(&rest[1..]).max(digits);
                let message = "an ordinal is `@` and a decimal number of at most 32 bits";
                self.garbled(Code::BadOrdinal, length, message);
            }
        }
    }
}

/// Bytes of the identifier that `text` starts with.
fn word(text: &str) -> usize {
    text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count()
}

fn word_or_digits(text: &str) -> usize {
    text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')).count()
}

/// Bytes of the number that `text` starts with.
fn number_length(text: &str) -> usize {
    let digits = |from: usize| text[from..].bytes().take_while(u8::is_ascii_digit).count();
    if text.starts_with("0x") || text.starts_with("0X") {
        return 2 + text[2..].bytes().take_while(u8::is_ascii_hexdigit).count();
    }
    let mut length = digits(0);
    if text[length..].starts_with('.') {
        length += 1 + digits(length + 1);
    }
    if text[length..].starts_with(['e', 'E']) {
        let sign = usize::from(text[length + 1..].starts_with(['+', '-']));
        let exponent = digits(length + 1 + sign);
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    length
}

/// The character that the escape sequence after a backslash stands for in C++, and its bytes.
fn escape(text: &str) -> Result<(char, usize), &'static str> {
    const UNKNOWN: &str = "this escape sequence does not exist";
    let first = text.chars().next().ok_or(UNKNOWN)?;
    let number = |digits: &str, radix: u32, length: usize| {
        let value = u32::from_str_radix(digits, radix).map_err(|_| UNKNOWN)?;
        // Beyond ASCII it would be a byte of C++, not a character.
        let c = u8::try_from(value).ok().filter(u8::is_ascii);
        c.map(|c| (char::from(c), length)).ok_or("this escape sequence is no character of ASCII")
    };
    let c = match first {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'v' => '\x0b',
        'e' => '\x1b',
        'x' => {
            let digits = text[1..].bytes().take_while(u8::is_ascii_hexdigit).count();
            return number(&text[1..=digits], 16, digits + 1);
        }
        '0'..='7' => {
            let digits = text.bytes().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
            return number(&text[..digits], 8, digits);
        }
        'u' | 'U' | 'N' => return Err("names of characters do not exist; write the character itself"),
        // C++ takes what it does not know for itself.
        'A'..='Z' | 'a'..='z' | '\\' | '"' | '\'' | '?' | '.' | '_' | '~' | '!' | '=' | '&' | '^' | '-' => {
            first
        }
        _ => return Err(UNKNOWN),
    };
    Ok((c, 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Source;

    fn lex(text: &str) -> (Vec<Kind>, Vec<String>) {
        let source = Source::new("test.mojom", text);
        let Lexed { tokens, errors, .. } = tokens(&source);
        let kinds = tokens.into_iter().map(|token| token.kind).collect();
        (kinds, errors.iter().map(|error| error.message().to_owned()).collect())
    }

    fn one(text: &str) -> Kind {
        let (mut kinds, errors) = lex(text);
        assert_eq!(errors, [""; 0], "{text}");
        assert_eq!(kinds.len(), 2, "{text}");
        kinds.remove(0)
    }

    #[test]
    fn numbers() {
        assert_eq!(one("0"), Kind::Integer { value: 0, hex: false });
        assert_eq!(one("42"), Kind::Integer { value: 42, hex: false });
        assert_eq!(one("0XfF"), Kind::Integer { value: 255, hex: true });
        assert_eq!(one("18446744073709551615"), Kind::Integer { value: u64::MAX, hex: false });
        for (text, value) in [("1.5", 1.5), (".5", 0.5), ("5.", 5.0), ("1e3", 1000.0), ("1.5e-3", 0.0015)] {
            assert_eq!(one(text), Kind::Float(value));
        }
    }

    #[test]
    fn numbers_that_are_none() {
        for text in ["007", "0b11", "10u", "0x", "18446744073709551616", "1e999", "1_000", "5.e", "1.2.3x"] {
            let (_, errors) = lex(text);
            assert_eq!(errors.len(), 1, "{text}: {errors:?}");
        }
    }

    #[test]
    fn strings() {
        assert_eq!(one(r#""plain ü""#), Kind::String("plain ü".into()));
        assert_eq!(one(r#""a\n\"\\\x41\101""#), Kind::String("a\n\"\\AA".into()));
        assert_eq!(lex("\"open\n").1, ["the string does not end on its line"]);
        assert_eq!(one(r#""\d\.\e""#), Kind::String("d.\u{1b}".into()));
        assert_eq!(lex(r#""\#""#).1, ["this escape sequence does not exist"]);
        assert_eq!(lex(r#""\xff""#).1, ["this escape sequence is no character of ASCII"]);
        assert_eq!(lex(r#""\"#).1, ["the string does not end on its line"]);
        assert_eq!(lex(r#""\ü\xü\""#).1, ["the string does not end on its line"]);
    }

    #[test]
    fn comments_and_documentation() {
        let source = Source::new("test.mojom", "/* plain */ a // b\n /** about c */ c /**/ d /*** e ***/ f");
        let Lexed { tokens, errors, .. } = tokens(&source);
        assert!(errors.is_empty());
        let docs: Vec<_> =
            tokens.iter().map(|token| token.doc.map(|doc| &source.text[doc.start..doc.end])).collect();
        assert_eq!(docs, [None, Some("/** about c */"), None, None, None]);
        let source =
            Source::new("test.mojom", "/// one\n  /// two\n a /*! b */ b, /**< also b */ //// no\n c ///< c");
        let Lexed { tokens, docs, .. } = super::tokens(&source);
        let text = |span: Option<Span>| span.map(|span| &source.text[span.start..span.end]);
        assert_eq!(text(tokens[0].doc), Some("/// one\n  /// two"));
        assert_eq!(text(tokens[1].doc), Some("/*! b */"));
        assert_eq!((text(tokens[3].doc_of_previous), tokens[3].doc), (Some("/**< also b */"), None));
        assert_eq!(text(tokens[4].doc_of_previous), Some("///< c"));
        assert_eq!(docs.len(), 2);
        assert_eq!(lex("/* open").1, ["the comment does not end; `*/` is missing"]);
    }

    #[test]
    fn what_is_no_token_is_reported_and_skipped() {
        let (kinds, errors) = lex("a $ b üb @x @01");
        assert_eq!(kinds.len(), 5, "{kinds:?}");
        assert_eq!(errors.len(), 4, "{errors:?}");
        assert_eq!(errors[0], "`$` has no meaning here");
    }
}
