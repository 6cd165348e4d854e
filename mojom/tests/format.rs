//! The canonical layout: what it looks like, and that nothing gets lost on the way there.

use ringfence_mojom::format::format_text;

fn format(text: &str) -> String {
    let formatted = format_text("test.mojom", text).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    assert_eq!(format_text("test.mojom", &formatted).unwrap(), formatted, "not idempotent:\n{text}");
    formatted
}

fn error(text: &str) -> (String, Option<usize>) {
    let errors = format_text("test.mojom", text).unwrap_err();
    let [error] = errors.as_slice() else { panic!("{errors}") };
    (error.message().to_owned(), error.line())
}

#[test]
fn everything_has_its_line_and_its_spaces() {
    let text = "module   a . b ;import\"core.mojom\";import \"x.mojom\";
[ Stable , MinVersion = 3 ]struct  A<  {uint8 a@0=- 5;map < string,array< uint8 , 4 > > b;};";
    let text = text.replace("A<", "A");
    let expected = "module a.b;

import \"core.mojom\";
import \"x.mojom\";

[Stable, MinVersion=3] struct A {
\tuint8 a @0 = -5;
\tmap<string, array<uint8, 4>> b;
};
";
    assert_eq!(format(&text), expected);
}

#[test]
fn the_whole_grammar_is_formatted() {
    let text = "union U{handle<message_pipe>?h;string?s@1;};[Native]struct N;[Native]enum M;enum Empty{};
feature kF{const string name=\"x\";};interface I{enum E{A,B};const int8 c=+1;
m@3(pending_remote<J>? r,associated I i)=>(uint8 x);n()=>();o()=>result< A,array<uint8> >;};";
    let expected = "union U {
\thandle<message_pipe>? h;
\tstring? s @1;
};

[Native] struct N;
[Native] enum M;

enum Empty {};

feature kF {
\tconst string name = \"x\";
};

interface I {
\tenum E {
\t\tA,
\t\tB,
\t};
\tconst int8 c = +1;
\tm @3(pending_remote<J>? r, associated I i) => (uint8 x);
\tn() => ();
\to() => result<A, array<uint8>>;
};
";
    assert_eq!(format(text), expected);
}

#[test]
fn long_methods_are_broken_at_their_results_and_then_between_parameters() {
    let text = "interface IPAXInterface {
init(libcamera.IPASettings settings, libcamera.SharedFD traceFd, IPAOperationCode code, [flags] TestFlag inFlags) => (int32 ret, [flags] TestFlag outFlags);
start(uint32 first, uint32 second, uint32 third) => (int32 ret, uint32 a);
};";
    let expected = "interface IPAXInterface {
\tinit(libcamera.IPASettings settings, libcamera.SharedFD traceFd,
\t     IPAOperationCode code, [flags] TestFlag inFlags)
\t\t=> (int32 ret, [flags] TestFlag outFlags);
\tstart(uint32 first, uint32 second, uint32 third)
\t\t=> (int32 ret, uint32 a);
};
";
    assert_eq!(format(text), expected);
}

#[test]
fn comments_stay_with_what_they_are_about() {
    let text = "/* licence */

// about the module
module a; // behind it


/**
   * \\brief About the struct
       */
struct A { // behind the brace
   // before the field
\t\tuint8 a /* late */; /* behind */

   /* alone
      as written */

   uint8 /* within */ b;
   // at the end
   };
enum E { A, // first
 B // second
 // at the end
 }; // behind
// last";
    let expected = "/* licence */

// about the module
module a; // behind it

/**
 * \\brief About the struct
 */
struct A { // behind the brace
\t// before the field
\tuint8 a; /* late */ /* behind */

\t/* alone
      as written */

\tuint8 /* within */ b;
\t// at the end
};

enum E {
\tA, // first
\tB, // second
\t// at the end
}; // behind
// last
";
    assert_eq!(format(text), expected);
}

#[test]
fn comments_between_parameters_end_their_lines() {
    let text = "interface I { m(uint8 a, // first
 uint8 b, /* third */ uint8 c // last
 ) => (
 // only
 bool d); };";
    let expected = "interface I {
\tm(uint8 a, // first
\t  uint8 b, /* third */ uint8 c // last
\t  )
\t\t=> (// only
\t\t    bool d);
};
";
    assert_eq!(format(text), expected);
}

#[test]
fn documentation_stays_before_its_subject() {
    let text = "struct A { uint8 a /** of b */; uint8 b /// of c
; uint8 c; } /** of D */ /* late */ ; struct D {}; enum E { X /** of nothing */ };";
    let expected = "struct A {
\tuint8 a /** of b */;
\tuint8 b /// of c
\t;
\tuint8 c;
} /** of D */; /* late */

struct D {};

enum E {
\tX, /** of nothing */
};
";
    assert_eq!(format(text), expected);
}

#[test]
fn operators_stand_apart_and_signs_do_not() {
    let text =
        "const int32 A=1<<2|~3&-(4+- 5 )* -B . C>>1%2;const array<array<uint8>>x=1;enum E{F=1<<0,G=F|1<<1};
[a=-5]struct S{int8 x=- 1;float y=+.5;};";
    let expected = "const int32 A = 1 << 2 | ~3 & -(4 + -5) * -B.C >> 1 % 2;
const array<array<uint8>> x = 1;

enum E {
\tF = 1 << 0,
\tG = F | 1 << 1,
};

[a=-5] struct S {
\tint8 x = -1;
\tfloat y = +.5;
};
";
    assert_eq!(format(text), expected);
    assert_eq!(format("const int8 A = 1 /* a */ -/* b */ 2;"), "const int8 A = 1 /* a */ - /* b */ 2;\n");
    // However long, it is one line, and no list of parameters.
    let long = format!("const int32 A = ({0} + {0}) * ({0} + {0});\n", "x".repeat(30));
    assert_eq!(format(&long), long);
}

#[test]
fn what_is_formatted_already_stays() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../interfaces");
    for name in ["core", "vimc", "raspberrypi", "bench"] {
        let text = std::fs::read_to_string(format!("{directory}/{name}.mojom")).unwrap();
        assert_eq!(format(&text), text, "{name}");
    }
    assert_eq!(format(""), "");
    assert_eq!(format("\u{feff}\r\n// a \r\n\r\n\r\n"), "// a\n");
}

#[test]
fn what_cannot_be_split_into_definitions_is_refused() {
    for (text, expected, line) in [
        ("struct A {", "this brace is never closed", 1),
        ("struct A\n{ uint8 a }\n;", "expected `;`, found `}`", 2),
        ("struct A { uint8 a; }", "expected `;`, found the end of the file", 1),
        ("module a;\n;", "expected a definition, found `;`", 2),
        ("interface I { m(uint8 a; };", "expected `,` or `)`, found `;`", 1),
        ("enum E { A; };", "expected `,` or `}`, found `;`", 1),
        ("module a) ;", "expected `;`, found `)`", 1),
        ("module a; #", "`#` has no meaning here", 1),
        ("const int8 A = 1 < < 2;", "expected `;`, found `<`", 1),
        ("const int8 A = 1;\nstruct B { a::C c; };", "`::` has no meaning here", 2),
    ] {
        assert_eq!(error(text), (expected.to_owned(), Some(line)), "{text}");
    }
}
