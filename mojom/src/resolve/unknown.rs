//! Names that mean nothing: what may have been meant, and when to say nothing.

use std::sync::OnceLock;

use super::{CORE_MODULE, Resolver, Symbol, types};
use crate::ast::{Type, TypeKind};
use crate::diagnostic::{Code, Diagnostic, Source, Span};
use crate::load;
use crate::model::StructKind;

/// Characters beyond which a name is not compared with others.
const MAX_COMPARED: usize = 64;

/// What other languages, and earlier versions of libcamera, call a type.
const TRANSLATIONS: [(&str, &str); 16] = [
    ("byte", "uint8"),
    ("char", "int8"),
    ("short", "int16"),
    ("int", "int32"),
    ("long", "int64"),
    ("unsigned", "uint32"),
    ("uint", "uint32"),
    ("size_t", "uint64"),
    ("usize", "uint64"),
    ("boolean", "bool"),
    ("f32", "float"),
    ("f64", "double"),
    ("std.string", "string"),
    ("String", "string"),
    ("FileDescriptor", "libcamera.SharedFD"),
    ("CameraSensorInfo", "libcamera.IPACameraSensorInfo"),
];

const SCALARS: [&str; 12] = [
    "bool", "double", "float", "int16", "int32", "int64", "int8", "string", "uint16", "uint32", "uint64",
    "uint8",
];

impl Resolver<'_> {
    /// Whether that a name is unknown follows from something that was reported before.
    pub(super) fn is_excused(&self, name: &str) -> bool {
        let file = &self.loaded.file;
        let (first, rest) = name.split_once('.').unwrap_or((name, ""));
        let local = name.strip_prefix(&self.module).and_then(|name| name.strip_prefix('.')).unwrap_or(name);
        let local = local.split('.').next().unwrap_or(local);
        let last = name.rsplit('.').next().unwrap_or(name);
        let is_garbled = |scope: &str| {
            file.structs.iter().any(|item| item.garbled && item.name.text == scope)
                || file.enums.iter().any(|item| item.garbled && item.name.text == scope)
                || file.interfaces.iter().any(|item| item.garbled && item.name.text == scope)
        };
        let imported = self.loaded.imports.iter().map(|import| &self.files[import.index].file);
        file.garbled.contains(local)
            || imported.into_iter().any(|file| file.garbled.contains(last))
            || is_garbled(local)
            || file.module_is_garbled && !rest.is_empty()
            // It may be of the file that is missing, unless it is one's own.
            || self.loaded.incomplete && !rest.is_empty() && self.visible(&self.full(None, first)).is_none()
    }

    /// Reports a type that does not exist here, with what may have been meant.
    pub(super) fn unknown_type(&mut self, name: &str, span: Span) {
        if self.is_excused(name) {
            return;
        }
        if let Some(error) = self.missing_import(name, span) {
            self.reports.push(error);
            return;
        }
        let mut error = self.diagnostic(Code::UnknownType, span, format!("unknown type `{name}`"));
        error = error.label("no type of this name is known here");
        let translated =
            TRANSLATIONS.iter().find(|(other, _)| *other == name).map(|(_, own)| (*own).to_owned());
        if let Some(meant) = translated.or_else(|| self.similar_type(name)) {
            error = error.replace(span, &meant, format!("did you mean `{meant}`?"));
            let is_core = meant.strip_prefix(CORE_MODULE).is_some_and(|name| name.starts_with('.'));
            if is_core && self.visible(&meant).is_none() && !self.is_core {
                error = error.help(IMPORT_CORE);
            }
        }
        self.reports.push(error);
    }

    /// If the name is right but its file is not imported here.
    fn missing_import(&self, name: &str, span: Span) -> Option<Diagnostic> {
        let message = |file: &str| format!("`{name}` is defined in {file}, which this file does not import");
        let is_type = |symbol: &Symbol| !matches!(symbol, Symbol::Const(_));
        if let Some(index) = self.imported.iter().position(|symbols| symbols.get(name).is_some_and(is_type)) {
            let path = &self.files[index].source.path;
            let error = self.diagnostic(Code::MissingImport, span, message(&format!("`{}`", path.display())));
            return Some(error.note("names of files that are only imported by others are not visible"));
        }
        let core = core_names().iter().any(|core| core == name) && !self.is_core;
        core.then(|| self.diagnostic(Code::MissingImport, span, message("`core.mojom`")).help(IMPORT_CORE))
    }

    /// The known type whose name is the most like this one, if any is.
    fn similar_type(&self, name: &str) -> Option<String> {
        if self.reports.is_crowded(&self.loaded.source) {
            return None;
        }
        let imported = self.loaded.imports.iter().map(|import| &self.imported[import.index]);
        let is_type = |symbol: &Symbol| match symbol {
            Symbol::Enum(_) => true,
            Symbol::Struct(id) => self.model.structure(*id).kind != StructKind::Empty,
            _ => false,
        };
        let symbols = std::iter::once(&self.own).chain(imported).flatten();
        let known = symbols.filter(|(_, symbol)| is_type(symbol)).map(|(full, _)| self.short(full));
        let core = core_names().iter().map(String::as_str);
        closest(name, known.chain(SCALARS).chain(core))
    }

    /// A full name as this file may write it.
    pub(super) fn short<'n>(&self, full: &'n str) -> &'n str {
        full.strip_prefix(&self.module).and_then(|name| name.strip_prefix('.')).unwrap_or(full)
    }

    /// Reports names in a type that do not exist, where the type itself is of no interest. libcamera's parser does
    /// not look at what arrays and maps are made of.
    pub(super) fn check_exists(&mut self, ty: &Type, scope: Option<&str>) {
        if let TypeKind::Name(name) = &ty.kind
            && types::scalar(name).is_none()
            && self.lookup(name, scope).is_none()
        {
            self.unknown_type(name, ty.span);
        }
    }
}

const IMPORT_CORE: &str = "import it: `import \"include/libcamera/ipa/core.mojom\";`";

/// Full names of the core types, to be offered also to files that do not import them.
fn core_names() -> &'static [String] {
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let source = Source::new("core.mojom", load::CORE);
        let (file, _) = crate::parser::parse(&source);
        file.structs.iter().map(|item| format!("{CORE_MODULE}.{}", item.name.text)).collect()
    })
}

/// The candidate that is the most like `name`, if any is like enough. The part behind the last dot counts alone
/// if it is the same.
pub(super) fn closest<'n>(name: &str, candidates: impl Iterator<Item = &'n str>) -> Option<String> {
    if name.len() > MAX_COMPARED {
        return None;
    }
    let last = |name: &'n str| name.rsplit('.').next().unwrap_or(name);
    let own_last = name.rsplit('.').next().unwrap_or(name);
    let allowed = own_last.chars().count().max(3) / 3;
    let distance = |candidate: &'n str| {
        let in_full = strsim::osa_distance(name, candidate);
        let in_part = match last(candidate) {
            part if part == own_last => 0,
            part if part.eq_ignore_ascii_case(own_last) => 1,
            // Without its module's name, it is already one step away.
            part => strsim::osa_distance(own_last, part) + 1,
        };
        in_full.min(in_part)
    };
    candidates
        .filter(|candidate| candidate.len() <= MAX_COMPARED)
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, candidate)| (*distance, candidate.len()))
        .map(|(_, candidate)| candidate.to_owned())
}
