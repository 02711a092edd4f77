//! What is wrong with a file, line by line.

use serde::{Deserialize, Serialize};

/// Errors that a report names one by one.
const MOST_NAMED: usize = 1000;

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowError {
    /// The line on which the row begins, from 1.
    pub line: u64,
    /// The column or member, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl RowError {
    pub(super) fn new(line: u64, what: impl ToString, remedy: &str) -> Self {
        RowError {
            line,
            column: None,
            what: what.to_string(),
            remedy: remedy.to_string(),
        }
    }

    pub(super) fn in_column(self, column: &str) -> Self {
        RowError {
            column: Some(column.chars().take(60).collect()),
            ..self
        }
    }
}

impl std::fmt::Display for RowError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = &self.column {
            write!(f, ", {column}")?;
        }
        write!(f, ": {} ({})", self.what, self.remedy)
    }
}

/// What became of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Rows that were read.
    pub rows: u64,
    /// How many of them are wrong. If one is, nothing of the file is taken.
    pub wrong: u64,
    /// The first thousand things that are wrong.
    pub errors: Vec<RowError>,
}

impl Report {
    /// One thing more is wrong.
    pub fn add(&mut self, error: RowError) {
        self.wrong += 1;
        if self.errors.len() < MOST_NAMED {
            self.errors.push(error);
        }
    }
}
