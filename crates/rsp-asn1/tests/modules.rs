//! Every type of the modules has its place here.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod support;

use support::test_data;
use support::types::{Recode, SGP22, SGP32};

/// Names that the module gives to types: `Name ::=` at the start of a line.
fn names(module: &str) -> Vec<&str> {
    module
        .lines()
        .filter_map(|line| line.split_once("::="))
        .map(|(name, _)| name.trim_end())
        .filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase()))
        .filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
        .collect()
}

#[track_caller]
fn assert_complete(module: &str, at_least: usize, table: &[(&str, Recode)]) {
    let Some(folder) = test_data("every type of a module has its place") else {
        return;
    };
    let text = std::fs::read_to_string(folder.join("spec/asn1").join(module)).unwrap();
    let names = names(&text);
    assert!(names.len() >= at_least, "{module}: {} types", names.len());
    let missing: Vec<_> = names
        .iter()
        .filter(|name| !table.iter().any(|(known, _)| known == *name))
        .collect();
    assert!(missing.is_empty(), "{module}: {missing:?}");
}

#[test]
fn every_type_of_sgp32_has_its_place() {
    assert_complete("SGP32Definitions-v1.2.asn", 125, SGP32);
    assert_complete("SGP32Definitions-v1.3.asn", 129, SGP32);
}

#[test]
fn every_type_of_sgp22_has_its_place() {
    assert_complete("RSPDefinitions-v2.5.asn", 120, SGP22);
    assert_complete("RSPDefinitions-v2.7.asn", 124, SGP22);
}

#[test]
fn a_missing_type_is_noticed() {
    let text = "Known ::= INTEGER\nUnknown ::= [1] SEQUENCE {\n\tmember Known\n}\n";
    assert_eq!(names(text), ["Known", "Unknown"]);
}
