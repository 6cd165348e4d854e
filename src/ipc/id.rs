//! The number by which a connection is known: in the logs of both sides, and to whoever watches.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

/// Names one connection: 64 random bits that the host draws and tells the module in the handshake, so that what both sides
/// log can be joined. It is no secret, and proves nothing.
///
/// Shown as sixteen hexadecimal digits, and read from as many or fewer.
///
/// ```
/// use ringfence::ipc::ConnectionId;
///
/// let id: ConnectionId = "00000000c0ffee00".parse()?;
/// assert_eq!(id.number(), 0xc0ffee00);
/// assert_eq!(id.to_string(), "00000000c0ffee00");
/// # Ok::<_, std::num::ParseIntError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u64);

impl ConnectionId {
    /// A new one, never zero.
    pub(super) fn draw() -> Self {
        loop {
            // A kernel without randomness gives none to hash maps either, which would not start.
            let number = getrandom::u64().unwrap_or_else(|_| std::process::id().into());
            if number != 0 {
                return Self(number);
            }
        }
    }

    /// The one of this number.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for ConnectionId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}
