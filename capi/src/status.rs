//! Numbers for what functions say.

use ringfence::ipc::{CallError, ConnectError, Exit};

/// What a function has to say. Later versions may know more: whatever is neither RF_OK nor RF_NOTHING is a failure.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rf_status {
    /// It is done.
    RF_OK = 0,
    /// No failure: there is no event, or none came in time.
    RF_NOTHING = 1,

    /// An argument cannot be right. Nothing was done.
    RF_ERROR_ARGUMENT = 2,
    /// Another thread is using the connection. Nothing was done.
    RF_ERROR_BUSY = 3,
    /// The library has a bug. The connection is lost.
    RF_ERROR_INTERNAL = 4,
    /// The system refused something, such as memory or descriptors.
    RF_ERROR_SYSTEM = 5,

    /// There is no worker program, or it cannot be started.
    RF_ERROR_WORKER = 10,
    /// The worker cannot be confined as the options demand, and was not started.
    RF_ERROR_SANDBOX = 11,
    /// The worker speaks another interface, another version of it, or another protocol.
    RF_ERROR_HANDSHAKE = 12,

    /// The worker has ended; see rf_error_exit(). The connection is lost.
    RF_ERROR_DIED = 20,
    /// The worker broke the rules of the connection and was ended. The connection is lost.
    RF_ERROR_PROTOCOL = 21,

    /// The reply did not come in time. The call may have been carried out; a late reply is thrown away.
    RF_ERROR_DEADLINE = 30,
    /// There was no room for the message: at once or in time, as the options say. It was not sent.
    RF_ERROR_FULL = 31,
    /// The message is longer than the ring, or has too many descriptors. It was not sent.
    RF_ERROR_TOO_LARGE = 32,
    /// The descriptors cannot be sent. Nor was the message.
    RF_ERROR_DESCRIPTORS = 33,
    /// The component refused the call: it cannot read it, or its method failed.
    RF_ERROR_REFUSED = 34,
    /// Something else, which this version of the API has no number for.
    RF_ERROR_OTHER = 99,
}

/// How a worker ended.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rf_exit {
    /// The error is not about the end of a worker.
    RF_EXIT_NONE = 0,
    /// It exited with a status, the number.
    RF_EXIT_STATUS = 1,
    /// A signal killed it, the number.
    RF_EXIT_SIGNAL = 2,
    /// It was killed for a system call that its sandbox forbids; the message names it.
    RF_EXIT_FORBIDDEN = 3,
    /// It was killed since it had not answered a call by its deadline, nor in the grace time after it.
    RF_EXIT_WEDGED = 4,
    /// It closed its end of the connection and would not end.
    RF_EXIT_CLOSED = 5,
    /// In some other way, which the message tells.
    RF_EXIT_OTHER = 6,
}

use rf_status::*;

impl From<&CallError> for rf_status {
    fn from(error: &CallError) -> Self {
        match error {
            CallError::Died(_) => RF_ERROR_DIED,
            CallError::Protocol(_) => RF_ERROR_PROTOCOL,
            CallError::Deadline { .. } => RF_ERROR_DEADLINE,
            CallError::Full { .. } | CallError::Congested { .. } => RF_ERROR_FULL,
            CallError::TooLarge { .. } | CallError::TooLong { .. } | CallError::Encode { .. } => {
                RF_ERROR_TOO_LARGE
            }
            CallError::Fds { .. } => RF_ERROR_DESCRIPTORS,
            CallError::Fault { .. } => RF_ERROR_REFUSED,
            _ => RF_ERROR_OTHER,
        }
    }
}

impl From<&ConnectError> for rf_status {
    fn from(error: &ConnectError) -> Self {
        match error {
            ConnectError::NoWorker { .. } | ConnectError::Spawn { .. } => RF_ERROR_WORKER,
            ConnectError::Sandbox { .. } => RF_ERROR_SANDBOX,
            ConnectError::Handshake { .. } | ConnectError::Module(_) => RF_ERROR_HANDSHAKE,
            ConnectError::Died(_) => RF_ERROR_DIED,
            ConnectError::Memory(_) | ConnectError::System { .. } => RF_ERROR_SYSTEM,
            _ => RF_ERROR_OTHER,
        }
    }
}

impl rf_exit {
    /// The kind of an end, and its number.
    pub(crate) fn of(exit: &Exit) -> (Self, i32) {
        match exit {
            Exit::Status(status) => (Self::RF_EXIT_STATUS, *status),
            Exit::Signal(number) => (Self::RF_EXIT_SIGNAL, *number),
            Exit::Forbidden { .. } => (Self::RF_EXIT_FORBIDDEN, 0),
            Exit::Wedged => (Self::RF_EXIT_WEDGED, 0),
            Exit::Closed => (Self::RF_EXIT_CLOSED, 0),
            _ => (Self::RF_EXIT_OTHER, 0),
        }
    }
}
