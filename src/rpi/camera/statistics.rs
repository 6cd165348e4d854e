//! The statistics that the bcm2835 ISP makes of a raw picture.
//!
//! They are measured on whole 2×2 Bayer tiles, after the black level was taken off and the rest stretched to
//! 13 bits, before any gain. A tile's green is the mean of its two, rounded. A tile is saturated if one of its
//! four raw values is [`imx219::WHITE_LEVEL`].
//!
//! | Part | What is in it |
//! |---|---|
//! | histograms | the first: every tile, in 128 bins of 64 values; the second: zero |
//! | white balance | 16×12 zones, row-major; saturated tiles are in `notcounted` alone |
//! | exposure | the 15 regions of [`AGC_LAYOUT`]; every tile counts, saturated or not; the 16th: zero |
//! | floating | zero |
//! | focus | 4×3 regions, row-major, see below |
//!
//! # Exposure regions
//! Concentric, so that one list of weights serves centre-weighted, spot and matrix metering. Region 0 is the centre,
//! 1 and 2 lie left and right of it, 3 and 4 above, 5 and 6 below; 7 to 10 are the upper, lower, left and right
//! edge, 11 to 14 the corners (upper left, upper right, lower left, lower right). In eighteenths of the width
//! and of the height:
//!
//! ```text
//!     0    3       7   9   11      15   18
//!   0 +----+-----------------------+----+
//!     | 11 |           7           | 12 |
//!   3 +----+-----------+-----------+----+
//!     |    |     3     |     4     |    |
//!   7 |    +-------+---+---+-------+    |
//!     |  9 |   1   |   0   |   2   | 10 |
//!  11 |    +-------+---+---+-------+    |
//!     |    |     5     |     6     |    |
//!  15 +----+-----------+-----------+----+
//!     | 13 |           8           | 14 |
//!  18 +----+-----------------------+----+
//! ```
//!
//! # Focus
//! `contrast[0][1]` is the sum of the squared differences between the greens of horizontal neighbours,
//! `contrast[1][0]` that of vertical ones, `contrast[1][1]` (the one that the algorithms read) both together: the
//! measure of Tenenbaum (1970) with the shortest kernel. Squares are divided by 64 and rounded down, so that
//! differences of less than a raw value, which are noise, add nothing. `contrast[0][0]` is zero. Neighbours in
//! other regions do not count.
#![forbid(unsafe_code)]

use bytemuck::Zeroable;
use rayon::prelude::*;

use super::frame::RawFrame;
use crate::rpi::imx219;
use crate::rpi::layout::{
    AWB_ZONES, FOCUS_REGIONS, HISTOGRAM_BINS, STATISTICS_BITS, STATISTICS_BYTES, Statistics,
};

/// Largest value in the statistics.
const MAX: u16 = (1 << STATISTICS_BITS) - 1;

/// Rows of tiles that one task works on: few enough to share the work, many enough to pay for a task's sums.
const ROWS_PER_TASK: usize = 44;

/// Exposure region of each cell of the grid whose lines are at 0, 3, 7, 9, 11, 15 and 18 eighteenths of the
/// width and at 0, 3, 7, 11, 15 and 18 eighteenths of the height, row-major. The drawing is in the module's text.
pub const AGC_LAYOUT: [[u8; 6]; 5] = [
    [11, 7, 7, 7, 7, 12],
    [9, 3, 3, 4, 4, 10],
    [9, 1, 0, 0, 2, 10],
    [9, 5, 5, 6, 6, 10],
    [13, 8, 8, 8, 8, 14],
];
const AGC_COLUMNS: [usize; 7] = [0, 3, 7, 9, 11, 15, 18];
const AGC_ROWS: [usize; 6] = [0, 3, 7, 11, 15, 18];
const AGC_UNITS: usize = 18;

/// Measures a raw picture. `black_level` is that of red, green and blue on a scale of 16 bits, as the ISP takes it
/// (4096 for the imx219).
///
/// The sums are of integers, so the number of threads that rayon uses changes nothing.
///
/// ```
/// use ringfence::rpi::camera::{RawFrame, measure};
///
/// let statistics = measure(&RawFrame::new(128, 96), [4096; 3]);
/// let tiles: u32 = statistics.awb.iter().map(|zone| zone.counted + zone.notcounted).sum();
/// assert!(tiles > 0 && statistics.histograms[0].g[0] > 0, "all is dark");
/// ```
#[must_use]
pub fn measure(raw: &RawFrame, black_level: [u16; 3]) -> Statistics {
    let [red, green, blue] = black_level.map(rescale_table);
    let (across, down) = (raw.width() as usize / 2, raw.height() as usize / 2);
    let columns = Columns::new(across);
    let tables = Tables { red: &red, green: &green, blue: &blue };
    let starts: Vec<usize> = (0..down).step_by(ROWS_PER_TASK).collect();
    let mut total = starts
        .par_iter()
        .map(|&start| {
            let mut sums = Statistics::zeroed();
            let mut lines = [vec![0u16; across], vec![0u16; across]];
            let end = (start + ROWS_PER_TASK).min(down);
            for row in start..end {
                add_row(&mut sums, raw, row, down, &columns, &tables, &mut lines[row % 2]);
                if row > start {
                    let [even, odd] = &lines;
                    let (above, below) = if row % 2 == 1 { (even, odd) } else { (odd, even) };
                    add_vertical(&mut sums, above, below, row - 1, down, &columns);
                }
            }
            if end < down {
                // The difference to the first row of the next task is this task's.
                let (kept, next) = lines.split_at_mut(1);
                let (above, below) =
                    if end % 2 == 1 { (&kept[0], &mut next[0]) } else { (&next[0], &mut kept[0]) };
                green_row(raw, end, &tables, below);
                add_vertical(&mut sums, above, below, end - 1, down, &columns);
            }
            sums
        })
        .reduce(Statistics::zeroed, |mut total, part| {
            merge(&mut total, &part);
            total
        });
    total.version = 1;
    total.size = STATISTICS_BYTES as u32;
    total
}

/// 13-bit value of each raw value: black becomes 0, white 8191, rounded.
fn rescale_table(black_level: u16) -> [u16; 1024] {
    let black = f64::from(black_level) / 64.0;
    let span = (f64::from(imx219::WHITE_LEVEL) - black).max(1.0);
    std::array::from_fn(|raw| {
        let value = (raw as f64 - black) * f64::from(MAX) / span;
        (value + 0.5).floor().clamp(0.0, f64::from(MAX)) as u16
    })
}

struct Tables<'a> {
    red: &'a [u16; 1024],
    green: &'a [u16; 1024],
    blue: &'a [u16; 1024],
}

/// First tile of segment `index` when `size` tiles are cut into `count` equal parts.
fn bound(index: usize, size: usize, count: usize) -> usize {
    index * size / count
}

/// The segment that tile `position` lies in; the inverse of [`bound`].
fn segment(position: usize, size: usize, count: usize) -> usize {
    (0..count).rfind(|&index| bound(index, size, count) <= position).unwrap_or(0)
}

/// The segments between given lines that tile `position` lies in.
fn agc_segment(position: usize, size: usize, lines: &[usize]) -> usize {
    (0..lines.len() - 1).rfind(|&index| bound(lines[index], size, AGC_UNITS) <= position).unwrap_or(0)
}

/// Runs of tiles in a row that belong to one zone of white balance and one cell of the exposure grid.
struct Columns {
    across: usize,
    runs: Vec<Run>,
    /// First tile of each focus region, and the end.
    focus: [usize; FOCUS_REGIONS.0 + 1],
}

struct Run {
    tiles: std::ops::Range<usize>,
    zone: usize,
    cell: usize,
}

impl Columns {
    fn new(across: usize) -> Self {
        let mut edges: Vec<usize> =
            (0..=AWB_ZONES.0).map(|index| bound(index, across, AWB_ZONES.0)).collect();
        edges.extend(AGC_COLUMNS.map(|line| bound(line, across, AGC_UNITS)));
        edges.sort_unstable();
        edges.dedup();
        let runs = edges
            .windows(2)
            .map(|pair| Run {
                tiles: pair[0]..pair[1],
                zone: segment(pair[0], across, AWB_ZONES.0),
                cell: agc_segment(pair[0], across, &AGC_COLUMNS),
            })
            .collect();
        Self { across, runs, focus: std::array::from_fn(|index| bound(index, across, FOCUS_REGIONS.0)) }
    }
}

#[inline]
fn look_up(table: &[u16; 1024], raw: u16) -> u16 {
    table[usize::from(raw.min(imx219::WHITE_LEVEL))]
}

/// Green of each tile of a row.
fn green_row(raw: &RawFrame, row: usize, tables: &Tables<'_>, greens: &mut [u16]) {
    let (upper, lower) = (raw.row(2 * row), raw.row(2 * row + 1));
    for ((green, upper), lower) in greens.iter_mut().zip(upper.chunks_exact(2)).zip(lower.chunks_exact(2)) {
        *green = tile_green(tables, upper[1], lower[0]);
    }
}

#[inline]
fn tile_green(tables: &Tables<'_>, one: u16, other: u16) -> u16 {
    (look_up(tables.green, one) + look_up(tables.green, other)).div_ceil(2)
}

/// Adds a row of tiles: histogram, white balance, exposure, horizontal contrast. Leaves its greens in `greens`.
fn add_row(
    sums: &mut Statistics,
    raw: &RawFrame,
    row: usize,
    down: usize,
    columns: &Columns,
    tables: &Tables<'_>,
    greens: &mut [u16],
) {
    let (upper, lower) = (raw.row(2 * row), raw.row(2 * row + 1));
    let zones = AWB_ZONES.0 * segment(row, down, AWB_ZONES.1);
    let cells = &AGC_LAYOUT[agc_segment(row, down, &AGC_ROWS)];
    let histogram = &mut sums.histograms[0];
    for run in &columns.runs {
        // A row has at most 1640 tiles of 13 bits: its sums fit into 32 bits.
        let (mut all, mut good, mut counted) = ([0u32; 3], [0u32; 3], 0u32);
        let pixels = 2 * run.tiles.start..2 * run.tiles.end;
        let tiles = upper[pixels.clone()].chunks_exact(2).zip(lower[pixels].chunks_exact(2));
        for ((upper, lower), green_slot) in tiles.zip(&mut greens[run.tiles.clone()]) {
            let blue = look_up(tables.blue, upper[0]);
            let red = look_up(tables.red, lower[1]);
            let green = tile_green(tables, upper[1], lower[0]);
            *green_slot = green;
            let values = [red, green, blue];
            let peak = upper[0].max(upper[1]).max(lower[0]).max(lower[1]);
            let keep = u32::from(peak < imx219::WHITE_LEVEL);
            counted += keep;
            for channel in 0..3 {
                let value = u32::from(values[channel]);
                all[channel] += value;
                good[channel] += value * keep;
            }
            let bin = |value: u16| usize::from(value >> 6) & (HISTOGRAM_BINS - 1);
            histogram.r[bin(red)] += 1;
            histogram.g[bin(green)] += 1;
            histogram.b[bin(blue)] += 1;
        }
        let tiles = run.tiles.len() as u32;
        let zone = &mut sums.awb[zones + run.zone];
        zone.counted += counted;
        zone.notcounted += tiles - counted;
        let region = &mut sums.agc[usize::from(cells[run.cell])];
        region.counted += tiles;
        for (target, sums) in [(zone, good), (region, all)] {
            target.r_sum += u64::from(sums[0]);
            target.g_sum += u64::from(sums[1]);
            target.b_sum += u64::from(sums[2]);
        }
    }
    let first = FOCUS_REGIONS.0 * segment(row, down, FOCUS_REGIONS.1);
    for (index, bounds) in columns.focus.windows(2).enumerate() {
        let greens = &greens[bounds[0]..bounds[1]];
        let sum = squares(greens, &greens[1.min(greens.len())..]);
        let samples = greens.len().saturating_sub(1) as u32;
        let region = &mut sums.focus[first + index];
        for slot in [1, 3] {
            region.contrast[slot] += sum;
            region.contrast_count[slot] += samples;
        }
    }
}

/// Adds the contrast between tile row `row` (`above`) and the next one (`below`).
fn add_vertical(
    sums: &mut Statistics,
    above: &[u16],
    below: &[u16],
    row: usize,
    down: usize,
    columns: &Columns,
) {
    let region = segment(row, down, FOCUS_REGIONS.1);
    if segment(row + 1, down, FOCUS_REGIONS.1) != region {
        return;
    }
    debug_assert_eq!(above.len(), columns.across);
    for (index, bounds) in columns.focus.windows(2).enumerate() {
        let tiles = bounds[0]..bounds[1];
        let sum = squares(&above[tiles.clone()], &below[tiles.clone()]);
        let focus = &mut sums.focus[FOCUS_REGIONS.0 * region + index];
        for slot in [2, 3] {
            focus.contrast[slot] += sum;
            focus.contrast_count[slot] += tiles.len() as u32;
        }
    }
}

/// Sum of the squared differences of corresponding elements, each divided by 64.
#[inline]
fn squares(one: &[u16], other: &[u16]) -> u64 {
    // 13 bits squared, less 6, times 1640: below 2^31.
    u64::from(
        one.iter()
            .zip(other)
            .map(|(one, other)| {
                let difference = i32::from(*one) - i32::from(*other);
                (difference * difference) as u32 >> 6
            })
            .sum::<u32>(),
    )
}

fn merge(total: &mut Statistics, part: &Statistics) {
    for (total, part) in total.histograms.iter_mut().zip(&part.histograms) {
        for (total, part) in [(&mut total.r, &part.r), (&mut total.g, &part.g), (&mut total.b, &part.b)] {
            for (total, part) in total.iter_mut().zip(part) {
                *total += part;
            }
        }
    }
    let regions = total.awb.iter_mut().zip(&part.awb).chain(total.agc.iter_mut().zip(&part.agc));
    for (total, part) in regions {
        total.counted += part.counted;
        total.notcounted += part.notcounted;
        total.r_sum += part.r_sum;
        total.g_sum += part.g_sum;
        total.b_sum += part.b_sum;
    }
    for (total, part) in total.focus.iter_mut().zip(&part.focus) {
        for slot in 0..4 {
            total.contrast[slot] += part.contrast[slot];
            total.contrast_count[slot] += part.contrast_count[slot];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::noise::Stream;
    use super::*;

    const BLACK: [u16; 3] = [4096; 3];

    /// The statistics written down as the module's text states them, a tile at a time.
    fn reference(raw: &RawFrame, black_level: [u16; 3]) -> Statistics {
        let mut out = Statistics::zeroed();
        (out.version, out.size) = (1, 10_824);
        let (across, down) = (raw.width() as usize / 2, raw.height() as usize / 2);
        let scaled = |value: u16, channel: usize| {
            let black = f64::from(black_level[channel]) / 64.0;
            ((f64::from(value.min(1023)) - black) * 8191.0 / (1023.0 - black) + 0.5).floor().max(0.0) as u64
        };
        let tile = |x: usize, y: usize| {
            let at = |dx: usize, dy: usize| raw.row(2 * y + dy)[2 * x + dx];
            let green = (scaled(at(1, 0), 1) + scaled(at(0, 1), 1)).div_ceil(2);
            let saturated = [at(0, 0), at(1, 0), at(0, 1), at(1, 1)].iter().any(|value| *value >= 1023);
            ([scaled(at(1, 1), 0), green, scaled(at(0, 0), 2)], saturated)
        };
        let part = |position: usize, size: usize, lines: &[usize]| {
            let last = lines[lines.len() - 1];
            lines
                .windows(2)
                .position(|pair| (pair[0] * size / last..pair[1] * size / last).contains(&position))
                .unwrap()
        };
        let equal = |count: usize| (0..=count).collect::<Vec<_>>();
        for y in 0..down {
            for x in 0..across {
                let (values, saturated) = tile(x, y);
                for (bins, value) in
                    [&mut out.histograms[0].r, &mut out.histograms[0].g, &mut out.histograms[0].b]
                        .into_iter()
                        .zip(values)
                {
                    bins[(value >> 6) as usize] += 1;
                }
                let zone = &mut out.awb[16 * part(y, down, &equal(12)) + part(x, across, &equal(16))];
                if saturated {
                    zone.notcounted += 1;
                } else {
                    zone.counted += 1;
                    zone.r_sum += values[0];
                    zone.g_sum += values[1];
                    zone.b_sum += values[2];
                }
                let cell = AGC_LAYOUT[part(y, down, &[0, 3, 7, 11, 15, 18])]
                    [part(x, across, &[0, 3, 7, 9, 11, 15, 18])];
                let region = &mut out.agc[usize::from(cell)];
                region.counted += 1;
                region.r_sum += values[0];
                region.g_sum += values[1];
                region.b_sum += values[2];
                let window = |x: usize, y: usize| 4 * part(y, down, &equal(3)) + part(x, across, &equal(4));
                let focus = &mut out.focus[window(x, y)];
                for (dx, dy, slot) in [(1, 0, 1), (0, 1, 2)] {
                    if x + dx < across && y + dy < down && window(x + dx, y + dy) == window(x, y) {
                        let square = values[1].abs_diff(tile(x + dx, y + dy).0[1]).pow(2) / 64;
                        for slot in [slot, 3] {
                            focus.contrast[slot] += square;
                            focus.contrast_count[slot] += 1;
                        }
                    }
                }
            }
        }
        out
    }

    fn random_frame(width: u32, height: u32, seed: u64, limit: u64) -> RawFrame {
        let mut raw = RawFrame::new(width, height);
        let mut stream = Stream::new(seed, 0, 0);
        for value in raw.pixels_mut() {
            *value = (stream.draw() % limit) as u16;
        }
        raw
    }

    #[test]
    fn agrees_with_the_plain_reference_on_random_frames() {
        // Dark frames, bright ones with many saturated tiles, values beyond ten bits, odd numbers of tiles.
        for (width, height, limit) in
            [(64, 48, 1024), (66, 50, 1024), (130, 98, 300), (320, 240, 1030), (2, 2, 900), (100, 182, 1024)]
        {
            let seed = u64::from(width);
            let raw = random_frame(width, height, seed, limit);
            for black in [BLACK, [0, 5000, 60_000]] {
                assert!(
                    measure(&raw, black) == reference(&raw, black),
                    "{width}×{height}, seed {seed}, {black:?}"
                );
            }
        }
    }

    #[test]
    fn every_tile_is_in_one_zone_and_one_region() {
        for (width, height) in [(64, 48), (1640, 1232), (200, 300)] {
            let raw = random_frame(width, height, 5, 1024);
            let statistics = measure(&raw, BLACK);
            let tiles = width * height / 4;
            assert_eq!(statistics.awb.iter().map(|zone| zone.counted + zone.notcounted).sum::<u32>(), tiles);
            assert_eq!(statistics.agc.iter().map(|region| region.counted).sum::<u32>(), tiles);
            assert!(statistics.agc[..15].iter().all(|region| region.counted > 0));
            assert_eq!(statistics.agc[15].counted, 0);
            for bins in [statistics.histograms[0].r, statistics.histograms[0].g, statistics.histograms[0].b] {
                assert_eq!(bins.iter().sum::<u32>(), tiles);
            }
            assert_eq!((statistics.version, statistics.size), (1, 10_824));
        }
    }

    #[test]
    fn a_flat_frame_has_the_stated_values_and_no_contrast() {
        let mut raw = RawFrame::new(64, 48);
        raw.pixels_mut().fill(543);
        let statistics = measure(&raw, BLACK);
        let value = ((543.0f64 - 64.0) * 8191.0 / 959.0 + 0.5).floor() as u64;
        for zone in &statistics.awb {
            assert_eq!(zone.g_sum, value * u64::from(zone.counted));
        }
        assert!(statistics.focus.iter().all(|region| region.contrast == [0; 4]));
        raw.pixels_mut().fill(imx219::WHITE_LEVEL);
        let white = measure(&raw, BLACK);
        assert!(white.awb.iter().all(|zone| zone.counted == 0 && zone.g_sum == 0 && zone.notcounted > 0));
        assert!(white.agc[..15].iter().all(|region| region.g_sum == 8191 * u64::from(region.counted)));
    }

    #[test]
    fn a_sharp_picture_has_more_contrast_than_a_soft_one() {
        let mut raw = RawFrame::new(128, 96);
        let mut contrast = |period: u32| {
            for (index, value) in raw.pixels_mut().iter_mut().enumerate() {
                *value = if (index as u32 % 128 / period).is_multiple_of(2) { 200 } else { 600 };
            }
            measure(&raw, BLACK).focus.map(|region| region.contrast[3])
        };
        let (sharp, soft) = (contrast(4), contrast(16));
        assert!(sharp.iter().zip(soft).all(|(sharp, soft)| *sharp > soft));
    }
}
