//! The page of the documentation.

use super::family::{ALL, Family};

#[test]
fn the_page_has_each_metric_as_it_is() {
    let page = include_str!("../../../../docs/metrics.md");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    // Of four columns: what labels mean is told in tables of three.
    let rows = rows.filter(|line| line.split('|').count() == 6);
    let rows: Vec<&str> = rows.collect();
    let row = |family: &Family| {
        let labels = family.labels.iter().map(|label| format!("`{label}`"));
        let labels: Vec<String> = labels.collect();
        let (name, kind, help) = (family.name, family.kind.name(), family.help);
        match labels.is_empty() {
            true => format!("| `{name}` | {kind} | | {help} |"),
            false => format!("| `{name}` | {kind} | {} | {help} |", labels.join(", ")),
        }
    };
    let expected: Vec<String> = ALL.iter().map(row).collect();
    assert_eq!(rows, expected);
}
