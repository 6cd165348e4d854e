//! What a file says, before anything is looked up.

use std::collections::BTreeSet;

use crate::diagnostic::Span;

/// A name and where it stands. Dotted names keep their dots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Span,
}

/// A whole file, as far as it could be read.
#[derive(Debug, Default)]
pub(crate) struct File {
    pub(crate) module: Option<Name>,
    /// Paragraphs about the file.
    pub(crate) doc: Doc,
    pub(crate) imports: Vec<Import>,
    pub(crate) consts: Vec<Const>,
    pub(crate) enums: Vec<Enum>,
    pub(crate) structs: Vec<Struct>,
    pub(crate) interfaces: Vec<Interface>,
    /// Definitions that only have a meaning in Chromium.
    pub(crate) foreign: Vec<Foreign>,
    /// What definitions seem to be called that could not be read. Nothing is to be said of their use.
    pub(crate) garbled: BTreeSet<String>,
    /// Whether the `module` statement is there but could not be read.
    pub(crate) module_is_garbled: bool,
}

/// The lines of a documentation comment, without its markers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doc(
    /// The lines.
    pub Vec<String>,
);

#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) path: String,
    pub(crate) span: Span,
}

/// `[name]` or `[name=value]`.
#[derive(Debug, Clone)]
pub(crate) struct Attribute {
    pub(crate) name: Name,
    pub(crate) value: Option<Value>,
}

impl Attribute {
    /// Whether it is switched on: without a value, or with any but a false one.
    pub(crate) fn is_true(&self) -> bool {
        let value = self.value.as_ref().map(|value| &value.kind);
        !matches!(value, Some(ValueKind::Bool(false) | ValueKind::Integer { value: 0, .. }))
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Attributes(pub(crate) Vec<Attribute>);

impl Attributes {
    pub(crate) fn get(&self, name: &str) -> Option<&Attribute> {
        self.0.iter().find(|attribute| attribute.name.text == name)
    }

    /// Most attributes act by being there, whatever their value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// `EnableIf` names a feature, of which libcamera has none.
    pub(crate) fn remove_item(&self) -> bool {
        self.has("EnableIf")
    }
}

/// A constant value as written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Value {
    pub(crate) kind: ValueKind,
    pub(crate) span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ValueKind {
    Integer {
        value: i128,
        hex: bool,
    },
    Float(f64),
    Bool(bool),
    String(String),
    /// A constant or an enumerator.
    Name(String),
    /// The keyword `default`.
    Default,
    Unary(Unary, Box<Value>),
    Binary(Binary, Box<(Value, Value)>),
    /// Something that could not be read, and was reported.
    Garbled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    Plus,
    Minus,
    Not,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    ShiftLeft,
    ShiftRight,
    And,
    Or,
    Xor,
}

#[derive(Debug, Clone)]
pub(crate) struct Type {
    pub(crate) kind: TypeKind,
    pub(crate) span: Span,
    /// The `?` behind it.
    pub(crate) nullable: Option<Span>,
}

#[derive(Debug, Clone)]
pub(crate) enum TypeKind {
    Name(String),
    Array {
        element: Box<Type>,
        length: Option<(u32, Span)>,
    },
    Map {
        key: Box<Type>,
        value: Box<Type>,
    },
    /// What only Chromium has: `handles`, `interfaces as values` and the like.
    Foreign(&'static str),
}

#[derive(Debug)]
pub(crate) struct Const {
    pub(crate) name: Name,
    /// The struct or interface around it.
    pub(crate) scope: Option<String>,
    pub(crate) attributes: Attributes,
    pub(crate) ty: Type,
    pub(crate) value: Value,
    pub(crate) doc: Doc,
}

#[derive(Debug)]
pub(crate) struct Enum {
    pub(crate) name: Name,
    /// The struct or interface around it.
    pub(crate) scope: Option<String>,
    pub(crate) attributes: Attributes,
    pub(crate) enumerators: Vec<Enumerator>,
    /// Whether some of it could not be read.
    pub(crate) garbled: bool,
    pub(crate) doc: Doc,
}

#[derive(Debug)]
pub(crate) struct Enumerator {
    pub(crate) name: Name,
    pub(crate) attributes: Attributes,
    pub(crate) value: Option<Value>,
    pub(crate) doc: Doc,
}

#[derive(Debug)]
pub(crate) struct Struct {
    pub(crate) name: Name,
    pub(crate) attributes: Attributes,
    pub(crate) fields: Vec<Field>,
    /// Whether some of it could not be read.
    pub(crate) garbled: bool,
    pub(crate) doc: Doc,
}

/// `@` and a number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ordinal {
    pub(crate) value: u32,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: Name,
    pub(crate) attributes: Attributes,
    pub(crate) ty: Type,
    pub(crate) ordinal: Option<Ordinal>,
    pub(crate) default: Option<Value>,
    pub(crate) doc: Doc,
}

#[derive(Debug)]
pub(crate) struct Interface {
    pub(crate) name: Name,
    pub(crate) attributes: Attributes,
    pub(crate) methods: Vec<Method>,
    /// Whether some of it could not be read.
    pub(crate) garbled: bool,
    pub(crate) doc: Doc,
}

#[derive(Debug)]
pub(crate) struct Method {
    pub(crate) name: Name,
    pub(crate) attributes: Attributes,
    pub(crate) ordinal: Option<Ordinal>,
    pub(crate) inputs: Vec<Parameter>,
    pub(crate) outputs: Vec<Parameter>,
    /// Whether there is a `=>`, be it followed by nothing.
    pub(crate) has_response: bool,
    pub(crate) doc: Doc,
}

#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: Name,
    pub(crate) attributes: Attributes,
    pub(crate) ty: Type,
}

/// A union, a feature, or a struct or enum that other languages define.
#[derive(Debug)]
pub(crate) struct Foreign {
    pub(crate) name: Name,
    /// In the plural.
    pub(crate) what: &'static str,
    /// What a union holds.
    pub(crate) types: Vec<Type>,
}
