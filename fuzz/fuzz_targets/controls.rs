//! See [`ringfence_fuzz::controls`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringfence_fuzz::controls(data));
