//! What a file says, before anything is looked up.

use crate::diagnostic::Span;

/// A name and where it stands. Dotted names keep their dots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Span,
}

/// A whole file.
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
}

#[derive(Debug, Clone)]
pub(crate) struct Type {
    pub(crate) kind: TypeKind,
    pub(crate) span: Span,
}

#[derive(Debug, Clone)]
pub(crate) enum TypeKind {
    Name(String),
    Array { element: Box<Type>, length: Option<u32> },
    Map { key: Box<Type>, value: Box<Type> },
}

#[derive(Debug)]
pub(crate) struct Const {
    pub(crate) name: Name,
    /// The struct or interface around it.
    pub(crate) scope: Option<String>,
    pub(crate) ty: Type,
    pub(crate) value: Value,
    pub(crate) doc: Doc,
}

#[derive(Debug)]
pub(crate) struct Enum {
    pub(crate) name: Name,
    /// The struct or interface around it.
    pub(crate) scope: Option<String>,
    pub(crate) enumerators: Vec<Enumerator>,
    pub(crate) doc: Doc,
}

#[derive(Debug)]
pub(crate) struct Enumerator {
    pub(crate) name: Name,
    pub(crate) value: Option<Value>,
    pub(crate) doc: Doc,
}

#[derive(Debug)]
pub(crate) struct Struct {
    pub(crate) name: Name,
    pub(crate) attributes: Attributes,
    pub(crate) fields: Vec<Field>,
    pub(crate) doc: Doc,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: Name,
    pub(crate) attributes: Attributes,
    pub(crate) ty: Type,
    pub(crate) default: Option<Value>,
    pub(crate) doc: Doc,
}

#[derive(Debug)]
pub(crate) struct Interface {
    pub(crate) name: Name,
    pub(crate) methods: Vec<Method>,
    pub(crate) doc: Doc,
}

#[derive(Debug)]
pub(crate) struct Method {
    pub(crate) name: Name,
    pub(crate) attributes: Attributes,
    pub(crate) inputs: Vec<Parameter>,
    pub(crate) outputs: Vec<Parameter>,
    pub(crate) doc: Doc,
}

#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: Name,
    pub(crate) attributes: Attributes,
    pub(crate) ty: Type,
}
