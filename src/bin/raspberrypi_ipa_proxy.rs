//! The worker that a libcamera host starts for a Raspberry Pi's camera: serves the algorithms of this package. The host
//! finds it where `LIBCAMERA_IPA_PROXY_PATH` says.

use std::process::ExitCode;

use ringfence::interfaces::rpi::serve_libcamera;
use ringfence::ipc::libcamera::{log_to_stderr, run};
use ringfence::rpi::ipa::module::RaspberryPiIpa;

fn main() -> ExitCode {
    log_to_stderr();
    run(|endpoint| serve_libcamera(endpoint, RaspberryPiIpa::for_libcamera))
}
