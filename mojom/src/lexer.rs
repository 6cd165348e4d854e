//! Text into tokens.

use crate::diagnostic::{Error, Source, Span};

/// One token and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
    /// The documentation comment before it, markers and all.
    pub(crate) doc: Option<Span>,
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
    Ordinal,
    /// A single character, or `=>`.
    Punctuation(&'static str),
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

const PUNCTUATION: [&str; 16] =
    ["=>", "(", ")", "[", "]", "{", "}", "<", ">", ";", ",", ".", "=", "?", "+", "-"];

/// Errors after which a file is not worth reading on: it is no mojom.
const ENOUGH_ERRORS: usize = 20;

/// What a file consists of.
#[derive(Debug, Default)]
pub(crate) struct Lexed {
    /// At least one; the last one is [`Kind::End`].
    pub(crate) tokens: Vec<Token>,
    /// All documentation comments, also those that stand before no token of their own.
    pub(crate) docs: Vec<Span>,
    pub(crate) errors: Vec<Error>,
}

/// Splits `source` into tokens.
///
/// What is no token is reported and left out, so that the parser sees the rest.
pub(crate) fn tokens(source: &Source) -> Lexed {
    let mut lexer = Lexer { source, at: 0, doc: None, out: Lexed::default() };
    while lexer.at < source.text.len() && lexer.out.errors.len() < ENOUGH_ERRORS {
        lexer.step();
    }
    let end = Span { start: source.text.trim_end().len(), end: source.text.trim_end().len() };
    lexer.out.tokens.push(Token { kind: Kind::End, span: end, doc: None });
    lexer.out
}

struct Lexer<'a> {
    source: &'a Source,
    at: usize,
    doc: Option<Span>,
    out: Lexed,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.source.text[self.at..]
    }

    fn error(&mut self, start: usize, message: impl Into<String>) {
        let span = Span { start, end: self.at };
        self.out.errors.push(Error::new(self.source, span, message));
    }

    fn push(&mut self, kind: Kind, length: usize) {
        let span = Span { start: self.at, end: self.at + length };
        self.at += length;
        self.out.tokens.push(Token { kind, span, doc: self.doc.take() });
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
            self.at += rest.find('\n').unwrap_or(rest.len());
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
        } else if let Some(mark) = PUNCTUATION.iter().find(|mark| rest.starts_with(**mark)) {
            self.push(Kind::Punctuation(mark), mark.len());
        } else {
            let start = self.at;
            self.at += first.len_utf8();
            self.error(start, format!("`{}` has no meaning here", first.escape_default()));
        }
    }

    fn block_comment(&mut self) {
        let (start, rest) = (self.at, self.rest());
        let Some(length) = rest[2..].find("*/").map(|at| at + 4) else {
            self.at += 2;
            self.error(start, "the comment does not end; `*/` is missing");
            self.at = self.source.text.len();
            return;
        };
        self.at += length;
        // `/**/` and rules of asterisks are decoration.
        if rest.starts_with("/**") && !rest.starts_with("/***") && length > 4 {
            let span = Span { start, end: self.at };
            self.doc = Some(span);
            self.out.docs.push(span);
        }
    }

    fn number(&mut self) {
        let (start, rest) = (self.at, self.rest());
        let body = &rest[..number_length(rest)];
        let after = &rest[body.len()..];
        if after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
            self.at += body.len() + word_or_digits(after);
            let text = &rest[..self.at - start];
            self.error(start, format!("`{text}` is no number; suffixes and other bases do not exist"));
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
                self.at += body.len();
                self.error(start, "a number does not start with 0; octal numbers do not exist");
                return;
            }
            None => body.parse().ok().map(|value| Kind::Integer { value, hex: false }),
        };
        match kind {
            Some(kind) => self.push(kind, body.len()),
            None => {
                self.at += body.len();
                let what = if body.len() == 2 { "has no digits" } else { "is too large" };
                self.error(start, format!("the number `{body}` {what}"));
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
                        Some(escape) => {
                            self.at = start + escape;
                            self.error(start + escape, "this escape sequence does not exist");
                            self.at = start + at + 1;
                        }
                    }
                    return;
                }
                '\n' => break,
                '\\' => match escape(&rest[at + 1..]) {
                    Some((c, length)) => {
                        value.push(c);
                        while chars.peek().is_some_and(|(next, _)| *next < at + 1 + length) {
                            chars.next();
                        }
                    }
                    None => {
                        bad_escape = bad_escape.or(Some(at));
                        chars.next();
                    }
                },
                c => value.push(c),
            }
        }
        self.at += rest.find('\n').unwrap_or(rest.len());
        self.error(start, "the string does not end on its line");
    }

    fn ordinal(&mut self) {
        let (start, rest) = (self.at, self.rest());
        let digits = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
        let text = &rest[1..=digits];
        if text.parse::<u32>().is_ok() && (digits == 1 || !text.starts_with('0')) {
            self.push(Kind::Ordinal, digits + 1);
        } else {
            self.at += digits + 1;
            self.error(start, "an ordinal is `@` and a decimal number of at most 32 bits");
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

/// The character that the escape sequence after a backslash stands for, and its bytes.
fn escape(text: &str) -> Option<(char, usize)> {
    let first = text.chars().next()?;
    let simple = |c| Some((c, 1));
    match first {
        'n' => simple('\n'),
        't' => simple('\t'),
        'r' => simple('\r'),
        'a' => simple('\x07'),
        'b' => simple('\x08'),
        'f' => simple('\x0c'),
        'v' => simple('\x0b'),
        '\\' | '"' | '\'' | '?' => simple(first),
        'x' => {
            let digits = text[1..].bytes().take(2).take_while(u8::is_ascii_hexdigit).count();
            let value = u8::from_str_radix(&text[1..=digits], 16).ok()?;
            // Beyond ASCII it would be a byte of C++, not a character.
            value.is_ascii().then_some((char::from(value), digits + 1))
        }
        '0'..='7' => {
            let digits = text.bytes().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
            let value = u8::from_str_radix(&text[..digits], 8).ok()?;
            value.is_ascii().then_some((char::from(value), digits))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lex(text: &str) -> (Vec<Kind>, Vec<String>) {
        let source = Source { path: "test.mojom".into(), text: text.to_owned() };
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
        assert_eq!(lex(r#""\q""#).1, ["this escape sequence does not exist"]);
        assert_eq!(lex(r#""\"#).1, ["the string does not end on its line"]);
        assert_eq!(lex(r#""\ü\xü\""#).1, ["the string does not end on its line"]);
    }

    #[test]
    fn comments_and_documentation() {
        let source = Source {
            path: "test.mojom".into(),
            text: "/* plain */ a // b\n /** about c */ c /**/ d /*** e ***/ f".to_owned(),
        };
        let Lexed { tokens, errors, .. } = tokens(&source);
        assert!(errors.is_empty());
        let docs: Vec<_> =
            tokens.iter().map(|token| token.doc.map(|doc| &source.text[doc.start..doc.end])).collect();
        assert_eq!(docs, [None, Some("/** about c */"), None, None, None]);
        assert_eq!(lex("/* open").1, ["the comment does not end; `*/` is missing"]);
    }

    #[test]
    fn what_is_no_token_is_reported_and_skipped() {
        let (kinds, errors) = lex("a # b ü @x @01");
        assert_eq!(kinds.len(), 4, "{kinds:?}");
        assert_eq!(errors.len(), 4, "{errors:?}");
        assert_eq!(errors[0], "`#` has no meaning here");
    }
}
