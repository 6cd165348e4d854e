//! The builder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Checked, Code, Diagnostic, Diagnostics, Generated, Reports};
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
    texts: Vec<(PathBuf, String)>,
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
            field_attributes: Vec::new(),
            enumerator_attributes: Vec::new(),
        };
        Self { includes: Vec::new(), texts: Vec::new(), out_dir: None, settings }
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
    ///
    /// ```
    /// let config = ringfence_mojom::configure().include("interfaces").include("../shared/interfaces");
    /// ```
    #[must_use]
    pub fn include(mut self, directory: impl Into<PathBuf>) -> Self {
        self.includes.push(directory.into());
        self
    }

    /// Finds `text` where a file imports `path`, before it looks on disk: for programs that have interfaces built in.
    ///
    /// ```
    /// let config = ringfence_mojom::configure().include_text("size.mojom", "module size; struct Size { uint32 width; };");
    /// let checked = config.check_text("a.mojom", "module a; import \"size.mojom\"; struct A { size.Size of; };")?;
    /// assert_eq!(checked.model.structs.len(), 2);
    /// # Ok::<(), ringfence_mojom::Diagnostics>(())
    /// ```
    #[must_use]
    pub fn include_text(mut self, path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        self.texts.push((path.into(), text.into()));
        self
    }

    /// Writes to `directory`, and not to where cargo's `OUT_DIR` says.
    ///
    /// ```
    /// let config = ringfence_mojom::configure().out_dir("src/generated");
    /// ```
    #[must_use]
    pub fn out_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.out_dir = Some(directory.into());
        self
    }

    /// The path of the crate `ringfence` in generated code, if it is not `::ringfence`.
    ///
    /// ```
    /// let config = ringfence_mojom::configure().runtime_path("::camera_stack::ringfence");
    /// let code = config.compile_text("a.mojom", "module a; struct A { string name; };")?;
    /// assert!(code.contains("use ::camera_stack::ringfence::serialize::native;"));
    /// # Ok::<(), ringfence_mojom::Diagnostics>(())
    /// ```
    #[must_use]
    pub fn runtime_path(mut self, path: impl Into<String>) -> Self {
        self.settings.runtime = path.into();
        self
    }

    /// Where the Rust types of the mojom module `module` are, for interfaces that import it.
    ///
    /// For `libcamera` that is `::ringfence::interfaces::libcamera`.
    ///
    /// ```
    /// // `shared.mojom` is compiled as well, and included as `crate::interfaces::shared`.
    /// let config = ringfence_mojom::configure().extern_module("shared", "crate::interfaces::shared");
    /// ```
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

    /// Adds an attribute to the structs and enums that `pattern` selects: `.` all of them, `.ipa.RPi` all of the
    /// module `ipa.RPi`, `.ipa.RPi.InitParams` that type, `InitParams` all with names that end in it.
    ///
    /// The enum of events has the name of the event interface.
    ///
    /// ```
    /// let config = ringfence_mojom::configure().type_attribute("Reading", "#[derive(serde::Serialize)]");
    /// let code = config.compile_text("a.mojom", "module a; struct Reading { float celsius; };")?;
    /// assert!(code.contains("#[derive(serde::Serialize)]\npub struct Reading {"));
    /// # Ok::<(), ringfence_mojom::Diagnostics>(())
    /// ```
    #[must_use]
    pub fn type_attribute(mut self, pattern: impl Into<String>, attribute: impl Into<String>) -> Self {
        self.settings.type_attributes.push((pattern.into(), attribute.into()));
        self
    }

    /// Adds an attribute to the fields of structs that `pattern` selects, as for [`Self::type_attribute`]:
    /// `.example.Reading` those of that struct, `Reading.celsius` and `celsius` those of that name.
    ///
    /// ```
    /// let config = ringfence_mojom::configure().field_attribute("Reading.celsius", "#[doc(alias = \"heat\")]");
    /// let code = config.compile_text("a.mojom", "module a; struct Reading { float celsius; };")?;
    /// assert!(code.contains("#[doc(alias = \"heat\")]\n    pub celsius: f32,"));
    /// # Ok::<(), ringfence_mojom::Diagnostics>(())
    /// ```
    #[must_use]
    pub fn field_attribute(mut self, pattern: impl Into<String>, attribute: impl Into<String>) -> Self {
        self.settings.field_attributes.push((pattern.into(), attribute.into()));
        self
    }

    /// Adds an attribute to the enumerators that `pattern` selects, as for [`Self::type_attribute`].
    ///
    /// The variant for numbers without a name is none, and enumerators whose number an earlier one has are
    /// constants, which get none.
    ///
    /// ```
    /// let config = ringfence_mojom::configure().enumerator_attribute("Place.Indoors", "#[doc(alias = \"room\")]");
    /// let code = config.compile_text("a.mojom", "module a; enum Place { Indoors, Outdoors };")?;
    /// assert!(code.contains("#[doc(alias = \"room\")]\n    #[default]\n    Indoors,"));
    /// # Ok::<(), ringfence_mojom::Diagnostics>(())
    /// ```
    #[must_use]
    pub fn enumerator_attribute(mut self, pattern: impl Into<String>, attribute: impl Into<String>) -> Self {
        self.settings.enumerator_attributes.push((pattern.into(), attribute.into()));
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
        let mut loader = Loader::new(&self.includes, &self.texts);
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
        let mut loader = Loader::new(&self.includes, &self.texts);
        let index = loader.load_text(name.as_ref(), text);
        self.generate_loaded(loader, index, name.as_ref()).map(|generated| generated.code)
    }

    /// Compiles `file` and returns the Rust source together with the warnings.
    ///
    /// # Errors
    /// All that is wrong with it, or the reason why it cannot be read; warnings are among them.
    pub fn generate(&self, file: impl AsRef<Path>) -> Result<Generated, Diagnostics> {
        let mut loader = Loader::new(&self.includes, &self.texts);
        let index = loader.load(file.as_ref());
        self.generate_loaded(loader, index, file.as_ref())
    }

    fn generate_loaded(
        &self,
        loader: Loader<'_>,
        index: Option<usize>,
        file: &Path,
    ) -> Result<Generated, Diagnostics> {
        let Checked { model, warnings } = self.resolve(loader, index.as_slice())?;
        match index {
            Some(index) => {
                let code = self.generate_module(&model, ModuleId(index), file)?;
                Ok(Generated { code, warnings })
            }
            // Whatever kept the file from being loaded is an error, which `resolve` has returned.
            None => Err(Diagnostic::about(Code::FileUnreadable, file, "the file could not be loaded").into()),
        }
    }

    /// Checks `files` and all that they import, and returns what they mean together with the warnings: for tools that
    /// need no generated code.
    ///
    /// # Errors
    /// All that is wrong with the files, or the reason why one cannot be read; warnings are among them.
    pub fn check(&self, files: &[impl AsRef<Path>]) -> Result<Checked, Diagnostics> {
        let mut loader = Loader::new(&self.includes, &self.texts);
        for file in files {
            loader.load(file.as_ref());
        }
        resolve_all(loader, |_, _, _| {})
    }

    /// As [`Self::check`], of the interface in `text`, as if it were a file called `name`.
    ///
    /// ```
    /// let checked =
    ///     ringfence_mojom::configure().check_text("a.mojom", "module a; struct A { bool on; };")?;
    /// assert_eq!(checked.model.modules[0].name, "a");
    /// assert!(checked.warnings.is_empty());
    /// # Ok::<(), ringfence_mojom::Diagnostics>(())
    /// ```
    ///
    /// # Errors
    /// As there.
    pub fn check_text(&self, name: impl AsRef<Path>, text: &str) -> Result<Checked, Diagnostics> {
        let mut loader = Loader::new(&self.includes, &self.texts);
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
