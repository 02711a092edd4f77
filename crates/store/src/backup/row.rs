//! Rows as octets: for each column its kind and, if it has any, its value.

use crate::engine::{Column, Row};

const NULL: u8 = 0;
const INTEGER: u8 = 1;
const TEXT: u8 = 2;
const OCTETS: u8 = 3;

/// Appends a row.
pub(super) fn put(row: &Row, to: &mut Vec<u8>) {
    for column in row {
        match column {
            Column::Null => to.push(NULL),
            Column::Integer(integer) => {
                to.push(INTEGER);
                to.extend(integer.to_be_bytes());
            }
            Column::Text(text) => put_octets(TEXT, text.as_bytes(), to),
            Column::Octets(octets) => put_octets(OCTETS, octets, to),
        }
    }
}

fn put_octets(kind: u8, octets: &[u8], to: &mut Vec<u8>) {
    to.push(kind);
    // A database holds no value of that size.
    let length = u32::try_from(octets.len()).unwrap_or(u32::MAX);
    to.extend(length.to_be_bytes());
    to.extend(octets);
}

/// Takes a row of so many columns; `None` if there is none of that form.
pub(super) fn take(from: &mut &[u8], columns: usize) -> Option<Row> {
    (0..columns).map(|_| column(from)).collect()
}

fn column(from: &mut &[u8]) -> Option<Column> {
    let (kind, rest) = from.split_first()?;
    *from = rest;
    Some(match *kind {
        NULL => Column::Null,
        INTEGER => {
            let (integer, rest) = from.split_first_chunk()?;
            *from = rest;
            Column::Integer(i64::from_be_bytes(*integer))
        }
        TEXT => Column::Text(String::from_utf8(octets(from)?).ok()?),
        OCTETS => Column::Octets(octets(from)?),
        _ => return None,
    })
}

fn octets(from: &mut &[u8]) -> Option<Vec<u8>> {
    let (length, rest) = from.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (octets, rest) = rest.split_at_checked(length)?;
    *from = rest;
    Some(octets.to_vec())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_row_comes_back_and_half_of_one_does_not() {
        let row = vec![
            Column::Null,
            Column::Integer(-5),
            Column::Text("ä".to_string()),
            Column::Octets(vec![0, 255]),
        ];
        let mut octets = Vec::new();
        put(&row, &mut octets);
        let mut from = octets.as_slice();
        assert!(take(&mut from, 4).unwrap() == row && from.is_empty());
        for length in 0..octets.len() {
            assert!(take(&mut octets.get(..length).unwrap(), 4).is_none());
        }
        assert!(take(&mut [9_u8].as_slice(), 1).is_none());
    }
}
