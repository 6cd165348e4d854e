//! What a host lets its workers do.

use std::path::PathBuf;

use super::{Layers, SystemCall};

/// Address space that a worker may have unless the policy says otherwise.
const ADDRESS_SPACE: u64 = 4 << 30;
/// Descriptors that a worker may have unless the policy says otherwise.
const OPEN_FILES: u64 = 768;
/// Bytes that a file may have that a worker writes to unless the policy says otherwise.
const FILE_BYTES: u64 = 1 << 20;

/// What a host lets its workers do, and how much of the sandbox it insists on.
///
/// A worker computes on what its host sends: by default it may read its program, the libraries of that and what
/// [`Worker::reads`](crate::ipc::Worker::reads) names, and nothing else, and that only until its module is loaded. An
/// embedder whose module needs more says what.
///
/// ```
/// use ringfence::ipc::{Layers, Options, SandboxPolicy};
///
/// let policy = SandboxPolicy::strict()
///     .read_path("/usr/share/camera/tuning")
///     .address_space(1 << 30)
///     .minimum(Layers::REQUIRED | Layers::NET_NS);
/// let options = Options::new().sandbox(policy);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxPolicy {
    pub(super) off: bool,
    pub(super) minimum: Layers,
    pub(super) read_paths: Vec<PathBuf>,
    pub(super) calls: Vec<SystemCall>,
    pub(super) address_space: u64,
    pub(super) open_files: u64,
    #[cfg(test)]
    pub(super) unavailable: Layers,
    pub(super) file_bytes: u64,
}

impl Default for SandboxPolicy {
    fn default() -> Self {
        Self::strict()
    }
}

impl SandboxPolicy {
    /// A worker gets every layer that there is, and none is started unless [`Layers::REQUIRED`] hold.
    #[must_use]
    pub fn strict() -> Self {
        Self {
            off: false,
            minimum: Layers::REQUIRED,
            read_paths: Vec::new(),
            calls: Vec::new(),
            address_space: ADDRESS_SPACE,
            open_files: OPEN_FILES,
            #[cfg(test)]
            unavailable: Layers::empty(),
            file_bytes: FILE_BYTES,
        }
    }

    /// A worker gets every layer that there is. What is missing is logged, and
    /// [`Connection::layers`](crate::ipc::Connection::layers) tells what holds.
    #[must_use]
    pub fn best_effort() -> Self {
        Self { minimum: Layers::empty(), ..Self::strict() }
    }

    /// No sandbox at all, which is logged as a warning: the module may do whatever the host may. For modules that are as
    /// trusted as the host, and to find out whether the sandbox is what a module trips over.
    #[must_use]
    pub fn off() -> Self {
        Self { off: true, ..Self::best_effort() }
    }

    /// Insists on these layers instead.
    #[must_use]
    pub fn minimum(mut self, layers: Layers) -> Self {
        self.minimum = layers;
        self
    }

    /// Lets workers read this file, or what is in this folder and below it. What does not exist when a worker starts
    /// cannot be read later.
    #[must_use]
    pub fn read_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.read_paths.push(path.into());
        self
    }

    /// Lets workers make this system call, with any arguments and at any time, even after the module is loaded.
    ///
    /// ```
    /// # use ringfence::ipc::SandboxPolicy;
    /// let policy = SandboxPolicy::strict().allow_call("sched_setaffinity".parse()?);
    /// # Ok::<_, ringfence::ipc::sandbox::UnknownSystemCall>(())
    /// ```
    #[must_use]
    pub fn allow_call(mut self, call: SystemCall) -> Self {
        self.calls.push(call);
        self
    }

    /// Bytes of address space that a worker may have: 4 GiB if nothing else is said.
    #[must_use]
    pub fn address_space(mut self, bytes: u64) -> Self {
        self.address_space = bytes;
        self
    }

    /// Descriptors that a worker may have open: 768 if nothing else is said.
    #[must_use]
    pub fn open_files(mut self, count: u64) -> Self {
        self.open_files = count;
        self
    }

    /// How long a file may become that a worker writes to: 1 MiB if nothing else is said. It can only write to those that
    /// its host sends it.
    #[must_use]
    pub fn file_bytes(mut self, bytes: u64) -> Self {
        self.file_bytes = bytes;
        self
    }

    /// As if the kernel had none of these layers.
    #[cfg(test)]
    pub(in crate::ipc) fn without(mut self, layers: Layers) -> Self {
        self.unavailable = layers;
        self
    }

    /// Whether there shall be no sandbox.
    pub(in crate::ipc) fn is_off(&self) -> bool {
        self.off
    }
}
