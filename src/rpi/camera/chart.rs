//! The classic colour chart of 24 patches, on a grey card.
//!
//! ```
//! use ringfence::rpi::camera::chart::Chart;
//!
//! let [red, green, blue] = Chart::patch_srgb(14);
//! assert!(red > 3.0 * green && red > 3.0 * blue, "the third patch of the third row is red");
//! ```
#![forbid(unsafe_code)]

use super::colour::lab_to_linear_srgb;
use super::frame::Rect;

/// Names and CIE L*a*b* values (white D50) of the 24 patches, row by row.
///
/// Source: the reference values that X-Rite published for the ColorChecker Classic made before November 2014.
/// The six greys keep their published lightness but are taken as perfectly neutral (the real ones are off by
/// up to 1.2 in b*), so that a tint in the picture is always the camera's.
pub const PATCHES: [(&str, [f64; 3]); 24] = [
    ("dark skin", [37.986, 13.555, 14.059]),
    ("light skin", [65.711, 18.130, 17.810]),
    ("blue sky", [49.927, -4.880, -21.925]),
    ("foliage", [43.139, -13.095, 21.905]),
    ("blue flower", [55.112, 8.844, -25.399]),
    ("bluish green", [70.719, -33.397, -0.199]),
    ("orange", [62.661, 36.067, 57.096]),
    ("purplish blue", [40.020, 10.410, -45.964]),
    ("moderate red", [51.124, 48.239, 16.248]),
    ("purple", [30.325, 22.976, -21.587]),
    ("yellow green", [72.532, -23.709, 57.255]),
    ("orange yellow", [71.941, 19.363, 67.857]),
    ("blue", [28.778, 14.179, -50.297]),
    ("green", [55.261, -38.342, 31.370]),
    ("red", [42.101, 53.378, 28.190]),
    ("yellow", [81.733, 4.039, 79.819]),
    ("magenta", [51.935, 49.986, -14.574]),
    ("cyan", [51.038, -28.631, -28.638]),
    ("white", [96.539, 0.0, 0.0]),
    ("neutral 8", [81.257, 0.0, 0.0]),
    ("neutral 6.5", [66.766, 0.0, 0.0]),
    ("neutral 5", [50.867, 0.0, 0.0]),
    ("neutral 3.5", [35.656, 0.0, 0.0]),
    ("black", [20.461, 0.0, 0.0]),
];

/// Indices of the grey patches: the bottom row, from white to black.
pub const GREY_PATCHES: std::ops::Range<usize> = 18..24;

/// Reflectance of the card around the chart.
pub const BACKGROUND: f32 = 0.18;

/// Reflectance of the chart's frame and of the gaps between patches.
pub const FRAME: f32 = 0.012;

/// Patches across and down.
const GRID: (usize, usize) = (6, 4);

/// Part of the picture that the chart may fill along a side.
const COVERAGE: f64 = 0.86;

/// Part of the distance between patches that is gap.
const GAP: f64 = 0.14;

/// Part of a patch's side that its inner rectangle leaves out at each end, so that neither the edges nor the
/// demosaicking around them count.
const INSET: f64 = 0.22;

/// The chart: where its patches lie in a picture, and what colours they have.
///
/// ```
/// use ringfence::rpi::camera::Chart;
/// let white = Chart::patch_rect(18, 1640, 1232);
/// assert!(white.x + white.width <= 1640 && white.y + white.height <= 1232);
/// assert!((Chart::patch_srgb(18)[1] - 0.913).abs() < 0.001);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Chart;

impl Chart {
    /// Number of patches.
    pub const PATCHES: usize = PATCHES.len();

    /// Linear sRGB reflectance of a patch. The cyan lies outside the gamut: its red is negative, which a camera
    /// with overlapping filters sees without trouble.
    ///
    /// # Panics
    /// If `index` is not below 24.
    #[must_use]
    pub fn patch_srgb(index: usize) -> [f64; 3] {
        let (_, lab) = PATCHES[index];
        if lab[1] == 0.0 && lab[2] == 0.0 {
            // The matrices' rounding would tint the greys by some 0.01 %.
            let luminance = lab_to_linear_srgb(lab)[1];
            return [luminance; 3];
        }
        lab_to_linear_srgb(lab)
    }

    /// Inner rectangle of a patch, in pixels of a picture of `width` by `height`: well inside the patch's edges,
    /// at least one pixel.
    ///
    /// Holds for pictures of the shape that the chart was drawn for; a scene of another shape is cropped.
    ///
    /// # Panics
    /// If `index` is not below 24.
    #[must_use]
    pub fn patch_rect(index: usize, width: u32, height: u32) -> Rect {
        Self::rect(index, width, height, INSET)
    }

    fn rect(index: usize, width: u32, height: u32, inset: f64) -> Rect {
        assert!(index < Self::PATCHES, "the chart has {} patches, {index} is none", Self::PATCHES);
        let (column, row) = (index % GRID.0, index / GRID.0);
        let (left, top, pitch) = frame(width, height);
        let side = pitch * (1.0 - GAP) * (1.0 - 2.0 * inset);
        let offset = pitch * (GAP + (1.0 - GAP) * inset);
        let start = |origin: f64, step: usize| (origin + pitch * step as f64 + offset).round();
        let length = |start: f64, origin: f64, step: usize| {
            (origin + pitch * step as f64 + offset + side).round().max(start + 1.0) - start
        };
        let (x, y) = (start(left, column), start(top, row));
        Rect {
            x: x as u32,
            y: y as u32,
            width: length(x, left, column) as u32,
            height: length(y, top, row) as u32,
        }
    }

    /// Draws the chart: linear sRGB reflectances, row-major.
    pub(super) fn draw(width: u32, height: u32) -> Vec<[f32; 3]> {
        let mut pixels = vec![[BACKGROUND; 3]; width as usize * height as usize];
        let mut fill = |rect: Rect, colour: [f32; 3]| {
            for y in rect.y..(rect.y + rect.height).min(height) {
                let start = y as usize * width as usize + rect.x as usize;
                let end = start + rect.width.min(width - rect.x) as usize;
                pixels[start..end].fill(colour);
            }
        };
        let (left, top, pitch) = frame(width, height);
        fill(
            Rect {
                x: left.round() as u32,
                y: top.round() as u32,
                width: (pitch * (GRID.0 as f64 + GAP)).round() as u32,
                height: (pitch * (GRID.1 as f64 + GAP)).round() as u32,
            },
            [FRAME; 3],
        );
        for index in 0..Self::PATCHES {
            fill(
                Self::rect(index, width, height, 0.0),
                Self::patch_srgb(index).map(|channel| channel as f32),
            );
        }
        pixels
    }
}

/// Left and top edge of the chart, and the distance between patches, in pixels.
fn frame(width: u32, height: u32) -> (f64, f64, f64) {
    let (width, height) = (f64::from(width), f64::from(height));
    let (across, down) = (GRID.0 as f64 + GAP, GRID.1 as f64 + GAP);
    let pitch = (width * COVERAGE / across).min(height * COVERAGE / down);
    ((width - pitch * across) / 2.0, (height - pitch * down) / 2.0, pitch)
}

/// The patches in 8-bit sRGB, as the chart's maker (X-Rite) lists them beside the L*a*b* values.
#[cfg(test)]
pub(in crate::rpi) const MAKERS_SRGB: [[u8; 3]; 24] = [
    [115, 82, 68],
    [194, 150, 130],
    [98, 122, 157],
    [87, 108, 67],
    [133, 128, 177],
    [103, 189, 170],
    [214, 126, 44],
    [80, 91, 166],
    [193, 90, 99],
    [94, 60, 108],
    [157, 188, 64],
    [224, 163, 46],
    [56, 61, 150],
    [70, 148, 73],
    [175, 54, 60],
    [231, 199, 31],
    [187, 86, 149],
    [8, 133, 161],
    [243, 243, 242],
    [200, 200, 200],
    [160, 160, 160],
    [122, 122, 121],
    [85, 85, 85],
    [52, 52, 52],
];

#[cfg(test)]
mod tests {
    use super::super::colour::{LUMA, delta_e, linear_srgb_to_lab, srgb_to_linear};
    use super::*;

    #[test]
    fn conversion_agrees_with_the_published_srgb_values() {
        // The 8-bit sRGB values that the maker published beside the L*a*b* ones. The two were never quite
        // consistent; a slip in a constant or in the adaptation to D65 would show up as far more.
        let mut total = 0.0;
        for (index, bytes) in MAKERS_SRGB.into_iter().enumerate() {
            let lab = linear_srgb_to_lab(bytes.map(|byte| srgb_to_linear(f64::from(byte) / 255.0)));
            let difference = delta_e(lab, PATCHES[index].1);
            assert!(difference < 7.5, "{}: {difference}", PATCHES[index].0);
            total += difference;
        }
        assert!(total / 24.0 < 3.0, "{total}");
    }

    #[test]
    fn the_mean_is_near_mid_grey() {
        let pixels = Chart::draw(320, 240);
        let mean: f64 = pixels
            .iter()
            .map(|pixel| (0..3).map(|channel| LUMA[channel] * f64::from(pixel[channel])).sum::<f64>())
            .sum::<f64>()
            / pixels.len() as f64;
        assert!((0.15..0.22).contains(&mean), "{mean}");
    }

    #[test]
    fn inner_rectangles_hold_one_colour() {
        for (width, height) in [(64u32, 48u32), (320, 240), (1920, 1080), (100, 300)] {
            let pixels = Chart::draw(width, height);
            for index in 0..Chart::PATCHES {
                let rect = Chart::patch_rect(index, width, height);
                assert!(rect.width > 0 && rect.height > 0);
                let expected = Chart::patch_srgb(index).map(|channel| channel as f32);
                for y in rect.y..rect.y + rect.height {
                    for x in rect.x..rect.x + rect.width {
                        assert_eq!(pixels[(y * width + x) as usize], expected, "patch {index} at {x}, {y}");
                    }
                }
            }
        }
    }
}
