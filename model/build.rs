//! Sets `cfg(loom)` for this package alone, so that nothing else has to be compiled for it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cfg=loom");
}
