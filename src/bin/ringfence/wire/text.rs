//! Messages as lines that people can read.

use std::fmt::Write;

use ringfence_mojom::model::{Builtin, Enum, Interface, Model, Parameter, Type};
use ringfence_wire::{Kind, Message, Wire};
use serde_json::Value as Json;

use super::names;

/// Elements of an array, or bytes, that are shown.
const SHOWN: usize = 16;

/// What is needed to print messages.
#[derive(Debug)]
pub struct Printer<'a> {
    model: &'a Model,
    interface: &'a Interface,
    wire: Wire,
}

impl<'a> Printer<'a> {
    pub fn new(model: &'a Model, interface: &'a Interface, wire: Wire) -> Self {
        Self { model, interface, wire }
    }

    /// The message as a line, and a line for each remark.
    pub fn message(&self, message: &Message) -> String {
        let kind = match message.kind {
            Kind::Call => "call",
            Kind::Reply => "reply",
            Kind::Event => "event",
            Kind::Exit => "exit",
        };
        let mut line = format!("{:<6}  {kind:<5}  {}", message.from.to_string(), message.name);
        if message.kind != Kind::Event {
            let _ = write!(line, " #{}", message.cookie);
        }
        let parameters = self.parameters(message);
        if !parameters.is_empty() {
            let _ = write!(line, " ({})", self.parameters_text(parameters, &message.parameters));
        }
        match message.fds {
            0 => {}
            1 => line.push_str(", 1 fd"),
            count => {
                let _ = write!(line, ", {count} fds");
            }
        }
        line.push('\n');
        for remark in &message.remarks {
            let _ = writeln!(line, "        remark {remark}");
        }
        line
    }

    /// Values with the names of these parameters, between commas.
    pub fn parameters_text(&self, parameters: &[Parameter], values: &Json) -> String {
        let parameter = |parameter: &Parameter| {
            format!("{}: {}", parameter.name, self.value(&parameter.ty, &values[&parameter.name]))
        };
        list(parameters.iter().map(parameter))
    }

    fn parameters(&self, message: &Message) -> &'a [Parameter] {
        let methods =
            if message.kind == Kind::Event { &self.interface.events } else { &self.interface.methods };
        let method = methods.iter().find(|method| method.name == message.name);
        method
            .map_or(&[], |method| if message.kind == Kind::Reply { &method.outputs } else { &method.inputs })
    }

    fn value(&self, ty: &Type, value: &Json) -> String {
        match ty {
            Type::Enum(id) => enumerator(self.model.enumeration(*id), value),
            Type::Flags(id) => flags(self.model.enumeration(*id), value),
            Type::Struct(id) => {
                let fields = &self.model.structure(*id).fields;
                let field = |field: &ringfence_mojom::model::Field| {
                    format!("{}: {}", field.name, self.value(&field.ty, &value[&field.name]))
                };
                format!("{{{}}}", list(fields.iter().map(field)))
            }
            Type::Array { element, .. } => sequence(items(value), |item| self.value(element, item)),
            Type::Map { key, value: value_type } => {
                let pair = |pair: &Json| {
                    format!("{}: {}", self.value(key, &pair[0]), self.value(value_type, &pair[1]))
                };
                format!("{{{}}}", list(items(value).iter().map(pair)))
            }
            Type::Builtin(Builtin::SharedFd) => descriptor(value).to_owned(),
            Type::Builtin(Builtin::Plane) => {
                let fd = descriptor(&value["fd"]);
                format!("{{{fd}, offset: {}, length: {}}}", value["offset"], value["length"])
            }
            Type::Builtin(Builtin::ControlList) => self.control_list(value),
            Type::Builtin(Builtin::ControlInfoMap) => self.info_map(value),
            _ => scalar(value),
        }
    }

    fn control_list(&self, list_value: &Json) -> String {
        let id_map = list_value["idmap"].as_str().unwrap_or_default();
        let entry = |entry: &Json| format!("{}: {}", self.name(id_map, entry), control(&entry["value"]));
        let mut text = id_map.to_owned();
        if let Some(map) = list_value["map"].as_u64() {
            let _ = write!(text, "@{map}");
        }
        let _ = write!(text, "{{{}}}", list(items(&list_value["entries"]).iter().map(entry)));
        if let Some(map) = list_value.get("infomap") {
            let _ = write!(text, " with info map {}", self.info_map(map));
        }
        text
    }

    fn info_map(&self, map: &Json) -> String {
        let id_map = map["idmap"].as_str().unwrap_or_default();
        let entry = |entry: &Json| {
            let name = self.name(id_map, entry);
            let mut text = format!("{name}: {}..{}", control(&entry["min"]), control(&entry["max"]));
            if entry["def"]["type"] != "none" {
                let _ = write!(text, " = {}", control(&entry["def"]));
            }
            text
        };
        format!("{id_map}{{{}}}", list(items(&map["entries"]).iter().map(entry)))
    }

    fn name(&self, id_map: &str, entry: &Json) -> String {
        let id = entry["id"].as_u64().unwrap_or_default() as u32;
        match names::name_of(id, id_map, self.wire) {
            Some(name) => name.to_owned(),
            // V4L2's numbers are made of fields.
            None if id_map == "v4l2" => format!("{id:#010x}"),
            None => id.to_string(),
        }
    }
}

fn items(value: &Json) -> &[Json] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

/// The first elements, and how many there are if these are not all.
fn sequence(items: &[Json], item: impl Fn(&Json) -> String) -> String {
    let shown = list(items.iter().take(SHOWN).map(item));
    match items.len() {
        0..=SHOWN => format!("[{shown}]"),
        count => format!("[{shown}, … {count} in all]"),
    }
}

/// Numbers as they are; text so that it cannot do anything to a terminal.
fn scalar(value: &Json) -> String {
    match value {
        Json::String(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}

fn descriptor(value: &Json) -> &'static str {
    if value["fd"] == true { "fd" } else { "no fd" }
}

fn enumerator(enumeration: &Enum, value: &Json) -> String {
    let named = enumeration.enumerators.iter().find(|each| value.as_i64() == Some(each.value.into()));
    named.map_or_else(|| value.to_string(), |enumerator| enumerator.name.clone())
}

fn flags(enumeration: &Enum, value: &Json) -> String {
    let mut bits = value.as_u64().unwrap_or_default() as u32;
    let mut names = Vec::new();
    for each in &enumeration.enumerators {
        let flag = each.value as u32;
        if flag != 0 && bits & flag == flag {
            names.push(each.name.clone());
            bits &= !flag;
        }
    }
    if bits != 0 || names.is_empty() {
        names.push(if bits == 0 { "0".to_owned() } else { format!("{bits:#x}") });
    }
    names.join("|")
}

/// The value of a control.
fn control(value: &Json) -> String {
    let kind = value["type"].as_str().unwrap_or_default();
    let elements = items(&value["values"]);
    let one = |element: &Json| match kind {
        "bool" => if element.as_u64() == Some(0) { "false" } else { "true" }.to_owned(),
        "rectangle" => {
            format!("({}, {})/{}x{}", element["x"], element["y"], element["width"], element["height"])
        }
        "size" => format!("{}x{}", element["width"], element["height"]),
        "point" => format!("({}, {})", element["x"], element["y"]),
        _ => scalar(element),
    };
    match (kind, value["array"] == true, elements) {
        ("none", ..) => "none".to_owned(),
        ("byte", true, bytes) => {
            let hex = |byte: &Json| format!("{:02x}", byte.as_u64().unwrap_or_default());
            let more = if bytes.len() > SHOWN { "…" } else { "" };
            let shown: String = bytes.iter().take(SHOWN).map(hex).collect();
            format!("{} bytes {shown}{more}", bytes.len())
        }
        ("string", _, [text]) | (_, false, [text]) => one(text),
        (_, _, elements) => sequence(elements, one),
    }
}
