//! Where libcamera's workers, modules and tuning files are, and what a module speaks.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::ipc::libcamera::{Version, Worker};

/// Names the folder below which the package was unpacked, if it is not installed.
pub const ROOT: &str = "RINGFENCE_LIBCAMERA_ROOT";
/// Where the package keeps what its modules read.
const DATA: &str = "usr/share/libcamera";
/// Where Debian keeps multiarch libraries.
const LIBRARIES: &str = "usr/lib";
/// The folder of workers and modules below those.
const LIBCAMERA: &str = "libcamera";
/// The Raspberry Pi's module, by the name that only libcamera 0.0.3 and its like have.
const RPI_MODULE: &str = "ipa_rpi.so";
/// Larger modules are not looked into.
const MODULE_LIMIT: u64 = 64 << 20;

/// libcamera 0.0.3's modules are not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "libcamera 0.0.3's IPA is not installed below {}: `apt-get install libcamera-ipa` (Debian 12), or name the folder \
     where the package was unpacked in {ROOT}",
    root.display()
)]
pub struct NotInstalled {
    /// Where it was looked for.
    pub root: PathBuf,
}

/// The version of an interface that a module serves.
///
/// ```
/// use std::path::Path;
/// use ringfence::rpi::libcamera::InterfaceVersion;
/// use ringfence::serialize::libcamera::Version;
///
/// assert_eq!(InterfaceVersion::of_module(Path::new("/dev/null")), None);
/// assert_eq!(InterfaceVersion::Newest.encoding(), Version::V2);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InterfaceVersion {
    /// libcamera 0.0.3, as in Debian 12.
    V0_0_3,
    /// The newest libcamera.
    Newest,
}

impl InterfaceVersion {
    /// The version of a module of the Raspberry Pi or of vimc, by the name of the pipeline handler in its info; `None`
    /// if it has none of a known name.
    #[must_use]
    pub fn of_module(path: &Path) -> Option<Self> {
        let is_small =
            fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() <= MODULE_LIMIT);
        let bytes = if is_small { fs::read(path).ok()? } else { return None };
        let has = |name: &[u8]| bytes.windows(name.len()).any(|window| window == name);
        // The old names are those of classes.
        if has(b"PipelineHandlerRPi\0") || has(b"PipelineHandlerVimc\0") {
            Some(Self::V0_0_3)
        } else if has(b"rpi/vc4\0") || has(b"\0vimc\0") {
            Some(Self::Newest)
        } else {
            None
        }
    }

    /// The encoding that its workers speak.
    #[must_use]
    pub const fn encoding(self) -> Version {
        match self {
            Self::V0_0_3 => Version::V1,
            Self::Newest => Version::V2,
        }
    }
}

/// An installation of libcamera 0.0.3's modules.
///
/// ```
/// use ringfence::rpi::libcamera::Installation;
///
/// let error = Installation::below("/nowhere").unwrap_err();
/// assert!(error.to_string().contains("apt-get install libcamera-ipa"));
/// ```
#[derive(Debug, Clone)]
pub struct Installation {
    root: PathBuf,
    libraries: PathBuf,
}

impl Installation {
    /// The installation of this system, or the one below the folder that [`ROOT`] names.
    ///
    /// # Errors
    /// [`NotInstalled`] says how to mend it.
    pub fn find() -> Result<Self, NotInstalled> {
        Self::below(env::var_os(ROOT).unwrap_or_else(|| "/".into()))
    }

    /// The installation below this folder, the one of this machine's kind first.
    ///
    /// # Errors
    /// [`NotInstalled`] says how to mend it.
    pub fn below(root: impl Into<PathBuf>) -> Result<Self, NotInstalled> {
        let root = root.into();
        let folders = fs::read_dir(root.join(LIBRARIES)).into_iter().flatten().flatten();
        let mut folders: Vec<_> = folders
            .map(|folder| folder.path())
            .filter(|folder| folder.join(LIBCAMERA).join(RPI_MODULE).is_file())
            .collect();
        let foreign = |folder: &Path| {
            let name = folder.file_name().and_then(|name| name.to_str());
            !name.is_some_and(|name| name.starts_with(env::consts::ARCH))
        };
        folders.sort_by_cached_key(|folder| (foreign(folder), folder.clone()));
        match folders.into_iter().next() {
            Some(libraries) => Ok(Self { root, libraries }),
            None => Err(NotInstalled { root }),
        }
    }

    /// The program of this name, such as `raspberrypi_ipa_proxy`, or the module, such as `ipa_rpi.so`.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.libraries.join(LIBCAMERA).join(name)
    }

    /// The worker of these files.
    #[must_use]
    pub fn worker(&self, program: &str, module: &str) -> Worker {
        self.with_libraries(Worker::new(self.file(program), self.file(module), Version::V1))
    }

    /// Lets a worker find the libraries and the tuning files of this installation.
    #[must_use]
    pub fn with_libraries(&self, worker: Worker) -> Worker {
        if self.root == Path::new("/") {
            worker
        } else {
            worker.env("LD_LIBRARY_PATH", &self.libraries).reads(self.root.join(DATA))
        }
    }

    /// The file of this name among the tuning files, such as `raspberrypi/imx219.json`.
    #[must_use]
    pub fn tuning(&self, name: &str) -> PathBuf {
        self.root.join(DATA).join("ipa").join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unpacked_package_is_found_and_one_of_this_machine_first() {
        let root = tempfile::tempdir().unwrap();
        let error = Installation::below(root.path()).unwrap_err().to_string();
        assert!(error.contains("apt-get install libcamera-ipa") && !error.contains('\n'), "{error}");
        let own = format!("{}-linux-gnu", env::consts::ARCH);
        for triplet in ["aaa-linux-gnu", &own] {
            let folder = root.path().join(LIBRARIES).join(triplet).join(LIBCAMERA);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(RPI_MODULE), b"...PipelineHandlerRPi\0...").unwrap();
        }
        let found = Installation::below(root.path()).unwrap();
        let module = found.file(RPI_MODULE);
        assert!(module.to_str().unwrap().contains(&own), "{}", module.display());
        assert_eq!(InterfaceVersion::of_module(&module), Some(InterfaceVersion::V0_0_3));
    }

    #[test]
    fn a_module_without_a_known_name_has_no_known_version() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("module.so");
        fs::write(&file, b"rpi/vc4\0").unwrap();
        assert_eq!(InterfaceVersion::of_module(&file), Some(InterfaceVersion::Newest));
        fs::write(&file, b"rpi/vc4").unwrap();
        assert_eq!(InterfaceVersion::of_module(&file), None);
        assert_eq!(InterfaceVersion::of_module(Path::new("/dev/zero")), None);
    }
}
