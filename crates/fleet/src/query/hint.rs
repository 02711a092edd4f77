//! Which word was meant.

/// The word that is nearest to what was given, if it is near.
pub(crate) fn nearest(
    given: &str,
    words: impl Iterator<Item = &'static str>,
) -> Option<&'static str> {
    let given: Vec<char> = given.to_lowercase().chars().take(40).collect();
    let most = match given.len() {
        0..=2 => 1,
        3..=7 => 2,
        _ => 3,
    };
    let rank = |word: &'static str| {
        let same_start = given.len() >= 3 && word.chars().zip(&given).all(|(a, b)| a == *b);
        let distance = distance(&given, word);
        (same_start || distance <= most).then_some((distance > most, distance, word))
    };
    words.filter_map(rank).min().map(|(_, _, word)| word)
}

/// How many characters must be changed, added, left out or swapped with their
/// neighbours.
fn distance(given: &[char], word: &str) -> usize {
    let word: Vec<char> = word.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=word.len()).collect();
    let at = |row: &[usize], place: usize| row.get(place).copied().unwrap_or(usize::MAX / 2);
    for (row, one) in given.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, other) in word.iter().enumerate() {
            let changed = at(&last, column) + usize::from(one != other);
            let shifted = (at(&last, column + 1) + 1).min(at(&next, column) + 1);
            let swapped = match (row.checked_sub(1), column.checked_sub(1)) {
                (Some(above), Some(left))
                    if given.get(above) == Some(other) && word.get(left) == Some(one) =>
                {
                    at(&before, left) + 1
                }
                _ => usize::MAX / 2,
            };
            next.push(changed.min(shifted).min(swapped));
        }
        before = std::mem::replace(&mut last, next);
    }
    at(&last, word.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words() {
        let words = || ["tier", "country", "last_contact", "site"].into_iter();
        for (given, meant) in [
            ("teir", Some("tier")),
            ("contry", Some("country")),
            ("lastcontact", Some("last_contact")),
            ("COUNTRIES", Some("country")),
            ("last", Some("last_contact")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(given, words()), meant, "{given}");
        }
    }
}
