//! What is wrong with a query, and where.

use std::fmt;

/// A text that is no query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    /// Where, in characters from 0.
    pub at: usize,
    /// What should stand there.
    pub expected: String,
    /// What does.
    pub found: String,
    /// What may have been meant.
    pub meant: Option<&'static str>,
    /// What could go on here, for completion.
    pub(super) choices: Vec<&'static str>,
}

impl QueryError {
    pub(super) fn new(at: usize, expected: impl Into<String>, found: impl Into<String>) -> Self {
        QueryError {
            at,
            expected: expected.into(),
            found: found.into(),
            meant: None,
            choices: Vec::new(),
        }
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let QueryError {
            at,
            expected,
            found,
            ..
        } = self;
        write!(
            f,
            "at character {}: expected {expected}, found {found}",
            at + 1
        )?;
        match self.meant {
            Some(meant) => write!(f, " (did you mean {meant}?)"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for QueryError {}
