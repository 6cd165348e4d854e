//! What a worker program of this package can serve, and how its processes log.
//!
//! ```no_run
//! use std::process::ExitCode;
//! use ringfence::ipc::run_if_worker;
//! use ringfence::rpi::worker::{COMPONENTS, Role, log_to_stderr};
//!
//! fn main() -> ExitCode {
//!     log_to_stderr(Role::of_this_process());
//!     if let Some(code) = run_if_worker(COMPONENTS) {
//!         return code;
//!     }
//!     // … the host …
//!     ExitCode::SUCCESS
//! }
//! ```

#[cfg(feature = "log")]
use std::io::IsTerminal;
use std::path::PathBuf;

#[cfg(feature = "log")]
use tracing_subscriber::EnvFilter;

use super::ipa::module::RaspberryPiIpa;
use crate::bench;
use crate::interfaces::rpi;
use crate::ipc::{Component, Endpoint, ServeError, Worker};
use crate::probe;

/// Name of the Raspberry Pi's algorithms among the components.
pub const RPI: &str = "rpi";

/// Everything that a worker of this package can serve.
pub const COMPONENTS: &[Component] = &[
    Component { name: RPI, serve: serve_rpi },
    Component { name: bench::COMPONENT, serve: bench::serve },
    Component { name: probe::COMPONENT, serve: probe::serve },
];

/// The worker of the Raspberry Pi's algorithms, which read this tuning file in their first call, `init`. An empty path
/// is that of the tuning built in.
///
/// ```no_run
/// use ringfence::interfaces::rpi::IpaRPiProxy;
/// use ringfence::ipc::Options;
/// use ringfence::rpi::worker;
///
/// let ipa = IpaRPiProxy::isolated(&Options::new(), &worker::worker("/usr/share/camera/imx219.json"))?;
/// # Ok::<_, ringfence::ipc::ConnectError>(())
/// ```
#[must_use]
pub fn worker(tuning: impl Into<PathBuf>) -> Worker {
    let tuning = tuning.into();
    let worker = Worker::component(RPI).loads_until("init");
    if tuning.as_os_str().is_empty() { worker } else { worker.reads(tuning) }
}

fn serve_rpi(endpoint: Endpoint) -> Result<(), ServeError> {
    rpi::serve(endpoint, RaspberryPiIpa::new)
}

/// What a process is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It talks to the user.
    Host,
    /// It talks to the user, and starts so many workers that their coming and going is of no interest.
    Bench,
    /// It talks to the user, and starts workers that do what should be warned about.
    Probe,
    /// It serves a component; its host logs what it writes.
    Worker,
}

impl Role {
    /// What this process is, by how it was started.
    #[must_use]
    pub fn of_this_process() -> Self {
        match std::env::args().nth(1).as_deref() {
            _ if crate::ipc::is_worker() => Self::Worker,
            Some("bench") => Self::Bench,
            Some("sandbox-probe") => Self::Probe,
            _ => Self::Host,
        }
    }
}

/// Writes log lines to standard error: those that `RUST_LOG` asks for, else the important ones.
#[cfg(feature = "log")]
pub fn log_to_stderr(role: Role) {
    let default = match role {
        Role::Host => "info",
        // The host adds time and level to each line.
        Role::Worker | Role::Bench => "warn",
        Role::Probe => "error",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match role {
        Role::Host | Role::Bench | Role::Probe => {
            log.without_time().with_target(false).with_ansi(std::io::stderr().is_terminal()).init()
        }
        Role::Worker => log.without_time().with_target(false).with_ansi(false).init(),
    }
}
