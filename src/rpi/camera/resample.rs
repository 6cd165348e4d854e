//! Scaling of linear-light pictures (area averages when shrinking, linear interpolation when enlarging), and the
//! blur of a lens.
#![forbid(unsafe_code)]

use rayon::prelude::*;

/// Source pixels behind one output pixel along one axis: the first one and the weights from there on, which
/// sum to one.
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

/// Taps of `output` pixels that cover `start..start + length` of an axis of `size` source pixels.
fn axis(start: f64, length: f64, size: usize, output: usize) -> Vec<Taps> {
    let step = length / output as f64;
    let last = size - 1;
    (0..output)
        .map(|index| {
            if step >= 1.0 {
                let (from, to) = (start + step * index as f64, start + step * (index + 1) as f64);
                let first = (from.floor().max(0.0) as usize).min(last);
                let end = (to.ceil() as usize).clamp(first + 1, size);
                let overlap = |pixel: usize| (to.min(pixel as f64 + 1.0) - from.max(pixel as f64)).max(0.0);
                let total: f64 = (first..end).map(overlap).sum();
                Taps { first, weights: (first..end).map(|pixel| (overlap(pixel) / total) as f32).collect() }
            } else {
                // Centre of the output pixel, counted from the centre of the first source pixel.
                let centre = (start + step * (index as f64 + 0.5) - 0.5).clamp(0.0, last as f64);
                let first = (centre.floor() as usize).min(last.saturating_sub(1));
                let fraction = (centre - first as f64) as f32;
                if last == 0 {
                    Taps { first, weights: vec![1.0] }
                } else {
                    Taps { first, weights: vec![1.0 - fraction, fraction] }
                }
            }
        })
        .collect()
}

/// Scales a picture of `source` (columns, rows) so that it covers `output`, and cuts off evenly what stands out.
///
/// `pixel(index)` yields the linear light of the source's pixel at that row-major index. Sides must not be zero.
pub(super) fn cover<F>(source: (usize, usize), output: (usize, usize), pixel: F) -> Vec<[f32; 3]>
where
    F: Fn(usize) -> [f32; 3] + Sync,
{
    let scale = (source.0 as f64 / output.0 as f64).min(source.1 as f64 / output.1 as f64);
    let (crop_w, crop_h) = (scale * output.0 as f64, scale * output.1 as f64);
    let columns = axis((source.0 as f64 - crop_w) / 2.0, crop_w, source.0, output.0);
    let rows = axis((source.1 as f64 - crop_h) / 2.0, crop_h, source.1, output.1);
    let mut pixels = vec![[0.0f32; 3]; output.0 * output.1];
    pixels.par_chunks_mut(output.0).zip(rows.par_iter()).for_each_init(
        || vec![[0.0f32; 3]; source.0],
        |blend, (line, row)| {
            blend.fill([0.0; 3]);
            for (offset, &weight) in row.weights.iter().enumerate() {
                let start = (row.first + offset) * source.0;
                for (x, sum) in blend.iter_mut().enumerate() {
                    let value = pixel(start + x);
                    for channel in 0..3 {
                        sum[channel] += weight * value[channel];
                    }
                }
            }
            for (target, taps) in line.iter_mut().zip(&columns) {
                let mut sum = [0.0f32; 3];
                for (value, &weight) in blend[taps.first..].iter().zip(&taps.weights) {
                    for channel in 0..3 {
                        sum[channel] += weight * value[channel];
                    }
                }
                *target = sum;
            }
        },
    );
    pixels
}

/// Blurs a picture as a good lens would: weights of 1, 2, 1 along both axes, a spot of some two pixels.
///
/// No lens draws an edge between two pixels. If the scene did, demosaicking would fringe it in colours that no real
/// picture has.
pub(super) fn soften(pixels: &[[f32; 3]], width: usize) -> Vec<[f32; 3]> {
    let mut soft = vec![[0.0f32; 3]; pixels.len()];
    let last_row = pixels.len() / width - 1;
    let row = |y: usize| &pixels[y * width..(y + 1) * width];
    soft.par_chunks_mut(width).enumerate().for_each_init(
        || vec![[0.0f32; 3]; width],
        |blend, (y, line)| {
            let (above, here, below) = (row(y.saturating_sub(1)), row(y), row((y + 1).min(last_row)));
            for (x, sum) in blend.iter_mut().enumerate() {
                *sum = std::array::from_fn(|c| 0.25 * above[x][c] + 0.5 * here[x][c] + 0.25 * below[x][c]);
            }
            for (x, target) in line.iter_mut().enumerate() {
                let (left, here, right) =
                    (blend[x.saturating_sub(1)], blend[x], blend[(x + 1).min(width - 1)]);
                *target = std::array::from_fn(|c| 0.25 * left[c] + 0.5 * here[c] + 0.25 * right[c]);
            }
        },
    );
    soft
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_to_one_and_stay_inside() {
        for (size, output) in [(10, 3), (3, 10), (1, 5), (7, 7), (1000, 64), (2, 1)] {
            for taps in axis(0.0, size as f64, size, output) {
                assert!((taps.weights.iter().sum::<f32>() - 1.0).abs() < 1e-5);
                assert!(taps.first + taps.weights.len() <= size, "{size} to {output}");
            }
        }
    }

    #[test]
    fn same_size_is_the_identity_and_halving_averages() {
        let source: Vec<[f32; 3]> = (0..24).map(|index| [index as f32, 1.0, -0.5]).collect();
        assert_eq!(cover((6, 4), (6, 4), |index| source[index]), source);
        let half = cover((6, 4), (3, 2), |index| source[index]);
        assert_eq!(half[0], [(0.0 + 1.0 + 6.0 + 7.0) / 4.0, 1.0, -0.5]);
    }

    #[test]
    fn what_stands_out_is_cut_evenly() {
        // 8×2 to 2×2: the middle two columns remain.
        let cut = cover((8, 2), (2, 2), |index| [(index % 8) as f32; 3]);
        assert_eq!(cut, vec![[3.0; 3], [4.0; 3], [3.0; 3], [4.0; 3]]);
    }

    #[test]
    fn softening_spreads_a_point_and_keeps_its_light() {
        let mut point = vec![[0.0; 3]; 25];
        point[12] = [16.0, 32.0, -16.0];
        let soft = soften(&point, 5);
        assert_eq!(
            [soft[12], soft[13], soft[6], soft[10]],
            [[4.0, 8.0, -4.0], [2.0, 4.0, -2.0], [1.0, 2.0, -1.0], [0.0; 3]]
        );
        assert_eq!(soft.iter().map(|pixel| pixel[0]).sum::<f32>(), 16.0);
        assert_eq!(soften(&[[0.3; 3]; 12], 4), vec![[0.3; 3]; 12]);
    }
}
