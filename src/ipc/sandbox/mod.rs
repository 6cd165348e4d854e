//! What a worker may do: the fence around a module that its host need not trust.
//!
//! The host prepares everything, and starts a process that puts itself behind the fence before it runs any program: what
//! the module does as it is loaded is confined, too. [`SandboxPolicy`] says what a worker may do and how much of the fence
//! the host insists on; [`Layers`] are its parts.
//!
//! Only `process` and what it is told by the two kinds of `Worker` come in here. It knows nothing of connections.
//!
//! ```
//! use ringfence::ipc::sandbox::{Layers, SandboxPolicy};
//! use ringfence::ipc::Options;
//!
//! // A module that reads its calibration by itself, on a system that grants namespaces.
//! let policy = SandboxPolicy::strict()
//!     .read_path("/var/lib/camera/calibration")
//!     .minimum(Layers::REQUIRED | Layers::NET_NS);
//! let options = Options::new().sandbox(policy);
//! ```

mod allowed;
mod child;
mod error;
mod files;
mod filter;
mod judge;
mod launch;
mod layers;
mod libraries;
mod notice;
mod policy;
mod program;
mod system_call;
mod warden;

pub use error::SandboxError;
pub use filter::FilterError;
pub(super) use launch::{LaunchError, Launched, Streams, launch};
pub use layers::Layers;
pub use policy::SandboxPolicy;
pub(super) use program::Program;
pub use system_call::{SystemCall, UnknownSystemCall};
pub(super) use warden::Warden;

#[cfg(test)]
mod tests;
