//! Interfaces made up at random: well-formed, with everything that has a meaning.

#![allow(dead_code)]

use std::fmt::Write as _;

use ringfence_mojom::model::{Constant, EnumId, Method, Model, Parameter, StructId, Type};

/// Numbers to decide by. When they run out all decisions are the first of their kind, so that shrinking the numbers
/// shrinks the interface.
pub struct Dice<'a> {
    numbers: &'a [u32],
}

impl<'a> Dice<'a> {
    pub fn new(numbers: &'a [u32]) -> Self {
        Self { numbers }
    }

    pub fn below(&mut self, limit: usize) -> usize {
        let Some((first, rest)) = self.numbers.split_first() else { return 0 };
        self.numbers = rest;
        *first as usize % limit
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == chances - 1
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }
}

/// A type, where structs and enums are places in their lists.
#[derive(Debug, Clone, PartialEq)]
pub enum Ty {
    Scalar(&'static str),
    Core(&'static str),
    Enum(usize),
    Flags(usize),
    Struct(usize),
    Array(Box<Ty>, Option<u32>),
    Map(Box<Ty>, Box<Ty>),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Integer(i128),
    Float(f64),
    Bool(bool),
    Text(String),
    Enumerator(usize, usize),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Enumerator {
    pub name: String,
    pub value: i32,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Enum {
    pub name: String,
    pub enumerators: Vec<Enumerator>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: String,
    pub ty: Ty,
    pub default: Option<Value>,
    pub has_fd: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Struct {
    pub name: String,
    pub fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub name: String,
    pub asynchronous: bool,
    pub inputs: Vec<(String, Ty)>,
    pub outputs: Vec<(String, Ty)>,
}

/// A file.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    pub module: String,
    pub interface: String,
    pub consts: Vec<(String, Ty, Value)>,
    pub enums: Vec<Enum>,
    pub structs: Vec<Struct>,
    pub methods: Vec<Call>,
    pub events: Vec<Call>,
}

const INTEGERS: [(&str, i128, i128); 8] = [
    ("uint8", 0, u8::MAX as i128),
    ("int8", i8::MIN as i128, i8::MAX as i128),
    ("uint16", 0, u16::MAX as i128),
    ("int16", i16::MIN as i128, i16::MAX as i128),
    ("uint32", 0, u32::MAX as i128),
    ("int32", i32::MIN as i128, i32::MAX as i128),
    ("uint64", 0, u64::MAX as i128),
    ("int64", i64::MIN as i128, i64::MAX as i128),
];
const SCALARS: [&str; 12] = [
    "bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float", "double",
    "string",
];
const KEYS: [&str; 10] =
    ["string", "bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"];
const CORE: [&str; 4] =
    ["libcamera.Size", "libcamera.SharedFD", "libcamera.ControlList", "libcamera.Rectangle"];
/// Names that are something else in Rust, and some that are not.
const WORDS: [&str; 8] = ["gain", "type", "exposureTime", "Match", "rangeMax", "self_", "async", "u8"];

impl Spec {
    pub fn random(dice: &mut Dice<'_>) -> Self {
        let mut spec = Self {
            module: dice.pick(&["example", "ipa.example", "a.b.c"]).to_owned(),
            interface: dice.pick(&["Thing", "ABThing"]).to_owned(),
            consts: Vec::new(),
            enums: Vec::new(),
            structs: Vec::new(),
            methods: Vec::new(),
            events: Vec::new(),
        };
        for index in 0..dice.below(4) {
            let count = dice.below(5) + 1;
            let enumerators = (0..count)
                .map(|at| Enumerator { name: format!("E{index}v{at}"), value: enumerator_value(dice, at) })
                .collect();
            spec.enums.push(Enum { name: format!("Kind{index}"), enumerators });
        }
        for index in 0..dice.below(4) {
            let ty = Ty::Scalar(dice.pick(&SCALARS));
            let value = spec.value(dice, &ty).expect("scalars have values");
            spec.consts.push((format!("Limit{index}"), ty, value));
        }
        for index in 0..dice.below(5) {
            let fields = (0..=dice.below(6)).map(|at| spec.field(dice, at)).collect();
            spec.structs.push(Struct { name: format!("Part{index}"), fields });
        }
        for index in 0..=dice.below(5) {
            let call = spec.call(dice, "call", index, false);
            spec.methods.push(call);
        }
        for index in 0..dice.below(4) {
            let call = spec.call(dice, "event", index, true);
            spec.events.push(call);
        }
        spec
    }

    fn field(&self, dice: &mut Dice<'_>, index: usize) -> Field {
        let ty = self.ty(dice, 0);
        let default = if dice.one_in(3) { self.value(dice, &ty) } else { None };
        Field { name: self.word(dice, index), ty, default, has_fd: dice.one_in(6) }
    }

    fn call(&self, dice: &mut Dice<'_>, what: &str, index: usize, is_event: bool) -> Call {
        let asynchronous = is_event || dice.one_in(3);
        let list = |dice: &mut Dice<'_>, count: usize, first: usize| -> Vec<(String, Ty)> {
            (0..count).map(|at| (self.word(dice, first + at), self.ty(dice, 0))).collect()
        };
        let count = dice.below(4);
        let inputs = list(dice, count, 0);
        let results = if asynchronous { 0 } else { dice.below(4) };
        let outputs = list(dice, results, count);
        Call { name: format!("{what}{index}"), asynchronous, inputs, outputs }
    }

    fn word(&self, dice: &mut Dice<'_>, index: usize) -> String {
        format!("{}{index}", dice.pick(&WORDS))
    }

    /// A type of anything that is defined so far.
    fn ty(&self, dice: &mut Dice<'_>, depth: usize) -> Ty {
        match dice.below(if depth < 3 { 8 } else { 5 }) {
            2 if !self.enums.is_empty() => Ty::Enum(dice.below(self.enums.len())),
            3 if !self.structs.is_empty() => Ty::Struct(dice.below(self.structs.len())),
            4 => Ty::Core(dice.pick(&CORE)),
            5 if depth == 0 && !self.enums.is_empty() => Ty::Flags(dice.below(self.enums.len())),
            6 => {
                let length = dice.one_in(3).then(|| dice.below(9) as u32 + 1);
                Ty::Array(Box::new(self.ty(dice, depth + 1)), length)
            }
            7 => {
                let key = if dice.one_in(3) && !self.enums.is_empty() {
                    Ty::Enum(dice.below(self.enums.len()))
                } else {
                    Ty::Scalar(dice.pick(&KEYS))
                };
                Ty::Map(Box::new(key), Box::new(self.ty(dice, depth + 1)))
            }
            _ => Ty::Scalar(dice.pick(&SCALARS)),
        }
    }

    fn value(&self, dice: &mut Dice<'_>, ty: &Ty) -> Option<Value> {
        Some(match ty {
            Ty::Scalar("bool") => Value::Bool(dice.one_in(2)),
            Ty::Scalar("float" | "double") => Value::Float(dice.pick(&[0.5, -1.25, 1e3, 3.0, 2.5e-3])),
            Ty::Scalar("string") => Value::Text(dice.pick(&["", "text", "ü \\ \" \n"]).to_owned()),
            Ty::Scalar(name) => {
                let (_, low, high) = INTEGERS.into_iter().find(|(integer, ..)| integer == name)?;
                Value::Integer(match dice.below(4) {
                    0 => low,
                    1 => high,
                    2 => 0,
                    _ => 100,
                })
            }
            Ty::Enum(of) | Ty::Flags(of) => {
                Value::Enumerator(*of, dice.below(self.enums[*of].enumerators.len()))
            }
            _ => return None,
        })
    }

    /// The file as mojom, in a layout that the numbers decide.
    pub fn text(&self, dice: &mut Dice<'_>) -> String {
        let mut text = format!("module {};\n\nimport \"core.mojom\";\n\n", self.module);
        for (name, ty, value) in &self.consts {
            let _ = writeln!(text, "const {} {name} = {};", self.mojom(ty), self.literal(dice, value));
        }
        for item in &self.enums {
            let _ = write!(text, "enum {} {{", item.name);
            let mut next = 0;
            for (index, Enumerator { name, value }) in item.enumerators.iter().enumerate() {
                let comma = if index > 0 { "," } else { "" };
                let _ = match (*value == next, dice.below(3)) {
                    (true, 0) => write!(text, "{comma}\n{name}"),
                    (_, 1) if *value > 0 => write!(text, "{comma} {name} = {value:#x}"),
                    _ => write!(text, "{comma}\n\t{name} = {value} // {index}\n"),
                };
                next = value.wrapping_add(1);
            }
            let _ = writeln!(text, "{}}};", if dice.one_in(2) { ",\n" } else { "" });
        }
        for item in &self.structs {
            let _ = writeln!(text, "struct {} {{", item.name);
            for field in &item.fields {
                let attributes = if field.has_fd { "[hasFd] " } else { "" };
                let attributes = if field.has_fd && matches!(field.ty, Ty::Flags(_)) {
                    "[hasFd, flags] "
                } else {
                    attributes
                };
                let ty = self.mojom(&field.ty);
                let ty = if field.has_fd { ty.trim_start_matches("[flags] ") } else { ty.as_str() };
                let _ = write!(text, "{}{attributes}{ty} {}", self.filler(dice), field.name);
                if let Some(default) = &field.default {
                    let _ = write!(text, " ={}{}", self.filler(dice), self.literal(dice, default));
                }
                let _ = writeln!(text, ";{}", self.filler(dice));
            }
            text.push_str("};\n\n\n");
        }
        let name = &self.interface;
        for (suffix, calls) in [("Interface", &self.methods), ("EventInterface", &self.events)] {
            if calls.is_empty() {
                continue;
            }
            let _ = writeln!(text, "interface {name}{suffix} {{{}", self.filler(dice));
            for call in calls {
                let is_async = call.asynchronous && suffix == "Interface";
                let _ = write!(text, "{}{}(", if is_async { "[async] " } else { "" }, call.name);
                self.list(dice, &mut text, &call.inputs);
                text.push(')');
                if !call.outputs.is_empty() || dice.one_in(5) {
                    let _ = write!(text, "{}=> (", self.filler(dice));
                    self.list(dice, &mut text, &call.outputs);
                    text.push(')');
                }
                text.push_str(";\n");
            }
            text.push_str("};");
            text.push_str(self.filler(dice));
        }
        text
    }

    fn list(&self, dice: &mut Dice<'_>, text: &mut String, members: &[(String, Ty)]) {
        for (index, (name, ty)) in members.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let _ = write!(text, "{comma}{}{} {name}", self.filler(dice), self.mojom(ty));
        }
    }

    /// White space and comments.
    fn filler(&self, dice: &mut Dice<'_>) -> &'static str {
        dice.pick(&[
            " ",
            " ",
            "\n",
            "\n\n\n",
            " // a comment; with } marks\n",
            "/* one */ ",
            "\n/* over\n   lines */\n",
            "\n  // first\n\n  // second\n",
            " /* a */ /* b */\t",
            "\r\n\t/*\r\n * stars\r\n*/ ",
        ])
    }

    fn literal(&self, dice: &mut Dice<'_>, value: &Value) -> String {
        match value {
            Value::Integer(value) if *value >= 0 && dice.one_in(2) => format!("{value:#x}"),
            Value::Integer(value) => value.to_string(),
            Value::Float(value) => format!("{value:?}"),
            Value::Bool(value) => value.to_string(),
            Value::Text(text) => {
                let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
                format!("\"{text}\"")
            }
            Value::Enumerator(of, index) => {
                let name = &self.enums[*of].enumerators[*index].name;
                let full = dice.one_in(2);
                if full {
                    format!("{}.{}.{name}", self.module, self.enums[*of].name)
                } else {
                    format!("{}.{name}", self.enums[*of].name)
                }
            }
        }
    }

    fn mojom(&self, ty: &Ty) -> String {
        match ty {
            Ty::Scalar(name) | Ty::Core(name) => (*name).to_owned(),
            Ty::Enum(index) => self.enums[*index].name.clone(),
            Ty::Flags(index) => format!("[flags] {}", self.enums[*index].name),
            Ty::Struct(index) => self.structs[*index].name.clone(),
            Ty::Array(element, None) => format!("array<{}>", self.mojom(element)),
            Ty::Array(element, Some(length)) => format!("array<{}, {length}>", self.mojom(element)),
            Ty::Map(key, value) => format!("map<{}, {}>", self.mojom(key), self.mojom(value)),
        }
    }

    /// What the last file of the model says.
    pub fn of(model: &Model) -> Self {
        let module = &model.modules[model.last().0];
        let reader = Reader { model, enums: &module.enums, structs: &module.structs };
        let interface = module.interface.as_ref().expect("there is an interface");
        Self {
            module: module.name.clone(),
            interface: interface.name.strip_suffix("Interface").unwrap().to_owned(),
            consts: module
                .consts
                .iter()
                .map(|item| (item.name.clone(), reader.ty(&item.ty), reader.value(&item.value)))
                .collect(),
            enums: module.enums.iter().map(|id| reader.enumeration(*id)).collect(),
            structs: module.structs.iter().map(|id| reader.structure(*id)).collect(),
            methods: reader.calls(&interface.methods),
            events: reader.calls(&interface.events),
        }
    }
}

fn enumerator_value(dice: &mut Dice<'_>, index: usize) -> i32 {
    match dice.below(6) {
        3 => 1 << index,
        4 => -3 - index as i32,
        5 => 0x7000_0000 + index as i32,
        _ => index as i32,
    }
}

struct Reader<'m> {
    model: &'m Model,
    enums: &'m [EnumId],
    structs: &'m [StructId],
}

impl Reader<'_> {
    fn enum_place(&self, id: EnumId) -> usize {
        self.enums.iter().position(|own| *own == id).expect("core has no enums")
    }

    fn ty(&self, ty: &Type) -> Ty {
        let name = |name: String, names: &[&'static str]| {
            *names.iter().find(|known| **known == name).unwrap_or_else(|| panic!("{name} was not asked for"))
        };
        match ty {
            Type::Enum(id) => Ty::Enum(self.enum_place(*id)),
            Type::Flags(id) => Ty::Flags(self.enum_place(*id)),
            Type::Struct(id) => match self.structs.iter().position(|own| own == id) {
                Some(place) => Ty::Struct(place),
                None => Ty::Core(name(self.model.mojom(ty), &CORE)),
            },
            Type::Builtin(_) => Ty::Core(name(self.model.mojom(ty), &CORE)),
            Type::Array { element, length } => Ty::Array(Box::new(self.ty(element)), *length),
            Type::Map { key, value } => Ty::Map(Box::new(self.ty(key)), Box::new(self.ty(value))),
            _ => Ty::Scalar(name(self.model.mojom(ty), &SCALARS)),
        }
    }

    fn value(&self, constant: &Constant) -> Value {
        match constant {
            Constant::Integer { value, .. } => Value::Integer(*value),
            Constant::Float(value) => Value::Float(*value),
            Constant::Bool(value) => Value::Bool(*value),
            Constant::String(text) => Value::Text(text.clone()),
            Constant::Enumerator { of, index } => Value::Enumerator(self.enum_place(*of), *index),
        }
    }

    fn enumeration(&self, id: EnumId) -> Enum {
        let enumeration = self.model.enumeration(id);
        let enumerators = enumeration.enumerators.iter();
        let enumerators = enumerators.map(|e| Enumerator { name: e.name.clone(), value: e.value }).collect();
        Enum { name: enumeration.name.clone(), enumerators }
    }

    fn structure(&self, id: StructId) -> Struct {
        let structure = self.model.structure(id);
        let fields = structure.fields.iter().map(|field| Field {
            name: field.name.clone(),
            ty: self.ty(&field.ty),
            default: field.default.as_ref().map(|default| self.value(default)),
            has_fd: field.has_fd,
        });
        Struct { name: structure.name.clone(), fields: fields.collect() }
    }

    fn calls(&self, methods: &[Method]) -> Vec<Call> {
        let list = |parameters: &[Parameter]| -> Vec<(String, Ty)> {
            parameters.iter().map(|p| (p.name.clone(), self.ty(&p.ty))).collect()
        };
        let call = |method: &Method| Call {
            name: method.name.clone(),
            asynchronous: method.asynchronous,
            inputs: list(&method.inputs),
            outputs: list(&method.outputs),
        };
        methods.iter().map(call).collect()
    }
}
