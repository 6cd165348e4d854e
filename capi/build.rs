//! Names the shared library as it is installed. The number is that of the ABI, `RF_ABI_VERSION`.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libringfence.so.1");
}
