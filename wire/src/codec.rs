//! Values and parameters, to bytes and back.

use ringfence_mojom::model::{Method, Model, Parameter, Type};
use serde_json::{Map, Value as Json};

use crate::controls::{ControlState, InfoMap};
use crate::error::{Error, Problem};
use crate::json::{default, members};
use crate::messages::{Block, direct_return, parameters};
use crate::reader::Reader;
use crate::remark::Remarks;
use crate::{Role, Subject, Wire, libcamera, native};

/// The most descriptors that Linux passes with one message.
const MAX_FDS: usize = 253;

/// Encodes and decodes, and remembers which info maps have gone over a connection.
///
/// What was encoded and what was decoded is remembered alike: one codec is one end of a connection, or somebody who
/// listens to both. In the native encoding there is nothing to remember.
///
/// ```
/// use ringfence_mojom::configure;
/// use ringfence_wire::{Codec, Role, Subject, Wire};
/// use serde_json::json;
///
/// let model = configure().check_text("a.mojom", "module a; struct A { string name; };")?.model;
/// let subject = Subject::parse(&model, "a.A")?;
/// for wire in Wire::ALL {
///     let mut codec = Codec::new(&model, wire);
///     let encoded = codec.encode(Role::Worker, &subject, &json!({ "name": "imx219" }))?;
///     assert_eq!(codec.decode(&subject, &encoded.bytes, encoded.fds)?.value["name"], "imx219");
/// }
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Codec<'m> {
    model: &'m Model,
    wire: Wire,
    controls: ControlState,
}

/// Bytes of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// How many descriptors go with them.
    pub fds: usize,
}

/// A value, and what there is to say about its bytes.
///
/// ```
/// use ringfence_mojom::configure;
/// use ringfence_wire::{Codec, Subject, Wire};
///
/// let model = configure().check_text("a.mojom", "module a;")?.model;
/// let subject = Subject::parse(&model, "array<uint8>")?;
/// let mut codec = Codec::new(&model, Wire::Libcamera1);
/// // An array of none, and a byte that libcamera would not look at.
/// let decoded = codec.decode(&subject, &[0, 0, 0, 0, 7], 0)?;
/// assert!(decoded.value.as_array().is_some_and(Vec::is_empty));
/// assert_eq!(decoded.remarks.len(), 1);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// The value.
    pub value: Json,
    /// What libcamera accepts, though it tells that the two sides do not agree. In words, with offsets.
    pub remarks: Vec<String>,
}

impl<'m> Codec<'m> {
    /// A codec that has seen nothing yet.
    #[must_use]
    pub fn new(model: &'m Model, wire: Wire) -> Self {
        Self { model, wire, controls: ControlState::new() }
    }

    /// The checked interface.
    #[must_use]
    pub fn model(&self) -> &'m Model {
        self.model
    }

    /// The encoding.
    #[must_use]
    pub fn wire(&self) -> Wire {
        self.wire
    }

    /// Forgets all info maps, and counts handles from the start, as both sides do at the method `configure`.
    pub fn reset(&mut self) {
        self.controls = ControlState::new();
    }

    /// The bytes of a value.
    ///
    /// # Errors
    /// [`Error`] if the value is not of the type, or the encoding cannot express it. Nothing is remembered then.
    pub fn encode(&mut self, role: Role, subject: &Subject, value: &Json) -> Result<Encoded, Error> {
        match subject {
            Subject::Value(ty) if self.wire == Wire::Native => {
                checked(native::Encoder::message(self.model, [("", ty, value)].into_iter())?)
            }
            Subject::Value(ty) => self.write(role, |encoder| encoder.value(ty, value)),
            Subject::Bound | Subject::Again if self.wire == Wire::Native => {
                Err(Problem::NoBinding { wire: self.wire }.into())
            }
            Subject::Bound => self.write(role, |encoder| encoder.bound(value, false)),
            Subject::Again => self.write(role, |encoder| encoder.bound(value, true)),
        }
    }

    /// The value of these bytes, with which `fds` descriptors came.
    ///
    /// # Errors
    /// [`Error`] if they are not those of such a value. No info map is remembered then.
    pub fn decode(&mut self, subject: &Subject, bytes: &[u8], fds: usize) -> Result<Decoded, Error> {
        match subject {
            Subject::Value(ty) if self.wire == Wire::Native => {
                let values = [("", ty)].into_iter();
                let value = native::Decoder::message(self.model, bytes, fds, values)?.remove(0).1;
                Ok(Decoded { value, remarks: Vec::new() })
            }
            Subject::Value(ty) => self.read(|decoder| decoder.value(ty, Reader::new(bytes, fds))),
            Subject::Bound | Subject::Again if self.wire == Wire::Native => {
                Err(Problem::NoBinding { wire: self.wire }.into())
            }
            Subject::Bound => self.read(|decoder| decoder.bound(Reader::new(bytes, fds), false)),
            Subject::Again => self.read(|decoder| decoder.bound(Reader::new(bytes, fds), true)),
        }
    }

    /// Remembers an info map as sent by `role`, as if it had just been encoded.
    ///
    /// # Errors
    /// [`Error`] if it is no info map.
    pub fn remember(&mut self, role: Role, info_map: &Json) -> Result<(), Error> {
        self.controls.send(role, InfoMap::from_json(info_map)?).map(drop)
    }

    /// The bytes of parameters or results, given as an object.
    ///
    /// # Errors
    /// As [`Codec::encode`].
    pub fn encode_block(
        &mut self,
        role: Role,
        method: &Method,
        block: Block,
        values: &Json,
    ) -> Result<Encoded, Error> {
        let all = parameters(method, block);
        let names: Vec<_> = all.iter().map(|parameter| parameter.name.as_str()).collect();
        let object = members(values, &names)?;
        if self.wire == Wire::Native {
            let missing: Vec<_> = all.iter().map(|parameter| default(self.model, &parameter.ty)).collect();
            let values = all.iter().zip(&missing).map(|(parameter, missing)| {
                let value = object.get(&parameter.name).unwrap_or(missing);
                (parameter.name.as_str(), &parameter.ty, value)
            });
            return checked(native::Encoder::message(self.model, values)?);
        }
        let (direct, rest) = split(method, block);
        let model = self.model;
        self.write(role, |encoder| {
            if let Some(parameter) = direct {
                let missing = default(model, &parameter.ty);
                let value = object.get(&parameter.name).unwrap_or(&missing);
                encoder.value(&parameter.ty, value).map_err(|error| error.within(&parameter.name))?;
            }
            encoder.block(rest, object)
        })
    }

    /// The parameters or results of these bytes, as an object.
    ///
    /// # Errors
    /// As [`Codec::decode`].
    pub fn decode_block(
        &mut self,
        method: &Method,
        block: Block,
        bytes: &[u8],
        fds: usize,
    ) -> Result<Decoded, Error> {
        let all = parameters(method, block);
        if self.wire == Wire::Native {
            let values = all.iter().map(|parameter| (parameter.name.as_str(), &parameter.ty));
            let values = native::Decoder::message(self.model, bytes, fds, values)?;
            let value = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            return Ok(Decoded { value, remarks: Vec::new() });
        }
        let (direct, rest) = split(method, block);
        self.read(|decoder| {
            let (mut part, mut object) = (Reader::new(bytes, fds), Map::new());
            if let Some(parameter) = direct {
                let value = decoder.leading(&parameter.ty, &mut part);
                object.insert(parameter.name.clone(), value.map_err(|error| error.within(&parameter.name))?);
            }
            decoder.block(rest, &mut part, block != Block::Event, &mut object)?;
            if part.left() > 0 {
                let left = part.left();
                decoder
                    .remarks
                    .add(part.offset(), || format!("{left} bytes after the last parameter are ignored"));
            }
            if part.fds_used < part.fds {
                let left = part.fds - part.fds_used;
                decoder.remarks.add(part.offset(), || {
                    format!("{left} descriptors that no parameter claims are ignored")
                });
            }
            Ok(object.into())
        })
    }

    fn write(
        &mut self,
        role: Role,
        body: impl FnOnce(&mut libcamera::Encoder<'_>) -> Result<(), Error>,
    ) -> Result<Encoded, Error> {
        let mark = self.controls.mark();
        let mut encoder = libcamera::Encoder::new(self.model, self.wire, role, &mut self.controls);
        let written = body(&mut encoder);
        let encoded = encoder.finish();
        let encoded = written.and_then(|()| checked(encoded));
        if encoded.is_err() {
            self.controls.return_to(mark);
        }
        encoded
    }

    fn read(
        &mut self,
        body: impl FnOnce(&mut libcamera::Decoder<'_>) -> Result<Json, Error>,
    ) -> Result<Decoded, Error> {
        let mark = self.controls.mark();
        let mut decoder = libcamera::Decoder {
            model: self.model,
            wire: self.wire,
            controls: &mut self.controls,
            remarks: Remarks::default(),
            repeated: 0,
        };
        let read = body(&mut decoder);
        let remarks = decoder.remarks.into_vec();
        match read {
            Ok(value) => Ok(Decoded { value, remarks }),
            Err(error) => {
                self.controls.return_to(mark);
                Err(error)
            }
        }
    }
}

/// The result that stands before the others, and the others.
fn split(method: &Method, block: Block) -> (Option<&Parameter>, &[Parameter]) {
    let all = parameters(method, block);
    match all.split_first() {
        Some((first, rest)) if block == Block::Reply && direct_return(method) => (Some(first), rest),
        _ => (None, all),
    }
}

fn checked((bytes, fds): (Vec<u8>, usize)) -> Result<Encoded, Error> {
    if fds > MAX_FDS {
        return Err(Problem::TooManyFds { fds, limit: MAX_FDS }.into());
    }
    Ok(Encoded { bytes, fds })
}

/// Types that can be asked for, so that callers need not parse their names.
impl From<Type> for Subject {
    fn from(ty: Type) -> Self {
        Self::Value(ty)
    }
}
