//! Which worker to start, and how.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};

use super::Version;
use crate::ipc::nursery;
use crate::ipc::process::Process;
use crate::ipc::sandbox::Program;
use crate::ipc::{ConnectError, SandboxPolicy};

/// What a worker may know of its host's environment, beside all that begins with [`PREFIX`].
const INHERITED: [&str; 6] = ["LD_LIBRARY_PATH", "HOME", "XDG_CONFIG_HOME", "PATH", "TZ", "LANG"];
/// Start of the names of libcamera's own variables.
const PREFIX: &str = "LIBCAMERA_";
/// The method in which libcamera's modules read their tuning files.
const INIT: &str = "init";
/// Where libcamera keeps what its modules read.
const DATA: [&str; 2] = ["/usr/share/libcamera", "/etc/libcamera"];
/// Where libcamera logs to. Two processes cannot write one file.
const LOG_FILE: &str = "LIBCAMERA_LOG_FILE";

/// A worker of libcamera's kind: a program, and the module that it is to load.
///
/// libcamera calls the programs after the interface, such as `vimc_ipa_proxy`, and keeps them in `libexec/libcamera` or
/// `lib/libcamera`. A program of ours that serves an [`Endpoint`](super::Endpoint) will do as well, whatever module
/// it is given.
///
/// The worker is killed when the connection is dropped, and when this process ends, however it does. It gets the
/// socket, its standard error goes to the log, and it knows of the environment only `LIBCAMERA_…` and some variables
/// about paths and language.
#[derive(Debug, Clone)]
pub struct Worker {
    program: PathBuf,
    module: PathBuf,
    version: Version,
    variables: Vec<(OsString, OsString)>,
    reads: Vec<PathBuf>,
    loads_until: Option<String>,
}

impl Worker {
    /// The worker `program`, which loads `module`, from a libcamera of this version.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>, module: impl Into<PathBuf>, version: Version) -> Self {
        Self {
            program: program.into(),
            module: module.into(),
            version,
            variables: Vec::new(),
            reads: Vec::new(),
            loads_until: Some(INIT.to_owned()),
        }
    }

    /// Gives the worker this variable too.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Lets it read this file, or what is in this folder and below it: tuning files that are in neither
    /// `/usr/share/libcamera` nor `/etc/libcamera`.
    #[must_use]
    pub fn reads(mut self, path: impl Into<PathBuf>) -> Self {
        self.reads.push(path.into());
        self
    }

    /// Says that its module has read its files when the first call of the method of this mojom name has returned, if
    /// that is not `init`. Only then it may open no more files.
    #[must_use]
    pub fn loads_until(mut self, method: impl Into<String>) -> Self {
        self.loads_until = Some(method.into());
        self
    }

    /// The method during whose first call the module is still being loaded.
    pub(super) fn loading_method(&self) -> Option<&str> {
        self.loads_until.as_deref()
    }

    /// The module.
    pub(super) fn module_path(&self) -> &Path {
        &self.module
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The encoding that it speaks.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Starts it, with `socket` as its end of the connection.
    pub(super) fn start(&self, socket: OwnedFd, policy: &SandboxPolicy) -> Result<Process, ConnectError> {
        let spawn = |source| ConnectError::Spawn { program: self.program.clone(), source };
        // Not where its standard streams will be.
        let socket = fcntl_dupfd_cloexec(&socket, 3).map_err(|errno| spawn(errno.into()))?;
        let mut variables: Vec<_> =
            env::vars_os().filter(|(name, value)| is_inherited(name, value)).collect();
        // The last one counts.
        variables.retain(|(name, _)| self.variables.iter().all(|(own, _)| own != name));
        variables.extend(self.variables.iter().cloned());
        let program = Program {
            path: self.program.clone(),
            name: None,
            args: vec![self.module.clone().into(), socket.as_raw_fd().to_string().into()],
            variables,
            modules: vec![self.module.clone()],
            // LTTng, which Debian links libcamera to, forks to make a file, and looks for its daemon every few seconds.
            bold: true,
            reads: DATA.iter().map(PathBuf::from).chain(self.reads.iter().cloned()).collect(),
        };
        tracing::info!(program = %self.program.display(), module = %self.module.display(), version = %self.version, "starting a libcamera worker");
        let policy = policy.clone();
        nursery::run(move || Process::spawn_silent(&program, &policy, socket)).map_err(spawn)?
    }
}

/// Lets `command` leave `socket` to the worker: as its last argument, by number. The worker is killed when the *thread*
/// that starts it ends, so the [`nursery`] has to.
pub(super) fn leave(command: &mut Command, socket: OwnedFd) -> io::Result<()> {
    // Not where its standard streams will be. The same number means the same socket there.
    let socket = fcntl_dupfd_cloexec(&socket, 3)?;
    command.arg(socket.as_raw_fd().to_string());
    let host = getpid();
    let prepare = move || {
        fcntl_setfd(&socket, FdFlags::empty())?;
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // Had the host died before that, nobody would be told any more.
        if getppid() == Some(host) { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
    };
    // SAFETY: between fork and exec it makes four system calls, which are async-signal-safe, and neither allocates
    // nor takes a lock: its errors are plain numbers.
    unsafe { command.pre_exec(prepare) };
    Ok(())
}

fn is_inherited(name: &OsStr, value: &OsStr) -> bool {
    if name == LOG_FILE {
        return value == "syslog";
    }
    name.as_bytes().starts_with(PREFIX.as_bytes()) || INHERITED.iter().any(|known| name == *known)
}
