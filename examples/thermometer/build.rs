//! Compiles the interface.

fn main() -> Result<(), ringfence_mojom::Errors> {
    ringfence_mojom::configure().compile(&["thermometer.mojom"])
}
