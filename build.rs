//! Compiles the interfaces.

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let config = |folder: &str, core: &str| {
        ringfence_mojom::configure()
            .include(folder)
            .runtime_path("crate")
            .extern_module("libcamera", core)
            .type_attribute(".", "#[cfg_attr(feature = \"arbitrary\", derive(arbitrary::Arbitrary))]")
    };
    let core = "crate::interfaces::libcamera";
    let newest = || config("interfaces", core);
    newest().libcamera(true).compile(&[
        "interfaces/core.mojom",
        "interfaces/raspberrypi.mojom",
        "interfaces/vimc.mojom",
    ])?;
    newest().compile(&["interfaces/bench.mojom", "interfaces/probe.mojom"])?;

    let old = "libcamera-0.0.3";
    let folder = format!("interfaces/{old}");
    let out_dir = Path::new(&std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?).join(old);
    std::fs::create_dir_all(&out_dir)?;
    config(&folder, "crate::interfaces::libcamera_0_0_3::libcamera")
        .libcamera(true)
        .geometry_of(core)
        .out_dir(out_dir)
        .compile(&["core", "raspberrypi", "vimc"].map(|file| format!("{folder}/{file}.mojom")))?;
    Ok(())
}
