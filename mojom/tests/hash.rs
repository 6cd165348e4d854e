//! The interface hash: the same as long as messages mean the same.

const TEXT: &str = "module example;
enum Mode { Off, On = 4 };
struct Inner { uint8 a; bool b; };
struct Outer { array<Inner> inners; Mode mode; string name; };
interface SampleInterface { get(Outer outer) => (int32 ret); [async] put(map<uint8, Inner> inners); };
interface SampleEventInterface { done(uint32 id); };
";

fn hash(text: &str) -> String {
    let code = ringfence_mojom::configure().compile_text("sample.mojom", text).unwrap();
    let start = code.find("hash: ").unwrap() + 6;
    code[start..start + 21].to_owned()
}

fn changed(from: &str, to: &str) -> String {
    assert!(TEXT.contains(from), "{from}");
    hash(&TEXT.replacen(from, to, 1))
}

#[test]
fn it_never_changes_by_itself() {
    assert_eq!(hash(TEXT), "0x8523_1b44_d838_702c", "workers built before would be refused");
}

#[test]
fn what_shapes_no_message_leaves_no_trace() {
    let same = hash(TEXT);
    assert_eq!(hash(&TEXT.replace('\n', " /** doc */ \n\t// more\n")), same);
    assert_eq!(hash(&TEXT.replace("; ", ";")), same);
    assert_eq!(changed("uint8 a;", "uint8 a = 5;"), same);
    assert_eq!(
        changed("module example;", "module example; const uint8 C = 1; struct Unused { bool x; };"),
        same
    );
    for (from, to) in [
        ("On = 4", "On = 0x4"),
        ("On = 4", "On = 5"),
        ("On = 4", "Up = 4"),
        ("On = 4", "On = 4, Faster"),
        ("uint8 a;", "uint8 a @0;"),
        ("uint8 a;", "uint8 renamed;"),
        ("string name;", "[hasFd] string name;"),
        ("array<Inner> inners", "array<Inner, 3> inners"),
        ("get(", "fetch("),
        ("Outer outer", "Outer other"),
        ("(int32 ret)", "( int32 result )"),
        ("done(uint32 id)", "ready(uint32 number)"),
    ] {
        assert_eq!(changed(from, to), same, "{from} to {to}");
    }
    assert_eq!(hash(&TEXT.replace("Inner", "Part").replace("Mode", "Way")), same, "names of types");
    let (first, rest) = TEXT.split_at(TEXT.find("enum").unwrap());
    let (mode, rest) = rest.split_at(rest.find("struct").unwrap());
    assert_eq!(hash(&format!("{first}{rest}{mode}")), same, "the order of definitions");
}

#[test]
fn what_shapes_messages_changes_it() {
    let mut hashes = vec![hash(TEXT)];
    for (from, to) in [
        ("module example", "module other"),
        ("uint8 a; bool b", "bool b; uint8 a"),
        ("uint8 a", "int8 a"),
        ("string name;", "string name; bool more;"),
        ("Mode mode", "int32 mode"),
        ("Mode mode", "[flags] Mode mode"),
        ("map<uint8, Inner>", "map<uint16, Inner>"),
        ("map<uint8, Inner>", "map<uint8, Outer>"),
        ("[async] put", "put"),
        ("(Outer outer)", "(Outer outer, uint8 more)"),
        ("(Outer outer)", "()"),
        ("(int32 ret)", "(uint32 ret)"),
        ("done(uint32 id)", "done(uint64 id)"),
        ("done(uint32 id);", "done(uint32 id); more();"),
        ("SampleInterface", "SamplesInterface"),
    ] {
        hashes.push(changed(from, to));
    }
    let count = hashes.len();
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), count);
}
