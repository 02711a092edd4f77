//! What the tests of the wire share.
#![allow(dead_code, reason = "not every test uses everything")]

pub(crate) mod types;

use std::io::Write;
use std::path::PathBuf;

use rsp_asn1::{Asn1, Tag, Writer};

/// Octets from hexadecimal; white space is for the reader.
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let hex: String = hex.chars().filter(|c| !c.is_whitespace()).collect();
    assert!(hex.len().is_multiple_of(2), "{hex}");
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

/// One element.
pub(crate) fn element(tag: Tag, contents: &[u8]) -> Vec<u8> {
    let mut out = Writer::new();
    out.primitive(tag, contents);
    out.into_bytes()
}

/// The value, which must encode to the same octets again.
#[track_caller]
pub(crate) fn round_trip<T: Asn1>(hex: &str) -> T {
    let der = bytes(hex);
    let value = T::from_der(&der).unwrap_or_else(|error| panic!("{hex}: {error}"));
    assert_eq!(value.to_der(), der, "{hex}");
    value
}

/// The folder with test data, or a line in the log of skipped tests.
pub(crate) fn test_data(test: &str) -> Option<PathBuf> {
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
