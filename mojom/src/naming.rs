//! From mojom's names to Rust's.

use heck::{ToShoutySnakeCase, ToSnakeCase, ToUpperCamelCase};
use proc_macro2::{Ident, Span};

/// A type: `IPASettings` becomes `IpaSettings`, `SharedFD` becomes `SharedFd`.
///
/// heck would take `IPARPi` for the words `IPAR` and `Pi`, so the prefix that nearly all names of
/// libcamera's interfaces have is looked at on its own. A dot, as in `Struct.Enum`, is a word's end.
pub(crate) fn type_name(name: &str) -> String {
    name.split('.').map(part_of_type_name).collect()
}

fn part_of_type_name(name: &str) -> String {
    match name.strip_prefix("IPA") {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_uppercase()) => {
            format!("Ipa{}", rest.to_upper_camel_case())
        }
        _ => name.to_upper_camel_case(),
    }
}

/// A variant of an enum.
pub(crate) fn variant_name(name: &str) -> String {
    type_name(name)
}

/// A field, method or parameter.
pub(crate) fn value_name(name: &str) -> String {
    name.to_snake_case()
}

/// A constant.
pub(crate) fn const_name(name: &str) -> String {
    name.replace('.', "_").to_shouty_snake_case()
}

/// What trait, proxy and the rest are named after: the interface's name without `Interface`.
pub(crate) fn stem(interface: &str) -> &str {
    interface.strip_suffix("Interface").unwrap_or(interface)
}

/// Whether libcamera's generator takes an interface of this name for an IPA's, or for its events.
pub(crate) fn is_ipa(interface: &str) -> bool {
    interface.strip_prefix("IPA").is_some_and(|rest| rest.contains("Interface"))
}

/// Whether libcamera's generator takes an interface of this name for an IPA's events.
pub(crate) fn is_ipa_event(interface: &str) -> bool {
    interface.strip_prefix("IPA").is_some_and(|rest| rest.contains("EventInterface"))
}

/// The name as an identifier, with `r#` if Rust reserves the word.
///
/// # Panics
/// If [`is_identifier`] says no.
pub(crate) fn ident(name: &str) -> Ident {
    if is_plain(name) { Ident::new(name, Span::call_site()) } else { Ident::new_raw(name, Span::call_site()) }
}

/// Whether [`ident`] can make an identifier of it.
pub(crate) fn is_identifier(name: &str) -> bool {
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    // These four have a meaning that `r#` cannot take away.
    starts_well && !matches!(name, "_" | "self" | "Self" | "super" | "crate")
}

fn is_plain(name: &str) -> bool {
    syn::parse_str::<Ident>(name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_like_rust() {
        for (mojom, rust) in [
            ("IPASettings", "IpaSettings"),
            ("SharedFD", "SharedFd"),
            ("IPARPi", "IpaRPi"),
            ("IPAVimc", "IpaVimc"),
            ("IPAOperationCode", "IpaOperationCode"),
            ("IPA", "Ipa"),
            ("SensorConfig.Mode", "SensorConfigMode"),
            ("ISPConfig", "IspConfig"),
            ("Thermometer", "Thermometer"),
        ] {
            assert_eq!(type_name(mojom), rust);
        }
        assert_eq!(const_name("MaxLsGridSize"), "MAX_LS_GRID_SIZE");
        assert_eq!(const_name("Point.Max"), "POINT_MAX");
        assert_eq!(value_name("hStep"), "h_step");
        assert_eq!(value_name("controllerMinFrameDurationUs"), "controller_min_frame_duration_us");
        assert_eq!(stem("IPARPiInterface"), "IPARPi");
    }

    #[test]
    fn keywords_become_raw_identifiers() {
        assert_eq!(ident("type").to_string(), "r#type");
        assert_eq!(ident("width").to_string(), "width");
        assert!(is_identifier("type"));
        for name in ["self", "Self", "crate", "super", "_", "", "1st"] {
            assert!(!is_identifier(name), "{name}");
        }
    }
}
