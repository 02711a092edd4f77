//! Comma-separated values (RFC 4180), as they come.

use super::reader::LONGEST_ROW;

/// Cells of a row at most.
const MOST_CELLS: usize = 256;

/// Takes characters, gives rows of cells.
#[derive(Debug, Default)]
pub(super) struct Cells {
    row: Vec<String>,
    cell: Vec<u8>,
    state: State,
    /// Octets of the row so far.
    size: usize,
    /// The line that is being read, from 1, and the one on which the row began.
    line: u64,
    began: u64,
    /// The row has something in it.
    begun: bool,
    /// A cell of the row is not in UTF-8.
    no_text: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Plain,
    Quoted,
    /// After a quote in quotes: the end, or half of one that is meant.
    Closing,
    /// After the closing quote.
    Closed,
}

/// A row, or why it is none.
pub(super) type CellRow = (u64, Result<Vec<String>, &'static str>);

impl Cells {
    /// The next octet; gives the row that it ends.
    pub(super) fn push(&mut self, octet: u8) -> Option<CellRow> {
        if !self.begun {
            self.began = self.line + 1;
        }
        if octet == b'\n' {
            self.line += 1;
        }
        self.size += 1;
        match (self.state, octet) {
            (State::Quoted, b'"') => self.state = State::Closing,
            (State::Quoted, octet) => self.keep(octet),
            (State::Closing, b'"') => {
                self.keep(b'"');
                self.state = State::Quoted;
            }
            (_, b'\n') => return self.end(),
            (_, b'\r') => {}
            (_, b',') => self.end_cell(),
            (State::Plain, b'"') if self.cell.trim_ascii().is_empty() => {
                self.cell.clear();
                self.begun = true;
                self.state = State::Quoted;
            }
            (State::Closing | State::Closed, b' ' | b'\t') => self.state = State::Closed,
            (State::Closing | State::Closed, octet) => {
                // Something behind the quotes: it is kept, and says so itself.
                self.keep(octet);
                self.state = State::Closed;
            }
            (State::Plain, octet) => self.keep(octet),
        }
        None
    }

    fn keep(&mut self, octet: u8) {
        self.begun |= !octet.is_ascii_whitespace() || self.state == State::Quoted;
        if self.size <= LONGEST_ROW {
            self.cell.push(octet);
        }
    }

    fn end_cell(&mut self) {
        self.begun = true;
        let cell = String::from_utf8(std::mem::take(&mut self.cell));
        self.no_text |= cell.is_err();
        self.row.push(cell.unwrap_or_default().trim().to_string());
        self.state = State::Plain;
    }

    /// The end of a row, or of the file; `None` of a line without anything.
    pub(super) fn end(&mut self) -> Option<CellRow> {
        let open = self.state == State::Quoted;
        if self.begun {
            self.end_cell();
        }
        let row = std::mem::take(&mut self.row);
        let line = std::mem::take(&mut self.began);
        let size = std::mem::take(&mut self.size);
        let begun = std::mem::take(&mut self.begun);
        let no_text = std::mem::take(&mut self.no_text);
        self.state = State::Plain;
        self.cell.clear();
        let checked = if size > LONGEST_ROW {
            Err("it is longer than 65536 octets")
        } else if row.len() > MOST_CELLS {
            Err("it has more than 256 cells")
        } else if open {
            Err("a quote is not closed")
        } else if no_text {
            Err("it is not in UTF-8")
        } else {
            Ok(row)
        };
        begun.then_some((line, checked))
    }
}
