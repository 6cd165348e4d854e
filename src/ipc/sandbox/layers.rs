//! The layers of a sandbox, by name.

use std::fmt;

bitflags::bitflags! {
    /// Layers of a worker's sandbox. Each holds on its own, should another be missing or have a hole.
    ///
    /// ```
    /// use ringfence::ipc::Layers;
    ///
    /// let held = Layers::NO_NEW_PRIVS | Layers::SECCOMP;
    /// assert_eq!(held.to_string(), "no-new-privs, seccomp");
    /// assert!(Layers::REQUIRED.contains(held) && !Layers::REQUIRED.intersects(Layers::NAMESPACES));
    /// ```
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct Layers: u32 {
        /// No program that it could start would have more privileges than it (`no_new_privs`).
        const NO_NEW_PRIVS = 1 << 0;
        /// No descriptor of the host's but those that it needs.
        const CLOSED_FDS = 1 << 1;
        /// Limits of memory, descriptors and file sizes; no core dumps.
        const RLIMITS = 1 << 2;
        /// A user namespace of its own, in which it is nobody in particular and has no capability.
        const USER_NS = 1 << 3;
        /// A network namespace of its own, in which there is no network.
        const NET_NS = 1 << 4;
        /// System V objects and message queues of its own, which are none.
        const IPC_NS = 1 << 5;
        /// A host name of its own.
        const UTS_NS = 1 << 6;
        /// A PID namespace of its own: it can name no other process.
        const PID_NS = 1 << 7;
        /// Landlock: of the file system it sees only the files it is to read.
        const LANDLOCK = 1 << 8;
        /// A filter of system calls.
        const SECCOMP = 1 << 9;
        /// Once its module is loaded, it may open no more files and map nothing executable.
        const SEAL = 1 << 10;
    }
}

impl Layers {
    /// What [`SandboxPolicy::strict`](super::SandboxPolicy::strict) insists on: all that needs no privilege on any
    /// kernel from Linux 5.13 on. Namespaces are refused on many systems.
    pub const REQUIRED: Self = Self::NO_NEW_PRIVS
        .union(Self::CLOSED_FDS)
        .union(Self::RLIMITS)
        .union(Self::LANDLOCK)
        .union(Self::SECCOMP)
        .union(Self::SEAL);

    /// All namespaces.
    pub const NAMESPACES: Self =
        Self::USER_NS.union(Self::NET_NS).union(Self::IPC_NS).union(Self::UTS_NS).union(Self::PID_NS);
}

impl fmt::Display for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        for (index, (name, _)) in self.iter_names().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            f.write_str(&name.to_lowercase().replace('_', "-"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_read_as_a_list() {
        assert_eq!(Layers::empty().to_string(), "none");
        assert_eq!((Layers::SECCOMP | Layers::NO_NEW_PRIVS).to_string(), "no-new-privs, seccomp");
    }

    #[test]
    fn no_namespace_is_required() {
        assert!(!Layers::REQUIRED.intersects(Layers::NAMESPACES));
        assert_eq!(Layers::REQUIRED | Layers::NAMESPACES, Layers::all());
    }
}
