//! What the interfaces mean: every name resolved, every value computed, every rule checked.
//!
//! Generators and the interface hash read this and nothing else. Names are those of the file.

use crate::ast::Doc;

/// All files that take part, imported ones first.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) modules: Vec<Module>,
    pub(crate) enums: Vec<Enum>,
    pub(crate) structs: Vec<Struct>,
}

/// Index in [`Model::modules`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ModuleId(pub(crate) usize);

/// Index in [`Model::enums`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct EnumId(pub(crate) usize);

/// Index in [`Model::structs`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct StructId(pub(crate) usize);

/// One file.
#[derive(Debug)]
pub(crate) struct Module {
    /// As in its `module` statement.
    pub(crate) name: String,
    /// Name of the file, without its directories.
    pub(crate) file: String,
    pub(crate) doc: Doc,
    pub(crate) consts: Vec<Const>,
    pub(crate) enums: Vec<EnumId>,
    pub(crate) structs: Vec<StructId>,
    pub(crate) interface: Option<Interface>,
}

#[derive(Debug)]
pub(crate) struct Const {
    /// With the struct or interface around it, separated by a dot.
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) value: Constant,
    pub(crate) doc: Doc,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Constant {
    Integer { value: i128, hex: bool },
    Float(f64),
    Bool(bool),
    String(String),
    Enumerator { of: EnumId, index: usize },
}

#[derive(Debug)]
pub(crate) struct Enum {
    pub(crate) module: ModuleId,
    /// With the struct or interface around it, separated by a dot.
    pub(crate) name: String,
    /// At least one.
    pub(crate) enumerators: Vec<Enumerator>,
    /// Whether sets of its enumerators make sense.
    pub(crate) is_flags: bool,
    pub(crate) doc: Doc,
}

#[derive(Debug)]
pub(crate) struct Enumerator {
    pub(crate) name: String,
    pub(crate) value: i32,
    /// Whether it was written in hexadecimal.
    pub(crate) hex: bool,
    /// The earlier enumerator with the same value.
    pub(crate) alias_of: Option<usize>,
    pub(crate) doc: Doc,
}

#[derive(Debug)]
pub(crate) struct Struct {
    pub(crate) module: ModuleId,
    pub(crate) name: String,
    pub(crate) kind: StructKind,
    pub(crate) fields: Vec<Field>,
    pub(crate) doc: Doc,
}

/// Who writes the Rust type of a struct, and its encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StructKind {
    /// Both are generated.
    Generated,
    /// `[skipHeader]`: the runtime has the type, its encoding is generated.
    RuntimeType,
    /// `[skipHeader, skipSerdes]`: the runtime has both.
    Runtime(Builtin),
    /// Without fields: nothing can hold it, so nothing is generated.
    Empty,
}

/// Types that the runtime has written by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Builtin {
    ControlInfoMap,
    ControlList,
    SharedFd,
    Plane,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) default: Option<Constant>,
    pub(crate) doc: Doc,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Type {
    Bool,
    Integer {
        bits: u32,
        signed: bool,
    },
    Float,
    Double,
    String,
    Enum(EnumId),
    Flags(EnumId),
    Struct(StructId),
    Builtin(Builtin),
    /// The length is part of the declaration; neither encoding checks it.
    Array {
        element: Box<Type>,
        length: Option<u32>,
    },
    Map {
        key: Box<Type>,
        value: Box<Type>,
    },
}

/// An interface and the events that go with it.
#[derive(Debug)]
pub(crate) struct Interface {
    pub(crate) name: String,
    pub(crate) doc: Doc,
    pub(crate) methods: Vec<Method>,
    /// Name of the event interface.
    pub(crate) events_name: Option<String>,
    pub(crate) events_doc: Doc,
    pub(crate) events: Vec<Method>,
}

/// A method or an event.
#[derive(Debug)]
pub(crate) struct Method {
    pub(crate) name: String,
    pub(crate) asynchronous: bool,
    pub(crate) inputs: Vec<Parameter>,
    pub(crate) outputs: Vec<Parameter>,
    pub(crate) doc: Doc,
}

#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) ty: Type,
}

/// What generated code has to know about a type beside what it is.
impl Model {
    pub(crate) fn enumeration(&self, id: EnumId) -> &Enum {
        &self.enums[id.0]
    }

    pub(crate) fn structure(&self, id: StructId) -> &Struct {
        &self.structs[id.0]
    }

    /// Whether a value may take bytes outside its fixed part.
    pub(crate) fn has_regions(&self, ty: &Type) -> bool {
        match ty {
            Type::String | Type::Array { .. } | Type::Map { .. } => true,
            Type::Builtin(builtin) => matches!(builtin, Builtin::ControlInfoMap | Builtin::ControlList),
            Type::Struct(id) => self.structure(*id).fields.iter().any(|field| self.has_regions(&field.ty)),
            _ => false,
        }
    }

    /// Whether a copy of the bytes is a copy of the value.
    pub(crate) fn is_copy(&self, ty: &Type) -> bool {
        match ty {
            Type::Bool | Type::Integer { .. } | Type::Float | Type::Double => true,
            Type::Enum(_) | Type::Flags(_) => true,
            Type::Struct(id) => self.structure(*id).fields.iter().all(|field| self.is_copy(&field.ty)),
            Type::String | Type::Builtin(_) | Type::Array { .. } | Type::Map { .. } => false,
        }
    }

    /// Whether a descriptor may be inside, for which equality has no meaning.
    pub(crate) fn has_fd(&self, ty: &Type) -> bool {
        match ty {
            Type::Builtin(builtin) => matches!(builtin, Builtin::SharedFd | Builtin::Plane),
            Type::Struct(id) => self.structure(*id).fields.iter().any(|field| self.has_fd(&field.ty)),
            Type::Array { element, .. } => self.has_fd(element),
            Type::Map { key, value } => self.has_fd(key) || self.has_fd(value),
            _ => false,
        }
    }

    /// The type as it is written in mojom, with full names.
    pub(crate) fn mojom(&self, ty: &Type) -> String {
        match ty {
            Type::Bool => "bool".to_owned(),
            Type::Integer { bits, signed } => format!("{}int{bits}", if *signed { "" } else { "u" }),
            Type::Float => "float".to_owned(),
            Type::Double => "double".to_owned(),
            Type::String => "string".to_owned(),
            Type::Enum(id) => self.enum_name(*id),
            Type::Flags(id) => format!("[flags] {}", self.enum_name(*id)),
            Type::Struct(id) => {
                let structure = self.structure(*id);
                format!("{}.{}", self.modules[structure.module.0].name, structure.name)
            }
            Type::Builtin(builtin) => builtin.mojom().to_owned(),
            Type::Array { element, length: None } => format!("array<{}>", self.mojom(element)),
            Type::Array { element, length: Some(length) } => {
                format!("array<{}, {length}>", self.mojom(element))
            }
            Type::Map { key, value } => format!("map<{}, {}>", self.mojom(key), self.mojom(value)),
        }
    }

    /// Full name of an enum.
    pub(crate) fn enum_name(&self, id: EnumId) -> String {
        let enumeration = self.enumeration(id);
        format!("{}.{}", self.modules[enumeration.module.0].name, enumeration.name)
    }
}

impl Builtin {
    /// The type of this name, if it is declared without fields.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "ControlInfoMap" => Some(Self::ControlInfoMap),
            "ControlList" => Some(Self::ControlList),
            "SharedFD" => Some(Self::SharedFd),
            _ => None,
        }
    }

    /// Its full name in mojom.
    pub(crate) fn mojom(self) -> &'static str {
        match self {
            Self::ControlInfoMap => "libcamera.ControlInfoMap",
            Self::ControlList => "libcamera.ControlList",
            Self::SharedFd => "libcamera.SharedFD",
            Self::Plane => "FrameBuffer.Plane",
        }
    }

    /// Its name in Rust.
    pub(crate) fn rust(self) -> &'static str {
        match self {
            Self::ControlInfoMap => "ControlInfoMap",
            Self::ControlList => "ControlList",
            Self::SharedFd => "SharedFd",
            Self::Plane => "Plane",
        }
    }
}
