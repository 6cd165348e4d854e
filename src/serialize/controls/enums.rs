//! Meanings of enumerated controls, whose values are `i32`.

use super::source::sealed::Source;
use super::{ControlError, ControlType, SourceOf};

macro_rules! enums {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $value:literal,)* })*) => {$(
        $(#[$doc])*
        ///
        /// It can be set on a control of type `i32`, and is read back with `try_from`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant = $value,)*
        }

        impl $name {
            /// Every value, in ascending order.
            pub const ALL: &[Self] = &[$(Self::$variant),*];
        }

        impl TryFrom<i32> for $name {
            type Error = ControlError;

            fn try_from(value: i32) -> Result<Self, ControlError> {
                match value {
                    $($value => Ok(Self::$variant),)*
                    _ => Err(ControlError::Enumerator { name: stringify!($name), value }),
                }
            }
        }

        impl From<$name> for i32 {
            fn from(value: $name) -> Self {
                value as Self
            }
        }

        impl Source for $name {
            fn control_type(&self) -> ControlType {
                ControlType::I32
            }

            fn is_array(&self) -> bool {
                false
            }

            fn byte_len(&self) -> usize {
                ControlType::I32.element_bytes()
            }

            fn write_to(&self, out: &mut [u8]) {
                i32::from(*self).write_to(out);
            }
        }

        impl SourceOf<i32> for $name {}
    )*};
}

enums! {
    /// What automatic exposure is doing.
    AeState {
        /// It is not running.
        Idle = 0,
        /// It has not found its exposure yet.
        Searching = 1,
        /// Exposure is as it should be.
        Converged = 2,
    }

    /// Which parts of the image automatic exposure looks at.
    AeMeteringMode {
        /// The centre more than the rest.
        CentreWeighted = 0,
        /// A spot in the centre.
        Spot = 1,
        /// The whole image.
        Matrix = 2,
        /// As the tuning file says.
        Custom = 3,
    }

    /// What automatic exposure tries to keep.
    AeConstraintMode {
        /// A balance.
        Normal = 0,
        /// The highlights from clipping.
        Highlight = 1,
        /// Detail in the shadows.
        Shadows = 2,
        /// As the tuning file says.
        Custom = 3,
    }

    /// How automatic exposure divides an exposure into time and gain.
    AeExposureMode {
        /// A balance.
        Normal = 0,
        /// Short times, high gains.
        Short = 1,
        /// Long times, low gains.
        Long = 2,
        /// As the tuning file says.
        Custom = 3,
    }

    /// Who determines a part of the exposure: the time, or the gain.
    Switch {
        /// The algorithm.
        Auto = 0,
        /// The value that was set.
        Manual = 1,
    }

    /// Which light automatic white balance may assume.
    AwbMode {
        /// Any.
        Auto = 0,
        /// Incandescent lamps.
        Incandescent = 1,
        /// Tungsten lamps.
        Tungsten = 2,
        /// Fluorescent lamps.
        Fluorescent = 3,
        /// Lamps of any kind.
        Indoor = 4,
        /// Daylight.
        Daylight = 5,
        /// An overcast sky.
        Cloudy = 6,
        /// As the tuning file says.
        Custom = 7,
    }

    /// Who moves the lens.
    AfMode {
        /// The value that was set.
        Manual = 0,
        /// A scan, on request.
        Auto = 1,
        /// The algorithm, all the time.
        Continuous = 2,
    }

    /// What automatic focus is doing.
    AfState {
        /// Nothing.
        Idle = 0,
        /// It looks for the focus.
        Scanning = 1,
        /// It has found the focus.
        Focused = 2,
        /// It has found none.
        Failed = 3,
    }

    /// How exposures of different length are combined.
    HdrMode {
        /// They are not.
        Off = 0,
        /// Several are taken, and left unmerged.
        MultiExposureUnmerged = 1,
        /// Several are taken, and merged.
        MultiExposure = 2,
        /// One is taken, and stretched.
        SingleExposure = 3,
        /// Several are taken, and merged against noise.
        Night = 4,
    }

    /// How much effort goes into removing noise.
    NoiseReductionMode {
        /// None.
        Off = 0,
        /// As much as keeps the frame rate.
        Fast = 1,
        /// As much as gives the best image.
        HighQuality = 2,
        /// As little as is possible.
        Minimal = 3,
        /// Depending on whether the frame is kept.
        ZeroShutterLag = 4,
    }
}
