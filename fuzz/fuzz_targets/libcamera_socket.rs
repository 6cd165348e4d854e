//! See [`ringfence_fuzz::libcamera_socket`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringfence_fuzz::libcamera_socket(data));
