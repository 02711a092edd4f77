//! The conformance suites: the software eUICC passes its own, and every row of
//! the catalogue has its case.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::collections::BTreeSet;
use std::time::Duration;

use lab::conform::{self, Case, Selection, SoftwareCard, Verdict};
use lab::test_data;
use rsp_core::Timestamp;
use rsp_crypto::Curve;

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

/// What the software card is, is what the suite finds.
fn euicc(curve: Curve) {
    let (card, authority) = SoftwareCard::new(curve, NOW, None).unwrap();
    let mut bench = conform::euicc::Bench::new(Box::new(card), Some(authority), NOW, None);
    let report = conform::run(
        "euicc",
        conform::euicc::CASES,
        &mut bench,
        &Selection::default(),
        &Duration::default,
        &mut |_| {},
    );
    println!("{}", report.table());
    assert_eq!(report.count(Verdict::Failed), 0, "{}", report.table());
    assert_eq!(report.count(Verdict::Skipped), 0, "{}", report.table());
}

#[test]
fn the_software_card_passes_the_suite_for_euiccs() {
    euicc(Curve::NistP256);
}

#[test]
fn the_software_card_passes_the_suite_for_euiccs_on_brainpool() {
    euicc(Curve::BrainpoolP256r1);
}

/// Sections of SGP.23 in a text: `4.3.13.2.4/.7` and `4.3.16.2.5/6` are two.
fn sections(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("4.3.") {
        let rest = text.get(at..).unwrap_or_default();
        let end = rest.find(|c: char| !c.is_ascii_digit() && !"./".contains(c));
        let mut pieces = rest[..end.unwrap_or(rest.len())].split('/');
        let first = pieces.next().unwrap_or_default().trim_end_matches('.');
        found.insert(first.to_string());
        let parent = first.rsplit_once('.').map_or("", |(parent, _)| parent);
        let others = pieces.map(|last| last.trim_matches('.'));
        found.extend(
            others
                .filter(|l| !l.is_empty())
                .map(|last| format!("{parent}.{last}")),
        );
    }
    found
}

#[test]
fn the_suite_for_smdps_has_every_section_of_the_catalogue() {
    let test = "the_suite_for_smdps_has_every_section_of_the_catalogue";
    let Some(folder) = test_data::folder(test) else {
        return;
    };
    let page = std::fs::read_to_string(folder.join("spec/09-test-catalogue.md")).unwrap();
    let (_, after) = page.split_once("## 5.").unwrap();
    let (section, _) = after.split_once("## 6.").unwrap();
    let cases = ids(conform::smdp::CASES);
    let ours: BTreeSet<_> = cases.iter().flat_map(|id| sections(id)).collect();
    assert_eq!(ours, sections(section));
    // The rows that the catalogue counts: 01-09, 01-21, #1 to #21 without #18,
    // 01-13 in two sections, and the 17 of ES2+.
    let count = |prefix: &str| cases.iter().filter(|id| id.starts_with(prefix)).count();
    assert_eq!(count("4.3.12.2.1-"), 9);
    assert_eq!(count("4.3.14.2.1-"), 21);
    assert_eq!(count("4.3.14.2.2-"), 20);
    assert_eq!(count("4.3.13.2.4-") + count("4.3.13.2.7-"), 13);
    assert_eq!(count("ES2-"), 17);
    let once: BTreeSet<_> = cases.iter().collect();
    assert_eq!(once.len(), cases.len(), "an identifier twice");
}

fn ids<B>(groups: &[&[Case<B>]]) -> Vec<String> {
    let cases = groups.iter().flat_map(|group| group.iter());
    cases.map(|case| case.id.to_string()).collect()
}

/// Identifiers in the first column of the catalogue's tables, and of its list
/// of section 6; `EIM-13..16` stands for four.
fn rows(page: &str, prefix: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in page.lines() {
        let line = line.trim_start_matches(['|', '-', ' ']);
        let Some(rest) = line.strip_prefix(prefix).and_then(|r| r.strip_prefix('-')) else {
            continue;
        };
        let number = |text: &str| {
            let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<u32>().ok()
        };
        let Some(first) = number(rest) else { continue };
        let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let last = after.strip_prefix("..").and_then(number).unwrap_or(first);
        found.extend((first..=last).map(|n| format!("{prefix}-{n:02}")));
    }
    found
}

/// Both ways: no row without a case, no case without a row.
fn agrees(page: &str, prefix: &str, cases: Vec<String>) {
    let once: BTreeSet<String> = cases.iter().cloned().collect();
    assert_eq!(once.len(), cases.len(), "an identifier of {prefix} twice");
    assert_eq!(once, rows(page, prefix), "{prefix}");
}

#[test]
fn the_suites_and_the_catalogue_name_the_same_cases() {
    let test = "the_suites_and_the_catalogue_name_the_same_cases";
    let Some(folder) = test_data::folder(test) else {
        return;
    };
    let page = std::fs::read_to_string(folder.join("spec/09-test-catalogue.md")).unwrap();
    agrees(&page, "EUI", ids(conform::euicc::CASES));
    agrees(&page, "EIM", ids(conform::eim::CASES));
    agrees(&page, "IPA", ids(conform::ipad::CASES));
    agrees(&page, "COD", ids(&[conform::codec::CASES]));
}
