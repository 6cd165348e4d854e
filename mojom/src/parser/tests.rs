//! Grammar and recovery.

use super::*;
use crate::ast::{TypeKind, ValueKind};

fn file(text: &str) -> (File, Vec<String>) {
    let source = Source { path: "test.mojom".into(), text: text.to_owned() };
    let (file, errors) = parse(&source);
    let show =
        |error: &Error| format!("{}:{}: {}", error.line().unwrap(), error.column().unwrap(), error.message());
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
    assert!(matches!(value.kind, TypeKind::Array { length: Some(3), .. }));
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
            "2:32: nullable types are outside the dialect: ringfence has no Rust meaning for them",
            "3:13: expected an enumerator, found `7`",
            "4:1: expected a definition (const, enum, struct or interface), found `nonsense`",
            "5:20: expected `;`, found `}`",
            "6:22: expected the parameter's name, found `)`",
            "6:42: expected `;`, found `}`",
            "7:17: expected a value, found `;`",
        ]
    );
    assert_eq!(file.structs[0].fields.len(), 1);
    assert_eq!(file.enums[0].enumerators.len(), 2);
    assert_eq!(file.structs.len(), 2);
    assert_eq!(file.consts.len(), 1);
}

#[test]
fn what_the_dialect_leaves_out_is_said() {
    let outside = |text: &str, what: &str| {
        let (_, errors) = file(text);
        assert_eq!(
            errors,
            [format!("{what} outside the dialect: ringfence has no Rust meaning for them")],
            "{text}"
        );
    };
    outside("union U { uint8 a; };", "1:1: unions are");
    outside("feature F { const bool x = true; };", "1:1: features are");
    outside("[x] struct S;", "1:12: structs without a body ([Native]) are");
    outside("enum E;", "1:6: enums without a body ([Native]) are");
    outside("struct S { handle<shared_buffer> h; };", "1:12: handles are");
    outside("struct S { pending_remote<I> h; };", "1:12: interfaces as values are");
    outside("struct S { associated I h; };", "1:12: associated interfaces are");
    outside("struct S { uint8 h = default; };", "1:22: `default` values are");
    outside("[EnableIf=x] struct S { uint8 h; };", "1:2: [EnableIf] attributes are");
}

#[test]
fn deep_nesting_ends_in_an_error() {
    let text = format!("struct S {{ {}uint8{} x; }};", "array<".repeat(5000), ">".repeat(5000));
    assert_eq!(file(&text).1, ["1:114: arrays and maps nest more than 16 deep"]);
}
