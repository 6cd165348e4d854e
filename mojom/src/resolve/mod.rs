//! From what files say to what they mean.
//!
//! Names are looked up as libcamera's parser does it: first inside the struct or interface around
//! them, then in the file's own module, then as full names, among the file's own definitions and
//! those of the files that it imports directly. [`unknown`] decides what to say of a name that is not found,
//! and when it is better to say nothing.

mod attributes;
mod carried;
mod consts;
mod enums;
mod expressions;
mod extent;
mod interfaces;
mod ipa;
mod names;
mod structs;
#[cfg(test)]
mod tests;
mod types;
mod unknown;

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Code, Diagnostic, Reports, Span};
use crate::load::Loaded;
use crate::model::{Constant, EnumId, Model, Module, ModuleId, StructId};
use crate::naming;

/// The module that has the types which all interfaces share.
const CORE_MODULE: &str = "libcamera";

/// What a full name stands for.
#[derive(Debug, Clone)]
enum Symbol {
    Enum(EnumId),
    /// An enum without values.
    EmptyEnum,
    Struct(StructId),
    Const(Constant),
    Interface,
    /// What only Chromium has, in the plural.
    Foreign(&'static str),
    /// Something that is wrong, and was reported.
    Garbled,
}

/// The names that one file defines, in full.
type Symbols = BTreeMap<String, Symbol>;

/// Resolves `files`, which stand behind those they import.
pub(crate) fn resolve(files: &[Loaded], reports: &mut Reports) -> Model {
    let mut model = Model::default();
    let mut symbols: Vec<Symbols> = Vec::new();
    let mut stable = BTreeSet::new();
    let mut unqualified = Vec::new();
    for loaded in files {
        let module = loaded.file.module.as_ref().map_or_else(String::new, |name| name.text.clone());
        let has_ipa = loaded.file.interfaces.iter().any(|item| naming::is_ipa(&item.name.text));
        let mut resolver = Resolver {
            loaded,
            files,
            id: ModuleId(model.modules.len()),
            is_core: module == CORE_MODULE,
            is_for_libcamera: module == CORE_MODULE || module.starts_with("ipa.") || has_ipa,
            module,
            model: &mut model,
            imported: &symbols,
            own: Symbols::new(),
            places: BTreeMap::new(),
            stable: &mut stable,
            unqualified: &mut unqualified,
            counted: None,
            reports,
        };
        resolver.file();
        symbols.push(resolver.own);
    }
    extent::check(files, &model, reports);
    carried::check(files, &model, &unqualified, reports);
    model
}

/// Resolves one file.
struct Resolver<'a> {
    loaded: &'a Loaded,
    files: &'a [Loaded],
    id: ModuleId,
    /// Name of the file's module.
    module: String,
    is_core: bool,
    /// Whether libcamera's tools are likely to read the file too.
    is_for_libcamera: bool,
    model: &'a mut Model,
    /// Symbols of the files before this one.
    imported: &'a [Symbols],
    own: Symbols,
    /// Where each name of the file was defined.
    places: BTreeMap<String, Span>,
    /// Full names of what is marked `[Stable]`, in all files.
    stable: &'a mut BTreeSet<String>,
    /// Elements of arrays and maps that only C++ can find, in all files.
    unqualified: &'a mut Vec<carried::Unqualified>,
    /// The enum whose enumerators are being counted, with their values before they became 32 bits.
    counted: Option<(EnumId, Vec<i128>)>,
    reports: &'a mut Reports,
}

impl Resolver<'_> {
    fn file(&mut self) {
        let file = &self.loaded.file;
        if file.module.is_none() && !file.module_is_garbled {
            let missing =
                self.diagnostic(Code::MissingModule, Span::default(), "the `module` statement is missing");
            self.reports.push(missing.help("begin the file with `module ipa.<name>;`"));
        }
        let path = &self.loaded.source.path;
        self.model.modules.push(Module {
            name: self.module.clone(),
            file: path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
            doc: file.doc.clone(),
            consts: Vec::new(),
            enums: Vec::new(),
            structs: Vec::new(),
            interface: None,
        });
        self.check_imported_modules();
        self.declare();
        let consts = self.consts_and_enums();
        self.struct_fields();
        self.foreign();
        let interface = self.interfaces();
        self.check_rust_names(interface.as_ref());
        self.check_cpp_names();
        let enums = self.ids(&self.model.enums, |enumeration| enumeration.module, EnumId);
        let structs = self.ids(&self.model.structs, |structure| structure.module, StructId);
        let module = &mut self.model.modules[self.id.0];
        (module.consts, module.enums, module.structs, module.interface) = (consts, enums, structs, interface);
    }

    fn ids<T, I>(&self, all: &[T], module: impl Fn(&T) -> ModuleId, id: impl Fn(usize) -> I) -> Vec<I> {
        (0..all.len()).filter(|index| module(&all[*index]) == self.id).map(id).collect()
    }

    fn check_imported_modules(&mut self) {
        let loaded = self.loaded;
        for import in &loaded.imports {
            let theirs = &self.model.modules[import.index].name;
            if *theirs == self.module && !theirs.is_empty() {
                let message = format!("an imported file is module `{theirs}` as well");
                let span = loaded.file.module.as_ref().map_or_else(Span::default, |module| module.span);
                let error = self.diagnostic(Code::DuplicateModule, span, message);
                self.reports.push(error.also(import.span, "imported here"));
            }
        }
    }

    /// Unions and the like have no meaning, but what they are made of has to exist.
    fn foreign(&mut self) {
        let loaded = self.loaded;
        for item in &loaded.file.foreign {
            let name = &item.name.text;
            let message = format!("{} are outside the dialect: nothing is generated for `{name}`", item.what);
            self.report(Code::IgnoredDefinition, item.name.span, message);
            for ty in &item.types {
                self.check_exists(ty, Some(name));
            }
        }
    }

    fn diagnostic(&self, code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, &self.loaded.source, span, message)
    }

    fn report(&mut self, code: Code, span: Span, message: impl Into<String>) {
        self.reports.at(code, &self.loaded.source, span, message);
    }

    /// Full name of something in this file.
    fn full(&self, scope: Option<&str>, name: &str) -> String {
        match scope {
            Some(scope) => format!("{}.{scope}.{name}", self.module),
            None => format!("{}.{name}", self.module),
        }
    }

    /// Takes a name for a definition; reports if it is taken.
    fn claim(&mut self, full: &str, span: Span) -> bool {
        let name = full.strip_prefix(&self.module).and_then(|name| name.strip_prefix('.')).unwrap_or(full);
        let is_type_of_language = types::scalar(name).is_some();
        if is_type_of_language {
            let message = format!("`{name}` is a type of the language and cannot be defined");
            self.report(Code::DuplicateDefinition, span, message);
            return false;
        }
        if let Some(first) = self.places.get(full) {
            let error =
                self.diagnostic(Code::DuplicateDefinition, span, format!("`{name}` is defined twice"));
            self.reports.push(error.label("defined again").also(*first, "first defined here"));
            return false;
        }
        self.places.insert(full.to_owned(), span);
        true
    }

    /// The symbol that `name` means, from within `scope`.
    fn lookup(&self, name: &str, scope: Option<&str>) -> Option<&Symbol> {
        let scoped = scope.map(|scope| self.full(Some(scope), name));
        let candidates = scoped.into_iter().chain([self.full(None, name), name.to_owned()]);
        candidates.into_iter().find_map(|full| self.visible(&full))
    }

    fn visible(&self, full: &str) -> Option<&Symbol> {
        let imported = self.loaded.imports.iter().map(|import| &self.imported[import.index]);
        std::iter::once(&self.own).chain(imported).find_map(|symbols| symbols.get(full))
    }
}
