//! The language for people: from the table of fields.

use std::fmt::Write;

use super::field::{Field, FieldType};

/// Examples of whole queries, each with what it finds.
pub const EXAMPLES: &[(&str, &str)] = &[
    (
        "tier = safety_critical and country in (DE, AT) and last_contact > 2d",
        "what must not be silent, and has been for more than two days",
    ),
    (
        "model like RUT* and not (tag = pilot or tag = lab)",
        "routers whose model begins with RUT, those of two groups left out",
    ),
    (
        "managed = true and last_contact not exists",
        "devices that never came",
    ),
    (
        "free_memory < 65536 and standard = sgp32",
        "eUICCs for IoT on which no large profile fits any more",
    ),
    (
        "network like 262* and registration = roaming and rsrp < -110",
        "visitors with a weak signal on German networks",
    ),
    (
        "iccid = 89490000000000000017",
        "the device that has this profile",
    ),
];

/// The fields as rows of a table in Markdown.
pub fn markdown() -> String {
    let mut table = String::from("| field | holds | what it is | example |\n|---|---|---|---|\n");
    for field in Field::ALL {
        let many = if field.has_many() { ", several" } else { "" };
        let _ = writeln!(
            table,
            "| `{}` | {}{many} | {} | `{}` |",
            field.name(),
            holds(*field),
            field.help(),
            field.example(),
        );
    }
    table
}

fn holds(field: Field) -> String {
    match field.kind() {
        FieldType::Text => "text".to_string(),
        FieldType::Identity(_) => "digits".to_string(),
        FieldType::Name(names) => {
            let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            names.join(" ")
        }
        FieldType::Country => "country".to_string(),
        FieldType::Number => "number".to_string(),
        FieldType::Span => "span".to_string(),
        FieldType::Time => "time".to_string(),
        FieldType::Truth => "`true` `false`".to_string(),
    }
}

/// The language in a page of a terminal: examples and fields.
pub fn help() -> String {
    let mut text = String::from("Examples:\n");
    for (query, finds) in EXAMPLES {
        let _ = writeln!(text, "  {query}\n      {finds}");
    }
    text.push_str(
        "\nOperators: = != < <= > >= in (…) like contains exists, each but the signs with not;\n\
         and, or, not, brackets. Texts with spaces stand in quotes; like takes * at either end.\n\
         Ages and spans: 90s 15m 12h 2d 3w. Dates: 2026-01-31, 2026-01-31T08:00:00Z.\n\nFields:\n",
    );
    for field in Field::ALL {
        let _ = writeln!(text, "  {:15} {}", field.name(), field.help());
    }
    text
}
