//! See [`ringfence_fuzz::wire`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringfence_fuzz::wire(data));
