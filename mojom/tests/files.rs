//! Files: imports, what is written where, and what is said when it cannot be.

use std::path::Path;

use ringfence_mojom::{Code, Config, Diagnostics, configure};

struct Files(tempfile::TempDir);

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self(directory)
    }

    fn config(&self) -> Config {
        configure().include(self.0.path()).out_dir(self.0.path())
    }

    fn compile(&self, name: &str) -> Result<(), Diagnostics> {
        self.config().compile(&[name])
    }

    fn errors(&self, name: &str) -> Vec<String> {
        let errors = self.compile(name).unwrap_err();
        errors.as_slice().iter().map(|error| error.message().to_owned()).collect()
    }

    fn output(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.path().join(name)).unwrap()
    }
}

#[test]
fn imported_types_are_found_where_the_builder_says() {
    let files = Files::new(&[
        ("sub/types.mojom", "module shared.types; struct A { bool x; }; enum E { X };"),
        (
            "main.mojom",
            "module m; import \"./sub/types.mojom\"; import \"sub/types.mojom\"; struct B { shared.types.A a; shared.types.E e; };",
        ),
    ]);
    let error = files.compile("main.mojom").unwrap_err();
    assert_eq!(
        error.as_slice()[0].message(),
        "the types of `shared.types` have no place in Rust yet; name it with `extern_module`"
    );
    files.config().extern_module("shared.types", "crate::generated::types").compile(&["main.mojom"]).unwrap();
    let output = files.output("main.rs");
    assert!(output.contains("use crate::generated::types;"), "{output}");
    assert!(output.contains("pub a: types::A,\n"), "{output}");
    assert!(output.contains("pub a: types::wire::A,\n"), "{output}");
}

#[test]
fn only_direct_imports_are_visible() {
    let files = Files::new(&[
        ("a.mojom", "module a; struct A { bool x; };"),
        ("b.mojom", "module b; import \"a.mojom\"; struct B { a.A x; };"),
        ("c.mojom", "module c; import \"b.mojom\"; struct C { a.A x; };"),
    ]);
    let config = files.config().extern_module("b", "crate::b");
    let errors = config.compile(&["c.mojom"]).unwrap_err();
    assert_eq!(errors.as_slice()[0].code(), Code::MissingImport);
    assert!(errors.as_slice()[0].message().starts_with("`a.A` is defined in `"));
    files.config().extern_module("a", "crate::a").compile(&["b.mojom"]).unwrap();
}

#[test]
fn circles_of_imports() {
    let files = Files::new(&[
        ("a.mojom", "module a;\nimport \"b.mojom\";"),
        ("b.mojom", "module b; import \"a.mojom\";"),
        ("c.mojom", "module c; import \"c.mojom\";"),
    ]);
    assert_eq!(files.errors("a.mojom"), ["`a.mojom` imports itself, directly or through others"]);
    assert_eq!(files.errors("c.mojom"), ["`c.mojom` imports itself, directly or through others"]);
}

#[test]
fn a_file_of_ones_own_goes_before_the_built_in_core() {
    let files = Files::new(&[
        ("core.mojom", "module libcamera; struct Own { bool x; };"),
        (
            "main.mojom",
            "module m; import \"include/libcamera/ipa/core.mojom\"; struct A { libcamera.Own x; };",
        ),
    ]);
    files.compile("main.mojom").unwrap();
}

#[test]
fn files_that_cannot_be_read() {
    let files = Files::new(&[]);
    assert!(files.errors("no.mojom")[0].starts_with("there is no such file; include directories: `"));
    std::fs::write(files.0.path().join("latin.mojom"), b"module caf\xe9;").unwrap();
    assert_eq!(files.errors("latin.mojom"), ["the file is not UTF-8 after its first 10 bytes"]);
}

#[test]
fn errors_show_the_line() {
    let files = Files::new(&[("bad.mojom", "module m;\nstruct A {\n\tFoo[] x;\n\tBar y;\n};\n")]);
    let error = files.compile("bad.mojom").unwrap_err().to_string();
    let path = files.0.path().join("bad.mojom");
    let expected = format!(
        "error[syntax]: expected the field's name, found `[`\n --> {}:3:5\n  |\n3 |     Foo[] x;\n  |        ^ expected the field's name\n\nerror[unknown-type]: unknown type `Bar`\n --> {0}:4:2\n  |\n4 |     Bar y;\n  |     ^^^ no type of this name is known here\n\nthe interface cannot be compiled because of these 2 errors",
        path.display()
    );
    assert_eq!(error, expected);
}

#[test]
fn settings_that_are_no_rust() {
    let text = "module m; struct A { bool x; };";
    let message =
        |config: Config| config.compile_text("m.mojom", text).unwrap_err().as_slice()[0].message().to_owned();
    assert_eq!(message(configure().runtime_path("a b")), "`a b` is no path to a Rust module");
    assert_eq!(message(configure().extern_module("x", "1")), "`1` is no path to a Rust module");
    assert!(message(configure().type_attribute(".", "derive")).starts_with("`derive` is no attribute: "));
}

#[test]
fn the_same_output_is_not_written_twice() {
    let files = Files::new(&[
        ("a.mojom", "module a; struct A { bool x; };"),
        ("b/a.mojom", "module b; struct A { bool x; };"),
    ]);
    files.compile("a.mojom").unwrap();
    let path = files.0.path().join("a.rs");
    let old = std::fs::File::open(&path).unwrap();
    old.set_modified(std::time::UNIX_EPOCH).unwrap();
    files.compile("a.mojom").unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().modified().unwrap(), std::time::UNIX_EPOCH);
    let error = files.config().compile(&[Path::new("a.mojom"), Path::new("b/a.mojom")]).unwrap_err();
    assert_eq!(error.as_slice()[0].message(), "`a.mojom` would be compiled to the same file");
}

#[test]
fn files_in_memory_are_found_first_and_once() {
    let files = Files::new(&[("size.mojom", "module size; struct Size { uint8 narrow; };")]);
    let held = files
        .config()
        .include_text("size.mojom", "module size; struct Size { uint64 wide; };")
        .include_text("both.mojom", "module both; import \"./size.mojom\"; struct Both { size.Size of; };");
    let text =
        "module a; import \"size.mojom\"; import \"both.mojom\"; struct A { size.Size one; both.Both two; };";
    let model = held.check_text("a.mojom", text).unwrap().model;
    assert_eq!(model.structs.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["Size", "Both", "A"]);
    assert_eq!(model.structs[0].fields[0].name, "wide");

    let circle = configure()
        .include_text("a.mojom", "module a; import \"b.mojom\"; struct A { bool on; };")
        .include_text("b.mojom", "module b; import \"a.mojom\"; struct B { bool on; };");
    let errors =
        circle.check_text("c.mojom", "module c; import \"a.mojom\"; struct C { bool on; };").unwrap_err();
    assert!(errors.as_slice().iter().any(|error| error.message().contains("imports itself")), "{errors}");
}
