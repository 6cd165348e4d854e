//! What the interfaces mean: every name resolved, every value computed, every rule checked.
//!
//! Generators, the interface hash and tools that need no generated code read this and nothing else. Names are those
//! of the file. [`Config::check`](crate::Config::check) makes it.
//!
//! ```
//! use ringfence_mojom::configure;
//!
//! let text = "module a; struct Size { uint32 width; }; interface AInterface { set(Size size) => (int32 ret); };";
//! let model = configure().check_text("a.mojom", text)?.model;
//! let interface = model.modules[model.last().0].interface.as_ref().expect("the file has one");
//! let method = &interface.methods[0];
//! assert_eq!((method.name.as_str(), model.mojom(&method.inputs[0].ty)), ("set", "a.Size".to_owned()));
//! # Ok::<(), ringfence_mojom::Diagnostics>(())
//! ```

pub use crate::ast::Doc;

/// All files that take part, imported ones first.
#[derive(Debug, Default)]
pub struct Model {
    /// The files, in an order in which each stands behind those it imports.
    pub modules: Vec<Module>,
    /// The enums of all files.
    pub enums: Vec<Enum>,
    /// The structs of all files.
    pub structs: Vec<Struct>,
}

/// Index in [`Model::modules`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ModuleId(
    /// The index.
    pub usize,
);

/// Index in [`Model::enums`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EnumId(
    /// The index.
    pub usize,
);

/// Index in [`Model::structs`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StructId(
    /// The index.
    pub usize,
);

/// One file.
#[derive(Debug)]
pub struct Module {
    /// As in its `module` statement.
    pub name: String,
    /// Name of the file, without its directories.
    pub file: String,
    /// What the comment before the `module` statement says.
    pub doc: Doc,
    /// Its constants, in order.
    pub consts: Vec<Const>,
    /// Its enums, in order.
    pub enums: Vec<EnumId>,
    /// Its structs, in order.
    pub structs: Vec<StructId>,
    /// Its interface, if it has one.
    pub interface: Option<Interface>,
}

/// A constant.
#[derive(Debug)]
pub struct Const {
    /// With the struct or interface around it, separated by a dot.
    pub name: String,
    /// Its declared type.
    pub ty: Type,
    /// Its value, which fits the type.
    pub value: Constant,
    /// What the comment before it says.
    pub doc: Doc,
}

/// A value that is known when an interface is compiled.
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    /// An integer of any type.
    Integer {
        /// The value.
        value: i128,
        /// Whether it was written in hexadecimal.
        hex: bool,
    },
    /// A `float` or `double`.
    Float(f64),
    /// A `bool`.
    Bool(bool),
    /// A `string`.
    String(String),
    /// An enumerator.
    Enumerator {
        /// Its enum.
        of: EnumId,
        /// Its index in [`Enum::enumerators`].
        index: usize,
    },
}

/// An enum.
#[derive(Debug)]
pub struct Enum {
    /// The file that defines it.
    pub module: ModuleId,
    /// With the struct or interface around it, separated by a dot.
    pub name: String,
    /// At least one.
    pub enumerators: Vec<Enumerator>,
    /// Whether sets of its enumerators make sense.
    pub is_flags: bool,
    /// What the comment before it says.
    pub doc: Doc,
}

/// A value of an enum, with its name.
#[derive(Debug)]
pub struct Enumerator {
    /// The name.
    pub name: String,
    /// The value, given or counted.
    pub value: i32,
    /// Whether it was written in hexadecimal.
    pub hex: bool,
    /// The earlier enumerator with the same value.
    pub alias_of: Option<usize>,
    /// What the comment before it says.
    pub doc: Doc,
}

/// A struct.
#[derive(Debug)]
pub struct Struct {
    /// The file that defines it.
    pub module: ModuleId,
    /// The name, without its module.
    pub name: String,
    /// Who writes it in Rust.
    pub kind: StructKind,
    /// Its fields, in the order in which they are declared and sent.
    pub fields: Vec<Field>,
    /// Whether it is marked `[hasFd]`, which libcamera's encoding heeds.
    pub has_fd: bool,
    /// What the comment before it says.
    pub doc: Doc,
}

/// Who writes the Rust type of a struct, and its encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StructKind {
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
pub enum Builtin {
    /// What can be set of each control.
    ControlInfoMap,
    /// Controls and their values.
    ControlList,
    /// A file descriptor, or none.
    SharedFd,
    /// A part of a file: a descriptor, an offset and a length.
    Plane,
}

/// A field of a struct.
#[derive(Debug)]
pub struct Field {
    /// The name.
    pub name: String,
    /// The type.
    pub ty: Type,
    /// The value where nothing else is said. Numbers are otherwise zero, what holds others empty.
    pub default: Option<Constant>,
    /// Whether it is marked `[hasFd]`, which libcamera's encoding heeds.
    pub has_fd: bool,
    /// What the comment before it says.
    pub doc: Doc,
}

/// A type of a field, parameter or constant.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// `bool`.
    Bool,
    /// `int8` to `uint64`.
    Integer {
        /// 8, 16, 32 or 64.
        bits: u32,
        /// Whether it may be negative.
        signed: bool,
    },
    /// `float`, 32 bits.
    Float,
    /// `double`, 64 bits.
    Double,
    /// `string`.
    String,
    /// An enum.
    Enum(EnumId),
    /// A set of an enum's enumerators.
    Flags(EnumId),
    /// A struct that has fields.
    Struct(StructId),
    /// A type that the runtime has written by hand.
    Builtin(Builtin),
    /// `array<element, length>`. The length is part of the declaration; neither encoding checks it.
    Array {
        /// Type of the elements.
        element: Box<Type>,
        /// Their declared number.
        length: Option<u32>,
    },
    /// `map<key, value>`.
    Map {
        /// An integer, truth value, string or enum.
        key: Box<Type>,
        /// Any type.
        value: Box<Type>,
    },
}

/// An interface and the events that go with it.
#[derive(Debug)]
pub struct Interface {
    /// The name, without its module.
    pub name: String,
    /// What the comment before it says.
    pub doc: Doc,
    /// Its methods, numbered from 1 in this order.
    pub methods: Vec<Method>,
    /// Name of the event interface.
    pub events_name: Option<String>,
    /// What the comment before the event interface says.
    pub events_doc: Doc,
    /// Its events, numbered from 1 in this order.
    pub events: Vec<Method>,
}

/// A method or an event.
#[derive(Debug)]
pub struct Method {
    /// The name.
    pub name: String,
    /// Whether it returns before it is done. Events do.
    pub asynchronous: bool,
    /// Its parameters.
    pub inputs: Vec<Parameter>,
    /// Its results.
    pub outputs: Vec<Parameter>,
    /// What the comment before it says.
    pub doc: Doc,
}

/// A parameter or result of a method.
#[derive(Debug)]
pub struct Parameter {
    /// The name.
    pub name: String,
    /// The type.
    pub ty: Type,
}

/// What code that handles values has to know about a type beside what it is.
impl Model {
    /// The last file: of what [`Config::check`](crate::Config::check) was given, unless that file had been imported.
    ///
    /// # Panics
    /// If there is no file.
    #[must_use]
    pub fn last(&self) -> ModuleId {
        ModuleId(self.modules.len().checked_sub(1).expect("a checked model has a file"))
    }

    /// The enum of this id.
    ///
    /// # Panics
    /// If the id is of another model, as do all that take one.
    #[must_use]
    pub fn enumeration(&self, id: EnumId) -> &Enum {
        &self.enums[id.0]
    }

    /// The struct of this id.
    #[must_use]
    pub fn structure(&self, id: StructId) -> &Struct {
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

    /// Whether each value equals itself: numbers with fractions need not.
    pub(crate) fn is_eq(&self, ty: &Type) -> bool {
        match ty {
            Type::Float | Type::Double => false,
            Type::Builtin(builtin) => matches!(builtin, Builtin::ControlInfoMap | Builtin::ControlList),
            Type::Struct(id) => self.structure(*id).fields.iter().all(|field| self.is_eq(&field.ty)),
            Type::Array { element, .. } => self.is_eq(element),
            Type::Map { key, value } => self.is_eq(key) && self.is_eq(value),
            _ => true,
        }
    }

    /// Whether equal values can have equal hashes. Lists of controls are equal in whatever order.
    pub(crate) fn is_hash(&self, ty: &Type) -> bool {
        match ty {
            Type::Float | Type::Double | Type::Builtin(_) => false,
            Type::Struct(id) => self.structure(*id).fields.iter().all(|field| self.is_hash(&field.ty)),
            Type::Array { element, .. } => self.is_hash(element),
            Type::Map { key, value } => self.is_hash(key) && self.is_hash(value),
            _ => true,
        }
    }

    /// Whether libcamera's encoding has a count of descriptors beside the size of this field: if the type
    /// names `SharedFD` somewhere inside, or the field itself is marked. Marks within its type do not count.
    #[must_use]
    pub fn field_counts_fds(&self, field: &Field) -> bool {
        field.has_fd || self.names_fd(&field.ty)
    }

    /// Whether libcamera's encoding has a count of descriptors beside the size of a parameter of this type: as of
    /// a field, or if it is a struct that is marked or has a marked field, or has such structs in arrays or maps.
    #[must_use]
    pub fn parameter_counts_fds(&self, ty: &Type) -> bool {
        match ty {
            Type::Array { element, .. } => self.parameter_counts_fds(element),
            Type::Map { key, value } => self.parameter_counts_fds(key) || self.parameter_counts_fds(value),
            Type::Struct(id) => {
                let structure = self.structure(*id);
                structure.has_fd || structure.fields.iter().any(|field| field.has_fd) || self.names_fd(ty)
            }
            ty => self.names_fd(ty),
        }
    }

    /// Whether `SharedFD` is named in the type. What else brings descriptors along is not.
    fn names_fd(&self, ty: &Type) -> bool {
        match ty {
            Type::Builtin(builtin) => *builtin == Builtin::SharedFd,
            Type::Struct(id) => self.structure(*id).fields.iter().any(|field| self.names_fd(&field.ty)),
            Type::Array { element, .. } => self.names_fd(element),
            Type::Map { key, value } => self.names_fd(key) || self.names_fd(value),
            _ => false,
        }
    }

    /// Whether a descriptor may be inside, for which equality has no meaning.
    #[must_use]
    pub fn has_fd(&self, ty: &Type) -> bool {
        match ty {
            Type::Builtin(builtin) => matches!(builtin, Builtin::SharedFd | Builtin::Plane),
            Type::Struct(id) => self.structure(*id).fields.iter().any(|field| self.has_fd(&field.ty)),
            Type::Array { element, .. } => self.has_fd(element),
            Type::Map { key, value } => self.has_fd(key) || self.has_fd(value),
            _ => false,
        }
    }

    /// The type as it is written in mojom, with full names.
    #[must_use]
    pub fn mojom(&self, ty: &Type) -> String {
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
    #[must_use]
    pub fn enum_name(&self, id: EnumId) -> String {
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
    #[must_use]
    pub fn mojom(self) -> &'static str {
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
