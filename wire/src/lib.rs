//! Encodes and decodes what crosses a connection without generated code: from the checked model of an interface.
//!
//! It is a second opinion. Generated code and this crate share nothing but the model, so a test that holds one
//! against the other finds what either does wrong; therefore this crate may never use the encoders of the crate
//! `ringfence`. And it is what tools are made of: a value, a message or a whole recorded session can be looked at
//! given nothing but the interface file.
//!
//! | item | what it is for |
//! |---|---|
//! | [`Subject`] | what is to be encoded: a type by its name in mojom |
//! | [`Codec`] | values and parameters to bytes and back, in one of the three encodings of [`Wire`] |
//! | [`Session`] | messages of an interface, between a host and a worker that speak libcamera's encoding |
//! | [`frame`], [`Assembler`] | the two datagrams of a message |
//!
//! ```
//! use ringfence_mojom::configure;
//! use ringfence_wire::{Codec, Role, Subject, Wire};
//! use serde_json::json;
//!
//! let text = "module a; enum Place { Indoors, Outdoors }; struct Reading { float celsius; Place place; };";
//! let model = configure().check_text("a.mojom", text)?.model;
//! let reading = Subject::parse(&model, "Reading")?;
//!
//! let mut codec = Codec::new(&model, Wire::Native);
//! let encoded = codec.encode(Role::Proxy, &reading, &json!({ "celsius": 21.5, "place": "Outdoors" }))?;
//! assert_eq!(encoded.bytes, [0, 0, 0xac, 0x41, 1, 0, 0, 0]);
//! let decoded = codec.decode(&reading, &encoded.bytes, 0)?;
//! assert_eq!(decoded.value, json!({ "celsius": 21.5, "place": 1 }));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # Values
//! Values are JSON. Integers, truth values and strings are JSON's own. A struct is an object with the names of the
//! interface; a member that is missing has its default value, one that the struct does not have is an error. A map
//! is an array of pairs in ascending order of the keys. Enums and flags come out as numbers, and may go in as
//! names, flags as an array of names too. Floats are printed exactly; those that JSON lacks are the strings
//! `"Infinity"`, `"-Infinity"`, `"NaN"`, or `"NaN:7fc00001"` with the bits, so that every one comes back as it was.
//!
//! | type | JSON |
//! |---|---|
//! | `libcamera.SharedFD` | `{"fd": true}`, `{"fd": false}` if there is none |
//! | `libcamera.FrameBuffer.Plane` | `{"fd": {"fd": true}, "offset": 0, "length": 4096}` |
//! | value of a control | `{"type": "int32", "array": false, "values": [5]}` |
//! | `libcamera.ControlList` | `{"idmap": "controls", "map": null, "entries": [{"id": 7, "value": …}]}` |
//! | `libcamera.ControlInfoMap` | `{"idmap": "v4l2", "entries": [{"id", "type", "direction", "min", "max", "def"}]}` |
//!
//! Types of a control's value are `none bool byte uint16 uint32 int32 int64 float string rectangle size point`,
//! with 0 and 1 for truth values. `type` of an entry in an info map is a number, 0 to 11 in this order in every
//! encoding, whatever that encoding's own numbers are. A list that belongs to an info map says which: `map` is its
//! place among the maps that went either way since the last reset, from 0. If the list brings that map along, it
//! is in one more member, `infomap`.
//!
//! # What decoders accept
//! The native encoding has one form of each value, and nothing else is accepted. libcamera's is read as libcamera
//! reads it: reserved bytes, bytes after the last field, surplus descriptors, and room left in control packets
//! change nothing. Since they mean that the two sides do not agree, all but the reserved bytes are told as remarks.
//! What makes libcamera's readers abort, give up, or read what is not there is an error. The one exception are
//! controls that a receiver does not know, on which it aborts: which these are depends on its version.
//!
//! No decoder panics, and none allocates more than a small multiple of the bytes that it was given.

#![forbid(unsafe_code)]

mod codec;
mod controls;
mod datagram;
mod error;
mod json;
mod libcamera;
mod messages;
mod native;
mod reader;
mod remark;
#[cfg(feature = "sample")]
mod sample;
mod session;
mod subject;
mod wire;

pub use codec::{Codec, Decoded, Encoded};
pub use datagram::{Assembler, Datagram, FramingError, Payload, frame};
pub use error::Error;
pub use messages::{Block, direct_return};
#[cfg(feature = "sample")]
pub use sample::Sampler;
pub use session::{Kind, Message, Session, SessionError, Side};
pub use subject::{Subject, TypeError};
pub use wire::{Role, Wire};
