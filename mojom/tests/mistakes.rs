//! One mistake anywhere in a good file yields one error, on its line.

use std::path::Path;

use ringfence_mojom::{Level, configure};

/// A way to break a line, if it applies to it.
type Mistake = (&'static str, fn(&str) -> Option<String>);

/// The line without one of its marks; comments are left alone.
fn without(line: &str, mark: &str, last: bool) -> Option<String> {
    let trimmed = line.trim_start();
    if trimmed.starts_with(['/', '*']) {
        return None;
    }
    let at = if last { line.rfind(mark) } else { line.find(mark) }?;
    Some(format!("{}{}", &line[..at], &line[at + mark.len()..]))
}

fn replaced(line: &str, from: &str, to: &str) -> Option<String> {
    let trimmed = line.trim_start();
    (!trimmed.starts_with(['/', '*']) && line.contains(from)).then(|| line.replacen(from, to, 1))
}

const MISTAKES: [Mistake; 24] = [
    ("no semicolon", |line| without(line, ";", true)),
    ("no opening parenthesis", |line| without(line, "(", false)),
    ("no opening brace", |line| without(line, "{", true)),
    ("no closing angle bracket", |line| without(line, ">", true).filter(|_| line.contains('<'))),
    ("no opening angle bracket", |line| without(line, "<", false)),
    ("no comma", |line| without(line, ",", false)),
    ("unknown type", |line| replaced(line, "uint32 ", "uint33 ")),
    ("misspelt core type", |line| replaced(line, "libcamera.ControlInfoMap", "libcamera.ControlInfMap")),
    ("misspelt struct keyword", |line| replaced(line, "struct ", "strct ")),
    ("misspelt interface keyword", |line| replaced(line, "interface ", "interfce ")),
    ("misspelt enum keyword", |line| replaced(line, "enum ", "enm ")),
    ("misspelt const keyword", |line| replaced(line, "const ", "cnst ")),
    ("misspelt module keyword", |line| replaced(line, "module ", "modle ")),
    ("missing import", |line| replaced(line, "core.mojom", "cor.mojom")),
    ("unquoted import", |line| replaced(line, "import \"", "import ")),
    ("open string", |line| replaced(line, "\";", ";")),
    ("a stray character", |line| replaced(line, ";", "$;")),
    ("a stray word", |line| replaced(line, ";", " and;")),
    ("octal", |line| replaced(line, "= 0x", "= 0")),
    ("no name", |line| replaced(line, "uint32 bufferId", "uint32")),
    ("a keyword as a name", |line| replaced(line, "sensorInfo", "interface")),
    ("C++ scope", |line| replaced(line, "libcamera.", "libcamera::")),
    ("no arrow", |line| without(line, "=>", false)),
    ("results of a one-way call", |line| replaced(line, "=> (int32 ret)", "=> int32 ret")),
];

#[test]
fn one_mistake_is_one_error_on_its_line() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = ["raspberrypi", "vimc"].map(|name| directory.join("../interfaces").join(name));
    let alike = ["ipu3", "rkisp1", "serialization"].map(|name| directory.join("tests/interfaces").join(name));
    let mut wrong = Vec::new();
    let mut count = 0;
    for path in names.into_iter().chain(alike) {
        let path = path.with_extension("mojom");
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (what, change) in MISTAKES {
            for (index, line) in lines.iter().enumerate() {
                let Some(broken) = change(line) else { continue };
                // The last enumerator can do without.
                if what == "no comma" && lines.get(index + 1).is_some_and(|next| next.starts_with('}')) {
                    continue;
                }
                let mut changed = lines.clone();
                changed[index] = &broken;
                count += 1;
                let errors = match configure().check_text("broken.mojom", &changed.join("\n")) {
                    Ok(_) => Vec::new(),
                    Err(all) => all
                        .iter()
                        .filter(|error| error.level() == Level::Error)
                        .map(|error| (error.line().unwrap_or(0), error.message().to_owned()))
                        .collect(),
                };
                if !matches!(errors.as_slice(), [(line, _)] if *line == index + 1) {
                    let file = path.file_name().unwrap().display().to_string();
                    wrong.push(format!("{file}:{}: {what}: `{broken}` yields {errors:?}", index + 1));
                }
            }
        }
    }
    assert!(count > 500, "{count} mistakes");
    assert!(wrong.is_empty(), "{} of {count} mistakes:\n{}", wrong.len(), wrong.join("\n"));
}
