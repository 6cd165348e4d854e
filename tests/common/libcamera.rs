//! libcamera's own workers, where they are installed: `apt-get install libcamera-ipa` on Debian 12.

use std::path::{Path, PathBuf};

use ringfence::ipc::libcamera::{Version, Worker};

/// Names the folder below which the package was unpacked, if it is not installed.
const ROOT: &str = "RINGFENCE_LIBCAMERA_ROOT";

/// The package's files.
#[derive(Debug)]
pub struct Package {
    root: PathBuf,
    libraries: PathBuf,
}

impl Package {
    /// The package, or `None` and a message for whoever reads the test's output.
    pub fn find() -> Option<Self> {
        let root = PathBuf::from(std::env::var_os(ROOT).unwrap_or_else(|| "/".into()));
        let libraries = std::fs::read_dir(root.join("usr/lib")).ok().and_then(|folders| {
            let folders = folders.filter_map(|folder| Some(folder.ok()?.path()));
            folders.into_iter().find(|folder| folder.join("libcamera/vimc_ipa_proxy").is_file())
        });
        if libraries.is_none() {
            eprintln!(
                "skipped: libcamera's workers are not below {}; `apt-get install libcamera-ipa` (0.0.3), or name where \
                 they were unpacked in {ROOT}",
                root.display()
            );
        }
        libraries.map(|libraries| Self { root, libraries })
    }

    /// The worker `program` with the module `module`.
    pub fn worker(&self, program: &str, module: &str) -> Worker {
        let folder = self.libraries.join("libcamera");
        let worker = Worker::new(folder.join(program), folder.join(module), Version::V1);
        if self.root == Path::new("/") { worker } else { worker.env("LD_LIBRARY_PATH", &self.libraries) }
    }

    /// A tuning file, as a path.
    pub fn tuning(&self, name: &str) -> String {
        self.root.join("usr/share/libcamera/ipa").join(name).display().to_string()
    }
}
