//! Text that is made to exhaust the compiler: it answers with diagnostics, in bounded memory, and comes to an end.

use std::sync::mpsc;
use std::time::Duration;

use ringfence_mojom::{Code, Diagnostics, configure};

/// Beyond this the compiler hangs; it is no measure of its speed.
const WATCHDOG: Duration = Duration::from_secs(120);

/// All diagnostics of a file, from a thread with the stack that threads have.
fn check(text: String) -> Diagnostics {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let checked = configure().check_text("hostile.mojom", &format!("module hostile;\n{text}"));
        let all = checked.map_or_else(|all| all, |checked| checked.warnings);
        // Rendering is a part of it.
        let length = all.to_string().len() + all.to_json_lines().len();
        sender.send((all, length)).unwrap();
    });
    let (all, length) = receiver.recv_timeout(WATCHDOG).expect("the compiler neither panics nor hangs");
    assert!(length < 64 << 20, "{length} bytes of diagnostics");
    all
}

fn codes(text: String) -> Vec<Code> {
    check(text).iter().map(|diagnostic| diagnostic.code()).collect()
}

#[test]
fn nesting_is_limited_with_a_diagnostic() {
    const DEPTH: usize = 50_000;
    for (open, close) in [("array<", ">"), ("map<uint8, ", ">"), ("map<", ", uint8>")] {
        let text = format!("struct A {{ {}uint8{} x; }};", open.repeat(DEPTH), close.repeat(DEPTH));
        assert_eq!(codes(text), [Code::NestingLimit], "{open}");
    }
    for open in ["(", "-", "~", "+", "(-", "1+(", "1<<("] {
        let text = format!("const uint8 A = {}1;", open.repeat(DEPTH));
        assert_eq!(codes(text), [Code::NestingLimit], "{open}");
    }
    assert_eq!(codes(format!("const uint8 A = 1{};", "*1".repeat(DEPTH))), [Code::NestingLimit]);
}

#[test]
fn brackets_without_end_are_no_matter_how_many() {
    for open in
        ["{", "[", "(", "<", "[[", "struct A {", "enum A {", "interface A {", "interface A { m(", "[a=("]
    {
        let all = check(open.repeat(20_000));
        assert!(all.errors() > 0 && all.as_slice().len() <= 600, "{open}: {}", all.as_slice().len());
    }
    for close in ["}", "]", ")", ">", ";", "};", ","] {
        assert!(check(close.repeat(20_000)).errors() > 0, "{close}");
    }
}

#[test]
fn errors_are_told_up_to_a_limit() {
    let found = codes("struct A { Nothing x; };\n".repeat(5_000));
    assert!(found.len() <= 500, "{}", found.len());
    assert!(found.contains(&Code::TooManyErrors));
    assert!(check("\u{1F600}".repeat(10_000)).as_slice().len() <= 600);
    assert!(check("\"\n".repeat(10_000)).as_slice().len() <= 600);
}

#[test]
fn long_lines_and_long_names() {
    let long = "x".repeat(1 << 20);
    assert_eq!(codes(format!("struct A {{ {long} y; }};")), [Code::UnknownType]);
    assert_eq!(codes(format!("const uint8 A = {};", "9".repeat(1 << 20))), [Code::BadNumber]);
    assert!(!check(format!("struct A {{ {} }};", "Nothing x; ".repeat(20_000))).is_empty());
    let unknown: String = (0..2_000).map(|i| format!("struct S{i} {{ Tx{i} x; }};\n")).collect();
    assert!(!check(unknown).is_empty());
}

#[test]
fn much_of_everything() {
    let fields: String = (0..20_000).map(|i| format!("uint8 f{i}; ")).collect();
    assert_eq!(codes(format!("struct A {{ {fields} }};")), [] as [Code; 0]);
    let enumerators: String = (0..20_000).map(|i| format!("V{i}, ")).collect();
    assert_eq!(codes(format!("enum A {{ {enumerators} }};")), [] as [Code; 0]);
    let methods: String = (0..70_000).map(|i| format!("m{i}();")).collect();
    assert_eq!(codes(format!("interface AInterface {{ {methods} }};")), [Code::MethodLimit]);
    // Each struct holds two of the next: what is inside must not be walked through again and again.
    let doubling: String =
        (0..60).map(|i| format!("struct S{i} {{ array<S{}> x; array<S{0}> y; }};\n", i + 1)).collect();
    assert!(codes(format!("{doubling} struct S60 {{ uint8 x; }};")).contains(&Code::NestingLimit));
    let ring: String =
        (0..500).map(|i| format!("struct S{i} {{ array<S{}> x; }};\n", (i + 1) % 500)).collect();
    assert!(check(ring).errors() > 0);
}

#[test]
fn comments_without_end() {
    assert!(codes("/*".repeat(100_000)).contains(&Code::UnterminatedComment));
    assert_eq!(codes("/**/".repeat(100_000)), [] as [Code; 0]);
    assert_eq!(codes("/// \\ref a::b [c](d) `\n".repeat(20_000)), [] as [Code; 0]);
}
