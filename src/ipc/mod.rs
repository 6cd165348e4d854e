//! Calls and events between a host and a module that it need not trust.
//!
//! Generated code and pipelines call this module: a proxy holds a [`Backend`], which is the module
//! itself ([`Mode::Direct`]) or a [`Connection`] to a thread or a process ([`Mode::Threaded`],
//! [`Mode::Isolated`]) that serves an [`Endpoint`]. Messages go through the rings of [`crate::shm`] in
//! the encoding of [`crate::serialize`]. It must never know of cameras.
//!
//! # What it looks like
//!
//! A module implements the trait of its interface, a host holds a proxy of it. Generated code is between the two:
//!
//! ```
//! use ringfence::interfaces::vimc::{IpaVimc, IpaVimcProxy};
//! use ringfence::ipc::{Mode, Options};
//! use ringfence::vimc::Vimc;
//!
//! // `direct(Vimc::new)` and `isolated(&options, &Worker::component("vimc"))` make the same type.
//! let mut module = IpaVimcProxy::threaded(&Options::new(), Vimc::new)?;
//! assert_eq!(module.mode(), Mode::Threaded);
//! assert_eq!(module.start()?, 0);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # Rules that hold in every mode
//!
//! * A call never runs an event handler. Events that arrive meanwhile are kept in order, and delivered
//!   when their owner asks for them.
//! * Every call ends: with its reply, at its deadline, or with the module's death, at once. A module that does not
//!   answer even after its deadline is ended.
//! * What a worker does wrong is an error that says what, and never a panic, a hang or a leaked descriptor.

mod backend;
mod channel;
mod connection;
mod death;
mod elevated;
mod emitter;
mod endpoint;
mod error;
#[cfg(feature = "arbitrary")]
#[doc(hidden)]
pub mod fuzzing;
mod handshake;
mod id;
mod interface;
mod intern;
pub mod libcamera;
mod link;
pub mod manager;
mod message;
mod meter;
pub mod module;
mod nursery;
pub mod observe;
mod options;
mod printable;
mod process;
mod processors;
mod promise;
mod queue;
pub mod sandbox;
pub mod signature;
mod socket;
mod spans;
mod starter;
mod status;
mod stderr;
pub mod supervisor;
#[cfg(feature = "tokio")]
pub mod tokio;
mod wait;
mod watchdog;
mod worker;

pub use backend::Backend;
pub use connection::Connection;
pub use death::{Death, Exit};
pub use emitter::Emitter;
pub use endpoint::{Dispatch, Endpoint, Reply};
pub use error::{CallError, ConnectError, ProtocolError, ServeError};
pub use handshake::HandshakeError;
pub use id::ConnectionId;
pub use interface::{Event, Interface, Method, Mode, OpaqueEvent};
pub use intern::InterfaceError;
pub use link::{Link, Remote};
pub use meter::{ConnectionCounters, Meter};
pub use nursery::Nursery;
pub use options::{OnFlood, OnFull, Options};
pub use queue::EventQueue;
pub use sandbox::{Layers, SandboxError, SandboxPolicy};
pub use supervisor::Supervisor;
pub use worker::{Component, Worker, is_worker, run_if_worker};

pub(crate) use promise::promise;

pub use crate::shm::{ReceivedCounters, RingCounters, SentCounters, WaitPolicy};

/// The most events that a proxy's `dispatch` delivers at a time.
pub const DISPATCH_LIMIT: usize = 1024;

/// How long a module whose connection broke may take to end by itself.
const LAST_BREATH: std::time::Duration = std::time::Duration::from_millis(200);

#[cfg(test)]
mod tests;
