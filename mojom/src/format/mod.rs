//! The canonical layout of interface files.
//!
//! [`format_text`] knows the whole grammar, also what has no meaning in Rust (unions, handles and the rest), and looks
//! nothing up: names need not be known, values need not fit. What the parser cannot read is refused as the compiler
//! would, so the rest of this folder relies on braces that match and on items that end. It works on tokens and
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

use crate::diagnostic::{Code, Diagnostics, Reports, Source};
use crate::parser;
use layout::Layout;
use pieces::Piece;

/// Formats the interface in `text`, of a file called `name`.
///
/// To format what is formatted changes nothing.
///
/// ```
/// let text = "struct Size{uint32 width;uint32 height;};// in pixels\nenum E{A,B=0x2};";
/// let formatted = "struct Size {\n\tuint32 width;\n\tuint32 height;\n}; // in pixels\n\nenum E {\n\tA,\n\tB = 0x2,\n};\n";
/// assert_eq!(ringfence_mojom::format::format_text("size.mojom", text)?, formatted);
/// # Ok::<(), ringfence_mojom::Diagnostics>(())
/// ```
///
/// # Errors
/// Everything in the text that is no mojom.
pub fn format_text(name: impl AsRef<Path>, text: &str) -> Result<String, Diagnostics> {
    let source = Source::new(name.as_ref(), text);
    let mut reports = Reports::default();
    let (_file, errors) = parser::parse(&source);
    // What the dialect lacks has a layout nevertheless.
    for error in errors.into_iter().filter(|error| error.code() != Code::OutsideDialect) {
        reports.push(error);
    }
    reports.finish()?;
    let pieces = pieces::split(&source);
    let mut formatter = Formatter { pieces, next: 0, out: String::new(), is_fresh: true };
    formatter.items(Body::File, 0);
    debug_assert_eq!(formatter.next, formatter.pieces.len(), "the parser lets no other braces pass");
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
    pieces: Vec<Piece<'a>>,
    next: usize,
    out: String,
    /// Whether nothing stands in the current braces yet.
    is_fresh: bool,
}

impl<'a> Formatter<'a> {
    fn peek(&self) -> Option<&Piece<'a>> {
        self.pieces.get(self.next)
    }

    fn at(&self, mark: &str) -> bool {
        self.peek().is_some_and(|piece| piece.is(mark))
    }

    /// Everything up to the brace that ends this body, or the end of the file.
    fn items(&mut self, body: Body, depth: usize) {
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
            if self.peek().is_none_or(|piece| piece.is("}")) {
                return;
            }
            self.begin_line(depth, is_apart);
            self.item(body, depth);
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

    fn item(&mut self, body: Body, depth: usize) {
        let head = self.head(body);
        let pieces = &self.pieces[head];
        let (pieces, late) = split_late(pieces);
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
            self.block(if is_enum { Body::Enumerators } else { Body::Members }, &late, depth);
        } else {
            self.late_comments(&late);
        }
        self.end_line(depth);
    }

    fn late_comments(&mut self, comments: &[String]) {
        for comment in comments {
            self.out.push(' ');
            self.out.push_str(comment);
        }
    }

    /// Finds where the head of an item ends: before `;`, `{`, or for an enumerator `,` or `}`.
    fn head(&mut self, body: Body) -> std::ops::Range<usize> {
        let start = self.next;
        let mut depth = 0usize;
        while let Some(piece) = self.peek() {
            match piece.text {
                _ if piece.is_comment() => {}
                "(" | "[" => depth += 1,
                ")" | "]" => depth = depth.saturating_sub(1),
                "," if depth == 0 && body == Body::Enumerators => break,
                "}" => {
                    // Without a comma to stand before, comments are of no enumerator.
                    let behind = self.pieces[..self.next].iter().rev().take_while(|piece| piece.is_comment());
                    self.next -= behind.count();
                    break;
                }
                ";" | "{" => break,
                _ => {}
            }
            self.next += 1;
        }
        start..self.next
    }

    /// What is between the brace that was just written and the `;` behind the other one.
    fn block(&mut self, body: Body, late: &[String], depth: usize) {
        if self.at("}") && late.is_empty() {
            self.out.push('}');
        } else {
            self.late_comments(late);
            self.end_line(depth + 1);
            self.is_fresh = true;
            self.items(body, depth + 1);
            self.out.extend(std::iter::repeat_n('\t', depth));
            self.out.push('}');
        }
        self.is_fresh = false;
        self.next += 1;
        let start = self.next;
        while self.peek().is_some_and(Piece::is_comment) {
            self.next += 1;
        }
        let (before, late) = split_late(&self.pieces[start..self.next]);
        let late: Vec<_> = late.iter().map(|piece| piece.comment(depth)).collect();
        if !before.is_empty() {
            self.out.push(' ');
        }
        self.out.push_str(&Layout { depth, mark: ";" }.item(before));
        self.next += 1;
        self.late_comments(&late);
    }
}

/// Sets apart the comments before the mark that ends an item, which go behind it. Documentation does not: that would
/// make it the documentation of what follows.
fn split_late<'p, 'a>(pieces: &'p [Piece<'a>]) -> (&'p [Piece<'a>], &'p [Piece<'a>]) {
    let late = pieces.iter().rev().take_while(|piece| piece.is_comment() && !piece.is_doc()).count();
    pieces.split_at(pieces.len() - late)
}
