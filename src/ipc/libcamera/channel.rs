//! Messages over a socket of datagrams or packets: one announces, the next is the message.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::sockopt::socket_send_buffer_size;
use zerocopy::byteorder::little_endian::U32;
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::ipc::ProtocolError;
use crate::ipc::socket::{Packet, Socket};
use crate::serialize::SharedFd;
use crate::serialize::libcamera::{ControlSerializer, Decoder, Encode, EncodeError, Encoder};

/// Bytes before the body of a message.
const HEADER_BYTES: usize = size_of::<Header>();
/// The longest message that is taken. The kernel's default lets datagrams of 208 KiB pass.
const LONGEST: usize = 4 << 20;
/// What the kernel keeps for itself of a socket's send buffer.
const KERNEL_BYTES: usize = 32;

/// The first datagram of a message.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Announcement {
    bytes: U32,
    fds: u8,
    reserved: [u8; 3],
}

/// Start of the second.
#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Header {
    number: U32,
    cookie: U32,
}

/// One end of a connection.
#[derive(Debug)]
pub(super) struct Channel {
    socket: Socket,
    /// What has been announced by the peer and has not come.
    announced: Option<Announcement>,
    /// Whether everything was taken that will ever come.
    ended: bool,
    /// The message that is being sent.
    outgoing: Outgoing,
    /// Messages and bytes that were sent, and that came.
    traffic: [u64; 4],
}

/// A message that is being sent, kept for its memory.
#[derive(Debug, Default)]
struct Outgoing {
    bytes: Vec<u8>,
    fds: Vec<SharedFd>,
    /// How many it has, or had.
    fds_announced: usize,
    /// Whether it has been announced and not been sent.
    is_due: bool,
}

/// A message that came.
#[derive(Debug, Default)]
pub(super) struct Message {
    bytes: Vec<u8>,
    pub fds: Vec<Option<OwnedFd>>,
}

/// Why a message was not sent. But for [`SendError::Due`], nothing of it was.
#[derive(Debug)]
pub(super) enum SendError {
    /// There is no room now.
    Full,
    /// It is announced, and will be sent once there is room, before anything else.
    Due,
    /// It is longer than the socket lets pass.
    TooLong { bytes: usize, limit: usize },
    /// It cannot be expressed.
    Encode(EncodeError),
    /// The peer is gone.
    Gone,
    /// The kernel refuses it.
    System { fds: usize, errno: Errno },
}

impl Channel {
    pub fn new(socket: Socket) -> Self {
        Self { socket, announced: None, ended: false, outgoing: Outgoing::default(), traffic: [0; 4] }
    }

    /// Puts a message together and sends it.
    pub fn send<B: Encode + ?Sized>(
        &mut self,
        number: u32,
        cookie: u32,
        body: &B,
        controls: &mut ControlSerializer,
    ) -> Result<(), SendError> {
        self.flush()?;
        let mark = controls.mark();
        let Outgoing { bytes, fds, .. } = &mut self.outgoing;
        bytes.clear();
        fds.clear();
        let header = Header { number: U32::new(number), cookie: U32::new(cookie) };
        bytes.extend_from_slice(header.as_bytes());
        Encoder::message(body, bytes, fds, controls).map_err(SendError::Encode)?;
        let result = self.announce();
        if !matches!(result, Ok(()) | Err(SendError::Due)) {
            controls.rewind(mark);
        }
        result
    }

    /// Sends both datagrams of the message that was put together.
    fn announce(&mut self) -> Result<(), SendError> {
        let Outgoing { bytes, fds, fds_announced, is_due } = &mut self.outgoing;
        *fds_announced = fds.len();
        let limit = socket_send_buffer_size(&self.socket).unwrap_or(0).saturating_sub(KERNEL_BYTES);
        if bytes.len() > limit {
            return Err(SendError::TooLong { bytes: bytes.len(), limit });
        }
        // The encoder has made sure that both fit.
        let announcement =
            Announcement { bytes: U32::new(bytes.len() as u32), fds: fds.len() as u8, reserved: [0; 3] };
        self.socket.send(announcement.as_bytes(), &[]).map_err(|errno| failure(errno, 0))?;
        *is_due = true;
        match self.flush() {
            Err(SendError::Full) => Err(SendError::Due),
            result => result,
        }
    }

    /// Sends what was announced and not sent.
    pub fn flush(&mut self) -> Result<(), SendError> {
        let Outgoing { bytes, fds, is_due, .. } = &mut self.outgoing;
        if !*is_due {
            return Ok(());
        }
        let borrowed: Vec<BorrowedFd<'_>> = fds.iter().filter_map(SharedFd::get).collect();
        self.socket.send(bytes, &borrowed).map_err(|errno| failure(errno, borrowed.len()))?;
        *is_due = false;
        fds.clear();
        self.traffic[0] += 1;
        self.traffic[1] += bytes.len() as u64;
        Ok(())
    }

    /// Messages and bytes that were sent, and that came.
    pub fn traffic(&self) -> [u64; 4] {
        self.traffic
    }

    /// Body of the message that was sent last, and how many descriptors it had.
    pub fn sent(&self) -> (&[u8], usize) {
        (self.outgoing.bytes.get(HEADER_BYTES..).unwrap_or_default(), self.outgoing.fds_announced)
    }

    /// Whether a message was announced and not sent. Until it is, nothing else can be.
    pub fn is_due(&self) -> bool {
        self.outgoing.is_due
    }

    /// Whether everything was taken that will ever come. To sleep until there is more would be no sleep.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The next packet. `None` if there is none yet, or none any more; inside it, if it is empty.
    fn receive(&mut self, bytes: &mut [u8]) -> Option<Option<Packet>> {
        loop {
            match self.socket.receive(bytes) {
                // An empty packet looks like the end. The end stays.
                Ok(None) if self.socket.is_hung_up() => {
                    self.ended = true;
                    return None;
                }
                Ok(packet) => return Some(packet),
                // Told once; what the peer sent before comes after it.
                Err(Errno::CONNRESET) => {}
                // Whatever else ails the socket, the end of the peer's process tells.
                Err(_) => return None,
            }
        }
    }

    /// Takes the next message, if there is one.
    pub fn try_receive(&mut self, message: &mut Message) -> Result<bool, ProtocolError> {
        message.fds.clear();
        loop {
            let Some(announced) = self.announced else {
                // One byte more than there should be, to see whether there are more.
                let mut bytes = [0; size_of::<Announcement>() + 1];
                let Some(packet) = self.receive(&mut bytes) else { return Ok(false) };
                self.announced = Some(match packet {
                    Some(packet) if packet.bytes == size_of::<Announcement>() && packet.fds.is_empty() => {
                        let (announced, _) =
                            Announcement::read_from_prefix(&bytes).expect("the array is longer");
                        check(announced)?
                    }
                    packet => {
                        let (bytes, fds) = packet.map_or((0, 0), |packet| (packet.bytes, packet.fds.len()));
                        return Err(ProtocolError::Announcement { bytes, fds });
                    }
                });
                continue;
            };
            let length = announced.bytes.get() as usize;
            message.bytes.resize(length, 0);
            let Some(packet) = self.receive(&mut message.bytes) else { return Ok(false) };
            self.announced = None;
            let (delivered, fds, truncated) =
                packet.map_or((0, Vec::new(), false), |packet| (packet.bytes, packet.fds, packet.truncated));
            if delivered != length || truncated {
                return Err(ProtocolError::Length { announced: length, delivered, truncated });
            }
            if fds.len() != usize::from(announced.fds) {
                let announced = announced.fds.into();
                return Err(ProtocolError::Fds { announced, delivered: fds.len() });
            }
            message.fds.extend(fds.into_iter().map(Some));
            self.traffic[2] += 1;
            self.traffic[3] += length as u64;
            return Ok(true);
        }
    }
}

/// Refuses a message that cannot be, before there is any memory for it.
fn check(announced: Announcement) -> Result<Announcement, ProtocolError> {
    let bytes = announced.bytes.get() as usize;
    match bytes {
        HEADER_BYTES..=LONGEST => Ok(announced),
        _ => Err(ProtocolError::AnnouncedLength { bytes, limit: LONGEST }),
    }
}

fn failure(errno: Errno, fds: usize) -> SendError {
    match errno {
        Errno::AGAIN | Errno::NOBUFS => SendError::Full,
        Errno::CONNREFUSED | Errno::CONNRESET | Errno::NOTCONN | Errno::PIPE => SendError::Gone,
        errno => SendError::System { fds, errno },
    }
}

impl Message {
    fn header(&self) -> Header {
        Header::read_from_prefix(&self.bytes).map_or(Header::new_zeroed(), |(header, _)| header)
    }

    /// Number of the method or event.
    pub fn number(&self) -> u32 {
        self.header().number.get()
    }

    /// Number of the call, or 0 for an event.
    pub fn cookie(&self) -> u32 {
        self.header().cookie.get()
    }

    /// Body of the message, and how many descriptors came with it.
    pub fn contents(&self) -> (&[u8], usize) {
        (self.bytes.get(HEADER_BYTES..).unwrap_or_default(), self.fds.len())
    }

    /// Bytes of the message.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Reads the body.
    pub fn body<'a>(&'a mut self, controls: &'a mut ControlSerializer) -> Decoder<'a> {
        Decoder::new(self.bytes.get(HEADER_BYTES..).unwrap_or_default(), &mut self.fds, controls)
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
