//! Points, sizes and rectangles, in pixels.

/// A position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Point {
    /// To the right.
    pub x: i32,
    /// Downwards.
    pub y: i32,
}

/// A width and a height.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Size {
    /// Across.
    pub width: u32,
    /// Down.
    pub height: u32,
}

/// Sizes from a smallest to a largest, in steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct SizeRange {
    /// Smallest.
    pub min: Size,
    /// Largest.
    pub max: Size,
    /// Step of the width.
    pub h_step: u32,
    /// Step of the height.
    pub v_step: u32,
}

/// A rectangle that stands upright.
///
/// ```
/// use ringfence::serialize::{Point, Rectangle, Size, SizeRange};
///
/// let output = Size { width: 1640, height: 1232 };
/// let crop = Rectangle { x: 10, y: 20, width: output.width / 2, height: output.height / 2 };
/// let corner = Point { x: crop.x, y: crop.y };
/// let sizes = SizeRange { min: Size { width: 2, height: 2 }, max: output, h_step: 2, v_step: 2 };
/// assert!(sizes.max.width >= crop.width && corner.y == 20);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Rectangle {
    /// Left edge.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// Across.
    pub width: u32,
    /// Down.
    pub height: u32,
}
