//! Spaces and line breaks within one item.

use super::pieces::{Kind, Piece};

/// Columns of a line, with tabs of [`TAB`].
const WIDTH: usize = 80;
const TAB: usize = 8;

/// Lays out the head of an item: all up to the mark that ends it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout<'m> {
    /// Tabs before the item.
    pub(super) depth: usize,
    /// What ends the item.
    pub(super) mark: &'m str,
}

/// Pieces in a row.
struct Text {
    text: String,
    /// Whether the line has to end here.
    ends_line: bool,
}

impl Layout<'_> {
    /// The item with its mark, without the tabs before it.
    pub(super) fn item(self, pieces: &[Piece<'_>]) -> String {
        let all = self.join(pieces, &"\t".repeat(self.depth + 1));
        let line = self.with_mark(all, &"\t".repeat(self.depth));
        let fits = !line.contains('\n') && self.depth * TAB + line.chars().count() <= WIDTH;
        if fits {
            return line;
        }
        // What is no method, and what only looks like one, is one line however long it is.
        self.method(pieces).unwrap_or(line)
    }

    fn with_mark(self, text: Text, indent: &str) -> String {
        let Text { mut text, ends_line } = text;
        if ends_line {
            text.push('\n');
            text.push_str(indent);
            text.push_str(self.mark.trim_start());
        } else {
            text.push_str(self.mark);
        }
        text
    }

    /// A method over several lines: parameters below each other, results on a line of their own.
    fn method(self, pieces: &[Piece<'_>]) -> Option<String> {
        if value(pieces) < pieces.len() {
            return None;
        }
        let open = pieces.iter().position(|piece| piece.is("("))?;
        let arrow = pieces.iter().position(|piece| piece.is("=>")).unwrap_or(pieces.len());
        let (call, results) = pieces.split_at(arrow);
        let mut text = self.list(call, open, self.depth * TAB);
        if !results.is_empty() {
            let open = results.iter().position(|piece| piece.is("("))?;
            let indent = "\t".repeat(self.depth + 1);
            let results = self.list(results, open, (self.depth + 1) * TAB);
            text.text = format!("{}\n{indent}{}", text.text, results.text);
            text.ends_line = results.ends_line;
        }
        Some(self.with_mark(text, &"\t".repeat(self.depth)))
    }

    /// What stands before a list in parentheses, the list, and what stands behind it; begins in `column`.
    fn list(self, pieces: &[Piece<'_>], open: usize, column: usize) -> Text {
        let close = pieces.iter().rposition(|piece| piece.is(")")).unwrap_or(pieces.len());
        let before = self.join(&pieces[..=open], &"\t".repeat(self.depth + 1)).text;
        let start = width(&before, column);
        let indent = "\t".repeat(start / TAB) + &" ".repeat(start % TAB);
        let mut text = Text { text: before, ends_line: false };
        let mut column = start;
        for (index, element) in elements(&pieces[open + 1..close]).into_iter().enumerate() {
            let item = self.join(element, &indent);
            let first = item.text.lines().next().unwrap_or_default().chars().count();
            // A comma or what ends the method comes behind it.
            let fits = column + 1 + first < WIDTH;
            let begins_line =
                element.first().is_some_and(|piece| piece.is_comment() && piece.lines_before > 0);
            if text.ends_line || (index > 0 && (begins_line || !fits)) {
                text.text.push('\n');
                text.text.push_str(&indent);
                column = start;
            } else if index > 0 {
                text.text.push(' ');
                column += 1;
            }
            text.text.push_str(&item.text);
            text.ends_line = item.ends_line;
            column = width(&item.text, column);
        }
        if text.ends_line {
            text.text.push('\n');
            text.text.push_str(&indent);
        }
        let after = self.join(&pieces[close..], &"\t".repeat(self.depth + 1));
        Text { text: text.text + &after.text, ends_line: after.ends_line }
    }

    /// Pieces in one line, which only comments can break; `indent` then begins the next one.
    fn join(self, pieces: &[Piece<'_>], indent: &str) -> Text {
        let mut out = Text { text: String::new(), ends_line: false };
        let mut brackets = 0usize;
        let value = value(pieces);
        let signs = signs(&pieces[value..]);
        for (index, piece) in pieces.iter().enumerate() {
            let previous = index.checked_sub(1).map(|index| &pieces[index]);
            let has_space = |previous: &Piece<'_>| match index.checked_sub(value + 1) {
                Some(before) => has_space_in_value(previous, piece, signs[before]),
                None => has_space(previous, piece, brackets > 0),
            };
            if out.ends_line {
                out.text.push('\n');
                out.text.push_str(indent);
            } else if previous.is_some_and(has_space) {
                out.text.push(' ');
            }
            match piece.kind {
                Kind::Token => out.text.push_str(piece.text),
                _ => out.text.push_str(&piece.comment(self.depth)),
            }
            out.ends_line = piece.kind == Kind::Line;
            brackets += usize::from(piece.is("["));
            brackets = brackets.saturating_sub(usize::from(piece.is("]")));
        }
        out
    }
}

/// Where the value of a constant, field or enumerator begins: at the `=` that is in no attribute.
fn value(pieces: &[Piece<'_>]) -> usize {
    let mut brackets = 0usize;
    let is_value = |piece: &Piece<'_>| {
        brackets += usize::from(piece.is("["));
        brackets = brackets.saturating_sub(usize::from(piece.is("]")));
        brackets == 0 && piece.is("=")
    };
    pieces.iter().position(is_value).unwrap_or(pieces.len())
}

/// Which pieces of a value are signs of what follows, not operators between two operands.
fn signs(value: &[Piece<'_>]) -> Vec<bool> {
    let mut is_operand_due = true;
    let is_sign = |piece: &Piece<'_>| {
        if piece.is_comment() {
            return false;
        }
        let is_sign = is_operand_due && matches!(piece.text, "+" | "-" | "~");
        is_operand_due =
            matches!(piece.text, "=" | "(" | "+" | "-" | "*" | "/" | "%" | "<" | ">" | "&" | "|" | "^" | "~");
        is_sign
    };
    value.iter().map(is_sign).collect()
}

/// The column behind `text` that begins in `column`.
fn width(text: &str, column: usize) -> usize {
    let (line, start) = text.rsplit_once('\n').map_or((text, column), |(_, line)| (line, 0));
    line.chars().fold(start, |column, c| if c == '\t' { (column / TAB + 1) * TAB } else { column + 1 })
}

/// The elements of a list, each with its comma and the comments that belong to it.
fn elements<'p, 'a>(pieces: &'p [Piece<'a>]) -> Vec<&'p [Piece<'a>]> {
    let mut elements = Vec::new();
    let (mut start, mut at, mut depth) = (0, 0, 0usize);
    while at < pieces.len() {
        let piece = &pieces[at];
        at += 1;
        depth += usize::from(["[", "<", "("].into_iter().any(|mark| piece.is(mark)));
        depth = depth.saturating_sub(usize::from(["]", ">", ")"].into_iter().any(|mark| piece.is(mark))));
        if depth > 0 || !piece.is(",") {
            continue;
        }
        // A comment at the end of a line is about what is before it, any other about what follows.
        let comments =
            pieces[at..].iter().take_while(|piece| piece.is_comment() && piece.lines_before == 0).count();
        let ends_line = pieces.get(at + comments).is_none_or(|piece| piece.lines_before > 0);
        at += if ends_line { comments } else { 0 };
        elements.push(&pieces[start..at]);
        start = at;
    }
    if start < pieces.len() {
        elements.push(&pieces[start..]);
    }
    elements
}

/// Whether there is a space between two pieces of a value, the first of which may be a sign.
fn has_space_in_value(previous: &Piece<'_>, next: &Piece<'_>, is_sign: bool) -> bool {
    let is_shift = previous.text == next.text && matches!(next.text, "<" | ">");
    let is_inner = previous.is("(") || next.is(")") || previous.is(".") || next.is(".");
    !(is_sign || is_shift || is_inner)
}

/// Whether there is a space between two pieces outside of values, the second of which may be `in_attributes`.
fn has_space(previous: &Piece<'_>, next: &Piece<'_>, in_attributes: bool) -> bool {
    let before = |marks: &[&str]| marks.iter().any(|mark| next.is(mark));
    let after = |marks: &[&str]| marks.iter().any(|mark| previous.is(mark));
    let is_equals = before(&["="]) || after(&["="]);
    match () {
        () if before(&[",", ")", "]", ">", "?", "."]) || after(&["(", "[", "<", ".", "+", "-"]) => false,
        () if before(&["("]) => previous.is_comment() || after(&["=>"]),
        () if before(&["<"]) => previous.is_comment(),
        () => !(in_attributes && is_equals),
    }
}
