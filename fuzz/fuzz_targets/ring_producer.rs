//! See [`ringfence_fuzz::ring_producer`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringfence_fuzz::ring_producer(data));
