//! The host's side of a module in C: what generated code makes of `light_meter.mojom`. The module is `module.c`.

#![forbid(unsafe_code)]

include!(concat!(env!("OUT_DIR"), "/light_meter.rs"));
