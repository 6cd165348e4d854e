//! See [`ringfence_fuzz::handshake`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringfence_fuzz::handshake(data));
