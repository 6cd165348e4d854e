//! Interfaces that are at hand: those of this package, which are built in, and those that the user names.
//!
//! Whoever has met an interface on a wire or in a module's file knows its name and its hash. The hash decides: what has
//! it can be read.

use std::path::{Path, PathBuf};

use ringfence_mojom::model::{Interface, Method, Model, ModuleId, Parameter};
use ringfence_mojom::{Config, Diagnostics};
use serde_json::{Value, json};

use crate::failure::{Failure, printable};

/// The path by which interfaces import the core types.
const CORE: &str = "include/libcamera/ipa/core.mojom";

/// The interface files of this package. Those of libcamera 0.0.3 have core types of their own.
macro_rules! files {
    ($($name:literal),+) => {
        [$(($name, include_str!(concat!("../../../interfaces/", $name)))),+]
    };
}
const NEWEST: [(&str, &str); 4] = files!["raspberrypi.mojom", "vimc.mojom", "bench.mojom", "probe.mojom"];
const OLD: [(&str, &str); 2] = files!["libcamera-0.0.3/raspberrypi.mojom", "libcamera-0.0.3/vimc.mojom"];
const OLD_CORE: &str = include_str!("../../../interfaces/libcamera-0.0.3/core.mojom");

/// An interface with all that its file says.
#[derive(Debug)]
pub struct Known {
    /// Where it is from: a path, or a word that it is built in.
    pub origin: String,
    pub hash: u64,
    pub model: Model,
    module: ModuleId,
}

impl Known {
    /// The interface of the checked file that this model ends with; `None` if that file has none.
    fn of(model: Model, origin: String) -> Option<Self> {
        let module = model.modules.iter().rposition(|module| module.interface.is_some()).map(ModuleId)?;
        let hash = model.interface_hash(module)?;
        Some(Self { origin, hash, model, module })
    }

    pub fn interface(&self) -> &Interface {
        let interface = self.model.modules[self.module.0].interface.as_ref();
        interface.expect("`of` has looked for one")
    }

    /// Full name, such as `ipa.RPi.IPARPiInterface`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.model.modules[self.module.0].name, self.interface().name)
    }

    /// Its methods and events as they stand in a file, without comments and with full names.
    pub fn mojom(&self) -> String {
        let interface = self.interface();
        let module = &self.model.modules[self.module.0].name;
        let mut text = format!("module {module};\n\ninterface {} {{\n", interface.name);
        for method in &interface.methods {
            text += &self.method(method);
        }
        text += "};\n";
        if let Some(name) = &interface.events_name {
            text += &format!("\ninterface {name} {{\n");
            for event in &interface.events {
                // All events are asynchronous, and no file says so.
                text += &self.declaration(event, "", None);
            }
            text += "};\n";
        }
        let formatted = ringfence_mojom::format::format_text(&self.origin, &text);
        // What was made of a checked model can be read; if it ever cannot, it is shown as it is.
        formatted.unwrap_or(text)
    }

    fn method(&self, method: &Method) -> String {
        match method.asynchronous {
            true => self.declaration(method, "[async] ", None),
            false => self.declaration(method, "", Some(&method.outputs)),
        }
    }

    fn declaration(&self, method: &Method, attribute: &str, results: Option<&[Parameter]>) -> String {
        let list = |parameters: &[Parameter]| {
            let one =
                |parameter: &Parameter| format!("{} {}", self.model.mojom(&parameter.ty), parameter.name);
            parameters.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        let results = results.map_or_else(String::new, |results| format!(" => ({})", list(results)));
        format!("\t{attribute}{}({}){results};\n", method.name, list(&method.inputs))
    }

    /// The same as an object.
    pub fn as_json(&self) -> Value {
        let list = |parameters: &[Parameter]| -> Vec<Value> {
            let one = |parameter: &Parameter| json!({ "name": parameter.name, "type": self.model.mojom(&parameter.ty) });
            parameters.iter().map(one).collect()
        };
        let methods = |methods: &[Method]| -> Vec<Value> {
            let one = |method: &Method| {
                json!({
                    "name": method.name,
                    "asynchronous": method.asynchronous,
                    "parameters": list(&method.inputs),
                    "results": list(&method.outputs),
                })
            };
            methods.iter().map(one).collect()
        };
        json!({
            "name": self.name(),
            "hash": hash_text(self.hash),
            "origin": self.origin,
            "methods": methods(&self.interface().methods),
            "events": methods(&self.interface().events),
        })
    }
}

/// A hash as it is written everywhere.
pub fn hash_text(hash: u64) -> String {
    format!("{hash:#018x}")
}

/// All interfaces at hand.
#[derive(Debug)]
pub struct Catalog {
    known: Vec<Known>,
}

/// What there is for a name and a hash.
#[derive(Debug)]
pub enum Found<'a> {
    /// The hash is the same: it can be read.
    Fits(&'a Known),
    /// It has the name and another hash: another version.
    Differs(&'a Known),
    /// Nobody knows it.
    Unknown,
}

impl Catalog {
    /// Those built in.
    pub fn built_in() -> Self {
        let check = |config: &Config, (name, text): (&str, &str)| {
            let checked = config.check_text(name, text).ok()?;
            Known::of(checked.model, format!("built in, interfaces/{name}"))
        };
        let (newest, old) = (Config::new(), Config::new().include_text(CORE, OLD_CORE));
        let newest = NEWEST.into_iter().filter_map(|file| check(&newest, file));
        let old = OLD.into_iter().filter_map(|file| check(&old, file));
        Self { known: newest.chain(old).collect() }
    }

    /// The interfaces of these files, before those built in. What they import is looked for in `include` and beside them.
    pub fn with_files(files: &[PathBuf], include: &[PathBuf]) -> Result<Self, Failure> {
        let mut known = Vec::new();
        for file in files {
            let model = check(std::slice::from_ref(file), include)?;
            let found = Known::of(model, file.display().to_string());
            let none = || Failure::input(format!("{}: the file has no interface", file.display()));
            known.push(found.ok_or_else(none)?);
        }
        known.extend(Self::built_in().known);
        Ok(Self { known })
    }

    /// What has this hash; else what has this name.
    pub fn find(&self, name: &str, hash: u64) -> Found<'_> {
        let fits = self.known.iter().find(|known| known.hash == hash);
        let differs = || self.known.iter().find(|known| known.name() == name);
        match fits.map(Found::Fits).or_else(|| differs().map(Found::Differs)) {
            Some(found) => found,
            None => Found::Unknown,
        }
    }
}

/// The checked model of these files. What they import is looked for beside them too.
pub fn check(files: &[PathBuf], include: &[PathBuf]) -> Result<Model, Failure> {
    let beside =
        files.iter().filter_map(|file| file.parent()).map(|folder| match folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => folder,
        });
    let include = include.iter().map(PathBuf::as_path);
    let config = include.chain(beside).fold(Config::new(), Config::include);
    let refuse = |errors: Diagnostics| Failure::Interface(printable(&errors.to_string()));
    // What the compiler warns of is no matter of what is on the wire.
    config.check(files).map(|checked| checked.model).map_err(refuse)
}

#[cfg(test)]
mod tests {
    use ringfence::interfaces::{bench, libcamera_0_0_3, probe, rpi, vimc};

    use super::*;

    #[test]
    fn what_is_built_in_is_what_is_compiled_in() {
        let catalog = Catalog::built_in();
        assert_eq!(catalog.known.len(), NEWEST.len() + OLD.len());
        for interface in [
            rpi::INTERFACE,
            vimc::INTERFACE,
            bench::INTERFACE,
            probe::INTERFACE,
            libcamera_0_0_3::rpi::INTERFACE,
            libcamera_0_0_3::vimc::INTERFACE,
        ] {
            let Found::Fits(known) = catalog.find(interface.name, interface.hash) else {
                panic!("{} is not known", interface.name);
            };
            assert_eq!(known.name(), interface.name);
            let names: Vec<_> = known.interface().methods.iter().map(|method| method.name.as_str()).collect();
            assert_eq!(names, interface.methods.iter().map(|method| method.name).collect::<Vec<_>>());
        }
    }

    #[test]
    fn another_version_is_told_from_an_unknown_interface() {
        let catalog = Catalog::built_in();
        assert!(matches!(catalog.find("ipa.vimc.IPAVimcInterface", 1), Found::Differs(_)));
        assert!(matches!(catalog.find("nobody.knows.It", 1), Found::Unknown));
    }

    #[test]
    fn an_interface_is_shown_as_it_stands_in_a_file() {
        let text = "module a; struct S { bool on; }; interface AInterface { [async] go(array<uint8> way); \
                    ask([flags] E what) => (S answer, int32 code); }; enum E { One = 1, Two = 2 }; \
                    interface AEventInterface { done(string how); };";
        let model = Config::new().check_text("a.mojom", text).unwrap().model;
        let known = Known::of(model, "a.mojom".to_owned()).unwrap();
        let shown = known.mojom();
        for line in ["[async] go(array<uint8> way);", "ask([flags] a.E what) => (a.S answer, int32 code);"] {
            assert!(shown.contains(line), "{shown}");
        }
        assert!(shown.contains("\tdone(string how);"), "{shown}");
        assert_eq!(known.as_json()["methods"][1]["results"][0]["type"], "a.S");
    }
}
