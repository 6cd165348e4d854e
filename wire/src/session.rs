//! What a host and a worker that speak libcamera's encoding say to each other.

use std::collections::HashMap;
use std::fmt;

use ringfence_mojom::model::{Interface, Method, Model};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{Assembler, Block, Codec, Datagram, Encoded, Error, FramingError, Payload, Role, Wire};

/// Who has sent something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Who calls.
    Host,
    /// Who serves.
    Worker,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "host",
            Self::Worker => "worker",
        })
    }
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The host calls a method.
    Call,
    /// The worker returns from it.
    Reply,
    /// The worker tells something on its own.
    Event,
    /// The host tells the worker to end.
    Exit,
}

/// A message with all that it says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    /// Who has sent it.
    pub from: Side,
    /// What it is.
    pub kind: Kind,
    /// Name of the method or event; `exit` for [`Kind::Exit`].
    pub name: String,
    /// What a reply has in common with its call. Events have 0.
    pub cookie: u32,
    /// Parameters or results by their names.
    pub parameters: Json,
    /// Descriptors that came with it.
    pub fds: usize,
    /// What there is to say about its bytes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// Why a message cannot be understood, or not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The datagrams are not in order.
    #[error(transparent)]
    Framing(#[from] FramingError),
    /// There is no interface in the files.
    #[error("the files have no interface; give the file that defines it, such as vimc.mojom")]
    NoInterface,
    /// The encoding is not one of libcamera's.
    #[error("messages of the native encoding do not go over a socket; libcamera-1 and libcamera-2 do")]
    Native,
    /// The message is shorter than its header.
    #[error("a message of {bytes} bytes is shorter than the 8 of its header")]
    Short {
        /// Bytes of the message.
        bytes: usize,
    },
    /// The host calls a method that the interface does not have.
    #[error("call {number} with cookie {cookie}: the interface has {methods} methods")]
    UnknownMethod {
        /// Number of the method.
        number: u32,
        /// Cookie of the call.
        cookie: u32,
        /// Methods of the interface.
        methods: usize,
    },
    /// The worker sends an event that the interface does not have.
    #[error(
        "event {number} with cookie {cookie}: no call of this cookie is open, and the interface has {events} events"
    )]
    UnknownEvent {
        /// Number of the event.
        number: u32,
        /// Cookie of the message.
        cookie: u32,
        /// Events of the interface.
        events: usize,
    },
    /// There is no method or event of this name.
    #[error("the interface has no {what} `{name}`")]
    UnknownName {
        /// `method` or `event`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The parameters or results are wrong.
    #[error("{what} `{name}` with cookie {cookie}: {source}")]
    Values {
        /// What the message is.
        what: &'static str,
        /// Name of the method or event.
        name: String,
        /// Cookie of the message.
        cookie: u32,
        /// What is wrong with them.
        source: Box<Error>,
    },
}

/// Listens to both sides, and so knows which reply belongs to which call, and which list to which info map; or makes
/// what both sides say.
///
/// ```
/// use ringfence_mojom::configure;
/// use ringfence_wire::{Kind, Payload, Session, Side, Wire};
///
/// let text = "module a; interface AInterface { start() => (int32 ret); };";
/// let model = configure().check_text("a.mojom", text)?.model;
/// let mut session = Session::new(&model, Wire::Libcamera2)?;
///
/// let call = Payload { bytes: vec![1, 0, 0, 0, 9, 0, 0, 0], fds: 0 };
/// let call = session.decode(Side::Host, &call)?;
/// assert_eq!((call.kind, call.name.as_str(), call.cookie), (Kind::Call, "start", 9));
/// let reply = Payload { bytes: vec![1, 0, 0, 0, 9, 0, 0, 0, 0xea, 0xff, 0xff, 0xff], fds: 0 };
/// let reply = session.decode(Side::Worker, &reply)?;
/// assert_eq!(reply.parameters["ret"], -22);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Session<'m> {
    codec: Codec<'m>,
    interface: &'m Interface,
    host: Assembler,
    worker: Assembler,
    /// Calls without a reply, by their cookies.
    open: HashMap<u32, usize>,
}

/// Bytes of command and cookie.
const HEADER: usize = 8;

/// The method at which both sides forget the info maps. libcamera's generator knows it by its name.
const CONFIGURE: &str = "configure";

impl<'m> Session<'m> {
    /// A session that begins, over the interface of the last file that has one.
    ///
    /// # Errors
    /// [`SessionError::NoInterface`] or [`SessionError::Native`].
    pub fn new(model: &'m Model, wire: Wire) -> Result<Self, SessionError> {
        if wire == Wire::Native {
            return Err(SessionError::Native);
        }
        let interface = model.modules.iter().rev().find_map(|module| module.interface.as_ref());
        Ok(Self {
            codec: Codec::new(model, wire),
            interface: interface.ok_or(SessionError::NoInterface)?,
            host: Assembler::default(),
            worker: Assembler::default(),
            open: HashMap::new(),
        })
    }

    /// The interface.
    #[must_use]
    pub fn interface(&self) -> &'m Interface {
        self.interface
    }

    /// Takes the next datagram of one side, and returns the message that it completes.
    ///
    /// # Errors
    /// [`SessionError`] if it is not understood. What comes after it may be.
    pub fn datagram(&mut self, from: Side, datagram: &Datagram) -> Result<Option<Message>, SessionError> {
        let assembler = match from {
            Side::Host => &mut self.host,
            Side::Worker => &mut self.worker,
        };
        match assembler.take(datagram)? {
            Some(payload) => self.decode(from, &payload).map(Some),
            None => Ok(None),
        }
    }

    /// Sides that have announced a message and not sent it.
    pub fn unfinished(&self) -> impl Iterator<Item = Side> {
        [(Side::Host, &self.host), (Side::Worker, &self.worker)]
            .into_iter()
            .filter_map(|(side, assembler)| assembler.is_waiting().then_some(side))
    }

    /// Understands a message.
    ///
    /// # Errors
    /// [`SessionError`] if that fails.
    pub fn decode(&mut self, from: Side, payload: &Payload) -> Result<Message, SessionError> {
        let short = SessionError::Short { bytes: payload.bytes.len() };
        let (header, data) = payload.bytes.split_at_checked(HEADER).ok_or(short)?;
        let word =
            |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let (number, cookie) = (word(0), word(4));
        match from {
            Side::Host => self.call(number, cookie, data, payload.fds),
            Side::Worker => self.reply_or_event(number, cookie, data, payload.fds),
        }
    }

    fn call(&mut self, number: u32, cookie: u32, data: &[u8], fds: usize) -> Result<Message, SessionError> {
        if number == 0 {
            let mut remarks = Vec::new();
            if !data.is_empty() {
                remarks.push(format!("{} bytes after the header are ignored", data.len()));
            }
            let parameters = Json::Object(serde_json::Map::new());
            let name = "exit".to_owned();
            return Ok(Message {
                from: Side::Host,
                kind: Kind::Exit,
                name,
                cookie,
                parameters,
                fds,
                remarks,
            });
        }
        let interface = self.interface;
        let methods = interface.methods.len();
        let index = number as usize - 1;
        let unknown = SessionError::UnknownMethod { number, cookie, methods };
        let method = interface.methods.get(index).ok_or(unknown)?;
        if method.name == CONFIGURE {
            self.codec.reset();
        }
        if !method.asynchronous {
            self.open.insert(cookie, index);
        }
        self.values(Side::Host, Kind::Call, method, cookie, data, fds)
    }

    fn reply_or_event(
        &mut self,
        number: u32,
        cookie: u32,
        data: &[u8],
        fds: usize,
    ) -> Result<Message, SessionError> {
        let interface = self.interface;
        // An event has cookie 0, and so may a call.
        let replied =
            self.open.get(&cookie).copied().filter(|index| *index + 1 == number as usize || cookie != 0);
        if let Some(index) = replied {
            self.open.remove(&cookie);
            let method = &interface.methods[index];
            let mut message = self.values(Side::Worker, Kind::Reply, method, cookie, data, fds)?;
            if index + 1 != number as usize {
                message.remarks.push(format!("the reply has number {number}, and its call {}", index + 1));
            }
            return Ok(message);
        }
        let events = interface.events.len();
        let event = (number as usize).checked_sub(1).and_then(|index| interface.events.get(index));
        let event = event.ok_or(SessionError::UnknownEvent { number, cookie, events })?;
        let mut message = self.values(Side::Worker, Kind::Event, event, cookie, data, fds)?;
        if cookie != 0 {
            message
                .remarks
                .push(format!("the event has cookie {cookie} instead of 0, and no call of it is open"));
        }
        Ok(message)
    }

    fn values(
        &mut self,
        from: Side,
        kind: Kind,
        method: &Method,
        cookie: u32,
        data: &[u8],
        fds: usize,
    ) -> Result<Message, SessionError> {
        let (block, what) = block_of(kind);
        let name = method.name.clone();
        match self.codec.decode_block(method, block, data, fds) {
            Ok(decoded) => {
                let (parameters, remarks) = (decoded.value, decoded.remarks);
                Ok(Message { from, kind, name, cookie, parameters, fds, remarks })
            }
            Err(source) => Err(SessionError::Values { what, name, cookie, source: source.into() }),
        }
    }

    /// The bytes of a message, as if it were the next one of the session. Its `fds` and `remarks` are not looked at.
    ///
    /// # Errors
    /// [`SessionError`] if there is no such method or event, or its values are wrong.
    pub fn encode(&mut self, message: &Message) -> Result<Payload, SessionError> {
        let (role, list, what) = match message.kind {
            Kind::Exit => return Ok(payload(0, message.cookie, Encoded { bytes: Vec::new(), fds: 0 })),
            Kind::Call => (Role::Proxy, &self.interface.methods, "method"),
            Kind::Reply => (Role::Worker, &self.interface.methods, "method"),
            Kind::Event => (Role::Worker, &self.interface.events, "event"),
        };
        let name = &message.name;
        let index = list.iter().position(|method| method.name == *name);
        let index = index.ok_or_else(|| SessionError::UnknownName { what, name: name.clone() })?;
        let method = &list[index];
        if message.kind == Kind::Call && method.name == CONFIGURE {
            self.codec.reset();
        }
        let (block, what) = block_of(message.kind);
        match self.codec.encode_block(role, method, block, &message.parameters) {
            // Nobody has written four thousand million methods into a file.
            Ok(encoded) => Ok(payload(index as u32 + 1, message.cookie, encoded)),
            Err(source) => Err(SessionError::Values {
                what,
                name: name.clone(),
                cookie: message.cookie,
                source: source.into(),
            }),
        }
    }
}

fn block_of(kind: Kind) -> (Block, &'static str) {
    match kind {
        Kind::Call | Kind::Exit => (Block::Request, "call"),
        Kind::Reply => (Block::Reply, "reply"),
        Kind::Event => (Block::Event, "event"),
    }
}

fn payload(number: u32, cookie: u32, data: Encoded) -> Payload {
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.extend(cookie.to_le_bytes());
    bytes.extend(data.bytes);
    Payload { bytes, fds: data.fds }
}
