//! What a proxy talks to.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::libcamera;
use super::link::{Link, Remote};
use super::manager::{Choice, Run};
use super::{
    CallError, ConnectError, Connection, Endpoint, Event, EventQueue, Interface, Mode, Options, ServeError,
    Worker,
};
use crate::shm::Doorbell;

/// What a proxy talks to: the module itself, or a connection to it. Generated proxies hold one.
///
/// The connection is a [`Connection`], or a [`Link`] where the interface also speaks libcamera's encoding.
pub enum Backend<M: ?Sized, E, R = Connection> {
    /// The module itself.
    Direct {
        /// The module, behind its trait.
        module: Box<M>,
        /// The events that it has left.
        events: EventQueue<E>,
    },
    /// A connection to it.
    Remote(Box<R>),
}

impl<M: ?Sized, E: Event, R: Remote<E>> Backend<M, E, R> {
    /// Holds the module that `make` makes.
    ///
    /// # Errors
    /// [`ConnectError::System`] if the process is out of descriptors.
    pub fn direct(make: impl FnOnce(EventQueue<E>) -> Box<M>) -> Result<Self, ConnectError> {
        let bell = Doorbell::new().map_err(|errno| ConnectError::System { call: "eventfd2", errno })?;
        let events = EventQueue::new(bell);
        tracing::info!(mode = %Mode::Direct, "connecting");
        Ok(Self::Direct { module: make(events.share()), events })
    }

    /// Runs `serve` in a thread of its own.
    ///
    /// # Errors
    /// As [`Connection::threaded`].
    pub fn threaded(
        interface: &'static Interface,
        options: &Options,
        serve: impl FnOnce(Endpoint) -> Result<(), ServeError> + Send + 'static,
    ) -> Result<Self, ConnectError> {
        Connection::threaded(interface, options, serve)
            .map(|connection| Self::Remote(Box::new(connection.into())))
    }

    /// Starts `worker`.
    ///
    /// # Errors
    /// As [`Connection::isolated`].
    pub fn isolated(
        interface: &'static Interface,
        options: &Options,
        worker: &Worker,
    ) -> Result<Self, ConnectError> {
        Connection::isolated(interface, options, worker)
            .map(|connection| Self::Remote(Box::new(connection.into())))
    }

    /// How the module runs.
    #[must_use]
    pub fn mode(&self) -> Mode {
        match self {
            Self::Direct { .. } => Mode::Direct,
            Self::Remote(connection) => connection.mode(),
        }
    }

    /// The next event, if one is there.
    ///
    /// # Errors
    /// As [`Connection::next_event`]; none in [`Mode::Direct`].
    pub fn next_event(&mut self) -> Result<Option<E>, CallError> {
        match self {
            Self::Direct { events, .. } => Ok(events.pop()),
            Self::Remote(connection) => connection.next_event(),
        }
    }

    /// Waits until there is an event, or until `deadline`; without one, for ever. Returns whether there is one.
    ///
    /// # Errors
    /// As [`Connection::wait`]; none in [`Mode::Direct`].
    pub fn wait(&mut self, deadline: Option<Instant>) -> Result<bool, CallError> {
        match self {
            Self::Direct { events, .. } => Ok(events.wait(deadline)),
            Self::Remote(connection) => connection.wait(deadline),
        }
    }

    /// As [`Connection::deadline_of_next_call`]; nothing in [`Mode::Direct`], where a call is a function call.
    pub fn deadline_of_next_call(&mut self, deadline: Duration) {
        match self {
            Self::Direct { .. } => {}
            Self::Remote(connection) => connection.deadline_of_next_call(deadline),
        }
    }

    /// Events that were dropped since nobody asked for them: as [`super::OnFlood`] says, or as [`EventQueue`] does.
    #[must_use]
    pub fn dropped_events(&self) -> u64 {
        match self {
            Self::Direct { events, .. } => events.dropped(),
            Self::Remote(connection) => connection.dropped_events(),
        }
    }

    /// The connection, if the module is behind one of our own.
    #[must_use]
    pub fn connection(&self) -> Option<&Connection> {
        match self {
            Self::Direct { .. } => None,
            Self::Remote(connection) => connection.rings(),
        }
    }

    /// The connection, if the module is behind one of our own.
    #[must_use]
    pub fn connection_mut(&mut self) -> Option<&mut Connection> {
        match self {
            Self::Direct { .. } => None,
            Self::Remote(connection) => connection.rings_mut(),
        }
    }
}

impl<M: ?Sized + 'static, E: Event + 'static, R: Remote<E>> Backend<M, E, R> {
    /// Runs what a manager has chosen, as the manager has chosen, and in no other way.
    ///
    /// # Errors
    /// [`ConnectError::OtherInterface`] if it was chosen for another interface, and whatever the mode's own constructor says.
    pub fn open(
        interface: &'static Interface,
        choice: &Choice,
        options: &Options,
    ) -> Result<Self, ConnectError> {
        let other = |problem: String| ConnectError::OtherInterface {
            module: choice.info().to_string(),
            wanted: interface.name,
            problem,
        };
        choice.info().fits(interface).map_err(|misfit| other(misfit.to_string()))?;
        let (mode, reason) = (choice.mode(), choice.reason());
        tracing::info!(module = %choice.info(), origin = %choice.origin(), %mode, reason, "opening a module");
        match choice.run() {
            Run::Direct(linked) => {
                let make = linked
                    .make::<M, E>()
                    .ok_or_else(|| other("it was built from other generated code".to_owned()))?;
                Self::direct(make)
            }
            Run::Threaded(file) => {
                let file = file.clone();
                Self::threaded(interface, options, move |endpoint| file.serve(endpoint))
            }
            Run::Isolated(worker) => Self::isolated(interface, options, worker),
        }
    }
}

impl<M: ?Sized, E: Event + libcamera::Event> Backend<M, E, Link<E>> {
    /// Starts `worker`, which speaks libcamera's encoding.
    ///
    /// # Errors
    /// As [`libcamera::Connection::start`].
    pub fn libcamera(
        interface: &'static Interface,
        options: &Options,
        worker: &libcamera::Worker,
    ) -> Result<Self, ConnectError> {
        let connection = libcamera::Connection::start(interface, options, worker)?;
        Ok(Self::Remote(Box::new(Link::Socket(connection))))
    }

    /// The connection, if the module is behind one of libcamera's kind.
    #[must_use]
    pub fn libcamera_connection(&self) -> Option<&libcamera::Connection<E>> {
        match self {
            Self::Remote(link) => link.socket(),
            Self::Direct { .. } => None,
        }
    }
}

impl<M: ?Sized, E, R: AsFd> AsFd for Backend<M, E, R> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Direct { events, .. } => events.watch(),
            Self::Remote(connection) => connection.as_fd(),
        }
    }
}

impl<M: ?Sized, E, R: fmt::Debug> fmt::Debug for Backend<M, E, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct { events, .. } => {
                f.debug_struct("Direct").field("events", events).finish_non_exhaustive()
            }
            Self::Remote(connection) => f.debug_tuple("Remote").field(connection).finish(),
        }
    }
}
