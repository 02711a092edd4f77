//! Profile packages of the field, byte for byte.
//!
//! The files are not part of the project. Where they are absent the test says
//! so and counts as skipped.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::io::Write;
use std::path::PathBuf;

use rsp_asn1::saip::{ProfileElement, decode_package, encode_package};

/// The folder with test data, or a line in the log of skipped tests.
fn test_data(test: &str) -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let folder = std::env::var("SIMURGH_TEST_DATA").unwrap_or_else(|_| default.into());
    let folder = PathBuf::from(folder);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("SKIPPED: {test}: no folder {}", folder.display());
    if let Ok(log) = std::env::var("SIMURGH_SKIP_LOG") {
        let mut log = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(log)
            .unwrap();
        writeln!(log, "{test}").unwrap();
    }
    None
}

#[test]
fn every_package_reencodes_byte_for_byte() {
    let Some(folder) = test_data("every_package_reencodes_byte_for_byte") else {
        return;
    };
    let mut files: Vec<_> = std::fs::read_dir(folder.join("data/ts48"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.push(folder.join("spec/minimal-profile.der"));
    assert!(files.len() > 5);
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let elements = decode_package(&bytes).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        assert!(matches!(elements.first(), Some(ProfileElement::Header(_))));
        assert!(matches!(elements.last(), Some(ProfileElement::End(_))));
        assert!(
            !elements
                .iter()
                .any(|e| matches!(e, ProfileElement::Unknown(_)))
        );
        assert!(
            encode_package(&elements) == bytes,
            "{} differs",
            file.display()
        );
    }
}
