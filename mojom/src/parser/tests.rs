//! Grammar and recovery.

use super::*;
use crate::ast::{TypeKind, ValueKind};
use crate::diagnostic::Source;

fn file(text: &str) -> (File, Vec<String>) {
    let (file, errors) = parse(&Source::new("test.mojom", text));
    let show = |error: &Diagnostic| {
        format!("{}:{}: {}", error.line().unwrap(), error.column().unwrap(), error.message())
    };
    (file, errors.iter().map(show).collect())
}

fn good(text: &str) -> File {
    let (file, errors) = file(text);
    assert_eq!(errors, [""; 0]);
    file
}

#[test]
fn everything_once() {
    let file = good(
        "module a.b;
         import \"c.mojom\";
         const uint32 Limit = 0x10;
         [scopedEnum] enum Mode { Off, On = 1, Last = Limit, };
         [hasFd] struct S {
             const int8 Low = -5;
             enum Inner { X };
             [flags] Mode modes @0 = On;
             array<map<string, array<float, 3>>> nested;
         };
         interface IPASInterface {
             init(uint32 a, [flags] Mode b) => (int32 ret);
             [async, NoInterrupt=false] go@7() => ();
         };",
    );
    assert_eq!(file.module.unwrap().text, "a.b");
    assert_eq!(file.imports[0].path, "c.mojom");
    assert_eq!(file.consts.len(), 2);
    assert_eq!(file.consts[1].scope.as_deref(), Some("S"));
    assert_eq!(file.consts[1].value.kind, ValueKind::Integer { value: -5, hex: false });
    assert_eq!(file.enums[0].enumerators.len(), 3);
    assert_eq!(file.enums[1].scope.as_deref(), Some("S"));
    let fields = &file.structs[0].fields;
    assert!(fields[0].attributes.has("flags"));
    assert_eq!(fields[0].default.as_ref().unwrap().kind, ValueKind::Name("On".into()));
    let TypeKind::Array { element, length: None } = &fields[1].ty.kind else { panic!() };
    let TypeKind::Map { value, .. } = &element.kind else { panic!() };
    assert!(matches!(value.kind, TypeKind::Array { length: Some((3, _)), .. }));
    let methods = &file.interfaces[0].methods;
    assert_eq!((methods[0].inputs.len(), methods[0].outputs.len()), (2, 1));
    assert!(methods[1].attributes.has("async"));
}

#[test]
fn documentation_finds_its_item() {
    let file = good(
        "/** \\file x.mojom\n * \\brief The file */
         module a;
         /** \\var S::late\n * \\brief From elsewhere */
         /** About S */
         struct S {
             /** About one */
             uint8 one;
             uint8 late;
         };
         /** About I */
         interface I { /** About m */ m(); };
         enum E { /** About A */ A, B };",
    );
    assert_eq!(file.structs[0].doc.0, ["About S"]);
    assert_eq!(file.structs[0].fields[0].doc.0, ["About one"]);
    assert_eq!(file.structs[0].fields[1].doc.0[1], "\\brief From elsewhere");
    assert_eq!(file.interfaces[0].methods[0].doc.0, ["About m"]);
    assert_eq!(file.enums[0].enumerators[0].doc.0, ["About A"]);
    assert_eq!(file.enums[0].enumerators[1].doc.0, [""; 0]);
    assert_eq!(file.doc.0[1], "\\brief The file");
}

#[test]
fn one_mistake_does_not_hide_the_others() {
    let (file, errors) = file(
        "module a;
struct A { uint32; uint8 fine; bool? b; };
enum E { X, 7, Y };
nonsense here { ; } ;
struct B { uint8 x };
interface I { m(uint8); n() => (uint8 r) };
const uint8 C = ;
const uint8 D = 1;",
    );
    assert_eq!(
        errors,
        [
            "2:18: expected the field's name, found `;`",
            "3:13: expected an enumerator, found `7`",
            "4:1: expected a definition (const, enum, struct or interface), found `nonsense`",
            "5:20: expected `;`, found `}`",
            "6:22: expected the parameter's name, found `)`",
            "6:42: expected `;`, found `}`",
            "7:17: expected a value, found `;`",
        ]
    );
    assert_eq!(file.structs[0].fields.len(), 2);
    assert!(file.structs[0].garbled && file.enums[0].garbled && file.interfaces[0].garbled);
    assert!(file.garbled.contains("C"));
    assert_eq!(file.enums[0].enumerators.len(), 2);
    assert_eq!(file.structs.len(), 2);
    assert_eq!(file.consts.len(), 1);
}

#[test]
fn what_is_missing_is_reported_where_it_is_missing() {
    let errors = |text: &str| file(text).1;
    assert_eq!(
        errors("struct A {\n uint8 x\n uint8 y;\n}\nstruct B {\n};"),
        ["2:9: expected `;`, found `uint8`", "4:2: expected `;`, found the keyword `struct`",]
    );
    assert_eq!(
        errors("enum A {\n X\n Y,\n Z = 1 Q\n};\nconst bool C = true;"),
        ["2:3: expected `,` or `}`, found `Y`",]
    );
    assert_eq!(errors("enum A { X; Y; Z; };"), ["1:11: expected `,` or `}`, found `;`"]);
    assert_eq!(
        errors("interface I {\n m(uint8 a\n  uint8 b);\n n(uint8);\n};"),
        ["2:11: expected `,` or `)`, found `uint8`", "4:9: expected the parameter's name, found `)`",]
    );
    assert_eq!(
        errors("interface I {\n m(uint8 a;\n n(uint8 a) => uint8 b;\n};"),
        ["2:11: expected `,` or `)`, found `;`", "3:16: expected `(`, found `uint8`",]
    );
    assert_eq!(
        errors("struct A {\n uint8 x;\n\nstruct B {\n uint8 y;\n};"),
        ["4:1: expected `}`, found the keyword `struct`",]
    );
    assert_eq!(errors("module a;\nstruct A {\n uint8 x;\n"), ["2:10: this brace is never closed"]);
    assert_eq!(errors("enum A {\n X,\n"), ["1:8: this brace is never closed"]);
    assert_eq!(
        errors("struct A { uint8 x; }; };\nstruct B {};"),
        ["1:24: expected a definition (const, enum, struct or interface), found `}`",]
    );
    assert_eq!(
        errors("[a, b struct A {};\n[ ] struct B {}; [a] [b] struct C {};"),
        ["1:7: expected `,` or `]`, found the keyword `struct`", "2:22: an item has one list of attributes",]
    );
    assert_eq!(
        errors("strct A {\n uint8 x;\n};\nstruct B {};"),
        ["1:1: expected a definition (const, enum, struct or interface), found `strct`",]
    );
}

#[test]
fn results_as_responses_are_outside_the_dialect() {
    let (file, errors) = file("interface I { m() => result<uint8, array<string>>; n(); };");
    assert_eq!(
        errors,
        ["1:22: `result` responses are outside the dialect: libcamera has no errors of methods"]
    );
    assert_eq!(file.interfaces[0].methods.len(), 2);
}

#[test]
fn words_that_are_none_do_not_spread() {
    let errors = |text: &str| file(text).1;
    assert_eq!(errors("#include \"x\"\nmodule a;"), ["1:1: `#` has no meaning here"]);
    assert_eq!(
        errors("const string A = \"open;\nconst uint8 B = 08;\nconst uint8 C = 1;"),
        [
            "1:18: the string does not end on its line",
            "2:17: a number does not start with 0; octal numbers do not exist",
        ]
    );
    assert_eq!(errors("struct A { Foo::Bar x; };"), ["1:15: `::` has no meaning here"]);
    assert_eq!(errors("struct A { uint8 x @; bool y @99999999999; };").len(), 2);
}

#[test]
fn expressions_bind_as_in_c() {
    let shown = |text: &str| {
        let file = good(&format!("const uint8 A = {text};"));
        format!("{:?}", file.consts[0].value.kind)
            .replace("Integer { value: ", "")
            .replace(", hex: false }", "")
            .replace(['\n', ' '], "")
    };
    let strip = |text: String| -> String {
        let mut out = text;
        while let Some(at) = out.find(",span:") {
            let end = out[at..].find('}').unwrap() + at;
            out.replace_range(at..=end, "");
        }
        out.replace("Value{kind:", "").replace('}', "")
    };
    assert_eq!(
        strip(shown("1 | 2 & 3 << 1 + 2 * -4")),
        "Binary(Or,(1,Binary(And,(2,Binary(ShiftLeft,(3,Binary(Add,(1,Binary(Multiply,(2,-4))))))))))"
    );
    assert_eq!(
        strip(shown("(1 - 2) - 3 >> ~1")),
        "Binary(ShiftRight,(Binary(Subtract,(Binary(Subtract,(1,2)),3)),Unary(Not,1)))"
    );
    assert_eq!(file("const uint8 A = 1 < < 2;").1, ["1:19: expected `;`, found `<`"]);
    assert_eq!(file("const uint8 A = (1;").1, ["1:19: expected `)`, found `;`"]);
}

#[test]
fn everything_of_the_grammar_is_read() {
    let file = good(
        "[JavaPackage=\"a.b\"] module a.feature;
         [EnableIfNot=x, Y=-1, Z=1.5, W=true] import \"c.mojom\";
         [Native] struct N; [Native, Other] enum M;
         union U { uint8 a @0; [x] handle<shared_buffer>? b; };
         [x] feature F { const string name = \"n\"; const bool default_state = false; };
         struct S {
             pending_remote<I>? a @0; pending_associated_receiver<a.I> b; associated I c; handle d;
             map<string?, array<uint8?, 3>?>? feature = default;
             [EnableIf=x] bool gone;
         };
         interface I { m@0(uint8 a@1) => (bool b@2); n() => (); [EnableIf=q] gone(); o([EnableIf=q] bool gone); };
         [EnableIf=x] enum Gone { A }; [EnableIf=y] const bool Gone = true; enum E { [EnableIf=x] A, B, };
         [EnableIf=z] interface Gone { const uint8 A = 1; };",
    );
    assert_eq!(file.module.unwrap().text, "a.feature");
    let foreign: Vec<_> = file.foreign.iter().map(|item| item.name.text.as_str()).collect();
    assert_eq!(foreign, ["N", "M", "U", "F"]);
    assert_eq!((file.consts.len(), file.structs.len(), file.interfaces.len()), (0, 1, 1));
    assert_eq!((file.enums.len(), file.enums[0].enumerators.len()), (1, 1));
    assert_eq!(file.structs[0].fields.len(), 5);
    let methods = &file.interfaces[0].methods;
    assert_eq!(methods.iter().map(|method| method.has_response).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(methods[2].inputs.len(), 0);
}

#[test]
fn deep_nesting_ends_in_an_error() {
    let text = format!("struct S {{ {}uint8{} x; }};", "array<".repeat(5000), ">".repeat(5000));
    assert_eq!(file(&text).1, ["1:114: arrays and maps nest more than 16 deep"]);
    for (text, column) in [
        (format!("const uint8 A = {}1{};", "(".repeat(5000), ")".repeat(5000)), 50),
        (format!("const uint8 A = {}1;", "~".repeat(5000)), 50),
    ] {
        let expected = format!("1:{column}: signs and parentheses nest more than 32 deep here");
        assert_eq!(file(&text).1, [expected]);
    }
    let chain = format!("const uint8 A = 1{};", "+1".repeat(5000));
    assert_eq!(file(&chain).1, ["1:530: more than 256 operators in one expression"]);
}
