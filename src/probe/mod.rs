//! Whether the sandbox holds: a worker that tries what no worker may do, and a host that sees what comes of it.
//!
//! `ringfence sandbox-probe` and the tests run it. Each attempt has a worker of its own, since most of them end it. The
//! worker's word is not all that counts: the host looks whether its sockets, files and buffers were touched. Without a
//! sandbox the attempts succeed, which shows that it is the sandbox that stops them.
//!
//! ```no_run
//! use ringfence::ipc::SandboxPolicy;
//! use ringfence::probe::{Probe, attempts};
//!
//! // Of a program that gives `probe::COMPONENT` to `run_if_worker`, or that has `ringfence-worker` beside it.
//! let probe = Probe::new(SandboxPolicy::strict());
//! for attempt in attempts() {
//!     let finding = probe.run(&attempt)?;
//!     println!("{}: {}", attempt.name, finding.outcome);
//!     assert!(finding.outcome.is_stopped());
//! }
//! # Ok::<_, ringfence::probe::ProbeError>(())
//! ```

mod attempts;
mod buffers;
mod call;
mod files;
mod ground;
mod module;
mod outcome;
mod processes;
mod run;
mod system;

pub use attempts::{Attempt, Need, Stage, attempts};
pub use ground::GroundError;
pub use module::{COMPONENT, serve};
pub use outcome::{Outcome, Stop};
pub use run::{Finding, Probe, ProbeError};
