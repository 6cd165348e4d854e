//! The Raspberry Pi's algorithms as a module: the same that `ringfence` is linked to, in a shared object of their own.

use ringfence::interfaces::rpi;
use ringfence::rpi::ipa::module::RaspberryPiIpa;

ringfence::export_module! {
    name: "rpi",
    version: (0, 1, 0),
    pipeline: "rpi/vc4",
    pipeline_versions: 1..=1,
    interface: rpi::INTERFACE,
    serve: |endpoint| rpi::serve(endpoint, RaspberryPiIpa::new),
    // It reads its tuning there.
    loads_until: "init",
}
