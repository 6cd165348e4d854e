//! System calls of this machine, by number and by name.

use std::fmt;
use std::str::FromStr;

use syscalls::Sysno;

/// Set in the number of a call of x86-64's 32-bit-pointer interface (x32), which uses the same entry.
const X32: u32 = 0x4000_0000;

/// A system call of the architecture that this program is built for.
///
/// ```
/// use ringfence::ipc::sandbox::SystemCall;
///
/// let call: SystemCall = "openat".parse()?;
/// assert_eq!(call.to_string(), "openat");
/// assert_eq!(call.name(), Some("openat"));
/// # Ok::<_, ringfence::ipc::sandbox::UnknownSystemCall>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SystemCall(u32);

/// A name that is no system call of this architecture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no system call of {}; see `man 2 syscalls` for their names", std::env::consts::ARCH)]
pub struct UnknownSystemCall {
    /// The name.
    pub name: String,
}

impl SystemCall {
    /// The call with this number, whether or not it has a name.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// The call with this name, if the architecture has it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let call: Sysno = name.parse().ok()?;
        u32::try_from(call.id()).ok().map(Self)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Its name, if it is known.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Sysno::new(usize::try_from(self.0).ok()?).map(|call| call.name())
    }
}

impl FromStr for SystemCall {
    type Err = UnknownSystemCall;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::named(name).ok_or_else(|| UnknownSystemCall { name: name.to_owned() })
    }
}

impl fmt::Display for SystemCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None if cfg!(target_arch = "x86_64") && self.0 & X32 != 0 => {
                write!(f, "number {} of x32", self.0 & !X32)
            }
            None => write!(f, "number {}", self.0),
        }
    }
}

impl fmt::Debug for SystemCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SystemCall({self})")
    }
}
