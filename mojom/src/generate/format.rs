//! The layout of generated code.

use proc_macro2::TokenStream;

/// Formats the code under a header of comments.
pub(super) fn file(header: &str, code: TokenStream) -> Result<String, String> {
    let file = syn::parse2(code)
        .map_err(|error| format!("the generated code is no Rust ({error}); please report the interface"))?;
    Ok(format!("{header}\n{}", spaced(&prettyplease::unparse(&file))))
}

/// Sets items apart by blank lines, which prettyplease leaves out.
fn spaced(code: &str) -> String {
    let mut out = String::with_capacity(code.len() + code.len() / 16);
    let mut previous = "";
    for line in code.lines() {
        if is_gap(previous, line) {
            out.push('\n');
        }
        out.push_str(line);
        out.push('\n');
        previous = line;
    }
    out
}

/// Whether an item ends in one line and another begins in the next.
fn is_gap(previous: &str, line: &str) -> bool {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let (last, first) = (previous.trim(), line.trim());
    let begins =
        ["///", "#[", "pub ", "fn ", "impl", "mod ", "struct ", "enum ", "trait ", "static ", "type "];
    let is_doc = last.starts_with("//");
    let ends =
        !is_doc && (last == "}" || last.ends_with(';') || last.ends_with(" {}") || last.ends_with('}'));
    let both_use = first.starts_with("use ") && last.starts_with("use ");
    let begins = begins.iter().any(|word| first.starts_with(word)) && !both_use;
    let both_reexport = first.starts_with("pub use ") && last.starts_with("pub use ");
    indent(previous) == indent(line) && ends && begins && !both_reexport
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_stand_apart_and_fields_together() {
        let code = "use a;\nuse b;\npub struct A {\n    /// x\n    pub x: u8,\n    /// y\n    pub y: u8,\n}\nimpl A {\n    fn f(&self) {\n        if x {\n        }\n        g();\n    }\n    fn g() {}\n}\n";
        let expected = "use a;\nuse b;\n\npub struct A {\n    /// x\n    pub x: u8,\n    /// y\n    pub y: u8,\n}\n\nimpl A {\n    fn f(&self) {\n        if x {\n        }\n        g();\n    }\n\n    fn g() {}\n}\n";
        assert_eq!(spaced(code), expected);
    }
}
