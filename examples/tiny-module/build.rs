//! Compiles the interface.

fn main() -> Result<(), ringfence_mojom::Diagnostics> {
    ringfence_mojom::configure().compile(&["tiny.mojom"])
}
