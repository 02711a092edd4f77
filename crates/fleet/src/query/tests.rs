//! The language as its users see it.

use rsp_core::Timestamp;

use super::random::{Random, device, query};
use super::*;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn parse(text: &str) -> Query {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn error(text: &str) -> String {
    text.parse::<Query>().unwrap_err().to_string()
}

#[test]
fn one_text_for_each_query() {
    for (text, canonical) in [
        ("", ""),
        ("TIER = Safety_Critical", "tier = safety_critical"),
        ("country==de", "country = DE"),
        ("country in (de,AT)", "country in (DE, AT)"),
        ("model <> 'RUT 9'", "model != \"RUT 9\""),
        ("model = 'not'", "model = \"not\""),
        ("model like RUT*", "model like RUT*"),
        ("model contains UT", "model like *UT*"),
        (
            "not (tag=a or tag=b) and last_contact > 48h",
            "not (tag = a or tag = b) and last_contact > 2d",
        ),
        (
            "tag = a or tag = b and tag = c",
            "tag = a or tag = b and tag = c",
        ),
        (
            "(tag = a or tag = b) and tag = c",
            "(tag = a or tag = b) and tag = c",
        ),
        ("((tag = a))", "tag = a"),
        ("not not tag not in (a)", "not not tag not in (a)"),
        ("cost >= 2.50", "cost >= 2.5"),
        ("rsrp < -110", "rsrp < -110"),
        ("created < 2026-01-31", "created < 2026-01-31T00:00:00Z"),
        ("last_contact not exists", "last_contact not exists"),
        ("imei = 49-015420-323751-8", "imei = 490154203237518"),
        ("managed = yes", "managed = true"),
        ("site = \"a \\\"b\\\" \\\\\"", "site = \"a \\\"b\\\" \\\\\""),
    ] {
        let query = parse(text);
        assert_eq!(query.to_string(), canonical, "{text}");
        assert_eq!(parse(canonical), query, "{text}");
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn errors_say_where_and_what_was_meant() {
    for (text, expected) in [
        (
            "teir = a",
            "at character 1: expected a field, found \"teir\" (did you mean tier?)",
        ),
        (
            "tier = safety",
            "at character 8: expected for tier: safety_critical, production_critical, \
             non_critical, found \"safety\" (did you mean safety_critical?)",
        ),
        (
            "tier",
            "at character 5: expected one of in exists = != not, found the end",
        ),
        (
            "tag = a tag = b",
            "at character 9: expected and, or, or the end, found \"tag\"",
        ),
        (
            "(tag = a",
            "at character 9: expected and, or, or a closing bracket, found the end",
        ),
        (
            "tag = a)",
            "at character 8: expected the end: no bracket is open here, found \")\"",
        ),
        (
            "model < a",
            "at character 7: expected =, !=, in or exists: model is neither number nor time, found \"<\"",
        ),
        (
            "model = 'a",
            "at character 9: expected a closing ', found the end",
        ),
        (
            "tag in ()",
            "at character 9: expected for tag: a text, found \")\"",
        ),
        (
            "last_contact = 2d",
            "at character 16: expected a date: an age is compared by <, <=, > or >=, found \"2d\"",
        ),
        (
            "last_contact > 2",
            "at character 16: expected for last_contact: an age such as 2d, or a date such as 2026-01-31, found \"2\"",
        ),
        (
            "model like a*b",
            "at character 12: expected a part of a text, with * before or behind it, found \"a*b\"",
        ),
        (
            "tier like a*",
            "at character 11: expected =, != or in: tier is no text, found \"a*\"",
        ),
        ("tag ! a", "at character 5: expected !=, found \"!\""),
        (
            "tag = a & b",
            "at character 9: expected a field, an operator or a value (texts with other characters in quotes), found '&'",
        ),
        (
            "country = UK",
            "at character 11: expected for country: a country such as DE, found \"UK\"",
        ),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
    assert!(error("country").contains("expected one of"));
}

#[test]
fn bounded_in_size_and_depth() {
    let deep = |depth: usize| format!("{}tag = a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(deep(DEEPEST - 1).parse::<Query>().is_ok());
    assert!(error(&deep(DEEPEST)).contains("32 conditions"));
    assert!(error(&format!("{}tag = a", "not ".repeat(200))).contains("32 conditions"));
    let many = |count: usize| format!("tag in ({})", vec!["a"; count].join(","));
    assert!(many(MOST_VALUES - 1).parse::<Query>().is_ok());
    assert!(error(&many(MOST_VALUES)).contains("500"));
    assert!(error(&"a".repeat(LONGEST_QUERY + 1)).contains("4096"));
    assert!(error(&format!("tag = {}", "a".repeat(129))).contains("a text"));
}

/// What is printed is read as the same, whatever it is.
#[test]
fn random_queries_are_read_as_they_are_printed() {
    let mut random = Random(7);
    for _ in 0..5_000 {
        let query = query(&mut random, NOW);
        let text = query.to_string();
        assert_eq!(text.parse::<Query>(), Ok(query), "{text}");
    }
}

#[test]
fn what_is_not_known_fits_nothing_but_its_opposite() {
    let mut record = Record::of(&device(&mut Random(1), 1));
    let finds = |record: &Record, text: &str| parse(text).finds(record, NOW);
    assert!(!finds(&record, "last_contact > 2d"));
    assert!(!finds(&record, "last_contact <= 2d"));
    assert!(finds(&record, "last_contact not exists"));
    assert!(finds(&record, "rat != gsm"));
    record.put(
        Field::LastContact,
        Some(Value::Time(Timestamp(NOW.0 - 3 * 86_400_000))),
    );
    assert!(finds(&record, "last_contact > 2d and last_contact < 4d"));
    assert!(finds(&record, "last_contact < 2030-01-01"));
    assert!(!finds(&record, "last_contact > 3d"));
    assert!(finds(&record, "last_contact >= 3d"));
    assert!(finds(&record, ""));
}

#[test]
fn one_of_several_values_is_enough() {
    let mut record = Record::default();
    for tag in ["pilot", "lab"] {
        record.put(Field::Tag, Some(Value::Text(tag.to_string())));
    }
    for (text, finds) in [
        ("tag = pilot", true),
        ("tag = pilot and tag = lab", true),
        ("tag != pilot", false),
        ("tag in (x, lab)", true),
        ("tag not in (x, y)", true),
        ("tag like l*", true),
        ("tag like *t", true),
        ("tag contains ilo", true),
        ("tag like *ilo", false),
        ("tag = Pilot", false),
    ] {
        assert_eq!(parse(text).finds(&record, NOW), finds, "{text}");
    }
}

#[test]
fn examples_are_queries() {
    for (text, _) in EXAMPLES {
        assert_eq!(parse(text).to_string(), *text);
    }
    for field in Field::ALL {
        assert!(parse(field.example()).condition().is_some());
    }
}

#[test]
fn what_could_go_on() {
    assert_eq!(complete("ti"), ["tier"]);
    assert_eq!(complete("tier = safe"), ["safety_critical"]);
    assert_eq!(complete("tier = non_critical a"), ["and"]);
    assert_eq!(
        complete("last_contact "),
        ["in", "exists", "=", "!=", "not", "<", "<=", ">", ">="]
    );
    assert!(complete("tier = non_critical and (").contains(&"country"));
    assert!(complete("model = x").is_empty());
    assert_eq!(complete("managed = "), ["true", "false"]);
}

/// The page on the language has the table as it is.
#[test]
fn the_page_is_up_to_date() {
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/search.md"));
    let page = page.unwrap();
    assert!(
        page.contains(&markdown()),
        "put this into docs/search.md:\n{}",
        markdown()
    );
    for (text, _) in EXAMPLES {
        assert!(page.contains(text), "{text}");
    }
}
