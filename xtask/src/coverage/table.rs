//! The form of the table: TOML of tables and strings, nothing else.

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) rows: Vec<Row>,
    /// Modules that tables name, with the line.
    pub(super) modules: Vec<(usize, String)>,
}

/// One row.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) line: usize,
    pub(super) table: String,
    pub(super) name: String,
    pub(super) proof: Proof,
}

/// What shows that a row is true.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Proof {
    Test {
        path: String,
        name: String,
    },
    /// Nothing yet, and why.
    Missing(String),
    /// Nothing of ours makes it or could be made to, and why.
    Idle(String),
}

impl Row {
    pub(super) fn is_covered(&self) -> bool {
        matches!(self.proof, Proof::Test { .. })
    }

    pub(super) fn counts(&self) -> bool {
        !matches!(self.proof, Proof::Idle(_))
    }
}

impl Table {
    /// The names of the tables, in order.
    pub(super) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.rows.iter().map(|row| row.table.as_str()).collect();
        names.dedup();
        names
    }
}

/// Reads the table; what cannot be read is told with its line.
pub(super) fn read(text: &str) -> (Table, Vec<String>) {
    let mut table = Table::default();
    let mut breaches = Vec::new();
    let mut current = Heading::default();
    for (index, line) in text.lines().enumerate() {
        let (number, line) = (index + 1, line.trim());
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            breaches.extend(current.complaint());
            current = Heading {
                name: name.to_owned(),
                line: number,
                ..Heading::default()
            };
            continue;
        }
        let Some((name, value)) = key_and_value(line) else {
            breaches.push(format!("{number}: not `name = \"value\"`"));
            continue;
        };
        match name {
            "section" => current.has_section = true,
            "module" => {
                current.has_module = true;
                table.modules.push((number, value.to_owned()));
            }
            name => match proof(value) {
                Some(proof) => table.rows.push(Row {
                    line: number,
                    table: current.name.clone(),
                    name: name.to_owned(),
                    proof,
                }),
                None => breaches.push(format!(
                    "{number}: neither `path::test` nor `missing: why` nor `not used: why`"
                )),
            },
        }
    }
    breaches.extend(current.complaint());
    (table, breaches)
}

/// The table that is being read.
#[derive(Default)]
struct Heading {
    name: String,
    line: usize,
    has_section: bool,
    has_module: bool,
}

impl Heading {
    fn complaint(&self) -> Option<String> {
        let lacks = match (self.has_section, self.has_module) {
            _ if self.name.is_empty() => return None,
            (true, true) => return None,
            (false, _) => "section",
            (true, false) => "module",
        };
        Some(format!("{}: [{}] has no {lacks}", self.line, self.name))
    }
}

fn key_and_value(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let value = value.trim().strip_prefix('"')?.strip_suffix('"')?;
    (!value.contains('"')).then_some((name.trim(), value))
}

fn proof(value: &str) -> Option<Proof> {
    if let Some(why) = value.strip_prefix("missing: ") {
        return Some(Proof::Missing(why.to_owned()));
    }
    if let Some(why) = value.strip_prefix("not used: ") {
        return Some(Proof::Idle(why.to_owned()));
    }
    let (path, name) = value.split_once("::")?;
    Some(Proof::Test {
        path: path.to_owned(),
        name: name.to_owned(),
    })
}
