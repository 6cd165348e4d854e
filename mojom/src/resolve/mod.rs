//! From what files say to what they mean.
//!
//! Names are looked up as libcamera's parser does it: first inside the struct or interface around
//! them, then in the file's own module, then as full names, among the file's own definitions and
//! those of the files that it imports directly.

mod consts;
mod interfaces;
mod names;
mod structs;
#[cfg(test)]
mod tests;
mod types;

use std::collections::BTreeMap;

use crate::diagnostic::{Reports, SharedSource, Span};
use crate::load::Loaded;
use crate::model::{Constant, EnumId, Model, Module, ModuleId, StructId};

/// What a full name stands for.
#[derive(Debug, Clone)]
enum Symbol {
    Enum(EnumId),
    Struct(StructId),
    Const(Constant),
    Interface,
}

/// The names that one file defines, in full.
type Symbols = BTreeMap<String, Symbol>;

/// Resolves `files`, which stand behind those they import.
pub(crate) fn resolve(files: &[Loaded], reports: &mut Reports) -> Model {
    let mut model = Model::default();
    let mut symbols: Vec<Symbols> = Vec::new();
    for loaded in files {
        let mut resolver = Resolver {
            loaded,
            id: ModuleId(model.modules.len()),
            module: loaded.file.module.as_ref().map_or_else(String::new, |name| name.text.clone()),
            model: &mut model,
            imported: &symbols,
            own: Symbols::new(),
            places: BTreeMap::new(),
            reports,
        };
        resolver.file();
        symbols.push(resolver.own);
    }
    structs::check_extent(files, &model, reports);
    model
}

/// Resolves one file.
struct Resolver<'a> {
    loaded: &'a Loaded,
    id: ModuleId,
    /// Name of the file's module.
    module: String,
    model: &'a mut Model,
    /// Symbols of the files before this one.
    imported: &'a [Symbols],
    own: Symbols,
    /// Where each name of the file was defined.
    places: BTreeMap<String, Span>,
    reports: &'a mut Reports,
}

impl Resolver<'_> {
    fn file(&mut self) {
        let file = &self.loaded.file;
        if file.module.is_none() {
            self.error(Span::default(), "the `module` statement is missing");
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
        self.declare_structs();
        let consts = self.consts_and_enums();
        self.struct_fields();
        let interface = self.interfaces();
        self.check_rust_names(interface.as_ref());
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
                let name = theirs.clone();
                let span = loaded.file.module.as_ref().map_or_else(Span::default, |module| module.span);
                self.error(span, format!("an imported file is module `{name}` as well"));
            }
        }
    }

    fn error(&mut self, span: Span, message: impl Into<String>) {
        self.reports.at(&self.loaded.source, span, message);
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
        if let Some(first) = self.places.get(full) {
            let line = line(&self.loaded.source, *first);
            let name = full.strip_prefix(&format!("{}.", self.module)).unwrap_or(full);
            self.error(span, format!("`{name}` is defined twice, first in line {line}"));
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

    /// A full name that ends like `name`, to offer for one that is unknown.
    fn similar(&self, name: &str) -> Option<String> {
        let imported = self.loaded.imports.iter().map(|import| &self.imported[import.index]);
        let all = std::iter::once(&self.own).chain(imported).flat_map(BTreeMap::keys);
        let last = name.rsplit('.').next().unwrap_or(name);
        let mut matching = all.filter(|full| full.rsplit('.').next() == Some(last));
        matching.next().cloned()
    }
}

/// The line that a span is on, from 1.
fn line(source: &SharedSource, span: Span) -> usize {
    source.text[..span.start.min(source.text.len())].matches('\n').count() + 1
}
