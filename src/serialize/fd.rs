//! File descriptors as values.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// A file descriptor that may be shared by several values, or none.
///
/// A clone refers to the same descriptor, which closes with its last owner. Crossing a process
/// boundary duplicates it, so there is no useful equality.
///
/// ```
/// use std::fs::File;
/// use std::os::fd::OwnedFd;
/// use ringfence::serialize::SharedFd;
///
/// let fd = SharedFd::from(OwnedFd::from(File::open("/dev/null")?));
/// let same = fd.clone();
/// drop(fd);
/// assert!(same.get().is_some(), "it is open until its last owner goes");
/// assert!(!SharedFd::none().is_valid());
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct SharedFd(Option<Arc<OwnedFd>>);

impl SharedFd {
    /// The absence of a descriptor.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    /// Whether there is a descriptor.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.0.is_some()
    }

    /// The descriptor, if there is one.
    #[must_use]
    pub fn get(&self) -> Option<BorrowedFd<'_>> {
        self.0.as_ref().map(|fd| fd.as_fd())
    }
}

impl From<OwnedFd> for SharedFd {
    fn from(fd: OwnedFd) -> Self {
        Self(Some(Arc::new(fd)))
    }
}

/// A part of a buffer: a descriptor and where in it the part lies.
///
/// ```
/// use std::fs::File;
/// use std::os::fd::OwnedFd;
/// use ringfence::serialize::{Plane, SharedFd};
///
/// // Luma and chroma of a picture in one buffer.
/// # let buffer = File::open("/dev/null")?;
/// let fd = SharedFd::from(OwnedFd::from(buffer));
/// let luma = Plane { fd: fd.clone(), offset: 0, length: 640 * 480 };
/// let chroma = Plane { fd, offset: luma.length, length: luma.length / 2 };
/// assert_eq!(chroma.offset + chroma.length, 460_800);
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Plane {
    /// The buffer, usually a dma-buf.
    pub fd: SharedFd,
    /// Start of the plane in the buffer, in bytes.
    pub offset: u32,
    /// Length of the plane, in bytes.
    pub length: u32,
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for SharedFd {
    /// Always the absence of a descriptor: random bytes cannot make up an open file.
    fn arbitrary(_: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(Self::none())
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for Plane {
    fn arbitrary(input: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(Self { fd: input.arbitrary()?, offset: input.arbitrary()?, length: input.arbitrary()? })
    }
}
