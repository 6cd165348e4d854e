//! libcamera's connections: a datagram socket, and libcamera's encoding.
//!
//! A [`Connection`] is a host's end, to a [`Worker`] that may be libcamera's own; an [`Endpoint`] is the end of a
//! worker that a libcamera host has started, which [`run`] makes a whole program of. A [`relay()`] stands between any two
//! and tells what crosses. Generated code calls this module, as it does the rest of
//! [`ipc`](super), and the same rules hold. It must never know of cameras.
//!
//! ```no_run
//! use ringfence::interfaces::libcamera_0_0_3::vimc::{IpaVimc, IpaVimcProxy};
//! use ringfence::ipc::{Options, libcamera::{Version, Worker}};
//!
//! let folder = "/usr/lib/x86_64-linux-gnu/libcamera";
//! let worker = Worker::new(format!("{folder}/vimc_ipa_proxy"), format!("{folder}/ipa_vimc.so"), Version::V1);
//! let mut module = IpaVimcProxy::libcamera(&Options::new(), &worker)?;
//! assert_eq!(module.start()?, 0);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is different here
//!
//! There is no handshake: nothing tells a host that a worker serves another interface, or that it has failed to load
//! its module, but that calls are not answered or cannot be read. There are no faults either: a worker that cannot read a call
//! or does not know it says nothing, and the call ends at its deadline. And the socket does not tell when the
//! peer has gone; its process does.
//!
//! # How libcamera's own weaknesses are kept away
//!
//! * Events have the cookie 0, and so has the first call of libcamera's proxy: ours starts at 1, and our worker sends
//!   no event before the reply to the first call.
//! * libcamera's proxy runs whatever comes while it waits: our worker sends the events of a call after its
//!   reply, and no reply that is so late that the proxy would take it for an event.
//! * A message is two datagrams, of which the second can get lost: one that does not fit is refused before the first is
//!   sent, and a full socket is waited for; a second that has to wait is sent before anything else.
//! * Descriptors come with a message or it is refused; what nobody claims is closed.

mod channel;
mod connection;
mod emitter;
mod endpoint;
#[cfg(feature = "arbitrary")]
pub(super) mod fuzzing;
#[cfg(feature = "log")]
mod log;
mod program;
mod relay;
mod worker;

use super::CallError;
use crate::serialize::libcamera::Decoder;

pub use crate::serialize::libcamera::Version;
pub use connection::Connection;
pub use emitter::Emitter;
pub use endpoint::{Call, Dispatch, Endpoint};
#[cfg(feature = "log")]
pub use log::log_to_stderr;
pub use program::run;
pub use relay::{Origin, RelayError, relay, shell_status};
pub use worker::Worker;

/// What a call returns as its status, to a libcamera host, if the module failed: `-EIO`.
pub const FAILED: i32 = -5;

/// The number of the message that ends a worker.
const EXIT: u32 = 0;
/// The method that makes both sides forget the control info maps of each other.
const RESETS: &str = "configure";

/// An event in libcamera's encoding. Generated enums implement it.
pub trait Event: crate::serialize::libcamera::Encode + Sized {
    /// Its number, from 1.
    fn number(&self) -> u16;

    /// Reads event `number`.
    ///
    /// # Errors
    /// [`CallError::UnknownEvent`] if there is no such event, [`CallError::Decode`] if it is malformed.
    fn decode(number: u16, input: &mut Decoder<'_>) -> Result<Self, CallError>;
}
