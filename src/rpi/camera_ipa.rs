//! What the pipeline handler needs of an IPA beside the methods of its interface.

use std::time::{Duration, Instant};

use crate::interfaces::rpi::{IpaRPi, IpaRPiEvents, IpaRPiProxy};
use crate::ipc::{CallError, Connection, Mode, libcamera};

/// An IPA that the pipeline handler can drive, wherever it runs and whatever version of the interface it speaks.
///
/// ```
/// use ringfence::interfaces::rpi::IpaRPiProxy;
/// use ringfence::rpi::ipa::module::RaspberryPiIpa;
/// use ringfence::rpi::pipeline::CameraIpa;
///
/// fn is_fenced_in(ipa: &impl CameraIpa) -> bool {
///     ipa.worker_pid().is_some()
/// }
///
/// assert!(!is_fenced_in(&IpaRPiProxy::direct(RaspberryPiIpa::new)?));
/// # Ok::<_, ringfence::ipc::ConnectError>(())
/// ```
pub trait CameraIpa: IpaRPi {
    /// Delivers the events that are there, oldest first, and returns their number.
    ///
    /// # Errors
    /// [`CallError`] if the IPA is gone, or an event cannot be read.
    fn dispatch(&mut self, to: &mut dyn IpaRPiEvents) -> Result<usize, CallError>;

    /// Waits until there is an event, and returns `false` if `deadline` passes before; without one, for ever.
    ///
    /// # Errors
    /// [`CallError`] if the IPA is gone.
    fn wait(&mut self, deadline: Option<Instant>) -> Result<bool, CallError>;

    /// Where the IPA runs.
    fn mode(&self) -> Mode;

    /// Process id of its worker, if it has a process of its own.
    fn worker_pid(&self) -> Option<u32>;

    /// CPU time that its worker has used so far; `None` once it has ended.
    fn worker_cpu_time(&self) -> Option<Duration>;

    /// Tells whoever watches how often an IPA was started anew before this one.
    fn note_restarts(&self, restarts: u64);
}

impl CameraIpa for IpaRPiProxy {
    fn dispatch(&mut self, to: &mut dyn IpaRPiEvents) -> Result<usize, CallError> {
        self.dispatch(to)
    }

    fn wait(&mut self, deadline: Option<Instant>) -> Result<bool, CallError> {
        self.wait(deadline)
    }

    fn mode(&self) -> Mode {
        self.mode()
    }

    fn worker_pid(&self) -> Option<u32> {
        match self.libcamera_connection() {
            Some(connection) => connection.worker_pid(),
            None => self.connection().and_then(Connection::worker_pid),
        }
    }

    fn worker_cpu_time(&self) -> Option<Duration> {
        match self.libcamera_connection() {
            Some(connection) => libcamera::Connection::worker_cpu_time(connection),
            None => self.connection().and_then(Connection::worker_cpu_time),
        }
    }

    fn note_restarts(&self, restarts: u64) {
        if let Some(connection) = self.libcamera_connection() {
            connection.note_restarts(restarts);
        } else if let Some(connection) = self.connection() {
            connection.note_restarts(restarts);
        }
    }
}
