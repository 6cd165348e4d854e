//! See [`ringfence_fuzz::native_events`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringfence_fuzz::native_events(data));
