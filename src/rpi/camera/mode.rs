//! Modes of the virtual sensor: picture size, the part of the array it shows, and how pixels are binned.
#![forbid(unsafe_code)]

use super::frame::Rect;
use crate::rpi::imx219;

/// Smallest picture, in columns and rows.
pub const MIN_SIZE: (u32, u32) = (64, 48);

/// Why a mode was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModeError {
    /// A side is odd.
    #[error("a picture of {width}×{height} does not consist of whole 2×2 Bayer tiles; make both sides even")]
    Odd {
        /// Columns asked for.
        width: u32,
        /// Rows asked for.
        height: u32,
    },
    /// Smaller or larger than the sensor can do.
    #[error("a picture of {width}×{height} is out of range; the sensor does {min_w}×{min_h} to {max_w}×{max_h}",
        min_w = MIN_SIZE.0, min_h = MIN_SIZE.1, max_w = imx219::ACTIVE_WIDTH, max_h = imx219::ACTIVE_HEIGHT)]
    Size {
        /// Columns asked for.
        width: u32,
        /// Rows asked for.
        height: u32,
    },
}

/// A mode of the sensor. The default is 1640×1232, the whole array in 2×2 binning.
///
/// ```
/// use ringfence::rpi::camera::SensorMode;
///
/// let small = SensorMode::new(640, 480)?;
/// assert_eq!((small.binning(), SensorMode::new(3280, 2464)?.binning()), (2, 1));
/// assert!(SensorMode::new(641, 480).is_err(), "sides are even");
/// # Ok::<_, ringfence::rpi::camera::ModeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SensorMode {
    width: u32,
    height: u32,
}

impl Default for SensorMode {
    fn default() -> Self {
        Self { width: imx219::ACTIVE_WIDTH / 2, height: imx219::ACTIVE_HEIGHT / 2 }
    }
}

impl SensorMode {
    /// A mode with pictures of `width` by `height` pixels: even, 64×48 to 3280×2464.
    ///
    /// The real sensor has a handful of sizes and scales no further than by two; this one shows as much
    /// of the array as the shape allows at every size, so that small pictures are good for fast runs.
    ///
    /// # Errors
    /// [`ModeError`] with the size asked for.
    pub fn new(width: u32, height: u32) -> Result<Self, ModeError> {
        if !width.is_multiple_of(2) || !height.is_multiple_of(2) {
            return Err(ModeError::Odd { width, height });
        }
        let fits = (MIN_SIZE.0..=imx219::ACTIVE_WIDTH).contains(&width)
            && (MIN_SIZE.1..=imx219::ACTIVE_HEIGHT).contains(&height);
        if !fits {
            return Err(ModeError::Size { width, height });
        }
        Ok(Self { width, height })
    }

    /// Columns of the picture.
    #[must_use]
    pub fn width(self) -> u32 {
        self.width
    }

    /// Rows of the picture.
    #[must_use]
    pub fn height(self) -> u32 {
        self.height
    }

    /// The part of the active array that the picture shows: the largest centred one of its shape, with
    /// even sides and corners.
    #[must_use]
    pub fn crop(self) -> Rect {
        let (active_w, active_h) = (u64::from(imx219::ACTIVE_WIDTH), u64::from(imx219::ACTIVE_HEIGHT));
        let (w, h) = (u64::from(self.width), u64::from(self.height));
        let (crop_w, crop_h) = if active_w * h >= active_h * w {
            ((active_h * w / h) & !1, active_h)
        } else {
            (active_w, (active_w * h / w) & !1)
        };
        Rect {
            x: (((active_w - crop_w) / 2) & !1) as u32,
            y: (((active_h - crop_h) / 2) & !1) as u32,
            width: crop_w as u32,
            height: crop_h as u32,
        }
    }

    /// Pixels of the array behind a pixel of the picture, along a side: 2 if the picture fits into the
    /// binned size of 1640×1232, else 1.
    #[must_use]
    pub fn binning(self) -> u32 {
        let binned = Self::default();
        if self.width <= binned.width && self.height <= binned.height { 2 } else { 1 }
    }

    /// Electrons at full scale and unit gain, per pixel of the picture: 10000 when binned, 2500 when not,
    /// the order of magnitude of a 1.12 µm pixel.
    #[must_use]
    pub fn full_well(self) -> f64 {
        2500.0 * f64::from(self.binning().pow(2))
    }

    /// Largest vertical blanking, in lines.
    #[must_use]
    pub fn max_vblank(self) -> u32 {
        imx219::MAX_FRAME_LENGTH - self.height
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_the_binned_array() {
        let mode = SensorMode::default();
        assert_eq!((mode.width(), mode.height(), mode.binning()), (1640, 1232, 2));
        assert_eq!(mode.crop(), Rect { x: 0, y: 0, width: 3280, height: 2464 });
        assert_eq!(mode.max_vblank(), 64_303);
    }

    #[test]
    fn crops_are_centred_and_keep_the_shape() {
        let wide = SensorMode::new(1920, 1080).unwrap();
        assert_eq!(wide.binning(), 1);
        let crop = wide.crop();
        assert_eq!((crop.width, crop.height, crop.x), (3280, 1844, 0));
        assert_eq!(crop.y, 310);
        let tall = SensorMode::new(480, 640).unwrap().crop();
        assert_eq!((tall.width, tall.height, tall.x, tall.y), (1848, 2464, 716, 0));
    }

    #[test]
    fn bad_sizes_are_refused_with_their_numbers() {
        assert_eq!(SensorMode::new(641, 480), Err(ModeError::Odd { width: 641, height: 480 }));
        assert_eq!(SensorMode::new(62, 48), Err(ModeError::Size { width: 62, height: 48 }));
        assert_eq!(SensorMode::new(3282, 2464), Err(ModeError::Size { width: 3282, height: 2464 }));
        assert!(SensorMode::new(4000, 48).unwrap_err().to_string().contains("4000×48"));
    }
}
