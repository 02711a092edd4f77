//! Words and paths that must not be left behind.

use super::tree::File;

/// Notes to oneself belong in the tracker, and a folder of one machine means
/// nothing on the next. Put together here so that this file is clean itself.
const WORDS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/tmp/tar", "get"),
];

/// Leftover words, with file and line.
pub(crate) fn check(files: &[File]) -> Vec<String> {
    let held = files.iter().filter(|file| !is_foreign(&file.path));
    held.flat_map(|file| {
        let found = leftovers(&file.text);
        found.map(|(line, word)| format!("{}:{line}: leftover `{word}`", file.path))
    })
    .collect()
}

/// Texts that are somebody else's or written by a program.
fn is_foreign(path: &str) -> bool {
    path == "LICENSE" || path.ends_with(".lock") || path.ends_with("package-lock.json")
}

fn leftovers(text: &str) -> impl Iterator<Item = (usize, &'static str)> {
    text.lines().enumerate().flat_map(|(index, line)| {
        let words = WORDS.iter().filter(|word| stands_alone(line, word));
        words.map(move |word| (index + 1, *word))
    })
}

/// Whether `word` occurs in `line` and is not a piece of a longer word.
fn stands_alone(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, found)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line
            .get(at + found.len()..)
            .and_then(|text| text.chars().next());
        let is_path = word.starts_with('/');
        !before.is_some_and(char::is_alphanumeric)
            && (is_path || !after.is_some_and(char::is_alphanumeric))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_are_found_as_whole_words() {
        let note = concat!("fine\n// TO", "DO: later\n");
        assert_eq!(leftovers(note).collect::<Vec<_>>(), [(2, WORDS[0])]);
        let folder = concat!("see /wo", "rk/main");
        assert_eq!(leftovers(folder).count(), 1);
    }

    #[test]
    fn pieces_of_other_words_are_fine() {
        assert_eq!(
            leftovers(concat!("https://a.example/frame", "/wo", "rkers AXX", "XB")).count(),
            0
        );
        assert_eq!(leftovers(concat!("home/wo", "rk/x")).count(), 0);
    }
}
