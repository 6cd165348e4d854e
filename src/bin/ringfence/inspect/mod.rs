//! `ringfence inspect`: what a module's file is, without loading it.
//!
//! `facts.rs` reads what any ELF file says, `report.rs` tells the findings. What a module says of itself is read by the
//! library, from the sealed copy that would be loaded.

mod facts;
mod report;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use ringfence::interfaces::{libcamera_0_0_3, rpi, vimc};
use ringfence::ipc::Interface;
use ringfence::ipc::module::{ElfError, ModuleError, ModuleFile};
use ringfence::ipc::signature::{Signature, TrustedKeys};
use ringfence::rpi::libcamera::InterfaceVersion;

use self::facts::{Facts, LibcameraInfo};
use crate::catalog::{Catalog, Found};
use crate::failure::{Failure, printable};
use crate::output::{print, print_json};

/// Where keys are if nobody says.
const KEYS: &str = "/etc/ringfence/keys";
/// Larger files are no modules.
const MAX_BYTES: u64 = 256 << 20;

/// Which modules to look at.
#[derive(Debug, Args)]
#[command(
    after_help = "No code of a module runs. Exit code: 1 if a file is no module, or its interface is not that of --interface."
)]
pub struct InspectArgs {
    /// Modules
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Interface file to show the module's methods from, before those built in
    #[arg(long, value_name = "MOJOM")]
    interface: Option<PathBuf>,
    /// Folder in which to look for imported files; those beside the interface file are found without
    #[arg(short = 'I', long, value_name = "DIR")]
    include: Vec<PathBuf>,
    /// Folder of the keys whose signatures count [default: /etc/ringfence/keys, if it is there]
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// Print one JSON object a file
    #[arg(long)]
    json: bool,
}

/// What was found out about a file.
struct Inspection<'a> {
    path: &'a Path,
    facts: Facts,
    kind: Kind,
    signature: Signed,
    interface: Option<(Asked, Found<'a>)>,
}

/// An interface that a module says to have.
struct Asked {
    name: String,
    hash: u64,
}

/// What a file is.
enum Kind {
    /// One of ours.
    Module(ModuleFile),
    /// One of libcamera's, and of which version it is, if that can be told.
    Libcamera(LibcameraInfo, Option<InterfaceVersion>),
    /// Neither, and why.
    Neither(String),
}

/// How it stands with the signature.
enum Signed {
    /// There is none.
    No,
    /// By this key, from this place.
    By { key: String, place: String },
    /// There is one, and none of so many keys has made it for this file.
    Unknown { keys: usize },
    /// There is something that is no signature.
    Unusable(String),
}

/// Looks at every file, also if one is no module.
pub fn inspect(args: &InspectArgs) -> Result<ExitCode, Failure> {
    let catalog = Catalog::with_files(args.interface.as_slice(), &args.include)?;
    let keys = keys(args.keys.as_deref())?;
    let mut faults = 0;
    for (index, path) in args.files.iter().enumerate() {
        let inspection = match look(path, &catalog, &keys) {
            Ok(inspection) => inspection,
            Err(problem) => {
                faults += 1;
                eprintln!("error: {}", printable(&format!("{}: {problem}", path.display())));
                continue;
            }
        };
        let misfit = args.interface.is_some() && !matches!(inspection.interface, Some((_, Found::Fits(_))));
        if misfit || matches!(inspection.kind, Kind::Neither(_)) {
            faults += 1;
        }
        if args.json {
            print_json(&report::as_json(&inspection))?;
        } else {
            print(if index == 0 { "" } else { "\n" })?;
            print(&report::as_text(&inspection))?;
        }
    }
    Ok(if faults == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The keys that count.
fn keys(folder: Option<&Path>) -> Result<TrustedKeys, Failure> {
    match (TrustedKeys::none().add_folder(folder.unwrap_or(Path::new(KEYS))), folder) {
        (Ok(keys), _) => Ok(keys),
        (Err(error), None) if error.is_missing() => Ok(TrustedKeys::none()),
        (Err(error), _) => Err(Failure::input(error)),
    }
}

fn look<'a>(path: &'a Path, catalog: &'a Catalog, keys: &TrustedKeys) -> Result<Inspection<'a>, String> {
    match ModuleFile::read(path) {
        // What is told is told of the very bytes that were checked.
        Ok(module) => {
            let facts = Facts::of(module.bytes())?;
            let (name, hash) = (module.info().interface.clone(), module.info().interface_hash);
            let interface = Some((Asked { name: name.clone(), hash }, catalog.find(&name, hash)));
            let signature = signature(path, &module, keys);
            Ok(Inspection { path, facts, kind: Kind::Module(module), signature, interface })
        }
        Err(error) => {
            let bytes = read(path).map_err(|error| error.to_string())?;
            let mut facts = Facts::of(&bytes)?;
            let (kind, interface) = match facts.libcamera.take() {
                Some(info) => {
                    let version = InterfaceVersion::of_module(path);
                    let interface = version.and_then(|version| interface_of(&info.name, version));
                    (Kind::Libcamera(info, version), interface)
                }
                None => (Kind::Neither(why(&error)), None),
            };
            let interface = interface.map(|Interface { name, hash, .. }| {
                (Asked { name: (*name).to_owned(), hash: *hash }, catalog.find(name, *hash))
            });
            Ok(Inspection { path, facts, kind, signature: Signed::No, interface })
        }
    }
}

/// Why a file is no module of ours: what is wrong with it, without its path.
fn why(error: &ModuleError) -> String {
    match error {
        ModuleError::Elf { problem: ElfError::NoSymbol { .. }, .. } => {
            "no module: neither ringfence's symbols nor libcamera's are in it".to_owned()
        }
        ModuleError::Elf { problem, .. } => format!("no module that could be loaded here: {problem}"),
        ModuleError::Record { problem, .. } => format!("no module: its record is malformed, as {problem}"),
        error => error.to_string(),
    }
}

/// The interface of a module of libcamera's, by the name in its info: those that are at hand.
fn interface_of(name: &str, version: InterfaceVersion) -> Option<&'static Interface> {
    match (name, version) {
        ("PipelineHandlerVimc", InterfaceVersion::V0_0_3) => Some(&libcamera_0_0_3::vimc::INTERFACE),
        ("PipelineHandlerRPi", InterfaceVersion::V0_0_3) => Some(&libcamera_0_0_3::rpi::INTERFACE),
        ("vimc", InterfaceVersion::Newest) => Some(&vimc::INTERFACE),
        ("rpi/vc4", InterfaceVersion::Newest) => Some(&rpi::INTERFACE),
        _ => None,
    }
}

/// Whether one of the keys has signed this copy of the file.
fn signature(path: &Path, module: &ModuleFile, keys: &TrustedKeys) -> Signed {
    match Signature::beside(path) {
        Ok(None) => Signed::No,
        Err(error) => Signed::Unusable(error.to_string()),
        Ok(Some(signature)) => match keys.verify(module.bytes(), module.record(), &signature) {
            Some(key) => Signed::By { key: key.id().to_string(), place: key.place().to_owned() },
            None => Signed::Unknown { keys: keys.iter().count() },
        },
    }
}

/// A file that is none of our modules. A pipe or a device is not waited for.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    if metadata.len() > MAX_BYTES {
        return Err(io::Error::other(format!(
            "it has more than {MAX_BYTES} bytes, the most that a module may have"
        )));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}
