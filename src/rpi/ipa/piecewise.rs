//! Functions given by points: linear between them, constant beyond the first and the last.

/// A piecewise linear function of one variable.
///
/// The points are checked when the tuning file is read: at least one, all finite, x strictly rising.
///
/// ```
/// use ringfence::rpi::ipa::piecewise::Piecewise;
///
/// let function = Piecewise::new(vec![(0.0, 1.0), (10.0, 3.0)]).expect("x rises");
/// assert_eq!([-5.0, 5.0, 50.0].map(|x| function.at(x)), [1.0, 2.0, 3.0]);
/// assert_eq!(Piecewise::new(vec![]), None);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Piecewise {
    points: Vec<(f64, f64)>,
}

impl Piecewise {
    /// The function through `points`, or `None` unless there is at least one point, every number is
    /// finite and x rises strictly.
    #[must_use]
    pub fn new(points: Vec<(f64, f64)>) -> Option<Self> {
        let finite = points.iter().all(|(x, y)| x.is_finite() && y.is_finite());
        let rising = points.windows(2).all(|pair| pair[0].0 < pair[1].0);
        (!points.is_empty() && finite && rising).then_some(Self { points })
    }

    /// Value at `x`; beyond the ends, the value of the nearest end.
    #[must_use]
    pub fn at(&self, x: f64) -> f64 {
        let (index, weight) = bracket(&self.points, |point| point.0, x);
        mix(self.points[index].1, self.points[(index + 1).min(self.points.len() - 1)].1, weight)
    }

    /// The points, x rising.
    #[must_use]
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }
}

/// Where `x` lies among sorted `items`: the index of the item before it, and how far on the way to the
/// next (0 to 1) it is. Beyond the ends, the first or the last pair's end. `items` is not empty.
pub(super) fn bracket<T>(items: &[T], key: impl Fn(&T) -> f64, x: f64) -> (usize, f64) {
    let after = items.partition_point(|item| key(item) <= x);
    if after == 0 {
        return (0, 0.0);
    }
    if after == items.len() {
        return (after - 1, 0.0);
    }
    let (low, high) = (key(&items[after - 1]), key(&items[after]));
    (after - 1, (x - low) / (high - low))
}

/// Linear interpolation from `a` (weight 0) to `b` (weight 1).
pub(super) fn mix(a: f64, b: f64, weight: f64) -> f64 {
    a + (b - a) * weight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_inside_and_constant_outside() {
        let function = Piecewise::new(vec![(0.0, 1.0), (10.0, 3.0), (20.0, -1.0)]).unwrap();
        for (x, y) in
            [(-5.0, 1.0), (0.0, 1.0), (5.0, 2.0), (10.0, 3.0), (15.0, 1.0), (20.0, -1.0), (99.0, -1.0)]
        {
            assert!((function.at(x) - y).abs() < 1e-12, "at {x}");
        }
    }

    #[test]
    fn a_single_point_is_a_constant() {
        let function = Piecewise::new(vec![(4.0, 7.0)]).unwrap();
        assert_eq!([function.at(0.0), function.at(4.0), function.at(9.0)], [7.0; 3]);
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(Piecewise::new(vec![]), None);
        assert_eq!(Piecewise::new(vec![(1.0, 0.0), (1.0, 1.0)]), None);
        assert_eq!(Piecewise::new(vec![(2.0, 0.0), (1.0, 1.0)]), None);
        assert_eq!(Piecewise::new(vec![(0.0, f64::NAN)]), None);
    }
}
