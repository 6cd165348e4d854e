//! See [`ringfence_fuzz::libcamera_2`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringfence_fuzz::libcamera_2(data));
