//! How a module ended.

use std::fmt;

use super::Mode;

/// How a worker ended.
///
/// ```
/// use ringfence::ipc::Exit;
///
/// assert_eq!(Exit::Status(3).to_string(), "exited with status 3");
/// assert_eq!(Exit::Signal(9).to_string(), "was killed by signal 9 (SIGKILL)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exit {
    /// The process exited with this status.
    Status(i32),
    /// A signal of this number killed the process.
    Signal(i32),
    /// It made a system call that it may not make, and was killed.
    Forbidden {
        /// The call's name, or its number if it has none.
        call: String,
    },
    /// The module's thread returned.
    Returned,
    /// The module's thread panicked, with this message.
    Panicked(String),
    /// The module closed its end of the connection but would not end.
    Closed,
    /// It had not answered a call by its deadline, nor within [`Options::grace`](super::Options::grace) after it: the
    /// worker was killed, or the connection to the thread closed.
    Wedged,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "exited with status {status}"),
            Self::Signal(number) => match nix::sys::signal::Signal::try_from(*number) {
                Ok(signal) => write!(f, "was killed by signal {number} ({signal})"),
                Err(_) => write!(f, "was killed by signal {number}"),
            },
            Self::Forbidden { call } => {
                write!(
                    f,
                    "was killed for the system call {call}, which its sandbox forbids; `SandboxPolicy::allow_call` allows it, if it should be"
                )
            }
            Self::Returned => f.write_str("stopped serving"),
            Self::Panicked(message) => write!(f, "panicked: {message}"),
            Self::Closed => f.write_str("closed its connection"),
            Self::Wedged => f.write_str(
                "was ended, as it had not answered a call by its deadline, nor in the grace time after it (`Options::grace`)",
            ),
        }
    }
}

/// What is known of a module that has ended while it was needed.
///
/// ```
/// use ringfence::ipc::{CallError, Exit};
///
/// fn explain(error: &CallError) -> String {
///     match error {
///         CallError::Died(death) => match &death.exit {
///             Exit::Forbidden { call } => format!("it tried {call} in {:?}", death.last_call),
///             exit => format!("it {exit}"),
///         },
///         other => other.to_string(),
///     }
/// }
/// # assert_eq!(explain(&CallError::Module("why".to_owned())), "why");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Death {
    /// Full name of its interface.
    pub interface: &'static str,
    /// How it ran.
    pub mode: Mode,
    /// Process id, if it was a process.
    pub pid: Option<u32>,
    /// How it ended.
    pub exit: Exit,
    /// Whether a worker was killed, and the thread that started it has ended, which is why the kernel kills a worker: see
    /// [`Options::nursery`](super::Options::nursery).
    pub starter_ended: bool,
    /// Name of the last method that was called.
    pub last_call: Option<&'static str>,
    /// The last lines that it wrote to its standard error.
    pub stderr: String,
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} module of {}", self.mode, self.interface)?;
        if let Some(pid) = self.pid {
            write!(f, " (pid {pid})")?;
        }
        write!(f, " {}", self.exit)?;
        if self.starter_ended {
            f.write_str(
                " as the thread that started it has ended; give `Options::nursery` to a connection that is to outlive \
                 the thread that makes it",
            )?;
        }
        match self.last_call {
            Some(method) => write!(f, "; the last call was {method}")?,
            None => f.write_str("; it had not been called")?,
        }
        if !self.stderr.is_empty() {
            write!(f, "; its last words:\n{}", self.stderr.trim_end())?;
        }
        Ok(())
    }
}

impl std::error::Error for Death {}
