//! Compilers, and the library as it is when it is installed.
#![allow(dead_code, reason = "each test file uses the part that it needs")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Far longer than any test takes on a busy machine; only a hang gets there.
const WATCHDOG: Duration = Duration::from_secs(600);

/// Strictest warnings.
pub const STRICT: &[&str] = &["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror"];

/// Ends the whole run, loudly, if `test` hangs.
pub fn watchdog(test: impl FnOnce()) {
    let (done, running) = channel::<()>();
    let name = std::thread::current().name().unwrap_or("?").to_owned();
    std::thread::spawn(move || {
        if running.recv_timeout(WATCHDOG) == Err(RecvTimeoutError::Timeout) {
            eprintln!("{name} hangs");
            std::process::abort();
        }
    });
    test();
    drop(done);
}

/// The worker that the hosts start.
pub fn worker() -> &'static str {
    env!("CARGO_BIN_EXE_ringfence-capi-echo")
}

/// A folder of this package.
pub fn package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Whether a tool can be run. Without one a test has nothing to do; where everything is checked that is a failure.
pub fn has(tool: &str) -> bool {
    let found = Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success());
    let must = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(found || !must, "{tool} is needed for this test; install a C and C++ compiler and pkg-config");
    if !found {
        eprintln!("skipped: there is no {tool}");
    }
    found
}

/// The library, header and all, installed in a folder of its own.
#[derive(Debug)]
pub struct Installed {
    folder: PathBuf,
}

impl Installed {
    /// What was built with this test, installed once for all tests of a file. It is large, and stays until next time.
    pub fn get() -> &'static Self {
        static INSTALLED: OnceLock<Installed> = OnceLock::new();
        INSTALLED.get_or_init(|| {
            let folder =
                Path::new(env!("CARGO_TARGET_TMPDIR")).join(concat!("capi-", env!("CARGO_CRATE_NAME")));
            let mut install = Command::new(package("install.sh"));
            install.arg(folder.join("prefix")).arg(built());
            run(&mut install);
            Self { folder }
        })
    }

    /// The folder around it, for what is made with it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the libraries are.
    pub fn lib(&self) -> PathBuf {
        self.folder().join("prefix/lib")
    }

    /// What `pkg-config` says.
    pub fn pkg_config(&self, args: &[&str]) -> Vec<String> {
        let mut command = Command::new("pkg-config");
        command.args(args).arg("ringfence").env("PKG_CONFIG_PATH", self.lib().join("pkgconfig"));
        run(&mut command).split_whitespace().map(str::to_owned).collect()
    }

    /// What to tell the address sanitizer. To find leaks it needs ptrace, which some containers lack.
    pub fn sanitizer_options(&self) -> &'static str {
        let source = self.folder().join("nothing.c");
        std::fs::write(&source, "int main(void) { return 0; }").expect("the folder can be written to");
        let program = self.compile("cc", &["-fsanitize=address"], &source, "nothing");
        let tried = Command::new(program).env("ASAN_OPTIONS", "detect_leaks=1").output();
        if tried.is_ok_and(|output| output.status.success()) { "detect_leaks=1" } else { "detect_leaks=0" }
    }

    /// Compiles `source` as a program of this name, with nothing but what is installed.
    pub fn compile(&self, compiler: &str, flags: &[&str], source: &Path, name: &str) -> PathBuf {
        let program = self.folder().join(name);
        let mut command = Command::new(compiler);
        command
            .current_dir(self.folder())
            .args(flags)
            .arg("-o")
            .arg(&program)
            .arg(source)
            .args(self.pkg_config(&["--cflags", "--libs"]))
            .arg(format!("-Wl,-rpath,{}", self.lib().display()));
        run(&mut command);
        program
    }
}

/// Where the libraries lie. They are made before the tests that depend on them, but where cargo puts them is its business.
fn built() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let has_both = |folder: &&Path| {
        ["so", "a"].iter().all(|kind| folder.join(format!("libringfence_capi.{kind}")).is_file())
    };
    if let Some(folder) = test.ancestors().skip(1).take(2).find(has_both) {
        return folder.to_owned();
    }
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "-p", "ringfence-capi", "--lib", "--message-format=json"]);
    build.current_dir(env!("CARGO_MANIFEST_DIR"));
    let messages = run(&mut build);
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let files = messages.filter(|message| message["target"]["name"] == "ringfence_capi");
    let files = files.flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default());
    let library = files
        .filter_map(|file| file.as_str().map(PathBuf::from))
        .find(|file| file.extension().is_some_and(|extension| extension == "so"));
    library.and_then(|file| file.parent().map(Path::to_owned)).expect("cargo builds the shared library")
}

/// Runs a command to its successful end, and returns what it prints.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?} ended with {}:\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
