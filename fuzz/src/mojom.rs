//! The interface compiler.

/// Any text is compiled or refused, and every complaint is a message. What is compiled is Rust of which no
/// rule of the language can be asked here, but it is not empty.
pub fn mojom(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // Files that happen to be there are no part of the input, and a device might never end.
    if text.match_indices("import").count() > text.match_indices(CORE).count() {
        return;
    }
    match ringfence_mojom::configure().compile_text("fuzzed.mojom", text) {
        Ok(source) => assert!(!source.is_empty()),
        Err(errors) => assert!(!errors.to_string().is_empty()),
    }
}

/// The one import that is found without a file.
const CORE: &str = "import \"include/libcamera/ipa/core.mojom\"";
