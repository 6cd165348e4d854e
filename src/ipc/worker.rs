//! Which program runs as a worker, and how a program becomes one.

use std::env;
use std::ffi::OsString;
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::OnceLock;

use super::elevated::is_elevated;
use super::module::{ModuleFile, serve_passed};
use super::sandbox::Program;
use super::{ConnectError, Endpoint, SandboxPolicy, ServeError};

/// Tells a worker which component to serve.
const COMPONENT_VARIABLE: &str = "RINGFENCE_COMPONENT";
/// Tells a worker the number of the descriptor of the module that it is to load, if the component is one.
const MODULE_VARIABLE: &str = "RINGFENCE_MODULE";
/// Names the worker program.
const PROGRAM_VARIABLE: &str = "RINGFENCE_WORKER";
/// File name of the generic worker.
const PROGRAM_NAME: &str = "ringfence-worker";
/// What a worker may know of its host's environment.
const INHERITED: [&str; 4] = ["RUST_LOG", "LD_LIBRARY_PATH", "TZ", "LANG"];
/// A worker without a sandbox may know it too. In one, a panic could not read what a trace of it needs.
const BACKTRACE: &str = "RUST_BACKTRACE";

/// This process's executable, even if the file at its path has been replaced meanwhile.
const OWN_PROGRAM: &str = "/proc/self/exe";

/// What this program would serve if it were started as a worker: a fact about its `main`, and so about the whole process. It
/// is kept since a program that started itself without it would never become the worker, but start itself over and over.
static OWN_COMPONENTS: OnceLock<Vec<&'static str>> = OnceLock::new();

/// Which worker to start for [`super::Mode::Isolated`].
///
/// The program is the one that was set with [`Worker::program`]; else the one that `RINGFENCE_WORKER`
/// names; else this executable itself, if its `main` gives the component to [`run_if_worker`], since both sides are
/// then of one build; else `ringfence-worker` beside this executable. The variable does not count in a program that runs with
/// more rights than its caller. Any of them can load a module: a program that calls
/// [`run_if_worker`] is its own worker for [`Worker::loading`], whatever its components are.
#[derive(Debug, Clone)]
pub struct Worker {
    component: String,
    program: Option<PathBuf>,
    args: Vec<OsString>,
    reads: Vec<PathBuf>,
    modules: Vec<PathBuf>,
    loads_until: Option<String>,
    file: Option<ModuleFile>,
}

super::promise!(Worker: Send, Sync);

impl Worker {
    /// A worker that serves the component of this name.
    #[must_use]
    pub fn component(name: impl Into<String>) -> Self {
        Self {
            component: name.into(),
            program: None,
            args: Vec::new(),
            reads: Vec::new(),
            modules: Vec::new(),
            loads_until: None,
            file: None,
        }
    }

    /// A worker that loads this module and serves it. It is given the sealed copy as a descriptor, may read the libraries
    /// that the module is linked to, and is sealed when the module says that it is loaded
    /// ([`ModuleInfo::loads_until`](super::module::ModuleInfo::loads_until)).
    ///
    /// ```no_run
    /// use ringfence::ipc::Worker;
    /// use ringfence::ipc::module::ModuleFile;
    ///
    /// let module = ModuleFile::read("/usr/lib/ringfence/modules/rpi.so")?;
    /// let worker = Worker::loading(&module).reads("/etc/camera/tuning.json");
    /// # Ok::<_, ringfence::ipc::module::ModuleError>(())
    /// ```
    #[must_use]
    pub fn loading(module: &ModuleFile) -> Self {
        let info = module.info();
        let worker = Self::component(info.name.clone());
        Self { file: Some(module.clone()), loads_until: info.loads_until.clone(), ..worker }
    }

    /// Starts this program instead of looking for one.
    #[must_use]
    pub fn program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = Some(program.into());
        self
    }

    /// Gives the program these arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Lets it read this file, or what is in this folder and below it.
    #[must_use]
    pub fn reads(mut self, path: impl Into<PathBuf>) -> Self {
        self.reads.push(path.into());
        self
    }

    /// Lets it load this module, with the libraries that the module is linked to.
    #[must_use]
    pub fn module(mut self, path: impl Into<PathBuf>) -> Self {
        self.modules.push(path.into());
        self
    }

    /// Says that its module is loaded, and has read its files, when the first call of the method of this mojom name
    /// has returned. Only then it may open no more files. If nothing is said, it may not from the handshake on.
    #[must_use]
    pub fn loads_until(mut self, method: impl Into<String>) -> Self {
        self.loads_until = Some(method.into());
        self
    }

    /// What it serves.
    pub(super) fn served(&self) -> &str {
        &self.component
    }

    /// The method during whose first call the module is still being loaded.
    pub(super) fn loading_method(&self) -> Option<&str> {
        self.loads_until.as_deref()
    }

    /// The module that it loads, if it is one.
    pub(super) fn file(&self) -> Option<&ModuleFile> {
        self.file.as_ref()
    }

    #[cfg(test)]
    pub(super) fn renamed(self, component: &str) -> Self {
        Self { component: component.to_owned(), ..self }
    }

    /// The program to start, and why this one.
    fn find(&self) -> Result<(PathBuf, &'static str), ConnectError> {
        if let Some(program) = &self.program {
            return Ok((program.clone(), "it was named by the host"));
        }
        let mut tried = vec![format!("${PROGRAM_VARIABLE}")];
        let named = env::var_os(PROGRAM_VARIABLE).filter(|value| !value.is_empty());
        if let Some(program) = named.filter(|_| !is_elevated()) {
            return Ok((program.into(), "RINGFENCE_WORKER names it"));
        }
        let serves = |names: &Vec<&str>| self.file.is_some() || names.contains(&self.component.as_str());
        if OWN_COMPONENTS.get().is_some_and(serves) {
            return Ok((OWN_PROGRAM.into(), "the program is its own worker"));
        }
        tried.push("the program itself".to_owned());
        let own = env::current_exe().ok();
        if let Some(beside) = own.as_deref().and_then(Path::parent).map(|folder| folder.join(PROGRAM_NAME)) {
            if beside.is_file() {
                return Ok((beside, "it lies beside the executable"));
            }
            tried.push(beside.display().to_string());
        }
        Err(ConnectError::NoWorker { component: self.component.clone(), tried })
    }

    /// The program to be started, with all that it needs.
    pub(super) fn prepare(&self, policy: &SandboxPolicy) -> Result<Program, ConnectError> {
        let (path, reason) = self.find()?;
        tracing::info!(component = self.component, program = %path.display(), reason, "starting a worker");
        // What `ps` shows.
        let name = if path == Path::new(OWN_PROGRAM) { env::args_os().next() } else { None };
        let mut variables = vec![(COMPONENT_VARIABLE.into(), self.component.clone().into())];
        if let Some(file) = &self.file {
            let number = file.as_fd().as_raw_fd().to_string();
            variables.push((MODULE_VARIABLE.into(), number.into()));
        }
        let backtrace = policy.is_off().then_some(BACKTRACE);
        let inherited = INHERITED.into_iter().chain(backtrace);
        variables.extend(inherited.filter_map(|name| Some((name.into(), env::var_os(name)?))));
        Ok(Program {
            path,
            name,
            args: self.args.clone(),
            variables,
            modules: self.modules.clone(),
            reads: self.reads.clone(),
            passed: self.file.as_ref().map(ModuleFile::descriptor),
            bold: false,
        })
    }
}

/// Something that a worker program can serve.
#[derive(Debug, Clone, Copy)]
pub struct Component {
    /// The name that a host asks for.
    pub name: &'static str,
    /// Serves it until the host is done.
    pub serve: fn(Endpoint) -> Result<(), ServeError>,
}

/// Whether this process was started as a worker.
#[must_use]
pub fn is_worker() -> bool {
    env::var_os(COMPONENT_VARIABLE).is_some() && !is_elevated()
}

/// Serves a component, or a module that the host has passed on, if this process was started as a worker, and returns its
/// exit code then.
///
/// Call it first in `main`: a program that does can be its own worker, so that one binary can be shipped.
///
/// A program that runs with more rights than its caller (set-user-id, file capabilities) becomes no worker: what it loads and
/// whom it serves would be the caller's choice. It returns a failure then. A set-user-id host can be its own worker all the
/// same, since its workers have its rights alone. A host whose file has capabilities needs another program for them
/// ([`Worker::program`]).
///
/// ```no_run
/// use std::process::ExitCode;
/// use ringfence::ipc::{Component, run_if_worker};
///
/// # fn serve(_: ringfence::ipc::Endpoint) -> Result<(), ringfence::ipc::ServeError> { Ok(()) }
/// fn main() -> ExitCode {
///     if let Some(code) = run_if_worker(&[Component { name: "thermometer", serve }]) {
///         return code;
///     }
///     // … the host …
///     ExitCode::SUCCESS
/// }
/// ```
#[must_use = "a worker has to end with this exit code"]
pub fn run_if_worker(components: &[Component]) -> Option<ExitCode> {
    // A second call adds nothing: the first one is what `main` does when it is a worker.
    let _ = OWN_COMPONENTS.set(components.iter().map(|component| component.name).collect());
    let name = env::var_os(COMPONENT_VARIABLE)?;
    if is_elevated() {
        eprintln!(
            "{COMPONENT_VARIABLE} does not count in a program that runs with more rights than its caller: unset it; a host whose file has capabilities needs a worker program without (`Worker::program`)"
        );
        return Some(ExitCode::from(2));
    }
    let name = name.to_string_lossy();
    let module = env::var(MODULE_VARIABLE).ok();
    let component = components.iter().find(|component| name == component.name);
    if module.is_none() && component.is_none() {
        let known: Vec<_> = components.iter().map(|component| component.name).collect();
        eprintln!("this worker has no component {name:?}; it has {}", known.join(", "));
        return Some(ExitCode::from(2));
    }
    // Shown by `ps` and `top`; the kernel keeps fifteen bytes.
    let title = format!("rf:{name}");
    if let Ok(title) = std::ffi::CString::new(&title.as_bytes()[..title.len().min(15)]) {
        let _ = rustix::thread::set_name(&title);
    }
    let served = match (module, component) {
        (Some(number), _) => serve_passed(&number),
        (None, Some(component)) => Endpoint::from_stdin().and_then(component.serve),
        (None, None) => Err(ServeError::NotAWorker),
    };
    Some(match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    })
}
