//! Types of fields, parameters and constants.

use super::carried::Unqualified;
use super::{CORE_MODULE, Resolver, Symbol};
use crate::ast::{self, Attributes, TypeKind};
use crate::diagnostic::{Code, Span};
use crate::model::{Builtin, StructKind, Type};

impl Resolver<'_> {
    /// The type of a field or parameter, or `None` once an error is reported.
    pub(super) fn member_type(
        &mut self,
        ty: &ast::Type,
        attributes: &Attributes,
        scope: Option<&str>,
    ) -> Option<Type> {
        let resolved = self.ty(ty, scope, false)?;
        let Some(flags) = attributes.get("flags") else { return Some(resolved) };
        match resolved {
            Type::Enum(id) => {
                self.model.enums[id.0].is_flags = true;
                Some(Type::Flags(id))
            }
            other => {
                let found = self.model.mojom(&other);
                let error = self.diagnostic(
                    Code::FlagsWithoutEnum,
                    flags.name.span,
                    "[flags] needs an enum; this is none",
                );
                self.reports.push(error.also(ty.span, format!("`{found}` is no enum")));
                None
            }
        }
    }

    fn ty(&mut self, ty: &ast::Type, scope: Option<&str>, in_container: bool) -> Option<Type> {
        let resolved = match &ty.kind {
            TypeKind::Array { element, length } => {
                let element = Box::new(self.ty(element, scope, true)?);
                if let Some((_, span)) = length {
                    let warning = self.diagnostic(
                        Code::IgnoredLength,
                        *span,
                        "the length of an array is without effect: it may have any number of elements",
                    );
                    self.reports.push(warning.help("say in a comment how many elements are expected"));
                }
                Type::Array { element, length: length.map(|(length, _)| length) }
            }
            TypeKind::Map { key, value } => {
                let key_type = self.key(key, scope);
                let value = Box::new(self.ty(value, scope, true)?);
                Type::Map { key: Box::new(key_type?), value }
            }
            TypeKind::Name(name) => self.named(name, ty.span, scope, in_container)?,
            TypeKind::Foreign(what) => {
                let error = self.diagnostic(
                    Code::OutsideDialect,
                    ty.span,
                    format!("{what} are outside the dialect: libcamera cannot send them, nor can ringfence"),
                );
                self.reports.push(match *what {
                    "handles" => error.help("a file descriptor is a `libcamera.SharedFD`"),
                    _ => error,
                });
                return None;
            }
        };
        if let Some(mark) = ty.nullable {
            self.nullable(&resolved, mark)?;
        }
        Some(resolved)
    }

    fn key(&mut self, key: &ast::Type, scope: Option<&str>) -> Option<Type> {
        const KEYS: &str = "a map's key is an integer, a truth value, a string or an enum";
        if !matches!(key.kind, TypeKind::Name(_)) || key.nullable.is_some() {
            self.report(Code::MapKey, key.span, KEYS);
            return None;
        }
        let resolved = self.ty(key, scope, true)?;
        let problem = match resolved {
            Type::Float | Type::Double => "numbers with fractions have no total order",
            Type::Struct(_) | Type::Builtin(_) => "structs have no order",
            _ => return Some(resolved),
        };
        let message = format!("`{}` cannot be the key of a map: {problem}", self.model.mojom(&resolved));
        let error = self.diagnostic(Code::MapKey, key.span, message);
        self.reports.push(error.note(KEYS));
        None
    }

    fn nullable(&mut self, ty: &Type, mark: Span) -> Option<()> {
        match ty {
            Type::Struct(_) | Type::Enum(_) | Type::Flags(_) | Type::Array { .. } | Type::Map { .. } => {}
            Type::Builtin(builtin) if *builtin != Builtin::Plane => {}
            _ => {
                let message = format!("a `{}` cannot be nullable", self.model.mojom(ty));
                let error = self.diagnostic(Code::Nullable, mark, message);
                self.reports.push(error.help("use an array, which may be empty, or a field that tells"));
                return None;
            }
        }
        let warning =
            self.diagnostic(Code::IgnoredNullable, mark, "`?` is without effect: the value is always there");
        self.reports.push(warning.note("libcamera drops it without a word"));
        Some(())
    }

    fn named(&mut self, name: &str, span: Span, scope: Option<&str>, in_container: bool) -> Option<Type> {
        if let Some(scalar) = scalar(name) {
            return Some(scalar);
        }
        if name == Builtin::Plane.mojom() {
            if !in_container {
                let message = "`FrameBuffer.Plane` can only be the element of an array or map";
                self.report(Code::PlaneOutsideContainer, span, message);
                return None;
            }
            return Some(Type::Builtin(Builtin::Plane));
        }
        let symbol = self.lookup(name, scope).cloned();
        match symbol {
            Some(symbol) => self.symbol_type(name, span, &symbol),
            None => {
                let found = if in_container { self.lookup_as_cpp(name) } else { None };
                let Some((full, symbol)) = found else {
                    self.unknown_type(name, span);
                    return None;
                };
                let ty = self.symbol_type(name, span, &symbol)?;
                let file = self.id.0;
                self.unqualified.push(Unqualified {
                    file,
                    name: name.to_owned(),
                    full,
                    span,
                    ty: ty.clone(),
                });
                Some(ty)
            }
        }
    }

    fn symbol_type(&mut self, name: &str, span: Span, symbol: &Symbol) -> Option<Type> {
        let (code, message) = match symbol {
            Symbol::Enum(id) => return Some(Type::Enum(*id)),
            Symbol::Struct(id) => match self.model.structure(*id).kind {
                StructKind::Runtime(builtin) => return Some(Type::Builtin(builtin)),
                StructKind::Generated | StructKind::RuntimeType => return Some(Type::Struct(*id)),
                StructKind::Empty => {
                    (Code::EmptyType, format!("the struct `{name}` is empty: there is nothing to send"))
                }
            },
            Symbol::EmptyEnum => (Code::EmptyType, format!("the enum `{name}` has no values to send")),
            Symbol::Interface => {
                (Code::NotAType, format!("`{name}` is an interface; interfaces are no values"))
            }
            Symbol::Const(_) => (Code::NotAType, format!("`{name}` is a constant, not a type")),
            Symbol::Foreign(what) => {
                (Code::OutsideDialect, format!("`{name}` cannot be sent: {what} are outside the dialect"))
            }
            Symbol::Garbled => return None,
        };
        self.report(code, span, message);
        None
    }

    /// What C++ finds for a name in the code that libcamera generates, which is where names of elements are looked
    /// up: in the namespaces around, among everything that is imported, also by others.
    fn lookup_as_cpp(&self, name: &str) -> Option<(String, Symbol)> {
        let mut namespaces: Vec<&str> = vec![&self.module];
        while let Some((outer, _)) = namespaces.last().and_then(|inner| inner.rsplit_once('.')) {
            namespaces.push(outer);
        }
        let scoped = namespaces.iter().map(|outer| format!("{outer}.{name}"));
        let candidates = scoped.chain([format!("{CORE_MODULE}.{name}"), name.to_owned()]);
        let visible = self.files_below();
        candidates.into_iter().find_map(|full| {
            let symbol = visible.iter().find_map(|index| self.imported[*index].get(&full));
            symbol.or_else(|| self.own.get(&full)).cloned().map(|symbol| (full, symbol))
        })
    }

    /// The files that this one imports, directly or not.
    fn files_below(&self) -> Vec<usize> {
        let mut found: Vec<usize> = self.loaded.imports.iter().map(|import| import.index).collect();
        let mut next = 0;
        while let Some(index) = found.get(next) {
            for import in &self.files[*index].imports {
                if !found.contains(&import.index) {
                    found.push(import.index);
                }
            }
            next += 1;
        }
        found
    }
}

/// The type that every file knows by this name.
pub(super) fn scalar(name: &str) -> Option<Type> {
    let (signed, bits) = match name {
        "bool" => return Some(Type::Bool),
        "float" => return Some(Type::Float),
        "double" => return Some(Type::Double),
        "string" => return Some(Type::String),
        _ => match name.strip_prefix("uint") {
            Some(bits) => (false, bits),
            None => (true, name.strip_prefix("int")?),
        },
    };
    let bits = match bits {
        "8" => 8,
        "16" => 16,
        "32" => 32,
        "64" => 64,
        _ => return None,
    };
    Some(Type::Integer { bits, signed })
}
