//! Every diagnostic, with its line and column, and what the values come to.

use std::path::Path;

use crate::config::Config;
use crate::load::Loader;
use crate::model::{Constant, Model, Type};
use crate::resolve::resolve;

/// The errors of a file that has `module ipa.test;` before `text`, in the same line.
fn errors(text: &str) -> Vec<String> {
    show(&format!("module ipa.test;\n{text}"))
}

fn show(text: &str) -> Vec<String> {
    let Err(errors) = Config::new().compile_text("test.mojom", text) else { return Vec::new() };
    let show = |error: &crate::Diagnostic| {
        format!("{}:{}: {}", error.line().unwrap_or(0), error.column().unwrap_or(0), error.message())
    };
    errors.iter().filter(|error| error.level() == crate::Level::Error).map(show).collect()
}

fn error(text: &str, expected: &str) {
    assert_eq!(errors(text), [expected], "{text}");
}

fn model(text: &str) -> Model {
    let mut loader = Loader::new(&[], &[]);
    loader.load_text(Path::new("test.mojom"), &format!("module ipa.test;\n{text}")).unwrap();
    let Loader { files, mut reports, .. } = loader;
    let model = resolve(&files, &mut reports);
    let warnings = reports.finish();
    assert!(warnings.is_ok(), "{warnings:?}");
    model
}

#[test]
fn the_module_statement() {
    assert_eq!(show("struct A { uint8 x; };"), ["1:1: the `module` statement is missing"]);
    error("module other;", "2:1: a second `module` statement");
    assert_eq!(
        show("const bool x = true; module a;"),
        ["1:22: the `module` statement belongs before everything else"]
    );
    assert_eq!(
        show("module a; const bool x = true; import \"core.mojom\";"),
        ["1:39: imports belong before the definitions"]
    );
}

#[test]
fn names_that_are_defined_twice() {
    error("struct A { uint8 x; };\nenum A { X };", "3:6: `A` is defined twice");
    error("struct A { uint8 x; };\nstruct A { uint8 x; };", "3:8: `A` is defined twice");
    error("struct A { const uint8 B = 1;\nenum B { X }; uint8 x; };", "3:6: `A.B` is defined twice");
    error("struct A { uint8 x; bool x; };", "2:26: the field `x` is defined twice");
    error("enum A { X, Y, X };", "2:16: the enumerator `X` is defined twice");
    error("interface AInterface { m(); m(); };", "2:29: the method `m` is defined twice");
    error("interface AInterface { m(uint8 a, uint8 a); };", "2:41: the parameter `a` is defined twice");
    error("interface AInterface { m() => (uint8 a, uint8 a); };", "2:47: the result `a` is defined twice");
    error("interface AInterface { m(bool a) => (bool a); };", "2:43: `a` is both a parameter and a result");
    error("[a, a] struct A { bool x; };", "2:5: the attribute `a` is repeated");
}

#[test]
fn types_that_are_unknown_or_unfit() {
    error("struct A { Foo x; };", "2:12: unknown type `Foo`");
    error("struct A { array<Foo> x; };", "2:18: unknown type `Foo`");
    error("struct A { map<uint8, array<Foo>> x; };", "2:29: unknown type `Foo`");
    error("interface AInterface { m() => (int24 x); };", "2:32: unknown type `int24`");
    error("struct E {}; struct A { E x; };", "2:25: the struct `E` is empty: there is nothing to send");
    error(
        "struct A { FrameBuffer.Plane x; };",
        "2:12: `FrameBuffer.Plane` can only be the element of an array or map",
    );
    error("const bool C = true; struct A { C x; };", "2:33: `C` is a constant, not a type");
    error(
        "interface AInterface { m(); }; struct S { AInterface x; };",
        "2:43: `AInterface` is an interface; interfaces are no values",
    );
    error(
        "struct A { map<float, bool> x; };",
        "2:16: `float` cannot be the key of a map: numbers with fractions have no total order",
    );
    error(
        "struct K { bool x; }; struct A { map<K, bool> x; };",
        "2:38: `ipa.test.K` cannot be the key of a map: structs have no order",
    );
    error("struct A { [flags] uint8 x; };", "2:13: [flags] needs an enum; this is none");
    error(
        "struct A { array<uint8, 0> x; };",
        "2:25: an array's length is a decimal number from 1 to 4294967295",
    );
    error(
        "struct A { map<array<uint8>, bool> x; };",
        "2:16: a map's key is an integer, a truth value, a string or an enum",
    );
}

#[test]
fn structs_without_end() {
    error("struct A { A x; };", "2:8: the struct contains itself: A > A");
    error(
        "struct A { array<B> x; };\nstruct B { map<uint8, A> x; };",
        "2:8: the struct contains itself: A > B > A",
    );
    let chain = |last: usize| {
        let links: Vec<_> = (0..last).map(|i| format!("struct S{i} {{ S{} x; }};", i + 1)).collect();
        format!("{} struct S{last} {{ bool x; }};", links.join(" "))
    };
    assert_eq!(errors(&chain(32)), [""; 0]);
    error(&chain(33), "2:8: structs nest more than 32 deep here");
    let reversed: String = chain(33).split_inclusive("};").collect::<Vec<_>>().into_iter().rev().collect();
    assert_eq!(errors(&reversed).len(), 1);
    // Two fields each: the size doubles with every level, and must not be walked through.
    let links: Vec<_> = (0..30).map(|i| format!("struct S{i} {{ S{} x; S{} y; }};", i + 1, i + 1)).collect();
    let doubling = format!("{} struct S30 {{ uint64 x; }};", links.join(" "));
    let errors = errors(&doubling);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(
        errors[0].ends_with("the struct's 131072 bytes without its arrays exceed the limit of 65536"),
        "{errors:?}"
    );
}

#[test]
fn constants() {
    error("const uint8 A = 256;", "2:17: 256 is not in the range of `uint8`, 0 to 255");
    error("const uint32 A = -1;", "2:18: -1 is not in the range of `uint32`, 0 to 4294967295");
    error(
        "const int64 A = 0x8000000000000000;",
        "2:17: 9223372036854775808 is not in the range of `int64`, -9223372036854775808 to 9223372036854775807",
    );
    error("const uint8 A = \"a\";", "2:17: a string is no value of `uint8`");
    error("const uint8 A = true;", "2:17: the truth value true is no value of `uint8`");
    error("const uint8 A = 1.5;", "2:17: the number 1.5 is no value of `uint8`");
    error("const bool A = 1;", "2:16: the number 1 is no value of `bool`");
    error("const float A = 1e40;", "2:17: 1e40 is not in the range of `float`");
    error("struct A { bool x; }; const A B = 1;", "2:29: a constant is a number, a truth value or a string");
    error(
        "const uint8 A = B; const uint8 B = 1;",
        "2:17: no constant or enumerator `B` is defined before this",
    );
    let model = model(
        "const int8 Low = -128; const uint64 High = 0xffffffffffffffff; const int16 Copy = Low;
         struct S { const uint8 In = 7; uint8 x = In; uint8 y = S.In; }; const double D = 3;",
    );
    let values: Vec<_> =
        model.modules[0].consts.iter().map(|item| (item.name.as_str(), item.value.clone())).collect();
    let integer = |value, hex| Constant::Integer { value, hex };
    assert_eq!(
        values,
        [
            ("Low", integer(-128, false)),
            ("High", integer(u64::MAX.into(), true)),
            ("Copy", integer(-128, false)),
            ("S.In", integer(7, false)),
            ("D", Constant::Float(3.0)),
        ]
    );
    assert_eq!(model.structs[0].fields[1].default, Some(integer(7, false)));
}

#[test]
fn enums() {
    error("enum A { X = 0x100000000 };", "2:14: 4294967296 does not fit the 32 bits of an enum");
    error("enum A { X = -2147483649 };", "2:14: -2147483649 does not fit the 32 bits of an enum");
    error("enum A { X = 0xffffffff, Y };", "2:26: 4294967296 does not fit the 32 bits of an enum");
    error(
        "enum A { X = -1, Y = 0xffffffff };",
        "2:22: 4294967295 and -1, the value of `X`, are the same in 32 bits",
    );
    error("enum A { X = 1.5 };", "2:14: an enumerator's value is an integer, not the number 1.5");
    error(
        "const bool B = true; enum A { X = B };",
        "2:35: an enumerator's value is an integer, not the truth value true",
    );
    error("enum A { X = Y, Y };", "2:14: no constant or enumerator `Y` is defined before this");
    error("enum A { X }; enum B { Y = A.Z };", "2:28: the enum `A` has no `Z` here or before");
    error("enum A { X }; enum B { Y }; struct S { A x = B.Y; };", "2:46: `B.Y` is no value of `ipa.test.A`");
    error("enum A { X }; struct S { A x = 0; };", "2:32: the number 0 is no value of `ipa.test.A`");

    let model = model(
        "const uint32 Bit = 0x4;
         enum A { X, Y, Z = 5, W, Again = 5, Minus = -3, Next, FromConst = Bit, Other = A.Y, Own = Z };
         enum B { Q = A.W, Top = 0x80000000 };
         struct S { A x = Y; [flags] B y = Top; };",
    );
    let values =
        |index: usize| -> Vec<i32> { model.enums[index].enumerators.iter().map(|e| e.value).collect() };
    assert_eq!(values(0), [0, 1, 5, 6, 5, -3, -2, 4, 1, 5]);
    assert_eq!(values(1), [6, i32::MIN]);
    assert_eq!(model.enums[0].enumerators[4].alias_of, Some(2));
    assert!(model.enums[1].is_flags, "used as flags");
    assert!(matches!(model.structs[0].fields[1].ty, Type::Flags(_)));
    assert_eq!(
        model.structs[0].fields[1].default,
        Some(Constant::Enumerator { of: crate::model::EnumId(1), index: 1 })
    );
}

#[test]
fn default_values() {
    error("struct A { uint8 x = 300; };", "2:22: 300 is not in the range of `uint8`, 0 to 255");
    error(
        "struct A { array<uint8> x = 1; };",
        "2:29: a field of type `array<uint8>` cannot have a default value",
    );
    error(
        "import \"core.mojom\"; struct A { libcamera.SharedFD x = 1; };",
        "2:56: a field of type `libcamera.SharedFD` cannot have a default value",
    );
}

#[test]
fn interfaces() {
    let ipa = |methods: &str| {
        format!("interface IPAXInterface {{ {methods} }}; interface IPAXEventInterface {{ e(); }};")
    };
    assert_eq!(errors(&ipa("init(); start(); stop();")), [""; 0]);
    error(&ipa("start(); stop();"), "2:11: the method `init` is missing, which every IPA has");
    error(&ipa("init(); stop();"), "2:11: the method `start` is missing, which every IPA has");
    error(&ipa("init(); start();"), "2:11: the method `stop` is missing, which every IPA has");
    error(&ipa("init(); start(); stop(bool now);"), "2:44: `stop` has neither parameters nor results");
    error(&ipa("init(); start(); stop() => (bool ok);"), "2:44: `stop` has neither parameters nor results");
    error(
        "interface IPAXInterface { init(); start(); stop(); };",
        "2:11: the event interface `IPAXEventInterface` is missing",
    );
    error(
        "interface IPAXInterface { init(); start(); stop(); }; interface IPAXEventInterface { };",
        "2:65: `IPAXEventInterface` has no methods; at least one is needed",
    );
    assert_eq!(
        show(&format!("module x; {}", ipa("init(); start(); stop();"))),
        ["1:8: the module of an IPA is called `ipa.<name>`, not `x`"]
    );
    error(
        "interface AInterface { [async] m() => (bool x); };",
        "2:32: `m` is an [async] method and cannot have results",
    );
    assert_eq!(errors("interface AInterface { [async=false] m() => (bool x); };"), [""; 0]);
    error(
        "interface AInterface { m(); }; interface AEventInterface { e() => (bool x); };",
        "2:60: `e` is an event and cannot have results",
    );
    error(
        "interface AEventInterface { e(); };",
        "2:11: the interface `AInterface` that has these events is missing",
    );
    error("interface AInterface { };", "2:11: `AInterface` has no methods; at least one is needed");
    error(
        "interface A { m(); };",
        "2:11: `A` is neither called `<Name>Interface` nor `<Name>EventInterface`",
    );
    error(
        "interface AInterface { m(); }; interface BInterface { m(); };",
        "2:42: a file has one interface, and that is `AInterface` here",
    );
    error("interface AInterface { m(bool a = true); };", "2:33: parameters have no default values");
}

#[test]
fn names_that_rust_cannot_tell_apart() {
    error("struct A { bool aB; bool a_b; };", "2:26: `a_b` is in Rust the name of `aB` as well");
    error("struct IPAX { bool x; }; enum IpaX { Y };", "2:31: `IpaX` is in Rust the name of `IPAX` as well");
    error("const bool aB = true; const bool A_B = true;", "2:34: `A_B` is in Rust the name of `aB` as well");
    error("enum E { A_b, AB, aB };", "2:19: `aB` becomes `AB` in Rust, which is the name of `A_b` as well");
    error(
        "struct Vec { bool x; };",
        "2:8: `Vec` is in Rust the name of a type that generated code uses as well",
    );
    error("struct A { bool self; };", "2:17: `self` has no name in Rust: `self` would be left");
    error("struct A { bool _1; };", "2:17: `_1` has no name in Rust: `1` would be left");
    error("struct __ { bool x; };", "2:8: `__` has no name in Rust: `` would be left");
    error(
        "interface AInterface { asFd(); };",
        "2:24: `asFd` becomes `as_fd` in Rust, which is the name of a method of Rust's or of the proxy as well",
    );
    error(
        "struct AProxy { bool x; }; interface AInterface { m(); };",
        "2:8: `AProxy` is in Rust the name of a part of `AInterface` as well",
    );
    assert_eq!(errors("struct A { bool type; bool fn; bool async; };"), [""; 0]);
}

#[test]
fn all_errors_of_a_file_are_told_in_order() {
    let found = errors("struct A {\n Foo x;\n [flags] bool y;\n};\nconst uint8 C = 300;\nenum E { X, X };");
    assert_eq!(
        found,
        [
            "3:2: unknown type `Foo`",
            "4:3: [flags] needs an enum; this is none",
            "6:17: 300 is not in the range of `uint8`, 0 to 255",
            "7:13: the enumerator `X` is defined twice",
        ]
    );
}

#[test]
fn core_is_built_in() {
    for path in ["core.mojom", "include/libcamera/ipa/core.mojom", "./core.mojom"] {
        let text = format!(
            "import \"{path}\"; import \"core.mojom\";
             struct A {{ libcamera.Size s; array<libcamera.IPABuffer> b; libcamera.SharedFD fd; array<FrameBuffer.Plane> p; }};"
        );
        assert_eq!(errors(&text), [""; 0]);
    }
    error("import \"nothing.mojom\";", "2:8: `nothing.mojom` is in none of the include directories");
}
