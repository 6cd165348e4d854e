//! What a thing took, round by round.

/// One value for each round in which a thing had its turn.
///
/// ```
/// use ringfence::bench::Rounds;
///
/// let (mut ours, mut limit) = (Rounds::default(), Rounds::default());
/// // In the second round the whole machine was slow.
/// for (round, (call, line)) in [(300.0, 100.0), (900.0, 300.0), (330.0, 110.0)].into_iter().enumerate() {
///     ours.push(round as u32, call);
///     limit.push(round as u32, line);
/// }
/// assert_eq!(ours.with(&limit, |call, line| call / line), Some(3.0));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Rounds {
    /// Rounds go up.
    values: Vec<(u32, f64)>,
}

impl Rounds {
    /// Adds the value of a round, which comes after those so far.
    pub fn push(&mut self, round: u32, value: f64) {
        debug_assert!(self.values.last().is_none_or(|&(last, _)| last < round), "one value a round");
        self.values.push((round, value));
    }

    /// In how many rounds the thing had its turn.
    #[must_use]
    pub fn count(&self) -> usize {
        self.values.len()
    }

    /// The median; NaN of nothing.
    #[must_use]
    pub fn median(&self) -> f64 {
        median(self.values.iter().map(|&(_, value)| value).collect())
    }

    /// The median of what `combine` makes of this and the other's value, over the rounds in which both had their turn:
    /// what the machine did in one round is then not held against another. `None` if there is no such round.
    #[must_use]
    pub fn with(&self, other: &Self, combine: impl Fn(f64, f64) -> f64) -> Option<f64> {
        let of_other =
            |round| other.values.iter().find(|&&(other, _)| other == round).map(|&(_, value)| value);
        let both = self.values.iter().filter_map(|&(round, value)| Some(combine(value, of_other(round)?)));
        let both: Vec<f64> = both.collect();
        (!both.is_empty()).then(|| median(both))
    }

    /// The median of the ratios to `other`, each of one round.
    #[must_use]
    pub fn ratio(&self, other: &Self) -> Option<f64> {
        self.with(other, |value, other| value / other)
    }
}

/// The median; of an even number, the mean of the two in the middle. NaN of nothing.
///
/// ```
/// use ringfence::bench::median;
///
/// assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
/// ```
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[odd / 2],
        even => f64::midpoint(values[even / 2 - 1], values[even / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(values: &[(u32, f64)]) -> Rounds {
        let mut rounds = Rounds::default();
        values.iter().for_each(|&(round, value)| rounds.push(round, value));
        rounds
    }

    #[test]
    fn ratios_are_of_the_same_round() {
        // The machine is ten times slower in round 2, and the second thing has no turn in round 1.
        let one = rounds(&[(0, 2.0), (1, 900.0), (2, 20.0), (3, 2.0)]);
        let other = rounds(&[(0, 1.0), (2, 10.0), (3, 1.0)]);
        assert_eq!(one.ratio(&other), Some(2.0));
        assert_eq!(one.median(), 11.0);
        assert_eq!(other.median(), 1.0);
    }

    #[test]
    fn nothing_has_no_ratio() {
        assert_eq!(rounds(&[(0, 1.0)]).ratio(&rounds(&[(1, 1.0)])), None);
        assert!(Rounds::default().median().is_nan());
    }
}
