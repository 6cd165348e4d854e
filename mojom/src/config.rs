//! The builder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Error, Errors};
use crate::generate::{self, Settings};
use crate::load::Loader;
use crate::model::{Model, ModuleId};
use crate::resolve;

/// How to compile interfaces. [`Config::compile`] does it.
///
/// ```no_run
/// // build.rs
/// fn main() -> Result<(), ringfence_mojom::Errors> {
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
            type_attributes: Vec::new(),
            field_attributes: Vec::new(),
            enumerator_attributes: Vec::new(),
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
    ///
    /// ```
    /// let config = ringfence_mojom::configure().include("interfaces").include("../shared/interfaces");
    /// ```
    #[must_use]
    pub fn include(mut self, directory: impl Into<PathBuf>) -> Self {
        self.includes.push(directory.into());
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
    /// # Ok::<(), ringfence_mojom::Errors>(())
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

    /// Adds an attribute to the structs and enums that `pattern` selects: `.` all of them, `.ipa.RPi` all of the
    /// module `ipa.RPi`, `.ipa.RPi.InitParams` that type, `InitParams` all with names that end in it.
    ///
    /// The enum of events has the name of the event interface.
    ///
    /// ```
    /// let config = ringfence_mojom::configure().type_attribute("Reading", "#[derive(serde::Serialize)]");
    /// let code = config.compile_text("a.mojom", "module a; struct Reading { float celsius; };")?;
    /// assert!(code.contains("#[derive(serde::Serialize)]\npub struct Reading {"));
    /// # Ok::<(), ringfence_mojom::Errors>(())
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
    /// # Ok::<(), ringfence_mojom::Errors>(())
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
    /// # Ok::<(), ringfence_mojom::Errors>(())
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
    pub fn compile(&self, files: &[impl AsRef<Path>]) -> Result<(), Errors> {
        let out_dir = match (&self.out_dir, std::env::var_os("OUT_DIR")) {
            (Some(directory), _) => directory.clone(),
            (None, Some(directory)) => directory.into(),
            (None, None) => {
                let message = "there is no OUT_DIR outside of a build script; call `out_dir`";
                return Err(Error::about("", message).into());
            }
        };
        let mut loader = Loader::new(&self.includes);
        let loaded: Vec<_> = files.iter().map(|file| (file.as_ref(), loader.load(file.as_ref()))).collect();
        for path in &loader.read {
            println!("cargo:rerun-if-changed={}", path.display());
        }
        let targets: Vec<usize> = loaded.iter().filter_map(|(_, index)| *index).collect();
        let model = self.resolve(loader, &targets)?;
        let mut written: BTreeMap<PathBuf, &Path> = BTreeMap::new();
        for (file, index) in loaded {
            let Some(index) = index else { continue };
            let path = out_dir.join(file.with_extension("rs").file_name().unwrap_or_default());
            if let Some(other) = written.insert(path.clone(), file) {
                let message = format!("`{}` would be compiled to the same file", other.display());
                return Err(Error::about(file, message).into());
            }
            let text = self.generate_module(&model, ModuleId(index), file)?;
            write_if_changed(&path, &text)
                .map_err(|error| Error::about(path, format!("the file cannot be written: {error}")))?;
        }
        Ok(())
    }

    /// Compiles the interface in `text`, as if it were a file called `name`, and returns the Rust source.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn compile_text(&self, name: impl AsRef<Path>, text: &str) -> Result<String, Errors> {
        let mut loader = Loader::new(&self.includes);
        let index = loader.load_text(name.as_ref(), text);
        self.generate_loaded(loader, index, name.as_ref())
    }

    fn generate_loaded(
        &self,
        loader: Loader<'_>,
        index: Option<usize>,
        file: &Path,
    ) -> Result<String, Errors> {
        let model = self.resolve(loader, index.as_slice())?;
        match index {
            Some(index) => self.generate_module(&model, ModuleId(index), file),
            // Whatever kept the file from being loaded is an error, which `resolve` has returned.
            None => Err(Error::about(file, "the file could not be loaded").into()),
        }
    }

    /// Compiles `file` and returns the Rust source.
    ///
    /// # Errors
    /// All that is wrong with it, or the reason why it cannot be read.
    pub fn generate(&self, file: impl AsRef<Path>) -> Result<String, Errors> {
        let mut loader = Loader::new(&self.includes);
        let index = loader.load(file.as_ref());
        self.generate_loaded(loader, index, file.as_ref())
    }

    /// Checks `files` and all that they import, and returns what they mean: for tools that need no generated code.
    ///
    /// # Errors
    /// All that is wrong with the files, or the reason why one cannot be read.
    pub fn check(&self, files: &[impl AsRef<Path>]) -> Result<Model, Errors> {
        let mut loader = Loader::new(&self.includes);
        for file in files {
            loader.load(file.as_ref());
        }
        Self::checked(loader)
    }

    /// As [`Self::check`], of the interface in `text`, as if it were a file called `name`.
    ///
    /// ```
    /// let model = ringfence_mojom::configure().check_text("a.mojom", "module a; struct A { bool on; };")?;
    /// assert_eq!(model.modules[0].name, "a");
    /// # Ok::<(), ringfence_mojom::Errors>(())
    /// ```
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn check_text(&self, name: impl AsRef<Path>, text: &str) -> Result<Model, Errors> {
        let mut loader = Loader::new(&self.includes);
        loader.load_text(name.as_ref(), text);
        Self::checked(loader)
    }

    fn checked(loader: Loader<'_>) -> Result<Model, Errors> {
        let Loader { mut reports, files, .. } = loader;
        // What is missing because it could not be read would only be reported once more.
        std::mem::take(&mut reports).finish()?;
        let model = resolve::resolve(&files, &mut reports);
        reports.finish()?;
        Ok(model)
    }

    /// Resolves all files, of which those of `targets` will be generated.
    fn resolve(&self, loader: Loader<'_>, targets: &[usize]) -> Result<Model, Errors> {
        let Loader { mut reports, files, .. } = loader;
        // What is missing because it could not be read would only be reported once more.
        std::mem::take(&mut reports).finish()?;
        let model = resolve::resolve(&files, &mut reports);
        for loaded in targets.iter().map(|index| &files[*index]) {
            for (import, at) in
                loaded.imports.iter().map(|import| (&model.modules[import.index], import.span))
            {
                if !self.settings.externs.contains_key(&import.name) {
                    let message = format!(
                        "the types of `{}` have no place in Rust yet; name it with `extern_module`",
                        import.name
                    );
                    reports.at(&loaded.source, at, message);
                }
            }
        }
        reports.finish()?;
        Ok(model)
    }

    fn generate_module(&self, model: &Model, id: ModuleId, file: &Path) -> Result<String, Errors> {
        generate::generate(model, id, &self.settings).map_err(|message| Error::about(file, message).into())
    }
}

/// Leaves a file alone that is as it should be, so that nothing is built again because of it.
fn write_if_changed(path: &Path, text: &str) -> std::io::Result<()> {
    if std::fs::read(path).is_ok_and(|found| found == text.as_bytes()) {
        return Ok(());
    }
    std::fs::write(path, text)
}
