//! Memory layouts of the bcm2835 ISP: its statistics and the payloads of its V4L2 controls.
//!
//! Plain old data, the same bytes as the kernel's `bcm2835-isp.h`: every field stands where the
//! hardware's driver has it, no padding is left to the compiler.
//!
//! ```
//! use bytemuck::Zeroable;
//! use ringfence::rpi::layout::{STATISTICS_BYTES, Statistics};
//!
//! let mut statistics = Statistics::zeroed();
//! statistics.awb[0].counted = 100;
//! assert_eq!(bytemuck::bytes_of(&statistics).len(), STATISTICS_BYTES);
//! ```

use bytemuck::{Pod, Zeroable};

/// Bins of a histogram.
pub const HISTOGRAM_BINS: usize = 128;
/// White-balance zones across and down.
pub const AWB_ZONES: (usize, usize) = (16, 12);
/// Exposure regions the hardware fills; the algorithms read the first [`AGC_REGIONS_READ`].
pub const AGC_REGIONS: usize = 16;
/// Exposure regions that carry a metering weight.
pub const AGC_REGIONS_READ: usize = 15;
/// Focus regions across and down.
pub const FOCUS_REGIONS: (usize, usize) = (4, 3);
/// Bits of a mean in the region sums: `sum / counted` lies in `0..8192`.
pub const STATISTICS_BITS: u32 = 13;

/// Histograms of the three channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Histogram {
    /// Red: Bayer tiles per bin of 64 13-bit values.
    pub r: [u32; HISTOGRAM_BINS],
    /// Green, the mean of the tile's two.
    pub g: [u32; HISTOGRAM_BINS],
    /// Blue.
    pub b: [u32; HISTOGRAM_BINS],
}

/// Sums over one region of 2×2 Bayer tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Pod, Zeroable)]
#[repr(C, align(8))]
pub struct Region {
    /// Tiles in the sums.
    pub counted: u32,
    /// Tiles left out, since a channel was saturated.
    pub notcounted: u32,
    /// Sum of red, 13 bits a tile.
    pub r_sum: u64,
    /// Sum of green, 13 bits a tile.
    pub g_sum: u64,
    /// Sum of blue, 13 bits a tile.
    pub b_sum: u64,
}

/// Contrast sums of one focus region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Pod, Zeroable)]
#[repr(C, align(8))]
pub struct Focus {
    /// Contrast, row-major 2×2.
    pub contrast: [u64; 4],
    /// Number of samples behind each contrast.
    pub contrast_count: [u32; 4],
}

/// `struct bcm2835_isp_stats`: what the ISP measured of one frame, 10824 bytes.
///
/// Measured after black level and lens shading, before any gain, on a scale of 13 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(8))]
pub struct Statistics {
    /// Version of the layout, 1.
    pub version: u32,
    /// Size in bytes, 10824.
    pub size: u32,
    /// Histograms; the first is the one that the algorithms read.
    pub histograms: [Histogram; 2],
    /// White-balance zones, row-major.
    pub awb: [Region; AWB_ZONES.0 * AWB_ZONES.1],
    /// Floating regions; nobody reads them.
    pub floating: [Region; 16],
    /// Exposure regions.
    pub agc: [Region; AGC_REGIONS],
    /// Focus regions, row-major.
    pub focus: [Focus; FOCUS_REGIONS.0 * FOCUS_REGIONS.1],
}

/// Size of [`Statistics`] in bytes.
pub const STATISTICS_BYTES: usize = size_of::<Statistics>();
const _: () = assert!(STATISTICS_BYTES == 10_824);

/// A fraction, as the ISP takes coefficients. The IPA writes thousandths.
///
/// ```
/// use ringfence::rpi::layout::Rational;
///
/// assert_eq!(Rational::from_thousandths(1.25), Rational { num: 1250, den: 1000 });
/// assert_eq!(Rational { num: 1, den: 0 }.value(), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Pod, Zeroable)]
#[repr(C)]
pub struct Rational {
    /// Numerator.
    pub num: i32,
    /// Denominator; zero is invalid.
    pub den: u32,
}

impl Rational {
    /// `value` in thousandths, rounded to the nearest.
    #[must_use]
    pub fn from_thousandths(value: f64) -> Self {
        Self { num: (value * 1000.0).round() as i32, den: 1000 }
    }

    /// The value, or `None` if the denominator is zero.
    #[must_use]
    pub fn value(self) -> Option<f64> {
        (self.den != 0).then(|| f64::from(self.num) / f64::from(self.den))
    }
}

/// Payload of the colour matrix control, 88 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Pod, Zeroable)]
#[repr(C)]
pub struct ColourMatrix {
    /// 1 if the ISP shall apply it.
    pub enabled: u32,
    /// Row-major: `out[i] = sum(coefficients[i][j] * in[j]) + offsets[i]`.
    pub coefficients: [[Rational; 3]; 3],
    /// Added afterwards, on a scale of 16 bits.
    pub offsets: [i32; 3],
}

/// Payload of the black level control, 12 bytes; levels on a scale of 16 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Pod, Zeroable)]
#[repr(C)]
pub struct BlackLevel {
    /// 1 if the ISP shall apply it.
    pub enabled: u32,
    /// Red.
    pub r: u16,
    /// Green.
    pub g: u16,
    /// Blue.
    pub b: u16,
    /// Zero.
    pub padding: [u8; 2],
}

/// Points of a gamma curve.
pub const GAMMA_POINTS: usize = 33;

/// Payload of the gamma control, 136 bytes; linear between the points, 16 bits on both axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Gamma {
    /// 1 if the ISP shall apply it.
    pub enabled: u32,
    /// Input of each point; see [`gamma_x`].
    pub x: [u16; GAMMA_POINTS],
    /// Output of each point.
    pub y: [u16; GAMMA_POINTS],
}

/// The fixed input of gamma point `index`: steps of 1024 up to 16384, of 2048 up to 32768, of 4096
/// after that, and 65535 for the last.
#[must_use]
pub fn gamma_x(index: usize) -> u16 {
    match index {
        0..16 => 1024 * index as u16,
        16..24 => 16_384 + 2048 * (index - 16) as u16,
        24..32 => 32_768 + 4096 * (index - 24) as u16,
        _ => 65_535,
    }
}

const _: () = assert!(size_of::<ColourMatrix>() == 88);
const _: () = assert!(size_of::<BlackLevel>() == 12);
const _: () = assert!(size_of::<Gamma>() == 136);
const _: () = assert!(size_of::<Histogram>() == 1536);
const _: () = assert!(size_of::<Region>() == 32);
const _: () = assert!(size_of::<Focus>() == 48);
