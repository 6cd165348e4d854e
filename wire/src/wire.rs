//! Names of the encodings, and of the two ends.

use std::fmt;
use std::str::FromStr;

/// An encoding.
///
/// ```
/// use ringfence_wire::Wire;
///
/// assert_eq!("libcamera-2".parse(), Ok(Wire::Libcamera2));
/// assert_eq!(Wire::ALL.map(Wire::name), ["native", "libcamera-1", "libcamera-2"]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wire {
    /// This project's own, for shared memory.
    Native,
    /// libcamera's with control packets of format 1, as its releases up to 0.5 have it.
    Libcamera1,
    /// libcamera's with control packets of format 2, as its newest releases have it.
    Libcamera2,
}

impl Wire {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Native, Self::Libcamera1, Self::Libcamera2];

    /// Its name, as it is written on a command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Libcamera1 => "libcamera-1",
            Self::Libcamera2 => "libcamera-2",
        }
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Wire {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|wire| wire.name() == text);
        named.ok_or_else(|| format!("`{text}` is no encoding; native, libcamera-1 and libcamera-2 are"))
    }
}

/// Who writes. In libcamera's encoding the two count the handles of their info maps apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Role {
    /// The host's end: handles 1, 3, 5…
    #[default]
    Proxy,
    /// The worker's end: handles 2, 4, 6…
    Worker,
}
