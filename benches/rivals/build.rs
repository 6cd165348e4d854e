//! Compiles the interface through which the benches tell their worker what to do.

use ringfence_mojom::Diagnostics;

fn main() -> Result<(), Diagnostics> {
    ringfence_mojom::configure()
        .include("../../interfaces")
        .extern_module("libcamera", "ringfence::interfaces::libcamera")
        .compile(&["rivals.mojom"])
}
