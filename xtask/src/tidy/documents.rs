//! Every repository path that a document names must exist.

use std::path::Path;

use super::tree::{self, File};

/// Names of files and folders in documents that are not there.
pub(crate) fn check(root: &Path, files: &[File]) -> Vec<String> {
    let top_level = top_level_names(root);
    let mut breaches = Vec::new();
    for document in files.iter().filter(|file| is_held(file)) {
        for (line, path) in named_paths(&document.text, &top_level) {
            if !root.join(&path).exists() {
                breaches.push(format!("{}:{line}: {path} does not exist", document.path));
            }
        }
    }
    breaches
}

/// Documents at the root, and those below docs/ and spec/.
fn is_held(file: &File) -> bool {
    let place = file.path.as_str();
    file.is_document()
        && (!place.contains('/') || place.starts_with("docs/") || place.starts_with("spec/"))
}

fn top_level_names(root: &Path) -> Vec<String> {
    let entries = root.read_dir().into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !tree::is_made(name))
        .collect()
}

/// The repository paths between backticks, with the line each stands on.
/// Fenced blocks are left out: they show commands and trees.
fn named_paths(text: &str, top_level: &[String]) -> Vec<(usize, String)> {
    let mut fenced = false;
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        let quoted = line.split('`').skip(1).step_by(2);
        let paths = quoted.filter_map(|words| repository_path(words, top_level));
        found.extend(paths.map(|path| (index + 1, path)));
    }
    found
}

/// `crates/x/src/lib.rs:12` is `crates/x/src/lib.rs`; commands, patterns,
/// addresses and paths that start elsewhere are nothing.
fn repository_path(quoted: &str, top_level: &[String]) -> Option<String> {
    let is_pattern = |c: char| c.is_whitespace() || "*<>{}$…|=".contains(c);
    if quoted.contains(is_pattern) || quoted.contains("...") {
        return None;
    }
    let quoted = quoted.strip_prefix("./").unwrap_or(quoted);
    let (first, _) = quoted.split_once('/')?;
    if !top_level.iter().any(|name| name == first) {
        return None;
    }
    let end = quoted.find([':', '#']).unwrap_or(quoted.len());
    Some(quoted.get(..end)?.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<(usize, String)> {
        named_paths(text, &["crates", "docs", ".ci"].map(str::to_owned))
    }

    #[test]
    fn paths_between_backticks_are_found_with_their_line() {
        let text = "See `crates/store/src/lib.rs` and\n`.ci/run`; `docs/` too, `./docs/a.md#top`.";
        let expected = [
            (1, "crates/store/src/lib.rs"),
            (2, ".ci/run"),
            (2, "docs"),
            (2, "docs/a.md"),
        ];
        assert_eq!(paths(text), expected.map(|(n, p)| (n, p.to_owned())));
    }

    #[test]
    fn what_is_not_a_repository_path_is_left_alone() {
        let text = "\
`cargo test -p crates/x`, crates/plain/text, `application/json`, `crates/*/src`, `crates`,
```
`crates/in/a/block`
```
`gsma/rsp2/es9plus`, `docs/<name>.md`";
        assert_eq!(paths(text), []);
    }

    #[test]
    fn a_line_number_is_not_part_of_the_path() {
        assert_eq!(paths("`crates/a.rs:42`"), [(1, "crates/a.rs".to_owned())]);
    }
}
