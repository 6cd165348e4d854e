//! Whether the sandbox holds: a worker that tries what no worker may do, and a host that sees what comes of it.
//!
//! `ringfence sandbox-probe` and the tests run it. Each attempt has a worker of its own, since most of them end it. The
//! worker's word is not all that counts: the host looks whether its sockets, files and buffers were touched. Without a
//! sandbox the attempts succeed, which shows that it is the sandbox that stops them.

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
