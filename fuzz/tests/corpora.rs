//! Every file of every corpus, as an ordinary test.

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use fuzz::TARGETS;

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_input_returns() {
    let mut failed = Vec::new();
    for (name, target) in TARGETS {
        let inputs = files(&corpus(name));
        assert!(!inputs.is_empty(), "{name} has no corpus");
        for input in inputs {
            let data = std::fs::read(&input).unwrap();
            if catch_unwind(|| target(&data)).is_err() {
                failed.push(input);
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn every_corpus_has_its_target_and_they_stay_small() {
    let root = corpus("");
    let mut octets = 0;
    for folder in files(&root) {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        assert!(fuzz::target(&name).is_some(), "{name} is no target");
        for file in files(&folder) {
            octets += std::fs::metadata(file).unwrap().len();
        }
    }
    assert!(octets < 300_000, "{octets} octets");
}
