//! The two datagrams of a message on libcamera's socket: eight bytes that announce it, then the message.

/// Bytes of the first datagram.
const HEADER: usize = 8;

/// What one `send` puts on the socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Descriptors that go with them.
    pub fds: usize,
}

/// A whole message: its header of eight bytes, command and cookie, then parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Descriptors that came with them.
    pub fds: usize,
}

/// Why a datagram is not what was due.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FramingError {
    /// The first datagram of a message is not eight bytes long.
    #[error("a message begins with a datagram of 8 bytes, and this one has {bytes}")]
    Header {
        /// Bytes of the datagram.
        bytes: usize,
    },
    /// The first datagram of a message brought descriptors.
    #[error("the datagram that announces a message has {fds} descriptors, which belong to the next one")]
    HeaderFds {
        /// Descriptors of the datagram.
        fds: usize,
    },
    /// The second datagram is not as long as the first one said.
    #[error("a message of {announced} bytes is announced, and the datagram has {bytes}")]
    Length {
        /// Bytes announced.
        announced: u32,
        /// Bytes of the datagram.
        bytes: usize,
    },
    /// Other descriptors came than the first datagram said.
    #[error("{announced} descriptors are announced, and {fds} came")]
    Fds {
        /// Descriptors announced.
        announced: u8,
        /// Descriptors of the datagram.
        fds: usize,
    },
    /// More descriptors than can be announced, or more bytes.
    #[error("a message of {bytes} bytes and {fds} descriptors cannot be announced")]
    TooMuch {
        /// Bytes of the message.
        bytes: usize,
        /// Descriptors of the message.
        fds: usize,
    },
}

/// The datagrams of a message.
///
/// ```
/// use ringfence_wire::{Assembler, Payload, frame};
///
/// let payload = Payload { bytes: vec![3, 0, 0, 0, 1, 0, 0, 0], fds: 0 };
/// let [header, body] = frame(&payload)?;
/// assert_eq!(header.bytes, [8, 0, 0, 0, 0, 0, 0, 0]);
///
/// let mut assembler = Assembler::default();
/// assert_eq!(assembler.take(&header)?, None);
/// assert_eq!(assembler.take(&body)?, Some(payload));
/// # Ok::<_, ringfence_wire::FramingError>(())
/// ```
///
/// # Errors
/// [`FramingError::TooMuch`] if the lengths cannot be announced.
pub fn frame(payload: &Payload) -> Result<[Datagram; 2], FramingError> {
    let (bytes, fds) = (payload.bytes.len(), payload.fds);
    let too_much = FramingError::TooMuch { bytes, fds };
    let (Ok(length), Ok(count)) = (u32::try_from(bytes), u8::try_from(fds)) else { return Err(too_much) };
    let mut header = length.to_le_bytes().to_vec();
    header.extend([count, 0, 0, 0]);
    Ok([Datagram { bytes: header, fds: 0 }, Datagram { bytes: payload.bytes.clone(), fds }])
}

/// Puts the datagrams of one direction together.
///
/// ```
/// use ringfence_wire::{Assembler, Datagram, FramingError};
///
/// let mut assembler = Assembler::default();
/// let cut = Datagram { bytes: vec![8, 0, 0], fds: 0 };
/// assert_eq!(assembler.take(&cut), Err(FramingError::Header { bytes: 3 }));
/// assert!(!assembler.is_waiting(), "the next message may begin");
/// ```
#[derive(Debug, Default)]
pub struct Assembler {
    /// Bytes and descriptors that are announced.
    due: Option<(u32, u8)>,
}

impl Assembler {
    /// Takes the next datagram, and returns the message that it completes.
    ///
    /// # Errors
    /// [`FramingError`] if it is not what is due. The next message may begin with the datagram after it.
    pub fn take(&mut self, datagram: &Datagram) -> Result<Option<Payload>, FramingError> {
        let (bytes, fds) = (datagram.bytes.len(), datagram.fds);
        match self.due.take() {
            None => {
                let header: [u8; HEADER] =
                    datagram.bytes.as_slice().try_into().map_err(|_| FramingError::Header { bytes })?;
                if fds > 0 {
                    return Err(FramingError::HeaderFds { fds });
                }
                let [a, b, c, d, count, ..] = header;
                self.due = Some((u32::from_le_bytes([a, b, c, d]), count));
                Ok(None)
            }
            Some((announced, _)) if announced as usize != bytes => {
                Err(FramingError::Length { announced, bytes })
            }
            Some((_, announced)) if usize::from(announced) != fds => {
                Err(FramingError::Fds { announced, fds })
            }
            Some(_) => Ok(Some(Payload { bytes: datagram.bytes.clone(), fds })),
        }
    }

    /// Whether a message has been announced and not come.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.due.is_some()
    }
}
