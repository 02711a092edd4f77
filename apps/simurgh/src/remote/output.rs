//! Answers for people and for programs.

use serde::Serialize;

use crate::Failure;

/// How an answer is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Output {
    /// Columns for people
    Table,
    /// One JSON value for programs
    Json,
}

/// Something with columns.
pub(super) trait Shown: Serialize {
    /// Titles of the columns.
    const TITLES: &'static [&'static str];

    /// Its cells, as many as there are titles.
    fn cells(&self) -> Vec<String>;
}

impl Output {
    /// Prints one thing.
    pub(super) fn one<T: Shown>(self, value: &T) -> Result<(), Failure> {
        match self {
            Output::Json => json(value),
            Output::Table => {
                let width = T::TITLES.iter().map(|title| title.len()).max();
                let width = width.unwrap_or_default();
                for (title, cell) in T::TITLES.iter().zip(value.cells()) {
                    println!("{title:width$}  {cell}");
                }
                Ok(())
            }
        }
    }
}

/// Prints a JSON value on a line.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<(), Failure> {
    let text = serde_json::to_string(value);
    println!("{}", text.map_err(|error| Failure::new("output", error))?);
    Ok(())
}
