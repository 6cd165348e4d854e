//! The canonical layout of interface files.
//!
//! [`format_text`] knows the whole grammar, also what has no meaning in Rust (unions, handles and the rest), and looks
//! nothing up: a file need not be correct to be formatted, but its braces have to match. It works on tokens and
//! comments and keeps every one of them, in order, except that each list of enumerators gets its last comma, and that
//! a comment before a `;` goes behind it.
//!
//! # The layout
//! * One tab for each pair of braces around a line. One definition, member or enumerator in a line, behind its
//!   attributes.
//! * What stands between braces begins on a line of its own; empty braces stay together.
//! * One blank line around what has braces, around the `module` statement, and between imports and constants. Other
//!   blank lines stay where they are, but only one of them.
//! * A method that does not fit 80 columns, with tabs of eight, has its results on a second line. Parameters that do
//!   not fit go on below the first one.
//! * Comments at the end of a line stay there. Others have the indentation of what follows. Lines of a comment that
//!   begin with an asterisk have their asterisks below the first one; other text in comments is left alone.

mod layout;
mod pieces;

use std::path::Path;

use crate::diagnostic::{Error, Errors, Reports, Source, Span};
use layout::Layout;
use pieces::{Kind, Piece};

/// Formats the interface in `text`, of a file called `name`.
///
/// To format what is formatted changes nothing.
///
/// ```
/// let text = "struct Size{uint32 width;uint32 height;};// in pixels\nenum E{A,B=0x2};";
/// let formatted = "struct Size {\n\tuint32 width;\n\tuint32 height;\n}; // in pixels\n\nenum E {\n\tA,\n\tB = 0x2,\n};\n";
/// assert_eq!(ringfence_mojom::format::format_text("size.mojom", text)?, formatted);
/// # Ok::<(), ringfence_mojom::Errors>(())
/// ```
///
/// # Errors
/// What keeps the text from being split into definitions: characters without meaning, braces that do not match, a
/// missing `;`.
pub fn format_text(name: impl AsRef<Path>, text: &str) -> Result<String, Errors> {
    let source = Source { path: name.as_ref().to_owned(), text: text.to_owned() };
    let mut reports = Reports::default();
    let pieces = match pieces::split(&source) {
        Ok(pieces) => pieces,
        Err(errors) => {
            errors.into_iter().for_each(|error| reports.push(error));
            Vec::new()
        }
    };
    reports.finish()?;
    let mut formatter = Formatter { source: &source, pieces, next: 0, out: String::new(), is_fresh: true };
    formatter.items(Body::File, 0)?;
    Ok(formatter.out)
}

/// What items are listed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    File,
    /// Items end in `;`.
    Members,
    /// Items are separated by `,`.
    Enumerators,
}

/// What an item is, as far as blank lines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Module,
    Import,
    Const,
    /// Has braces.
    Block,
    Other,
}

impl Sort {
    fn is_apart_from(self, previous: Self) -> bool {
        self != previous || matches!(self, Self::Block | Self::Module)
    }
}

struct Formatter<'a> {
    source: &'a Source,
    pieces: Vec<Piece<'a>>,
    next: usize,
    out: String,
    /// Whether nothing stands in the current braces yet.
    is_fresh: bool,
}

type Formatted<T> = Result<T, Error>;

impl<'a> Formatter<'a> {
    fn peek(&self) -> Option<&Piece<'a>> {
        self.pieces.get(self.next)
    }

    fn at(&self, mark: &str) -> bool {
        self.peek().is_some_and(|piece| piece.is(mark))
    }

    fn expected(&self, what: &str) -> Error {
        let end = self.source.text.trim_end().len();
        match self.peek() {
            Some(piece) => {
                Error::new(self.source, piece.span, format!("expected {what}, found `{}`", piece.text))
            }
            None => Error::new(
                self.source,
                Span { start: end, end },
                format!("expected {what}, found the end of the file"),
            ),
        }
    }

    /// Everything up to the brace that ends this body, or the end of the file.
    fn items(&mut self, body: Body, depth: usize) -> Formatted<()> {
        if depth > MAX_DEPTH {
            return Err(self.expected(&format!("at most {MAX_DEPTH} pairs of braces in each other")));
        }
        let mut previous = None;
        loop {
            let sort = self.sort_ahead();
            let mut is_apart = body == Body::File
                && previous
                    .zip(sort)
                    .is_some_and(|(previous, sort): (Sort, Sort)| sort.is_apart_from(previous));
            while self.peek().is_some_and(Piece::is_comment) {
                self.begin_line(depth, is_apart);
                is_apart = false;
                self.comments(depth);
            }
            match (self.peek(), body) {
                (None, Body::File) => return Ok(()),
                (None, _) => return Err(self.expected("`}`")),
                (Some(piece), Body::Members | Body::Enumerators) if piece.is("}") => return Ok(()),
                (Some(piece), _) if [";", ",", "}", "{"].into_iter().any(|mark| piece.is(mark)) => {
                    return Err(self.expected("a definition"));
                }
                (Some(_), _) => self.begin_line(depth, is_apart),
            }
            self.item(body, depth)?;
            previous = sort;
        }
    }

    /// What the next item is, comments left aside.
    fn sort_ahead(&self) -> Option<Sort> {
        let mut tokens = self.pieces[self.next..].iter().filter(|piece| !piece.is_comment());
        let mut brackets = 0usize;
        let first = tokens.find(|piece| {
            brackets += usize::from(piece.is("["));
            let is_attribute = brackets > 0;
            brackets = brackets.saturating_sub(usize::from(piece.is("]")));
            !is_attribute
        })?;
        match first.text {
            "}" => None,
            "module" => Some(Sort::Module),
            "import" => Some(Sort::Import),
            "const" => Some(Sort::Const),
            _ if tokens.find(|piece| piece.is("{") || piece.is(";")).is_some_and(|piece| piece.is("{")) => {
                Some(Sort::Block)
            }
            _ => Some(Sort::Other),
        }
    }

    /// Begins a line for the next piece, with a blank one before it if one is due.
    fn begin_line(&mut self, depth: usize, is_apart: bool) {
        let has_gap = self.peek().is_some_and(|piece| piece.lines_before > 1);
        if !self.is_fresh && (has_gap || is_apart) {
            self.out.push('\n');
        }
        self.is_fresh = false;
        self.out.extend(std::iter::repeat_n('\t', depth));
    }

    /// A comment on a line of its own, and others that follow it there.
    fn comments(&mut self, depth: usize) {
        self.comment(depth);
        self.end_line(depth);
    }

    fn comment(&mut self, depth: usize) {
        let text = self.pieces[self.next].comment(depth);
        self.out.push_str(&text);
        self.next += 1;
    }

    /// Ends the line, behind the comments that stand there.
    fn end_line(&mut self, depth: usize) {
        while self.peek().is_some_and(|piece| piece.is_comment() && piece.lines_before == 0) {
            self.out.push(' ');
            self.comment(depth);
        }
        self.out.push('\n');
    }

    fn item(&mut self, body: Body, depth: usize) -> Formatted<()> {
        let head = self.head(body)?;
        let pieces = &self.pieces[head];
        // Comments before the mark that ends an item go behind it, unless they are documentation: that is of
        // what follows.
        let comments = pieces.iter().rev().take_while(|piece| piece.is_comment() && !piece.is_doc()).count();
        let (pieces, late) = pieces.split_at(pieces.len() - comments);
        let late: Vec<_> = late.iter().map(|piece| piece.comment(depth)).collect();
        let is_enum = pieces.iter().find(|piece| piece.is("enum") || piece.is("(") || piece.is("<"));
        let is_enum = is_enum.is_some_and(|piece| piece.text == "enum");
        let ends_in_brace = self.at("{");
        let mark = match body {
            Body::Enumerators => ",",
            _ if ends_in_brace => " {",
            _ => ";",
        };
        self.out.push_str(&Layout { depth, mark }.item(pieces));
        // The last enumerator may have no comma to skip.
        let has_mark = [",", ";", "{"].into_iter().any(|mark| self.at(mark));
        self.next += usize::from(has_mark);
        if ends_in_brace {
            self.block(if is_enum { Body::Enumerators } else { Body::Members }, &late, depth)?;
        } else {
            self.late_comments(&late);
        }
        self.end_line(depth);
        Ok(())
    }

    fn late_comments(&mut self, comments: &[String]) {
        for comment in comments {
            self.out.push(' ');
            self.out.push_str(comment);
        }
    }

    /// Finds where the head of an item ends: before `;`, `{`, or for an enumerator `,` or `}`.
    fn head(&mut self, body: Body) -> Formatted<std::ops::Range<usize>> {
        let start = self.next;
        let mut open: Vec<&str> = Vec::new();
        while let Some(piece) = self.peek() {
            match piece.text {
                _ if piece.kind != Kind::Token => {}
                "(" => open.push(")"),
                "[" => open.push("]"),
                ")" | "]" if open.pop() == Some(piece.text) => {}
                ")" | "]" => {
                    return Err(self.expected(if body == Body::Enumerators { "`,`" } else { "`;`" }));
                }
                "," if open.is_empty() && body == Body::Enumerators => return Ok(start..self.next),
                "}" if open.is_empty() && body == Body::Enumerators => {
                    // Without a comma to stand before, comments are of no enumerator.
                    let behind = self.pieces[..self.next].iter().rev().take_while(|piece| piece.is_comment());
                    self.next -= behind.count();
                    return Ok(start..self.next);
                }
                ";" | "{" if open.is_empty() && body != Body::Enumerators => return Ok(start..self.next),
                ";" | "{" | "}" => break,
                _ => {}
            }
            self.next += 1;
        }
        Err(self.expected(match (open.last(), body) {
            (Some(&")"), _) => "`)`",
            (Some(_), _) => "`]`",
            (None, Body::Enumerators) => "`,` or `}`",
            (None, _) => "`;`",
        }))
    }

    /// What is between the brace that was just written and the `;` behind the other one.
    fn block(&mut self, body: Body, late: &[String], depth: usize) -> Formatted<()> {
        if self.at("}") && late.is_empty() {
            self.out.push('}');
        } else {
            self.late_comments(late);
            self.end_line(depth + 1);
            self.is_fresh = true;
            self.items(body, depth + 1)?;
            self.out.extend(std::iter::repeat_n('\t', depth));
            self.out.push('}');
        }
        self.is_fresh = false;
        self.next += 1;
        let mut comments = Vec::new();
        while let Some(piece) = self.peek().filter(|piece| piece.is_comment()) {
            comments.push(piece.comment(depth));
            self.next += 1;
        }
        if !self.at(";") {
            return Err(self.expected("`;`"));
        }
        self.next += 1;
        self.out.push(';');
        self.late_comments(&comments);
        Ok(())
    }
}

/// Pairs of braces in each other: the language has two.
const MAX_DEPTH: usize = 8;
