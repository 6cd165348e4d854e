//! The builder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Checked, Code, Diagnostic, Diagnostics, Reports};
use crate::generate::{self, Settings};
use crate::load::{Loaded, Loader};
use crate::model::{Model, ModuleId};
use crate::resolve;

/// How to compile interfaces. [`Config::compile`] does it.
///
/// ```no_run
/// // build.rs
/// fn main() -> Result<(), ringfence_mojom::Diagnostics> {
///     ringfence_mojom::configure().include("interfaces").compile(&["interfaces/thermometer.mojom"])
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Config {
    includes: Vec<PathBuf>,
    out_dir: Option<PathBuf>,
    settings: Settings,
}

impl Default for Config {
    fn default() -> Self {
        let core = ("libcamera".to_owned(), "::ringfence::interfaces::libcamera".to_owned());
        let settings = Settings {
            runtime: "::ringfence".to_owned(),
            externs: BTreeMap::from([core]),
            libcamera: false,
            geometry: None,
            type_attributes: Vec::new(),
        };
        Self { includes: Vec::new(), out_dir: None, settings }
    }
}

impl Config {
    /// The defaults: for a crate that depends on `ringfence` and calls this from its build script.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks for imported files in `directory` too, after those given before.
    ///
    /// The core types, `core.mojom` or `include/libcamera/ipa/core.mojom`, are found without.
    #[must_use]
    pub fn include(mut self, directory: impl Into<PathBuf>) -> Self {
        self.includes.push(directory.into());
        self
    }

    /// Writes to `directory`, and not to where cargo's `OUT_DIR` says.
    #[must_use]
    pub fn out_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.out_dir = Some(directory.into());
        self
    }

    /// The path of the crate `ringfence` in generated code, if it is not `::ringfence`.
    #[must_use]
    pub fn runtime_path(mut self, path: impl Into<String>) -> Self {
        self.settings.runtime = path.into();
        self
    }

    /// Where the Rust types of the mojom module `module` are, for interfaces that import it.
    ///
    /// For `libcamera` that is `::ringfence::interfaces::libcamera`.
    #[must_use]
    pub fn extern_module(mut self, module: impl Into<String>, path: impl Into<String>) -> Self {
        self.settings.externs.insert(module.into(), path.into());
        self
    }

    /// Also generates libcamera's encoding of everything, for both of its versions, a proxy that can start libcamera's
    /// own workers, and what serves a libcamera host.
    ///
    /// The modules that an interface imports need it too; [`core`](Self::include)'s types in `ringfence` have it.
    #[must_use]
    pub fn libcamera(mut self, on: bool) -> Self {
        self.settings.libcamera = on;
        self
    }

    /// Where the encodings of `Point`, `Size`, `SizeRange` and `Rectangle` are, for a second version of libcamera's core types:
    /// Rust allows but one, as the types themselves are the runtime's.
    #[must_use]
    pub fn geometry_of(mut self, path: impl Into<String>) -> Self {
        self.settings.geometry = Some(path.into());
        self
    }

    /// Adds an attribute to the structs and enums that `pattern` selects: `.` all of them, `.ipa.RPi`
    /// the type or all of the module `ipa.RPi`, `InitParams` all with names that end in it.
    ///
    /// The enum of events has the name of the event interface.
    #[must_use]
    pub fn type_attribute(mut self, pattern: impl Into<String>, attribute: impl Into<String>) -> Self {
        self.settings.type_attributes.push((pattern.into(), attribute.into()));
        self
    }

    /// Compiles each of `files` to a file of the same name with the extension `rs`, to be included in a
    /// Rust module of its own:
    ///
    /// ```ignore
    /// pub mod thermometer {
    ///     include!(concat!(env!("OUT_DIR"), "/thermometer.rs"));
    /// }
    /// ```
    ///
    /// Tells cargo to do so again when one of the files, or one that they import, has changed.
    ///
    /// # Errors
    /// All that is wrong with the files, or the reason why one cannot be read or written.
    pub fn compile(&self, files: &[impl AsRef<Path>]) -> Result<(), Diagnostics> {
        let out_dir = match (&self.out_dir, std::env::var_os("OUT_DIR")) {
            (Some(directory), _) => directory.clone(),
            (None, Some(directory)) => directory.into(),
            (None, None) => {
                let message = "there is no OUT_DIR outside of a build script; call `out_dir`";
                return Err(Diagnostic::about(Code::Configuration, "", message).into());
            }
        };
        let mut loader = Loader::new(&self.includes);
        let loaded: Vec<_> = files.iter().map(|file| (file.as_ref(), loader.load(file.as_ref()))).collect();
        for path in &loader.read {
            println!("cargo:rerun-if-changed={}", path.display());
        }
        let targets: Vec<usize> = loaded.iter().filter_map(|(_, index)| *index).collect();
        let Checked { model, warnings } = self.resolve(loader, &targets)?;
        for warning in &warnings {
            println!("cargo:warning={}", warning.one_line());
        }
        let mut written: BTreeMap<PathBuf, &Path> = BTreeMap::new();
        for (file, index) in loaded {
            let Some(index) = index else { continue };
            let path = out_dir.join(file.with_extension("rs").file_name().unwrap_or_default());
            if let Some(other) = written.insert(path.clone(), file) {
                let message = format!("`{}` would be compiled to the same file", other.display());
                return Err(Diagnostic::about(Code::DuplicateOutput, file, message).into());
            }
            let text = self.generate_module(&model, ModuleId(index), file)?;
            write_if_changed(&path, &text).map_err(|error| {
                let message = format!("the file cannot be written: {error}");
                Diagnostic::about(Code::CannotWrite, path, message)
            })?;
        }
        Ok(())
    }

    /// Compiles the interface in `text`, as if it were a file called `name`, and returns the Rust source.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn compile_text(&self, name: impl AsRef<Path>, text: &str) -> Result<String, Diagnostics> {
        let mut loader = Loader::new(&self.includes);
        let index = loader.load_text(name.as_ref(), text);
        let Checked { model, .. } = self.resolve(loader, index.as_slice())?;
        match index {
            Some(index) => self.generate_module(&model, ModuleId(index), name.as_ref()),
            // Whatever kept the file from being loaded is an error, which `resolve` has returned.
            None => {
                Err(Diagnostic::about(Code::FileUnreadable, name.as_ref(), "the file could not be loaded")
                    .into())
            }
        }
    }

    /// Checks `files` and all that they import, and returns what they mean together with the warnings: for tools that
    /// need no generated code.
    ///
    /// # Errors
    /// All that is wrong with the files, or the reason why one cannot be read; warnings are among them.
    pub fn check(&self, files: &[impl AsRef<Path>]) -> Result<Checked, Diagnostics> {
        let mut loader = Loader::new(&self.includes);
        for file in files {
            loader.load(file.as_ref());
        }
        resolve_all(loader, |_, _, _| {})
    }

    /// As [`Self::check`], of the interface in `text`, as if it were a file called `name`.
    ///
    /// # Errors
    /// As there.
    pub fn check_text(&self, name: impl AsRef<Path>, text: &str) -> Result<Checked, Diagnostics> {
        let mut loader = Loader::new(&self.includes);
        loader.load_text(name.as_ref(), text);
        resolve_all(loader, |_, _, _| {})
    }

    /// Resolves all files, of which those of `targets` will be generated.
    fn resolve(&self, loader: Loader<'_>, targets: &[usize]) -> Result<Checked, Diagnostics> {
        resolve_all(loader, |files, model, reports| {
            // What cannot be compiled needs no place.
            if reports.has_errors() {
                return;
            }
            for loaded in targets.iter().map(|index| &files[*index]) {
                for import in &loaded.imports {
                    let name = &model.modules[import.index].name;
                    // A file without a name of its own is reported as such.
                    if !name.is_empty() && !self.settings.externs.contains_key(name) {
                        let message = format!(
                            "the types of `{name}` have no place in Rust yet; name it with `extern_module`"
                        );
                        reports.at(Code::ExternModule, &loaded.source, import.span, message);
                    }
                }
            }
        })
    }

    fn generate_module(&self, model: &Model, id: ModuleId, file: &Path) -> Result<String, Diagnostics> {
        generate::generate(model, id, &self.settings)
            .map_err(|message| Diagnostic::about(Code::Configuration, file, message).into())
    }
}

/// What the loaded files mean; `check` may add what is wrong with them for the purpose at hand.
fn resolve_all(
    loader: Loader<'_>,
    check: impl FnOnce(&[Loaded], &Model, &mut Reports),
) -> Result<Checked, Diagnostics> {
    let Loader { mut reports, files, .. } = loader;
    let model = resolve::resolve(&files, &mut reports);
    check(&files, &model, &mut reports);
    let warnings = reports.finish()?;
    Ok(Checked { model, warnings })
}

/// Leaves a file alone that is as it should be, so that nothing is built again because of it.
fn write_if_changed(path: &Path, text: &str) -> std::io::Result<()> {
    if std::fs::read(path).is_ok_and(|found| found == text.as_bytes()) {
        return Ok(());
    }
    std::fs::write(path, text)
}
