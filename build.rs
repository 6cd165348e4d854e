//! Compiles the interfaces.

use ringfence_mojom::Diagnostics;

fn main() -> Result<(), Diagnostics> {
    ringfence_mojom::configure()
        .include("interfaces")
        .runtime_path("crate")
        .extern_module("libcamera", "crate::interfaces::libcamera")
        .type_attribute(".", "#[cfg_attr(feature = \"arbitrary\", derive(arbitrary::Arbitrary))]")
        .compile(&[
            "interfaces/core.mojom",
            "interfaces/raspberrypi.mojom",
            "interfaces/vimc.mojom",
            "interfaces/bench.mojom",
        ])
}
