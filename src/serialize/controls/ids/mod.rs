//! Controls by name.
//!
//! Numbers, types and ranges of libcamera's controls are those of its commit 94d17442; a range is
//! what the Raspberry Pi IPA advertises, and may be narrower in a mode. V4L2's numbers are those of
//! the kernel's `linux/v4l2-controls.h` and `linux/bcm2835-isp.h`.
//!
//! ```
//! use ringfence::serialize::ControlList;
//! use ringfence::serialize::controls::ids::{self, controls, properties};
//! use ringfence::serialize::controls::IdMap;
//!
//! let mut request = ControlList::default();
//! request.set(&controls::AE_ENABLE, true);
//! let mut camera = ControlList::new(IdMap::Properties);
//! camera.set(&properties::MODEL, "imx219");
//! assert_eq!(ids::name_of(properties::MODEL.id(), camera.id_map()), Some("Model"));
//! ```

/// Declares constants, and a table of their names by ascending id.
macro_rules! ids {
    ($($(#[$doc:meta])* $constant:ident: $data:ty = $id:literal, $name:literal;)*) => {
        $(
            $(#[$doc])*
            pub const $constant: Control<$data> = Control::new($id, $name);
        )*

        /// Every control here, by ascending id.
        pub(super) const NAMES: &[(u32, &str)] = &[$(($id, $name)),*];
    };
}

pub mod controls;
pub mod draft;
pub mod properties;
pub mod rpi;
pub mod v4l2;

use super::IdMap;

/// Name of a control, if it is one of those here.
#[must_use]
pub fn name_of(id: u32, id_map: IdMap) -> Option<&'static str> {
    let tables: &[&[(u32, &str)]] = match id_map {
        IdMap::Controls => &[controls::NAMES, draft::NAMES, rpi::NAMES],
        IdMap::Properties => &[properties::NAMES],
        IdMap::V4l2 => &[v4l2::NAMES],
    };
    let find = |names: &&'static [(u32, &'static str)]| {
        names.binary_search_by_key(&id, |(id, _)| *id).ok().map(|index| names[index].1)
    };
    tables.iter().find_map(find)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_by_its_id() {
        for (id_map, names) in [
            (IdMap::Controls, controls::NAMES),
            (IdMap::Controls, draft::NAMES),
            (IdMap::Controls, rpi::NAMES),
            (IdMap::Properties, properties::NAMES),
            (IdMap::V4l2, v4l2::NAMES),
        ] {
            assert!(names.is_sorted_by(|left, right| left.0 < right.0), "{names:?}");
            for (id, name) in names {
                assert_eq!(name_of(*id, id_map), Some(*name));
            }
        }
        assert_eq!(name_of(0, IdMap::Controls), None);
        assert_eq!(name_of(7, IdMap::V4l2), None);
    }
}
