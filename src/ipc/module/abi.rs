//! What a module exports, as C sees it: the record and its constants.
//!
//! The layout is that of C on x86-64 and aarch64, little-endian, without padding. `include/ringfence.h` has the same for
//! modules in C and C++.

#![forbid(unsafe_code)]

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::ipc::Interface;
use crate::ipc::handshake::{NATIVE, PROTOCOL};

/// What a record begins with.
pub const MAGIC: [u8; 8] = *b"ringfmod";
/// Version of this layout, and of how a module is called.
pub const ABI: u32 = 1;
/// Bytes of a record.
pub const RECORD_BYTES: usize = 512;
/// The symbol of the record.
pub const INFO_SYMBOL: &str = "ringfence_module_info";
/// The symbol of the function that serves a connection.
pub const SERVE_SYMBOL: &str = "ringfence_module_serve";
/// Flag of that function: it runs in a worker process, else in a thread of the host.
pub const OWN_PROCESS: u32 = 1;

/// The function that serves one connection over `socket`, which it owns, until the host is done: 0 if all went well, else
/// `reason` says in a text of at most `reason_bytes` bytes, the zero at its end included, what did not.
///
/// It never unwinds, and may be called several times at once.
pub type Serve = unsafe extern "C" fn(
    socket: std::ffi::c_int,
    flags: u32,
    reason: *mut std::ffi::c_char,
    reason_bytes: usize,
) -> i32;

/// What a module says of itself, as it lies in its file. [`ModuleInfo`](super::ModuleInfo) is the checked form.
///
/// Numbers are little-endian. Texts are printable UTF-8 with zeroes after them, one at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Record {
    pub(super) magic: [u8; 8],
    pub(super) abi: u32,
    pub(super) size: u32,
    pub(super) module_version: [u32; 3],
    pub(super) protocol: u32,
    pub(super) interface_hash: u64,
    pub(super) pipeline_versions: [u32; 2],
    pub(super) encodings: [u32; 4],
    pub(super) name: [u8; 64],
    pub(super) pipeline: [u8; 64],
    pub(super) interface: [u8; 128],
    pub(super) loads_until: [u8; 64],
    pub(super) reserved: [u8; 128],
}

const _: () = assert!(size_of::<Record>() == RECORD_BYTES);

/// What a module of this library says of itself: the arguments of [`export_module!`](crate::export_module).
#[derive(Debug, Clone, Copy)]
pub struct Description<'a> {
    /// Its name, of 1 to 63 bytes.
    pub name: &'a str,
    /// Its version: major, minor, patch.
    pub version: (u32, u32, u32),
    /// The pipeline that it is for, of 1 to 63 bytes.
    pub pipeline: &'a str,
    /// First and last version of the pipeline that it fits.
    pub pipeline_versions: (u32, u32),
    /// The interface that it implements.
    pub interface: &'a Interface,
    /// The method in whose first call it still loads files; empty if it loads none after the handshake.
    pub loads_until: &'a str,
}

impl Record {
    /// The record of a module that is built with this library.
    ///
    /// # Panics
    /// If a text is empty, too long or not printable, if the pipeline's versions are reversed, or if the interface has no
    /// such method. In a constant, as [`export_module!`](crate::export_module) has it, that is an error of the compiler.
    #[must_use]
    pub const fn describing(module: &Description<'_>) -> Self {
        let Description { name, version, pipeline, pipeline_versions: (first, last), interface, loads_until } =
            *module;
        assert!(!name.is_empty(), "the module's `name` is empty");
        assert!(!pipeline.is_empty(), "the module's `pipeline` is empty");
        assert!(
            first <= last,
            "the module's `pipeline_versions` are reversed: the first has to be the lesser"
        );
        assert!(
            loads_until.is_empty() || has_method(interface, loads_until),
            "the module's `loads_until` is no method of its interface"
        );
        Self {
            magic: MAGIC,
            abi: ABI.to_le(),
            size: (RECORD_BYTES as u32).to_le(),
            module_version: [version.0.to_le(), version.1.to_le(), version.2.to_le()],
            protocol: PROTOCOL.to_le(),
            interface_hash: interface.hash.to_le(),
            pipeline_versions: [first.to_le(), last.to_le()],
            encodings: [NATIVE.to_le(), 0, 0, 0],
            name: fitting(name, "the module's `name` has to be printable and of 63 bytes at most"),
            pipeline: fitting(
                pipeline,
                "the module's `pipeline` has to be printable and of 63 bytes at most",
            ),
            interface: fitting(
                interface.name,
                "the name of the module's `interface` has to be printable and of 127 bytes at most",
            ),
            loads_until: fitting(
                loads_until,
                "the module's `loads_until` has to be printable and of 63 bytes at most",
            ),
            reserved: [0; 128],
        }
    }

    /// The record as it lies in a file.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; RECORD_BYTES] {
        zerocopy::transmute!(*self)
    }
}

const fn fitting<const N: usize>(text: &str, otherwise: &str) -> [u8; N] {
    match pad(text) {
        Some(bytes) if is_printable(text.as_bytes()) => bytes,
        _ => panic!("{}", otherwise),
    }
}

/// `text` with zeroes after it; nothing if it leaves no room for one.
pub(super) const fn pad<const N: usize>(text: &str) -> Option<[u8; N]> {
    let text = text.as_bytes();
    if text.len() >= N {
        return None;
    }
    let mut bytes = [0; N];
    let mut index = 0;
    while index < text.len() {
        bytes[index] = text[index];
        index += 1;
    }
    Some(bytes)
}

/// Whether no character of this UTF-8 text could make a terminal show something else than what stands there: the same
/// as `printable_line` changes nothing, but to be had in a constant.
pub(super) const fn is_printable(text: &[u8]) -> bool {
    let mut rest = text;
    while let [_, after @ ..] = rest {
        let harmful = matches!(
            rest,
            // Control characters of ASCII, and of Latin-1.
            [0..0x20 | 0x7f, ..] | [0xc2, 0x80..=0x9f, ..]
            // U+200E, U+200F, U+2028 to U+202E.
            | [0xe2, 0x80, 0x8e | 0x8f | 0xa8..=0xae, ..]
            // U+2066 to U+2069, and U+FEFF.
            | [0xe2, 0x81, 0xa6..=0xa9, ..] | [0xef, 0xbb, 0xbf, ..]
        );
        if harmful {
            return false;
        }
        rest = after;
    }
    true
}

const fn has_method(interface: &Interface, name: &str) -> bool {
    let mut index = 0;
    while index < interface.methods.len() {
        if equal(interface.methods[index].name.as_bytes(), name.as_bytes()) {
            return true;
        }
        index += 1;
    }
    false
}

const fn equal(one: &[u8], other: &[u8]) -> bool {
    let mut index = 0;
    while index < one.len() && index < other.len() && one[index] == other[index] {
        index += 1;
    }
    index == one.len() && index == other.len()
}

#[cfg(test)]
mod tests {
    use std::mem::offset_of;

    use super::*;
    use crate::ipc::printable::printable_line;

    #[test]
    fn the_layout_is_that_of_the_page() {
        let offsets = [
            offset_of!(Record, magic),
            offset_of!(Record, abi),
            offset_of!(Record, size),
            offset_of!(Record, module_version),
            offset_of!(Record, protocol),
            offset_of!(Record, interface_hash),
            offset_of!(Record, pipeline_versions),
            offset_of!(Record, encodings),
            offset_of!(Record, name),
            offset_of!(Record, pipeline),
            offset_of!(Record, interface),
            offset_of!(Record, loads_until),
            offset_of!(Record, reserved),
        ];
        assert_eq!(offsets, [0, 8, 12, 16, 28, 32, 40, 48, 64, 128, 192, 320, 384]);
    }

    #[test]
    fn every_character_is_judged_as_in_messages() {
        for c in '\0'..=char::MAX {
            let text = c.to_string();
            assert_eq!(is_printable(text.as_bytes()), printable_line(&text) == text, "{c:?}");
        }
    }

    #[test]
    fn a_text_needs_a_zero_after_it() {
        assert_eq!(pad::<4>("abc"), Some(*b"abc\0"));
        assert_eq!(pad::<4>("abcd"), None);
        assert_eq!(pad::<4>(""), Some([0; 4]));
    }
}
