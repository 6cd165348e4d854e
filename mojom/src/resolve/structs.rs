//! Structs: their kinds, their fields, and that they end somewhere.

use super::{Resolver, Symbol};
use crate::ast;
use crate::diagnostic::Reports;
use crate::load::Loaded;
use crate::model::{Builtin, Field, Model, Struct, StructId, StructKind, Type};

/// Structs within each other; a decoder walks through them on the stack.
const MAX_NESTING: usize = 32;

/// Bytes of a struct's fixed part, which decoders keep on the stack as a value.
const MAX_FIXED: usize = 65536;

/// The module whose types the runtime may have.
const CORE_MODULE: &str = "libcamera";

/// Structs of the core module that the runtime has as types, with fields of the same names.
const RUNTIME_TYPES: [&str; 4] = ["Point", "Rectangle", "Size", "SizeRange"];

impl Resolver<'_> {
    /// Makes the names of structs and interfaces known, which may be used before they are defined.
    pub(super) fn declare_structs(&mut self) {
        let file = &self.loaded.file;
        for item in &file.structs {
            let full = self.full(None, &item.name.text);
            let is_new = self.claim(&full, item.name.span);
            let kind = self.kind(item);
            let id = StructId(self.model.structs.len());
            let name = item.name.text.clone();
            let doc = item.doc.clone();
            let has_fd = item.attributes.has("hasFd");
            self.model.structs.push(Struct { module: self.id, name, kind, fields: Vec::new(), has_fd, doc });
            if is_new {
                self.own.insert(full, Symbol::Struct(id));
            }
        }
        for item in &file.interfaces {
            let full = self.full(None, &item.name.text);
            if self.claim(&full, item.name.span) {
                self.own.insert(full, Symbol::Interface);
            }
        }
    }

    fn kind(&mut self, item: &ast::Struct) -> StructKind {
        let name = item.name.text.as_str();
        let is_core = self.module == CORE_MODULE;
        let skip_header = is_core && item.attributes.has("skipHeader");
        let skip_serdes = is_core && item.attributes.has("skipSerdes");
        match (skip_header, Builtin::named(name)) {
            (true, Some(builtin)) if skip_serdes && item.fields.is_empty() => StructKind::Runtime(builtin),
            (true, _) if !skip_serdes && RUNTIME_TYPES.contains(&name) => StructKind::RuntimeType,
            (true, _) => {
                self.error(
                    item.name.span,
                    format!("the runtime has no type for the [skipHeader] struct `{name}`"),
                );
                StructKind::Empty
            }
            _ if item.fields.is_empty() => StructKind::Empty,
            _ => StructKind::Generated,
        }
    }

    pub(super) fn struct_fields(&mut self) {
        let loaded = self.loaded;
        let first = self.model.structs.len() - loaded.file.structs.len();
        for (index, item) in loaded.file.structs.iter().enumerate() {
            let fields = self.fields(item);
            self.model.structs[first + index].fields = fields;
        }
    }

    fn fields(&mut self, item: &ast::Struct) -> Vec<Field> {
        let scope = Some(item.name.text.as_str());
        let mut fields: Vec<Field> = Vec::new();
        for field in &item.fields {
            let name = &field.name.text;
            if fields.iter().any(|other| other.name == *name) {
                self.error(field.name.span, format!("the field `{name}` is defined twice"));
                continue;
            }
            let Some(ty) = self.member_type(&field.ty, &field.attributes, scope) else { continue };
            let default = match &field.default {
                None => None,
                Some(value)
                    if matches!(
                        ty,
                        Type::Struct(_) | Type::Builtin(_) | Type::Array { .. } | Type::Map { .. }
                    ) =>
                {
                    let ty = self.model.mojom(&ty);
                    self.error(value.span, format!("a field of type `{ty}` cannot have a default value"));
                    None
                }
                Some(value) => self.value(value, &ty, scope),
            };
            let has_fd = field.attributes.has("hasFd");
            fields.push(Field { name: name.clone(), ty, default, has_fd, doc: field.doc.clone() });
        }
        fields
    }
}

/// Reports structs that contain themselves, nest too deep or are too large.
pub(super) fn check_extent(files: &[Loaded], model: &Model, reports: &mut Reports) {
    let mut extents = vec![None; model.structs.len()];
    for (index, structure) in model.structs.iter().enumerate() {
        let mut path = Vec::new();
        let Err(problem) = extent(model, StructId(index), &mut path, &mut extents) else { continue };
        let loaded = &files[structure.module.0];
        let place = loaded.file.structs.iter().find(|item| item.name.text == structure.name);
        let span = place.map(|item| item.name.span).unwrap_or_default();
        reports.at(&loaded.source, span, problem);
    }
}

/// How deep structs lie within a struct, and how many bytes its fixed part has.
#[derive(Debug, Clone, Copy, Default)]
struct Extent {
    depth: usize,
    bytes: usize,
}

fn extent(
    model: &Model,
    id: StructId,
    path: &mut Vec<StructId>,
    known: &mut [Option<Extent>],
) -> Result<Extent, String> {
    if let Some(start) = path.iter().position(|outer| *outer == id) {
        let names: Vec<_> = path[start..].iter().chain([&id]).map(|id| &*model.structure(*id).name).collect();
        let problem = format!("the struct contains itself: {}", names.join(" > "));
        return Err(give_up(path, known, problem));
    }
    if let Some(extent) = known[id.0] {
        return Ok(extent);
    }
    if path.len() > MAX_NESTING {
        return Err(give_up(path, known, format!("structs nest more than {MAX_NESTING} deep here")));
    }
    path.push(id);
    let mut total = Extent::default();
    for field in &model.structure(id).fields {
        for inner in structs_in(&field.ty) {
            let inner = extent(model, inner, path, known)?;
            total.depth = total.depth.max(inner.depth + 1);
        }
        total.bytes += match &field.ty {
            Type::Struct(inner) => known[inner.0].unwrap_or_default().bytes,
            ty => fixed_bytes(ty),
        };
    }
    if total.depth > MAX_NESTING {
        return Err(give_up(path, known, format!("structs nest more than {MAX_NESTING} deep here")));
    }
    if total.bytes > MAX_FIXED {
        let problem =
            format!("the struct's {} bytes without its arrays exceed the limit of {MAX_FIXED}", total.bytes);
        return Err(give_up(path, known, problem));
    }
    path.pop();
    known[id.0] = Some(total);
    Ok(total)
}

/// The structs around the faulty one are not to be reported as well.
fn give_up(path: &[StructId], known: &mut [Option<Extent>], problem: String) -> String {
    for id in path {
        known[id.0] = Some(Extent::default());
    }
    problem
}

fn structs_in(ty: &Type) -> Vec<StructId> {
    match ty {
        Type::Struct(id) => vec![*id],
        Type::Array { element, .. } => structs_in(element),
        Type::Map { value, .. } => structs_in(value),
        _ => Vec::new(),
    }
}

/// Bytes of a fixed part that is no struct's.
fn fixed_bytes(ty: &Type) -> usize {
    match ty {
        Type::Bool => 1,
        Type::Integer { bits, .. } => *bits as usize / 8,
        Type::Double => 8,
        Type::Float | Type::Enum(_) | Type::Flags(_) | Type::Builtin(Builtin::SharedFd) => 4,
        _ => 8,
    }
}
