//! Answers for people and for programs.

use api::Page;
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
                    outln!("{title:width$}  {cell}");
                }
                Ok(())
            }
        }
    }
}

impl Output {
    /// Prints a page, and how to see the next one.
    pub(super) fn page<T: Shown>(self, page: &Page<T>) -> Result<(), Failure> {
        match self {
            Output::Json => json(page),
            Output::Table => {
                table(&page.items);
                if let Some(next) = &page.next {
                    eprintln!("there are more: --after {next}");
                }
                Ok(())
            }
        }
    }
}

/// Prints columns that are as wide as their longest cell.
pub(super) fn table<T: Shown>(items: &[T]) {
    let mut rows = vec![T::TITLES.iter().map(ToString::to_string).collect()];
    rows.extend(items.iter().map(Shown::cells));
    for line in lines(&rows) {
        outln!("{line}");
    }
}

fn lines(rows: &[Vec<String>]) -> Vec<String> {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let line: String = cells
            .map(|(cell, width)| format!("{cell:width$}  "))
            .collect();
        line.trim_end().to_string()
    };
    rows.iter().map(line).collect()
}

/// Prints a JSON value on a line.
pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Result<(), Failure> {
    let text = serde_json::to_string(value);
    outln!("{}", text.map_err(|error| Failure::new("output", error))?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        let row = |cells: [&str; 2]| cells.map(str::to_string).to_vec();
        let rows = [row(["EID", "NAME"]), row(["8904", ""]), row(["1", "ü"])];
        assert_eq!(lines(&rows), ["EID   NAME", "8904", "1     ü"]);
    }
}
