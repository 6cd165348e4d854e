//! See [`ringfence_fuzz::dispatcher`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringfence_fuzz::dispatcher(data));
