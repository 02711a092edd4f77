//! From octets to devices.

use std::collections::VecDeque;

use super::columns::{self, Column};
use super::csv::{CellRow, Cells};
use super::error::RowError;
use super::json::{ObjectText, Objects};
use crate::inventory::Device;

/// The longest row, in octets.
pub const LONGEST_ROW: usize = 65_536;

/// A device, and the line on which it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line, from 1.
    pub line: u64,
    /// The device, with what the eIM is to know of its eUICCs.
    pub device: Device,
}

/// Takes a file as it comes and gives rows. Which of the three forms it has is seen
/// by its first character.
#[derive(Debug, Default)]
pub struct Reader {
    form: Form,
    rows: VecDeque<Result<Row, RowError>>,
    /// Empty lines before the first character.
    skipped: u64,
    /// Octets of a byte order mark so far.
    mark: usize,
}

#[derive(Debug, Default)]
enum Form {
    #[default]
    Unknown,
    Json(Objects),
    Header(Cells),
    Csv(Cells, Vec<Column>),
    /// The header cannot be used.
    Dead,
}

const BYTE_ORDER_MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];

impl Reader {
    /// Takes the next part of the file.
    pub fn push(&mut self, part: &[u8]) {
        for octet in part {
            self.take(*octet);
        }
    }

    /// The next row that is whole, or what is wrong with it.
    pub fn next_row(&mut self) -> Option<Result<Row, RowError>> {
        self.rows.pop_front()
    }

    /// The file is at its end.
    pub fn finish(&mut self) {
        match &mut self.form {
            Form::Json(objects) => {
                let last = objects.end();
                self.object(last);
            }
            Form::Header(cells) | Form::Csv(cells, _) => {
                let last = cells.end();
                self.cells(last);
            }
            Form::Unknown | Form::Dead => {}
        }
    }

    fn take(&mut self, octet: u8) {
        if matches!(self.form, Form::Unknown) {
            if BYTE_ORDER_MARK.get(self.mark) == Some(&octet) && self.skipped == 0 {
                self.mark += 1;
                return;
            }
            if octet.is_ascii_whitespace() {
                self.skipped += u64::from(octet == b'\n');
                return;
            }
            self.begin(octet);
        }
        match &mut self.form {
            Form::Json(objects) => {
                let whole = objects.push(octet);
                self.object(whole);
            }
            Form::Header(cells) | Form::Csv(cells, _) => {
                let whole = cells.push(octet);
                self.cells(whole);
            }
            Form::Unknown | Form::Dead => {}
        }
    }

    fn begin(&mut self, octet: u8) {
        self.form = match octet {
            b'{' | b'[' => Form::Json(Objects::new(octet == b'[')),
            _ => Form::Header(Cells::default()),
        };
    }

    fn object(&mut self, whole: Option<ObjectText>) {
        let Some((line, text)) = whole else {
            return;
        };
        let line = line + self.skipped;
        let device = match text {
            Ok(text) => columns::from_json(line, &text),
            Err(what) => Err(RowError::new(
                line,
                what,
                "split it, or leave something out",
            )),
        };
        self.rows
            .push_back(device.map(|device| Row { line, device }));
    }

    fn cells(&mut self, whole: Option<CellRow>) {
        let Some((line, row)) = whole else {
            return;
        };
        let line = line + self.skipped;
        let remedy = "correct the line; texts with commas, quotes or line breaks stand in quotes";
        let row = row.map_err(|what| RowError::new(line, what, remedy));
        match &mut self.form {
            Form::Header(cells) => {
                let cells = std::mem::take(cells);
                match row.and_then(|row| columns::header(line, &row)) {
                    Ok(columns) => self.form = Form::Csv(cells, columns),
                    Err(error) => {
                        self.rows.push_back(Err(error));
                        self.form = Form::Dead;
                    }
                }
            }
            Form::Csv(_, columns) => {
                let device = row.and_then(|row| columns::from_cells(line, columns, &row));
                self.rows
                    .push_back(device.map(|device| Row { line, device }));
            }
            _ => {}
        }
    }
}
