//! See [`ringfence_fuzz::mojom_text`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ringfence_fuzz::mojom_text(data));
