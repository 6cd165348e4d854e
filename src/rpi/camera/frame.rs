//! The raw picture as it leaves the sensor, and the arrangement of its colour filters.
#![forbid(unsafe_code)]

/// Arrangement of the colour filters, as a `cfaPattern` value: 3, BGGR.
///
/// The order of the IMX219 as mounted on the Raspberry Pi's board, turned by half a turn. The one place
/// that states it; [`BayerColour::at`] says the same in code.
pub const CFA_PATTERN: u32 = 3;

/// Colour of the filter over a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BayerColour {
    /// Red.
    Red,
    /// Green.
    Green,
    /// Blue.
    Blue,
}

impl BayerColour {
    /// Filter over the pixel in column `x` of row `y`: blue where both are even, red where both are odd.
    #[inline]
    #[must_use]
    pub const fn at(x: usize, y: usize) -> Self {
        match (x % 2, y % 2) {
            (0, 0) => Self::Blue,
            (1, 1) => Self::Red,
            _ => Self::Green,
        }
    }
}

/// A rectangle of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rect {
    /// Left column.
    pub x: u32,
    /// Top row.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// A raw picture: 10-bit values in 16-bit words, row-major without gaps, filters as [`BayerColour::at`] says.
///
/// Both sides are even, so the picture consists of whole 2×2 Bayer tiles.
///
/// ```
/// use ringfence::rpi::camera::{BayerColour, RawFrame};
///
/// let mut raw = RawFrame::new(4, 2);
/// raw.pixels_mut()[5] = 1023;
/// assert_eq!((BayerColour::at(1, 1), raw.row(1)), (BayerColour::Red, &[0, 1023, 0, 0][..]));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RawFrame {
    width: u32,
    height: u32,
    pixels: Vec<u16>,
}

impl std::fmt::Debug for RawFrame {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("RawFrame")
            .field("width", &self.width)
            .field("height", &self.height)
            .finish_non_exhaustive()
    }
}

impl RawFrame {
    /// A frame of `width` by `height` pixels, all zero.
    ///
    /// # Panics
    /// If a side is zero or odd; the sizes of a [`super::SensorMode`] never are.
    #[must_use]
    pub fn new(width: u32, height: u32) -> Self {
        assert!(
            width > 0 && height > 0 && width.is_multiple_of(2) && height.is_multiple_of(2),
            "a raw frame of {width}×{height} does not consist of whole Bayer tiles"
        );
        Self { width, height, pixels: vec![0; width as usize * height as usize] }
    }

    /// Columns.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The values, row-major, 0 to 1023.
    #[must_use]
    pub fn pixels(&self) -> &[u16] {
        &self.pixels
    }

    /// The values, to be filled in. Whoever reads them takes a value above 1023 for 1023.
    pub fn pixels_mut(&mut self) -> &mut [u16] {
        &mut self.pixels
    }

    /// The values of row `y`.
    ///
    /// # Panics
    /// If `y` is not below the height.
    #[inline]
    #[must_use]
    pub fn row(&self, y: usize) -> &[u16] {
        let width = self.width as usize;
        &self.pixels[y * width..(y + 1) * width]
    }
}
