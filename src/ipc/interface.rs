//! What both ends of a connection have in common.

use std::fmt;

use super::CallError;
use crate::serialize::native::Decoder;

/// An interface, as far as the runtime has to know it. Generated code has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interface {
    /// Full mojom name, such as `ipa.RPi.IPARPiInterface`.
    pub name: &'static str,
    /// Stable hash of everything that shapes a message; both ends must have the same.
    pub hash: u64,
    /// Methods, numbered from 1 in this order.
    pub methods: &'static [Method],
    /// Names of the events, numbered from 1 in this order.
    pub events: &'static [&'static str],
}

impl Interface {
    /// Name of method `number`, or a stand-in.
    #[must_use]
    pub fn method_name(&self, number: u16) -> &'static str {
        usize::from(number).checked_sub(1).and_then(|index| self.methods.get(index)).map_or("?", |it| it.name)
    }

    /// Name of event `number`, or a stand-in.
    #[must_use]
    pub fn event_name(&self, number: u16) -> &'static str {
        usize::from(number).checked_sub(1).and_then(|index| self.events.get(index)).map_or("?", |it| it)
    }
}

/// One method of an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    /// Name as in mojom.
    pub name: &'static str,
    /// Whether it is one way: without a reply.
    pub asynchronous: bool,
}

/// An event as an owned value. Generated enums implement it.
pub trait Event: Sized {
    /// Reads event `number`.
    ///
    /// # Errors
    /// [`CallError::UnknownEvent`] if there is no such event, [`CallError::Decode`] if it is malformed.
    fn decode(number: u16, input: &mut Decoder<'_>) -> Result<Self, CallError>;
}

/// How a module runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Linked in: a call is a function call.
    Direct,
    /// In a thread of its own in this process, behind the same rings as [`Mode::Isolated`].
    Threaded,
    /// In a process of its own.
    Isolated,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Direct => "direct",
            Self::Threaded => "threaded",
            Self::Isolated => "isolated",
        })
    }
}
