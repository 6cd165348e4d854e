//! The system's C compiler.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use ringfence::ipc::module::ModuleFile;

/// What is warned of, in every build.
const STRICT: [&str; 5] = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"];
/// Makes a module.
pub const MODULE: [&str; 3] = ["-O2", "-shared", "-fPIC"];
/// Makes a worker program out of the module that the tests exercise.
const WORKER: [&str; 3] = ["-O2", "-pthread", "-std=gnu11"];
/// Of these.
const EXERCISER: [&str; 2] = ["tests/c_module/exerciser.c", "tests/c_module/worker.c"];
/// Lets a program find its own mistakes, and end with them.
const SANITIZED: [&str; 4] =
    ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"];

/// Where the sources are.
pub fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// `$CC`, or `cc`. Without one there is nothing to test, which is fine on a desk and not where a project is tested.
pub fn cc() -> Option<String> {
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    if exists(&compiler) {
        return Some(compiler);
    }
    let is_tested = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!is_tested, "there is no C compiler {compiler:?}; name one in CC");
    eprintln!("skipped: there is no C compiler {compiler:?}; name one in CC");
    None
}

/// Whether there is such a program.
pub fn exists(program: &str) -> bool {
    let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// Compiles `sources`, with all warnings on, to a file of this name.
pub fn compile(compiler: &str, flags: &[&str], sources: &[&str], name: &str) -> PathBuf {
    let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let hash = format!("-DEXERCISER_HASH={:#x}", crate::exerciser::INTERFACE.hash);
    let mut command = Command::new(compiler);
    command.arg("-I").arg(here("../../include")).arg(hash).args(STRICT).args(flags);
    command.args(sources.iter().map(|source| here(source))).arg("-o").arg(&output);
    let result = command.output().unwrap();
    let messages = String::from_utf8_lossy(&result.stderr);
    assert!(result.status.success() && messages.is_empty(), "{command:?}\n{messages}");
    output
}

/// The exerciser.
pub fn module() -> Option<&'static ModuleFile> {
    static FILE: OnceLock<Option<ModuleFile>> = OnceLock::new();
    let make = || {
        let flags = [&MODULE[..], &["-pthread"]].concat();
        Some(ModuleFile::read(compile(&cc()?, &flags, &EXERCISER[..1], "exerciser.so")).unwrap())
    };
    FILE.get_or_init(make).as_ref()
}

/// The exerciser as a program.
pub fn worker() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let make = || Some(compile(&cc()?, &WORKER, &EXERCISER, "exerciser"));
    PROGRAM.get_or_init(make).as_deref()
}

/// The same, which watches itself.
pub fn sanitized_worker() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let make = || {
        let flags = [&WORKER[..], &SANITIZED].concat();
        Some(compile(&cc()?, &flags, &EXERCISER, "sanitized"))
    };
    PROGRAM.get_or_init(make).as_deref()
}

#[test]
fn the_header_compiles_in_every_language_and_without_a_warning() {
    let Some(cc) = cc() else { return };
    let sources = ["module.c", "tests/c_module/exerciser.c"];
    let mut builds = 0;
    for (compiler, standards) in [
        (cc.as_str(), ["-std=c99", "-std=c17"]),
        ("gcc", ["-std=c99", "-std=gnu11"]),
        ("clang", ["-std=c99", "-std=c17"]),
        ("g++", ["-std=c++11", "-std=c++20"]),
        ("clang++", ["-std=c++11", "-std=c++20"]),
    ] {
        if !exists(compiler) {
            eprintln!("not here: {compiler}");
            continue;
        }
        let language = if compiler.ends_with("++") { &["-x", "c++"][..] } else { &["-x", "c"] };
        for standard in standards {
            for source in sources {
                let flags = [language, &MODULE, &["-pthread", "-fvisibility=hidden", standard]].concat();
                let module = compile(compiler, &flags, &[source], "languages");
                let symbols = exported(&module);
                assert_eq!(
                    symbols,
                    ["ringfence_module_info", "ringfence_module_serve"],
                    "{compiler} {standard}"
                );
                std::fs::remove_file(module).unwrap();
                builds += 1;
            }
        }
    }
    assert!(builds >= 4, "{builds}");
}

/// What a shared object exports, in order.
fn exported(module: &Path) -> Vec<String> {
    let output = Command::new("nm").args(["-D", "--defined-only", "-j"]).arg(module).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}
