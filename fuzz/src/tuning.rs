//! Tuning files.

use ringfence::rpi::ipa::tuning::Tuning;

/// Any text is a tuning or refused with its reason; what is accepted can be shown, and is the same if read again.
pub fn tuning(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Tuning::parse(text) {
        Ok(tuning) => {
            let again = Tuning::parse(text).expect("parsing has no memory");
            assert_eq!(format!("{again:?}"), format!("{tuning:?}"));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
