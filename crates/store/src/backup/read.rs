//! A backup is read, and known to be one block by block.

use std::io::Read;

use flate2::read::DeflateDecoder;

use super::{BackupError, BackupHeader, FORM, LAST, MARK, Mark, row};
use crate::contract::StoreError;
use crate::engine::Row;
use crate::sql::Sealing;

/// The longest header.
const HEADER: usize = 1 << 20;

/// Reads blocks, one after the other.
pub(crate) struct Reader<'a> {
    input: &'a mut dyn Read,
    /// Octets that were read.
    at: u64,
    mark: Mark,
    sealing: &'a Sealing,
    counts: Vec<u64>,
    blocks: u64,
}

/// What a block holds.
pub(crate) enum Block {
    /// Rows of a table, by its place in the header.
    Rows(usize, Vec<Row>),
    /// The end; the rows of each table.
    End(Vec<u64>),
}

impl<'a> Reader<'a> {
    /// Reads what a backup begins with, and knows whether it is of this key.
    pub(crate) fn begin(
        sealing: &'a Sealing,
        input: &'a mut dyn Read,
    ) -> Result<(Self, BackupHeader), BackupError> {
        let mut reader = Reader {
            input,
            at: 0,
            mark: [0; MARK],
            sealing,
            counts: Vec::new(),
            blocks: 0,
        };
        let not_one = || BackupError::NotOne(FORM.trim_end());
        let begin = reader.octets(FORM.len(), "its first line");
        let mut begin = begin.map_err(|error| match error {
            BackupError::CutOff { .. } => not_one(),
            error => error,
        })?;
        if begin != FORM.as_bytes() {
            return Err(not_one());
        }
        while begin.len() < HEADER {
            let octet = reader.octets(1, "its header")?;
            begin.extend(&octet);
            if octet == b"\n" {
                break;
            }
        }
        let altered = |what| BackupError::Altered {
            at: 0,
            place: "its header".to_string(),
            what,
        };
        let header = begin.get(FORM.len()..).unwrap_or_default();
        let header = serde_json::from_slice::<BackupHeader>(header);
        let header = header.map_err(|_| altered("is no header"))?;
        sealing
            .check_backup(&header.key)
            .map_err(|error| match error {
                StoreError::OtherKey => BackupError::OtherKey,
                _ => altered("names no key"),
            })?;
        reader.check(&begin, "its header", 0)?;
        reader.counts = vec![0; header.tables.len()];
        Ok((reader, header))
    }

    /// So many octets, and no memory for more than there are.
    fn octets(&mut self, length: usize, place: &str) -> Result<Vec<u8>, BackupError> {
        let mut octets = Vec::new();
        let wanted = u64::try_from(length).unwrap_or(u64::MAX);
        let read = (&mut *self.input).take(wanted).read_to_end(&mut octets);
        let read = read.map_err(|error| BackupError::Read { at: self.at, error })?;
        self.at += u64::try_from(read).unwrap_or_default();
        match octets.len() == length {
            true => Ok(octets),
            false => Err(BackupError::CutOff {
                at: self.at,
                place: place.to_string(),
            }),
        }
    }

    /// Holds the next mark against what was read before.
    fn check(&mut self, octets: &[u8], place: &str, at: u64) -> Result<(), BackupError> {
        let mark = self.octets(MARK, place)?;
        self.mark = self.sealing.backup_mark(&self.mark, octets);
        match mark == self.mark {
            true => Ok(()),
            false => Err(BackupError::Altered {
                at,
                place: place.to_string(),
                what: "does not have its mark",
            }),
        }
    }

    /// The next block; after the end there is none.
    pub(crate) fn next(&mut self, header: &BackupHeader) -> Result<Block, BackupError> {
        self.blocks += 1;
        let (at, place) = (self.at, format!("block {}", self.blocks));
        let mut block = self.octets(4, &place)?;
        let length = block.first_chunk().copied().unwrap_or_default();
        let length = u32::from_be_bytes(length);
        let is_last = length & LAST != 0;
        let length = usize::try_from(length & !LAST).unwrap_or(usize::MAX);
        block.extend(self.octets(length, &place)?);
        self.check(&block, &place, at)?;
        let altered = |what| BackupError::Altered { at, place, what };
        let body = block.get(4..).unwrap_or_default();
        if is_last {
            return self.end(body, altered);
        }
        let read = rows(body, header).ok_or("holds no rows of its tables");
        let (table, rows) = read.map_err(altered)?;
        if let Some(count) = self.counts.get_mut(table) {
            *count += u64::try_from(rows.len()).unwrap_or_default();
        }
        Ok(Block::Rows(table, rows))
    }

    fn end(
        &mut self,
        body: &[u8],
        altered: impl FnOnce(&'static str) -> BackupError,
    ) -> Result<Block, BackupError> {
        let counts = body.as_chunks::<8>().0.iter().copied();
        let counts: Vec<u64> = counts.map(u64::from_be_bytes).collect();
        if counts != self.counts {
            return Err(altered("counts other rows than there are"));
        }
        let mut more = [0];
        let read = self.input.read(&mut more);
        match read.map_err(|error| BackupError::Read { at: self.at, error })? {
            0 => Ok(Block::End(counts)),
            _ => Err(altered("is the last one, and more follows")),
        }
    }
}

/// The rows of a block, whose mark is right.
fn rows(body: &[u8], header: &BackupHeader) -> Option<(usize, Vec<Row>)> {
    let (table, body) = body.split_first_chunk()?;
    let (count, body) = body.split_first_chunk()?;
    let (table, count) = (
        usize::from(u16::from_be_bytes(*table)),
        u32::from_be_bytes(*count),
    );
    let columns = header.tables.get(table)?.columns.len();
    let mut octets = Vec::new();
    DeflateDecoder::new(body).read_to_end(&mut octets).ok()?;
    let mut from = octets.as_slice();
    let rows: Option<Vec<Row>> = (0..count).map(|_| row::take(&mut from, columns)).collect();
    rows.filter(|_| from.is_empty()).map(|rows| (table, rows))
}
