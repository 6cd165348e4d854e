//! How far structs go: that they end somewhere, are not too deep and not too large.

use super::carried::structs_in;
use super::structs::item;
use crate::diagnostic::{Code, Diagnostic, Reports};
use crate::load::Loaded;
use crate::model::{Builtin, Model, StructId, Type};

/// Structs within each other; a decoder walks through them on the stack.
const MAX_NESTING: usize = 32;

/// Bytes of a struct's fixed part, which decoders keep on the stack as a value.
const MAX_FIXED: usize = 65536;

/// Reports structs that contain themselves, nest too deep or are too large.
pub(super) fn check(files: &[Loaded], model: &Model, reports: &mut Reports) {
    let mut extents = vec![None; model.structs.len()];
    for (index, structure) in model.structs.iter().enumerate() {
        let mut path = Vec::new();
        let Err((code, problem)) = extent(model, StructId(index), &mut path, &mut extents) else { continue };
        let loaded = &files[structure.module.0];
        let span = item(loaded, &structure.name).map(|item| item.name.span).unwrap_or_default();
        let error = Diagnostic::new(code, &loaded.source, span, problem);
        reports.push(match code {
            Code::StructSize => {
                error.help("move large parts into an array, which lies outside the fixed part")
            }
            Code::RecursiveStruct => error.help("keep such structs in one array, and refer to them by index"),
            _ => error,
        });
    }
}

/// What is wrong, and the message.
type Problem = (Code, String);

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
) -> Result<Extent, Problem> {
    if let Some(start) = path.iter().position(|outer| *outer == id) {
        let names: Vec<_> = path[start..].iter().chain([&id]).map(|id| &*model.structure(*id).name).collect();
        let problem = format!("the struct contains itself: {}", names.join(" > "));
        return Err(give_up(path, known, (Code::RecursiveStruct, problem)));
    }
    if let Some(extent) = known[id.0] {
        return Ok(extent);
    }
    if path.len() > MAX_NESTING {
        let problem = format!("structs nest more than {MAX_NESTING} deep here");
        return Err(give_up(path, known, (Code::NestingLimit, problem)));
    }
    path.push(id);
    let mut total = Extent::default();
    for field in &model.structure(id).fields {
        let mut inner = Vec::new();
        structs_in(&field.ty, &mut inner);
        for inner in inner {
            let inner = extent(model, inner, path, known)?;
            total.depth = total.depth.max(inner.depth + 1);
        }
        total.bytes += match &field.ty {
            Type::Struct(inner) => known[inner.0].unwrap_or_default().bytes,
            ty => fixed_bytes(ty),
        };
    }
    if total.depth > MAX_NESTING {
        let problem = format!("structs nest more than {MAX_NESTING} deep here");
        return Err(give_up(path, known, (Code::NestingLimit, problem)));
    }
    if total.bytes > MAX_FIXED {
        let problem =
            format!("the struct's {} bytes without its arrays exceed the limit of {MAX_FIXED}", total.bytes);
        return Err(give_up(path, known, (Code::StructSize, problem)));
    }
    path.pop();
    known[id.0] = Some(total);
    Ok(total)
}

/// The structs around the faulty one are not to be reported as well.
fn give_up(path: &[StructId], known: &mut [Option<Extent>], problem: Problem) -> Problem {
    for id in path {
        known[id.0] = Some(Extent::default());
    }
    problem
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
