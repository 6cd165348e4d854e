//! Types by their names.

use ringfence_mojom::model::{Builtin, EnumId, Model, StructId, StructKind, Type};

/// What is encoded.
///
/// ```
/// use ringfence_mojom::configure;
/// use ringfence_wire::Subject;
///
/// let text = "module a; enum Place { Indoors }; struct Size { uint32 width; };";
/// let model = configure().check_text("a.mojom", text)?.model;
/// for name in ["array<a.Size>", "map<uint32, string>", "[flags] Place", "libcamera.ControlList#bound"] {
///     Subject::parse(&model, name)?;
/// }
/// assert!(Subject::parse(&model, "Sise").is_err());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// A value of this type.
    Value(Type),
    /// `libcamera.ControlList#bound`: a list together with the info map that it refers to, which has not been sent
    /// before. In JSON `{"infomap": …, "list": …}`.
    Bound,
    /// `libcamera.ControlList#again`: such a list once its info map has been sent. The bytes are those of the list
    /// alone, and the JSON has the map as well.
    Again,
}

/// Why a type cannot be told from its name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` {problem}")]
pub struct TypeError {
    name: String,
    problem: String,
}

/// Arrays and maps within each other; values are walked through on the stack.
const MAX_DEPTH: usize = 32;

impl Subject {
    /// The type of this name: as in an interface file, with the module's name before those of structs and enums
    /// unless they are the only ones of that name; `[flags] E` for a set.
    ///
    /// # Errors
    /// If it is not the name of a type, or there is no such type in the files.
    pub fn parse(model: &Model, name: &str) -> Result<Self, TypeError> {
        match name {
            "libcamera.ControlList#bound" => Ok(Self::Bound),
            "libcamera.ControlList#again" => Ok(Self::Again),
            _ => {
                let mut parser = Parser { model, rest: name.trim() };
                let parsed = parser.ty(0).and_then(|ty| match parser.rest {
                    "" => Ok(ty),
                    rest => Err(format!("is no type: `{rest}` is left over")),
                });
                parsed.map(Self::Value).map_err(|problem| TypeError { name: name.to_owned(), problem })
            }
        }
    }
}

struct Parser<'a> {
    model: &'a Model,
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn ty(&mut self, depth: usize) -> Result<Type, String> {
        if depth > MAX_DEPTH {
            return Err(format!("has arrays and maps more than {MAX_DEPTH} deep"));
        }
        if self.eat("[flags]") {
            return match self.named()? {
                Type::Enum(id) => Ok(Type::Flags(id)),
                _ => Err("has [flags] of what is no enum".to_owned()),
            };
        }
        if self.eat("array<") {
            let element = Box::new(self.ty(depth + 1)?);
            let length = if self.eat(",") {
                let digits = self.word();
                Some(digits.parse().map_err(|_| format!("has the length `{digits}`, which is no number"))?)
            } else {
                None
            };
            self.expect(">")?;
            return Ok(Type::Array { element, length });
        }
        if self.eat("map<") {
            let key = self.ty(depth + 1)?;
            if !matches!(key, Type::Bool | Type::Integer { .. } | Type::String | Type::Enum(_)) {
                return Err(format!("has keys of type `{}`, which cannot be keys", self.model.mojom(&key)));
            }
            self.expect(",")?;
            let value = Box::new(self.ty(depth + 1)?);
            self.expect(">")?;
            return Ok(Type::Map { key: Box::new(key), value });
        }
        self.named()
    }

    fn named(&mut self) -> Result<Type, String> {
        let name = self.word();
        let integer = |bits, signed| Ok(Type::Integer { bits, signed });
        match name {
            "" => Err("is no type: a name is missing".to_owned()),
            "bool" => Ok(Type::Bool),
            "int8" => integer(8, true),
            "uint8" => integer(8, false),
            "int16" => integer(16, true),
            "uint16" => integer(16, false),
            "int32" => integer(32, true),
            "uint32" => integer(32, false),
            "int64" => integer(64, true),
            "uint64" => integer(64, false),
            "float" => Ok(Type::Float),
            "double" => Ok(Type::Double),
            "string" => Ok(Type::String),
            "FrameBuffer.Plane" | "libcamera.FrameBuffer.Plane" => Ok(Type::Builtin(Builtin::Plane)),
            name => self.defined(name),
        }
    }

    /// The struct or enum of this name.
    fn defined(&self, name: &str) -> Result<Type, String> {
        let module = |index: usize| self.model.modules[index].name.as_str();
        let structs = self.model.structs.iter().enumerate().map(|(index, structure)| {
            let ty = match structure.kind {
                StructKind::Runtime(builtin) => Some(Type::Builtin(builtin)),
                StructKind::Empty => None,
                StructKind::Generated | StructKind::RuntimeType => Some(Type::Struct(StructId(index))),
            };
            (module(structure.module.0), structure.name.as_str(), ty)
        });
        let enums = self.model.enums.iter().enumerate().map(|(index, enumeration)| {
            let name = enumeration.name.as_str();
            (module(enumeration.module.0), name, Some(Type::Enum(EnumId(index))))
        });
        let mut short = Vec::new();
        for (module, local, ty) in structs.chain(enums) {
            let is_full = name.strip_prefix(module).and_then(|rest| rest.strip_prefix('.')) == Some(local);
            if is_full || name == local {
                let ty = ty.ok_or("is a struct without fields, which nothing can be")?;
                if is_full {
                    return Ok(ty);
                }
                short.push(ty);
            }
        }
        match short.len() {
            1 => Ok(short.remove(0)),
            0 => {
                Err(format!("is unknown: no `{name}` is defined in the files, or in those that they import"))
            }
            count => {
                Err(format!("is ambiguous: {count} modules have a `{name}`; put the module's name before it"))
            }
        }
    }

    fn eat(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.eat(token) {
            return Ok(());
        }
        match self.rest {
            "" => Err(format!("is no type: `{token}` is missing at its end")),
            rest => Err(format!("is no type: `{token}` is missing before `{rest}`")),
        }
    }

    fn word(&mut self) -> &'a str {
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest.trim_start();
        word
    }
}
