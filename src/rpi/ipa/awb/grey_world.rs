//! The grey-world method: a picture is grey on average, its most colourful parts left aside.
//!
//! G. Buchsbaum, "A spatial processor model for object colour perception", J. Franklin Institute 310
//! (1980); the trimming keeps one large coloured thing from deciding alone.

/// Mean of the middle half of the zones, for red and blue each. Sorts `zones`, which must not be empty.
pub(super) fn average(zones: &mut [(f64, f64)]) -> (f64, f64) {
    let quarter = zones.len() / 4;
    zones.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let r = mean(&zones[quarter..zones.len() - quarter], |zone| zone.0);
    zones.sort_unstable_by(|a, b| a.1.total_cmp(&b.1));
    let b = mean(&zones[quarter..zones.len() - quarter], |zone| zone.1);
    (r, b)
}

fn mean(zones: &[(f64, f64)], value: impl Fn(&(f64, f64)) -> f64) -> f64 {
    zones.iter().map(value).sum::<f64>() / zones.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outliers_do_not_count() {
        let mut zones = [(0.5, 0.75); 16];
        zones[3] = (9.0, 0.1);
        zones[9] = (0.01, 7.0);
        assert_eq!(average(&mut zones), (0.5, 0.75));
        assert_eq!(average(&mut [(0.25, 0.5)]), (0.25, 0.5));
    }
}
