//! Compiles the interface through which the benches tell their worker what to do.

use ringfence_mojom::Errors;

fn main() -> Result<(), Errors> {
    ringfence_mojom::configure()
        .include("../../interfaces")
        .extern_module("libcamera", "ringfence::interfaces::libcamera")
        .compile(&["rivals.mojom"])
}
