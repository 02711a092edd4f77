//! `spec/coverage.toml`: where each function, code and alternative of the
//! standards stands in the code, and the test that fails when it breaks.
//!
//! What must have a row is read from the types of rsp-asn1, which are complete
//! (`crates/rsp-asn1/tests/modules.rs`), so nobody can forget one.

mod required;
mod table;

use crate::process::{self, Failure};
use crate::tidy::{self, File};
use table::{Proof, Row, Table};

/// Where the table is.
pub(crate) const PATH: &str = "spec/coverage.toml";

/// Prints how much is covered, and what is missing by name.
///
/// # Errors
///
/// [`Failure::Failed`] when the table is missing or cannot be read.
pub(crate) fn report() -> Result<(), Failure> {
    let root = process::root()?;
    let files = tidy::files(&root)?;
    let text = text(&files).ok_or_else(|| Failure::Failed(format!("{PATH} is missing")))?;
    let (table, breaches) = table::read(text);
    for breach in breaches {
        eprintln!("{PATH}:{breach}");
    }
    print!("{}", summary(&table));
    Ok(())
}

/// Rows that are missing, that nothing asks for, or whose module or test is
/// not there.
pub(crate) fn check(files: &[File]) -> Vec<String> {
    let Some(text) = text(files) else {
        return vec![format!("{PATH} is missing")];
    };
    let (table, mut breaches) = table::read(text);
    let required = required::rows(files);
    let found = |table_name: &str, name: &str| {
        let mut rows = table.rows.iter();
        rows.any(|row| row.table == table_name && row.name == name)
    };
    for (table_name, name) in &required {
        if !found(table_name, name) {
            breaches.push(format!(" [{table_name}] has no row {name}"));
        }
    }
    let known = |row: &Row| {
        let mut names = required.iter();
        required::is_free(&row.table) || names.any(|(t, n)| *t == row.table && *n == row.name)
    };
    for row in table.rows.iter().filter(|row| !known(row)) {
        let (line, table_name, name) = (row.line, &row.table, &row.name);
        breaches.push(format!("{line}: no type has [{table_name}] {name}"));
    }
    breaches.extend(table.modules.iter().filter_map(|(line, module)| {
        let there = files.iter().any(|f| is_or_is_in(&f.path, module));
        (!there).then(|| format!("{line}: {module} does not exist"))
    }));
    breaches.extend(table.rows.iter().filter_map(|row| dangling(row, files)));
    let breaches = breaches.into_iter();
    breaches.map(|breach| format!("{PATH}:{breach}")).collect()
}

fn text(files: &[File]) -> Option<&str> {
    let file = files.iter().find(|file| file.path == PATH)?;
    Some(&file.text)
}

fn is_or_is_in(path: &str, module: &str) -> bool {
    path.strip_prefix(module)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Why the test of a row is none.
fn dangling(row: &Row, files: &[File]) -> Option<String> {
    let Proof::Test { path, name } = &row.proof else {
        return None;
    };
    let line = row.line;
    let Some(file) = files.iter().find(|file| file.path == *path) else {
        return Some(format!("{line}: {path} does not exist"));
    };
    (!has_test(&file.text, name)).then(|| format!("{line}: {path} has no test {name}"))
}

/// Whether a text has a function of this name under a `#[test]`.
fn has_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
    let function = format!("fn {name}(");
    lines.iter().enumerate().any(|(index, line)| {
        let is_function = line.starts_with(&function) || line.contains(&format!(" {function}"));
        let above = lines.get(..index).unwrap_or_default().iter().rev();
        is_function
            && above
                .take_while(|line| line.starts_with("#[") || line.starts_with("///"))
                .any(|line| line.starts_with("#[") && line.contains("test"))
    })
}

/// The count of each table, the percentage, and every row without a test.
fn summary(table: &Table) -> String {
    let mut text = String::new();
    for name in table.names() {
        let rows = || table.rows.iter().filter(|row| row.table == name);
        let covered = rows().filter(|row| row.is_covered()).count();
        let counted = rows().filter(|row| row.counts()).count();
        text += &format!("{name:44} {covered:4} of {counted:4}\n");
    }
    let missing = table.rows.iter().filter_map(|row| match &row.proof {
        Proof::Missing(why) => Some(format!("missing  {}.{}: {why}\n", row.table, row.name)),
        _ => None,
    });
    let idle = table.rows.iter().filter_map(|row| match &row.proof {
        Proof::Idle(why) => Some(format!("not used {}.{}: {why}\n", row.table, row.name)),
        _ => None,
    });
    text.extend(idle);
    text.extend(missing);
    let covered = table.rows.iter().filter(|row| row.is_covered()).count();
    let counted = table.rows.iter().filter(|row| row.counts()).count();
    let tenths = (covered * 1000).checked_div(counted).unwrap_or(0);
    let (whole, tenth) = (tenths / 10, tenths % 10);
    text + &format!("{covered} of {counted} rows covered: {whole}.{tenth} %\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    const TYPES: &str = "named_integer! {\n    /// Codes.\n    pub struct Code {\n        \
                         REPLAY_ERROR = 4,\n        /// Else.\n        UNDEFINED_ERROR = 127,\n    }\n}\n";

    fn breaches(table: &str) -> Vec<String> {
        check(&[
            file("crates/rsp-asn1/src/sgp32/a.rs", TYPES),
            file("crates/a/src/lib.rs", ""),
            file(
                "crates/a/tests/t.rs",
                "/// EUI-1.\n#[test]\nfn replayed() {}\n\nfn helper() {}\n",
            ),
            file(PATH, table),
        ])
    }

    const WHOLE: &str = "\
# A comment.
[Code]
section = \"SGP.32 5.9.1\"
module = \"crates/a/src\"
replayError = \"crates/a/tests/t.rs::replayed\"
undefinedError = \"not used: nothing makes it\"
";

    #[test]
    fn a_whole_table_is_in_order() {
        assert_eq!(breaches(WHOLE), [""; 0]);
    }

    #[test]
    fn missing_and_dangling_rows_are_noticed() {
        for (from, to, expected) in [
            (
                "undefinedError = \"not used: nothing makes it\"\n",
                "",
                "has no row undefinedError",
            ),
            (
                "undefinedError",
                "otherError",
                "no type has [Code] otherError",
            ),
            ("::replayed", "::helper", "has no test helper"),
            ("::replayed", "::gone", "has no test gone"),
            ("tests/t.rs", "tests/u.rs", "tests/u.rs does not exist"),
            (
                "crates/a/src",
                "crates/b/src",
                "crates/b/src does not exist",
            ),
            ("section = \"SGP.32 5.9.1\"\n", "", "[Code] has no section"),
            ("replayError =", "replayError", "not `name = \"value\"`"),
        ] {
            let found = breaches(&WHOLE.replace(from, to));
            assert!(
                found.iter().any(|b| b.contains(expected)),
                "{to}: {found:?}"
            );
        }
    }

    #[test]
    fn the_percentage_leaves_out_what_nothing_can_show() {
        let (table, _) =
            table::read(&WHOLE.replace("[Code]", "[Code]\nanother = \"missing: later\""));
        let text = summary(&table);
        assert!(text.ends_with("1 of 2 rows covered: 50.0 %\n"), "{text}");
        assert!(text.contains("missing  Code.another: later"), "{text}");
        assert!(text.contains("not used Code.undefinedError"), "{text}");
    }
}
