//! Files and what they import.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::ast::{File, Import};
use crate::diagnostic::{Code, Diagnostic, Reports, SharedSource, Source, Span};
use crate::parser;

/// libcamera's core types, for whom they are not among the include directories.
pub(crate) const CORE: &str = include_str!("core.mojom");

/// The names under which interface files import them.
const CORE_PATHS: [&str; 2] = ["include/libcamera/ipa/core.mojom", "core.mojom"];

/// One parsed file and where its imports ended up.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) source: SharedSource,
    pub(crate) file: File,
    /// Each file once.
    pub(crate) imports: Vec<Imported>,
    /// Whether something that it imports could not be loaded.
    pub(crate) incomplete: bool,
}

/// A file that another one imports.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Imported {
    /// Index into [`Loader::files`].
    pub(crate) index: usize,
    /// The import statement.
    pub(crate) span: Span,
}

/// Reads files, each once, imported ones before those that import them.
#[derive(Debug)]
pub(crate) struct Loader<'a> {
    includes: &'a [PathBuf],
    /// Files in memory, by the paths under which they are imported.
    texts: &'a [(PathBuf, String)],
    pub(crate) reports: Reports,
    pub(crate) files: Vec<Loaded>,
    /// Files on disk that the result depends on.
    pub(crate) read: Vec<PathBuf>,
    states: BTreeMap<PathBuf, State>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    InProgress,
    Done(usize),
    Failed,
}

/// Files that import each other in a row; more would only serve to exhaust the stack.
const MAX_DEPTH: usize = 64;

impl<'a> Loader<'a> {
    pub(crate) fn new(includes: &'a [PathBuf], texts: &'a [(PathBuf, String)]) -> Self {
        Self {
            includes,
            texts,
            reports: Reports::default(),
            files: Vec::new(),
            read: Vec::new(),
            states: BTreeMap::new(),
        }
    }

    /// Loads a file that was named by the user: as it stands, or else in an include directory.
    pub(crate) fn load(&mut self, path: &Path) -> Option<usize> {
        let found = if path.is_file() { Some(path.to_owned()) } else { self.search(path) };
        let Some(found) = found else {
            let message = format!("there is no such file{}", self.searched());
            self.reports.push(Diagnostic::about(Code::FileNotFound, path, message));
            return None;
        };
        self.load_file(&found, 0).ok().flatten()
    }

    /// Loads a file that is in memory.
    pub(crate) fn load_text(&mut self, name: &Path, text: &str) -> Option<usize> {
        self.parse(name.to_owned(), name.to_owned(), text.to_owned(), 0)
    }

    fn search(&self, path: &Path) -> Option<PathBuf> {
        self.includes.iter().map(|directory| directory.join(path)).find(|path| path.is_file())
    }

    fn searched(&self) -> String {
        match self.includes {
            [] => String::new(),
            includes => {
                let names: Vec<_> = includes.iter().map(|path| format!("`{}`", path.display())).collect();
                format!("; include directories: {}", names.join(", "))
            }
        }
    }

    /// `Err` if the file is being loaded already, further out.
    fn load_file(&mut self, path: &Path, depth: usize) -> Result<Option<usize>, Cycle> {
        let identity = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        match self.states.get(&identity) {
            Some(State::InProgress) => return Err(Cycle),
            Some(State::Done(index)) => return Ok(Some(*index)),
            Some(State::Failed) => return Ok(None),
            None => {}
        }
        self.read.push(path.to_owned());
        let text =
            std::fs::read(path).map_err(|error| format!("cannot be read: {error}")).and_then(|bytes| {
                String::from_utf8(bytes).map_err(|error| {
                    format!("is not UTF-8 after its first {} bytes", error.utf8_error().valid_up_to())
                })
            });
        match text {
            Ok(text) => Ok(self.parse(identity, path.to_owned(), text, depth)),
            Err(problem) => {
                self.reports.push(Diagnostic::about(
                    Code::FileUnreadable,
                    path,
                    format!("the file {problem}"),
                ));
                self.states.insert(identity, State::Failed);
                Ok(None)
            }
        }
    }

    /// Loads an imported file that is in memory, once.
    fn load_held(&mut self, name: PathBuf, text: &str, depth: usize) -> Result<Option<usize>, Cycle> {
        match self.states.get(&name) {
            Some(State::InProgress) => Err(Cycle),
            Some(State::Done(index)) => Ok(Some(*index)),
            Some(State::Failed) => Ok(None),
            None => Ok(self.parse(name.clone(), name, text.to_owned(), depth)),
        }
    }

    fn parse(&mut self, identity: PathBuf, path: PathBuf, text: String, depth: usize) -> Option<usize> {
        self.states.insert(identity.clone(), State::InProgress);
        let source = Source::new(path, text);
        let (file, errors) = parser::parse(&source);
        for error in errors {
            self.reports.push(error);
        }
        let mut imports: Vec<Imported> = Vec::new();
        let mut incomplete = false;
        for import in &file.imports {
            // One that could not be read is reported already.
            let found = if import.path.is_empty() { None } else { self.import(&source, import, depth + 1) };
            let Some(index) = found else {
                incomplete = true;
                continue;
            };
            match imports.iter().find(|known| known.index == index) {
                Some(first) => {
                    let message = format!("`{}` is imported already", import.path);
                    let warning = Diagnostic::new(Code::RepeatedImport, &source, import.span, message);
                    self.reports.push(warning.also(first.span, "first imported here"));
                }
                None => imports.push(Imported { index, span: import.span }),
            }
        }
        self.files.push(Loaded { source, file, imports, incomplete });
        let index = self.files.len() - 1;
        self.states.insert(identity, State::Done(index));
        Some(index)
    }

    fn import(&mut self, from: &SharedSource, import: &Import, depth: usize) -> Option<usize> {
        let (path, span) = (&*import.path, import.span);
        let normal = normalise(path);
        if depth > MAX_DEPTH {
            self.reports.at(
                Code::NestingLimit,
                from,
                span,
                format!("files import each other more than {MAX_DEPTH} deep"),
            );
            return None;
        }
        let is_core = CORE_PATHS.iter().any(|core| normal == Path::new(core));
        let held = self.texts.iter().find(|(path, _)| *path == normal);
        let found =
            self.search(&normal).or_else(|| self.search(Path::new(CORE_PATHS[1])).filter(|_| is_core));
        let loaded = if let Some((path, text)) = held {
            self.load_held(path.clone(), text, depth)
        } else if let Some(found) = found {
            self.load_file(&found, depth)
        } else if is_core {
            self.load_held(PathBuf::from("<built-in core.mojom>"), CORE, depth)
        } else {
            let message = format!("`{path}` is in none of the include directories");
            let error = Diagnostic::new(Code::ImportNotFound, from, span, message);
            self.reports.push(match self.searched().strip_prefix("; ") {
                Some(searched) => error.note(searched),
                None => error.help("name the directory that it is in with `Config::include`, or `-I`"),
            });
            return None;
        };
        loaded.unwrap_or_else(|Cycle| {
            let message = format!("`{path}` imports itself, directly or through others");
            self.reports.at(Code::ImportCycle, from, span, message);
            None
        })
    }
}

struct Cycle;

/// The path without `.` and, where it can be told, without `..`.
fn normalise(path: &str) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in Path::new(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if normal.file_name().is_some() => {
                normal.pop();
            }
            component => normal.push(component),
        }
    }
    normal
}
