//! Which item of a new list takes the place of which item of an old one.

use std::collections::BTreeMap;

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is still there, maybe in another place or under another name.
    Kept {
        old: usize,
        new: usize,
        /// Whether it has another place among those that are kept.
        moved: bool,
    },
    Removed {
        old: usize,
    },
    Added {
        new: usize,
    },
}

/// Pairs items of the same name, and of the others those that are between the same neighbours: they are renamed.
/// Sorted by the old list, with what is added at the end.
pub(super) fn pair(old: &[&str], new: &[&str]) -> Vec<Fate> {
    let places: BTreeMap<&str, usize> = new.iter().enumerate().map(|(index, name)| (*name, index)).collect();
    let mut partners: Vec<Option<usize>> = old.iter().map(|name| places.get(name).copied()).collect();
    let mut is_taken = vec![false; new.len()];
    for partner in partners.iter().flatten() {
        is_taken[*partner] = true;
    }
    for index in 0..old.len() {
        if partners[index].is_some() {
            continue;
        }
        let after =
            index.checked_sub(1).map_or(Some(0), |before| partners[before].map(|partner| partner + 1));
        let renamed = after.filter(|place| is_taken.get(*place) == Some(&false));
        if let Some(place) = renamed {
            is_taken[place] = true;
        }
        partners[index] = renamed;
    }
    let mut order: Vec<usize> = partners.iter().flatten().copied().collect();
    order.sort_unstable();
    let mut rank = 0;
    let mut fates: Vec<Fate> = Vec::new();
    for (old, partner) in partners.iter().enumerate() {
        fates.push(match *partner {
            Some(new) => {
                let moved = order.binary_search(&new) != Ok(rank);
                rank += 1;
                Fate::Kept { old, new, moved }
            }
            None => Fate::Removed { old },
        });
    }
    fates.extend((0..new.len()).filter(|new| !is_taken[*new]).map(|new| Fate::Added { new }));
    fates
}

#[cfg(test)]
mod tests {
    use super::Fate::{Added, Kept, Removed};
    use super::*;

    fn kept(old: usize, new: usize) -> Fate {
        Kept { old, new, moved: false }
    }

    #[test]
    fn names_are_found_again() {
        assert_eq!(pair(&["a", "b"], &["a", "b"]), [kept(0, 0), kept(1, 1)]);
        assert_eq!(pair(&["a", "b"], &["x", "a", "b"]), [kept(0, 1), kept(1, 2), Added { new: 0 }]);
        assert_eq!(pair(&["a", "b", "c"], &["a", "c"]), [kept(0, 0), Removed { old: 1 }, kept(2, 1)]);
        let swapped = [Kept { old: 0, new: 1, moved: true }, Kept { old: 1, new: 0, moved: true }];
        assert_eq!(pair(&["a", "b"], &["b", "a"]), swapped);
        assert_eq!(pair(&[], &["a"]), [Added { new: 0 }]);
    }

    #[test]
    fn other_names_between_the_same_neighbours_are_new_names() {
        assert_eq!(pair(&["a", "b", "c"], &["a", "x", "c"]), [kept(0, 0), kept(1, 1), kept(2, 2)]);
        assert_eq!(pair(&["a", "b"], &["x", "y"]), [kept(0, 0), kept(1, 1)]);
        assert_eq!(pair(&["a", "b"], &["x"]), [kept(0, 0), Removed { old: 1 }]);
        assert_eq!(pair(&["a"], &["x", "y"]), [kept(0, 0), Added { new: 1 }]);
    }
}
