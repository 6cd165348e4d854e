//! Demosaicking after Malvar, He and Cutler.
//!
//! Source: H. S. Malvar, L. He, R. Cutler, "High-quality linear interpolation for demosaicing of Bayer-patterned
//! color images", ICASSP 2004: bilinear interpolation corrected by the gradient of the colour that is known,
//! 5×5 linear filters.
//!
//! Rows are held as two planes, the even and the odd columns, so that every filter reads with unit stride and the
//! compiler can vectorise it. Beyond its edges the picture is mirrored about the outermost pixels, which keeps
//! the order of the filters.
#![forbid(unsafe_code)]

use super::frame::RawFrame;

/// Values of a row, split into even and odd columns, with one value more at each end: the mirrored ones.
#[derive(Debug, Clone, Default)]
pub(super) struct SplitRow {
    /// Columns -2, 0, 2, …, width.
    even: Vec<f32>,
    /// Columns -1, 1, 3, …, width + 1.
    odd: Vec<f32>,
}

impl SplitRow {
    /// Reads a row through a table for its even and one for its odd columns.
    fn load(&mut self, row: &[u16], even: &[f32; 1024], odd: &[f32; 1024]) {
        let half = row.len() / 2;
        self.even.resize(half + 2, 0.0);
        self.odd.resize(half + 2, 0.0);
        let look_up = |table: &[f32; 1024], value: u16| table[usize::from(value.min(1023))];
        let targets = self.even[1..=half].iter_mut().zip(&mut self.odd[1..=half]);
        for ((even_slot, odd_slot), pair) in targets.zip(row.chunks_exact(2)) {
            *even_slot = look_up(even, pair[0]);
            *odd_slot = look_up(odd, pair[1]);
        }
        // Column -2 mirrors 2, -1 mirrors 1, width mirrors width - 2, width + 1 mirrors width - 3. A picture
        // of one tile has no column 2.
        self.even[0] = self.even[2.min(half)];
        self.odd[0] = self.odd[1];
        self.even[half + 1] = self.even[half];
        self.odd[half + 1] = self.odd[half.max(2) - 1];
    }
}

/// Full colours of a row: red, green and blue of the even columns, then of the odd ones.
#[derive(Debug, Clone, Default)]
pub(super) struct ColourRow {
    pub(super) even: [Vec<f32>; 3],
    pub(super) odd: [Vec<f32>; 3],
}

/// Walks down a raw picture and interpolates it row by row, with the five rows around the present one at hand.
#[derive(Debug, Clone, Default)]
pub(super) struct Demosaic {
    /// Row `y` of the picture is in `rows[y % 5]`.
    rows: [SplitRow; 5],
}

/// Values of raw red, green and blue after black level and gains.
#[derive(Debug)]
pub(super) struct RawTables {
    pub(super) red: [f32; 1024],
    pub(super) green: [f32; 1024],
    pub(super) blue: [f32; 1024],
}

impl Demosaic {
    /// Calls `emit(y, colours)` for each row in `range`.
    pub(super) fn run(
        &mut self,
        raw: &RawFrame,
        tables: &RawTables,
        range: std::ops::Range<usize>,
        colours: &mut ColourRow,
        mut emit: impl FnMut(usize, &ColourRow),
    ) {
        let height = raw.height() as usize;
        // Rows are counted with two of margin, so that the mirrored ones above have numbers too.
        let load = |rows: &mut [SplitRow; 5], margin_row: usize| {
            let y = mirror(margin_row as isize - 2, height);
            let (even, odd) = if y.is_multiple_of(2) {
                (&tables.blue, &tables.green)
            } else {
                (&tables.green, &tables.red)
            };
            rows[margin_row % 5].load(raw.row(y), even, odd);
        };
        for margin_row in range.start..range.start + 4 {
            load(&mut self.rows, margin_row);
        }
        for y in range {
            load(&mut self.rows, y + 4);
            let around: [&SplitRow; 5] = std::array::from_fn(|offset| &self.rows[(y + offset) % 5]);
            interpolate(around, y, raw.width() as usize / 2, colours);
            emit(y, colours);
        }
    }
}

/// The row of the picture that stands for `row`, up to two beyond an edge.
fn mirror(row: isize, height: usize) -> usize {
    let last = height as isize - 1;
    let inside = if row < 0 {
        -row
    } else if row > last {
        2 * last - row
    } else {
        row
    };
    // A picture of a single tile has no second row to mirror: the row of the same filters stands in.
    if (0..=last).contains(&inside) { inside as usize } else { inside.unsigned_abs() % 2 }
}

/// Sums of the neighbours of a pixel.
#[derive(Clone, Copy)]
struct Neighbours {
    centre: f32,
    /// Left and right; above and below.
    horizontal: f32,
    vertical: f32,
    diagonal: f32,
    /// The same two pixels away.
    far_horizontal: f32,
    far_vertical: f32,
}

impl Neighbours {
    /// Green at a red or blue pixel.
    #[inline(always)]
    fn green(self) -> f32 {
        let near = self.horizontal + self.vertical;
        let far = self.far_horizontal + self.far_vertical;
        (2.0 * near + 4.0 * self.centre - far) / 8.0
    }

    /// Blue at a red pixel, red at a blue one.
    #[inline(always)]
    fn opposite(self) -> f32 {
        let far = self.far_horizontal + self.far_vertical;
        (2.0 * self.diagonal + 6.0 * self.centre - 1.5 * far) / 8.0
    }

    /// At a green pixel, the colour of its left and right neighbours.
    #[inline(always)]
    fn along_row(self) -> f32 {
        (5.0 * self.centre + 4.0 * self.horizontal - self.diagonal - self.far_horizontal
            + 0.5 * self.far_vertical)
            / 8.0
    }

    /// At a green pixel, the colour of its neighbours above and below.
    #[inline(always)]
    fn along_column(self) -> f32 {
        (5.0 * self.centre + 4.0 * self.vertical - self.diagonal - self.far_vertical
            + 0.5 * self.far_horizontal)
            / 8.0
    }
}

/// The thirteen neighbours of one half of a row's pixels, each as long as that half.
#[derive(Clone, Copy)]
struct Planes<'a> {
    centre: &'a [f32],
    left: &'a [f32],
    right: &'a [f32],
    far_left: &'a [f32],
    far_right: &'a [f32],
    above: &'a [f32],
    below: &'a [f32],
    far_above: &'a [f32],
    far_below: &'a [f32],
    above_left: &'a [f32],
    above_right: &'a [f32],
    below_left: &'a [f32],
    below_right: &'a [f32],
}

impl<'a> Planes<'a> {
    /// Of the even columns.
    fn even(rows: [&'a SplitRow; 5], half: usize) -> Self {
        let even = |row: usize, shift: usize| &rows[row].even[shift..shift + half];
        let odd = |row: usize, shift: usize| &rows[row].odd[shift..shift + half];
        Self {
            centre: even(2, 1),
            left: odd(2, 0),
            right: odd(2, 1),
            far_left: even(2, 0),
            far_right: even(2, 2),
            above: even(1, 1),
            below: even(3, 1),
            far_above: even(0, 1),
            far_below: even(4, 1),
            above_left: odd(1, 0),
            above_right: odd(1, 1),
            below_left: odd(3, 0),
            below_right: odd(3, 1),
        }
    }

    /// Of the odd columns.
    fn odd(rows: [&'a SplitRow; 5], half: usize) -> Self {
        let even = |row: usize, shift: usize| &rows[row].even[shift..shift + half];
        let odd = |row: usize, shift: usize| &rows[row].odd[shift..shift + half];
        Self {
            centre: odd(2, 1),
            left: even(2, 1),
            right: even(2, 2),
            far_left: odd(2, 0),
            far_right: odd(2, 2),
            above: odd(1, 1),
            below: odd(3, 1),
            far_above: odd(0, 1),
            far_below: odd(4, 1),
            above_left: even(1, 1),
            above_right: even(1, 2),
            below_left: even(3, 1),
            below_right: even(3, 2),
        }
    }

    /// Writes red, green and blue, as `colour` makes them of the neighbours.
    ///
    /// Not inlined: as arguments of a function the outputs are known to alias nothing, without which the loop is
    /// not vectorised.
    #[inline(never)]
    fn fill(self, [red, green, blue]: [&mut [f32]; 3], colour: impl Fn(Neighbours) -> [f32; 3]) {
        let length = red.len();
        let (green, blue) = (&mut green[..length], &mut blue[..length]);
        let cut = |plane: &'a [f32]| &plane[..length];
        let (centre, left, right) = (cut(self.centre), cut(self.left), cut(self.right));
        let (far_left, far_right) = (cut(self.far_left), cut(self.far_right));
        let (above, below) = (cut(self.above), cut(self.below));
        let (far_above, far_below) = (cut(self.far_above), cut(self.far_below));
        let (above_left, above_right) = (cut(self.above_left), cut(self.above_right));
        let (below_left, below_right) = (cut(self.below_left), cut(self.below_right));
        for i in 0..length {
            [red[i], green[i], blue[i]] = colour(Neighbours {
                centre: centre[i],
                horizontal: left[i] + right[i],
                vertical: above[i] + below[i],
                diagonal: above_left[i] + above_right[i] + below_left[i] + below_right[i],
                far_horizontal: far_left[i] + far_right[i],
                far_vertical: far_above[i] + far_below[i],
            });
        }
    }
}

fn interpolate(rows: [&SplitRow; 5], y: usize, half: usize, out: &mut ColourRow) {
    for plane in out.even.iter_mut().chain(&mut out.odd) {
        plane.resize(half, 0.0);
    }
    let (even, odd) = (Planes::even(rows, half), Planes::odd(rows, half));
    let out_even = out.even.each_mut().map(Vec::as_mut_slice);
    let out_odd = out.odd.each_mut().map(Vec::as_mut_slice);
    if y.is_multiple_of(2) {
        even.fill(out_even, |site| [site.opposite(), site.green(), site.centre]);
        odd.fill(out_odd, |site| [site.along_column(), site.centre, site.along_row()]);
    } else {
        even.fill(out_even, |site| [site.along_row(), site.centre, site.along_column()]);
        odd.fill(out_odd, |site| [site.centre, site.green(), site.opposite()]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::BayerColour;
    use super::*;

    /// Interpolates a mosaic of `colour(x, y)` and yields the result, row-major.
    fn run(width: u32, height: u32, colour: impl Fn(usize, usize) -> [u16; 3]) -> Vec<[f32; 3]> {
        let mut raw = RawFrame::new(width, height);
        for (index, value) in raw.pixels_mut().iter_mut().enumerate() {
            let (x, y) = (index % width as usize, index / width as usize);
            *value = colour(x, y)[match BayerColour::at(x, y) {
                BayerColour::Red => 0,
                BayerColour::Green => 1,
                BayerColour::Blue => 2,
            }];
        }
        let identity = std::array::from_fn(|value| value as f32);
        let tables = RawTables { red: identity, green: identity, blue: identity };
        let mut pixels = Vec::new();
        let mut colours = ColourRow::default();
        // In two parts, as parallel tasks would.
        for range in [0..height as usize / 2, height as usize / 2..height as usize] {
            Demosaic::default().run(&raw, &tables, range, &mut colours, |_, row| {
                for i in 0..width as usize / 2 {
                    pixels.push(std::array::from_fn(|channel| row.even[channel][i]));
                    pixels.push(std::array::from_fn(|channel| row.odd[channel][i]));
                }
            });
        }
        pixels
    }

    #[test]
    fn flat_colour_is_exact_up_to_the_edges() {
        for (width, height) in [(2, 2), (4, 2), (2, 4), (4, 4), (10, 6)] {
            let pixels = run(width, height, |_, _| [300, 500, 700]);
            assert!(pixels.iter().all(|pixel| *pixel == [300.0, 500.0, 700.0]), "{width}×{height}");
        }
    }

    #[test]
    fn a_grey_slope_is_exact_inside() {
        // Linear filters of this kind reproduce planes: the correction terms vanish.
        let pixels = run(16, 12, |x, y| [(100 + 10 * x + 20 * y) as u16; 3]);
        for y in 2..10 {
            for x in 2..14 {
                assert_eq!(pixels[16 * y + x], [(100 + 10 * x + 20 * y) as f32; 3], "at {x}, {y}");
            }
        }
    }

    #[test]
    fn the_filters_are_the_published_ones() {
        // One lit pixel of the mosaic shows the filters' coefficients, in eighths, mirrored about it.
        let lit =
            |cx: usize, cy: usize| run(16, 16, move |x, y| [if (x, y) == (cx, cy) { 800 } else { 0 }; 3]);
        let at = |pixels: &[[f32; 3]], x: usize, y: usize| pixels[16 * y + x].map(|value| value / 100.0);
        let red = lit(7, 7);
        assert_eq!(at(&red, 7, 7), [8.0, 4.0, 6.0]);
        assert_eq!(at(&red, 8, 7), [4.0, 0.0, 0.0], "red along the row at green");
        assert_eq!(at(&red, 7, 8), [4.0, 0.0, 0.0], "red along the column at green");
        assert_eq!(at(&red, 8, 8), [2.0, 0.0, 0.0], "red at blue");
        assert_eq!(at(&red, 9, 7), [0.0, -1.0, -1.5]);
        assert_eq!(at(&red, 7, 5), [0.0, -1.0, -1.5]);
        let green = lit(8, 7);
        assert_eq!(at(&green, 8, 7), [5.0, 8.0, 5.0]);
        assert_eq!(at(&green, 7, 7), [0.0, 2.0, 0.0]);
        assert_eq!(at(&green, 9, 8), [-1.0, 0.0, -1.0]);
        assert_eq!(at(&green, 10, 7), [-1.0, 0.0, 0.5]);
        assert_eq!(at(&green, 8, 9), [0.5, 0.0, -1.0]);
    }
}
