//! Compiles the interfaces.
fn main() {}
