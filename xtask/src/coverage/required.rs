//! What must have a row: read from the types of rsp-asn1.

use crate::tidy::File;

/// A standard: where its types are, and the table of its requests.
struct Standard {
    folder: &'static str,
    functions: &'static str,
    /// Whether each alternative of a CHOICE has a row: of SGP.22 only functions
    /// and codes, because its messages are the functions'.
    alternatives: bool,
}

const SGP_32: Standard = Standard {
    folder: "crates/rsp-asn1/src/sgp32/",
    functions: "functions-of-sgp32",
    alternatives: true,
};

const SGP_22: Standard = Standard {
    folder: "crates/rsp-asn1/src/rsp/",
    functions: "functions-of-sgp22",
    alternatives: false,
};

/// Messages that begin a function although no `Request` ends their names.
const ALSO_REQUESTS: [&str; 5] = [
    "BoundProfilePackage",
    "HandleNotification",
    "HandleNotificationEsipa",
    "ProvideEimPackageResult",
    "ProfileDownloadTriggerResult",
];

/// Whether the rows of a table are for their author to choose: what no type
/// tells.
pub(super) fn is_free(table: &str) -> bool {
    table.starts_with("mechanisms") || table.starts_with("status-codes")
}

/// Tables and rows that must be there.
pub(super) fn rows(files: &[File]) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for file in files {
        for standard in [SGP_32, SGP_22] {
            if file.path.starts_with(standard.folder) {
                rows_of(&file.text, &standard, &mut rows);
            }
        }
    }
    rows
}

/// What is being read of a file.
enum Inside {
    Nothing,
    Codes(String),
    Alternatives(String),
}

fn rows_of(text: &str, standard: &Standard, rows: &mut Vec<(String, String)>) {
    let mut macro_name = "";
    let mut inside = Inside::Nothing;
    for line in text.lines() {
        let words = line.trim();
        if let Some(name) = line.strip_suffix("! {") {
            macro_name = name;
        } else if line == "}" {
            macro_name = "";
            inside = Inside::Nothing;
        } else if let Some((name, tagged)) = declared(words) {
            if tagged && is_request(name) {
                rows.push((standard.functions.to_owned(), name.to_owned()));
            }
            inside = match macro_name {
                "named_integer" => Inside::Codes(name.to_owned()),
                "choice" if standard.alternatives => Inside::Alternatives(name.to_owned()),
                _ => Inside::Nothing,
            };
        } else {
            let row = match &inside {
                Inside::Nothing => None,
                Inside::Codes(of) => code(words).map(|name| (of.clone(), name)),
                Inside::Alternatives(of) => alternative(words).map(|name| (of.clone(), name)),
            };
            rows.extend(row);
        }
    }
}

/// The name of a declared type, and whether it has a tag of its own.
fn declared(line: &str) -> Option<(&str, bool)> {
    let rest = line
        .strip_prefix("pub struct ")
        .or_else(|| line.strip_prefix("pub enum "))?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric())?;
    let (name, rest) = rest.split_at(end);
    Some((name, rest.starts_with(": 0x")))
}

fn is_request(name: &str) -> bool {
    name.ends_with("Request")
        || name.ends_with("RequestEsipa")
        || name.ends_with("RequestEs9")
        || ALSO_REQUESTS.contains(&name)
}

/// `REPLAY_ERROR = 4,` is `replayError`, as the module spells it.
fn code(line: &str) -> Option<String> {
    let (name, number) = line.split_once(" = ")?;
    let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if !name.chars().all(is_name) || !number.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let mut spelled = String::new();
    for (index, word) in name.split('_').enumerate() {
        let lower = word.to_ascii_lowercase();
        match (index, lower.chars().next()) {
            (1.., Some(first)) => {
                spelled.push(first.to_ascii_uppercase());
                spelled.extend(lower.chars().skip(1));
            }
            _ => spelled += &lower,
        }
    }
    Some(spelled)
}

/// `GetRat(Null) = 0xA6,` is `getRat`.
fn alternative(line: &str) -> Option<String> {
    let (name, _) = line.split_once('(')?;
    let first = name.chars().next().filter(char::is_ascii_uppercase)?;
    if name == "Unknown" || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
        return None;
    }
    let rest = name.chars().skip(1);
    Some(
        std::iter::once(first.to_ascii_lowercase())
            .chain(rest)
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_alternatives_and_functions_are_found() {
        let text = "\
choice! {
    /// `Psmo` (SGP.32 2.11.1.1.3).
    pub enum Psmo {
        GetRat(Null) = 0xA6,
        Unknown(Any),
    }
}

sequence! {
    pub struct GetCertsRequest: 0xBF56 {
        euicc_ci_pk_id: Option<Key>,
    }
}

named_integer! {
    pub struct GetCertsError {
        INVALID_CI_PK_ID = 1,
    }
}
";
        let mut rows = Vec::new();
        rows_of(text, &SGP_32, &mut rows);
        let expected = [
            ("Psmo", "getRat"),
            (SGP_32.functions, "GetCertsRequest"),
            ("GetCertsError", "invalidCiPkId"),
        ];
        assert_eq!(rows, expected.map(|(t, n)| (t.to_owned(), n.to_owned())));
        rows.clear();
        rows_of(text, &SGP_22, &mut rows);
        assert_eq!(rows.len(), 2);
    }
}
