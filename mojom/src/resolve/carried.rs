//! What libcamera's generator does not see that a value carries: descriptors and controls.
//!
//! All that is in structs is asked for once they are complete, and once each: they may contain themselves, which is
//! reported elsewhere, or each other a great many times.

use super::structs::item;
use crate::diagnostic::{Code, Diagnostic, Reports, Span};
use crate::load::Loaded;
use crate::model::{Builtin, Model, Parameter, StructId, Type};

/// An element of an array or map whose name only C++ can resolve.
#[derive(Debug)]
pub(super) struct Unqualified {
    /// Index of the file.
    pub(super) file: usize,
    pub(super) name: String,
    pub(super) full: String,
    pub(super) span: Span,
    pub(super) ty: Type,
}

/// What is somewhere inside a value.
#[derive(Debug, Clone, Copy, Default)]
struct Carried {
    /// Descriptors of any kind.
    descriptors: bool,
    /// `SharedFD` by that name, which libcamera sees without a mark.
    named: bool,
    controls: bool,
}

impl Carried {
    fn or(self, other: Self) -> Self {
        Self {
            descriptors: self.descriptors || other.descriptors,
            named: self.named || other.named,
            controls: self.controls || other.controls,
        }
    }
}

/// Reports what libcamera would lose.
pub(super) fn check(files: &[Loaded], model: &Model, unqualified: &[Unqualified], reports: &mut Reports) {
    let mut structs = vec![None; model.structs.len()];
    for index in 0..model.structs.len() {
        of_struct(model, StructId(index), 0, &mut structs);
    }
    let carried = |ty: &Type| of_type(ty, &|id| structs[id.0].unwrap_or_default());
    for found in unqualified {
        report_unqualified(found, carried(&found.ty), &files[found.file], reports);
    }
    for structure in &model.structs {
        let loaded = &files[structure.module.0];
        let Some(item) = item(loaded, &structure.name) else { continue };
        for field in &structure.fields {
            let Some(written) = item.fields.iter().find(|written| written.name.text == field.name) else {
                continue;
            };
            let is_told = |found: &Unqualified| {
                let (outer, inner) = (written.ty.span, found.span);
                found.file == structure.module.0 && outer.start <= inner.start && inner.end <= outer.end
            };
            if unqualified.iter().any(is_told) {
                continue;
            }
            let inside = carried(&field.ty);
            if inside.descriptors && !inside.named && !field.has_fd {
                let message = format!("libcamera would drop the descriptors in `{}`", field.name);
                let diagnostic =
                    Diagnostic::new(Code::MissingHasFd, &loaded.source, written.name.span, message);
                let help = match written.attributes.0.is_empty() {
                    true => {
                        let at = Span { start: written.ty.span.start, end: written.ty.span.start };
                        diagnostic.replace(at, "[hasFd] ", "mark the field")
                    }
                    false => diagnostic.help("add `hasFd` to the field's attributes"),
                };
                reports.push(help.note("its generator does not look for them behind the names of types"));
            }
            if let Some(mark) = written.attributes.get("hasFd")
                && !inside.descriptors
            {
                let message = format!("`{}` carries no descriptors", field.name);
                let diagnostic =
                    Diagnostic::new(Code::NeedlessHasFd, &loaded.source, mark.name.span, message);
                reports.push(
                    diagnostic.note("in libcamera's encoding the mark costs a count that is always zero"),
                );
            }
        }
    }
    for (module, loaded) in model.modules.iter().zip(files) {
        let Some(interface) = &module.interface else { continue };
        for method in interface.methods.iter().chain(&interface.events) {
            for parameter in method.inputs.iter().chain(&method.outputs) {
                check_parameter(parameter, &method.name, loaded, reports);
            }
        }
    }
}

/// Descriptors in structs are reported where the struct's field lacks its mark; here it is about bare planes.
fn check_parameter(parameter: &Parameter, method: &str, loaded: &Loaded, reports: &mut Reports) {
    let mut inner = &parameter.ty;
    while let Type::Array { element: next, .. } | Type::Map { value: next, .. } = inner {
        inner = next;
    }
    if *inner != Type::Builtin(Builtin::Plane) {
        return;
    }
    let methods = loaded.file.interfaces.iter().flat_map(|item| &item.methods);
    let mut parameters = methods
        .filter(|item| item.name.text == method)
        .flat_map(|item| item.inputs.iter().chain(&item.outputs));
    let Some(written) = parameters.find(|written| written.name.text == parameter.name) else { return };
    let message = format!("libcamera would drop the descriptors in `{}`", parameter.name);
    let diagnostic = Diagnostic::new(Code::MissingHasFd, &loaded.source, written.name.span, message);
    reports
        .push(diagnostic.help(
            "put it into a struct, as a field that is marked `[hasFd]`, as `libcamera.IPABuffer` does",
        ));
}

fn report_unqualified(found: &Unqualified, inside: Carried, loaded: &Loaded, reports: &mut Reports) {
    let Unqualified { name, full, span, .. } = found;
    let lost = match inside {
        Carried { descriptors: true, .. } => Some("descriptors"),
        Carried { controls: true, .. } => Some("controls"),
        _ => None,
    };
    let (code, message) = match lost {
        Some(what) => (
            Code::UnqualifiedCoreType,
            format!("without its module's name, libcamera does not see that `{name}` carries {what}"),
        ),
        None => (
            Code::UnqualifiedName,
            format!("`{name}` is not visible by this name; libcamera only finds it by C++'s rules"),
        ),
    };
    let diagnostic = Diagnostic::new(code, &loaded.source, *span, message);
    reports.push(diagnostic.replace(*span, full, format!("write `{full}`")));
}

/// Structs that are deeper than a decoder may go are reported elsewhere.
const MAX_DEPTH: usize = 64;

fn of_struct(model: &Model, id: StructId, depth: usize, known: &mut Vec<Option<Carried>>) -> Carried {
    if let Some(carried) = known[id.0] {
        return carried;
    }
    // For the time being, and for structs that contain themselves.
    known[id.0] = Some(Carried::default());
    let mut total = Carried::default();
    if depth < MAX_DEPTH {
        for field in &model.structure(id).fields {
            let mut inner = Vec::new();
            structs_in(&field.ty, &mut inner);
            for id in inner {
                total = total.or(of_struct(model, id, depth + 1, known));
            }
            total = total.or(of_type(&field.ty, &|_| Carried::default()));
        }
    }
    known[id.0] = Some(total);
    total
}

/// The structs that are named in a type.
pub(super) fn structs_in(ty: &Type, found: &mut Vec<StructId>) {
    match ty {
        Type::Struct(id) => found.push(*id),
        Type::Array { element, .. } => structs_in(element, found),
        Type::Map { value, .. } => structs_in(value, found),
        _ => {}
    }
}

fn of_type(ty: &Type, of_struct: &dyn Fn(StructId) -> Carried) -> Carried {
    match ty {
        Type::Builtin(builtin) => Carried {
            descriptors: matches!(builtin, Builtin::SharedFd | Builtin::Plane),
            named: *builtin == Builtin::SharedFd,
            controls: matches!(builtin, Builtin::ControlList | Builtin::ControlInfoMap),
        },
        Type::Struct(id) => of_struct(*id),
        Type::Array { element, .. } => of_type(element, of_struct),
        Type::Map { key, value } => of_type(key, of_struct).or(of_type(value, of_struct)),
        _ => Carried::default(),
    }
}
