//! See [`ringfence_fuzz::native_rpi`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringfence_fuzz::native_rpi(data));
