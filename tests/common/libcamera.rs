//! libcamera's own workers, where they are installed: `apt-get install libcamera-ipa` on Debian 12.
#![allow(dead_code, reason = "each test file uses the part that it needs")]

use std::path::Path;

use ringfence::ipc::libcamera::{Version, Worker};
use ringfence::rpi::libcamera::{Installation, ROOT};

/// The package's files.
#[derive(Debug)]
pub struct Package(Installation);

impl Package {
    /// The package, or `None` and a message for whoever reads the test's output. Where the user names it, it must be.
    pub fn find() -> Option<Self> {
        match Installation::find() {
            Ok(installation) => Some(Self(installation)),
            Err(error) if std::env::var_os(ROOT).is_some() => panic!("{error}"),
            Err(error) => {
                eprintln!("skipped: {error}");
                None
            }
        }
    }

    /// The worker `program` with the module `module`.
    pub fn worker(&self, program: &str, module: &str) -> Worker {
        self.0.worker(program, module)
    }

    /// A program that has one of the package's workers behind it, with the module `module`.
    pub fn worker_behind(&self, program: &Path, module: &str) -> Worker {
        self.0.with_libraries(Worker::new(program, self.file(module), Version::V1))
    }

    /// The worker of the Raspberry Pi.
    pub fn rpi(&self) -> Worker {
        self.worker("raspberrypi_ipa_proxy", "ipa_rpi.so")
    }

    /// The path of a program or module.
    pub fn file(&self, name: &str) -> String {
        self.0.file(name).display().to_string()
    }

    /// A tuning file, as a path.
    pub fn tuning(&self, name: &str) -> String {
        self.0.tuning(name).display().to_string()
    }
}
