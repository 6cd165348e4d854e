//! Which of libcamera's workers, modules and tuning files to use.

use std::env;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use ringfence::ipc::CallError;
use ringfence::ipc::libcamera::Worker;
use ringfence::rpi::libcamera::{Installation, InterfaceVersion, Modes};

use crate::cli::LibcameraArgs;
use crate::failure::Failure;

/// libcamera's variable for what its processes log. Unless the user sets it, what goes well is of no interest.
const LOG_LEVELS: &str = "LIBCAMERA_LOG_LEVELS";

/// Refuses what is of no use without libcamera.
pub fn refuse(args: &LibcameraArgs) -> Result<(), Failure> {
    for (option, given) in [
        ("--worker", args.worker.is_some()),
        ("--module", args.module.is_some()),
        ("--ipa-version", args.ipa_version.is_some()),
    ] {
        if given {
            return Err(Failure::input(format!("{option} goes with --ipa libcamera")));
        }
    }
    Ok(())
}

/// The worker that the user wants, else the installed one of these names, and the version that it speaks.
pub fn worker(
    args: &LibcameraArgs,
    program: &str,
    module: &str,
) -> Result<(Worker, InterfaceVersion), Failure> {
    let given =
        |option: &str, path: &Option<PathBuf>| path.as_deref().map(|path| absolute(option, path)).transpose();
    let (own_program, own_module) = (given("--worker", &args.worker)?, given("--module", &args.module)?);
    // Only what the user did not name has to be installed.
    let installed = Installation::find();
    let (program, module) = match (own_program, own_module, &installed) {
        (Some(program), Some(module), _) => (program, module),
        (_, _, Err(error)) => return Err(Failure::input(error)),
        (own_program, own_module, Ok(installed)) => (
            own_program.unwrap_or_else(|| installed.file(program)),
            own_module.unwrap_or_else(|| installed.file(module)),
        ),
    };
    let version = match args.ipa_version {
        Some(version) => version.into(),
        None => InterfaceVersion::of_module(&module).unwrap_or(InterfaceVersion::V0_0_3),
    };
    let mut worker = Worker::new(program, module, version.encoding());
    if env::var_os(LOG_LEVELS).is_none() {
        worker = worker.env(LOG_LEVELS, "*:WARN");
    }
    Ok((installed.map(|installed| installed.with_libraries(worker.clone())).unwrap_or(worker), version))
}

/// Why the first call of a session failed. A worker of another version cannot read it, or its answer cannot be read: there
/// is no handshake that would tell.
pub fn first_call(error: &CallError, version: InterfaceVersion) -> Failure {
    match error {
        CallError::Deadline { method, waited } => Failure::work(format!(
            "{method} did not return within {waited:.1?}; if the worker is not of {}, say so with --ipa-version",
            name(version)
        )),
        CallError::Decode(_) => Failure::work(format!(
            "{error}; if the worker is not of {}, say so with --ipa-version",
            name(version)
        )),
        _ => Failure::work(error),
    }
}

const fn name(version: InterfaceVersion) -> &'static str {
    match version {
        InterfaceVersion::V0_0_3 => "libcamera 0.0.3",
        InterfaceVersion::Newest => "the newest libcamera",
    }
}

/// The tuning file that the user wants, else the installed one. The newest version may come with one built in.
pub fn tuning(given: Option<&Path>, version: InterfaceVersion) -> Result<String, Failure> {
    let path = match given {
        Some(path) => absolute("--tuning", path)?,
        None => match (Installation::find(), version) {
            (Ok(installed), _) => installed.tuning("raspberrypi/imx219.json"),
            (Err(_), InterfaceVersion::Newest) => return Ok(String::new()),
            (Err(error), InterfaceVersion::V0_0_3) => {
                return Err(Failure::input(format!("no --tuning is given, and {error}")));
            }
        },
    };
    Modes::load(&path).map_err(Failure::input)?;
    text("--tuning", &path)
}

/// The path from the root, once it is known that something is there: the worker may look from elsewhere.
fn absolute(option: &str, path: &Path) -> Result<PathBuf, Failure> {
    fs::canonicalize(path).map_err(|error| refused(option, path, &error))
}

fn text(option: &str, path: &Path) -> Result<String, Failure> {
    path.to_str().map(str::to_owned).ok_or_else(|| refused(option, path, &"the path is not UTF-8"))
}

fn refused(option: &str, path: &Path, why: &dyn Display) -> Failure {
    Failure::input(format!("{option} {}: {why}", path.display()))
}
