//! Long functions and long files: their number only falls.

use std::path::Path;

use super::source;
use super::tree::File;
use crate::process::Failure;

/// The file that holds how many exceptions there are.
const HELD: &str = "xtask/ratchet.toml";

/// One thing that is counted.
struct Ratchet {
    /// Its key in the file.
    key: &'static str,
    /// The exceptions found, one line each.
    offenders: fn(&[File]) -> Vec<String>,
}

const RATCHETS: &[Ratchet] = &[
    Ratchet {
        key: "functions-over-60-lines",
        offenders: long_functions,
    },
    Ratchet {
        key: "files-over-600-lines",
        offenders: long_files,
    },
];

/// Counts that rose, and counts that fell without being taken down.
///
/// # Errors
///
/// When the file with the counts cannot be read.
pub(crate) fn check(root: &Path, files: &[File]) -> Result<Vec<String>, Failure> {
    let held = std::fs::read_to_string(root.join(HELD))
        .map_err(|e| Failure::io(&format!("cannot read {HELD}"), &e))?;
    let mut breaches = Vec::new();
    for ratchet in RATCHETS {
        let Some(allowed) = held_count(&held, ratchet.key) else {
            breaches.push(format!("{HELD} lacks a count for {}", ratchet.key));
            continue;
        };
        let offenders = (ratchet.offenders)(files);
        for offender in &offenders {
            eprintln!("tidy: {}: {offender}", ratchet.key);
        }
        breaches.extend(verdict(ratchet.key, offenders.len(), allowed));
    }
    Ok(breaches)
}

fn verdict(key: &str, found: usize, allowed: usize) -> Option<String> {
    if found > allowed {
        return Some(format!(
            "{key}: {found}, only {allowed} allowed: split some"
        ));
    }
    (found < allowed).then(|| format!("{key}: only {found} left of {allowed}: lower it in {HELD}"))
}

/// Reads `key = 3`.
fn held_count(text: &str, key: &str) -> Option<usize> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == key).then(|| value.trim().parse().ok())?
    })
}

fn long_functions(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| is_production(file)) {
        for function in source::functions(&file.text) {
            if function.lines > 60 {
                found.push(format!(
                    "{}:{}: {} has {} lines",
                    file.path, function.line, function.name, function.lines
                ));
            }
        }
    }
    found
}

fn long_files(files: &[File]) -> Vec<String> {
    let production = files.iter().filter(|file| is_production(file));
    production
        .map(|file| (&file.path, source::production(&file.text).lines().count()))
        .filter(|(_, lines)| *lines > 600)
        .map(|(path, lines)| format!("{path} has {lines} lines"))
        .collect()
}

/// Written by hand, and not a test.
fn is_production(file: &File) -> bool {
    let mut names = file.path.split('/');
    file.is_rust() && !names.any(|name| matches!(name, "tests" | "tests.rs" | "generated"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn counts_may_only_fall_and_are_then_taken_down() {
        assert_eq!(verdict("k", 2, 2), None);
        assert!(verdict("k", 3, 2).unwrap().contains("only 2 allowed"));
        assert!(verdict("k", 1, 2).unwrap().contains("lower it"));
    }

    #[test]
    fn counts_are_read_by_key() {
        let text = "# why\nfiles-over-600-lines = 4\n";
        assert_eq!(held_count(text, "files-over-600-lines"), Some(4));
        assert_eq!(held_count(text, "functions-over-60-lines"), None);
    }

    #[test]
    fn tests_and_generated_code_are_not_counted() {
        let long = format!("fn long() {{\n{}}}\n", "    work();\n".repeat(700));
        let counted = file("crates/a/src/b.rs", &long);
        let tests = file("crates/a/tests/b.rs", &long);
        let generated = file("crates/a/src/generated/b.rs", &long);
        let files = [counted, tests, generated];
        assert_eq!(
            long_functions(&files),
            ["crates/a/src/b.rs:1: long has 700 lines"]
        );
        assert_eq!(long_files(&files), ["crates/a/src/b.rs has 702 lines"]);
    }
}
