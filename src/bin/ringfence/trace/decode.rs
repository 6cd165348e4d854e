//! What is in a message, given its interface.

use ringfence::ipc::observe::{Encoding, MessageKind, TraceRecord};
use ringfence_mojom::model::{Method, Parameter};
use ringfence_wire::{Block, Codec, Subject, Wire};
use serde_json::Value;

use crate::catalog::Known;
use crate::wire::text::Printer;

/// The method at which both sides of libcamera's encoding forget the info maps.
const RESETS: &str = "configure";

/// Understands the messages of one connection, in the order in which they came.
pub struct Decoder<'a> {
    known: &'a Known,
    codec: Codec<'a>,
    printer: Printer<'a>,
}

/// What was in a message.
#[derive(Debug, PartialEq)]
pub enum Body {
    /// Parameters or results by their names, and what there is to say about the bytes.
    Values { values: Value, remarks: Vec<String> },
    /// Why a call failed.
    Fault(String),
    /// It cannot be told, and why.
    Unreadable(String),
}

impl<'a> Decoder<'a> {
    pub fn new(known: &'a Known, encoding: Encoding) -> Self {
        let wire = match encoding {
            Encoding::Libcamera1 => Wire::Libcamera1,
            Encoding::Libcamera2 => Wire::Libcamera2,
            _ => Wire::Native,
        };
        Self {
            known,
            codec: Codec::new(&known.model, wire),
            printer: Printer::new(&known.model, known.interface(), wire),
        }
    }

    /// Understands the next message.
    pub fn decode(&mut self, record: &TraceRecord) -> Body {
        if !record.is_whole() {
            let (kept, all) = (record.payload.len(), record.total_bytes);
            return Body::Unreadable(format!("the first {kept} of {all} bytes were kept"));
        }
        self.decode_body(record.kind, record.number, &record.payload, record.fds.into())
    }

    fn decode_body(&mut self, kind: MessageKind, number: u32, bytes: &[u8], fds: usize) -> Body {
        if kind == MessageKind::Bye {
            return Body::Values { values: Value::Object(serde_json::Map::new()), remarks: Vec::new() };
        }
        if kind == MessageKind::Fault {
            return self.decode_fault(bytes);
        }
        let Some(method) = self.method(kind, number) else {
            return Body::Unreadable("the interface has no method or event of this number".to_owned());
        };
        let block = match kind {
            MessageKind::Reply => Block::Reply,
            MessageKind::Event => Block::Event,
            _ => Block::Request,
        };
        if block == Block::Request && method.name == RESETS {
            self.codec.reset();
        }
        match self.codec.decode_block(method, block, bytes, fds) {
            Ok(decoded) => Body::Values { values: decoded.value, remarks: decoded.remarks },
            Err(error) => Body::Unreadable(one_line(&error.to_string())),
        }
    }

    fn decode_fault(&mut self, bytes: &[u8]) -> Body {
        let subject = Subject::parse(&self.known.model, "string").map_err(|error| error.to_string());
        let decoded = subject
            .and_then(|subject| self.codec.decode(&subject, bytes, 0).map_err(|error| error.to_string()));
        match decoded {
            Ok(decoded) => Body::Fault(decoded.value.as_str().unwrap_or_default().to_owned()),
            Err(error) => Body::Unreadable(one_line(&error)),
        }
    }

    fn method(&self, kind: MessageKind, number: u32) -> Option<&'a Method> {
        let interface = self.known.interface();
        let list = if kind == MessageKind::Event { &interface.events } else { &interface.methods };
        list.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// Values as people read them, with the names of enumerators and controls.
    pub fn text(&self, kind: MessageKind, number: u32, values: &Value) -> String {
        let parameters: &[Parameter] = match self.method(kind, number) {
            Some(method) if kind == MessageKind::Reply => &method.outputs,
            Some(method) => &method.inputs,
            None => &[],
        };
        self.printer.parameters_text(parameters, values)
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use ringfence::interfaces::bench;
    use ringfence_wire::Role;
    use serde_json::json;

    use super::*;
    use crate::catalog::{Catalog, Found};

    fn known(catalog: &Catalog) -> &Known {
        match catalog.find(bench::INTERFACE.name, bench::INTERFACE.hash) {
            Found::Fits(known) => known,
            found => panic!("{found:?}"),
        }
    }

    #[test]
    fn what_goes_in_comes_out() {
        let catalog = Catalog::built_in();
        let known = known(&catalog);
        let mut codec = Codec::new(&known.model, Wire::Native);
        let mut decoder = Decoder::new(known, Encoding::Native);
        for (number, method) in (1..).zip(&known.interface().methods) {
            // Each field has its default.
            let empty = method.inputs.iter().map(|input| (input.name.clone(), default(known, &input.ty)));
            let values = Value::Object(empty.collect());
            let encoded = codec.encode_block(Role::Proxy, method, Block::Request, &values).unwrap();
            let body = decoder.decode_body(MessageKind::Call, number, &encoded.bytes, encoded.fds);
            let Body::Values { values: decoded, .. } = &body else { panic!("{}: {body:?}", method.name) };
            assert_eq!(decoded.as_object().unwrap().len(), method.inputs.len());
            let text = decoder.text(MessageKind::Call, number, decoded);
            assert_eq!(text.is_empty(), method.inputs.is_empty(), "{text}");
        }
    }

    fn default(known: &Known, ty: &ringfence_mojom::model::Type) -> Value {
        use ringfence_mojom::model::{Builtin, Type};
        match ty {
            Type::Bool => json!(false),
            Type::String => json!(""),
            Type::Struct(id) => {
                let fields = &known.model.structure(*id).fields;
                Value::Object(fields.iter().map(|it| (it.name.clone(), default(known, &it.ty))).collect())
            }
            Type::Builtin(Builtin::SharedFd) => json!({ "fd": false }),
            Type::Builtin(Builtin::ControlList) => json!({ "idmap": "controls", "map": null, "entries": [] }),
            Type::Builtin(Builtin::ControlInfoMap) => json!({ "idmap": "controls", "entries": [] }),
            Type::Array { .. } | Type::Map { .. } => json!([]),
            _ => json!(0),
        }
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let catalog = Catalog::built_in();
        let mut decoder = Decoder::new(known(&catalog), Encoding::Native);
        let unknown = decoder.decode_body(MessageKind::Call, 999, b"", 0);
        assert_eq!(
            unknown,
            Body::Unreadable("the interface has no method or event of this number".to_owned())
        );
        assert_eq!(decoder.decode_body(MessageKind::Event, 0, b"", 0), unknown);
        let garbage = decoder.decode_body(MessageKind::Call, 1, &[0xff; 3], 0);
        assert!(matches!(garbage, Body::Unreadable(why) if !why.contains('\n')));
        let bye = decoder.decode_body(MessageKind::Bye, 0, b"", 0);
        assert!(matches!(bye, Body::Values { .. }));
    }

    #[test]
    fn a_fault_is_a_text() {
        let catalog = Catalog::built_in();
        let known = known(&catalog);
        let subject = Subject::parse(&known.model, "string").unwrap();
        let mut codec = Codec::new(&known.model, Wire::Native);
        let encoded = codec.encode(Role::Worker, &subject, &json!("no memory")).unwrap();
        let mut decoder = Decoder::new(known, Encoding::Native);
        let body = decoder.decode_body(MessageKind::Fault, 1, &encoded.bytes, 0);
        assert_eq!(body, Body::Fault("no memory".to_owned()));
    }
}
