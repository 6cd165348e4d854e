//! The worker that a libcamera host starts for its virtual camera, vimc: serves the module of this package, which does
//! what libcamera's own does. The host finds it where `LIBCAMERA_IPA_PROXY_PATH` says.

use std::process::ExitCode;

use ringfence::interfaces::vimc::serve_libcamera;
use ringfence::ipc::libcamera::{log_to_stderr, run};
use ringfence::vimc::Vimc;

fn main() -> ExitCode {
    log_to_stderr();
    run(|endpoint| serve_libcamera(endpoint, Vimc::new))
}
