//! Compiles the interfaces: that of the example, and that of its tests.

fn main() -> Result<(), ringfence_mojom::Diagnostics> {
    ringfence_mojom::configure().compile(&["light_meter.mojom", "tests/c_module/exerciser.mojom"])
}
