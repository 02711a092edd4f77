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

mod support;

use rsp_asn1::saip::{ProfileElement, decode_package, encode_package};
use support::test_data;

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
